"""Images that clients name by address, for a model that takes only bytes."""
import base64
import json
import threading
import time

import pytest

from harness.certificates import Authority
from harness.raw import request_bytes
from harness.upstream import HOLD, Gate, Upstream, head, reply
from test_tokens import CONVERSE, root

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(300)
LOOPBACK = ["127.0.0.0/8", "::1/128"]


def bedrock(upstream, **more):
    return {"type": "bedrock", "region": "us-east-1", "base_url": root(upstream), "api_key": "sk-bedrock-1",
            **more}


@pytest.fixture(scope="module")
def up(shared_upstream):
    return shared_upstream


@pytest.fixture(scope="module")
def site_of(authority):
    u = Upstream(tls=authority.server_context("localhost", "127.0.0.1"))
    yield u
    u.close()


@pytest.fixture
def site(site_of, up):
    site_of.forget()
    up.forget()
    site_of.queue.clear()
    up.answer(reply(CONVERSE))
    site_of.answer(reply(PNG, content_type="image/png"))
    return site_of


@pytest.fixture(scope="module")
def gw(shared_gateway, up, authority):
    """It may ask this machine."""
    return shared_gateway({
        "workers": 1, "providers": {"b": bedrock(up), "never": bedrock(up, fetch_images=False)},
        "fetch": {"networks": LOOPBACK, "ca": str(authority.path), "max_size": "64KiB", "max_count": 6,
                  "timeout": "1s"}})


@pytest.fixture(scope="module")
def strict(shared_gateway, up, authority):
    """It may ask public addresses only, as by default."""
    return shared_gateway({"workers": 1, "providers": {"b": bedrock(up)},
                           "fetch": {"ca": str(authority.path), "timeout": "2s"}})


def ask(gw, *urls, model="b/anthropic.claude-sonnet-4-5-20250929-v1:0"):
    content = [{"type": "text", "text": "What is this?"}]
    content += [{"type": "image_url", "image_url": {"url": u}} for u in urls]
    return gw.post("/v1/chat/completions", {"model": model,
                                            "messages": [{"role": "user", "content": content}]})


def images(request):
    return [(b["image"]["format"], base64.b64decode(b["image"]["source"]["bytes"]))
            for b in request.json()["messages"][0]["content"] if "image" in b]


def refused(r, text):
    assert r.status == 400, r.body
    error = r.json()["error"]
    assert text in error["message"], error
    assert error["param"].startswith("messages[0]"), error
    assert error["type"] == "invalid_request_error"


def address(site, path="/x.png", host="127.0.0.1"):
    return f"https://{host}:{site.port}{path}"


def test_images_arrive_as_bytes(gw, up, site):
    site.once(reply(PNG, content_type="image/png")).once(reply(JPEG, content_type="image/webp"))
    assert ask(gw, address(site, "/a.png?x=1#f"), address(site, "/b", "localhost")).status == 200
    assert sorted(images(up.last)) == sorted([("png", PNG), ("jpeg", JPEG)])
    assert {r.target for r in site.requests} == {"/a.png?x=1", "/b"}
    for r in site.requests:
        assert r.method == "GET" and not r.names() & {"authorization", "cookie", "x-api-key", "referer"}
        assert "sk-" not in r.raw_head.decode()
    assert {r.get("host") for r in site.requests} == {f"127.0.0.1:{site.port}", f"localhost:{site.port}"}


def test_images_of_one_request_come_side_by_side(gw, up, site):
    gate = Gate()
    site.answer([gate, reply(PNG, content_type="image/png")])
    results = []
    t = threading.Thread(target=lambda: results.append(ask(gw, *[address(site, f"/{i}") for i in range(4)])))
    t.start()
    site.wait_request(4)
    gate.open()
    t.join(10)
    assert results[0].status == 200 and len(images(up.last)) == 4


def test_redirects_are_followed(gw, up, site):
    site.once(reply(status=302, headers=[("Location", address(site, "/y", "localhost"))]))
    site.once(reply(status=307, headers=[("Location", "/z")]))
    assert ask(gw, address(site)).status == 200
    assert [r.target for r in site.requests] == ["/x.png", "/y", "/z"]


@pytest.mark.parametrize("location, text", [
    ("https://10.0.0.1/x", "not in a public network"),
    ("https://169.254.169.254/latest/meta-data/", "not in a public network"),
    ("https://[fd00:ec2::254]/", "not in a public network"),
    ("https://[::ffff:10.0.0.1]/", "not https"),
    ("http://127.0.0.1/", "not https"),
    ("file:///etc/passwd", "not https"),
    ("https://2130706433/", "not https"),
])
def test_a_redirect_into_the_private_network_is_refused(gw, up, site, location, text):
    site.answer(reply(status=302, headers=[("Location", location)]))
    refused(ask(gw, address(site)), text)
    assert not up.requests


def test_endless_redirects_are_refused(gw, up, site):
    site.answer(reply(status=301, headers=[("Location", "/again")]))
    refused(ask(gw, address(site)), "redirected too often")
    assert len(site.requests) == 4


@pytest.mark.parametrize("script, text", [
    (reply(b"<html>", content_type="text/html"), "no image"),
    (reply(b"MZ" + bytes(99), content_type="application/octet-stream"), "no image"),
    (reply(b"%PDF-1.7", content_type="image/png"), "no image"),
    (reply(b"", content_type="image/png"), "nothing"),
    (reply(PNG, 404), "answered 404"),
    (reply(PNG, 500), "answered 500"),
    (reply(PNG + bytes(70000), content_type="image/png"), "fetch.max_size"),
    ([head(200, [("Content-Type", "image/png"), ("Content-Length", 10 ** 12)]), HOLD], "fetch.max_size"),
    ([head(200, [("Content-Type", "image/png"), ("Transfer-Encoding", "chunked")])] +
     [b"4000\r\n" + bytes(0x4000) + b"\r\n"] * 8 + [HOLD], "fetch.max_size"),
    ([head(200, [("Content-Type", "image/png"), ("Content-Length", 60000)])] + [b"x", 0.1] * 30, "in time"),
    ([HOLD], "in time"),
    (b"HTTP/9 nonsense\r\n\r\n", "could not be fetched"),
])
def test_what_is_no_image_is_refused(gw, up, site, script, text):
    site.answer(script)
    t = time.monotonic()
    refused(ask(gw, address(site)), text)
    assert time.monotonic() - t < 4
    assert not up.requests
    deadline = time.monotonic() + 2
    while site.open_connections():  # nothing is left behind
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_too_many_are_refused(gw, up, site):
    refused(ask(gw, *[address(site, f"/{i}") for i in range(7)]), "fetch.max_count")
    assert not site.requests and not up.requests


def test_it_can_be_off(gw, up, site):
    r = ask(gw, address(site), model="never/anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert r.status == 400
    assert not site.requests and not up.requests


def test_who_has_no_certificate_of_ours_is_refused(gw, up, site, new_upstream, tmp_path):
    other = new_upstream(tls=Authority(tmp_path, "other").server_context("127.0.0.1"))
    refused(ask(gw, address(other)), "no trusted certificate")
    wrong_name = new_upstream(tls=Authority(tmp_path, "other 2").server_context("elsewhere.test"))
    refused(ask(gw, address(wrong_name)), "no trusted certificate")


def test_a_client_that_leaves_ends_the_fetching(gw, up, site):
    site.answer([HOLD])
    body = json.dumps({"model": "b/anthropic.claude-sonnet-4-5-20250929-v1:0", "messages": [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": address(site)}}]}]}).encode()
    c = gw.client()
    c.send(request_bytes("POST", "/v1/chat/completions", [("Content-Type", "application/json")], body))
    site.wait_request()
    t = time.monotonic()
    c.close()
    assert site.requests[0].connection.ended.wait(0.8), "before fetch.timeout"
    assert time.monotonic() - t < 0.8
    assert not up.requests


def test_the_messages_api_names_images_too(gw, up, site):
    r = gw.post("/v1/messages", {
        "model": "b/anthropic.claude-sonnet-4-5-20250929-v1:0", "max_tokens": 10, "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "url", "url": address(site)}},
                {"type": "text", "text": "x"}]}]}, [("anthropic-version", "2023-06-01")])
    assert r.status == 200, r.body
    assert images(up.last) == [("png", PNG)]


# Row 50 of the hardening card: no spelling of an address of this machine is connected to.
SPELLINGS = [
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "localhost", "localhost.", "LOCALHOST",
    "0", "0.0.0.0", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "0X7F.0.0.1", "2130706433", "017700000001",
    "0177.0.0.1", "0177.1", "127.0.0.01", "127.000.000.001", "127.0.0.1.", "00127.0.0.1", "127.0.0.1%00",
    "127.0.0.1%2f", "127.0.0.1%20", "%31%32%37.0.0.1", "%6c%6f%63%61%6c%68%6f%73%74", "①②⑦.⓪.⓪.①",
    "１２７.０.０.１", "127。0。0。1", "ⓛocalhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:7f00:1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]",
    "[fec0::1]", "[fc00::1]", "[ff02::1]", "[::1%25lo]", "[::1%lo]", "[v1.x]", "[127.0.0.1]", "169.254.169.254",
    "169.254.170.2", "168.63.129.16", "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.0.1", "192.0.0.192",
    "metadata.google.internal", "ip6-localhost", "ip6-loopback", "example.com@127.0.0.1", "127.0.0.1@127.0.0.1",
    "user:pass@localhost", "example.com\\@127.0.0.1", "127.0.0.1\\.example.com", "127.0.0.1#@example.com",
    "127.0.0.1?@example.com", "example.com:80@127.0.0.1", " 127.0.0.1", "127.0.0.1 ", "\t127.0.0.1", "127.0.0.1\n",
    "127.0.0.1\x00.example.com", "1.1.1.1&@127.0.0.1", "localhost%00.example.com", "localhost%E3%80%82",
]


def test_no_spelling_reaches_this_machine(strict, up, site, new_upstream):
    plain = new_upstream()
    plain.answer(reply(PNG, content_type="image/png"))
    assert len(SPELLINGS) >= 60
    before = len(site.connections)
    for host in SPELLINGS:
        for url in (f"https://{host}:{site.port}/x", f"https://{host}:{plain.port}/x",
                    f"http://{host}:{plain.port}/x", f"https://{host}/x"):
            r = ask(strict, url)
            assert r.status == 400, (url, r.body)
            assert r.json()["error"]["type"] == "invalid_request_error"
    for url in (f"http://127.0.0.1:{plain.port}/", f"HTTP://127.0.0.1:{plain.port}/",
                f"https:127.0.0.1:{site.port}", f"https:/127.0.0.1:{site.port}", f"https:///127.0.0.1:{site.port}/",
                f"//127.0.0.1:{site.port}/", f"https://:{site.port}/", f"httpſ://127.0.0.1:{site.port}/"):
        r = ask(strict, url)
        assert r.status in (400, 502), (url, r.body)
    assert len(site.connections) == before and not plain.connections
    assert not [r for r in up.requests if images(r)]
