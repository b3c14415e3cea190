"""TLS on both sides."""
import signal
import socket
import ssl
import time

import pytest

from harness import exchanges as x
from harness.certificates import Authority
from harness.raw import RawClient
from harness.upstream import FIN, reply, sse

NAMES = ("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def served(shared_gateway, shared_upstream, authority):
    shared_upstream.answer(reply(x.COMPLETION))
    cert, key = authority.issue(*NAMES)
    other, other_key = authority.issue("other.test", "*.wild.test")
    return shared_gateway({
        "tls": {"certificates": [{"certificate": cert, "key": key},
                                 {"certificate": other, "key": other_key}]},
        "providers": {"up": shared_upstream.provider()}, "models": {"m": "up/real"}},
        scheme="https", client_tls=authority.client_context())


def test_a_chat_over_tls(served):
    assert served.chat().json()["id"] == "chatcmpl-1"


def test_the_sdk_over_tls(served, authority, calls):
    import httpx
    with served.openai(http_client=httpx.Client(verify=authority.client_context())) as client:
        assert client.chat.completions.create(model="m", messages=[{"role": "user", "content": ""}]).id
    calls("https: chat.completions.create")


def test_a_stream_over_tls(served, shared_upstream):
    shared_upstream.once(sse(x.STREAM_PLAIN))
    assert served.chat(stream=True).body == x.STREAM_PLAIN


def test_a_large_body_over_tls(served, shared_upstream):
    r = served.chat(pad="x" * 3_000_000)
    assert r.status == 200 and len(shared_upstream.last.body) > 3_000_000


@pytest.mark.parametrize("name, expected", [("localhost", "localhost"), ("other.test", "other.test"),
                                            ("a.wild.test", "other.test"),
                                            ("unknown.test", "localhost")])
def test_the_certificate_is_chosen_by_name(served, authority, name, expected):
    context = authority.client_context()
    context.check_hostname = False
    with RawClient(served.port, tls=context, server_name=name) as c:
        subject = dict(part[0] for part in c.sock.getpeercert()["subject"])
        assert subject["commonName"] == expected
        assert c.get("/health/live").status == 200


@pytest.mark.parametrize("version, fine", [(ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True),
                                           (ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1, False)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions(served, authority, version, fine):
    context = authority.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if fine:
        with RawClient(served.port, tls=context) as c:
            assert c.get("/health/live").status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            RawClient(served.port, tls=context)


def test_sessions_are_resumed(served, authority):
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with RawClient(served.port, tls=context) as c:
        c.get("/health/live")
        session = c.sock.session
    reused = 0
    for _ in range(8):  # it may land on another worker
        sock = socket.create_connection(("127.0.0.1", served.port))
        with context.wrap_socket(sock, server_hostname="localhost", session=session) as s:
            reused += s.session_reused
    assert reused == 8


def test_alpn_offers_http_1_1(served, authority):
    context = authority.client_context()
    context.set_alpn_protocols(["http/1.1"])
    with RawClient(served.port, tls=context) as c:
        assert c.sock.selected_alpn_protocol() in ("http/1.1", None)
        assert c.get("/health/live").status == 200


def test_plain_http_on_a_tls_port_harms_nobody(served):
    with RawClient(served.port) as c:
        c.send(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        c.wait_closed(2)
    assert served.get("/health/live").status == 200


def test_a_handshake_that_stalls_is_ended(gateway, upstream, authority):
    cert, key = authority.issue(*NAMES)
    gw = gateway({"tls": {"certificate": cert, "key": key}, "server": {"header_timeout": "500ms"},
                  "providers": {"up": upstream.provider()}},
                 scheme="https", client_tls=authority.client_context())
    with socket.create_connection(("127.0.0.1", gw.port)) as s:
        s.sendall(bytes.fromhex("1603010200010001fc0303"))
        s.settimeout(5)
        started = time.monotonic()
        try:
            while s.recv(100):
                pass
        except ConnectionError:
            pass
        assert time.monotonic() - started < 3


def test_client_certificates(gateway, upstream, authority, tmp_path):
    upstream.answer(reply(x.COMPLETION))
    cert, key = authority.issue(*NAMES)
    stranger = Authority(tmp_path, "stranger")
    gw = gateway({"tls": {"certificate": cert, "key": key, "client_ca": str(authority.path),
                          "client_auth": "required"}, "providers": {"up": upstream.provider()}},
                 scheme="https", client_tls=authority.client_context(authority.issue("client")))
    assert gw.chat().status == 200
    for wrong in (None, stranger.issue("client")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with RawClient(gw.port, tls=authority.client_context(wrong)) as c:
                c.get("/health/live")


def test_new_certificates_after_a_reload(gateway, upstream, authority):
    cert, key = authority.issue(*NAMES, file="rotating")
    gw = gateway({"tls": {"certificate": cert, "key": key}, "providers": {"up": upstream.provider()}},
                 scheme="https", client_tls=authority.client_context())

    def serial():
        with gw.client() as c:
            return c.sock.getpeercert()["serialNumber"]
    before = serial()
    with gw.client() as old:
        old.get("/health/live")
        authority.issue(*NAMES, file="rotating")
        gw.signal(signal.SIGHUP)
        deadline = time.monotonic() + 3
        while serial() == before:
            assert time.monotonic() < deadline, "the old certificate is still served"
            time.sleep(0.05)
        assert {serial() for _ in range(10)}.isdisjoint({before}), "on every worker"
        assert old.get("/health/live").status == 200, "old connections live on"
    now = serial()
    with open(key, "w") as f:
        f.write("broken")
    gw.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert serial() == now and gw.process.poll() is None, "a broken pair changes nothing"


# The provider's side

def provider(upstream, authority, host="localhost", **tls):
    return {"type": "openai-compatible", "base_url": f"https://{host}:{upstream.port}/v1",
            "api_key": "sk-upstream-secret",
            "tls": {"ca": str(authority.path), **tls} if authority else tls}


def test_a_provider_over_tls(gateway, new_upstream, authority):
    up = new_upstream(tls=authority.server_context(*NAMES))
    up.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {"up": provider(up, authority), "ip": provider(up, authority, "127.0.0.1")}})
    for _ in range(3):
        assert gw.chat(model="up/m").json()["id"] == "chatcmpl-1"
    assert gw.chat(model="ip/m").status == 200
    up.answer(sse(x.STREAM_PLAIN))
    assert gw.chat(model="up/m", stream=True).body == x.STREAM_PLAIN


@pytest.mark.parametrize("case", ["another authority", "another name", "expired", "not yet valid",
                                  "self-signed"])
def test_a_bad_certificate_is_refused(gateway, new_upstream, authority, tmp_path, case):
    stranger = Authority(tmp_path, "stranger")
    context = {
        "another authority": lambda: stranger.server_context(*NAMES),
        "another name": lambda: authority.server_context("elsewhere.test"),
        "expired": lambda: authority.server_context(*NAMES, days=-1, since=-9),
        "not yet valid": lambda: authority.server_context(*NAMES, days=9, since=1),
        "self-signed": lambda: stranger.server_context(*NAMES),
    }[case]()
    up = new_upstream(tls=context)
    up.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {"up": provider(up, authority)}})
    r = gw.chat(model="up/m")
    assert r.status == 502 and r.error["code"] == "upstream_tls", r.body
    assert not up.requests, "the key was sent to a stranger"


def test_verification_can_be_switched_off(gateway, new_upstream, authority, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    up = new_upstream(tls=stranger.server_context("elsewhere.test"))
    up.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {"up": provider(up, None, verify=False)}})
    assert gw.chat(model="up/m").status == 200


def test_the_providers_name_is_sent(gateway, new_upstream, authority):
    context = authority.server_context(*NAMES)
    seen = []
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    up = new_upstream(tls=context)
    up.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {"up": provider(up, authority), "ip": provider(up, authority, "127.0.0.1")}})
    gw.chat(model="up/m")
    gw.chat(model="ip/m")
    assert "localhost" in seen and "127.0.0.1" not in seen


def test_plain_bytes_before_the_handshake_are_refused(gateway, authority):
    """An answer that came before the handshake must never be taken for the provider's."""
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def speak():
        try:
            while True:
                s, _ = listener.accept()
                s.sendall(reply(x.COMPLETION))
                time.sleep(0.3)
                s.close()
        except OSError:
            pass
    threading.Thread(target=speak, daemon=True).start()
    gw = gateway({"providers": {"up": {"type": "openai-compatible", "tls": {"ca": str(authority.path)},
                                       "base_url": f"https://localhost:{listener.getsockname()[1]}/v1"}}})
    assert gw.chat(model="up/m").status == 502
    listener.close()


@pytest.mark.parametrize("minimum", ["1.3"])
def test_the_oldest_version_for_a_provider(gateway, new_upstream, authority, minimum):
    context = authority.server_context(*NAMES)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    up = new_upstream(tls=context)
    up.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {"strict": provider(up, authority, min_version=minimum),
                                "usual": provider(up, authority)}})
    assert gw.chat(model="strict/m").error["code"] == "upstream_tls"
    assert gw.chat(model="usual/m").status == 200


def test_a_tls_stream_cut_without_goodbye_is_not_complete(gateway, new_upstream, authority):
    from harness.upstream import RST, SSE_HEAD_CLOSE, events_of
    up = new_upstream(tls=authority.server_context(*NAMES))
    up.answer([SSE_HEAD_CLOSE, *events_of(x.STREAM_PLAIN)[:2], 0.05, RST])
    gw = gateway({"providers": {"up": provider(up, authority)}})
    r = gw.chat(model="up/m", stream=True)
    assert b'"server_error"' in r.body and b"[DONE]" not in r.body


# A listener on a Unix socket

def test_a_unix_socket(gateway, upstream, tmp_path):
    upstream.answer(reply(x.COMPLETION))
    path = tmp_path / "gw.sock"
    gw = gateway({"providers": {"up": upstream.provider()}})
    gw.write_config({"listen": [f"127.0.0.1:{gw.port}", f"unix:{path}"],
                     "providers": {"up": upstream.provider()}})
    gw.signal(signal.SIGHUP)
    deadline = time.monotonic() + 3
    while not path.exists():
        assert time.monotonic() < deadline, gw.stderr()
        time.sleep(0.02)
    import httpx
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://gw") as c:
        r = c.post("/v1/chat/completions", json={"model": "up/m", "messages": [{"role": "user", "content": ""}]})
        assert r.json()["id"] == "chatcmpl-1"
