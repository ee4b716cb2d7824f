"""One connection as a SCIM 2.0 service provider: requests in, answers out, independent of any web framework.

scim2-server gives what fits plain JSON: the routes, the conditions of entity tags, the order of bulk operations, sealed
cursors, and the words of errors. Its handler works on models, at about 1 ms of CPU a user on the event loop, and turns
a PATCH into a rewrite of the whole resource; so reading, projecting and changing are ours.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote

from scim2_server.conditions import Conditions
from scim2_server.cursor import Cursors
from scim2_server.errors import MethodNotAllowedException
from scim2_server.routing import RESERVED_NAMES, ROUTES, Operation, Target, match

from scim_bridge.protocol import bulk, feed
from scim_bridge.protocol.bodies import decode_object
from scim_bridge.protocol.discovery import Discovery
from scim_bridge.protocol.errors import ScimError, invalid_value, not_found, scim_error
from scim_bridge.protocol.profiles import PatchResponse, Profile
from scim_bridge.protocol.projection import Projection
from scim_bridge.protocol.requests import PROJECTIONS, ScimRequest, ScimResponse, Search, from_body, from_query
from scim_bridge.protocol.rows import Publisher, version_of
from scim_bridge.protocol.search import Paging, Searcher
from scim_bridge.protocol.writes import Writer, Written
from scim_bridge.query.directory import Directory
from scim_bridge.query.relations import Record
from scim_bridge.query.sources import Changes, Copy, Source
from scim_bridge.query.version import owned_relations, tag_of
from scim_bridge.upstream.errors import BadAnswer, NotFound, UpstreamError

_log = logging.getLogger("scim_bridge.protocol")
FRESHNESS: Final = "urn:scim-bridge:schemas:1.0:Freshness"
"""What a mirror adds to ServiceProviderConfig: of each endpoint, as of when it answers."""
_ALL: Final = "/{endpoint}"
_SINGLE: Final = "/{endpoint}/{resource_id}"
_OWN_ENDPOINTS: Final = frozenset({*RESERVED_NAMES, ".search"})
_WRITES: Final = frozenset({Operation.create, Operation.replace, Operation.patch, Operation.delete, Operation.bulk})
_PREFERENCES: Final = (("return=representation", True), ("return=minimal", False))
Handler = Callable[[ScimRequest, Target], Awaitable[ScimResponse]]
Discovered = tuple[str, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What an operation comes to, known beforehand: members of an Enum are slow to look up."""

    operation: Operation
    handler: Handler
    writes: bool


class ScimService:
    """Serves one connection's directories."""

    def __init__(
        self,
        directories: Sequence[Directory],
        *,
        profile: Profile,
        paging: Paging,
        cursors: Cursors,
        scan_rows: int,
        writable: bool = True,
        patch_response: PatchResponse = "auto",
    ) -> None:
        self.directories = {each.collection.resource.endpoint.strip("/").lower(): each for each in directories}
        self._endpoints = endpoints = {
            each.collection.resource.name: each.collection.resource.endpoint for each in directories
        }
        self._publishers = {id(each): Publisher(each.collection, endpoints) for each in directories}
        self.searcher = Searcher(directories, self._publishers, paging, cursors, scan_rows)
        self._writers = {id(each): Writer(each, profile) for each in directories}
        self._discovery = Discovery([each.collection for each in directories], paging, writable=writable)
        self.changes: Changes | None = None
        self._profile = profile
        self._paging = paging
        self._writable = writable
        self._patch_response = patch_response
        self._owning = {id(each): bool(owned_relations(each.collection)) for each in directories}
        self._handlers: Mapping[Operation, Handler] = {
            Operation.create: self._create,
            Operation.query: self._get,
            Operation.replace: self._replace,
            Operation.patch: self._patch,
            Operation.delete: self._delete,
            Operation.search: self._search,
            Operation.search_with_body: self._search_with_body,
            Operation.bulk: self._bulk,
            Operation.service_provider_config: self._config,
            Operation.resource_types: self._resource_types,
            Operation.resource_type: self._resource_types,
            Operation.schemas: self._schemas,
            Operation.schema: self._schemas,
        }
        # What nearly all requests are about, as matching a path with all routes takes as long as many an answer.
        names = [each.collection.resource.endpoint.strip("/") for each in directories]
        self._steps = {
            (route.method, name, route.pattern == _SINGLE): self._step(route.operation)
            for route in ROUTES
            if route.pattern in (_ALL, _SINGLE)
            for name in names
        }

    async def handle(self, request: ScimRequest) -> ScimResponse:
        """The answer to a request. Every failure leaves as an exception that `protocol.errors.scim_error` knows."""
        if request.path == feed.PATH:
            return await self._changes(request)
        target, step = self._target("GET" if request.method == "HEAD" else request.method, request.path)
        if target.me:
            raise ScimError(501, "/Me is not offered: the token of this connection stands for no user")
        if step.writes:
            await self._may_write(request, target)
        return await step.handler(request, target)

    async def _may_write(self, request: ScimRequest, target: Target) -> None:
        """Raises ScimError where the connection takes no writes, or they could not be audited."""
        if not self._writable:
            raise ScimError(403, "This connection is read-only")
        if not request.may_write:
            raise ScimError(403, "This token is for reading only")
        if target.operation is Operation.bulk:
            return  # each of its operations comes here
        request.trail.schema = self.directory(target.endpoint).collection.resource
        request.trail.resource_id = unquote(target.resource_id or "")
        if request.audit is not None:
            await request.audit.check()

    def presented(self) -> list[tuple[Directory, Publisher]]:
        """The directories, each with what makes the documents of its resources that a copy keeps."""
        return [(each, self._publishers[id(each)]) for each in self.directories.values()]

    def _step(self, operation: Operation) -> _Step:
        return _Step(operation, self._handlers[operation], operation in _WRITES)

    def _target(self, method: str, path: str) -> tuple[Target, _Step]:
        """What a request is about, and what is to be done. Raises ScimError 404 and MethodNotAllowedException."""
        endpoint, _, rest = path.strip("/").partition("/")
        step = self._steps.get((method, endpoint, bool(rest)))
        if step is not None and rest != ".search" and "/" not in rest:
            return Target(step.operation, endpoint, rest or None), step
        try:
            target = match(method, path)
        except MethodNotAllowedException:
            if endpoint and endpoint not in _OWN_ENDPOINTS:
                self.directory(endpoint)  # what is not there allows no method
            raise
        if rest == ".search" and target.operation is not Operation.search_with_body:
            raise MethodNotAllowedException(allowed=["POST"])  # or a resource of that name would be looked for
        return target, self._step(target.operation)

    def directory(self, endpoint: str | None) -> Directory:
        """The directory behind an endpoint. Raises ScimError 404."""
        found = self.directories.get((endpoint or "").lower())
        if found is None:
            raise ScimError(404, f"There is no endpoint /{endpoint}")
        return found

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _get(self, request: ScimRequest, target: Target) -> ScimResponse:
        directory, resource_id = self.directory(target.endpoint), unquote(target.resource_id or "")
        shown, source = self._shown(directory, request), await directory.source()
        if source is directory.copy and self._publishers[id(directory)].is_default(shown):
            response = await self._document(directory, directory.copy, resource_id, request)
        else:
            record = await source.record(resource_id)
            if record is None:
                raise not_found(directory.collection.resource.name, resource_id)
            await source.load([record], self._publishers[id(directory)].relations(shown))
            response = self._told(directory, record, shown, request, 200)
            await _tell_age(directory, source, response)
        if "if-none-match" in request.headers and not _conditions(request).check(response.headers.get("ETag"), "GET"):
            return ScimResponse(304, None, response.headers)
        return response

    async def _document(self, directory: Directory, copy: Copy, resource_id: str, request: ScimRequest) -> ScimResponse:
        """A resource as the copy has it ready to send."""
        document = await copy.document(resource_id)
        if document is None:
            raise not_found(directory.collection.resource.name, resource_id)
        publisher = self._publishers[id(directory)]
        location = publisher.location(request.base_url, resource_id)
        headers = {"Location": location, "Age": str(document.age_seconds)}
        if not self._owning[id(directory)]:
            headers["ETag"] = tag_of(document.state)
        return ScimResponse(200, publisher.stitched(request.base_url, document), headers)

    async def _search(self, request: ScimRequest, target: Target) -> ScimResponse:
        return await self._searched(from_query(request.query), request, target)

    async def _search_with_body(self, request: ScimRequest, target: Target) -> ScimResponse:
        if request.query:
            # To leave such a filter aside would answer with everybody.
            raise invalid_value(f"{', '.join(request.query)}: a SearchRequest has its parameters in the body")
        return await self._searched(from_body(self._body(request), strict=self._profile.strict), request, target)

    async def _searched(self, search: Search, request: ScimRequest, target: Target) -> ScimResponse:
        if self._profile.page_numbers:
            start_index = (search.start_index - 1) * self._paging.count(search.count) + 1
            search = replace(search, start_index=start_index)
        directory = self.directory(target.endpoint) if target.endpoint is not None else None
        try:
            if directory is None:
                return ScimResponse(200, await self.searcher.all_types(search, request))
            return await self._listed(directory, search, request)
        except NotFound as error:
            # A list always exists, so this is trouble: a client that is told 404 takes everybody for gone.
            raise BadAnswer(error.upstream, error.detail, status=error.status) from None

    async def _listed(self, directory: Directory, search: Search, request: ScimRequest) -> ScimResponse:
        source = await directory.source()
        known = request.headers.get("if-none-match")
        if known is not None and directory.copy is not None and source is directory.copy:
            tag = _list_tag(await directory.copy.revision(), request)
            if not _conditions(request).check(tag, "GET"):
                return ScimResponse(304, None, {"ETag": tag})
        body, revision = await self.searcher.one_type(directory, source, search, request)
        response = ScimResponse(200, body)
        if revision is not None:
            response.headers["ETag"] = _list_tag(revision, request)
        await _tell_age(directory, source, response)
        return response

    # -- writing ------------------------------------------------------------------------------------------------------

    async def _create(self, request: ScimRequest, target: Target) -> ScimResponse:
        directory = self.directory(target.endpoint)
        shown = self._shown(directory, request)
        written = await self._writer(directory).create(self._body(request), request.trail)
        request.left_out += written.left_out
        assert written.record is not None
        shown = self._with_written(directory, shown, written)
        try:
            return await self._represented(directory, written.record, shown, request, 201)
        except UpstreamError as error:
            # It is made: a client that is told of a failure instead would make another one. What was sent is shown.
            _log.warning("a new resource could not be read whole", extra={"error": str(error)})
            return self._told(directory, written.record, shown, request, 201)

    async def _replace(self, request: ScimRequest, target: Target) -> ScimResponse:
        directory, resource_id = self.directory(target.endpoint), unquote(target.resource_id or "")
        shown = self._shown(directory, request)
        written = await self._writer(directory).replace(
            resource_id, self._body(request), _conditions(request), request.trail
        )
        return await self._answer(directory, resource_id, written, shown, request)

    async def _patch(self, request: ScimRequest, target: Target) -> ScimResponse:
        directory, resource_id = self.directory(target.endpoint), unquote(target.resource_id or "")
        shown = self._shown(directory, request)
        written = await self._writer(directory).patch(
            resource_id, self._body(request), _conditions(request), request.trail
        )
        if self._represents(directory, shown, request):
            return await self._answer(directory, resource_id, written, shown, request)
        request.left_out += written.left_out
        location = self._publishers[id(directory)].location(request.base_url, resource_id)
        record = written.record or await self._without_members(directory, resource_id)
        return ScimResponse(204, None, {"Location": location, **_etag(directory, record)})

    async def _without_members(self, directory: Directory, resource_id: str) -> Record | None:
        """The record whose version an empty answer tells (E-05); None where that takes reading its members.

        None also where it cannot be read: the write is done, and an error would say that it is not.
        """
        if directory.collection.writes.members:
            return None
        try:
            return await directory.reader.record(resource_id)
        except UpstreamError:
            return None

    async def _delete(self, request: ScimRequest, target: Target) -> ScimResponse:
        directory = self.directory(target.endpoint)
        await self._writer(directory).delete(unquote(target.resource_id or ""), _conditions(request), request.trail)
        return ScimResponse(204)

    async def _bulk(self, request: ScimRequest, target: Target) -> ScimResponse:
        if len(request.body) > bulk.MAX_PAYLOAD_BYTES:
            raise ScimError(413, f"A bulk request takes at most {bulk.MAX_PAYLOAD_BYTES} bytes")
        plan = bulk.read_plan(self._body(request), strict=self._profile.strict)
        return ScimResponse(200, await bulk.run(plan, request, self.handle))

    def _represents(self, directory: Directory, shown: Projection, request: ScimRequest) -> bool:
        """Whether a PATCH is answered with the resource (T-50): by request, then setting, then what clients expect."""
        if shown.narrows:
            return True
        if preferred := request.headers.get("prefer", "").lower().replace('"', ""):
            for word, representation in _PREFERENCES:
                if word in preferred:
                    return representation
        if self._patch_response != "auto":
            return self._patch_response == "representation"
        # Entra wants 204 for groups, and members are not read just to answer; Okta wants the updated user.
        return not directory.collection.writes.members

    def _shown(self, directory: Directory, request: ScimRequest) -> Projection:
        if not request.query:
            return self._publishers[id(directory)].default
        search = from_query({name: text for name, text in request.query.items() if name in PROJECTIONS})
        return self._publishers[id(directory)].projection(search.attributes, search.excluded)

    def _writer(self, directory: Directory) -> Writer:
        return self._writers[id(directory)]

    def _body(self, request: ScimRequest) -> dict[str, Any]:
        return decode_object(request.body, request.headers.get("content-type"))

    # -- answers ------------------------------------------------------------------------------------------------------

    async def _answer(
        self, directory: Directory, resource_id: str, written: Written, shown: Projection, request: ScimRequest
    ) -> ScimResponse:
        """The resource after a change, read again where the upstream did not tell."""
        request.left_out += written.left_out
        try:
            record = written.record or await directory.reader.record(resource_id)
            if record is not None:
                shown = self._with_written(directory, shown, written)
                return await self._represented(directory, record, shown, request, 200)
        except UpstreamError as error:
            # Never as 404, 409 or 429 of its own: the write is done.
            told = scim_error(error, request.request_id, request.connection).detail
            raise ScimError(502, f"The write took effect, but its result could not be read. {told}") from None
        raise not_found(directory.collection.resource.name, resource_id)

    def _with_written(self, directory: Directory, shown: Projection, written: Written) -> Projection:
        """The projection of an answer to a write, which shows what is returned on request where the client wrote it."""
        if not (self._publishers[id(directory)].hides_some and shown.depends_on(written.touched)):
            return shown
        return Projection(shown.schema, shown.attributes, shown.excluded, written.touched, shown.named)

    async def _represented(
        self, directory: Directory, record: Record, shown: Projection, request: ScimRequest, status: int
    ) -> ScimResponse:
        """The resource with the relations that are shown."""
        if related := self._publishers[id(directory)].relations(shown):
            await directory.reader.relations.load([record], related)
        return self._told(directory, record, shown, request, status)

    def _told(
        self, directory: Directory, record: Record, shown: Projection, request: ScimRequest, status: int
    ) -> ScimResponse:
        """The resource as far as it is known."""
        publisher = self._publishers[id(directory)]
        headers = {"Location": publisher.location(request.base_url, record.id), **_etag(directory, record)}
        return ScimResponse(status, publisher.shown(request.base_url, record, shown), headers)

    # -- changes ------------------------------------------------------------------------------------------------------

    async def _changes(self, request: ScimRequest) -> ScimResponse:
        if self.changes is None:
            raise ScimError(404, 'There is no record of changes: this connection is not in the mode "mirror"')
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowedException(allowed=["GET"])
        body = await feed.answer(self.changes, request.query_string, self._endpoints, request.base_url)
        return ScimResponse(200, body, {"Content-Type": "application/json"})

    # -- discovery ----------------------------------------------------------------------------------------------------

    def discovered(self, base_url: str) -> Discovered:
        """The discovery documents: the base URL they are for, ServiceProviderConfig, resource types, schemas."""
        found = self._discovery
        return (
            base_url,
            found.service_provider_config(base_url),
            found.resource_types(base_url),
            found.schemas(base_url),
        )

    async def _config(self, request: ScimRequest, target: Target) -> ScimResponse:
        _check_unfiltered(request)
        config = self._discovery.service_provider_config(request.base_url)
        freshness = {name: await each.copy.freshness() for name, each in self._named() if each.copy is not None}
        return ScimResponse(200, {**config, FRESHNESS: freshness} if freshness else config)

    def _named(self) -> list[tuple[str, Directory]]:
        return [(each.collection.resource.endpoint.strip("/"), each) for each in self.directories.values()]

    async def _resource_types(self, request: ScimRequest, target: Target) -> ScimResponse:
        return self._discovered(self._discovery.resource_types(request.base_url), request, target)

    async def _schemas(self, request: ScimRequest, target: Target) -> ScimResponse:
        return self._discovered(self._discovery.schemas(request.base_url), request, target)

    def _discovered(self, documents: Sequence[Mapping[str, Any]], request: ScimRequest, target: Target) -> ScimResponse:
        _check_unfiltered(request)
        if target.resource_id is None:
            return ScimResponse(200, self._discovery.listed(documents))
        found = self._discovery.one(documents, unquote(target.resource_id))
        return ScimResponse(200, found, {"Location": found["meta"]["location"]})


def _check_unfiltered(request: ScimRequest) -> None:
    """Raises ScimError 403: a filter on discovery must not look as if it had worked (RFC 7644 section 4)."""
    if "filter" in request.query:
        raise ScimError(403, "Discovery takes no filter")


def _conditions(request: ScimRequest) -> Conditions:
    return Conditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _list_tag(revision: int, request: ScimRequest) -> str:
    """The entity tag of a list: the state of what is listed, and what of the request decides the list."""
    asked = b"\n".join((request.base_url.encode(), request.path.encode(), request.query_string, request.body))
    return f'W/"{revision}.{blake2b(asked, digest_size=8).hexdigest()}"'


async def _tell_age(directory: Directory, source: Source, response: ScimResponse) -> None:
    """Say how old an answer from a copy is (RFC 9111 section 5.1)."""
    if directory.copy is not None and source is directory.copy:
        response.headers["Age"] = str(await directory.copy.age_seconds())


def _etag(directory: Directory, record: Record | None) -> dict[str, str]:
    version = version_of(directory.collection, record) if record is not None else None
    return {} if version is None else {"ETag": version}
