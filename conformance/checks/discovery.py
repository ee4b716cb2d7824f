"""Discovery (RFC 7644 section 4, RFC 7643 sections 5 to 7)."""

from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import Session


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
