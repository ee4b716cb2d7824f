"""Random SCIM resources and filters for hypothesis.

Values come from small pools with case twins, equal instants and different Unicode forms of one text, so that random
filters match some rows and miss others.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from hypothesis import strategies as st
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from scim_bridge.schemas import (
    COMMON,
    GROUP,
    USER,
    AttributePath,
    Extension,
    ResourceSchema,
    Schema,
    SchemaAttribute,
)

Resource = dict[str, Any]


def examples(count: int) -> int:
    """A number of hypothesis examples, scaled by the environment variable SCIM_BRIDGE_EXAMPLES."""
    return max(1, int(count * float(os.environ.get("SCIM_BRIDGE_EXAMPLES", "1"))))


TYPED = Schema(
    "urn:example:params:scim:schemas:1.0:Typed",
    "Typed",
    "An attribute of every type and plurality",
    (
        SchemaAttribute("count", "integer"),
        SchemaAttribute("ratio", "decimal"),
        SchemaAttribute("seen", "dateTime"),
        SchemaAttribute("key", "binary", case_exact=True),
        SchemaAttribute("link", "reference", case_exact=True, reference_types=("uri",)),
        SchemaAttribute("codes", "string", multi_valued=True, case_exact=True),
        SchemaAttribute("numbers", "integer", multi_valued=True),
        SchemaAttribute(
            "record",
            "complex",
            sub_attributes=(
                SchemaAttribute("label", "string"),
                SchemaAttribute("tags", "string", multi_valued=True),
                SchemaAttribute("at", "dateTime"),
            ),
        ),
        SchemaAttribute(
            "entries",
            "complex",
            multi_valued=True,
            sub_attributes=(
                SchemaAttribute("value", "integer"),
                SchemaAttribute("at", "dateTime"),
                SchemaAttribute("tags", "string", multi_valued=True),
                SchemaAttribute("blob", "binary", case_exact=True),
                SchemaAttribute("on", "boolean"),
            ),
        ),
    ),
)
RICH_USER = USER.extended(Extension(TYPED))
"""Users with the enterprise extension and one that has every type."""

USER_ATTRIBUTES = frozenset(
    {
        "userName",
        "name",
        "displayName",
        "title",
        "active",
        "profileUrl",
        "emails",
        "addresses",
        "groups",
        "x509Certificates",
    }
)
"""The core attributes that `users` fills."""

TEXTS = (
    "bjensen", "BJENSEN", "BJensen@Example.com", "bjensen@example.com", "jensen", "straße", "STRASSE", "ß",
    "Émile", "E\u0301mile", "émile", "İstanbul", "i\u0307stanbul",
    "\u212bngström", "Ångström", "\u038c\u03a3\u039f\u03a3", "\u038c\u03a3", "日本",
    "", " ", "100%", "it's", 'say "hi"', "back\\slash", "a*b_c", "work", "Work", "home",
)  # fmt: skip
INSTANTS = (
    "2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00.000Z", "2024-05-01T10:00:00.1Z",
    "2024-05-01T10:00:00.100Z", "2024-05-01T10:00:00.1234567Z", "2024-05-01T10:00:00.123456Z",
    "2024-05-01T09:29:59.999-00:30", "1999-12-31T23:59:59Z", "2024-05-01T10:00:00", "2024-05-01T10:00:00.1",
)  # fmt: skip
REFERENCES = ("https://example.com/a", "https://example.com/A", "/Users/1", "urn:example:b")
BINARIES = ("aGk=", "aGk=\n", "SGk=", "AAECAw==", "")
NUMBERS = (-1, 0, 1, 5, 10)
DECIMALS = (-1, 0.5, 1, 1.0, 2.25)
TYPES = ("work", "Work", "home")

_VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(TEXTS) | st.text(max_size=4),
    "reference": st.sampled_from(REFERENCES),
    "boolean": st.booleans(),
    "integer": st.sampled_from(NUMBERS),
    "decimal": st.sampled_from(DECIMALS),
    "dateTime": st.sampled_from(INSTANTS),
    "binary": st.sampled_from(BINARIES),
}

# -- resources --------------------------------------------------------------------------------------------------------


def values(attribute: SchemaAttribute) -> st.SearchStrategy[Any]:
    """One value of an attribute: of a multi-valued one an element."""
    if attribute.type != "complex":
        return st.sampled_from(TYPES) if attribute.name == "type" else _VALUES[attribute.type]
    return st.fixed_dictionaries({}, optional={each.name: whole(each) for each in attribute.sub_attributes})


def whole(attribute: SchemaAttribute) -> st.SearchStrategy[Any]:
    """What a resource holds for an attribute; lists have an element at least, and one primary at most."""
    if not attribute.multi_valued:
        return values(attribute)
    return st.lists(values(attribute), min_size=1, max_size=3).map(_one_primary)


def _one_primary(elements: list[Any]) -> list[Any]:
    found = False
    for each in elements:
        if isinstance(each, dict) and each.get("primary"):
            each["primary"] = not found
            found = True
    return elements


def resources(schema: ResourceSchema, attributes: Collection[str]) -> st.SearchStrategy[Resource]:
    """Resources in canonical case with any of the named base attributes, ``externalId``, ``meta`` and extensions.

    The required ones are always there; so are ``schemas`` and an ``id``, which may differ from others by case only.
    """
    chosen = [each for each in schema.base.attributes if each.name in attributes]
    ids = st.builds("{}{}".format, st.sampled_from("uU"), st.integers(0, 9999))
    required = {each.name: whole(each) for each in chosen if each.required}
    optional = {each.name: whole(each) for each in chosen if not each.required}
    optional |= {each.name: whole(each) for each in (_common("externalId"), _common("meta"))}
    optional |= {each.schema.id: _extension_data(each.schema) for each in schema.extensions}
    return st.fixed_dictionaries({"id": ids, **required}, optional=optional).map(partial(_with_schemas, schema))


def _with_schemas(schema: ResourceSchema, body: Resource) -> Resource:
    urns = [each.schema.id for each in schema.extensions]
    return {"schemas": [schema.base.id, *(urn for urn in urns if urn in body)], **body}


def _common(name: str) -> SchemaAttribute:
    return next(each for each in COMMON if each.name == name)


def _extension_data(schema: Schema) -> st.SearchStrategy[Resource]:
    return st.fixed_dictionaries({}, optional={each.name: whole(each) for each in schema.attributes})


def users(schema: ResourceSchema = RICH_USER) -> st.SearchStrategy[Resource]:
    return resources(schema, USER_ATTRIBUTES)


PLAIN_TEXTS = (
    "Ada", "ada@example.com", "BJENSEN", "Work", "", 'say "hi"', "back\\slash", "A\nB", "\x7f", "\0", "/Users/7",
    '"manager":{}', "null", "é",
)  # fmt: skip


def plain_users() -> st.SearchStrategy[Resource]:
    """Users that are nearly always compared as they are but for case: no dates, nothing empty, no case that matters."""
    base = [each for each in RICH_USER.base.attributes if each.name in USER_ATTRIBUTES - {"groups"}]
    told = {"resourceType": st.just("User"), "lastModified": st.sampled_from(INSTANTS)}
    meta = st.fixed_dictionaries(told, optional={"created": st.sampled_from(INSTANTS)})
    extensions = {each.schema.id: _plain_parts(each.schema.attributes) for each in RICH_USER.extensions}
    ids = st.builds("{}{}".format, st.sampled_from("uU/"), st.integers(0, 9999))
    required = {"id": ids, "userName": st.sampled_from(PLAIN_TEXTS), "meta": meta}
    optional = {"externalId": st.sampled_from(PLAIN_TEXTS), **_plain_values(base), **extensions}
    chosen = {name: optional[name] for name in optional if name not in required}
    return st.fixed_dictionaries(required, optional=chosen).map(partial(_with_schemas, RICH_USER))


def _plain_parts(attributes: Iterable[SchemaAttribute]) -> st.SearchStrategy[Resource]:
    return st.fixed_dictionaries({}, optional=_plain_values(attributes)).filter(bool)


def _plain_values(attributes: Iterable[SchemaAttribute]) -> dict[str, st.SearchStrategy[Any]]:
    usable = [each for each in attributes if each.type not in ("dateTime", "binary") and each.name != "$ref"]
    single = {each.name: _plain_value(each) for each in usable}
    return {
        each.name: st.lists(single[each.name], min_size=1, max_size=3).map(_one_primary)
        if each.multi_valued
        else single[each.name]
        for each in usable
    }


def _plain_value(attribute: SchemaAttribute) -> st.SearchStrategy[Any]:
    if attribute.type == "complex":
        return _plain_parts(attribute.sub_attributes)
    if attribute.type not in ("string", "reference"):
        return _VALUES[attribute.type]
    texts = st.sampled_from(PLAIN_TEXTS if attribute.type == "string" else REFERENCES)
    return texts.map(str.lower) if attribute.case_exact else texts


def groups(schema: ResourceSchema = GROUP) -> st.SearchStrategy[Resource]:
    return resources(schema, {"displayName", "members"})


def rows(each: st.SearchStrategy[Resource], max_size: int = 5) -> st.SearchStrategy[list[Resource]]:
    """Lists of resources, each id once."""
    return st.lists(each, max_size=max_size, unique_by=lambda row: row["id"])


# -- filters ----------------------------------------------------------------------------------------------------------


def paths(schema: ResourceSchema, attributes: Collection[str]) -> list[AttributePath]:
    """Each path that filters may use: the named base attributes, the common ones and those of extensions.

    Without ``meta.location``, which the models of scim2-models compare without case, and without what they never match:
    plural sub-attributes of plural attributes, and ``manager`` compared as its value, as Entra does.
    """
    return [each for each in _every_path(schema, attributes) if _comparable(each)]


def _comparable(path: AttributePath) -> bool:
    twice = path.attribute.multi_valued and path.sub is not None and path.sub.multi_valued
    reference = path.sub is None and not path.attribute.multi_valued and path.attribute.sub("value") is not None
    return not twice and not reference and path.canonical != "meta.location" and path.attribute.returned != "never"


def _every_path(schema: ResourceSchema, attributes: Collection[str]) -> Iterator[AttributePath]:
    base = [each for each in schema.base.attributes if each.name in attributes]
    extended = [(each.schema.id, one) for each in schema.extensions for one in each.schema.attributes]
    for urn, attribute in [*((None, each) for each in (*COMMON, *base)), *extended]:
        yield AttributePath(urn, attribute)
        for sub in attribute.sub_attributes:
            yield AttributePath(urn, attribute, sub)


_CASES: tuple[Callable[[str], str], ...] = (str, str, str.lower, str.upper, str.swapcase)


def _spelled(path: AttributePath, base: str) -> st.SearchStrategy[AttrPath]:
    """A path in any case; core attributes with or without their URN."""
    urns = st.just(path.extension) if path.extension else st.sampled_from((None, None, base))

    def build(urn: str | None, case: Callable[[str], str]) -> AttrPath:
        sub = case(path.sub.name) if path.sub is not None else None
        return AttrPath(case(path.attribute.name), sub, f"urn:{case(urn[4:])}" if urn else None)

    return st.builds(build, urns, st.sampled_from(_CASES))


def operators(attribute: SchemaAttribute) -> st.SearchStrategy[CompareOperator]:
    """The comparisons that an attribute's type takes."""
    if attribute.type in ("boolean", "binary"):
        return st.sampled_from((CompareOperator.eq, CompareOperator.ne))
    return st.sampled_from(CompareOperator)


def _literals(attribute: SchemaAttribute) -> st.SearchStrategy[Any]:
    often = _VALUES["string"] if attribute.type == "complex" else values(attribute)
    return st.one_of(often, often, often, st.none())


def _leaves(name: st.SearchStrategy[AttrPath], attribute: SchemaAttribute) -> st.SearchStrategy[FilterNode]:
    """Comparisons and presence of one attribute; a complex plural one is compared by its ``value``."""
    target = (attribute.sub("value") if attribute.multi_valued else None) or attribute
    compared = st.builds(Comparison, name, operators(target), _literals(target))
    return st.one_of(compared, compared, compared, st.builds(Present, name))


def joined(leaves: st.SearchStrategy[FilterNode], size: int) -> st.SearchStrategy[FilterNode]:
    def extend(inner: st.SearchStrategy[FilterNode]) -> st.SearchStrategy[FilterNode]:
        terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, inner) | st.builds(LogicalExpr, st.sampled_from(LogicalOperator), terms)

    return st.recursive(leaves, extend, max_leaves=size)


def filters(schema: ResourceSchema, attributes: Collection[str] = USER_ATTRIBUTES) -> st.SearchStrategy[FilterNode]:
    """Valid filters: every comparison that fits, `pr`, value paths with conditions inside, and, or, not."""
    leaves: list[st.SearchStrategy[FilterNode]] = []
    for path in paths(schema, attributes):
        name = _spelled(path, schema.base.id)
        leaves.append(_leaves(name, path.target))
        if path.sub is None and path.attribute.multi_valued:
            leaves.append(st.builds(ValuePath, name, _conditions(path.attribute)))
    return joined(st.one_of(leaves), 4)


def _conditions(attribute: SchemaAttribute) -> st.SearchStrategy[FilterNode]:
    """What stands between the brackets of a value path."""
    if attribute.type != "complex":
        return joined(_leaves(st.just(AttrPath("value")), attribute), 2)
    names = {each: st.sampled_from((each.name, each.name.upper())).map(AttrPath) for each in attribute.sub_attributes}
    return joined(st.one_of([_leaves(name, each) for each, name in names.items()]), 3)
