"""The judge of requests and answers by a vendor's OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.vendor_specs import Correction, VendorSpec, Watched

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "paths": {
        "/users": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 50}},
                    {"$ref": "#/components/parameters/realm"},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}
                            }
                        }
                    }
                },
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}},
                },
                "responses": {"201": {"description": "made"}},
            },
        },
        "/users/me": {"get": {"responses": {"204": {}}}},
        "/users/{id}": {"get": {"responses": {"404": {}}}},
    },
    "components": {
        "parameters": {"realm": {"name": "realm", "in": "query", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "User": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "mood": {"type": "string", "enum": ["good", "bad"], "nullable": True},
                    "boss": {"allOf": [{"$ref": "#/components/schemas/User"}], "nullable": True},
                },
            }
        },
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "acme.openapi.yaml"
    found.write_text(yaml.safe_dump(DOCUMENT), "utf-8")
    return found


def asked(method: str, url: str, body: Any = None) -> httpx.Request:
    return (
        httpx.Request(method, f"https://acme.test/v1{url}", json=body)
        if body
        else httpx.Request(method, f"https://acme.test/v1{url}")
    )


def told(path: Path, request: httpx.Request, status: int, body: Any = None) -> list[str]:
    return VendorSpec.load(path, base="/v1").problems(request, httpx.Response(status, json=body))


def test_what_fits_has_no_problems(path: Path) -> None:
    people = [{"name": "Ada", "mood": None, "boss": None}, {"name": "Bob", "mood": "bad", "boss": {"name": "Ada"}}]
    assert told(path, asked("GET", "/users?limit=50&realm=a"), 200, people) == []
    assert told(path, asked("POST", "/users", {"name": "Ada"}), 201) == []
    assert told(path, asked("GET", "/users/me"), 204) == told(path, asked("GET", "/users/17"), 404) == []


@pytest.mark.parametrize(
    "request_, status, body, problem",
    [
        (asked("GET", "/users?realm=a&limt=5"), 200, [], "the query parameter limt is not the vendor's"),
        (asked("GET", "/users?realm=a&limit=51"), 200, [], "query parameter limit at its root: 51 is greater"),
        (asked("GET", "/users"), 200, [], "the query parameter realm is missing"),
        (asked("GET", "/users?realm=a"), 200, [{"mood": "good"}], 'answer 200 at 0: "name" is a required property'),
        (asked("GET", "/users?realm=a"), 200, [{"name": None}], "answer 200 at 0/name: null is not of type"),
        (asked("GET", "/users?realm=a"), 200, [{"name": "A", "mood": "odd"}], "answer 200 at 0/mood"),
        (asked("GET", "/users?realm=a"), 302, None, "the vendor documents no answer 302"),
        (asked("POST", "/users", {"mood": "bad"}), 201, None, 'body at its root: "name" is a required property'),
        (asked("POST", "/users"), 201, None, "the body is missing"),
        (asked("DELETE", "/users/17"), 204, None, "the vendor has no such operation"),
        (asked("GET", "/users/me"), 404, None, "the vendor documents no answer 404"),
    ],
)
def test_what_does_not_fit_is_told(path: Path, request_: httpx.Request, status: int, body: Any, problem: str) -> None:
    found = told(path, request_, status, body)
    assert len(found) == 1 and problem in found[0], found


def test_a_correction_names_what_there_is(path: Path) -> None:
    wrong = [
        Correction("/components/schemas/User/required", None, "sheet"),
        Correction("/paths/~1users/put", None, "sheet"),
    ]
    spec = VendorSpec.load(path, base="/v1", corrections=wrong[:1])
    assert spec.problems(asked("POST", "/users", {"mood": "bad"}), httpx.Response(201)) == []
    with pytest.raises(LookupError):
        VendorSpec.load(path, corrections=wrong)


async def test_a_watched_way_judges_all_that_passes(path: Path) -> None:
    spec = VendorSpec.load(path, base="/v1")
    answers = httpx.MockTransport(lambda request: httpx.Response(200, content=json.dumps([{"name": 1}])))
    watched = Watched(answers, spec, unjudged=["/token"])
    async with httpx.AsyncClient(transport=watched, base_url="https://acme.test/v1") as client:
        await client.post("/token")
        assert watched.problems == []
        await client.get("/users", params={"realm": "a"})
    assert watched.problems == ["GET /users: the answer 200 is , not application/json"]
    assert spec.seen == {"GET /users"}
