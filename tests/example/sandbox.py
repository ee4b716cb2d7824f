"""The API of Folkbase, simulated: strict about parameters and fields, 50 rows a page, texts compared without case."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "folkbase-t0ken"
JOBS = ("Engineer", "engineer", "Sales", None)
NAMES = ("Ada", "Björn", 'O"Neil', "Back\\slash", "100%", "a_b", "Star*", "Zoë")


class Sandbox:
    """An account of so many people, each in one of two teams, and an empty team."""

    def __init__(self, people: int) -> None:
        random = Random(5)
        self.people: dict[str, dict[str, Any]] = {}
        self.teams: dict[str, dict[str, Any]] = {}
        self.members: dict[str, dict[str, None]] = {}
        self._number = 0
        for number in range(people):
            name = NAMES[number % len(NAMES)]
            login = f"{name}.{number}" if number % 5 else f"person{number}"
            row = {"login": login, "names": {"first": name, "last": f"Last{number}"}, "job": random.choice(JOBS)}
            self._put(self.people, "p", {**row, "enabled": number % 4 > 0, "mail": f"Person{number}@Folkbase.example"})
        for label in ("Red", "Blue", "Nobody"):
            self.members[self._put(self.teams, "t", {"label": label})["key"]] = {}
        for number, key in enumerate(self.people):
            self.members[list(self.teams)[number % 2]][key] = None
        self.app = Starlette(routes=self._routes(), exception_handlers={HTTPException: self._refused})

    def _put(self, held: dict[str, dict[str, Any]], kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        self._number += 1
        row = {
            "key": f"{kind}{self._number}",
            "changed_at": f"2026-01-01T00:{self._number // 60 % 60:02}:00Z",
            **values,
        }
        held[row["key"]] = row
        return row

    def _routes(self) -> list[Route]:
        people = ("login", "mail", "enabled")
        return [
            *self._resource("/v3/people", self.people, "p", people, "login names job enabled mail".split()),
            *self._resource("/v3/teams", self.teams, "t", (), ["label"]),
            self._route("/v3/teams/{key}/people", self._listed_members, "GET"),
            self._route("/v3/teams/{key}/people/{person}", self._join, "PUT"),
            self._route("/v3/teams/{key}/people/{person}", self._leave, "DELETE"),
        ]

    def _resource(
        self, path: str, held: dict[str, dict[str, Any]], kind: str, filters: tuple[str, ...], fields: list[str]
    ) -> list[Route]:
        async def listed(request: Request) -> Response:
            return self._page(request, list(held.values()), filters)

        async def create(request: Request) -> Response:
            row = self._put(
                held, kind, {**({"enabled": True} if kind == "p" else {}), **await self._body(request, fields)}
            )
            self.members.setdefault(row["key"], {}) if kind == "t" else None
            return JSONResponse(row, 201)

        async def read(request: Request) -> Response:
            return JSONResponse(self._found(held, request))

        async def change(request: Request) -> Response:
            row = self._found(held, request)
            for name, value in (await self._body(request, fields)).items():
                row[name] = {**row.get(name, {}), **value} if isinstance(value, dict) else value
            return JSONResponse(row)

        async def delete(request: Request) -> Response:
            del held[self._found(held, request)["key"]]
            self.members.pop(request.path_params["key"], None)
            for each in self.members.values():
                each.pop(request.path_params["key"], None)
            return Response(status_code=204)

        return [
            self._route(path, listed, "GET"),
            self._route(path, create, "POST"),
            self._route(f"{path}/{{key}}", read, "GET"),
            self._route(f"{path}/{{key}}", change, "PATCH"),
            self._route(f"{path}/{{key}}", delete, "DELETE"),
        ]

    def _route(self, path: str, handler: Callable[[Request], Any], method: str) -> Route:
        async def signed_in(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise HTTPException(401, "unknown token")
            answer: Response = await handler(request)
            return answer

        return Route(path, signed_in, methods=[method])

    async def _body(self, request: Request, fields: list[str]) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        unknown = body.keys() - set(fields)
        if unknown:
            raise HTTPException(400, f"unknown field {sorted(unknown)[0]}")
        if body.get("login", "x") in (None, "") or body.get("label", "x") in (None, ""):
            raise HTTPException(400, "a name is needed")
        return body

    def _found(self, held: Mapping[str, dict[str, Any]], request: Request) -> dict[str, Any]:
        row = held.get(request.path_params["key"])
        if row is None:
            raise HTTPException(404, "no such key")
        return row

    def _page(self, request: Request, rows: list[dict[str, Any]], filters: tuple[str, ...]) -> Response:
        query = dict(request.query_params)
        offset, limit = int(query.pop("offset", "0")), int(query.pop("limit", "20"))
        if query.keys() - set(filters) or not 0 < limit <= 50 or offset < 0:
            raise HTTPException(400, "bad parameters")
        found = [row for row in rows if all(_matches(row.get(name), wanted) for name, wanted in query.items())]
        return JSONResponse(found[offset : offset + limit], headers={"X-Total": str(len(found))})

    async def _listed_members(self, request: Request) -> Response:
        members = self.members[self._found(self.teams, request)["key"]]
        return self._page(request, [self.people[each] for each in members], ())

    async def _join(self, request: Request) -> Response:
        team, person = self._found(self.teams, request)["key"], request.path_params["person"]
        if person not in self.people:
            raise HTTPException(422, "no such person")
        self.members[team][person] = None
        return Response(status_code=204)

    async def _leave(self, request: Request) -> Response:
        self.members[self._found(self.teams, request)["key"]].pop(request.path_params["person"], None)
        return Response(status_code=204)

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": error.detail}, error.status_code)


def _matches(value: Any, wanted: str) -> bool:
    """A star at the end stands for anything; everything else for itself."""
    text = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(text, str):
        return False
    if wanted.endswith("*"):
        return text.casefold().startswith(wanted[:-1].casefold())
    return text.casefold() == wanted.casefold()
