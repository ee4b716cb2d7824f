"""The bars of the mirror, each measured in one run: B1 to B4 and B8; B5 to B7 are in `tests.bench.live`."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
from rich.console import Console

from tests.bench import requests
from tests.bench.bulk import bulk_ratios, reads_during_sync
from tests.bench.measure import Arm, Costs, Ratio, measured
from tests.bench.mirror import configuration, mirror, served
from tests.bench.scimmy import scimmy
from tests.bench.servers import Server, application

PEOPLE: Final = 10_000
MANY: Final = 100_000
MILLION: Final = 1_000_000
PEER: Final = {
    "GET /Users/{id}": 8,
    "userName eq": 10,
    "list of 100": 200,
    "familyName sw, 50": 150,
    "Groups without members": 500,
    "POST /Users": 1,
    "PATCH active": 2,
}
"""How many times as cheap as scim2-server (performance.md, B3)."""


def compared(console: Console, rounds: int, seconds: float) -> list[Ratio]:
    """B1 to B3: against the ceilings of the framework, scim2-server and SCIMMY, with 10,000 people each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        console.print(f"starting servers with {PEOPLE} people each ...")
        ceiling = stack.enter_context(application("ceiling", PEOPLE, "/one"))
        peer = stack.enter_context(application("scim2-server", PEOPLE, "/ServiceProviderConfig"))
        own = stack.enter_context(mirror(PEOPLE, peer, folder))
        other = stack.enter_context(scimmy(PEOPLE, folder))
        servers = [each for each in (own, peer, other) if each is not None]
        for each in servers:
            each.learn()
        arms = {f"ceiling {name}": requests.reading(ceiling, [ceiling.request("GET", f"/{name}")]) for name in CEILINGS}
        for server in servers:
            for name, asked in requests.reads(server, PEOPLE).items():
                arms[f"{server.name} {name}"] = requests.reading(server, asked)
        for server in (own, peer):
            arms[f"{server.name} POST /Users"] = requests.creating(server)
            arms[f"{server.name} PATCH active"] = requests.deactivating(server)
        costs = measured(arms, rounds, seconds)
    _show(console, costs)
    return [*_ceilings(costs), *_peers(costs, other is not None)]


CEILINGS: Final = ("one", "list", "joined")


def _ceilings(costs: Costs) -> list[Ratio]:
    return [
        Ratio("B1", "GET: Starlette with one user's bytes / mirror", costs.ratio("ceiling one", f"mirror {GET}"), 0.40),
        Ratio("B1", "userName eq: the same / mirror", costs.ratio("ceiling one", "mirror userName eq"), 0.28),
        Ratio(
            "B2", "list of 100: Starlette with its bytes / mirror", costs.ratio("ceiling list", f"mirror {LIST}"), 0.25
        ),
        Ratio(
            "B2", "list of 100: SQLite fetch and join / mirror", costs.ratio("ceiling joined", f"mirror {LIST}"), 0.60
        ),
    ]


GET: Final = "GET /Users/{id}"
LIST: Final = "list of 100"


def _peers(costs: Costs, with_scimmy: bool) -> list[Ratio]:
    found = [
        Ratio("B3", f"{name}: scim2-server / mirror", costs.ratio(f"scim2-server {name}", f"mirror {name}"), limit)
        for name, limit in PEER.items()
    ]
    for name in PEER:
        if name.startswith(("POST", "PATCH")):
            continue
        value = costs.ratio(f"SCIMMY {name}", f"mirror {name}") if with_scimmy else None
        found.append(Ratio("B3", f"{name}: SCIMMY / mirror", value, 1.0))
    return found


def flat(console: Console, rounds: int, seconds: float) -> list[Ratio]:
    """B4: flat in depth and in size, quick with nothing in memory, and small."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        peers_memory = stack.enter_context(ThreadPoolExecutor(1)).submit(_peers_memory)  # while the mirrors are filled
        upstream = stack.enter_context(application("scim2-server", 20, "/ServiceProviderConfig"))
        console.print("filling mirrors of 10,000, 100,000 and 1,000,000 people ...")
        with ExitStack() as warm:
            sizes = {people: warm.enter_context(mirror(people, upstream, folder)) for people in (PEOPLE, MANY, MILLION)}
            costs = measured(_pages(sizes), rounds, seconds)
            memory = _used_memory(sizes[MANY], seconds)
        cold = statistics.median([_cold_seconds(folder, start) for start in COLD_STARTS])
    _show(console, costs)
    last, first = f"last page of {MILLION}", f"first page of {MILLION}"
    return [
        Ratio("B4", "last page / first page of 1,000,000", costs.ratio(last, first), 1.3, True),
        Ratio("B4", "a page of 1,000,000 / of 10,000", costs.ratio(first, f"first page of {PEOPLE}"), 1.4, True),
        Ratio("B4", "ms for a deep page of 1,000,000, new process, nothing in memory", cold * 1000, 20, True),
        Ratio("B4", "memory with 100,000 people / scim2-server's", memory / peers_memory.result(), 0.1, True),
    ]


COLD_STARTS: Final = (900_001, 700_001, 800_001, 600_001, 500_001)


def _pages(sizes: dict[int, Server]) -> dict[str, Arm]:
    return {
        f"{name} page of {people}": requests.reading(
            sizes[people], [sizes[people].request("GET", "/Users", startIndex=start, count=100)]
        )
        for people in (PEOPLE, MILLION)
        for name, start in (("first", 1), ("last", people - 99))
    }


def _peers_memory() -> int:
    with application("scim2-server", MANY, "/ServiceProviderConfig") as peer:
        return peer.memory_bytes()


def _used_memory(server: Server, seconds: float) -> int:
    """The memory of a mirror that has answered some of everything."""
    server.learn()
    for asked in requests.reads(server, MANY).values():
        requests.reading(server, asked, connections=4)(seconds)
    return server.memory_bytes()


def _cold_seconds(folder: Path, start: int) -> float:
    """The time of the first list that a new process answers, a deep page, with nothing of the database in memory."""
    with (
        served(configuration(folder, str(MILLION)), MILLION) as server,
        httpx.Client(base_url=server.origin + server.base, headers={"Authorization": "Bearer t"}) as client,
    ):
        client.get("/Schemas").raise_for_status()  # the connection is opened, which asks the upstream
        for each in folder.glob(f"mirror-{MILLION}.db*"):
            with each.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        started = time.perf_counter()
        answer = client.get("/Users", params={"startIndex": start, "count": 100})
        taken = time.perf_counter() - started
    assert len(answer.json().get("Resources", [])) == 100, answer.text[:1000]
    return taken


def bulk(console: Console, rounds: int, seconds: float) -> list[Ratio]:
    """B8: storing many resources, and reading meanwhile."""
    return [*bulk_ratios(console), *reads_during_sync(console, seconds)]


def _show(console: Console, costs: Costs) -> None:
    for arm in sorted(costs.rounds):
        cost = costs.of(arm)
        console.print(f"  {arm:<45} {(cost or 0) * 1e6:>12,.0f} us of CPU a request", highlight=False)
