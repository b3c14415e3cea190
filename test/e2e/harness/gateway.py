"""Starts the real program with a configuration, and ends it."""
import ctypes
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import yaml

from .raw import RawClient

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("LLM_GATEWAY_BIN", str(ROOT / "build" / "release" / "llm-gateway"))
SANITIZERS = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer"
                        r"|runtime error:)")


_given = set()


def free_port():
    """Below the range from which the kernel takes ports by itself, and never the same one twice."""
    while True:
        port = random.randrange(12000, 32000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def merge(base, over):
    """Deep, for maps."""
    out = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def clean_environment(**more):
    """Without what would make the gateway find providers or settings of this machine."""
    keep = ("PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
            "LSAN_OPTIONS", "GCOV_PREFIX", "LLVM_PROFILE_FILE")
    env = {k: v for k, v in os.environ.items() if k in keep}
    env.update(more)
    return env


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def is_sanitized():
    with open(BINARY, "rb") as f:
        data = f.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def run_cli(*args, env=None, input=None, timeout=20, cwd=None):
    return subprocess.run([BINARY, *args], env=env or clean_environment(), input=input, cwd=cwd,
                          capture_output=True, text=True, timeout=timeout,
                          preexec_fn=die_with_parent)


class Gateway:
    """A running gateway.  `config` is a map merged over sensible settings for a test, or text that is
    taken as it is (then `port` must be given)."""

    def __init__(self, folder, config, env=None, args=(), port=None, expect_exit=0, ready="/health/live",
                 config_file=True, scheme="http", client_tls=None, pass_fds=(), log_to_stderr=False):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.expect_exit = expect_exit
        self.scheme = scheme
        self.client_tls = client_tls
        self.file = self.folder / "gateway.yaml"
        self.access_path = self.folder / "access.log"
        self.stderr_path = self.folder / "stderr.log"
        self.port = port or free_port()
        self.admin_port = free_port()
        self.env = clean_environment(**(env or {}))
        command = [BINARY, "serve"]
        if config_file:
            self.write_config(config)
            command += ["-c", str(self.file)]
        self.command = [*command, *args]
        self._err = open(self.stderr_path, "ab")
        self.t_start = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.env, stdout=self._err,
                                        stderr=self._err, stdin=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent, cwd=self.folder,
                                        pass_fds=pass_fds)
        self.stopped = False
        if ready:
            self.wait_ready(ready)

    # Configuration.

    def base_config(self):
        return {
            "listen": f"127.0.0.1:{self.port}",
            "workers": 2,
            "admin": {"listen": f"127.0.0.1:{self.admin_port}"},
            "log": {"format": "json", "access_file": str(self.access_path)},
            # A failure is a failure, unless the test is about retries.
            "defaults": {"retry": {"attempts": 0, "total": 1}},
        }

    def write_config(self, config):
        if not isinstance(config, str):
            config = yaml.safe_dump(merge(self.base_config(), config), sort_keys=False)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(config)
        temporary.replace(self.file)

    # Life.

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def base_url(self):
        return self.url + "/v1"

    def wait_ready(self, path="/health/live", timeout=15):
        deadline = time.monotonic() + timeout
        while True:
            assert self.process.poll() is None, (
                f"the gateway ended with {self.process.returncode}:\n{self.stderr()}")
            try:
                with self.client(timeout=2) as c:
                    if c.get(path).status == 200:
                        return
            except OSError:
                pass
            assert time.monotonic() < deadline, f"not ready in {timeout} s:\n{self.stderr()}"
            time.sleep(0.005)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=15):
        """Ends it by SIGTERM; it must go willingly, with the expected status."""
        if self.stopped:
            return
        self.stopped = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end in {timeout} s after SIGTERM:\n{self.stderr()}")
        finally:
            self._err.close()
        text = self.stderr()
        assert not SANITIZERS.search(text), text[-6000:]
        assert code == self.expect_exit, f"exit status {code}:\n{text[-4000:]}"

    def kill(self):
        """At the end of a test that has failed already."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stopped = True

    # Talking to it.

    def client(self, **kw):
        if self.client_tls:
            kw.setdefault("tls", self.client_tls)
        return RawClient(self.port, **kw)

    def get(self, target, headers=()):
        with self.client() as c:
            return c.get(target, headers)

    def post(self, target, body, headers=()):
        with self.client() as c:
            return c.post(target, body, headers)

    def chat(self, headers=(), model="m", **more):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
        return self.post("/v1/chat/completions", body, headers)

    def openai(self, **kw):
        import openai
        kw.setdefault("api_key", "sk-client-secret")
        kw.setdefault("max_retries", 0)
        kw.setdefault("timeout", 20)
        return openai.OpenAI(base_url=self.base_url, **kw)

    # Looking at it.

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def access_log(self, count=0, timeout=5):
        """The lines of the access log, at least `count` of them."""
        deadline = time.monotonic() + timeout
        while True:
            text = self.access_path.read_text() if self.access_path.exists() else ""
            lines = [json.loads(line) for line in text.splitlines() if line]
            if len(lines) >= count:
                return lines
            assert time.monotonic() < deadline, f"{len(lines)} lines in the access log:\n{text}"
            time.sleep(0.01)

    def metrics_text(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=5) as r:
            return r.read().decode()

    def metrics(self):
        """{(name, ((label, value), ...)): number}"""
        from prometheus_client.parser import text_string_to_metric_families
        out = {}
        for family in text_string_to_metric_families(self.metrics_text()):
            for s in family.samples:
                out[s.name, tuple(sorted(s.labels.items()))] = s.value
        return out

    def metric(self, name, **labels):
        """The sum over all series that have these labels."""
        return sum(v for (n, have), v in self.metrics().items()
                   if n == name and set(labels.items()) <= set(have))

    def wait_metric(self, name, value, timeout=5, **labels):
        deadline = time.monotonic() + timeout
        while (now := self.metric(name, **labels)) != value:
            assert time.monotonic() < deadline, f"{name}{labels} is {now}, not {value}"
            time.sleep(0.01)

    def status(self, field):
        """A size of /proc/PID/status in KiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise KeyError(field)

    def sockets_to(self, port):
        """States of its TCP sockets whose other end is that port of loopback ('02' is SYN_SENT)."""
        inodes = set()
        for fd in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = os.readlink(fd)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        states = []
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            parts = line.split()
            if int(parts[2].split(":")[1], 16) == port and parts[9] in inodes:
                states.append(parts[3])
        return states


def mentions(text, *words):
    return all(w in text for w in words)
