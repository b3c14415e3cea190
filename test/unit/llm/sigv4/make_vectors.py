"""Writes vectors.jsonl: random requests, signed by botocore, for test_sigv4.c.

    build/venv/bin/python test/unit/llm/sigv4/make_vectors.py > test/unit/llm/sigv4/vectors.jsonl
"""
import datetime
import hashlib
import json
import random
import string
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

COUNT = 150
UNRESERVED = string.ascii_letters + string.digits + "-._~"
TEXT = UNRESERVED + " :/?#[]@!$&'()*+,;=%\"<>\\^`{|}äß€漢🙂"
random.seed(20261123)


def text(most, letters=TEXT):
    return "".join(random.choices(letters, k=random.randint(1, most)))


def model():
    return random.choice([
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-v1:0",
        "arn:aws:bedrock:eu-west-3:123456789012:application-inference-profile/abc123",
        text(40),
    ])


def path():
    kind = random.randrange(10)
    if kind == 0:  # what a careless sender might send: dots and doubled slashes
        return "/" + "/".join(random.choices(["", ".", "..", "a", "b%2Fc", "d"], k=random.randint(1, 6)))
    safe = random.choice(["", "", "", ":", ":@!$&'()*+,;="])
    return "/model/" + urllib.parse.quote(model(), safe=safe) + random.choice(
        ["/converse", "/converse-stream", "/invoke", ""])


def query():
    pairs = [(text(6), text(8) if random.random() < 0.8 else "") for _ in range(random.choice([0, 0, 0, 1, 3, 6]))]
    return "&".join(urllib.parse.quote(n, safe="") + "=" + urllib.parse.quote(v, safe="") for n, v in pairs)


def fields(body):
    some = [("content-type", "application/json"), ("accept", "application/vnd.amazon.eventstream"),
            ("X-Amzn-Bedrock-Trace", "ENABLED"), ("x-amzn-bedrock-guardrailidentifier", "a  b\t c"),
            ("X-Custom", text(20, UNRESERVED + "  ,;=\"")), ("x-amz-content-sha256", hashlib.sha256(body.encode()).hexdigest()),
            ("x-a", "1"), ("x-a-b", "2"), ("x-ab", "3"), ("idempotency-key", text(12, UNRESERVED))]
    chosen = random.sample(some, random.randint(0, len(some)))
    if random.random() < 0.2:
        chosen += [("x-twice", "second  one"), ("X-Twice", "a")]
    return chosen


def sign(case):
    url = "https://" + case["host"] + case["target"]
    request = botocore.awsrequest.AWSRequest(method=case["method"], url=url, data=case["body"].encode())
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    credentials = botocore.credentials.Credentials(case["id"], case["secret"], case["token"])
    auth = botocore.auth.SigV4Auth(credentials, case["service"], case["region"])
    now = datetime.datetime.fromtimestamp(case["now"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: now.replace(tzinfo=None) if remove_tzinfo else now
    auth.add_auth(request)
    return request.headers["Authorization"]


def main():
    for _ in range(COUNT):
        region = random.choice(["us-east-1", "eu-central-1", "ap-southeast-2", "cn-north-1"])
        asked = query()
        body = text(200) if random.random() < 0.8 else ""
        case = {
            "method": random.choice(["POST", "POST", "GET", "PUT"]),
            "host": random.choice([f"bedrock-runtime.{region}.amazonaws.com", "vpce-1.example:8443"]),
            "target": path() + ("?" + asked if asked else ""),
            "headers": fields(body),
            "body": body,
            "id": "AKIA" + text(16, string.ascii_uppercase),
            "secret": text(40, string.ascii_letters + "+/"),
            "token": text(100, string.ascii_letters + "+/=") if random.random() < 0.5 else None,
            "region": region,
            "service": random.choice(["bedrock", "bedrock-mantle", "sts"]),
            "now": random.randrange(1_400_000_000, 4_000_000_000),
        }
        case["authorization"] = sign(case)
        print(json.dumps(case))


main()
