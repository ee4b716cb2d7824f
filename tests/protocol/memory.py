"""A whole RFC 7643 upstream in memory, and a bridge over it: for tests of the protocol, without a vendor's limits.

Its collections hold SCIM JSON as it is; members live behind a list of their own, as with real upstreams.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
from scim2_server.cursor import Cursors
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_bridge.comparison import folded
from scim_bridge.conformance.openapi import derived
from scim_bridge.logs import RequestLog
from scim_bridge.protocol.audit import Audit
from scim_bridge.protocol.auth import TokenCheck, granted
from scim_bridge.protocol.endpoint import ScimEndpoint
from scim_bridge.protocol.profiles import PROFILES, PatchResponse, Profile
from scim_bridge.protocol.search import Paging
from scim_bridge.protocol.service import ScimService
from scim_bridge.query.cache import QueryCache
from scim_bridge.query.capabilities import (
    AccessPath,
    Call,
    Collection,
    Element,
    MemberWrites,
    Relation,
    RelationRead,
    Resource,
    Row,
    Rule,
    Steps,
    Writes,
    ops,
)
from scim_bridge.query.directory import Directory
from scim_bridge.query.pagers import Offset, OnePage, Total
from scim_bridge.query.run import ReadLimits
from scim_bridge.schemas import GROUP, USER, Extension, ResourceSchema, Schema, SchemaAttribute, overridden
from scim_bridge.upstream.errors import Conflict, NotFound, UpstreamError
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply
from tests.clocks import FakeClock

BASE = "http://bridge.test/scim/acme/v2"
USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EXTRA = Schema(
    "urn:example:params:scim:schemas:1.0:Extra",
    "Extra",
    "Attributes with rare characteristics",
    (
        SchemaAttribute("badge", "string", mutability="immutable"),
        SchemaAttribute("hint", "string", returned="request"),
        SchemaAttribute("level", "integer"),
        SchemaAttribute("since", "dateTime"),
        SchemaAttribute("key", "binary", case_exact=True),
        SchemaAttribute("site", "reference", case_exact=True, reference_types=("external",)),
        SchemaAttribute("ratio", "decimal"),
        SchemaAttribute("codes", "string", multi_valued=True),
    ),
)
USERS: ResourceSchema = overridden(USER.extended(Extension(EXTRA)), {"profileUrl": {"mutability": "readOnly"}})
GROUPS: ResourceSchema = GROUP


class MemoryUpstream:
    """Collections of records by id; ``calls`` are the requests it saw, ``fail`` raises for the next one of a kind."""

    def __init__(self, clock: FakeClock) -> None:
        self.records: dict[str, dict[str, Row]] = {"users": {}, "groups": {}}
        self.members: dict[str, dict[str, Element]] = {}
        self.calls: list[str] = []
        self.fail: dict[str, UpstreamError] = {}
        self._clock = clock
        self._made = 0

    async def send(
        self,
        method: str,
        target: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Reply:
        call = f"{method} {target}"
        self.calls.append(call)
        for start, error in list(self.fail.items()):
            if call.startswith(start):
                raise error
        kind, *rest = [unquote(each) for each in target.strip("/").split("/")]
        body = self._answer(method, kind, rest, dict(params or {}), copy.deepcopy(json))
        return Reply(200, copy.deepcopy(body), httpx.Headers())

    def _answer(self, method: str, kind: str, rest: list[str], params: dict[str, str], json: Any) -> Any:
        if len(rest) == 2:
            return self._membership(method, rest[0], params, json)
        records = self.records[kind]
        if not rest:
            return self._page(list(records.values()), params) if method == "GET" else self._create(kind, json)
        if rest[0] not in records:
            raise NotFound("", "there is no such record")
        if method == "PUT":
            self._check_unique(kind, json, rest[0])
            created = records[rest[0]]["meta"]["created"]
            records[rest[0]] = {**json, "id": rest[0], "meta": {"created": created, "lastModified": self._now()}}
        if method == "DELETE":
            self.members.pop(rest[0], None)
            return records.pop(rest[0])
        return records[rest[0]]

    def _create(self, kind: str, json: Any) -> Row:
        self._check_unique(kind, json, "")
        self._made += 1
        identifier = f"{kind[0]}{self._made}"
        now = self._now()
        self.records[kind][identifier] = {**json, "id": identifier, "meta": {"created": now, "lastModified": now}}
        return self.records[kind][identifier]

    def _check_unique(self, kind: str, json: Any, own: str) -> None:
        for identifier, each in self.records[kind].items():
            if "userName" in each and identifier != own and each["userName"].lower() == json["userName"].lower():
                raise Conflict("", "userName is taken")

    def _membership(self, method: str, group: str, params: dict[str, str], json: Any) -> Any:
        if group not in self.records["groups"]:
            raise NotFound("", "there is no such group")
        held = self.members.setdefault(group, {})
        if method == "GET":
            return self._page(list(held.values()), params)
        for each in json.get("add", ()):
            kind = next((name for name in ("users", "groups") if each["value"] in self.records[name]), None)
            if kind is None:
                raise NotFound("", "there is no such member")
            held.setdefault(each["value"], {"value": each["value"], "type": kind[:-1].title()})
        for each in json.get("remove", ()):
            held.pop(each["value"], None)
        return {}

    @staticmethod
    def _page(rows: Sequence[Any], params: dict[str, str]) -> Any:
        start, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        wanted = params.get("userName")
        if wanted is not None:
            rows = [each for each in rows if folded(each["userName"]) == folded(wanted)]
        return {"items": rows[start : start + limit], "total": len(rows)}

    def _now(self) -> str:
        self._made += 1
        return f"2026-01-01T00:00:{self._made % 60:02d}Z"


# -- its declaration --------------------------------------------------------------------------------------------------


def _pager() -> Offset:
    return Offset("offset", "limit", max_page=50, total_at=Total("total"))


def _decoder(schema: ResourceSchema) -> Any:
    def decode(row: Row) -> Resource:
        resource = copy.deepcopy(dict(row))
        extensions = [each.schema.id for each in schema.extensions if each.schema.id in resource]
        resource["schemas"] = [schema.base.id, *extensions]
        resource["meta"] = {"resourceType": schema.name, **resource["meta"]}
        return resource

    return decode


def _writes(kind: str) -> Writes:
    def create(values: Resource) -> Steps:
        made = yield Call("POST", f"/{kind}", json=values, undo=lambda reply: _deletion(reply.body["id"]))
        return made.body

    def update(row: Row, before: Resource, after: Resource) -> Steps:
        own = {name: value for name, value in after.items() if name not in ("id", "meta", "schemas", "groups")}
        old = {name: value for name, value in row.items() if name not in ("id", "meta")}
        undo = Call("PUT", f"/{kind}/{row['id']}", json=old)
        return (yield Call("PUT", f"/{kind}/{row['id']}", json=own, undo=undo)).body

    def delete(identifier: str) -> Steps:
        yield _deletion(identifier)

    def _deletion(identifier: str) -> Call:
        return Call("DELETE", f"/{kind}/{identifier}")

    return Writes(create, update, delete)


def _change_members(verb: str) -> Any:
    def steps(group: str, elements: Sequence[Element]) -> Steps:
        yield Call("POST", f"/groups/{group}/members", json={verb: list(elements)})

    return steps


def _collection(schema: ResourceSchema, kind: str, **more: Any) -> Collection:
    look_up = Rule("id", ops("eq"), lambda operator, value: {"{id}": value}, folds=False, unique=True)
    by_name = Rule("userName", ops("eq"), lambda operator, value: {"userName": value}, unique=True)
    return Collection(
        resource=schema,
        reads=(
            AccessPath(
                f"/{kind}",
                rows="items",
                pager=_pager(),
                rules=(by_name,) if kind == "users" else (),
                text_match="insensitive",
            ),
        ),
        item=AccessPath(f"/{kind}/{{id}}", rows=".", pager=OnePage(), rules=(look_up,)),
        decode=_decoder(schema),
        **more,
    )


def users() -> Collection:
    groups_of = Relation("groups", reads=(), references={"": "/Groups"}, shown="inline", inline=_groups_of)
    return _collection(
        USERS, "users", relations=(groups_of,), writes=_writes("users"), no_place=frozenset({"profileUrl"})
    )


def _groups_of(row: Row) -> list[Element] | None:
    return None


def groups() -> Collection:
    listed = AccessPath("/groups/{id}/members", rows="items", pager=_pager())
    members = Relation(
        "members", reads=(RelationRead(listed, dict),), references={"": "/Users", "User": "/Users", "Group": "/Groups"}
    )
    change = MemberWrites(_change_members("add"), _change_members("remove"), chunk=100)
    return _collection(
        GROUPS,
        "groups",
        relations=(members,),
        writes=replace(_writes("groups"), members={"members": change}),
    )


# -- the bridge over it -----------------------------------------------------------------------------------------------


class _Opened:
    def __init__(self, service: ScimService, profile: Profile, tokens: Sequence[str]) -> None:
        self.tokens = TokenCheck(granted([Secret(each) for each in tokens]), user="acme")
        self.profile = profile
        self._service = service

    async def service(self) -> ScimService:
        return self._service


class Bridge:
    """A bridge with one connection, ``acme``, spoken to over HTTP without a socket."""

    def __init__(
        self,
        *,
        profile: str = "auto",
        writable: bool = True,
        patch_response: PatchResponse = "auto",
        paging: Paging | None = None,
        limits: ReadLimits | None = None,
        collections: Sequence[Collection] | None = None,
        public_url: str | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.upstream = MemoryUpstream(self.clock)
        cache = QueryCache(self.clock, 300)
        chosen = PROFILES[profile]
        limits = limits or ReadLimits()
        service = ScimService(
            [
                Directory(each, self.upstream.send, cache, self.clock, limits)
                for each in collections or (users(), groups())
            ],
            profile=chosen,
            paging=paging or Paging(),
            cursors=Cursors(b"s" * 32),
            scan_rows=limits.scan_rows,
            writable=writable,
            patch_response=patch_response,
        )
        self.opened = _Opened(service, chosen, ["t0ken", "other"])
        endpoint = ScimEndpoint(
            {"acme": self.opened},
            derived,
            RequestLog(),
            public_url=public_url,
            clock=self.clock,
            audit=audit,
        )
        self.app = Starlette(routes=[Mount("/scim", endpoint)])

    async def ask(
        self, method: str, path: str, json: Any = None, *, token: str | None = "t0ken", **more: Any
    ) -> httpx.Response:
        """One request below the connection's base URL."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        headers |= more.pop("headers", {})
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
            return await client.request(method, f"/scim/acme/v2{path}", json=json, headers=headers, **more)

    async def user(self, username: str = "bjensen", /, **values: Any) -> dict[str, Any]:
        """A user made through the bridge."""
        response = await self.ask("POST", "/Users", {"schemas": [USER_URN], "userName": username, **values})
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    async def group(self, name: str = "Staff", *members: str) -> dict[str, Any]:
        """A group made through the bridge."""
        body = {"schemas": [GROUP_URN], "displayName": name, "members": [{"value": each} for each in members]}
        response = await self.ask("POST", "/Groups", body)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    async def patch(self, path: str, *operations: Mapping[str, Any], **more: Any) -> httpx.Response:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return await self.ask("PATCH", path, body, **more)


def error_of(response: httpx.Response) -> tuple[int, str | None]:
    """Status and scimType of an error, after checking its form (X-01)."""
    body = response.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(response.status_code)
    assert body["detail"]
    return response.status_code, body.get("scimType")
