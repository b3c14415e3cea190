"""Access tokens and temporary keys: where they come from, and that others' libraries do the same."""
import concurrent.futures
import datetime
import json
import time
import urllib.parse

import pytest

from harness import exchanges as x
from harness.raw import request_bytes
from harness.upstream import reply

CONVERSE = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
            "stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1}}
GENERATE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]},
                            "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
            "modelVersion": "m", "responseId": "r"}


def root(upstream):
    return upstream.url.removesuffix("/v1")


def form(request):
    return dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))


def token(text, life=3600, **more):
    return reply({"token_type": "Bearer", "access_token": text, "expires_in": life, **more})


def said(gw, text, timeout=5):
    """The log is written behind."""
    deadline = time.monotonic() + timeout
    while text not in gw.stderr():
        assert time.monotonic() < deadline, gw.stderr()
        time.sleep(0.01)
    return True


@pytest.fixture
def source(new_upstream):
    """The service that gives tokens."""
    return new_upstream()


# --- Entra ID --------------------------------------------------------------------------------------


def azure(upstream, source, **entra):
    entra = {"tenant": "tenant-1", "client_id": "app-1", "client_secret": "entra-s3cret",
             "authority": root(source), **entra}
    return {"type": "azure", "base_url": root(upstream), "models": ["m"], "entra": entra}


def test_entra_tokens_are_fetched_once_and_sent(gateway, upstream, source):
    upstream.answer(reply(x.COMPLETION))
    source.answer([0.2, token("eyJ0.first")])
    gw = gateway({"workers": 1, "providers": {"az": azure(upstream, source)}})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: gw.chat(model="az/m").status, range(12)))
    assert answers == [200] * 12
    assert len(source.requests) == 1
    asked = source.last
    assert asked.target == "/tenant-1/oauth2/v2.0/token"
    assert form(asked) == {"grant_type": "client_credentials", "client_id": "app-1",
                           "client_secret": "entra-s3cret", "scope": "https://ai.azure.com/.default"}
    for r in upstream.requests:
        assert r.get("authorization") == "Bearer eyJ0.first" and r.get("api-key") is None


def test_a_token_that_has_expired_is_not_sent(gateway, upstream, source):
    upstream.answer(reply(x.COMPLETION))
    source.once(token("one", 2)).once(token("two"))
    gw = gateway({"workers": 1, "providers": {"az": azure(upstream, source)}})
    assert gw.chat(model="az/m").status == 200
    time.sleep(2.2)
    assert gw.chat(model="az/m").status == 200
    assert [r.get("authorization") for r in upstream.requests] == ["Bearer one", "Bearer two"]


def test_without_a_token_the_answer_is_502_and_another_target_may_serve(gateway, upstream, source):
    upstream.answer(reply(x.COMPLETION))
    source.answer(reply({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid."}, 401))
    gw = gateway({"workers": 1, "defaults": {"retry": {"attempts": 0, "total": 2}},
                  "providers": {"az": azure(upstream, source), "plain": upstream.provider()},
                  "models": {"both": {"strategy": "priority", "targets": ["az/m", "plain/m"]}}})
    r = gw.chat(model="az/m")
    assert r.status == 502 and r.json()["error"]["code"] == "upstream_authentication"
    assert "entra-s3cret" not in r.body.decode()
    assert not upstream.requests
    assert gw.chat(model="both").status == 200
    assert len(source.requests) == 1, "a pause after a failure"
    assert said(gw, "AADSTS7000215") and "entra-s3cret" not in gw.stderr()


def test_a_token_service_that_says_nothing_is_a_connect_timeout(gateway, upstream, source):
    source.answer([30])
    gw = gateway({"workers": 1, "providers": {
        "az": {**azure(upstream, source), "timeouts": {"connect": "500ms"}}}})
    t = time.monotonic()
    r = gw.chat(model="az/m")
    assert r.status == 504 and r.json()["error"]["code"] == "connect_timeout"
    assert 0.4 < time.monotonic() - t < 3


def test_a_client_that_leaves_while_waiting_is_forgotten(gateway, upstream, source):
    upstream.answer(reply(x.COMPLETION))
    source.answer([0.5, token("late")])
    gw = gateway({"workers": 1, "providers": {"az": azure(upstream, source)}})
    body = json.dumps({"model": "az/m", "messages": [{"role": "user", "content": "x"}]}).encode()
    c = gw.client()
    c.send(request_bytes("POST", "/v1/chat/completions", [("Content-Type", "application/json")], body))
    source.wait_request()
    c.close()
    assert gw.chat(model="az/m").status == 200
    assert len(upstream.requests) == 1
    assert len(source.requests) == 1


def test_secrets_are_masked(gateway, upstream, source):
    from harness.gateway import run_cli
    gw = gateway({"providers": {
        "az": azure(upstream, source),
        "b": {"type": "bedrock", "region": "us-east-1",
              "aws": {"access_key_id": "AKIDX", "secret_access_key": "aws-s3cret", "session_token": "aws-t0ken"}},
        "v": {"type": "gemini", "vertex": {"project": "p", "credentials": "{\"private_key\": \"goo-s3cret\"}"}}}})
    out = run_cli("check", "--print", "-c", str(gw.file)).stdout
    assert "AKIDX" in out
    for secret in ("entra-s3cret", "aws-s3cret", "aws-t0ken", "goo-s3cret"):
        assert secret not in out


def test_managed_identity_asks_as_azure_identity_does(gateway, upstream, source, monkeypatch):
    from azure.identity import ManagedIdentityCredential
    env = {"IDENTITY_ENDPOINT": root(source) + "/msi/token", "IDENTITY_HEADER": "hdr-1"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    source.answer(token("eyJ0.msi", "86399", expires_on=str(int(time.time()) + 86399), resource="r"))
    upstream.answer(reply(x.COMPLETION))
    theirs = ManagedIdentityCredential(client_id="app-7").get_token("https://ai.azure.com/.default")
    assert theirs.token == "eyJ0.msi"
    gw = gateway({"workers": 1, "providers": {"az": azure(
        upstream, source, tenant=None, client_secret=None, authority=None, client_id="app-7",
        managed_identity=True)}}, env=env)
    assert gw.chat(model="az/m").status == 200
    a, b = source.requests
    assert a.method == b.method == "GET"
    assert a.get("x-identity-header") == b.get("x-identity-header") == "hdr-1"
    assert a.target.split("?")[0] == b.target.split("?")[0]
    assert urllib.parse.parse_qs(a.target.split("?")[1]) == urllib.parse.parse_qs(b.target.split("?")[1])
    assert upstream.last.get("authorization") == "Bearer eyJ0.msi"


def test_workload_identity(gateway, upstream, source, tmp_path):
    upstream.answer(reply(x.COMPLETION))
    source.answer(token("eyJ0.wi"))
    (tmp_path / "federated").write_text("k8s.jwt.sig\n")
    gw = gateway({"workers": 1, "providers": {"az": {
        "type": "azure", "base_url": root(upstream), "models": ["m"], "entra": {"client_id": "app-2"}}}},
        env={"AZURE_TENANT_ID": "t-2", "AZURE_AUTHORITY_HOST": root(source),
             "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "federated")})
    assert gw.chat(model="az/m").status == 200
    assert source.last.target == "/t-2/oauth2/v2.0/token"
    got = form(source.last)
    assert got["client_assertion"] == "k8s.jwt.sig" and got["client_id"] == "app-2"
    assert got["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


# --- Google ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rsa_key():
    from cryptography.hazmat.primitives.asymmetric import rsa
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def key_file(rsa_key, source, tmp_path):
    from cryptography.hazmat.primitives import serialization
    pem = rsa_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()
    file = tmp_path / "service-account.json"
    file.write_text(json.dumps({
        "type": "service_account", "project_id": "p-1", "private_key_id": "kid-1", "private_key": pem,
        "client_email": "gw@p-1.iam.gserviceaccount.com", "token_uri": root(source) + "/token"}))
    return file


def vertex(upstream, **more):
    return {"type": "gemini", "base_url": root(upstream), "models": ["gemini-2.5-flash"],
            "vertex": {"project": "p-1", "location": "us-central1", **more}}


def public_pem(rsa_key):
    """google-auth verifies by certificates."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(
        rsa_key.public_key()).serial_number(1).not_valid_before(now - datetime.timedelta(days=1)) \
        .not_valid_after(now + datetime.timedelta(days=1)).sign(rsa_key, hashes.SHA256()) \
        .public_bytes(serialization.Encoding.PEM)


def test_a_service_accounts_assertion_is_googles(gateway, upstream, source, key_file, rsa_key):
    import google.auth.jwt
    import google.auth.transport.requests
    from google.oauth2 import service_account
    upstream.answer(reply(GENERATE))
    source.answer(token("ya29.sa"))
    gw = gateway({"workers": 1, "providers": {"v": vertex(upstream, credentials=str(key_file))}})
    assert gw.chat(model="v/gemini-2.5-flash").status == 200
    ours = form(source.last)
    theirs = service_account.Credentials.from_service_account_file(
        str(key_file), scopes=["https://www.googleapis.com/auth/cloud-platform"])
    theirs.refresh(google.auth.transport.requests.Request())
    assert theirs.token == "ya29.sa"
    other = form(source.last)
    assert ours["grant_type"] == other["grant_type"]
    certificate = {"kid-1": public_pem(rsa_key)}
    audience = [root(source) + "/token", "https://oauth2.googleapis.com/token"]
    mine = google.auth.jwt.decode(ours["assertion"], certs=certificate, audience=audience)
    his = google.auth.jwt.decode(other["assertion"], certs=certificate, audience=audience)
    assert mine["iss"] == his["iss"] and mine["scope"] == his["scope"]
    assert mine["exp"] - mine["iat"] == his["exp"] - his["iat"] == 3600
    assert google.auth.jwt.decode_header(ours["assertion"]) == \
        google.auth.jwt.decode_header(other["assertion"])
    assert upstream.last.get("authorization") == "Bearer ya29.sa"
    assert upstream.last.get("x-goog-api-key") is None
    assert "/projects/p-1/locations/us-central1/" in upstream.last.target


def test_a_users_credentials_and_those_of_the_machine(gateway, upstream, source, tmp_path):
    upstream.answer(reply(GENERATE))
    source.answer(token("ya29.user"))
    file = tmp_path / "adc.json"
    file.write_text(json.dumps({"type": "authorized_user", "client_id": "c-1", "client_secret": "d-1",
                                "refresh_token": "1//r", "token_uri": root(source) + "/token"}))
    gw = gateway({"workers": 1, "providers": {"v": vertex(upstream)}},
                 env={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert gw.chat(model="v/gemini-2.5-flash").status == 200
    assert form(source.last) == {"grant_type": "refresh_token", "client_id": "c-1",
                                 "client_secret": "d-1", "refresh_token": "1//r"}
    source.answer(token("ya29.machine"))
    gw = gateway({"workers": 1, "providers": {"v": vertex(upstream)}},
                 env={"GCE_METADATA_HOST": root(source).removeprefix("http://"), "HOME": str(tmp_path)})
    assert gw.chat(model="v/gemini-2.5-flash").status == 200
    assert source.last.target == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert source.last.get("metadata-flavor") == "Google"
    assert upstream.last.get("authorization") == "Bearer ya29.machine"


# --- AWS -------------------------------------------------------------------------------------------


def expiry(hours=1):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def sts_answer(action, key):
    return reply(f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<AssumedRoleUser><AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/x</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>sec-{key}</SecretAccessKey>
<SessionToken>tok/{key}+==</SessionToken><Expiration>{expiry()}</Expiration></Credentials>
</{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>""".encode(),
                 content_type="text/xml")


def host_keys(key):
    return reply({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": "sec-" + key,
                  "Token": "tok/" + key, "Expiration": expiry(6), "LastUpdated": expiry(0),
                  "RoleArn": "arn:aws:iam::1:role/t", "AccountId": "1"})


def aws_services(request):
    """The token service, a container's agent and an instance's metadata service in one."""
    path = request.target.split("?")[0]
    if path == "/latest/api/token" and request.method == "PUT":
        return reply(b"SESSION==", content_type="text/plain",
                     headers=[("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
    if path == "/latest/meta-data/iam/security-credentials/":
        return reply(b"my-role", content_type="text/plain")
    if path == "/latest/meta-data/iam/security-credentials/my-role":
        return host_keys("ASIAINSTANCE")
    if path == "/container":
        return host_keys("ASIACONTAINER")
    if request.method == "POST":
        action = form(request)["Action"]
        return sts_answer(action, "ASIAWEB" if action.endswith("WebIdentity") else "ASIAROLE")
    return reply({}, 404)


def bedrock(upstream, **aws):
    p = {"type": "bedrock", "region": "eu-west-1", "base_url": root(upstream)}
    return {**p, "aws": aws} if aws else p


def check_signature(request, access_key, secret, session=None):
    """By botocore, from what arrived."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    sent = request.get("authorization")
    assert sent.startswith(f"AWS4-HMAC-SHA256 Credential={access_key}/"), sent
    names = sent.split("SignedHeaders=")[1].split(",")[0].split(";")
    assert "host" in names and "x-amz-date" in names and "content-type" in names
    url = "https://" + request.get("host") + request.target
    again = botocore.awsrequest.AWSRequest(method=request.method, url=url, data=request.body)
    for name in names:
        if name not in ("host", "x-amz-date", "x-amz-security-token"):
            again.headers[name] = request.get(name)
    scope = sent.split("Credential=")[1].split(",")[0].split("/")
    auth = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(access_key, secret, session), scope[3], scope[2])
    at = datetime.datetime.strptime(request.get("x-amz-date"), "%Y%m%dT%H%M%SZ")
    original = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: at
    try:
        auth.add_auth(again)
    finally:
        botocore.auth.get_current_datetime = original
    assert again.headers["Authorization"] == sent
    assert scope[2:] == ["eu-west-1", "bedrock", "aws4_request"] or scope[3] == "sts"


def botocore_credentials(monkeypatch, env, profile=None):
    """What botocore finds under the same variables."""
    import os

    import botocore.session
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    session = botocore.session.Session(profile=profile)
    session.set_config_variable("region", "eu-west-1")
    return session.get_credentials().get_frozen_credentials()


AWS_CONFIG = """
# comment
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20

[profile two words]
aws_access_key_id = AKIATWO
aws_secret_access_key = secret/two+x=

[profile role]
role_arn = arn:aws:iam::1:role/gw
source_profile = base
role_session_name = session-1
external_id = ext 1

[profile web]
role_arn = arn:aws:iam::1:role/web
web_identity_token_file = {token}

[profile instance]
role_arn = arn:aws:iam::1:role/gw
credential_source = Ec2InstanceMetadata
"""
AWS_CREDENTIALS = """
[default]
aws_access_key_id=AKIADEFAULT
aws_secret_access_key=secret-default

[base]
aws_access_key_id = AKIABASE
aws_secret_access_key = secret-base
aws_session_token = tok-base
"""

CHAINS = {
    "environment": (["AKIAENV"], {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "secret-env",
                                  "AWS_SESSION_TOKEN": "tok-env"}, None),
    "default profile": (["AKIADEFAULT"], {}, None),
    "profile of the environment": (["AKIABASE"], {"AWS_PROFILE": "base"}, None),
    "profile of the settings": (["AKIABASE"], {"AWS_ACCESS_KEY_ID": "AKIAENV",
                                               "AWS_SECRET_ACCESS_KEY": "secret-env"}, "base"),
    "role": (["AKIABASE", "ASIAROLE"], {}, "role"),
    "web identity of a profile": (["ASIAWEB"], {}, "web"),
    "web identity": (["ASIAWEB"], {"AWS_ROLE_ARN": "arn:aws:iam::1:role/pod", "no files": "",
                                   "AWS_WEB_IDENTITY_TOKEN_FILE": "{token}"}, None),
    "container": (["ASIACONTAINER"], {"no files": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{source}/container",
                                      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ctok"}, None),
    "instance": (["ASIAINSTANCE"], {"no files": ""}, None),
    "role by the instance": (["ASIAINSTANCE", "ASIAROLE"], {}, "instance"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_aws_credentials_are_found_where_botocore_finds_them(
        name, gateway, upstream, source, tmp_path, monkeypatch):
    keys, env, profile = CHAINS[name]
    upstream.answer(reply(CONVERSE))
    source.answer(aws_services)
    token_file = tmp_path / "web-token"
    token_file.write_text("eyJ.web.token")
    (tmp_path / "config").write_text(AWS_CONFIG.format(token=token_file))
    (tmp_path / "credentials").write_text(AWS_CREDENTIALS)
    files = "" if "no files" in env else str(tmp_path) + "/"
    env = {k: v.format(token=token_file, source=root(source)) for k, v in env.items() if k != "no files"}
    env = {"AWS_CONFIG_FILE": (files or "/nonexistent-") + "config",
           "AWS_SHARED_CREDENTIALS_FILE": (files or "/nonexistent-") + "credentials",
           "AWS_ENDPOINT_URL_STS": root(source), "AWS_EC2_METADATA_SERVICE_ENDPOINT": root(source), **env}
    theirs = botocore_credentials(monkeypatch, env, profile)
    their_requests = list(source.requests)
    source.forget()
    gw = gateway({"workers": 1, "providers": {
        "b": bedrock(upstream, **({"profile": profile} if profile else {}))}}, env=env)
    assert gw.chat(model="b/anthropic.claude-sonnet-4-5-20250929-v1:0").status == 200
    got = upstream.last
    assert got.target == "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    assert theirs.access_key == keys[-1]
    assert got.get("x-amz-security-token") == theirs.token
    check_signature(got, theirs.access_key, theirs.secret_key, theirs.token)
    # The same questions on the way, too.
    assert [(r.method, r.target.split("?")[0]) for r in source.requests] == \
        [(r.method, r.target.split("?")[0]) for r in their_requests]
    for mine, other in zip(source.requests, their_requests):
        if mine.method == "POST":
            a, b = form(mine), form(other)
            if "session-1" not in a["RoleSessionName"]:
                a.pop("RoleSessionName"), b.pop("RoleSessionName")  # a name of one's own
            assert a == b
            assert (mine.get("authorization") is None) == (other.get("authorization") is None)
        for field in ("x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"):
            assert mine.get(field) == other.get(field)
    signed = [r for r in source.requests if r.method == "POST" and r.get("authorization")]
    for r in signed:
        secrets = {"AKIABASE": ("secret-base", "tok-base"),
                   "ASIAINSTANCE": ("sec-ASIAINSTANCE", "tok/ASIAINSTANCE")}
        check_signature(r, keys[0], *secrets[keys[0]])
    # They serve until they end.
    assert gw.chat(model="b/anthropic.claude-sonnet-4-5-20250929-v1:0").status == 200
    assert len(source.requests) == len(their_requests)


def test_a_role_of_the_settings(gateway, upstream, source):
    upstream.answer(reply(CONVERSE))
    source.answer(aws_services)
    gw = gateway({"workers": 1, "providers": {"b": bedrock(
        upstream, access_key_id="AKIAOWN", secret_access_key="own-secret", role="arn:aws:iam::1:role/x",
        external_id="e-1", session_name="s-1")}}, env={"AWS_ENDPOINT_URL_STS": root(source)})
    assert gw.chat(model="b/arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.x").status == 200
    asked = form(source.last)
    assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == (
        "arn:aws:iam::1:role/x", "e-1", "s-1")
    check_signature(source.last, "AKIAOWN", "own-secret")
    assert "%2Feu.anthropic.x/converse" in upstream.last.target
    check_signature(upstream.last, "ASIAROLE", "sec-ASIAROLE", "tok/ASIAROLE+==")


def test_a_session_key_goes_with_its_key(gateway, upstream):
    upstream.answer(reply(CONVERSE))
    gw = gateway({"workers": 1, "providers": {"b": bedrock(
        upstream, access_key_id="ASIAOWN", secret_access_key="own-secret", session_token="own-token")}})
    assert gw.chat(model="b/amazon.nova-lite-v1:0").status == 200
    check_signature(upstream.last, "ASIAOWN", "own-secret", "own-token")


def test_a_machine_without_credentials_says_so(gateway, upstream, source):
    gw = gateway({"workers": 1, "providers": {"b": bedrock(upstream)}},
                 env={"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"})
    r = gw.chat(model="b/amazon.nova-lite-v1:0")
    assert r.status == 502 and r.json()["error"]["code"] == "upstream_authentication"
    assert said(gw, "no credentials in settings, environment, profile")
    assert not upstream.requests


def test_the_token_service_is_asked_by_tls_with_the_providers_trust(
        gateway, upstream, new_upstream, authority):
    upstream.answer(reply(x.COMPLETION))
    source = new_upstream(tls=authority.server_context("127.0.0.1"))
    source.answer(token("tls-token"))
    trusted = {**azure(upstream, source), "base_url": root(source), "tls": {"ca": str(authority.path)}}
    source.once(token("tls-token")).once(reply(x.COMPLETION))
    gw = gateway({"workers": 1, "providers": {"az": trusted}})
    assert gw.chat(model="az/m").status == 200
    assert source.last.get("authorization") == "Bearer tls-token"
    untrusted = azure(upstream, source)
    gw = gateway({"workers": 1, "providers": {"az": untrusted}})
    r = gw.chat(model="az/m")
    assert r.status == 502 and r.json()["error"]["code"] == "upstream_authentication"
