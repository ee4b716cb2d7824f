"""Memberships changed by PATCH (RFC 7644 section 3.5.2)."""

from scim_bridge.conformance.patches import expect_members, step, team
from scim_bridge.conformance.requirements import expect, requirement
from scim_bridge.conformance.session import Session


@requirement(
    "T-17", "M", "RFC 7644 section 3.5.2.2", "remove of a member that is not there changes nothing", writes=True
)
def removing_nobody_changes_nothing(session: Session) -> None:
    kind, group, ids = team(session, 1)
    before = session.fetch(kind, group)
    for stranger in (ids[1], "conformance-nobody"):
        answer = session.patch(f"{kind.endpoint}/{group}", step("remove", f'members[value eq "{stranger}"]'))
        if answer.status not in (200, 204):
            # Section 3.12 has noTarget for filters that match nothing, and section 3.5.2.2 says nothing of them.
            answer.refused(400, types=["noTarget"])
        now = session.fetch(kind, group)
        expect(
            now.get("members") == before.get("members"),
            f"{answer.told}: members were {before.get('members')}, are {now.get('members')}",
        )


@requirement(
    "T-38", "M", "RFC 7644 section 3.5.2", "Members are added, removed by filter, replaced and all removed", writes=True
)
def members_are_changed(session: Session) -> None:
    kind, group, (first, second, third, fourth) = team(session, 2)
    path = f"{kind.endpoint}/{group}"
    for operation, wanted in (
        (step("add", "members", [{"value": third}]), [first, second, third]),
        (step("add", "members", [{"value": third}, {"value": fourth}]), [first, second, third, fourth]),
        (step("remove", f'members[value eq "{first}"]'), [second, third, fourth]),
        (step("replace", "members", [{"value": first}, {"value": second}]), [first, second]),
        (step("remove", "members"), []),
    ):
        answer = session.patch(path, operation).ok(200, 204)
        expect_members(session, kind, group, wanted, f"{answer.told} {operation}")
    answer = session.patch(
        path, step("add", "members", [{"value": first}]), step("remove", f'members[value eq "{first}"]')
    )
    answer.ok(200, 204)
    expect_members(session, kind, group, [], "add of a member, then its removal, in one PATCH")
