"""A SCIM server that others wrote, for the demo and the tests: scim2-server, with people and groups in it."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from scim2_models import ScimProvider, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.service import ScimService
from scim2_server.utils import load_default_provider

TOKEN: Final = "sandbox-token"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GIVEN: Final = "Ada Björn Chloé Dana Emma Finn Grace Hugo Íñigo Jana Kofi Lena Mika Nora Otto Paula".split()
FAMILY: Final = "Abel Brandt Cruz Dupont Eze Fischer García Hansen Ito Jensen Kowalski Lopez Müller Nowak".split()
TITLES: Final = ("Engineer", "Sales Manager", "Data Analyst", None)
DEPARTMENTS: Final = ("R&D", "Sales", "Finance", "People")


class Sandbox(ASGIApplication):
    """scim2-server in memory, behind one bearer token; ids and people are the same each time."""

    def __init__(self, users: int = 0, provider: ScimProvider | None = None) -> None:
        provider = provider or load_default_provider()
        self.memory = storage = _Numbered()
        super().__init__(AsyncInMemoryStorage(storage), provider, ScimService(provider, secret=TOKEN))
        user_type, group_type = provider.resource_types
        ids = [storage.create(user_type, self._model(user_type, each)).id for each in people(users)]
        for number, name in enumerate(DEPARTMENTS if users else ()):
            members = [{"value": each, "type": "User"} for each in ids[number :: len(DEPARTMENTS)]]
            group = {"schemas": [GROUP], "displayName": name, "members": members}
            storage.create(group_type, self._model(group_type, group))

    def _model(self, resource_type: Any, values: dict[str, Any]) -> Any:
        model = self.provider.model_for(resource_type)
        assert model is not None
        return model.model_validate(values)

    def check_auth(self, request: ScimRequest) -> None:
        if request.header("Authorization") != f"Bearer {TOKEN}":
            raise UnauthorizedException


class _Numbered(InMemoryStorage):
    def generate_id(self, resource_type: Any, resource: Any) -> str:
        return f"{resource_type.name[0].lower()}{next(self.versions):05}"


def people(count: int) -> Iterator[dict[str, Any]]:
    """So many users as SCIM, the same for the same number."""
    random = Random(7)
    for number in range(count):
        given, family = random.choice(GIVEN), random.choice(FAMILY)
        login = f"{given[0]}{family}{number}".lower()
        yield {
            "schemas": [USER, ENTERPRISE],
            "userName": f"{login}@corp.example" if login.isascii() else f"user{number}@corp.example",
            "externalId": f"E{number:05}",
            "name": {"givenName": given, "familyName": family},
            "displayName": f"{given} {family}",
            "title": random.choice(TITLES),
            "active": random.random() < 0.9,
            "emails": [{"value": f"Person.{number}@Corp.example", "type": "work", "primary": True}],
            ENTERPRISE: {"department": DEPARTMENTS[number % len(DEPARTMENTS)], "employeeNumber": str(1000 + number)},
        }
