"""Which servers an upstream's client trusts."""

import ssl
from functools import cache

import httpx


def trust(ca_bundle: str | None, client_cert: str | None) -> ssl.SSLContext:
    """Whom we trust, and who we are; `ClientOptions` says of which files. ValueError for one that does not say so."""
    if ca_bundle is None and client_cert is None:
        return _usual_trust()
    what = "ca_bundle"
    try:
        context = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else httpx.create_ssl_context()
        if client_cert is not None:
            what = "client_cert"
            # a password, or an encrypted key would be asked for on the terminal
            context.load_cert_chain(client_cert, password="")
    except OSError as error:
        raise ValueError(f"{what} cannot be used: {error.strerror or type(error).__name__}") from None
    return context


@cache
def _usual_trust() -> ssl.SSLContext:
    """What nearly all clients share, and nobody changes: the authorities take 25 ms to read, which adds up where there
    are hundreds of connections, and half a megabyte."""
    return httpx.create_ssl_context()
