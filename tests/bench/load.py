"""Load from a process of its own: ``python -m tests.bench.load PORT CONNECTIONS SECONDS`` with requests on stdin.

Each connection sends one request after the other, round and round; what comes back is read to its end and counted.
"""

import asyncio
import json
import sys
import time
from itertools import count
from typing import Any


async def _answered(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, its body read."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
    elif b"transfer-encoding: chunked" in lower:
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status


async def _client(port: int, requests: list[bytes], turn: Any, until: float, seen: dict[int, int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    while time.perf_counter() < until:
        writer.write(requests[next(turn) % len(requests)])
        status = await _answered(reader)
        seen[status] = seen.get(status, 0) + 1
    writer.close()


async def main(port: int, connections: int, seconds: float) -> None:
    requests = [each.encode("latin-1") for each in json.load(sys.stdin)]
    seen: dict[int, int] = {}
    turn, until = count(), time.perf_counter() + seconds
    await asyncio.gather(*(_client(port, requests, turn, until, seen) for _ in range(connections)))
    print(json.dumps(seen))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
