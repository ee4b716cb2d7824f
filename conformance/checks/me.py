"""The alias of whoever is signed in (RFC 7644 section 3.11)."""

from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import Session
from scim_bridge.conformance.site import read


@requirement("J-01", "Y", "RFC 7644 section 3.11", "/Me is answered 501, or leads to the resource it stands for")
def me_leads_to_a_resource(session: Session) -> None:
    answer = session.get("/Me").ok(200, 308, 501)
    if answer.status == 501:
        answer.refused(501)
        return
    location = answer.headers.get("location", "").rstrip("/")
    expect(location, f"{answer.told} was answered {answer.status} without a Location header")
    expect(not location.endswith("/Me"), f"{answer.told}: Location is {location!r}, not the permanent URI")
    if answer.status == 200:
        own = f"/{answer.object.get('id')}"
        expect(location.endswith(own), f"{answer.told}: Location is {location!r}, which does not end in {own}")
        stated = read(answer.object, "meta.location")
        expect(stated in (None, location), f"{answer.told}: Location is {location!r}, meta.location {stated!r}")
