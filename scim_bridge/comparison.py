"""How SCIM compares single values, by an attribute's type and caseExact (RFC 7644 sections 3.4.2.2 and 3.4.2.3).

Everything takes raw JSON values. A value that is none of its attribute's type compares with nothing: it equals no
other and has no order.
"""

import operator
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from unicodedata import normalize

from scim_bridge.schemas import SchemaAttribute

Test = Callable[[Any], bool]
Key = Callable[[Any], Any]

TEXT_OPERATORS: Final = frozenset({"co", "sw", "ew"})
ORDER_OPERATORS: Final = frozenset({"gt", "ge", "lt", "le"})

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def folded(value: Any) -> Any:
    """A string as comparisons without case see it: NFC and lower case. Other values unchanged."""
    if not isinstance(value, str):
        return value
    if value.isascii():
        return value.lower()
    # Lowering can leave NFC, so the form is restored.
    return normalize("NFC", normalize("NFC", value).lower())


def exact(value: Any) -> Any:
    """A string as comparisons with case see it: NFC. Other values unchanged."""
    return value if not isinstance(value, str) or value.isascii() else normalize("NFC", value)


def instant(value: Any) -> Any:
    """An xsd:dateTime as a datetime, cut off at microseconds; it stays naive without an offset. Others unchanged."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value


def decoded(value: Any) -> Any:
    """Base64 text as bytes, line breaks ignored (RFC 4648 section 4). Other values unchanged."""
    try:
        return b64decode("".join(value.split()), validate=True)
    except (AttributeError, ValueError):
        return value


def _unchanged(value: Any) -> Any:
    return value


def key_of(attribute: SchemaAttribute) -> Key:
    """What turns a raw value of the attribute into the form that comparisons use."""
    match attribute.type:
        case "string" | "reference":
            return exact if attribute.case_exact else folded
        case "dateTime":
            return instant
        case "binary":
            return decoded
    return _unchanged


def present(value: Any) -> bool:
    """Whether a value satisfies `pr`: not null, not empty, and for a complex value any part of it that is."""
    if value is None:
        return False
    if isinstance(value, str):
        return value != ""
    if isinstance(value, Mapping):
        return any(map(present, value.values()))
    if isinstance(value, list):
        return any(map(present, value))
    return True


def check_operand(attribute: SchemaAttribute, operator_name: str, value: Any) -> None:
    """Raise ValueError where a filter's literal cannot be compared with values of the attribute.

    Messages leave the literal out: it may be a secret. `co`, `sw` and `ew` take anything, as they match a part of a
    value; null stands for "unassigned".
    """
    if isinstance(value, str) and not _encodable(value):
        raise ValueError("is compared with text that is not Unicode")
    if value is None or operator_name in TEXT_OPERATORS:
        return
    takes, what = _OPERANDS.get(attribute.type, _ANYTHING)
    if not takes(value):
        raise ValueError(f"takes {what}")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_date_time(value: Any) -> bool:
    # fromisoformat takes more than xsd:dateTime does, such as a date alone (RFC 7643 section 2.3.5).
    return isinstance(value, str) and bool(_DATE_TIME.fullmatch(value)) and isinstance(instant(value), datetime)


def is_base64(value: Any) -> bool:
    return isinstance(decoded(value), bytes)


_ANYTHING: Final[tuple[Test, str]] = (lambda value: True, "")
_OPERANDS: Final[Mapping[str, tuple[Test, str]]] = {
    "string": (_is_text, "a string"),
    "reference": (_is_text, "a string"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "integer": (_is_integer, "an integer"),
    "decimal": (_is_number, "a number"),
    "dateTime": (is_date_time, "a date and time, as in 2026-01-31T12:00:00Z"),
    "binary": (is_base64, "base64 text"),
}


def matcher(attribute: SchemaAttribute, operator_name: str, value: Any) -> Test:
    """The test of one raw value (None: unassigned) by a comparison; the literal is one that `check_operand` passed."""
    if value is None:
        return _NULL.get(operator_name, never)
    key = key_of(attribute)
    expected = key(value)
    if operator_name in TEXT_OPERATORS:
        textual = isinstance(value, str) and attribute.type in ("string", "reference")
        return _textual(operator_name, key, expected) if textual else never
    if operator_name in ORDER_OPERATORS:
        return _ordered(_ORDERS[operator_name], key, expected)
    if operator_name == "ne":
        return lambda actual: bool(key(actual) != expected)
    return lambda actual: bool(key(actual) == expected)


def never(value: Any) -> bool:
    """The test that nothing passes."""
    return False


_NULL: Final[Mapping[str, Test]] = {"eq": lambda actual: actual is None, "ne": lambda actual: actual is not None}
_ORDERS: Final = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}


def _ordered(compare: Callable[[Any, Any], Any], key: Key, expected: Any) -> Test:
    def test(actual: Any) -> bool:
        try:
            return bool(compare(key(actual), expected))
        except TypeError:
            return False

    return test


def _textual(operator_name: str, key: Key, expected: str) -> Test:
    def contains(actual: Any) -> bool:
        return isinstance(actual, str) and expected in key(actual)

    def starts(actual: Any) -> bool:
        return isinstance(actual, str) and bool(key(actual).startswith(expected))

    def ends(actual: Any) -> bool:
        return isinstance(actual, str) and bool(key(actual).endswith(expected))

    return {"co": contains, "sw": starts, "ew": ends}[operator_name]
