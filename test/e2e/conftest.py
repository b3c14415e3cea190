"""Fixtures of the end-to-end tests: the real gateway, a provider that the test plays, and a real
inference server.  The program under test is $LLM_GATEWAY_BIN, or build/release/llm-gateway."""
import importlib.machinery
import importlib.util
import itertools
import os
import platform
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.certificates import Authority  # noqa: E402
from harness.gateway import BINARY, Gateway, is_sanitized  # noqa: E402
from harness.upstream import Upstream  # noqa: E402


def pytest_collection_modifyitems(items):
    # The engine is started late, so that failures of the gateway alone are seen first.
    items.sort(key=lambda item: "llama" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


@pytest.fixture(scope="session", autouse=True)
def binary():
    assert os.path.exists(BINARY), f"{BINARY} is not there: build it, or set LLM_GATEWAY_BIN"
    return BINARY


@pytest.fixture(scope="session")
def sanitized(binary):
    return is_sanitized()


class Factory:
    """Starts gateways and ends them all; `gateway(config)` is a running one."""

    def __init__(self, folder):
        self.folder = folder
        self.count = itertools.count(1)
        self.started = []

    def __call__(self, config=None, **kw):
        g = Gateway.__new__(Gateway)
        self.started.append(g)
        g.__init__(self.folder / f"gateway-{next(self.count)}", config or {}, **kw)
        return g

    def end(self, failed=False):
        errors = []
        for g in self.started:
            if not hasattr(g, "process"):
                continue
            if failed:
                sys.stderr.write(f"--- {g.file}\n{g.stderr()[-8000:]}\n")
            try:
                if not g.stopped:
                    g.stop()
            except AssertionError as e:
                errors.append(e)
            finally:
                g.kill()
        if errors:
            raise errors[0]


@pytest.fixture
def gateway(request, tmp_path):
    factory = Factory(tmp_path)
    yield factory
    factory.end(getattr(request.node, "failed", False))


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory):
    factory = Factory(tmp_path_factory.mktemp("shared"))
    yield factory
    factory.end()


@pytest.fixture
def upstream():
    u = Upstream()
    yield u
    u.close()


@pytest.fixture(scope="module")
def shared_upstream():
    u = Upstream()
    yield u
    u.close()


@pytest.fixture
def new_upstream():
    """More of them, with options."""
    made = []

    def make(**kw):
        made.append(Upstream(**kw))
        return made[-1]

    yield make
    for u in made:
        u.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def _engine():
    path = str(Path(__file__).parent / "engine")
    loader = importlib.machinery.SourceFileLoader("engine", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("engine", loader))
    loader.exec_module(module)
    return module


class Llama:
    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    """llama.cpp's server with SmolLM2-135M-Instruct behind it."""
    if platform.machine() != "x86_64":
        pytest.skip("the engine's wheel is for x86_64")
    engine = _engine()
    engine.prepare()
    process, port = engine.start_server(tmp_path_factory.mktemp("llama") / "log")
    yield Llama(port)
    process.terminate()
    process.wait(20)


CALLS = []


@pytest.fixture
def calls():
    """Notes an SDK call that went well, for the list at the end."""
    return CALLS.append


def pytest_terminal_summary(terminalreporter):
    if CALLS:
        terminalreporter.section("SDK calls that passed")
        for line in CALLS:
            terminalreporter.write_line(line)
