"""Discovery (RFC 7644 section 4, RFC 7643 sections 5 to 7)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scim_bridge.conformance.requirements import Failed, expect, requirement, skip
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import ENTERPRISE, GROUP, USER, Attribute, Kind
from scim_bridge.conformance.wire import Answer

_CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_FEATURES: Final = ("patch", "bulk", "filter", "changePassword", "sort", "etag")
_NUMBERS: Final = (("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults"))
_SCHEME_TYPES: Final = ("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")
_WORDS: Final = {
    "type": ("string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"),
    "mutability": ("readOnly", "readWrite", "immutable", "writeOnly"),
    "returned": ("always", "never", "default", "request"),
    "uniqueness": ("none", "server", "global"),
}
_SWITCHES: Final = ("multiValued", "required", "caseExact")
_OF_TEXT: Final = ("caseExact", "uniqueness")
"""What only says something of text; RFC 7643 section 8.7 leaves it out elsewhere at will."""


@requirement(
    "D-01", "M", "RFC 7643 section 5", "ServiceProviderConfig states every feature, its limits, and how to sign in"
)
def configuration_is_complete(session: Session) -> None:
    answer = session.get("/ServiceProviderConfig").ok(200)
    config = answer.object
    expect(_CONFIG in (config.get("schemas") or ()), f"{answer.told}: schemas lack {_CONFIG}")
    for feature in _FEATURES:
        stated = config.get(feature)
        expect(isinstance(stated, dict), f"{answer.told} does not state {feature}")
        supported = dict(stated or {}).get("supported")
        expect(isinstance(supported, bool), f"{answer.told}: {feature}.supported is {supported!r}")
    for feature, limit in _NUMBERS:
        number = config[feature].get(limit)
        is_number = isinstance(number, int) and not isinstance(number, bool)
        expect(is_number and number >= 0, f"{answer.told}: {feature}.{limit} is {number!r}, no number")
    _expect_schemes(answer, config.get("authenticationSchemes"))


def _expect_schemes(answer: Answer, schemes: Any) -> None:
    expect(isinstance(schemes, list) and schemes, f"{answer.told}: authenticationSchemes is {schemes!r}")
    for each in schemes:
        expect(isinstance(each, dict), f"{answer.told}: authenticationSchemes holds {each!r}")
        for name in ("type", "name", "description"):
            value = each.get(name)
            expect(isinstance(value, str) and value, f"{answer.told}: an authentication scheme's {name} is {value!r}")
        kind = each["type"]
        expect(kind in _SCHEME_TYPES, f"{answer.told}: {kind!r} is no type of an authentication scheme")


@requirement(
    "D-02", "M", "RFC 7644 section 4", "Schemas and resource types are listed whole, found by id, and else 404"
)
def discovery_lists_and_finds(session: Session) -> None:
    for path in ("/Schemas", "/ResourceTypes"):
        answer = session.get(path)
        rows = answer.resources()
        expect(rows, f"{answer.told} lists nothing")
        expect(answer.total == len(rows), f"{answer.told}: {len(rows)} resources, and totalResults {answer.total}")
        for each in (rows[0], rows[-1]):
            name = each.get("id") or each.get("name")
            one = session.get(f"{path}/{name}").ok(200)
            expect(one.object == each, f"{one.told} differs from what {answer.told} lists")
        session.get(f"{path}/{session.name()}").refused(404)


@requirement("D-03", "S", "RFC 7644 section 4", "A filter on a discovery endpoint is answered 403")
def discovery_takes_no_filter(session: Session) -> None:
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        session.get(path, filter='id eq "x"').refused(403)


@requirement("D-04", "M", "RFC 7644 section 4", "Discovery ignores sorting and paging parameters")
def discovery_ignores_paging(session: Session) -> None:
    for path in ("/Schemas", "/ResourceTypes"):
        whole = session.get(path)
        part = session.get(path, startIndex=2, count=1, sortBy="name", sortOrder="descending")
        expect(part.resources() == whole.resources(), f"{part.told} differs from {path}")


@requirement("D-05", "M", "RFC 7644 section 4", "Discovery cannot be written: 405", writes=True)
def discovery_cannot_be_written(session: Session) -> None:
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        before = session.get(path).json
        for method in ("POST", "PUT", "PATCH"):
            session.wire.send(method, path, body={"schemas": []}).refused(405, 501)
        expect(session.get(path).json == before, f"{path} is another after requests that were refused")


@requirement("D-06", "M", "RFC 7643 section 7", "Each attribute says all that a client must know, in the RFC's words")
def attributes_are_described(session: Session) -> None:
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        answer = session.get(path)
        for place in _nulls(answer.json, ""):
            raise Failed(f"{answer.told}: {place} is null, which Entra does not read")
    for schema in session.site.schemas.values():
        for attribute in _described(schema):
            _expect_description(attribute)


def _described(schema: Mapping[str, Any]) -> Iterator[Attribute]:
    """The attributes of a schema and their sub-attributes."""
    listed = schema.get("attributes")
    expect(isinstance(listed, list), f"the schema {schema.get('id')} has no list of attributes")
    for each in listed or ():
        attribute = Attribute(f"{schema.get('id')}:{each.get('name')}", each)
        yield attribute
        yield from attribute.subs


def _expect_description(attribute: Attribute) -> None:
    raw, path = attribute.raw, attribute.path
    expect(isinstance(raw.get("name"), str) and raw["name"], f"/Schemas: {path} has no name")
    text = attribute.type in ("string", "reference", "binary")
    for name, words in _WORDS.items():
        if name in raw or text or name not in _OF_TEXT:
            expect(raw.get(name) in words, f"/Schemas: {name} of {path} is {raw.get(name)!r}, not {', '.join(words)}")
    for name in _SWITCHES:
        if name in raw or text or name not in _OF_TEXT:
            expect(isinstance(raw.get(name), bool), f"/Schemas: {name} of {path} is {raw.get(name)!r}")
    if attribute.type == "complex":
        expect(attribute.subs, f"/Schemas: {path} is complex and has no subAttributes")


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _nulls(each, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _nulls(each, f"{path}[{number}]")


@requirement("D-07", "S", "RFC 7643 section 8.7", "The core schemas are as the RFC's errata say")
def core_schemas_follow_the_errata(session: Session) -> None:
    for urn, path, name, wanted, erratum in (
        (USER, "userName", "required", True, "RFC 7643 section 4.1.1"),
        (GROUP, "displayName", "required", True, "erratum 5368"),
        (USER, "groups.$ref", "referenceTypes", ["Group"], "erratum 8471"),
        (USER, "groups", "mutability", "readOnly", "RFC 7643 section 4.1.2"),
        (ENTERPRISE, "manager.value", "caseExact", True, "erratum 8472"),
        (USER, "x509Certificates.value", "type", "binary", "erratum 5606"),
    ):
        raw = _published(session, urn, path)
        found = wanted if raw is None else raw.get(name)
        expect(found == wanted, f"/Schemas: {name} of {urn}:{path} is {found!r}, not {wanted!r} ({erratum})")
    for schema in session.site.schemas.values():
        for attribute in _described(schema):
            _expect_errata(attribute)


def _expect_errata(attribute: Attribute) -> None:
    types = attribute.raw.get("referenceTypes", [])
    expect(
        isinstance(types, list), f"/Schemas: referenceTypes of {attribute.path} is {types!r}, no list (erratum 5607)"
    )
    if attribute.type == "complex":
        unique = attribute.uniqueness
        expect(unique == "none", f"/Schemas: {attribute.path} is complex and {unique} unique (erratum 6004)")


def _published(session: Session, urn: str, path: str) -> Mapping[str, Any] | None:
    """A core schema's definition of an attribute; None where the server does without it."""
    schema = session.site.schemas.get(urn.lower(), {"attributes": []})
    for each in _described(schema):
        if each.path.lower() == f"{schema.get('id')}:{path}".lower():
            return each.raw
    return None


@requirement("D-08", "M", "RFC 7643 section 6", "Each resource type has published schemas and an endpoint that answers")
def resource_types_are_real(session: Session) -> None:
    for each in session.get("/ResourceTypes").resources():
        name = each.get("name")
        extensions = each.get("schemaExtensions", [])
        expect(isinstance(extensions, list), f"schemaExtensions of {name} is no list (erratum 7522)")
        for urn in [each.get("schema"), *(extension.get("schema") for extension in extensions)]:
            known = str(urn).lower() in session.site.schemas
            expect(known, f"the resource type {name} has the schema {urn}, which /Schemas lacks")
        for extension in extensions:
            required = extension.get("required")
            expect(isinstance(required, bool), f"required of {extension.get('schema')} of {name} is {required!r}")
        endpoint = "/" + str(each.get("endpoint")).strip("/").rpartition("/")[2]
        session.get(endpoint, startIndex=1, count=1).resources()
        session.get(f"/ResourceTypes/{each.get('id') or name}").ok(200)


@requirement("D-09", "M", "RFC 7644 section 4", "What discovery offers works, and what it does not offer is refused")
def discovery_tells_the_truth(session: Session) -> None:
    _expect_reading_features(session)
    kinds = session.site.kinds
    if kinds and all(each.read_only for each in kinds):
        for feature in ("patch", "bulk"):
            offered = session.site.supports(feature)
            expect(not offered, f"ServiceProviderConfig offers {feature}, though every resource type is read-only")
    if session.write:
        _expect_no_writes(session, [each for each in kinds if each.read_only])
        _expect_patch_and_bulk(session)


def _expect_reading_features(session: Session) -> None:
    kind = next(iter(session.site.kinds), None) or skip("the server has no resource types")
    rows = session.get(kind.endpoint, startIndex=1, count=1).resources()
    if session.site.supports("filter"):
        session.get(kind.endpoint, filter='id eq "conformance"').resources()
    if session.site.supports("sort"):
        session.get(kind.endpoint, sortBy="id", count=1).resources()
    if rows:
        _expect_etag(session, f"{kind.endpoint}/{rows[0]['id']}")


def _expect_etag(session: Session, path: str) -> None:
    if session.site.supports("etag"):
        one = session.get(path).ok(200)
        expect(one.headers.get("etag"), f"{one.told} has no ETag, though ServiceProviderConfig offers etag")


def _expect_no_writes(session: Session, kinds: list[Kind]) -> None:
    for kind in kinds:
        session.post(kind.endpoint, session.body(kind)).refused(403, 405, 501)
        session.delete(f"{kind.endpoint}/{session.name()}").refused(403, 404, 405, 501)


def _expect_patch_and_bulk(session: Session) -> None:
    kind = next((each for each in session.site.kinds if not each.read_only), None)
    if kind is None:
        return
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    _expect_offered(session, "bulk", session.post("/Bulk", bulk))
    made = session.make(kind)
    _expect_etag(session, f"{kind.endpoint}/{made['id']}")
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": []}
    _expect_offered(session, "patch", session.wire.send("PATCH", f"{kind.endpoint}/{made['id']}", body=patch))


def _expect_offered(session: Session, feature: str, answer: Answer) -> None:
    """A request of a feature without content: taken or refused as such where offered, else as not there."""
    if session.site.supports(feature):
        expect(answer.status in (200, 204, 400), f"{answer.told}: {feature} is offered, and answered {answer.status}")
    else:
        answer.refused(403, 404, 405, 501)
