"""Asks a gateway over connections that stay open, each for its next answer as soon as it has the last one.
`python load.py PORT KEY CONNECTIONS SECONDS` prints requests a second, the 95th percentile in ms, and failures."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

WARM_UP = 4.0
BODY = json.dumps({"model": "first", "messages": [{"role": "user", "content": "What is a gateway? " * 4}]}).encode()


async def one(port: int, key: str, until: float, took: list[tuple[float, float]], failed: list[int]) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
    request = f"{head}content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.monotonic()) < until:
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        if answer.startswith(b"http/1.1 200"):
            took.append((started, time.monotonic() - started))
        else:
            failed.append(1)
    writer.close()


async def main(port: int, key: str, connections: int, seconds: float) -> None:
    took: list[tuple[float, float]] = []
    failed: list[int] = []
    begin = time.monotonic() + WARM_UP
    await asyncio.gather(*(one(port, key, begin + seconds, took, failed) for _ in range(connections)))
    measured = sorted(length for started, length in took if started >= begin)
    p95 = measured[int(len(measured) * 0.95)] * 1000
    print(json.dumps({"rps": len(measured) / seconds, "p95": p95, "failed": len(failed), "answered": len(took)}))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
