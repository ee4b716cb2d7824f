"""Filters: what is refused, and that nothing is left out (RFC 7644 sections 3.4.2.1 and 3.4.2.2)."""

from contextlib import suppress
from typing import Any, Final

from scim_bridge.conformance.questions import Question, compare, holding
from scim_bridge.conformance.requirements import Skipped, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import read
from scim_bridge.conformance.wire import Answer

_SOURCE: Final = "RFC 7644 section 3.4.2.2"
_WRONG: Final = (
    "userName",
    "userName eq",
    'userName is "x"',
    "userName eq x",
    "userName eq 'x'",
    '"x" eq userName',
    '(userName eq "x"',
    'userName eq "x" and',
    'userName eq "x" userName eq "y"',
    'emails[type eq "work"',
)
_UNKNOWN: Final = "conformanceNowhere"


def _asked(session: Session, filter: str) -> Answer:
    """What a filter of users answers. Raises Skipped where filters are not offered."""
    session.site.needs("filter")
    return session.get(session.users.endpoint, filter=filter)


@requirement("F-20", "M", _SOURCE, "A filter with a mistake is refused with 400 invalidFilter")
def mistakes_are_refused(session: Session) -> None:
    for each in _WRONG:
        _asked(session, each).refused(400, types={"invalidFilter"})


@requirement("F-21", "M", _SOURCE, "Booleans and binary values have no order: gt and the like answer 400")
def some_types_have_no_order(session: Session) -> None:
    for operator in ("gt", "ge", "lt", "le"):
        _asked(session, f"active {operator} true").refused(400, types={"invalidFilter"})
    found = (one for each in session.users.attributes for one in (each, *each.subs))
    binary = next((each for each in found if each.type == "binary"), None)
    if binary is not None:
        _asked(session, f'{binary.path} gt "eA=="').refused(400, types={"invalidFilter"})


@requirement("F-22", "M", "RFC 7644 section 3.4.2.1", "An attribute that nothing has matches nothing, or is refused")
def unknown_attributes_match_nothing(session: Session) -> None:
    expect(session.people, "the server has no users")
    for filter in (f'{_UNKNOWN} eq "x"', f"{_UNKNOWN} pr", 'urn:example:params:scim:schemas:none:x eq "x"'):
        answer = _asked(session, filter)
        if answer.status == 400:
            answer.refused(400)
        else:
            _finds_nothing(answer)
    root = session.get("/", filter=f'{_UNKNOWN} eq "x"')
    if root.status not in (401, 403, 404, 405, 501):  # those say that the root takes no queries
        _finds_nothing(root)


def _finds_nothing(answer: Answer) -> None:
    expect(answer.total == 0 and not answer.resources(), f"{answer.told} finds {answer.total} resources, not none")


@requirement("F-23", "M", "RFC 7644 section 3.4.2", "No match is an empty list: 200 and totalResults 0")
def no_match_is_an_empty_list(session: Session) -> None:
    expect(session.people, "the server has no users")
    for filter in (f'userName eq "{session.name()}"', f'id eq "{session.name()}"'):
        _finds_nothing(_asked(session, filter).ok(200))


@requirement("F-24", "S", "RFC 7643 section 7", "What is never returned cannot be found out by filters")
def secrets_are_no_oracle(session: Session) -> None:
    hidden = [each for each in session.users.attributes if each.returned == "never" and not each.multi_valued]
    if not hidden:
        skip("the schema of users has nothing that is never returned")
    for attribute in hidden:
        value = f"Aa1!{session.name()}"
        _made_with(session, attribute.path, value)
        for operator, part in (("eq", value), ("sw", value[:4]), ("co", value[4:]), ("pr", None)):
            filter = compare(session.users, attribute.path, operator, part).filter
            answer = _asked(session, filter)
            if answer.status not in (400, 403):
                expect(not answer.resources(), f"{answer.told} finds users by what is never returned")


def _made_with(session: Session, path: str, value: str) -> None:
    """Make a user who has a secret, where that may be and the server takes it."""
    if session.write and session.users.writable(path):
        session.post(session.users.endpoint, session.body(session.users, **{path: value}))


@requirement("F-25", "S", _SOURCE, "Deeply nested and very long filters are answered or refused, never a failure")
def filters_are_bounded(session: Session) -> None:
    with suppress(Skipped):  # without anybody to find, that nothing breaks can still be seen
        expect(session.people, "the server has no users")
    nobody = f'userName eq "{session.name()}"'
    for filter in (
        "(" * 500 + nobody + ")" * 500,
        "not (" * 101 + "userName pr" + ")" * 101,
        " or ".join([nobody] * 100),
    ):
        answer = _asked(session, filter)
        told = f"GET {session.users.endpoint} with a filter of {len(filter)} characters"
        expect(answer.status in (200, 400, 413, 414, 431), f"{told} was answered {answer.status}")
        if answer.status == 200:
            expect(not answer.resources(), f"{told}, which matches nobody, finds {answer.total} users")
    _asked(session, nobody).ok(200)


@requirement("F-29", "M", "RFC 7644 section 3.4.2.1", "A filter's answer is complete whatever the filter, or refused")
def answers_are_complete(session: Session) -> None:
    session.site.needs("filter")
    questions = _rare_questions(session)
    everybody = session.crawl(session.users)
    for question in questions:
        answer = session.get(session.users.endpoint, filter=question.filter)
        if answer.status == 400:
            answer.refused(400, types={"tooMany", "invalidFilter"})
            continue
        found = {each["id"] for each in session.search(session.users, question.filter)}
        verdicts = {each["id"]: question.verdict(each) for each in everybody}
        missing = [each for each, verdict in verdicts.items() if verdict is True and each not in found]
        wrong = [each for each, verdict in verdicts.items() if verdict is False and each in found]
        told = f"{session.users.endpoint}?filter={question.filter} finds {len(found)} of {len(everybody)} users"
        expect(not missing, f"{told} and leaves out {len(missing)} that match, such as {missing[:1]}")
        expect(not wrong, f"{told}, {len(wrong)} of which do not match, such as {wrong[:1]}")


def _rare_questions(session: Session) -> list[Question]:
    """Filters that few servers can hand to their database as they are, with known answers."""
    users, people = session.users, session.people
    name = str(people[0].get("userName"))

    def part(path: str, operator: str, value: Any) -> Question:
        return compare(users, path, operator, value)

    ends, middle = part("userName", "ew", name[-4:]), part("userName", "co", name[1:-1])
    texts = [each for each in ("title", "displayName", "name.familyName") if holding(people, each)]
    found = [ends & ~part("userName", "eq", name), ~middle, ~(middle | ~ends)]
    for path in texts:
        value = str(read(holding(people, path)[0], path))
        found.append((part(path, "co", value[1:4]) | part("userName", "eq", name)) & ~part(path, "eq", value))
    return found
