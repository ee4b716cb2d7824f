"""Folkbase people and teams as SCIM: API version 3, lists of at most 50 rows, one predicate a parameter, one e-mail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap, nested
from scim_bridge.clock import Clock
from scim_bridge.query import capabilities as declare
from scim_bridge.query.capabilities import Call, MemberWrites, Rule, ops
from scim_bridge.query.pagers import Offset, OnePage, Total
from scim_bridge.query.plan import quoted
from scim_bridge.query.provider import Endpoint, Provider
from scim_bridge.schemas import GROUP, USER
from scim_bridge.settings import setting
from scim_bridge.upstream.auth import Bearer
from scim_bridge.upstream.redact import Secret
from scim_bridge.upstream.reply import Reply

PAGES = Offset("offset", "limit", max_page=50, total_at=Total(header="X-Total"))
PERSON = (
    Attribute("id", "key", mutability="readOnly"),
    Attribute("userName", "login"),
    Attribute("name.givenName", "names.first"),
    Attribute("name.familyName", "names.last"),
    Attribute("title", "job"),
    Attribute("active", "enabled", BOOLEAN),
    Attribute('emails[type eq "work"].value', "mail"),
    Attribute("meta.lastModified", "changed_at", TIMESTAMP, mutability="readOnly"),
)
TEAM = (Attribute("id", "key", mutability="readOnly"), Attribute("displayName", "label"))


@dataclass(frozen=True, slots=True)
class Settings:
    base_url: str = setting(help="Address of the API, as https://example.folkbase.example/v3")
    api_token: Secret = setting(secret=True, help="API token", where="Settings > Integrations > New token")
    native_text_match: declare.TextMatch = setting(default="insensitive", help="How Folkbase compares text")


def sent_as(parameter: str) -> Callable[[str, Any], declare.Rendered]:
    """Folkbase cannot be asked for an empty text, and reads a star at the end as "anything"."""

    def render(operator: str, value: Any) -> declare.Rendered:
        text = str(value).lower() if isinstance(value, bool) else value
        star = "*" if operator == "sw" else ""
        return {parameter: f"{text}{star}"} if isinstance(text, str) and text and "*" not in text else None

    return render


def collections(settings: Settings, discovered: None) -> Sequence[declare.Collection]:
    people, teams = AttributeMap(USER, PERSON), AttributeMap(GROUP, TEAM, kept=frozenset({"members"}))
    match = settings.native_text_match
    rules = (
        Rule("userName", ops("eq sw"), sent_as("login"), unique=True),
        Rule("emails.value", ops("eq"), sent_as("mail")),
        Rule("active", ops("eq"), sent_as("enabled")),
    )
    users = _collection(people, "/people", declare.AccessPath("/people", "", PAGES, rules, text_match=match))
    return users, _collection(teams, "/teams", declare.AccessPath("/teams", "", PAGES), (MEMBERS,))


def _collection(
    table: AttributeMap, path: str, listed: declare.AccessPath, relations: tuple[declare.Relation, ...] = ()
) -> declare.Collection:
    by_id = Rule("id", ops("eq"), lambda operator, value: {"{id}": value}, folds=False, unique=True)

    def create(values: declare.Resource) -> declare.Steps:
        def gone(made: Reply) -> Call:
            return Call("DELETE", f"{path}/{made.body['key']}")

        return (yield Call("POST", path, json=nested(table.fields(values)), undo=gone)).body

    def update(row: declare.Row, before: declare.Resource, after: declare.Resource) -> declare.Steps:
        changes, at = table.changed(before, after), f"{path}/{row['key']}"
        back = Call("PATCH", at, json=nested(table.changed(after, before)))
        return (yield Call("PATCH", at, json=nested(changes), undo=back)).body

    def delete(resource_id: str) -> declare.Steps:
        yield Call("DELETE", f"{path}/{quoted(resource_id)}")

    held = {"members": MemberWrites(_each("PUT", "DELETE"), _each("DELETE", "PUT"))} if relations else {}
    return declare.Collection(
        table.resource,
        reads=(listed,),
        item=declare.AccessPath(f"{path}/{{id}}", ".", OnePage(), rules=(by_id,)),
        decode=table.decode,
        relations=relations,
        writes=declare.Writes(create, update, delete, held),
        is_id=str.isalnum,
        written=table.aligned,
        homeless=table.homeless,
        no_place=table.no_place,
        supplied=frozenset({"active"}),
    )


MEMBER = declare.RelationRead(
    declare.AccessPath("/teams/{id}/people", "", PAGES), lambda row: {"value": row["key"], "type": "User"}
)
MEMBERS = declare.Relation("members", (MEMBER,), references={"": "/Users", "User": "/Users"})


def _each(method: str, undo: str) -> Callable[[str, Sequence[declare.Element]], declare.Steps]:
    """Folkbase answers 204 for who is a member already, and for who is none."""

    def write(team: str, members: Sequence[declare.Element]) -> declare.Steps:
        for each in members:
            path = f"/teams/{quoted(team)}/people/{quoted(each['value'])}"
            yield Call(method, path, undo=Call(undo, path))

    return write


def endpoint(settings: Settings, clock: Clock) -> Endpoint:
    return Endpoint(settings.base_url, Bearer(settings.api_token))


PROVIDER = Provider("folkbase", "Folkbase", Settings, endpoint, collections, guide=("Make an API token.",))
