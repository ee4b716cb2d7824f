"""Filters: operators, logic and names (RFC 7644 section 3.4.2.2)."""

from collections.abc import Iterator
from typing import Any, Final

from scim_bridge.conformance.questions import Question, compare, holding, judge
from scim_bridge.conformance.requirements import Failed, Skipped, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, read

_SOURCE: Final = "RFC 7644 section 3.4.2.2"
_TEXTS: Final = ("title", "nickName", "displayName", "externalId", "name.familyName", "userName")


def _judge(session: Session, *questions: Question) -> None:
    """Ask each of the server's users, and judge what is found by what GET shows of those known."""
    for each in questions:
        judge(session, session.users, each, session.people)


def _value(session: Session, path: str, number: int = 0) -> Any:
    """What one of the known users holds at a path, the first value of several. Raises Skipped where none holds any."""
    held = holding(session.people, path)
    if not held:
        skip(f"no user at hand has {path}")
    found = read(held[number % len(held)], path)
    return found[0] if isinstance(found, list) else found


def _held(session: Session, *paths: str) -> list[str]:
    """Those of some attributes that at least one of the known users holds."""
    return [path for path in paths if holding(session.people, path)]


@requirement("F-01", "M", _SOURCE, "Text compares with or without case as the schema says, ids always exactly")
def text_follows_its_case_rule(session: Session) -> None:
    for path in _held(session, "userName", "emails.value", "externalId", "title", "id"):
        value = str(_value(session, path))
        for written in dict.fromkeys((value, value.swapcase())):
            _judge(session, compare(session.users, path, "eq", written))
    name = str(_value(session, "userName")).swapcase()
    _judge(session, compare(session.users, "userName", "sw", name[:-1]))


@requirement("F-03", "M", _SOURCE, "Attribute names and operators are taken in any case")
def names_and_operators_have_no_case(session: Session) -> None:
    users = session.users
    name = compare(users, "userName", "eq", _value(session, "userName"))
    for written in ("USERNAME EQ", "username Eq"):
        _judge(session, name.written(name.filter.replace("userName eq", written)))
    present = compare(users, "meta.resourceType", "pr")
    _judge(session, (name & present).written(f"{name.filter} AND META.ResourceType PR"))
    other = compare(users, "userName", "eq", _value(session, "userName", 1))
    _judge(session, (name | other).written(f"{name.filter} OR {other.filter}"))
    _judge(session, (~other & name).written(f"NOT ({other.filter}) And {name.filter}"))


@requirement("F-05", "M", _SOURCE, "All operators: eq ne co sw ew gt ge lt le pr, and, or, not, brackets")
def all_operators_work(session: Session) -> None:
    users, name = session.users, str(_value(session, "userName"))
    parts = (("eq", name), ("co", name[1:-1]), ("sw", name[:-1]), ("ew", name[1:]))
    _judge(session, *(compare(users, "userName", operator, value) for operator, value in parts))
    inner = name[1:-1]  # contained, but neither a start nor an end nor the whole
    _judge(session, *(compare(users, "userName", operator, inner) for operator in ("eq", "sw", "ew")))
    _judge(session, *(compare(users, "userName", each, name) for each in ("ne", "gt", "ge", "lt", "le")))
    same, other = (
        compare(users, "userName", "eq", name),
        compare(users, "userName", "eq", _value(session, "userName", 1)),
    )
    _judge(session, compare(users, "userName", "pr") & same, same | other, (same | other) & ~same)


@requirement("F-06", "M", _SOURCE, "pr finds what has a value: not null, not an empty list, not an empty text")
def present_means_a_value(session: Session) -> None:
    known = [*session.people, *_bare(session)]
    paths = [each for each in (*_TEXTS, "name", "emails", "phoneNumbers") if _is_of(session, each)]
    for path in paths:
        judge(session, session.users, compare(session.users, path, "pr"), known)


def _is_of(session: Session, path: str) -> bool:
    return path == "externalId" or session.users.attribute(path) is not None


def _bare(session: Session) -> list[dict[str, Any]]:
    """A user created with null and an empty list, where the server lets one be made."""
    lists = [each for each in ("phoneNumbers", "addresses") if session.users.writable(each)]
    try:
        return [session.made(session.users, **{session.text(session.users).path: None}, **{lists[0]: []})]
    except (Failed, Skipped, IndexError):
        return []


@requirement("F-07", "M", "RFC 7643 section 2.5", "eq null finds what has no value, ne null what has one")
def null_is_no_value(session: Session) -> None:
    for path in [each for each in _TEXTS[:4] if _is_of(session, each)]:
        _judge(session, *(compare(session.users, path, operator) for operator in ("eq", "ne")))
    path = _held(session, "nickName", *_TEXTS)[0]  # titles differ in case alone, which F-01 judges
    _judge(session, compare(session.users, path, "ne", _value(session, path)))


@requirement("F-12", "M", _SOURCE, "Brackets bind first, then not, then and, then or")
def logic_has_its_precedence(session: Session) -> None:
    users, people = session.users, [str(each["userName"]) for each in holding(session.people, "userName")]
    first, second, third = (
        compare(users, "userName", "eq", each) for each in [*people[:3], *(session.name() for _ in range(3))][:3]
    )
    a, b, c = first.filter, second.filter, third.filter
    _judge(
        session,
        (first | (second & third)).written(f"{a} or {b} and {c}"),
        ((third & second) | first).written(f"{c} and {b} or {a}"),
        ((first | second) & second).written(f"({a} or {b}) and {b}"),
        (~first & second).written(f"not ({a}) and {b}"),
        (second | (~second & first)).written(f"{b} or not ({b}) and {a}"),
    )


@requirement("F-13", "M", "RFC 7644 section 3.10", "Names may be qualified by their schema's URN, in any case")
def names_may_be_qualified(session: Session) -> None:
    users = session.users
    for path in _held(session, "userName", "name.familyName"):
        question = compare(users, path, "eq", _value(session, path))
        for urn in (users.schema, users.schema.upper()):
            _judge(session, question.written(f"{urn}:{question.filter}"))
    path, known = _extended(session)
    value = read(holding(known, path)[0], path)
    question = compare(users, path, "eq", value)
    urn, _, name = path.rpartition(":")
    for written in (path, f"{urn.upper()}:{name.upper()}"):
        judge(session, users, question.written(question.filter.replace(path, written)), known)


def _extended(session: Session) -> tuple[str, list[dict[str, Any]]]:
    """An extension's attribute and users of whom one holds it: such as are at hand, or one made for it."""
    texts = list(_extension_texts(session))
    for each in texts:
        if holding(session.people, each.path):
            return each.path, session.people
    for each in texts:
        if each.writable and not each.canonical:
            made = session.made(session.users, **{each.path: session.name()})
            if holding([made], each.path):
                return each.path, [*session.people, made]
    skip("no user at hand has a text in an extension, and none can be given one")


def _extension_texts(session: Session) -> Iterator[Attribute]:
    """The single texts of the extensions that a GET shows; of complex ones their sub-attributes."""
    for each in session.users.attributes:
        if ":" in each.path:
            singles = each.subs if each.type == "complex" else [each]
            for one in singles:
                if one.type == "string" and not each.multi_valued and one.returned in ("default", "always"):
                    yield one


@requirement("F-17", "M", _SOURCE, "gt, ge, lt and le on text go by the order of letters")
def text_is_ordered(session: Session) -> None:
    path = _held(session, "userName", "displayName")[0]
    value = sorted(str(read(each, path)) for each in holding(session.people, path))[len(session.people) // 2 - 1]
    for operator in ("gt", "ge", "lt", "le"):
        _judge(session, compare(session.users, path, operator, value))
    _judge(session, compare(session.users, path, "ge", value) & compare(session.users, path, "le", value))
