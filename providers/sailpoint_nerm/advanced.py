"""Advanced search as an access path: rules that all have to hold, in the body of a POST.

A rule is one parameter to the planner: its name says all of it but the value, so two terms that need the same rule do
not meet in one request. The search has no total, pages of 100, no `or`, and never shows what is archived.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from scim_bridge.comparison import instant, is_date_time
from scim_bridge.providers.sailpoint_nerm.common import identity, pages
from scim_bridge.providers.sailpoint_nerm.errors import none_found
from scim_bridge.providers.sailpoint_nerm.facts import NeAttribute
from scim_bridge.providers.sailpoint_nerm.fields import told_day
from scim_bridge.query.capabilities import AccessPath, Either, Params, Rendered, Rule, TextMatch, ops
from scim_bridge.query.pagers import NO_TOTAL

PAGE: Final = 100
TEXT: Final = {"eq": "==", "sw": "start_with?", "ew": "end_with?", "co": "include?"}
STATUS_WORDS: Final = {"On Leave": "Leave of absence"}
"""What rules call a status, where profiles call it otherwise."""
_STATUS: Final = "ProfileStatusRule"
_TYPE: Final = "ProfileTypeRule"
_ATTRIBUTE: Final = "ProfileAttributeRule"


def path(rules: tuple[Rule, ...], partitions: tuple[Params, ...], text_match: TextMatch, ordered: Params) -> AccessPath:
    return AccessPath(
        "/advanced_search/run",
        rows="profiles",
        pager=pages(PAGE, NO_TOTAL),
        rules=rules,
        fixed=ordered,
        partitions=partitions,
        body=body,
        text_match=text_match,
        absent=none_found,
        identity=identity,
        states_total=False,
    )


def body(params: Params) -> tuple[Params, Any]:
    """The query parameters and the search of a request."""
    query, rules = {}, []
    for name, value in params.items():
        match name.split(" "):
            case [kind, operator]:
                rules.append({"type": kind, "comparison_operator": operator, "value": value})
            case [kind, attribute_kind, attribute_id, operator]:
                about = {"condition_object_type": attribute_kind, "condition_object_id": attribute_id}
                rules.append({"type": kind, **about, "comparison_operator": operator, "value": value})
            case _:
                query[name] = value
    return query, {"advanced_search": {"condition_rules_attributes": rules}}


def of_type(type_id: str) -> Params:
    return {f"{_TYPE} ==": type_id}


def of_status(status: str) -> Params:
    return {f"{_STATUS} ==": STATUS_WORDS.get(status, status)}


def not_of_status(status: str) -> Params:
    return {f"{_STATUS} !=": STATUS_WORDS.get(status, status)}


def text_rule(scim_path: str, attributes: list[NeAttribute]) -> Rule:
    """Comparisons of a path that one text attribute holds, or any of several. Wider: how NERM compares is not told."""

    def render(operator: str, value: Any) -> Rendered:
        if not isinstance(value, str) or not _plain(value):
            return None
        return Either(tuple({_name(each, TEXT[operator]): value} for each in attributes))

    return Rule(scim_path, frozenset(TEXT), render, exact=False)


def _plain(value: str) -> bool:
    """Whether a value means itself whatever NERM does with it: it may cut blanks, or read escapes.

    To SCIM an accented letter is the same in one character and in two; NERM may tell them apart, so such are not sent.
    """
    return value.isascii() and value.isprintable() and value == value.strip() and "\\" not in value


def date_rule(scim_path: str, attribute: NeAttribute) -> Rule:
    """Orders of a date, a day wider: whether "after" takes the day itself is not told."""

    def render(operator: str, value: Any) -> Rendered:
        moment = instant(value) if is_date_time(value) else None
        if not isinstance(moment, datetime):
            return None
        after = operator in ("gt", "ge")
        day = _day(moment, -1 if after else 1)
        return None if day is None else {_name(attribute, "after" if after else "before"): told_day(day, attribute)}

    return Rule(scim_path, ops("gt ge lt le"), render, exact=False, folds=False, share=0.15)


def _day(moment: datetime, days: int) -> date | None:
    """The day of an instant in UTC, moved; None beyond the calendar."""
    try:
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return utc.date() + timedelta(days=days)
    except OverflowError:
        return None


def _name(attribute: NeAttribute, operator: str) -> str:
    return f"{_ATTRIBUTE} {attribute.kind} {attribute.id} {operator}"


def attribute_rules(held: Mapping[str, list[NeAttribute]], typed: Callable[[str], str]) -> list[Rule]:
    """The rules of mapped paths; those that hold anything but plain text or dates have none. ``typed``: a path's type.

    Drop-downs, tags and check boxes have no rule in the vendor's schema; references are searched by id and shown by
    name; what is encrypted may not be searchable.
    """
    rules = []
    for scim_path, attributes in held.items():
        kinds = {each.data_type for each in attributes}
        if any(each.encrypted or each.archived for each in attributes):
            continue
        if kinds <= {"text field", "text area"}:
            rules.append(text_rule(scim_path, attributes))
        elif kinds == {"date"} and len(attributes) == 1 and typed(scim_path) == "dateTime":
            rules.append(date_rule(scim_path, attributes[0]))
    return rules
