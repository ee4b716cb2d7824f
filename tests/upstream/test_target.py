"""Where somebody else's request goes: below the base URL, word for word, or nowhere."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scim_bridge.upstream.address import base_address
from scim_bridge.upstream.errors import Rejected
from scim_bridge.upstream.target import LONGEST, below, stays

BASE = base_address("https://api.example.com/v1/environments/E/")

KEPT = [
    ("", "", "/v1/environments/E"),
    ("/", "", "/v1/environments/E/"),
    ("/users", "", "/v1/environments/E/users"),
    ("/v1/environments/E/users", "", "/v1/environments/E/v1/environments/E/users"),
    ("/users/a%2Fb", "", "/v1/environments/E/users/a%2Fb"),
    ("/users/a%2fb%3Bc;d=e", "", "/v1/environments/E/users/a%2fb%3Bc;d=e"),
    ("/users/100%25", "", "/v1/environments/E/users/100%25"),
    ("/users//x/", "", "/v1/environments/E/users//x/"),
    ("/.well-known/..x/...", "", "/v1/environments/E/.well-known/..x/..."),
    ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "", None),
    ("/users/caf%C3%A9", "", "/v1/environments/E/users/caf%C3%A9"),
    ('/a"<>[]^`{|}b', "", '/v1/environments/E/a"<>[]^`{|}b'),
    ("/users", "filter=a%20eq%20%22b%0A%22&x=/../..&y=//h&z=%zz?", None),
    ("/users", 'q={"a":[1,2]}|\\', None),
    ("/users", "next=https://other.example.com/", None),
]


@pytest.mark.parametrize(("path", "query", "raw"), KEPT)
def test_what_stays_below_the_base_is_sent_word_for_word(path: str, query: str, raw: str | None) -> None:
    url = below(BASE, path, query)
    sent = raw or f"/v1/environments/E{path}" + (f"?{query}" if query else "")
    assert (url.scheme, url.host, url.port, url.raw_path.decode()) == ("https", "api.example.com", None, sent)


@pytest.mark.parametrize(
    ("base", "raw"), [("https://h", "/users?a"), ("https://h/", "/users?a"), ("https://h/x/", "/x/users?a")]
)
def test_a_base_may_be_an_origin(base: str, raw: str) -> None:
    assert below(base_address(base), "/users", "a").raw_path.decode() == raw


REFUSED = [
    "/..",
    "/.",
    "/../other",
    "/users/..",
    "/users/../../other",
    "/users/./x",
    "/%2e%2e/other",
    "/%2E./other",
    "/.%2e",
    "/%252e%252e/other",
    "/%25252e%25252e/other",
    "/%2525252525252525252e%2e/x",
    "/users%2f..%2fother",
    "/users%2F%2E%2E",
    "/users%252f..%252f..",
    "/..%5cother",
    "/users%5c..%5cother",
    "/users%255c..%255c",
    "/..;/other",
    "/..;x=y/other",
    "/..%3b/other",
    "/users/.;a/x",
    "/..%20/other",
    "/%20../other",
    "/%c0%ae%c0%ae/other",
    "/%e0%80%ae/other",
    "/users/caf%e9",
    "/%EF%BC%8E%EF%BC%8E/other",
    "/%E2%80%A5/other",
    "/users%EF%BC%8F..%EF%BC%8Fother",
    "//other.example.com/users",
    "///other.example.com",
    "/%2fother.example.com",
    "/%5c%5cother.example.com",
    "/https://other.example.com",
    "/https:/other.example.com",
    "/https:%2f%2fother.example.com",
    "/%68ttps://other.example.com",
    "/file:///etc/passwd",
    "/users%0d%0aX-Injected:%201",
    "/users%0A",
    "/users%00",
    "/users%250d%250a",
    "/users%7f",
    "/users%C2%85",
    "\\..\\other",
    "/..\\other",
    "/users\\x",
    "/users#x",
    "/users?x",
    "/users x",
    "/users\r\nHost: other",
    "/users\x00",
    "/users%",
    "/users%zz",
    "/caf\u00e9",
    "users",
    "../other",
    "@other.example.com/",
    ":80/",
    ".other.example.com/",
    "https://other.example.com/users",
]


@pytest.mark.parametrize("path", REFUSED)
def test_what_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Rejected, match="path"):
        below(BASE, path, "")


@pytest.mark.parametrize("query", ["a b", "a\r\nHost: other", "a\x00", "a#b", "caf\u00e9", "a\x7f"])
def test_a_query_holds_what_a_request_can_carry(query: str) -> None:
    with pytest.raises(Rejected, match="query"):
        below(BASE, "/users", query)


def test_a_target_has_an_end() -> None:
    assert below(BASE, "/" + "x" * (LONGEST - 1), "")
    with pytest.raises(Rejected, match="too long"):
        below(BASE, "/" + "x" * LONGEST, "")


def _resolved(path: str) -> list[str]:
    """Where a careless server ends: it decodes as often as it can, and takes each dot segment."""
    for _ in range(12):
        path = unquote(path, errors="surrogateescape")
    steps: list[str] = []
    for step in path.replace("\\", "/").split("/"):
        name = step.partition(";")[0]
        if name == "..":
            steps = steps[:-1]
        elif name != ".":
            steps.append(step)
    return steps


_PIECES = st.sampled_from(["/", ".", "..", "%2e", "%2E", "%2f", "%5c", "%25", "2e", "2f", ";", "a", "users", "%", "\\"])


@given(st.lists(_PIECES, max_size=12).map(lambda pieces: "/" + "".join(pieces)))
@example("/%2%65%2%65/x")
def test_no_path_climbs_out_with_any_server(path: str) -> None:
    try:
        url = below(BASE, path, "")
    except Rejected:
        return
    assert url.raw_path.decode() == f"/v1/environments/E{path}"
    assert _resolved(url.raw_path.decode())[:4] == ["", "v1", "environments", "E"]


@given(st.lists(st.text(min_size=1), max_size=4))
def test_any_text_that_is_no_dot_segment_can_be_a_step_once_it_is_encoded(steps: list[str]) -> None:
    path = "".join(f"/{quote(each, safe='')}" for each in steps)
    if stays(path):
        assert below(BASE, path, "").raw_path.decode() == f"/v1/environments/E{path}"
    else:
        with pytest.raises(Rejected):
            below(BASE, path, "")
