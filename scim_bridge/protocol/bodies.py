"""Request bodies: decoded, and read as resources against the effective schema of a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scim_bridge.protocol.errors import ScimError, invalid_syntax, invalid_value
from scim_bridge.protocol.profiles import VENDOR_SCHEMAS, Profile
from scim_bridge.protocol.values import ValueReader, assign, check_required, written_paths
from scim_bridge.schemas import AttributePath, ResourceSchema

_IGNORED: Final = frozenset({"schemas", "id", "meta"})


def decode_object(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The JSON object of a body.

    Raises ScimError: 415 for another media type, 400 invalidSyntax for what is no object.
    """
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ScimError(415, "The request body must be application/scim+json")
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid_syntax("The request body is not valid JSON in UTF-8") from None
    if not isinstance(decoded, dict):
        raise invalid_syntax("The request body has to be a JSON object")
    return decoded


def member(body: Mapping[str, Any], name: str) -> Any:
    """A member of a message by its name in any case (RFC 7643 section 2.1); None where it is missing.

    Raises ScimError 400 where it is given twice.
    """
    folded = name.lower()
    names = [*map(str.lower, body)]
    times = names.count(folded)
    if times > 1:
        raise invalid_syntax(f"{name} is given twice")
    if not times:
        return None
    return body[name] if name in body else [*body.values()][names.index(folded)]


def check_message(body: Mapping[str, Any], urn: str, *, strict: bool) -> None:
    """Check the ``schemas`` of a message (PatchOp, SearchRequest, BulkRequest); unless strict it may be missing."""
    stated = member(body, "schemas")
    if stated is None and not strict:
        return
    if not isinstance(stated, list) or urn.lower() not in [str(each).lower() for each in stated]:
        raise invalid_syntax(f"The request body has to name the schema {urn}")


@dataclass(frozen=True, slots=True)
class ResourceBody:
    """A resource as a client sent it: writable values in canonical spelling, and what the body spoke of."""

    values: dict[str, Any]
    schemas: frozenset[str]  # URNs of this resource type that the body names
    dropped: tuple[str, ...]  # read-only attributes that were given, which RFC 7644 has us ignore
    left_out: tuple[str, ...]  # what this resource type does not have
    written: frozenset[str] = frozenset()  # canonical paths of what is given
    nulls: frozenset[str] = frozenset()  # canonical paths of what is given as null


def read_resource(
    body: Mapping[str, Any],
    schema: ResourceSchema,
    profile: Profile,
    *,
    supplied: frozenset[str] = frozenset(),
    relations: frozenset[str] = frozenset(),
    before: Mapping[str, Any] | None = None,
) -> ResourceBody:
    """The whole resource in a POST or PUT body.

    ``supplied``: required attributes that the upstream fills in; ``relations``: those that refer to other resources;
    ``before``: what a PUT replaces.
    Raises ScimError 400: invalidSyntax for schemas and names that do not fit, invalidValue for values that do not and
    for required ones that are missing.
    """
    schemas, foreign = _schemas(body, schema, profile)
    reader = ValueReader(profile.strict, foreign, relations)
    values: dict[str, Any] = {}
    dropped: list[str] = []
    given: dict[str, Any] = {}
    written: set[str] = set()
    for key, raw in body.items():
        found = _found(key, schema, profile)
        if found is None or found.canonical in _IGNORED:
            if found is None and not _of_vendor(key, reader.left_out):
                reader.unknown(key)
            continue
        if found.canonical in given:
            raise invalid_syntax(f"{found.canonical} is given twice")
        given[found.canonical] = raw
        if "readOnly" in (found.attribute.mutability, found.target.mutability):
            dropped += [found.canonical] if raw not in (None, [], {}) else []
            continue
        value = reader.read(found.target, raw, found.canonical)
        if value is not None:
            assign(values, found, _joined(found, found.read(values), value))
            written |= written_paths(found, value)
    named = schemas | {each.schema.id for each in schema.extensions if each.schema.id in values}
    check_required(values, schema, supplied, before)
    nulls = frozenset(name for name, raw in given.items() if raw is None)
    return ResourceBody(values, named, tuple(dropped), tuple(reader.left_out), frozenset(written), nulls)


def _found(key: str, schema: ResourceSchema, profile: Profile) -> AttributePath | None:
    """What a member of a resource means; only lenient reading takes dotted and qualified names."""
    found = schema.resolve(key)
    if found is None or found.whole_extension:
        return found
    if profile.strict and (found.sub is not None or ":" in key):
        return None
    if found.sub is not None and found.attribute.multi_valued:
        raise invalid_syntax(f"{found.canonical} does not say which of several values it means")
    return found


def _joined(found: AttributePath, held: Any, value: Any) -> Any:
    """A value together with what a dotted or qualified name already gave of the same attribute."""
    if held is None:
        return value
    if not isinstance(held, dict) or not isinstance(value, dict) or held.keys() & value.keys():
        raise invalid_syntax(f"{found.canonical} is given twice")
    return {**held, **value}


def _of_vendor(key: str, left_out: list[str]) -> bool:
    """Whether a member is the data of a vendor's schema that was already set aside."""
    return key.lower() in (each.lower() for each in left_out)


def _schemas(body: Mapping[str, Any], schema: ResourceSchema, profile: Profile) -> tuple[frozenset[str], list[str]]:
    """The URNs of this resource type that a body names, and those of known vendors that are set aside (T-43)."""
    stated = member(body, "schemas")
    if stated is None:
        if profile.strict:
            raise invalid_syntax("schemas is missing")
        return frozenset({schema.base.id}), []
    if not isinstance(stated, list) or not stated or not all(isinstance(each, str) for each in stated):
        raise invalid_syntax("schemas takes a list of URNs")
    known = {each.id.lower(): each.id for each in schema.schemas}
    named = frozenset(known[each.lower()] for each in stated if each.lower() in known)
    foreign = [each for each in stated if each.lower() not in known]
    refused = [each for each in foreign if profile.strict or each.casefold() not in VENDOR_SCHEMAS]
    if refused:
        raise invalid_value(f"{schema.name} has no schema {refused[0]!r}")
    if schema.base.id not in named:
        raise invalid_value(f"schemas has to name {schema.base.id}")
    return named, foreign
