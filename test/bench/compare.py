#!/usr/bin/env python3
"""The gateway against nginx as plain proxy, in one run, as ratios.

    compare.py --gateway build/release/llm-gateway --tools build/release [--seconds 6] [--rounds 3]

Both proxies have one worker, pinned to one processor; origin and load share the other. Rounds alternate
between them, so that a machine that changes its speed changes both. CPU time is what the kernel counted
for the proxy's process (schedstat, nanoseconds). Writes the table of docs/performance.md to standard output.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

NGINX = """
worker_processes 1; daemon off; master_process off; pid {dir}/nginx.pid;
error_log {dir}/error.log crit; worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
http {{
    access_log {dir}/access.log combined;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    client_body_buffer_size 1m; client_max_body_size 64m;
    keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on;
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering {buffering};
        }}
    }}
}}
"""

GATEWAY = """
listen: 127.0.0.1:{port}
workers: 1
admin: {{listen: "127.0.0.1:{admin}"}}
log: {{access_file: {dir}/access.log, file: {dir}/messages.log, format: json}}
providers:
  origin:
    type: openai-compatible
    base_url: http://127.0.0.1:{origin}/v1
    models: [bench]
    api_key: sk-upstream-0123456789
    pool: {{max_connections: 20000, max_idle: 20000}}
  claude:
    type: anthropic
    base_url: http://127.0.0.1:{origin}
    discover: false
    api_key: sk-upstream-0123456789
    pool: {{max_connections: 20000, max_idle: 20000}}
models: {{bench: origin/bench, "bench-*": origin/*}}
keys: {{load: {{key: sk-gw-bench-0123456789abcdef, tenant: bench}}}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_ns(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass
    return total


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def wait_port(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"nothing listens on {port}")


class Bench:
    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="gateway-bench-")
        self.children = []
        self.origin_port = free_port()
        self.load = f"{args.tools}/bench_load"
        self.spawn([f"{args.tools}/bench_origin", str(self.origin_port)], self.args.client_cpu)
        wait_port(self.origin_port)

    def spawn(self, command, cpu):
        child = subprocess.Popen(["taskset", "-c", str(cpu)] + command,
                                 stdout=subprocess.DEVNULL, stderr=open(f"{self.dir}/stderr", "ab"))
        self.children.append(child)
        return child

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self.children.remove(child)

    def close(self):
        for child in list(self.children):
            self.stop(child)

    def start_nginx(self, buffering="on"):
        port, d = free_port(), tempfile.mkdtemp(dir=self.dir)
        conf = f"{d}/nginx.conf"
        pathlib.Path(conf).write_text(NGINX.format(dir=d, port=port, origin=self.origin_port,
                                                   buffering=buffering))
        child = self.spawn(["nginx", "-c", conf, "-p", d], self.args.proxy_cpu)
        wait_port(port)
        return child, port

    def start_gateway(self):
        port, admin, d = free_port(), free_port(), tempfile.mkdtemp(dir=self.dir)
        conf = f"{d}/gateway.yaml"
        pathlib.Path(conf).write_text(GATEWAY.format(dir=d, port=port, admin=admin,
                                                     origin=self.origin_port))
        begun = time.monotonic()
        child = self.spawn([self.args.gateway, "serve", "-c", conf], self.args.proxy_cpu)
        wait_port(port)
        self.start_ms = (time.monotonic() - begun) * 1000
        return child, port

    def run_load(self, port, *more):
        out = subprocess.run(["taskset", "-c", str(self.args.client_cpu), self.load, "--port",
                              str(port), "--key", "sk-gw-bench-0123456789abcdef"] + list(more),
                             stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(out.stdout)

    def measure(self, child, port, unit, *more):
        """One round: nanoseconds of the proxy's CPU per unit ("requests" or "events")."""
        before = cpu_ns(child.pid)
        result = self.run_load(port, *more)
        result["cpu_ns"] = (cpu_ns(child.pid) - before) / max(result[unit], 1)
        if result["errors"] or result["gaps"]:
            print("warning: errors", result, file=sys.stderr)
        return result

    def compare(self, title, unit, *more, buffering="on"):
        ours, theirs = [], []
        gateway, gport = self.start_gateway()
        nginx, nport = self.start_nginx(buffering)
        seconds = ["--seconds", str(self.args.seconds)]
        self.run_load(gport, *more, "--seconds", "0.5")
        self.run_load(nport, *more, "--seconds", "0.5")
        for _ in range(self.args.rounds):
            ours.append(self.measure(gateway, gport, unit, *more, *seconds))
            theirs.append(self.measure(nginx, nport, unit, *more, *seconds))
        self.stop(gateway)
        self.stop(nginx)
        ratios = [a["cpu_ns"] / b["cpu_ns"] for a, b in zip(ours, theirs)]
        mid = lambda rows, key: statistics.median(r[key] for r in rows)
        rate = lambda rows: statistics.median(r[unit] / r["seconds"] for r in rows)
        print(f"| {title} | {mid(ours, 'cpu_ns') / 1000:.1f} µs | {mid(theirs, 'cpu_ns') / 1000:.1f} µs "
              f"| **{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f}) "
              f"| {rate(ours):.0f}/s · {rate(theirs):.0f}/s |", flush=True)
        return ours, theirs

    def latency(self):
        gateway, gport = self.start_gateway()
        rows = {"direct": [], "gateway": []}
        for _ in range(self.args.rounds):
            for name, port in (("direct", self.origin_port), ("gateway", gport)):
                rows[name].append(self.run_load(port, "--connections", "1", "--seconds",
                                                str(self.args.seconds / 2))["latency_us"])
        self.stop(gateway)
        added = lambda q: statistics.median(g[q] - d[q] for g, d in zip(rows["gateway"], rows["direct"]))
        print(f"\nAdded latency at one connection: p50 {added('p50'):.0f} µs, p90 {added('p90'):.0f} µs, "
              f"p99 {added('p99'):.0f} µs.", flush=True)

    def memory(self):
        gateway, port = self.start_gateway()
        time.sleep(0.5)
        idle = rss_kib(gateway.pid)
        sockets = []
        for _ in range(2000):
            s = socket.create_connection(("127.0.0.1", port))
            sockets.append(s)
        request = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
        for s in sockets:
            s.sendall(request)
        for s in sockets:
            s.recv(4096)
        time.sleep(0.5)
        per_connection = (rss_kib(gateway.pid) - idle) / len(sockets)
        for s in sockets:
            s.close()
        time.sleep(0.5)
        before = rss_kib(gateway.pid)
        load = subprocess.Popen(["taskset", "-c", str(self.args.client_cpu), self.load, "--port", str(port),
                                 "--key", "sk-gw-bench-0123456789abcdef", "--stream", "--model",
                                 "bench-100-10", "--connections", "4000", "--requests", "4000",
                                 "--seconds", "30"], stdout=subprocess.PIPE, text=True)
        time.sleep(8)
        per_stream = (rss_kib(gateway.pid) - before) / 4000
        result = json.loads(load.communicate()[0])
        self.stop(gateway)
        print(f"\nMemory: {idle / 1024:.1f} MiB idle, {per_connection:.1f} KiB per idle connection, "
              f"{per_stream:.1f} KiB per open stream (4000 streams, {result['events']} events, "
              f"{result['gaps']} gaps, {result['errors']} errors). Start to listening: {self.start_ms:.0f} ms.",
              flush=True)

    def streams(self, count=9000, tokens=100, rate=10):
        """Many streams at once from the mock, numbered tokens: all must arrive, in order."""
        mock_port, port, admin, d = free_port(), free_port(), free_port(), tempfile.mkdtemp(dir=self.dir)
        mock = self.spawn([self.args.gateway, "mock", "--listen", f"127.0.0.1:{mock_port}",
                           "--token-rate", str(rate), "--tokens", str(tokens)], self.args.client_cpu)
        wait_port(mock_port)
        conf = f"{d}/gateway.yaml"
        pathlib.Path(conf).write_text(
            GATEWAY.format(dir=d, port=port, admin=admin, origin=mock_port)
            .replace("workers: 1", "workers: 2"))
        gateway = self.spawn([self.args.gateway, "serve", "-c", conf], "0,1")
        wait_port(port)
        before = rss_kib(gateway.pid)
        load = subprocess.Popen([self.load, "--port", str(port), "--key", "sk-gw-bench-0123456789abcdef",
                                 "--stream", "--model", "origin/mock?numbered=1", "--connections", str(count),
                                 "--requests", str(count), "--seconds", "120"],
                                stdout=subprocess.PIPE, text=True)
        peak = before
        while load.poll() is None:
            peak = max(peak, rss_kib(gateway.pid))
            time.sleep(0.2)
        result = json.loads(load.stdout.read())
        self.stop(gateway)
        self.stop(mock)
        print(f"\n{count} streams of {tokens} tokens at {rate} a second each: {result['events']} events, "
              f"{result['gaps']} gaps, {result['errors']} errors, {result['seconds']:.0f} s; "
              f"{(peak - before) / count:.1f} KiB a stream.", flush=True)
        if result["gaps"] or result["errors"] or result["events"] < count * tokens:
            sys.exit("streams: events are missing")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gateway", required=True)
    p.add_argument("--tools", required=True)
    p.add_argument("--seconds", type=float, default=6)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--proxy-cpu", type=int, default=0)
    p.add_argument("--client-cpu", type=int, default=1)
    p.add_argument("--only")
    args = p.parse_args()
    bench = Bench(args)
    wanted = lambda name: not args.only or args.only in name
    try:
        print("| what | gateway, CPU | nginx, CPU | ratio | rate (gateway · nginx) |\n|---|---|---|---|---|")
        if wanted("small"):
            bench.compare("request of 0.3 KB, 32 connections", "requests", "--connections", "32")
        if wanted("large"):
            body = pathlib.Path(bench.dir) / "body.json"
            words = "The quick brown fox jumps over the lazy dog. "
            body.write_text(json.dumps({"model": "bench", "messages": [
                {"role": "user", "content": words * 20} for _ in range(110)]}))
            bench.compare("request of 100 KB, 16 connections", "requests", "--connections", "16",
                          "--body", str(body))
        if wanted("events"):
            bench.compare("streamed event, 100 streams at 100 events/s", "events", "--connections",
                          "100", "--stream", "--model", "bench-300-100", buffering="off")
        if wanted("translated"):
            bench.compare("request of 0.3 KB, OpenAI → Anthropic", "requests", "--connections", "32",
                          "--model", "claude/bench")
            bench.compare("streamed event, OpenAI → Anthropic", "events", "--connections", "100",
                          "--stream", "--model", "claude/bench-300-100", buffering="off")
        if wanted("latency"):
            bench.latency()
        if wanted("memory"):
            bench.memory()
        if wanted("streams"):
            bench.streams()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
