"""Which filters the simulated IdentityIQ takes, as far as there is evidence, and how it refuses the others."""

import pytest

from scim_bridge.providers.sailpoint_iiq.sandbox import Sandbox
from tests.providers.sailpoint_iiq.support import CORE, SP_USER, api_of, error


@pytest.mark.parametrize(
    "text, expected",
    [
        ('userName eq "adam.kennedy"', {"adam.kennedy"}),
        ('userName eq "ADAM.Kennedy"', {"adam.kennedy"}),
        ('emails.value eq "a.b@example.com"', {"a%b"}),
        (f'{CORE}:emails.value eq "jdoe@example.com"', {"CORP\\jdoe"}),
        ('name.givenName sw "j" and name.familyName sw "m"', {"Jürgen.Müller"}),
        ('(displayName eq "john doe" or userName eq "spadmin")', {"CORP\\jdoe", "o'brien", "spadmin"}),
        ('userName eq "CORP\\\\jdoe"', {"CORP\\jdoe"}),
        ('displayName co "\\"Hana\\""', {"say.hello"}),
        ('displayName eq "Mary.Johnson"', {"Mary.Johnson"}),
        ('displayName co "%"', {"a%b"}),
    ],
)
async def test_filters_with_evidence(text: str, expected: set[str]) -> None:
    async with api_of(Sandbox(users=10)) as api:
        assert await api.names(text) == expected


@pytest.mark.parametrize(
    "text, key",
    [
        ('{sp}:employeeId eq "100005"', lambda each: each[SP_USER].get("employeeId") == "100005"),
        ('location eq "Austin"', lambda each: each[SP_USER].get("location") == "Austin"),
        ("{sp}:riskScore ge 500", lambda each: (each[SP_USER].get("riskScore") or 0) >= 500),
        ("active eq true", lambda each: each["active"]),
        ('{sp}:capabilities eq "HelpDesk"', lambda each: "HelpDesk" in each[SP_USER]["capabilities"]),
        ('{sp}:lastRefresh ge "2026-02-20"', lambda each: each[SP_USER].get("lastRefresh", "") >= "2026-02-20"),
    ],
)
async def test_filters_on_the_extension_with_its_urn_or_bare(text: str, key: object) -> None:
    sandbox = Sandbox(users=80)
    assert callable(key)
    expected = {each["userName"] for each in sandbox.shown().values() if key(each)}
    assert 0 < len(expected) < 80
    async with api_of(sandbox) as api:
        assert await api.names(text.format(sp=SP_USER)) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{SP_USER}:riskScore eq -1",
        'nickName eq "x"',
        'phone eq "+1"',  # no database column
        'meta.lastModified gt "2026-01-01T00:00:00Z"',
        'emails[type eq "work"]',
        'userName ne "x"',
        'userName ew "x"',
        "userName pr",
        'not (userName eq "x")',
        f"{SP_USER}:riskScore lt 5",
        'userName gt "a"',
        f'{SP_USER}:riskScore ge "5"',
        "userName eq true",
        'userName eq "x" or',
        '(userName eq "x"',
        'userName eq "x" userName eq "y"',
        'userName eq "unended',
        " ",
    ],
)
async def test_the_rest_is_an_invalid_filter_that_is_repeated(text: str) -> None:
    async with api_of(Sandbox(users=5)) as api:
        assert error(await api("GET", "/Users", filter=text)) == (400, "invalidFilter", f"Invalid filter:{text}")


@pytest.mark.parametrize("path", [f"{SP_USER}:accounts:value", "accounts.value", "roles.value", "costcenter"])
async def test_attributes_with_several_values_are_an_invalid_value(path: str) -> None:
    async with api_of(Sandbox(users=5)) as api:
        answer = await api("GET", "/Users", filter=f'{path} eq "x"')
        assert error(answer) == (400, "invalidValue", f"Invalid urn:{path}")


async def test_what_accounts_are_found_by_and_what_crashes_the_server() -> None:
    async with api_of(Sandbox(users=30)) as api:
        for text in (
            '(displayName co "kennedy")',
            'application.displayName eq "Active Directory"',
            '(identity.userName eq "adam.kennedy" or identity.displayName eq "Adam Kennedy")',
            'lastRefresh ge "2020-10-05T15:53:46"',
        ):
            assert (await api.listed("/Accounts", filter=text))["totalResults"] > 0, text
        assert error(await api("GET", "/Accounts", filter="active eq true")) == (500, None, None)
        assert error(await api("GET", "/Accounts", filter="disabledAccount eq true"))[:2] == (400, "invalidFilter")


@pytest.mark.parametrize(
    "endpoint, text",
    [
        ("/Roles", 'name eq "data analyst"'),
        ("/Entitlements", 'displayableName eq "AP_Logins"'),
        ("/Applications", 'type eq "JDBC"'),
        ("/Alerts", 'lastProcessed gt "2026-01-01" and lastProcessed le "2026-12-31"'),
    ],
)
async def test_vendor_examples_on_other_types(endpoint: str, text: str) -> None:
    async with api_of(Sandbox(users=5)) as api:
        assert (await api.listed(endpoint, filter=text))["totalResults"] == 1


async def test_case_and_operators_are_up_to_the_site() -> None:
    sandbox = Sandbox(users=10)
    sandbox.knobs.insensitive = False
    sandbox.knobs.operators |= {"ew", "pr", "lt", "ne"}
    async with api_of(sandbox) as api:
        assert await api.names('userName eq "ADAM.Kennedy"') == set()
        assert await api.names('userName ew "kennedy"') == {"adam.kennedy"}
        assert len(await api.names("emails.value pr")) == 7
        assert "spadmin" not in await api.names('emails.value ne "x"')  # as SQL has it
