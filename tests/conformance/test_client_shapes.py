"""The checks of clients' shapes find servers that do not take them, or take them for something else."""

from typing import Any

import pytest

from tests.conformance.faults import operates, pretends, refuses, refuses_operation, shows
from tests.conformance.servers import Fault, result

_ADSCIM_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def _value(operation: Any) -> Any:
    return operation.get("value")


def _no_dots(operation: Any) -> None:
    """Keys with a dot are not known, and left out."""
    value = _value(operation)
    if isinstance(value, dict):
        operation["value"] = {key: each for key, each in value.items() if not key.startswith("name.")}


def _any_text_is_true(operation: Any) -> None:
    value = _value(operation)
    if value == "False":
        operation["value"] = True
    elif isinstance(value, dict) and value.get("active") == "False":
        operation["value"] = {"active": True}


def _all_members(operation: Any) -> None:
    """What a removal names is not looked at."""
    if str(operation.get("op")).lower() == "remove":
        operation.pop("value", None)


def _no_members(operation: Any) -> None:
    """What is not given is cleared."""
    value = _value(operation)
    if isinstance(value, dict) and "path" not in operation:
        operation["value"] = {**value, "members": []}


def _first_value(operation: Any) -> None:
    """The filter is not looked at: what is there is changed."""
    operation["path"] = str(operation.get("path")).partition("[")[0] + ".value"


WRONG: list[tuple[str, str, Fault]] = [
    *(
        (id, "changes nothing", pretends("^PATCH "))
        for id in "T-29 T-30 T-31 T-32 T-33 T-39 T-40 T-41 T-44 T-45".split()
    ),
    ("T-29", "dotted keys are left out", operates(_no_dots)),
    ("T-29", "URN keys are refused", refuses_operation(lambda each: "urn:" in str(_value(each)))),
    ("T-30", "operations have a case", refuses_operation(lambda each: not str(each.get("op")).islower())),
    ("T-31", "any text is true", operates(_any_text_is_true)),
    ("T-31", "text is refused", refuses_operation(lambda each: isinstance(_value(each), str))),
    ("T-32", "no target", refuses_operation(lambda each: "[" in str(each.get("path")), "noTarget")),
    ("T-32", "another one is changed", operates(_first_value)),
    ("T-33", "a bare id is refused", refuses_operation(lambda each: isinstance(_value(each), str))),
    ("T-33", "a list is refused", refuses_operation(lambda each: isinstance(_value(each), list))),
    ("T-39", "all are removed", operates(_all_members)),
    ("T-39", "a value is refused", refuses_operation(lambda each: each.get("op") == "Remove" and "value" in each)),
    ("T-40", "null is refused", refuses_operation(lambda each: "None" in str(_value(each)))),
    ("T-41", "an id is refused", refuses_operation(lambda each: "id" in _value(each), "mutability")),
    ("T-41", "the members are gone", operates(_no_members)),
    ("T-43", "refused", refuses(lambda body: len(body["schemas"]) > 1, "^POST .*/Groups")),
    ("T-43", "kept", shows(lambda row: row["schemas"].append(_ADSCIM_GROUP), "^GET .*/Groups")),
    ("T-44", "a name is refused", refuses_operation(lambda each: "name" in each)),
    ("T-44", "an id is refused", refuses(lambda body: "id" in body, "^PATCH ")),
    ("T-45", "a dot is refused", refuses_operation(lambda each: ".manager" in str(each.get("path")), "invalidPath")),
]


@pytest.mark.parametrize(("id", "wrong", "fault"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_a_wrong_server_is_found(id: str, wrong: str, fault: Fault) -> None:
    found = result(id, fault)
    assert found.status == "failed", found.reason
    assert "could not be read" not in found.reason
