"""What a run made on the server, wanted or not, so that it is deleted again."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


class Ledger:
    """The paths of resources made by POST or by an operation of a Bulk request, in order: "/Users/2819c223"."""

    def __init__(self) -> None:
        self._paths: dict[str, None] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def latest(self, endpoint: str) -> str | None:
        """The id of the last one made at an endpoint."""
        paths = (path for path in reversed(self._paths) if path.rpartition("/")[0] == endpoint)
        found = next(paths, None)
        return None if found is None else found.rpartition("/")[2]

    def note(self, method: str, path: str, status: int, content: bytes) -> None:
        """Look at an answer for what came to be."""
        if method != "POST" or path.endswith(".search"):
            return
        try:
            body = json.loads(content)
        except ValueError:
            return
        if isinstance(body, dict):
            self._paths |= dict.fromkeys(_made(path, status, body))

    def empty(self) -> list[str]:
        """All paths, the last made first; the ledger forgets them."""
        paths = list(reversed(self._paths))
        self._paths.clear()
        return paths


def _made(path: str, status: int, body: Mapping[str, Any]) -> Iterator[str]:
    if status == 201 and body.get("id"):
        yield f"{path.rstrip('/')}/{body['id']}"
    operations = body.get("Operations")
    for each in operations if isinstance(operations, list) else ():
        if isinstance(each, dict) and each.get("method") == "POST" and str(each.get("status")) == "201":
            endpoint, _, resource_id = str(each.get("location") or "").rstrip("/").rpartition("/")
            yield f"/{endpoint.rpartition('/')[2]}/{resource_id}"
