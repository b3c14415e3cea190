"""Options whose effect no other test shows."""
import pytest

from harness import exchanges as x
from harness.upstream import reply


@pytest.fixture(autouse=True)
def default_answer(upstream):
    upstream.answer(reply(x.COMPLETION))


def test_max_header_limits_a_head(gateway, upstream):
    gw = gateway({"server": {"max_header": "2KiB"}, "providers": {"up": upstream.provider()}})
    assert gw.chat(model="up/m", headers=[("x-filler", "a" * 1000)]).status == 200
    assert gw.chat(model="up/m", headers=[("x-filler", "a" * 3000)]).status == 431


def test_max_headers_limits_their_number(gateway, upstream):
    gw = gateway({"server": {"max_headers": 30}, "providers": {"up": upstream.provider()}})
    fields = [(f"x-f{i}", "1") for i in range(40)]
    assert gw.chat(model="up/m", headers=fields[:15]).status == 200
    assert gw.chat(model="up/m", headers=fields).status == 431


def test_the_access_log_can_be_off(gateway, upstream, tmp_path):
    for access in (True, False):
        file = tmp_path / f"access-{access}.log"
        gw = gateway({"log": {"access": access, "access_file": str(file)},
                      "providers": {"up": upstream.provider()}})
        assert gw.chat(model="up/m").status == 200
        gw.stop()
        assert ('"status":200' in file.read_text() if file.exists() else False) == access


def keepalive_timers(port):
    """Connections to the port whose timer is the kernel's keepalive one (proc_net_tcp: tr 2)."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return [r for r in rows if int(r[2].split(":")[1], 16) == port and r[5].startswith("02")]


@pytest.mark.parametrize("keepalive,timers", [("60s", 1), ("0", 0)])
@pytest.mark.parametrize("where", ["provider", "defaults"])
def test_keepalive_watches_idle_connections(gateway, upstream, keepalive, timers, where):
    port = int(upstream.url.rsplit(":", 1)[1].split("/")[0])
    pool = {"pool": {"keepalive": keepalive}}
    up = upstream.provider(**(pool if where == "provider" else {}))
    gw = gateway({"providers": {"up": up}, **({"defaults": pool} if where == "defaults" else {})})
    assert gw.chat(model="up/m").status == 200
    assert len(keepalive_timers(port)) == timers
