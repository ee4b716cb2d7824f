"""Kinds of values in requests and answers of the API: times, whole numbers of a query, and tables of settings."""

import re
from dataclasses import Field as DataclassField
from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from scim_bridge.admin.entries import plain
from scim_bridge.admin.forms import default_of
from scim_bridge.clock import time_text
from scim_bridge.settings import is_required, settings_of

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,16}")
LARGEST: Final = 2**53 - 1
"""The largest whole number that all who read JSON agree on (RFC 7493 section 2.2)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Taken(BaseModel):
    """What a request brings: these members and no others, of these types and none that resemble them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Given(BaseModel):
    """What an answer has: all of these members."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


def some_time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else time_text(milliseconds)


def milliseconds_of(text: Any) -> int:
    """A time as milliseconds since 1970; what is finer is cut off. ValueError for what RFC 3339 does not have."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("has to be a time with a zone, as 2026-01-31T12:00:00Z")
    seconds, fraction, zone = _parts(text.upper())
    try:
        moment = datetime.fromisoformat(seconds + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no time that there is") from None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + int(f"{fraction[1:]:0<3}"[:3])


def _parts(text: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"(.{19})(\.\d+|)(.+)", text)
    assert found is not None
    zone = found[3]
    return found[1], found[2], "+00:00" if zone == "Z" else zone


def _whole(text: Any) -> Any:
    if isinstance(text, str) and not _WHOLE.fullmatch(text):
        raise ValueError("has to be a whole number")
    return int(text) if isinstance(text, str) else text


def _flag(text: Any) -> Any:
    if isinstance(text, str) and text not in ("true", "false"):
        raise ValueError("has to be true or false")
    return text == "true" if isinstance(text, str) else text


TIME_SCHEMA: Final = {"type": "string", "format": "date-time"}
Time = Annotated[str, WithJsonSchema(TIME_SCHEMA)]
"""A time in an answer."""
TakenTime = Annotated[int, BeforeValidator(milliseconds_of), WithJsonSchema(TIME_SCHEMA)]
"""A time in a request, as milliseconds since 1970."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or false in a query."""
Text = Annotated[str, Field(min_length=1, max_length=512)]
Number = Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_whole)]
"""A whole number in a query."""
PageSize = Annotated[int, Field(ge=1, le=500), BeforeValidator(_whole)]


class PageQuery(Taken):
    """Which part of a collection."""

    limit: PageSize = Field(100, description="The most items to answer with.")
    after: Text | None = Field(None, description="`next` of the answer before: what follows it.")


def members(kind: type[Any], *, nullable: bool = False, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings of a dataclass as members of a model; ``nullable``: all may be missing, or null."""
    hints = get_type_hints(kind)
    known = (each for each in settings_of(kind) if each.name not in without)
    return {each.name: (_hint(hints[each.name], nullable), _field(each, nullable)) for each in known}


def model(title: str, base: type[BaseModel], text: str, /, **fields: Any) -> type[BaseModel]:
    """A model whose fields are only known when the program runs: of each its type, and its `Field`."""
    return create_model(title, __base__=base, __doc__=text, **fields)


def table(name: str, base: type[BaseModel], kind: type[Any], *, nullable: bool = False) -> type[BaseModel]:
    """A model of the settings of a dataclass."""
    return model(name, base, kind.__doc__ or "", **members(kind, nullable=nullable))


def _field(each: DataclassField[Any], nullable: bool) -> Any:
    told = f"{each.metadata['help']}."
    if nullable:
        return Field(default=None, description=told, json_schema_extra=_without_default)
    return Field(... if is_required(each) else plain(default_of(each)), description=told)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _hint(hint: Any, nullable: bool) -> Any:
    """A type of the configuration as one of JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        hint = list[arguments[0]]  # type: ignore[valid-type] # a type that is only known now
    else:
        assert origin in (None, Literal, Union, UnionType), hint
    return hint | None if nullable else hint
