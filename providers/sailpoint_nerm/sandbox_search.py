"""The simulated advanced search: rules that all have to hold, each checked as the vendor's schema describes it.

Sources: "Advanced search", the vendor's published API description of `/advanced_search/run`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from scim_bridge.providers.sailpoint_nerm.sandbox_store import REFERENCES, TYPES, Profile, Record, Store
from scim_bridge.providers.sailpoint_nerm.sandbox_wire import UUID, Refusal

Test = Callable[[Profile], bool]
STATUS_WORDS: Final = {
    "Active": "Active",
    "Inactive": "Inactive",
    "Leave of absence": "On Leave",
    "Terminated": "Terminated",
}
"""A rule's own words for a status, and those of a profile."""
FORMATS: Final = {
    "mm/dd/yyyy": "%m/%d/%Y",
    "mm-dd-yyyy": "%m-%d-%Y",
    "dd/mm/yyyy": "%d/%m/%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "yyyy/mm/dd": "%Y/%m/%d",
    "yyyy-mm-dd": "%Y-%m-%d",
}
TEXT: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "==": lambda held, value: held == value,
    "!=": lambda held, value: held != value,
    ">": lambda held, value: held > value,
    "<": lambda held, value: held < value,
    "start_with?": lambda held, value: held.startswith(value),
    "end_with?": lambda held, value: held.endswith(value),
    "include?": lambda held, value: value in held,
}
DATES: Final[Mapping[str, Callable[[date, date], bool]]] = {
    "after": lambda held, value: held > value,
    "before": lambda held, value: held < value,
    ">": lambda held, value: held > value,
    "<": lambda held, value: held < value,
    "==": lambda held, value: held == value,
}


def parsed_date(text: str, date_format: str | None) -> date | None:
    try:
        return datetime.strptime(text, FORMATS[date_format or "mm/dd/yyyy"]).date()
    except ValueError:
        return None


def refused(text: str) -> Refusal:
    return Refusal(400, "The advanced search failed to run", errors={"condition_rules": text})


@dataclass(frozen=True, slots=True)
class Search:
    """Compiles rules over one tenant."""

    store: Store
    today: date
    sensitive: bool  # whether text is compared with regard to case
    inclusive: bool = False  # whether "after" and "before" take the day itself

    def test(self, rules: Sequence[Any]) -> Test:
        """Whether a profile meets every rule; what is archived never does."""
        tests = [self._rule(each) for each in rules]
        return lambda profile: not profile.archived and all(test(profile) for test in tests)

    def _rule(self, rule: Any) -> Test:
        if not isinstance(rule, Mapping):
            raise refused("is not an object")
        kinds = {
            "ProfileStatusRule": self._status,
            "ProfileTypeRule": self._type,
            "ProfileAttributeRule": self._attribute,
            "RiskRule": self._risk,
        }
        if rule.get("type") not in kinds:
            raise refused("has no known type")
        return kinds[rule["type"]](rule)

    def _status(self, rule: Mapping[str, Any]) -> Test:
        operator, value = _operator(rule, "==", "!="), _value(rule)
        if value not in STATUS_WORDS:
            raise refused(f"{value} is no status of a rule")
        status = STATUS_WORDS[value]
        return lambda profile: (profile.status == status) is (operator == "==")

    def _type(self, rule: Mapping[str, Any]) -> Test:
        operator, type_id = _operator(rule, "==", "!="), _id(rule)
        return lambda profile: (profile.type_id == type_id) is (operator == "==")

    def _risk(self, rule: Mapping[str, Any]) -> Test:
        operator, level = _operator(rule, "==", ">", "<"), self.store.risk_levels.get(_id(rule))
        if level is None or rule.get("secondary_value") != "OverallRisk":
            raise refused("names no risk level")
        wanted = level["points"]

        def test(profile: Profile) -> bool:
            held = self.store.risk_levels.get(profile.risk_level_id or "")
            points = None if held is None else held["points"]
            return points is not None and {"==": points == wanted, ">": points > wanted, "<": points < wanted}[operator]

        return test

    def _attribute(self, rule: Mapping[str, Any]) -> Test:
        # Older samples of the vendor say `object_type`; both are taken.
        kind = rule.get("condition_object_type") or rule.get("object_type")
        record = self.store.attributes.get(str(rule.get("condition_object_id")))
        if record is None or kind not in (record["type"], "NeAttribute") or record["crypt"]:
            raise refused("names no attribute that can be searched")
        if record["data_type"] in ("text field", "text area"):
            return self._text(record, rule)
        if record["data_type"] == "date":
            return self._date(record, rule)
        if record["data_type"] in REFERENCES:
            return self._reference(record, rule)
        raise refused(f"{TYPES[record['data_type']]} has no rule")

    def _text(self, record: Record, rule: Mapping[str, Any]) -> Test:
        compare, uid = TEXT[_operator(rule, *TEXT)], record["uid"]
        value = self._cased(_value(rule))

        def test(profile: Profile) -> bool:
            held = profile.values.get(uid) or None  # a value that is not set meets no rule, `!=` included
            return held is not None and compare(self._cased(held), value)

        return test

    def _cased(self, text: str) -> str:
        return text if self.sensitive else text.lower()

    def _date(self, record: Record, rule: Mapping[str, Any]) -> Test:
        operator = _operator(rule, *DATES)
        value = self._day(_value(rule), record, absolute=operator in ("after", "before"))
        compare, uid, inclusive = DATES[operator], record["uid"], self.inclusive and operator in ("after", "before")

        def test(profile: Profile) -> bool:
            held = parsed_date(profile.values.get(uid, ""), record["date_format"])
            return held is not None and (compare(held, value) or (inclusive and held == value))

        return test

    def _day(self, text: str, record: Record, *, absolute: bool) -> date:
        """An absolute date in the attribute's own format; for the other operators today, or days from it."""
        found = parsed_date(text, record["date_format"]) if absolute else None
        count, _, side = text.partition(" ")
        if not absolute and text == "Today":
            found = self.today
        elif not absolute and count.isdecimal() and side in ("before", "after"):
            found = self.today + timedelta(days=int(count) * (1 if side == "after" else -1))
        if found is None:
            raise refused(f"{text} is no date")
        return found

    def _reference(self, record: Record, rule: Mapping[str, Any]) -> Test:
        operator, wanted, uid = _operator(rule, "include?", "exclude?"), _id(rule), record["uid"]

        def test(profile: Profile) -> bool:
            held = [each.strip() for each in profile.values.get(uid, "").split(",")]
            return (wanted in held) is (operator == "include?")

        return test


def _operator(rule: Mapping[str, Any], *known: str) -> str:
    operator = rule.get("comparison_operator")
    if operator not in known:
        raise refused(f"comparison_operator takes {', '.join(known)}")
    return str(operator)


def _value(rule: Mapping[str, Any]) -> str:
    value = rule.get("value")
    if not isinstance(value, str) or not value:
        raise refused("value can't be blank")
    return value


def _id(rule: Mapping[str, Any]) -> str:
    value = _value(rule)
    if not UUID.fullmatch(value):
        raise refused("value is no id")
    return value
