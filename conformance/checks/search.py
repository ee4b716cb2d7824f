"""Searches by POST, and of all resource types at once (RFC 7644 sections 3.4.3 and 3.4.2.1)."""

from typing import Any, Final

from scim_bridge.conformance.questions import compare
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.searches import searched
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.wire import Answer

_SOURCE: Final = "RFC 7644 section 3.4.3"


def _names(session: Session) -> tuple[str, str]:
    """The user names of two users to look for, the same one where there is only one."""
    names = [str(each["userName"]) for each in session.people if each.get("userName")]
    return (names[0], names[-1]) if names else skip("no user at hand has a userName")


@requirement("Q-01", "M", _SOURCE, "A search by POST answers as a GET with the same parameters does")
def searches_answer_as_gets(session: Session) -> None:
    for query in _queries(session):
        listed = {each: ",".join(value) if isinstance(value, list) else value for each, value in query.items()}
        by_get = session.get(session.users.endpoint, **listed)
        by_post = searched(session, session.users.endpoint, **query)
        told = f"{by_post.told} with {query}"
        expect(by_post.total == by_get.total, f"{told} has totalResults {by_post.total}; a GET, {by_get.total}")
        expect(by_post.resources() == by_get.resources(), f"{told} shows other resources than a GET")


def _queries(session: Session) -> list[dict[str, Any]]:
    queries: list[dict[str, Any]] = [
        {"startIndex": 2, "count": 2},
        {"count": 2, "attributes": ["userName", "name.familyName"]},
        {"count": 2, "excludedAttributes": ["emails"]},
    ]
    if session.site.supports("filter"):
        name, other = _names(session)
        queries += [{"filter": f'userName eq "{name}" or userName eq "{other}"'}, {"filter": f'id eq "{name}"'}]
    if session.site.supports("sort"):
        queries += [{"sortBy": "userName", "sortOrder": "descending", "count": 3}]
    return queries


@requirement("Q-02", "Y", _SOURCE, "A search by POST at the root finds resources of all types")
def root_searches_find_all_types(session: Session) -> None:
    session.site.needs("filter")
    _finds_each(session, lambda filter: searched(session, "", filter=filter))


@requirement(
    "Q-03", "Y", "RFC 7644 section 3.4.2.1", "A GET at the root with a filter finds resources of all types, or is 501"
)
def root_gets_find_all_types(session: Session) -> None:
    session.site.needs("filter")

    def ask(filter: str) -> Answer:
        answer = session.get("/", filter=filter)
        if answer.status in (404, 405):
            skip(f"the root takes no queries: {answer.told} answers {answer.status}")
        if answer.status == 501:
            answer.refused(501)
            skip("the root takes no queries and says so with 501")
        return answer

    _finds_each(session, ask)


def _finds_each(session: Session, ask: Any) -> None:
    """Look for a user and a group, of which one lacks each attribute, then for one of them by its type."""
    user = session.people[0]
    wanted = {str(user["id"]): "User"}
    filter = compare(session.users, "userName", "eq", user.get("userName")).filter
    try:
        team = session.teams[0]
    except Skipped:
        pass  # a server without groups still answers for the types it has
    else:
        wanted[str(team["id"])] = "Group"
        filter = f'{filter} or id eq "{team["id"]}"'
    _shows(ask(filter), wanted)
    _shows(ask(f'({filter}) and meta.resourceType eq "User"'), {str(user["id"]): "User"})


def _shows(answer: Answer, wanted: dict[str, str]) -> None:
    resources = answer.resources()
    # One thing may be two resources, such as a group that is also listed as a role, under the same id.
    found = {(str(each.get("id")), (each.get("meta") or {}).get("resourceType")) for each in resources}
    known = {pair for pair in found if pair[0] not in wanted or pair[1] in ("User", "Group")}
    expect(known == set(wanted.items()), f"{answer.told} finds {found}, not {wanted}")
    expect(
        answer.total == len(resources), f"{answer.told}: totalResults is {answer.total} of {len(resources)} resources"
    )


@requirement("Q-04", "S", _SOURCE, "A search by POST whose schemas name something else answers 400")
def other_messages_are_refused(session: Session) -> None:
    endpoint = session.users.endpoint
    searched(session, endpoint, count=1).ok(200)
    other = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    session.post(f"{endpoint}/.search", {"schemas": [other], "count": 1}).refused(400)
    session.post(f"{endpoint}/.search", {"count": 1}).ok(200, 400)
