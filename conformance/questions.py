"""Filters with the answer they must have, worked out on each resource as a GET shows it (RFC 7644 section 3.4.2.2).

A question says of a resource that a filter must find it, must not, or that either is right: RFC 7643 leaves open, for
one, whether what has no value differs from one. What is asked of the server is judged in both directions.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from scim_bridge.conformance.requirements import expect
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import Attribute, Kind, read
from scim_bridge.conformance.wire import Answer

Resource = Mapping[str, Any]
Verdict = bool | None
FEW: Final = 200
"""Rows of an answer that are read whole; of more, only those of known resources are asked for."""
_COMMON: Final = {
    "id": Attribute("id", {"caseExact": True}),
    "externalId": Attribute("externalId", {"caseExact": True}),
    "schemas": Attribute("schemas", {"type": "reference", "multiValued": True}),
    "meta.resourceType": Attribute("meta.resourceType", {"caseExact": True}),
    "meta.created": Attribute("meta.created", {"type": "dateTime"}),
    "meta.lastModified": Attribute("meta.lastModified", {"type": "dateTime"}),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A filter and the verdict on a resource: found, not found, or None where both are right.

    ``paths`` are the attributes that the filter looks at.
    """

    filter: str
    verdict: Callable[[Resource], Verdict]
    paths: tuple[str, ...] = ()

    def __and__(self, other: "Question") -> "Question":
        def both(resource: Resource) -> Verdict:
            verdicts = (self.verdict(resource), other.verdict(resource))
            return False if False in verdicts else None if None in verdicts else True

        return Question(f"{self.filter} and {other.filter}", both, self.paths + other.paths)

    def __or__(self, other: "Question") -> "Question":
        """Either of them; in brackets, so that it can be a part of another."""

        def either(resource: Resource) -> Verdict:
            verdicts = (self.verdict(resource), other.verdict(resource))
            return True if True in verdicts else None if None in verdicts else False

        return Question(f"({self.filter} or {other.filter})", either, self.paths + other.paths)

    def __invert__(self) -> "Question":
        def opposite(resource: Resource) -> Verdict:
            verdict = self.verdict(resource)
            return None if verdict is None else not verdict

        return Question(f"not ({self.filter})", opposite, self.paths)

    def written(self, filter: str) -> "Question":
        """The same question in other words."""
        return replace(self, filter=filter)


# -- comparisons ------------------------------------------------------------------------------------------------------


def compare(kind: Kind, path: str, operator: str, value: Any = None) -> Question:
    """A comparison of an attribute, by the case rule and the type that its schema publishes; ``pr`` takes no value."""
    attribute = compared_as(kind, path)
    literal = "" if operator == "pr" else f" {json.dumps(value, ensure_ascii=False)}"

    def verdict(resource: Resource) -> Verdict:
        return _judged(attribute, operator, _values(read(resource, path)), value)

    return Question(f"{path} {operator}{literal}", verdict, (path,))


def compared_as(kind: Kind, path: str) -> Attribute:
    """The attribute whose rules hold for a path; of a multi-valued complex one, its `value`."""
    attribute = _COMMON.get(path) or kind.attribute(path) or Attribute(path, {})
    return (attribute.sub("value") if attribute.multi_valued else None) or attribute


def element(kind: Kind, name: str, sub: str, operator: str, value: Any = None) -> Question:
    """A comparison of a sub-attribute of one element, for `within`."""
    question = compare(kind, f"{name}.{sub}", operator, value)
    return Question(
        question.filter.removeprefix(f"{name}."), lambda one: question.verdict({name: one}), (f"{name}.{sub}",)
    )


def within(name: str, one: Question) -> Question:
    """``name[...]``: a single element of a multi-valued attribute must do for all that is in the brackets."""

    def verdict(resource: Resource) -> Verdict:
        held = read(resource, name)
        verdicts = [one.verdict(each) for each in held if isinstance(each, Mapping)] if isinstance(held, list) else []
        return True if True in verdicts else None if None in verdicts else False

    return Question(f"{name}[{one.filter}]", verdict, one.paths)


def _values(found: Any) -> list[Any]:
    """What an attribute holds, element by element, of complex ones the `value`; nothing where it is unassigned."""
    elements = found if isinstance(found, list) else [found]
    values = [each.get("value", each) if isinstance(each, Mapping) else each for each in elements]
    return [each for each in values if each not in (None, "", [], {})]


def _judged(attribute: Attribute, operator: str, held: Sequence[Any], value: Any) -> Verdict:
    if operator == "pr" or value is None:
        return bool(held) == (operator in ("pr", "ne"))
    if not held:
        return None if operator == "ne" else False  # RFC 7643 section 2.5 does not say what ne means here
    verdicts = [_compared(attribute, operator, each, value) for each in held]
    return True if True in verdicts else None if None in verdicts else False


def _compared(attribute: Attribute, operator: str, held: Any, value: Any) -> Verdict:
    if attribute.type == "dateTime":
        held, value = instant(held), instant(value)
        if held is None or value is None:
            return None
    if isinstance(held, str) and isinstance(value, str):
        if not attribute.case_exact:
            held, value = held.casefold(), value.casefold()
        if operator in ("gt", "ge", "lt", "le"):
            return _ordered(operator, order(held, value))
    if type(held) is not type(value) and not _are_numbers(held, value):
        return None
    return bool(_OPERATORS[operator](held, value))


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _ordered(operator: str, order: int | None) -> Verdict:
    return None if order is None else bool(_OPERATORS[operator](order, 0))


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], object]]] = {
    "eq": lambda held, value: held == value,
    "ne": lambda held, value: held != value,
    "co": lambda held, value: value in held,
    "sw": lambda held, value: held.startswith(value),
    "ew": lambda held, value: held.endswith(value),
    "gt": lambda held, value: held > value,
    "ge": lambda held, value: held >= value,
    "lt": lambda held, value: held < value,
    "le": lambda held, value: held <= value,
}


def order(one: str, other: str) -> int | None:
    """-1, 0 or 1 as one text comes before, is, or comes after the other in any order of letters; None if that depends.

    No RFC names a collation: they agree where the first difference is one of plain letters or digits, or an end.
    """
    if one == other:
        return 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            plain = (left + right).isascii() and (left + right).isalnum()
            same_case = left.isupper() == right.isupper() or left.isdigit() or right.isdigit()
            return (-1 if left < right else 1) if plain and same_case else None
    return -1 if len(one) < len(other) else 1


def instant(text: Any) -> datetime | None:
    """The instant of an xsd:dateTime with its offset; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(session: Session, kind: Kind, filter: str, known: Iterable[Resource] = ()) -> list[dict[str, Any]]:
    """What a filter finds: all of it, or only known resources where that is more than FEW or too much to read.

    Raises Skipped where the server does not offer filters.
    """
    session.site.needs("filter")
    answer = session.get(kind.endpoint, filter=filter, count=FEW)
    if not _is_too_much(answer):
        rows, total = answer.resources(), answer.total
        if len(rows) >= total:
            expect(len(rows) == total, f"{answer.told}: {len(rows)} resources, and totalResults {total}")
            return rows
        if total <= FEW:
            return session.search(kind, filter)
    ids = " or ".join(f'id eq "{each["id"]}"' for each in known)
    return session.search(kind, f"({filter}) and ({ids})" if ids else filter)


def _is_too_much(answer: Answer) -> bool:
    return answer.status == 400 and answer.object.get("scimType") == "tooMany"


def judge(session: Session, kind: Kind, question: Question, known: Sequence[Resource]) -> list[dict[str, Any]]:
    """What a filter finds. Raises Failed where that is not each known resource it must find, and none it must not.

    Other resources that it finds are judged by the attributes they show.
    """
    rows = ask(session, kind, question.filter, known)
    found = [str(each.get("id")) for each in rows]
    told = f"{kind.endpoint}?filter={question.filter}"
    expect(len(found) == len({*found}), f"{told} finds a resource twice")
    for each in known:
        wanted, shown = question.verdict(each), _shown(each, question.paths)
        expect(wanted is not True or each["id"] in found, f"{told} does not find {each['id']}{shown}")
        expect(wanted is not False or each["id"] not in found, f"{told} finds {each['id']}{shown}, which it must not")
    for row in rows:
        if all(_values(read(row, path)) for path in question.paths):
            shown = _shown(row, question.paths)
            expect(question.verdict(row) is not False, f"{told} finds {row.get('id')}{shown}, which it must not")
    return rows


def _shown(resource: Resource, paths: Sequence[str]) -> str:
    """What a resource holds at some paths, in words to put after it; nothing where there are no paths."""
    values = [f"{path} {json.dumps(read(resource, path), ensure_ascii=False)}" for path in dict.fromkeys(paths)]
    return f" with {', '.join(values)}" if values else ""


def holding(known: Iterable[Resource], path: str) -> list[dict[str, Any]]:
    """The resources of these that have a value at a path."""
    return [dict(each) for each in known if _values(read(each, path))]
