"""The pages' own files, under a path that changes with what is in them, so that browsers keep them for good."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent / "static"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: its bytes, its media type, and a name for what is in it."""

    content: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """All files by name; read once."""
    return {each.name: _asset(each) for each in sorted(_FOLDER.iterdir()) if each.suffix in _TYPES}


def _asset(file: Path) -> Asset:
    content = file.read_bytes()
    return Asset(content, _TYPES[file.suffix], sha256(content).hexdigest()[:16])


def asset_path(name: str) -> str:
    """The path of a file. KeyError for one that is not there."""
    return f"/static/{assets()[name].digest}/{name}"


async def serve_asset(request: Request) -> Response:
    """A file. One of another digest was named by a node of another version, and gets ours, to be asked for again."""
    found = assets().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    kept = _FOR_GOOD if request.path_params["digest"] == found.digest else "no-cache"
    headers = {
        "Cache-Control": kept,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.content, media_type=found.media_type, headers=headers)


STATIC_ROUTE: Final = Route("/static/{digest}/{name}", serve_asset, name="static")
