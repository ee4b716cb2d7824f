"""What the worker processes of one program tell each other: what each counted, in a file of a folder they share.

Whichever of them is asked then answers for all. Files are a second old at most. The file of a worker that has ended
stays, as what it counted did happen; how it stood does not count any more.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from scim_bridge.exposition import Sample, Samples

PUBLISH_SECONDS: Final = 1.0
FOLDER_VARIABLE: Final = "SCIM_BRIDGE_WORKERS_FOLDER"
"""Set by `serve` for its worker processes."""


class Board:
    """The folder, as one process sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Process ids come again; a worker must not write over what an earlier one left.
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}.json"

    def publish(self, counters: Mapping[Sample, float], gauges: Mapping[Sample, float]) -> None:
        """Leave the samples of this process for the others. Raises OSError."""
        content = orjson.dumps({"counters": _listed(counters), "gauges": _listed(gauges)})
        draft = self._folder / f"{self._name}.new"
        draft.write_bytes(content)
        draft.replace(self._folder / self._name)  # or others would read half of it

    def others(self) -> tuple[list[Samples], list[Samples]]:
        """The counters of all other processes, and the gauges of those that run. Raises OSError."""
        counters, gauges = [], []
        for path in sorted(self._folder.glob("*.json")):
            if path.name == self._name:
                continue
            found = orjson.loads(path.read_bytes())
            counters.append(_samples(found["counters"]))
            if _runs(int(path.name.partition("-")[0])):
                gauges.append(_samples(found["gauges"]))
        return counters, gauges


def _listed(samples: Mapping[Sample, float]) -> list[Any]:
    return [[name, labels, value] for (name, labels), value in samples.items()]


def _samples(listed: list[Any]) -> Samples:
    return {(name, tuple((key, text) for key, text in labels)): value for name, labels, value in listed}


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
