"""Where requests go: below the base URL, or to a link of the same origin."""

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.upstream.address import address, base_address
from scim_bridge.upstream.errors import BadAnswer, Rejected

BASE = base_address("https://api.example.com/v1/environments/E/")
ROOT = "https://api.example.com/v1/environments/E"


@pytest.mark.parametrize(
    ("target", "params", "expected"),
    [
        ("", {}, ROOT),
        ("/users", {}, f"{ROOT}/users"),
        ("/users/", {}, f"{ROOT}/users/"),
        ("/users/a%2Fb%3Bc%25", {}, f"{ROOT}/users/a%2Fb%3Bc%25"),
        ("/users/a..b/...", {}, f"{ROOT}/users/a..b/..."),
        ("/users", {"filter": 'userName eq "a b"'}, f"{ROOT}/users?filter=userName%20eq%20%22a%20b%22"),
        ("/users", {"q": "a+b&c=d/é%20#"}, f"{ROOT}/users?q=a%2Bb%26c%3Dd%2F%C3%A9%2520%23"),
        ("/users", {"a[b]": "1", "c": ""}, f"{ROOT}/users?a%5Bb%5D=1&c="),
        ("/users?limit=2", {"q": "x"}, f"{ROOT}/users?limit=2&q=x"),
    ],
)
def test_a_path_goes_below_the_base_with_strictly_encoded_parameters(
    target: str, params: dict[str, str], expected: str
) -> None:
    assert str(address(BASE, target, params)) == expected


@given(st.from_regex(r"(/[a-zA-Z0-9_~.%:-]{1,6}){1,4}/?", fullmatch=True))
def test_a_path_is_what_httpx_makes_of_it(path: str) -> None:
    expected = httpx.URL(f"{ROOT}{path}")
    try:
        found = address(BASE, path, {})
    except Rejected:
        assert {".", ".."} & set(unquote(path).split("/"))
        return
    assert (found, hash(found), found.raw_path, found.path) == (
        expected, hash(expected), expected.raw_path, expected.path
    )  # fmt: skip
    assert (found.host, found.netloc, str(BASE)) == (expected.host, expected.netloc, ROOT)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{ROOT}/users?cursor=a%2Fb+c%20d%2520&limit=2", f"{ROOT}/users?cursor=a%2Fb+c%20d%2520&limit=2"),
        ("https://api.example.com/other/place", "https://api.example.com/other/place"),
        ("https://API.example.com:443/v1/x", "https://api.example.com/v1/x"),
        ("//api.example.com/v1/x?c=1", "https://api.example.com/v1/x?c=1"),
        (f"{ROOT}/users?cursor=a#part", f"{ROOT}/users?cursor=a"),
        ("/v1/environments/E/users?cursor=a", f"{ROOT}/users?cursor=a"),
        ("/v1/environments/E?cursor=a", f"{ROOT}?cursor=a"),
        ("/v1/environments/Else", f"{ROOT}/v1/environments/Else"),
    ],
)
def test_a_link_is_followed_word_for_word(target: str, expected: str) -> None:
    assert str(address(BASE, target, {})) == expected


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1/users",
        "http://api.example.com/v1/users",
        "https://api.example.com:8443/v1/users",
        "https://api.example.com.evil.example/users",
        "https://api.example.com@evil.example/users",
        "https://user:pw@api.example.com/v1/users",
        "https://evil.example\\@api.example.com/",
        "//evil.example/users",
        "ftp://api.example.com/users",
        "https://api.example.com:port/users",
        "https://api.example.com/a\nb",
        "https://",
        "https://api.example.com/v1/../../admin",
        "https://api.example.com/v1/%2e%2E/admin",
        "?cursor=a",
        "users?cursor=a",
        "#",
        "javascript:alert(1)",
    ],
)
def test_a_link_elsewhere_is_refused(link: str) -> None:
    with pytest.raises(BadAnswer):
        address(BASE, link, {})


@pytest.mark.parametrize(
    "path", ["/users/..", "/users/../admin", "/users/%2e%2E", "/users/.", "/users/..%2fadmin", "/users/..%5cadmin"]
)
def test_a_path_never_climbs(path: str) -> None:
    with pytest.raises(Rejected):
        address(BASE, path, {})


@pytest.mark.parametrize(
    ("path", "value"),
    [("/users/a#b", "x"), ("/users/a\nb", "x"), ("/users", "\ud800")],
)
def test_what_cannot_be_sent_as_it_is_is_refused(path: str, value: str) -> None:
    with pytest.raises(Rejected):
        address(BASE, path, {"q": value})


def test_a_filter_too_long_for_an_address_is_refused() -> None:
    with pytest.raises(Rejected):
        address(BASE, "/users", {"filter": "x" * 100_000})


@pytest.mark.parametrize("base", ["https://h", "https://h/", "http://h:80", "https://[::1]:8443/a//"])
def test_a_base_url_may_lack_a_path_or_end_with_slashes(base: str) -> None:
    assert str(address(base_address(base), "/users", {})).endswith(("h/users", "/a/users"))


@pytest.mark.parametrize(
    "base",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https:///v1",
        "https://host:sesame/v1",
        "https://joe:sesame@host/v1",
        "https://host/v1?key=sesame",
        "https://host/v1#sesame",
    ],
)
def test_a_base_url_that_cannot_carry_a_path_is_refused_without_quoting_it(base: str) -> None:
    with pytest.raises(ValueError, match="the base URL") as caught:
        base_address(base)
    assert "sesame" not in str(caught.value)
