#!/usr/bin/env python3
"""Millions of requests through one gateway, with its memory watched.

    soak.py --gateway build/release/llm-gateway --tools build/release [--requests 10000000]

Slices of the load take turns: short answers, 20 KB requests, streams, and clients that leave in the
middle. Resident memory is read after each slice; it is flat when the last tenth of the run is at most
2 MiB above what the first tenth reached. Exit status 1 when it is not, or when a request failed.
"""
import argparse
import json
import pathlib
import socket
import sys
import time

import compare

GROWTH_MAX_KIB = 2048
KEY = "sk-gw-bench-0123456789abcdef"


def leave(port, count):
    """Clients that go after the first bytes of a stream."""
    body = json.dumps({"model": "bench-1000-20", "stream": True,
                       "messages": [{"role": "user", "content": "Hello"}]}).encode()
    head = (f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n").encode()
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(10)
            s.sendall(head + body)
            s.recv(1024)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gateway", required=True)
    p.add_argument("--tools", required=True)
    p.add_argument("--requests", type=int, default=10_000_000)
    p.add_argument("--proxy-cpu", type=int, default=0)
    p.add_argument("--client-cpu", type=int, default=1)
    args = p.parse_args()

    # Ten million lines of access log are written, and nobody keeps them.
    compare.GATEWAY = compare.GATEWAY.replace("{dir}/access.log", "/dev/null")
    bench = compare.Bench(args)
    large = pathlib.Path(bench.dir) / "large.json"
    large.write_text(json.dumps({"model": "bench", "messages": [
        {"role": "user", "content": "The quick brown fox. " * 1000}]}))
    piece = max(args.requests // 50, 1000)
    slices = [
        ("short", ["--connections", "64"], piece),
        ("20 KB", ["--connections", "32", "--body", str(large)], piece // 5),
        ("streams", ["--connections", "200", "--stream", "--model", "bench-20-1000"], piece // 20),
    ]

    memory, done, errors = [], 0, 0
    begun = time.monotonic()
    try:
        gateway, port = bench.start_gateway()
        while done < args.requests:
            for name, options, count in slices:
                result = bench.run_load(port, *options, "--requests", str(count), "--seconds", "600")
                done += result["requests"]
                errors += result["errors"] + result["gaps"]
                if result["requests"] == 0:
                    sys.exit(f"no answer in the slice of {name}: {result}")
            leave(port, 100)
            time.sleep(0.2)
            memory.append(compare.rss_kib(gateway.pid))
            print(f"{done:>10} requests  {memory[-1] / 1024:6.1f} MiB  {errors} errors  "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
    finally:
        bench.close()

    tenth = max(len(memory) // 10, 1)
    first, last = max(memory[:tenth]), max(memory[-tenth:])
    print(f"{done} requests: {first / 1024:.1f} MiB after the first tenth, {last / 1024:.1f} MiB in the last")
    sys.exit(1 if last - first > GROWTH_MAX_KIB or errors else 0)


if __name__ == "__main__":
    main()
