"""Each failure of a live test in words of its own, by its type, status and code."""

import pytest

from scim_bridge.admin.advice import advice
from scim_bridge.upstream import errors
from scim_bridge.upstream.errors import (
    AddressRefused,
    AuthRefused,
    BadAnswer,
    Conflict,
    FilterRejected,
    HostNotFound,
    NotFound,
    NotTrusted,
    RateLimited,
    Rejected,
    SignInRefused,
    TimedOut,
    Unavailable,
    UpstreamError,
)

CASES = [
    (HostNotFound("", "x"), "There is no such address", "address"),
    (NotTrusted("", "x"), "The connection would not be secure", "address"),
    (AddressRefused("", "x"), "This address is not a public one", "address"),
    (Unavailable("", "x"), "Acme cannot be reached", "address"),
    (Unavailable("", "x", status=502), "Acme has a problem of its own", "upstream"),
    (TimedOut("", "x"), "Acme did not answer in time", "upstream"),
    (RateLimited("", "x", retry_after_seconds=7), "Acme takes no more requests for now", "upstream"),
    (RateLimited("", "x"), "Acme takes no more requests for now", "upstream"),
    (
        SignInRefused("", "x", status=401, codes=("invalid_client",)),
        "The client ID or the client secret is not right",
        "secret",
    ),
    (SignInRefused("", "x", status=401), "The client ID or the client secret is not right", "secret"),
    (SignInRefused("", "x", status=400, codes=("odd",)), "The client ID or the client secret is not right", "secret"),
    (
        SignInRefused("", "x", status=400, codes=("unauthorized_client",)),
        "This client may not sign in by itself",
        "rights",
    ),
    (
        SignInRefused("", "x", status=400, codes=("invalid_scope",)),
        "This client is not given what it asks for",
        "rights",
    ),
    (SignInRefused("", "x", status=404), "There is nothing to sign in to at this address", "address"),
    (SignInRefused("", "x", status=403), "Acme does not let this client sign in", "rights"),
    (AuthRefused("", "x", status=403), "The credentials are right, but may not do enough", "rights"),
    (AuthRefused("", "x", status=401), "Acme does not accept these credentials", "secret"),
    (NotFound("", "x", status=404), "What answers is not the API of Acme", "address"),
    (BadAnswer("", "x", status=200), "What answers is not the API of Acme", "address"),
    (Rejected("", "x", status=400), "Acme refuses one of the settings", "unknown"),
    (FilterRejected("", "x", status=400), "Acme refuses one of the settings", "unknown"),
    (Conflict("", "x", status=409), "Acme refuses one of the settings", "unknown"),
    (RuntimeError("x"), "That did not work", "unknown"),
    (UpstreamError("", "x"), "That did not work", "unknown"),
    (None, "That did not work", "unknown"),
]


@pytest.mark.parametrize(("failure", "title", "blame"), CASES)
def test_a_failure_is_told_in_plain_words(failure: Exception | None, title: str, blame: str) -> None:
    told = advice(failure, "Acme")
    assert (told.title, told.blame) == (title, blame)
    assert told.text.endswith(".") and "{" not in told.text and len(told.text) > 40


def test_the_text_of_an_error_is_never_looked_at_nor_shown() -> None:
    for failure, *_ in CASES:
        if isinstance(failure, UpstreamError):
            reworded = advice(failure, "Acme")
            failure.reword("secret-connection", "invalid_client 403 s3cret")
            assert advice(failure, "Acme") == reworded
            assert "s3cret" not in reworded.text + reworded.title


def test_every_type_of_error_is_among_the_cases() -> None:
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, UpstreamError)}
    assert kinds <= {type(failure) for failure, *_ in CASES}


def test_how_long_to_wait_is_told() -> None:
    assert "in 7 seconds" in advice(RateLimited("", "x", retry_after_seconds=7), "Acme").text


def test_braces_in_a_title_are_just_a_title() -> None:
    assert advice(TimedOut("", "x"), "{text}").title == "{text} did not answer in time"
