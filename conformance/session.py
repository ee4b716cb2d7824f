"""A run of the own suite against one server: what checks share, what they make, and how it is cleaned up."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from scim_bridge.conformance.bodies import minimal, variants
from scim_bridge.conformance.ledger import Ledger
from scim_bridge.conformance.requirements import Failed, Skipped, expect, skip
from scim_bridge.conformance.site import ENTERPRISE, Attribute, Kind, Site, put, read_site
from scim_bridge.conformance.wire import Answer, Wire

MAX_ROWS: Final = 2000
"""Rows of a list that a check reads; longer ones are not judged as a whole."""
PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_TEXT: Final = (
    *"title nickName displayName name.familyName name.givenName userName".split(),
    f"{ENTERPRISE}:department",
)


class Session:
    """What a check gets. ``write``: whether it may change the server.

    `people` and `teams` are shared by the checks that only read, which must leave them as they are; a check that
    changes something makes its own with `make`.
    """

    def __init__(self, client: httpx.Client, *, write: bool) -> None:
        self.run: Final = secrets.token_hex(3)
        self.write = write
        self.ledger = Ledger()
        self.wire = Wire(client, self.ledger)
        self.wire.writing = write
        self.site = Site()
        self._number = 0
        self._found: dict[str, str | None] = {}
        self._shared: dict[str, list[dict[str, Any]] | Failed | Skipped] = {}

    def open(self) -> None:
        """Read discovery. Raises Failed where it cannot be read."""
        self.site = read_site(self.wire)

    # -- requests -----------------------------------------------------------------------------------------------------

    def get(self, path: str, **params: Any) -> Answer:
        return self.wire.get(path, **params)

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        return self.wire.send("POST", path, body=body, **more)

    def put(self, path: str, body: Any, **more: Any) -> Answer:
        return self.wire.send("PUT", path, body=body, **more)

    def patch(self, path: str, *operations: Mapping[str, Any], **more: Any) -> Answer:
        """PATCH with these operations (RFC 7644 section 3.5.2). Raises Skipped where PATCH is not offered."""
        self.site.needs("patch")
        return self.wire.send("PATCH", path, body={"schemas": [PATCH_OP], "Operations": list(operations)}, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.wire.send("DELETE", path, **more)

    def search(self, kind: Kind, filter: str, **params: Any) -> list[dict[str, Any]]:
        """All resources that a filter finds. Raises Skipped where there are more than MAX_ROWS."""
        return self.crawl(kind, filter=filter, **params)

    def crawl(self, kind: Kind, **params: Any) -> list[dict[str, Any]]:
        """All resources of a query, page by page. Raises Failed where pages do not add up to the total."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.get(kind.endpoint, **{**params, "startIndex": len(rows) + 1})
            page, total = answer.resources(), answer.total
            rows += page
            if total > MAX_ROWS:
                skip(f"{answer.told} has {total} results; up to {MAX_ROWS} are read")
            if len(rows) >= total:
                expect(len(rows) == total, f"{answer.told}: {len(rows)} resources, and totalResults {total}")
                return rows
            expect(page, f"{answer.told}: no resources, though {total - len(rows)} are left")

    def fetch(self, kind: Kind, resource_id: str, **params: Any) -> dict[str, Any]:
        """A resource as a GET shows it."""
        return self.get(f"{kind.endpoint}/{resource_id}", **params).ok(200).object

    def change(self, kind: Kind, resource_id: str, *operations: Mapping[str, Any]) -> dict[str, Any]:
        """A resource as a GET shows it after a PATCH, which must succeed."""
        answer = self.patch(f"{kind.endpoint}/{resource_id}", *operations)
        replace(answer, told=f"{answer.told} {list(operations)}").ok(200, 204)
        return self.fetch(kind, resource_id)

    def untouched(self, kind: Kind, before: Mapping[str, Any], refusal: Answer) -> None:
        """Raises Failed where a resource is not as a GET showed it before a request that was refused."""
        now = self.fetch(kind, before["id"])
        changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        expect(not changed, f"{refusal.told} was answered {refusal.status}, yet it changed {', '.join(changed)}")

    # -- kinds and attributes -----------------------------------------------------------------------------------------

    @property
    def users(self) -> Kind:
        """Raises Skipped where the server has no users; so do `groups` and `kind`."""
        return self.site.kind("User")

    @property
    def groups(self) -> Kind:
        return self.site.kind("Group")

    def writable(self, kind: Kind, *paths: str) -> Attribute:
        """The first of these attributes that a client may set. Raises Skipped where there is none."""
        found = (kind.attribute(path) for path in paths)
        return next((each for each in found if each is not None and each.writable), None) or skip(
            f"no {kind.name} attribute of {', '.join(paths)} can be written"
        )

    def text(self, kind: Kind, *, kept: bool = False) -> Attribute:
        """An optional single text that a client may set, free of canonical values. Raises Skipped.

        ``kept``: the check never takes it away, so that one which is required will do where there is no other.
        """
        if kept and (required := [each for each in self._texts(kind) if each.required]):
            return next((each for each in self._texts(kind) if not each.required), required[0])
        return self.texts(kind)[0]

    def _texts(self, kind: Kind) -> list[Attribute]:
        found = [each for path in _TEXT if (each := kind.attribute(path)) is not None]
        return [each for each in found if each.writable and not each.canonical and each.type == "string"]

    def texts(self, kind: Kind, count: int = 1, *, outside: str = "") -> list[Attribute]:
        """So many of them, none a part of ``outside``. Raises Skipped where there are fewer."""
        within = f"{outside}." if outside else " "
        free = [each for each in self._texts(kind) if not each.required and not each.path.startswith(within)]
        if len(free) < count:
            skip(f"{kind.name} has {len(free)} of {count} optional texts that can be written")
        return free[:count]

    # -- making resources ---------------------------------------------------------------------------------------------

    def name(self) -> str:
        """A name that nothing else has, by which a person knows what made it."""
        self._number += 1
        return f"conformance-{self.run}-{self._number:03}"

    def body(self, kind: Kind, **values: Any) -> dict[str, Any]:
        """A resource to create: what is required, named by `name`, and ``values`` by path, "__" standing for "."."""
        result = minimal(kind, self.name(), self._existing)
        for path, value in values.items():
            result = put(result, path.replace("__", "."), value)
        return result

    def _existing(self, types: Sequence[str]) -> str | None:
        """The id of a resource of one of these types that is there, the same each time."""
        for kind in filter(None, map(self.site.find, types)):
            if kind.endpoint not in self._found:
                rows = self.get(kind.endpoint, count=1).resources()
                self._found[kind.endpoint] = str(rows[0].get("id")) if rows else None
            if (found := self._found[kind.endpoint]) is not None:
                return found
        return None

    def make(self, kind: Kind, **values: Any) -> dict[str, Any]:
        """A new resource as its creation was answered; it is deleted when the run ends.

        Raises Skipped where the resource type or the server is read-only, Failed where the creation fails.
        """
        return self.create(kind, self.body(kind, **values))

    def create(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same with a body as it is."""
        if kind.read_only:
            skip(f"{kind.name} is read-only")
        answer = self.post(kind.endpoint, body)
        if answer.status in (403, 405, 501):
            skip(f"{kind.name} cannot be created: the server answers {answer.status}")
        return answer.ok(201).object

    def made(self, kind: Kind, **values: Any) -> dict[str, Any]:
        """A new resource as `make` makes it, as a GET shows it."""
        return self.fetch(kind, self.make(kind, **values)["id"])

    def cleanup(self) -> list[str]:
        """Delete what the run made, the last first; the paths of what could not be deleted."""
        return [path for path in self.ledger.empty() if not self._is_gone(path)]

    def _is_gone(self, path: str) -> bool:
        try:
            return self.delete(path).status in (200, 204, 404)
        except (Failed, Skipped):
            return False

    # -- what read checks look at --------------------------------------------------------------------------------------

    @property
    def people(self) -> list[dict[str, Any]]:
        """Some users as GET shows them: four of the run's own with known differences, or such as are there.

        Raises Skipped where there are none, and Failed where they could not be made.
        """
        return self._share("people", lambda: self._people(self.users))

    @property
    def teams(self) -> list[dict[str, Any]]:
        """Some groups as GET shows them: the run's own (two people, one, none), or such as are there."""
        return self._share("teams", lambda: self._teams(self.groups))

    def known(self) -> Iterator[tuple[Kind, list[dict[str, Any]]]]:
        """Some resources of each type as GET shows them: `people`, `teams`, of other types such as are there.

        Raises Skipped where there are none at all.
        """
        found = False
        for kind in self.site.kinds:
            try:
                rows = self._known(kind)
            except Skipped:
                continue
            found = True
            yield kind, rows
        if not found:
            skip("the server has no resources to look at")

    def _known(self, kind: Kind) -> list[dict[str, Any]]:
        if kind is self.site.find("User"):
            return self.people
        return self.teams if kind is self.site.find("Group") else self._share(kind.name, lambda: self._present(kind))

    def _share(self, name: str, made: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        if name not in self._shared:
            try:
                self._shared[name] = made()
            except (Failed, Skipped) as error:
                self._shared[name] = error
        found = self._shared[name]
        if isinstance(found, Exception):
            raise found
        return found or skip(f"the server has no {name} to look at")

    def _people(self, kind: Kind) -> list[dict[str, Any]]:
        try:
            made = [self.make(kind, **each) for each in variants(kind, self.run)]
        except Skipped:
            return self._present(kind)
        return [self.fetch(kind, each["id"]) for each in made]

    def _teams(self, kind: Kind) -> list[dict[str, Any]]:
        people = [each["id"] for each in self.people]
        if not self.write or kind.read_only or not kind.writable("members"):
            return self._present(kind)
        members = [[{"value": each} for each in people[:2]], [{"value": people[0]}], None]
        try:
            made = [self.make(kind, **({"members": each} if each else {})) for each in members]
        except Skipped:
            return self._present(kind)
        self._shared["people"] = [self.fetch(self.users, each) for each in people]  # their groups are shown now
        return [self.fetch(kind, each["id"]) for each in made]

    def _present(self, kind: Kind) -> list[dict[str, Any]]:
        rows = self.get(kind.endpoint, startIndex=1, count=20).resources()
        return [self.fetch(kind, str(each["id"])) for each in rows[:8]]
