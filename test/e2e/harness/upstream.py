"""A provider played by the test: it records exactly what arrives, and answers with bytes, pauses, and
ends of the connection as a script says."""
import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections import deque


class _End:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


FIN = _End("FIN")  # closes the connection tidily
RST = _End("RST")  # resets it
HOLD = _End("HOLD")  # says nothing more until the peer leaves


class Gate:
    """A step that waits until the test opens it."""

    def __init__(self):
        self._event = threading.Event()

    def open(self):
        self._event.set()

    async def wait(self):
        while not self._event.is_set():
            await asyncio.sleep(0.002)


def head(status=200, headers=(), reason="X"):
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{n}: {v}" for n, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(body=b"", status=200, headers=(), content_type="application/json"):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return head(status, [("Content-Type", content_type), ("Content-Length", len(body)), *headers]) + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
SSE_HEAD = head(200, [("Content-Type", "text/event-stream; charset=utf-8"),
                      ("Transfer-Encoding", "chunked")])
SSE_HEAD_CLOSE = head(200, [("Content-Type", "text/event-stream; charset=utf-8"),
                            ("Connection", "close")])


def events_of(stream):
    """A stream cut into its events, blank lines included."""
    return [e for e in re.split(rb"(?<=\n\n)", stream) if e]


def sse(stream, pause=0):
    """Steps of a chunked stream, an event in a chunk."""
    steps = [SSE_HEAD]
    for event in events_of(stream) if isinstance(stream, bytes) else stream:
        if pause:
            steps.append(pause)
        steps.append(chunk(event))
    return [*steps, LAST_CHUNK]


class Request:
    def __init__(self, connection, raw_head):
        self.connection = connection
        self.raw_head = raw_head
        lines = raw_head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = []
        for line in lines[1:]:
            if line:
                name, value = line.split(":", 1)
                self.headers.append((name, value.strip()))
        self.raw_body = b""  # with its framing
        self.body = b""
        self.body_bytes = 0
        self.chunked = (self.get("transfer-encoding") or "").lower() == "chunked"
        self.complete = False
        self.t_head = time.monotonic()
        self.t_end = None

    def get(self, name):
        found = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(found) < 2, f"{name} comes {len(found)} times"
        return found[0] if found else None

    def names(self):
        return {n.lower() for n, _ in self.headers}

    def json(self):
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    def __init__(self, upstream):
        self.upstream = upstream
        self.requests = []
        self.t_open = self.t_end = None
        self.end = None  # "fin", "rst": how the peer ended it; "own": we did
        self.ended = threading.Event()
        self.buffer = b""
        self.current = None
        self.left = 0
        self.state = "head"
        self.bytes_in = self.bytes_out = 0
        self.writable = None
        self.task = None
        self.waiting = deque()
        self.last_write = 0.0

    # asyncio.Protocol

    def connection_made(self, transport):
        self.transport = transport
        self.t_open = time.monotonic()
        self.writable = asyncio.Event()
        self.writable.set()
        transport.set_write_buffer_limits(high=65536)
        if self.upstream.sndbuf:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.upstream.sndbuf)
        self.upstream._add_connection(self)

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def eof_received(self):
        self._over("fin")
        return False

    def connection_lost(self, exc):
        self._over("rst" if isinstance(exc, OSError) else "own" if exc is None else "rst")
        if self.task:
            self.task.cancel()

    def _over(self, how):
        if self.end is None:
            self.t_end = time.monotonic()
            self.end = how
            self.ended.set()
            self.writable.set()

    def data_received(self, data):
        self.bytes_in += len(data)
        if self.current and self.state == "length" and not self.upstream.keep_bodies:
            self._count(data)
            return
        self.buffer += data
        while self._parse():
            pass

    # The requests.

    def _count(self, data):
        take = min(len(data), self.left)
        self.left -= take
        self.current.body_bytes += take
        if self.left == 0:
            self._complete()
            self.buffer += data[take:]

    def _parse(self):
        r = self.current
        if self.state == "head":
            if b"\r\n\r\n" not in self.buffer:
                return False
            raw, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            r = self.current = Request(self, raw + b"\r\n\r\n")
            self.requests.append(r)
            length = r.get("content-length")
            self.left = int(length or 0)
            self.state = "size" if r.chunked else "length"
            self.upstream._add_request(r)
            self.waiting.append(r)
            if not self.task or self.task.done():
                self.task = asyncio.ensure_future(self._play())
            if not r.chunked and not self.left:
                self._complete()
            return True
        if self.state == "length":
            if not self.buffer:
                return False
            piece, self.buffer = self.buffer[:self.left], self.buffer[self.left:]
            self.left -= len(piece)
            r.body_bytes += len(piece)
            if self.upstream.keep_bodies:
                r.body += piece
                r.raw_body += piece
            if self.left == 0:
                self._complete()
            return True
        if self.state == "size":
            if b"\r\n" not in self.buffer:
                return False
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            r.raw_body += line + b"\r\n"
            self.left = int(line, 16)
            self.state = "data"
            return True
        if len(self.buffer) < self.left + 2:
            return False
        piece, self.buffer = self.buffer[:self.left], self.buffer[self.left + 2:]
        r.raw_body += piece + b"\r\n"
        r.body += piece
        r.body_bytes += len(piece)
        self.state = "size"
        if self.left == 0:
            self._complete()
        return True

    def _complete(self):
        self.current.complete = True
        self.current.t_end = time.monotonic()
        self.state = "head"
        self.upstream._wake()

    # The answers.

    async def _play(self):
        while self.waiting:
            request = self.waiting[0]
            script = self.upstream._script_for(request)
            if not getattr(script, "early", False):
                while not request.complete:
                    await asyncio.sleep(0.001)
            if callable(script):
                script = script(request)
            if isinstance(script, bytes):
                script = [script]
            for step in script:
                await self._step(step)
                if self.end:
                    return
            self.waiting.popleft()

    async def _step(self, step):
        if isinstance(step, bytes):
            await self._write(step)
        elif isinstance(step, (int, float)):
            await asyncio.sleep(step)
        elif isinstance(step, Gate):
            await step.wait()
        elif step is FIN:
            self.end = "own"
            self.transport.close()
        elif step is RST:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.end = "own"
            self.transport.abort()
        elif step is HOLD:
            while not self.end:
                await asyncio.sleep(0.01)
        else:
            await step(self)

    async def _write(self, data):
        self.transport.write(data)
        self.bytes_out += len(data)
        self.last_write = time.monotonic()
        await self.writable.wait()


class Early(list):
    """A script that answers before the request's body is complete."""
    early = True


class Upstream:
    def __init__(self, tls=None, sndbuf=None):
        self.tls = tls
        self.sndbuf = sndbuf
        self.keep_bodies = True
        self.requests = []
        self.connections = []
        self.default = reply({"error": {"message": "no script"}}, 599)
        self.queue = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        started = threading.Event()
        self._loop.call_soon(started.set)
        self._thread.start()
        started.wait()
        self._server = self._do(self._loop.create_server(
            lambda: Connection(self), "127.0.0.1", 0, ssl=tls, backlog=4096)).result()
        self.port = self._server.sockets[0].getsockname()[1]

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    def provider(self, **more):
        """Its entry under `providers`; it is not asked for its models, unless the test says so."""
        return {"type": "openai-compatible", "base_url": self.url, "api_key": "sk-upstream-secret",
                "discover": False, **more}

    # Scripts: bytes, a list of steps, or a function of the request that gives one.

    def answer(self, script):
        """For every request from now on."""
        self.default = script
        return self

    def once(self, script):
        """For one request; several stand in a queue."""
        self.queue.append(script)
        return self

    def _script_for(self, request):
        return self.queue.popleft() if self.queue else self.default

    # What came.

    def _wake(self):
        with self._changed:
            self._changed.notify_all()

    def _add_request(self, r):
        self.requests.append(r)
        self._wake()

    def _add_connection(self, c):
        self.connections.append(c)
        self._wake()

    def forget(self):
        self.requests.clear()

    def wait_request(self, count=1, timeout=10, complete=True):
        """The count-th request since the start (or forget()), complete."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self.requests) < count or (complete and not self.requests[count - 1].complete):
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.requests)} requests came, {count} were expected"
                self._changed.wait(min(left, 0.05))
        return self.requests[count - 1]

    def wait_connection(self, count=1, timeout=10):
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self.connections) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.connections)} connections came, not {count}"
                self._changed.wait(min(left, 0.05))
        return self.connections[count - 1]

    @property
    def last(self):
        assert self.requests, "nothing reached the provider"
        return self.requests[-1]

    def open_connections(self):
        return [c for c in self.connections if not c.end]

    def close(self):
        async def end():
            self._server.close()
            for c in self.connections:
                if c.task:
                    c.task.cancel()
                c.transport.abort()
            await asyncio.sleep(0)
        self._do(end()).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
