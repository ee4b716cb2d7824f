"""What Okta needs of a server that it provisions."""

import json
from time import perf_counter
from typing import Any, Final

from scim_bridge.conformance.patches import expect_members, step, team
from scim_bridge.conformance.questions import FEW
from scim_bridge.conformance.requirements import expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Kind, read
from scim_bridge.conformance.wire import Answer

_TESTED: Final = ("name.givenName", "name.familyName", "active", "emails.value")
_ENTITLEMENTS: Final = "urn:okta:scim:schemas:core:1.0:"
_SECONDS: Final = 60
_LONGEST: Final = 1000


def _looked_up(session: Session, name: str) -> Answer:
    session.site.needs("filter")
    params: dict[str, Any] = {"filter": f"userName eq {json.dumps(name)}", "startIndex": 1, "count": 100}
    return session.get(session.users.endpoint, **params)


@requirement("K-01", "I", "Okta", "A look-up by userName finds the user in any case; of nobody, an empty list or 404")
def look_up_by_name(session: Session) -> None:
    user = session.people[0]
    name = str(user["userName"])
    for written in dict.fromkeys((name, name.swapcase())):
        answer = _looked_up(session, written)
        found = [each.get("id") for each in answer.resources()]
        expect(found == [user["id"]], f"{answer.told} finds {found}, not just {user['id']}")
    nobody = _looked_up(session, session.name()).ok(200, 404)
    if nobody.status == 200:
        expect(nobody.total == 0 and not nobody.resources(), f"{nobody.told} finds {nobody.total} users, not none")


@requirement(
    "K-02", "I", "Okta", "The first user of a list shows id, userName, both names, active and an e-mail address"
)
def the_first_user_is_whole(session: Session) -> None:
    expect(session.people, "the server has no users")
    answer = session.get(session.users.endpoint, count=1, startIndex=1)
    rows = answer.resources()
    expect(len(rows) == 1, f"{answer.told} shows {len(rows)} users, not one")
    first = rows[0]
    for path in ("id", "userName"):
        expect(read(first, path), f"{answer.told}: the user has no {path}")
    itself = session.fetch(session.users, str(first["id"]))
    for path in _TESTED:
        expect(read(first, path) == read(itself, path), f"{answer.told}: {path} is not what a GET of the user shows")
    own = _looked_up(session, str(session.people[0]["userName"])).resources()[0]
    for path in _TESTED:
        expect(
            read(own, path) == read(session.people[0], path), f"a look-up shows another {path} than a GET of the user"
        )
    missing = [path for path in _TESTED if read(itself, path) in (None, [], "")]
    if missing and f"{session.users.endpoint}/{first['id']}" not in session.ledger:
        skip(f"the first user has no {', '.join(missing)}, which Okta's test asks for")


@requirement("K-03", "I", "Okta", "A user is created as Okta sends one; doing so again answers 409", writes=True)
def create_as_okta_does(session: Session) -> None:
    users = session.users
    more: dict[str, Any] = {"externalId": session.name(), "groups": []}
    if users.writable("password"):
        more["password"] = f"Aa1!{session.name()}"
    body = session.body(users, **more)
    made = session.create(users, body)
    expect(made.get("id"), f"POST {users.endpoint} answers 201 and no id")
    expect(made.get("userName") == body["userName"], f"POST {users.endpoint} answers userName {made.get('userName')!r}")
    shown = session.fetch(users, made["id"])
    # An externalId is sent, but where no schema has one it need not be kept.
    external = users.writable("externalId") or "externalId" in shown
    for path in ("externalId", "name.familyName", "emails.value"):
        if external if path == "externalId" else users.writable(path):
            expect(read(shown, path) == read(body, path), f"{path} was created as {read(body, path)!r}, not kept")
    expect("password" not in shown, "a GET shows the password")
    session.post(users.endpoint, body).refused(409, types={"uniqueness"})


@requirement("K-04", "I", "Okta", "Users are deactivated by PATCH or by PUT, and stay there", writes=True)
def deactivate_users(session: Session) -> None:
    users = session.users
    session.writable(users, "active")
    made = session.made(users, active=True)
    path = f"{users.endpoint}/{made['id']}"
    for active in (False, True):
        whole = {**session.fetch(users, made["id"]), "active": active}
        answer = session.put(path, whole).ok(200)
        expect(answer.object.get("active") is active, f"{answer.told} does not answer with active {active}")
        _is_active(session, made["id"], answer, active)
    if session.site.supports("patch"):
        answer = session.patch(path, {"op": "replace", "value": {"active": False}}).ok(200, 204)
        if answer.status == 200:
            expect(answer.object.get("active") is False, f"{answer.told} does not answer with the updated user")
        _is_active(session, made["id"], answer, False)
    found = _looked_up(session, str(made["userName"])).resources()
    expect(len(found) == 1, "a look-up by userName does not find a user who was deactivated")


def _is_active(session: Session, user: str, answer: Answer, wanted: bool) -> None:
    found = session.fetch(session.users, user).get("active")
    expect(found is wanted, f"after {answer.told}, active is {found!r}, not {wanted}")


@requirement(
    "K-05", "I", "Okta", "Group members change by removal and addition in one PATCH, and by replacing", writes=True
)
def push_groups(session: Session) -> None:
    groups, group, (first, second, third) = team(session, 1)
    path = f"{groups.endpoint}/{group}"
    swap = (step("remove", f'members[value eq "{first}"]'), step("add", "members", [{"value": second}]))
    session.patch(path, *swap).ok(200, 204)
    expect_members(session, groups, group, [second], "removal of one member and addition of another in one PATCH")
    session.patch(path, step("replace", "members", [{"value": first}, {"value": third}])).ok(200, 204)
    expect_members(session, groups, group, [first, third], "replace of all members")


@requirement(
    "K-06", "I", "Okta", "Okta uses no searches by POST, no Bulk, no /Me, no ServiceProviderConfig, no delta reads"
)
def okta_leaves_features_alone(session: Session) -> None:
    skip("says what Okta does not use: a server needs nothing for it")


@requirement(
    "K-07", "I", "Okta", "Roles and entitlements are resource types that Okta can discover and read page by page"
)
def entitlements_are_discovered(session: Session) -> None:
    kinds = [each for each in session.site.kinds if each.schema.lower().startswith(_ENTITLEMENTS)]
    if not kinds:
        skip(f"no resource type has a schema of {_ENTITLEMENTS}")
    for kind in kinds:
        _is_readable(session, kind)
    published = {*session.site.schemas}
    for urn in session.users.extensions:
        expect(urn.lower() in published, f"/Schemas lacks {urn}, an extension of User")


def _is_readable(session: Session, kind: Kind) -> None:
    first, second = (session.get(kind.endpoint, startIndex=start, count=2) for start in (1, 3))
    shared = {each.get("id") for each in first.resources()} & {each.get("id") for each in second.resources()}
    expect(not shared, f"{second.told} shows what {first.told} shows")
    expect(first.total == second.total, f"{second.told}: totalResults is {second.total}, {first.total} before")
    for row in [*first.resources(), *second.resources()]:
        for name in ("id", "displayName"):
            expect(isinstance(row.get(name), str) and row[name], f"{first.told}: {name} is {row.get(name)!r}")
        text = row.get("description") or ""
        expect(len(text) <= _LONGEST, f"{first.told}: the description of {row['id']} has {len(text)} characters")


@requirement("K-08", "I", "Okta", "Answers come within 60 seconds; a 429 says in whole seconds when to come back")
def answers_come_in_time(session: Session) -> None:
    for kind in session.site.kinds:
        if not kind.schema.endswith((":User", ":Group")):
            continue
        started = perf_counter()
        answer = session.get(kind.endpoint, startIndex=1, count=min(100, FEW))
        seconds = perf_counter() - started
        if answer.status == 429:
            wait = answer.headers.get("retry-after", "")
            expect(wait.isdigit(), f"{answer.told} answers 429 with Retry-After {wait!r}, not a number of seconds")
            continue
        answer.ok(200)
        expect(seconds <= _SECONDS, f"{answer.told} took {seconds:.0f} s; Okta waits {_SECONDS}")
