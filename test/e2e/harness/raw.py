"""A client that speaks HTTP/1.1 over a plain or TLS socket, byte by byte: it sends what the test says
and reports how the answer was framed, and whether it was whole."""
import re
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field


def linger_zero(sock):
    """close() of such a socket sends RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def request_bytes(method, target, headers=(), body=None, host="gateway.test"):
    lines = [f"{method} {target} HTTP/1.1"]
    given = {name.lower() for name, _ in headers}
    if "host" not in given:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not given & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def chunked(*pieces, end=True):
    out = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces if p)
    return out + (b"0\r\n\r\n" if end else b"")


@dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list
    raw_head: bytes
    body: bytes = b""
    chunks: list = field(default_factory=list)  # pieces as they were framed
    complete: bool = False  # by its framing
    cut: str = ""  # "fin" or "rst" when the connection ended before that
    interim: list = field(default_factory=list)
    close_delimited: bool = False

    def get(self, name):
        """The field's value; None without one; an error when it comes several times."""
        found = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(found) < 2, f"{name} comes {len(found)} times: {found}"
        return found[0] if found else None

    def json(self):
        import json
        return json.loads(self.body)

    @property
    def error(self):
        return self.json()["error"]


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    version, status, reason = (lines[0].split(" ", 2) + [""])[:3]
    headers = []
    for line in lines[1:]:
        if line:
            name, value = line.split(":", 1)
            headers.append((name, value.strip()))
    return int(status), reason, version, headers


class RawClient:
    def __init__(self, port, tls=None, timeout=15, server_name="localhost", rcvbuf=None,
                 host="127.0.0.1"):
        self.sock = socket.socket()
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.plain = self.sock
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name,
                                        suppress_ragged_eofs=False)
        self.buffer = b""
        self.ended = ""
        self.last_read = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def request(self, method, target, headers=(), body=None, **kw):
        """Sends a request and reads its answer.  An answer that comes while the request is still
        being sent is read too."""
        try:
            self.send(request_bytes(method, target, headers, body, **kw))
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self.read_response(method)

    def post(self, target, body, headers=()):
        import json
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        given = {n.lower() for n, _ in headers}
        if "content-type" not in given:
            headers = [*headers, ("Content-Type", "application/json")]
        return self.request("POST", target, headers, body)

    def get(self, target, headers=()):
        return self.request("GET", target, headers)

    # Leaving.

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def fin(self):
        """Ends our side; over TLS with a close_notify first."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.plain = self.sock
            self.sock.settimeout(0)
            try:
                self.sock.unwrap()
            except (ssl.SSLError, OSError, ValueError):
                pass
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def rst(self):
        linger_zero(self.sock)
        if isinstance(self.sock, ssl.SSLSocket):
            fd = self.sock.detach()
            self.sock = socket.socket(fileno=fd)
        self.sock.close()

    # Reading.

    def _fill(self):
        """More bytes; False at the end of the connection (self.ended says how)."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(262144)
        except ssl.SSLEOFError:
            self.ended = "fin"
            return False
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "rst"
            return False
        self.last_read = time.monotonic()
        if not data:
            self.ended = "fin"
            return False
        self.buffer += data
        return True

    def wait_closed(self, timeout=5):
        """True when the peer ends the connection without another byte."""
        self.sock.settimeout(timeout)
        try:
            while self._fill():
                pass
        except TimeoutError:
            return False
        return self.buffer == b""

    def read_head(self, method="GET"):
        interim = []
        while True:
            while b"\r\n\r\n" not in self.buffer:
                if not self._fill():
                    raise ConnectionError(f"no answer: {self.ended}, after {self.buffer[:200]!r}")
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            status, reason, version, headers = parse_head(head)
            if status >= 200 or status == 101:
                return Response(status, reason, version, headers, head + b"\r\n\r\n",
                                interim=interim)
            interim.append(status)

    def read_response(self, method="GET"):
        r = self.read_head(method)
        self.read_body(r, method)
        return r

    def read_body(self, r, method="GET"):
        for _ in self.iter_body(r, method):
            pass
        return r

    def iter_body(self, r, method="GET"):
        """Yields the pieces of the body as they come (chunks, when chunked)."""
        if method == "HEAD" or r.status in (204, 304):
            r.complete = True
            return
        length = r.get("content-length")
        coding = r.get("transfer-encoding")
        assert length is None or coding is None, "content-length and transfer-encoding"
        if coding is not None:
            assert coding.lower() == "chunked", coding
            yield from self._iter_chunks(r)
        elif length is not None:
            assert re.fullmatch(r"\d+", length), length
            left = int(length)
            while left:
                if not self.buffer and not self._fill():
                    r.cut = self.ended
                    return
                piece, self.buffer = self.buffer[:left], self.buffer[left:]
                left -= len(piece)
                r.body += piece
                yield piece
            r.complete = True
        else:
            r.close_delimited = True
            parts = []
            while self.buffer or self._fill():
                piece, self.buffer = self.buffer, b""
                parts.append(piece)
                r.body = b"".join(parts)
                yield piece
            r.complete = self.ended == "fin"
            r.cut = "" if r.complete else self.ended

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._fill():
                return None
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _iter_chunks(self, r):
        bodies = []
        while True:
            line = self._line()
            if line is None:
                r.cut = self.ended
                return
            size = int(line, 16)
            while len(self.buffer) < size + 2:
                if not self._fill():
                    r.body += self.buffer[:size]
                    r.cut = self.ended
                    return
            piece = self.buffer[:size]
            assert self.buffer[size:size + 2] == b"\r\n", "a chunk without its end"
            self.buffer = self.buffer[size + 2:]
            if size == 0:
                r.complete = True
                return
            bodies.append(piece)
            r.chunks.append(piece)
            r.body += piece
            yield piece


def sse_events(body):
    """The data of each event, comments left out."""
    out = []
    for block in re.split(rb"\r\n\r\n|\n\n|\r\r", body):
        data = [line[5:].removeprefix(b" ") for line in re.split(rb"\r\n|\n|\r", block)
                if line.startswith(b"data:")]
        if data:
            out.append(b"\n".join(data).decode())
    return out
