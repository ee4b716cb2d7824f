"""IdentityIQ's identities as SCIM Users: the attribute table, what is filtered upstream, and what they are given."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from scim_bridge.attributes import BOOLEAN, TIMESTAMP, Attribute, AttributeMap, MappingError
from scim_bridge.codecs import Codec, codec_of
from scim_bridge.providers.sailpoint_iiq.given import ENTITLEMENTS, ROLES, is_id, record, relations
from scim_bridge.providers.sailpoint_iiq.site import ORDERED, SP_USER, Facts, dated
from scim_bridge.providers.sailpoint_iiq.user_writes import UserWrites
from scim_bridge.providers.scim.paging import TOLD, is_empty
from scim_bridge.providers.scim.rules import Proof, rules
from scim_bridge.providers.scim.shape import identifier
from scim_bridge.query.capabilities import AccessPath, Collection, Element, Rendered, Row, Rule
from scim_bridge.query.references import named
from scim_bridge.schemas import (
    ENTERPRISE_USER,
    USER,
    AttributePath,
    Extension,
    ResourceSchema,
    SchemaAttribute,
    overridden,
)

if TYPE_CHECKING:
    from scim_bridge.providers.sailpoint_iiq import Settings

SP: Final = "sp"
"""In fields: what is IdentityIQ's own of an identity."""
LONGEST_ATTRIBUTES: Final = 5000
"""Characters of `attributes` that an address may carry: servers take about 8,000 in all."""
SUPPLIED: Final = frozenset({"active", "displayName", "name"})
"""What everybody has. Who is left out of a PUT is active afterwards, so nobody is left out; who has no display name
goes by the user name, and who has no name by the display name."""
ATTRIBUTES: Final = (
    Attribute("id", "id", mutability="readOnly"),
    Attribute("meta.created", "meta.created", TIMESTAMP, mutability="readOnly"),
    Attribute("meta.lastModified", "meta.lastModified", TIMESTAMP, mutability="readOnly"),
    Attribute("userName", "userName", mutability="immutable"),  # "cannot be changed"
    Attribute("name.formatted", "name.formatted"),
    Attribute("name.familyName", "name.familyName"),
    Attribute("name.givenName", "name.givenName"),
    Attribute("displayName", "displayName"),
    Attribute("userType", "userType"),
    Attribute("active", "active", BOOLEAN),
    Attribute("password", "password", mutability="writeOnly"),
    Attribute("emails.work", "email"),  # one entry, backed by one field
    Attribute("enterprise.manager.value", "enterprise.manager.value"),
    Attribute("enterprise.manager.displayName", "enterprise.manager.displayName", mutability="readOnly"),
)


def collection(settings: "Settings", facts: Facts) -> Collection:
    """The Users of one connection. Raises MappingError where `attributes` names what the site does not have."""
    table = attribute_map(settings, facts)
    writes = UserWrites(table, facts, delete_policy=settings.delete_policy)
    resource = _effective(table.resource)
    references = tuple(_references_of(resource))
    users = Collection(
        resource=resource,
        reads=(_list(settings, facts, table),),
        item=record({}),
        decode=lambda row: table.decode(viewed(row)),
        relations=tuple(relations(detected=settings.detected_roles)),
        writes=writes.writes(),
        is_id=is_id,
        written=lambda body, before: table.aligned(named(body, before, references), before),
        supplied=SUPPLIED,
        homeless=table.homeless,
        no_place=table.no_place,
    )
    if settings.delete_policy == "delete":
        return users
    return replace(users, visible=writes.visible, remembered=writes.remembered)


def attribute_map(settings: "Settings", facts: Facts) -> AttributeMap:
    """The attribute table of a connection. Raises MappingError."""
    extension = facts.extension
    schema = replace(USER, extensions=(Extension(ENTERPRISE_USER), Extension(extension)))
    own = [entry for each in extension.attributes for entry in _entries(each)]
    fields = {entry.field.lower(): entry.field for entry in own}
    known = fields if facts.asked else None
    extra = {path: _field(path, name, known) for path, name in settings.attributes.items()}
    # What clients write under another path they cannot write here: PUT would hold both, the old and the new.
    elsewhere = frozenset(extra.values())
    own = [replace(each, mutability="readOnly") if each.field in elsewhere else each for each in own]
    return AttributeMap(schema, (*ATTRIBUTES, *own), extra)


def _effective(resource: ResourceSchema) -> ResourceSchema:
    """The schema as IdentityIQ has it: what everybody has, what comes on request, what is named by address too."""
    changes = {
        each: dict[str, Any](returned="request") for each in ("groups", "roles", "entitlements", *_derived(resource))
    }
    changes |= {each: {"required": True} for each in SUPPLIED}
    changes |= {f"{each.canonical}.$ref": {"mutability": "readWrite"} for each in _references_of(resource)}
    return overridden(resource, changes)


def _derived(resource: ResourceSchema) -> Iterator[str]:
    """What clients cannot write of extensions: shown on request, so that an extension reads back as it was written."""
    for schema in resource.schemas[1:]:
        for each in schema.attributes:
            path = f"{schema.id}:{each.name}"
            if each.mutability == "readOnly":
                yield path
            else:
                yield from (f"{path}.{sub.name}" for sub in each.sub_attributes if sub.mutability == "readOnly")


def _references_of(resource: ResourceSchema) -> Iterator[AttributePath]:
    """The single references that clients may write."""
    for schema in resource.schemas[1:]:
        for each in schema.attributes:
            if not each.multi_valued and each.sub("$ref") is not None and each.mutability != "readOnly":
                yield AttributePath(schema.id, each)


def _entries(attribute: SchemaAttribute) -> Iterator[Attribute]:
    """The table entries of one attribute of IdentityIQ's own."""
    path, field = f"{SP_USER}:{attribute.name}", f"{SP}.{attribute.name}"
    if attribute.type != "complex":
        yield Attribute(path, field, codec_of(attribute), attribute.mutability)
    elif attribute.multi_valued:
        yield Attribute(path, field, Codec(_references), "readOnly")
    else:
        for sub in attribute.sub_attributes:
            if sub.name != "$ref":
                yield Attribute(f"{path}.{sub.name}", f"{field}.{sub.name}", codec_of(sub), sub.mutability)


def _references(value: Any) -> list[Element] | None:
    """References without the addresses of a host that clients need not know."""
    found = [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
    return [{name: part for name, part in each.items() if name != "$ref" and part} for each in found] or None


def _field(path: str, name: str, fields: Mapping[str, str] | None) -> str:
    """The field that `attributes` names: the site's own attribute, with or without its URN, in any case.

    ``fields``: those that there are; None where nobody asked.
    """
    short = name[len(SP_USER) + 1 :] if name.lower().startswith(f"{SP_USER.lower()}:") else name
    if fields is None:
        return f"{SP}.{short}"
    found = fields.get(f"{SP}.{short.lower()}")
    if found is None:
        raise MappingError(f"{path}: this IdentityIQ has no identity attribute {name}")
    return found


def viewed(row: Row) -> Row:
    """A record in the form the table reads: URNs as words, the one e-mail address by itself."""
    emails = row.get("emails")
    valued = [each.get("value") for each in emails if isinstance(each, Mapping)] if isinstance(emails, list) else []
    email = next((each for each in valued if each), None)  # the entry is there without an address, too
    own = {name: value for name, value in (row.get(SP_USER) or {}).items() if value != [] and value != {}}
    return {**dated(row), SP: own, "enterprise": row.get(ENTERPRISE_USER.id) or {}, "email": email}


# -- lists -------------------------------------------------------------------------------------------------------------


def _list(settings: "Settings", facts: Facts, table: AttributeMap) -> AccessPath:
    everything = ",".join((*_default_attributes(facts.user), ROLES, ENTITLEMENTS))
    return AccessPath(
        facts.user.endpoint,
        rows="Resources",
        pager=TOLD.pager(facts.page, "proven"),
        rules=tuple(_rules(_believed(facts.proof, settings), facts.user, table)),
        expression="filter",
        logic=facts.proof.logic,
        text_match=settings.native_text_match,
        fixed=ORDERED,
        rich={"attributes": everything} if len(everything) <= LONGEST_ATTRIBUTES else {},
        empty=is_empty,
        identity=identifier,
        fallible=True,
    )


def _default_attributes(user: ResourceSchema) -> Iterable[str]:
    """What comes by itself, by name: whoever asks for roles gets nothing else that is not asked for."""
    for schema in user.schemas:
        prefix = "" if schema is user.base else f"{schema.id}:"
        for each in schema.attributes:
            if each.returned in ("default", "always"):
                yield f"{prefix}{each.name}"


def _believed(proof: Proof, settings: "Settings") -> Proof:
    """What is believed of text: where a site is said to ignore case, not what was seen to mind it."""
    seen = proof.sensitive if settings.native_text_match == "insensitive" else frozenset()
    return replace(proof, finding=proof.finding - seen)


def _rules(proof: Proof, user: ResourceSchema, table: AttributeMap) -> Iterator[Rule]:
    """The proven comparisons, also under the paths that `attributes` adds."""
    paths: dict[str, set[str]] = {}
    fields: dict[str, set[str]] = {}
    for path, field in table.paths():
        paths.setdefault(_upstream(field), set()).add(path)
        fields.setdefault(path, set()).add(field)
    for rule in rules(user, proof, vouched=False, without=frozenset()):
        for path in sorted(paths.get(rule.attribute, ())):
            if len(fields[path]) == 1:  # several slots of one attribute are several fields
                # Documented, and seen, to find exactly those: its totals are right, so pages can be asked for directly.
                exact = rule.attribute == "active"
                yield replace(rule, attribute=path, render=_positive(rule.render), exact=exact)


def _upstream(field: str) -> str:
    """The path in IdentityIQ's own schema that a field of the table is."""
    if field.startswith(f"{SP}."):
        return f"{SP_USER}:{field.removeprefix(f'{SP}.')}"
    return "emails.value" if field == "email" else field


def _positive(render: Callable[[str, Any], Rendered]) -> Callable[[str, Any], Rendered]:
    """Negative numbers are no valid filter to IdentityIQ."""

    def rendered(operator: str, value: Any) -> Rendered:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number and value < 0 else render(operator, value)

    return rendered
