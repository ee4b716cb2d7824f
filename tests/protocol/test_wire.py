"""What real clients send, byte for byte, under ``client_profile = "auto"`` (clients.md, part B)."""

from typing import Any

import httpx
import pytest

from tests.protocol.memory import ENTERPRISE, USER_URN, Bridge, error_of

PATCH = b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}'


async def sent(bridge: Bridge, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=bridge.app)
    headers = {"Authorization": "Bearer t0ken", "Content-Type": "application/scim+json", **headers}
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as client:
        return await client.request(method, f"/scim/acme/v2{path}", content=content, headers=headers)


async def directory() -> Bridge:
    """Users u1 and u3, who are the members of the group g5."""
    bridge = Bridge()
    await bridge.user("a@b.c", emails=[{"value": "A@b.c", "type": "work"}], active=True)
    await bridge.user("b@b.c")
    await bridge.group("X", "u1", "u3")
    return bridge


@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("/Users?startIndex=1&count=2", 2),  # Okta
        ("/Groups?count=100&startIndex=1", 1),
        ("/Users?filter=userName%20eq%20%22A@B.C%22&startIndex=1&count=100", 1),  # K-01
        ("/Users?filter=userName+eq+%22nobody%40b.c%22&startIndex=1&count=100", 0),
        ('/Users?filter=userName eq "f4b1d2c0-0000-4000-8000-000000000000"', 0),  # Entra, A-05
        ('/Groups?excludedAttributes=members&filter=displayName eq "X"', 1),
        ('/Groups?filter=id eq "g5" and members eq "u1"', 1),
        ('/Groups?filter=id eq "g5" and members eq "u9"', 0),
        ('/Users?filter=emails[type eq "work"].value eq "a@b.c"&aadOptscim062020', 1),
        ("/Users?AzureAdScimPatch2017=true&count=1", 2),  # H-08
        ('/Users?filter=emails eq "a@b.c"', 1),  # PingFederate, G-01
        ('/Users?startIndex=1&count=5&filter=meta.lastModified gt "2020-01-01T00:00:00.0000000Z"', 2),  # L-02
        ("/Users?startIndex=2&count=25", 2),  # midPoint without its profile: the second row
        ("/Schemas", 4),
        ("/ResourceTypes", 2),
    ],
)
async def test_a_query_of_a_client_is_answered(path: str, total: int) -> None:
    answer = await sent(await directory(), "GET", path)
    assert (answer.status_code, answer.json()["totalResults"]) == (200, total)
    assert {"startIndex", "itemsPerPage", "Resources"} <= set(answer.json())  # P-08


@pytest.mark.parametrize("name", ["User", "Group"])
async def test_sailpoint_reads_its_resource_types(name: str) -> None:  # D-08, L-01
    assert (await sent(await directory(), "GET", f"/ResourceTypes/{name}")).json()["id"] == name


@pytest.mark.parametrize(
    ("operation", "attribute", "expected"),
    [
        (b'{"op":"replace","value":{"active":false}}', "active", False),  # K-04
        (b'{"op":"Replace","path":"active","value":"False"}', "active", False),  # T-30, T-31
        (b'{"op":"replace","path":"active","value":[false]}', "active", False),
        (
            b'{"op":"Add","path":"emails[type eq \\"home\\"].value","value":"h@b.c"}',  # T-32
            "emails",
            [{"value": "A@b.c", "type": "work"}, {"type": "home", "value": "h@b.c"}],
        ),
        (b'{"op":"Add","path":"%s:manager","value":[{"$ref":"../Users/m1","value":"m1"}]}', "manager", "m1"),  # T-33
        (b'{"op":"Add","path":"%s:manager","value":"m1"}', "manager", "m1"),
        (b'{"op":"Add","path":"%s.manager","value":"m1","name":"addManager"}', "manager", "m1"),  # T-44, T-45
        (b'{"op":"Replace","value":{"name.givenName":"G","displayName":"D"}}', "name", {"givenName": "G"}),  # T-29
        (b'{"op":"Replace","value":{"%s:department":"D"}}', "department", "D"),
    ],
)
async def test_a_change_of_a_user_by_a_client_is_carried_out(operation: bytes, attribute: str, expected: Any) -> None:
    operation = operation.replace(b"%s", ENTERPRISE.encode())
    answer = await sent(await directory(), "PATCH", "/Users/u1", PATCH % operation)
    assert answer.status_code == 200, answer.text
    user = answer.json()
    shown: Any = {**user, **user.get(ENTERPRISE, {})}.get(attribute)
    assert (shown["value"] if attribute == "manager" else shown) == expected


@pytest.mark.parametrize(
    ("operation", "name", "members"),
    [
        (b'{"op":"replace","value":{"id":"g5","displayName":"New"}}', "New", ["u1", "u3"]),  # T-41
        (b'{"op":"remove","path":"members[value eq \\"u1\\"]"}', "X", ["u3"]),  # K-05
        (b'{"op":"replace","path":"members","value":[{"value":"u3"}]}', "X", ["u3"]),
        (b'{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}', "X", ["u3"]),  # T-39, T-40
        (b'{"op":"add","path":"members","value":[{"value":"u1","display":"a@b.c"}]}', "X", ["u1", "u3"]),
        (b'{"op":"Add","path":"externalId","value":"e"}', "X", ["u1", "u3"]),  # clients.md, pain 4
        (b'{"op":"Replace","path":"displayName","value":"New"}', "New", ["u1", "u3"]),
    ],
)
async def test_a_change_of_a_group_by_a_client_is_carried_out(operation: bytes, name: str, members: list[str]) -> None:
    bridge = await directory()
    assert (await sent(bridge, "PATCH", "/Groups/g5", PATCH % operation)).status_code == 204
    group = (await sent(bridge, "GET", "/Groups/g5")).json()
    assert (group["displayName"], [each["value"] for each in group["members"]]) == (name, members)


async def test_entra_makes_groups_with_a_schema_of_its_own() -> None:  # T-43
    content = (
        b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",'
        b'"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],'
        b'"externalId":"8aa1a0c0","displayName":"New","meta":{"resourceType":"Group"}}'
    )
    answer = await sent(await directory(), "POST", "/Groups", content)
    assert (answer.status_code, answer.json()["externalId"]) == (201, "8aa1a0c0")
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Group"]


async def test_onelogin_sends_text_for_booleans_and_nulls_anywhere() -> None:  # W-01, T-31
    content = (
        b'{"schemas":["%s","%s"],"userName":"o@b.c","active":"true","id":null,"meta":null,"groups":null,"$odd":1,'
        b'"name":{"givenName":"O","familyName":null},"phoneNumbers":[{"value":null}],'
        b'"%s":{"manager":{"managerId":"u1","displayName":null},"department":null}}'
    ) % (USER_URN.encode(), ENTERPRISE.encode(), ENTERPRISE.encode())
    made = await sent(await directory(), "POST", "/Users", content, **{"Content-Type": "application/json"})
    assert made.status_code == 201, made.text
    assert (made.json()["active"], made.json()["name"]) == (True, {"givenName": "O"})
    assert made.json()[ENTERPRISE]["manager"]["value"] == "u1"


async def test_jumpcloud_makes_and_deletes_a_user_and_a_group() -> None:
    bridge = await directory()
    for path, content in (("/Users", b'{"userName":"probe"}'), ("/Groups", b'{"displayName":"probe"}')):
        made = await sent(bridge, "POST", path, content)
        assert made.status_code == 201, made.text
        assert (await sent(bridge, "DELETE", f"{path}/{made.json()['id']}")).status_code == 204
        assert error_of(await sent(bridge, "DELETE", f"{path}/{made.json()['id']}")) == (404, None)
