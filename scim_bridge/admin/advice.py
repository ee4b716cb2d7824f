"""Why a connection did not come about, in words for the person who has just typed in its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from scim_bridge.upstream.errors import (
    AddressRefused,
    AuthRefused,
    BadAnswer,
    Conflict,
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

Blame = Literal["address", "secret", "rights", "upstream", "unknown"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What went wrong, what to do about it, and what is to blame."""

    title: str
    text: str
    blame: Blame


_NOT_KNOWN: Final = Advice(
    "The client ID or the client secret is not right",
    "{title} does not accept this pair. Copy both again, whole and without spaces around them, and see that they "
    "belong together and to the same tenant. A secret that was replaced or has expired is refused, too, as is one that "
    "is sent in another way than the client is set to.",
    "secret",
)
_NOT_THIS_WAY: Final = Advice(
    "This client may not sign in by itself",
    "{title} knows the client, but does not allow it to sign in with client credentials. Follow the steps on this "
    "page: it has to be of the kind that they name.",
    "rights",
)
_NO_SCOPE: Final = Advice(
    "This client is not given what it asks for",
    "{title} knows the client, but grants it no access. Look up its scopes, roles or permissions in the steps on this "
    "page.",
    "rights",
)
_BY_CODE: Final[Mapping[str, Advice]] = {
    "invalid_client": _NOT_KNOWN,
    "invalid_grant": _NOT_KNOWN,
    "unauthorized_client": _NOT_THIS_WAY,
    "unsupported_grant_type": _NOT_THIS_WAY,
    "invalid_scope": _NO_SCOPE,
    "access_denied": _NO_SCOPE,
}
"""What the error codes of a token endpoint mean (RFC 6749 sections 4.1.2.1 and 5.2)."""


def advice(failure: Exception | None, title: str) -> Advice:
    """What to tell of a failure; ``title`` is the vendor's. By type, status and code alone, never by a text."""
    found = _of(failure) if isinstance(failure, UpstreamError) else _unexpected()
    return Advice(found.title.replace("{title}", title), found.text.replace("{title}", title), found.blame)


def _of(error: UpstreamError) -> Advice:
    match error:
        case HostNotFound():
            return Advice(
                "There is no such address",
                "The name in the address leads nowhere. Look for a typing mistake in it, or in the name of the tenant.",
                "address",
            )
        case NotTrusted():
            return Advice(
                "The connection would not be secure",
                "What answers at this address has no certificate that can be trusted: it may have expired, belong to"
                " another name, or come from an authority of your own. Nothing was sent.",
                "address",
            )
        case AddressRefused():
            return Advice(
                "This address is not a public one",
                "It leads into a private network, where connections are not made from here. Enter an address that "
                "can be reached from the internet, or ask who sent you this link.",
                "address",
            )
        case TimedOut():
            return Advice(
                "{title} did not answer in time",
                "Something is there, but it takes too long. Try again; if it stays like this, look whether a "
                "firewall drops what it does not let through.",
                "upstream",
            )
        case RateLimited():
            return _limited(error.retry_after_seconds)
        case Unavailable():
            return _unavailable(error.status)
        case SignInRefused():
            return _sign_in(error)
        case AuthRefused():
            return _refused(error.status)
    return _misunderstood(error)


def _limited(seconds: int) -> Advice:
    wait = f"in {seconds} seconds" if seconds else "in a minute"
    return Advice(
        "{title} takes no more requests for now",
        f"Others have used up what it allows. Try again {wait}; nothing you entered is wrong.",
        "upstream",
    )


def _unavailable(status: int | None) -> Advice:
    if status is not None:
        return Advice(
            "{title} has a problem of its own",
            f"It answered with the error {status}. Try again later; nothing you entered is known to be wrong.",
            "upstream",
        )
    return Advice(
        "{title} cannot be reached",
        "Nothing answers at this address. Look at the address and its port, and whether a firewall is in between.",
        "address",
    )


def _sign_in(error: SignInRefused) -> Advice:
    for code in error.codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if error.status in (404, 405, 410):
        return Advice(
            "There is nothing to sign in to at this address",
            "{title} answers, but not as the place to sign in. Look at the address, or at the tenant's name or ID.",
            "address",
        )
    if error.status == 403:
        return Advice(
            "{title} does not let this client sign in",
            "It may be switched off, or allowed from other networks only.",
            "rights",
        )
    return _NOT_KNOWN


def _refused(status: int | None) -> Advice:
    if status == 403:
        return Advice(
            "The credentials are right, but may not do enough",
            "{title} let them in and then refused to show people or groups. Look up the scopes, roles or permissions"
            " in the steps on this page; some take a few minutes until they count.",
            "rights",
        )
    return Advice(
        "{title} does not accept these credentials",
        "Copy them again, whole and without spaces around them. They may also have expired, or belong to another "
        "tenant, or lack a scope or a role of the steps on this page.",
        "secret",
    )


def _misunderstood(error: UpstreamError) -> Advice:
    match error:
        case NotFound() | BadAnswer():
            return Advice(
                "What answers is not the API of {title}",
                "Something is at this address, but it does not answer as it should. Look at the address: it may be "
                "that of a page for people, or lack a part at its end.",
                "address",
            )
        case Rejected() | Conflict():
            return Advice(
                "{title} refuses one of the settings",
                "It let the credentials in, but does not take what it was asked for. Look at the IDs and names here.",
                "unknown",
            )
    return _unexpected()


def _unexpected() -> Advice:
    return Advice(
        "That did not work",
        "Something unexpected happened. Try again; if it stays like this, tell who sent you this link.",
        "unknown",
    )
