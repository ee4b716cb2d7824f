"""The server under test: where it is, how to sign in, whether it may be changed."""

import ipaddress
from dataclasses import dataclass, field

import httpx

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """A SCIM base URL (up to and including /v2) and the credentials of a client; these are never in a repr."""

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    write: bool = False
    seed: int = 1  # of what is random in a suite
    only: tuple[str, ...] = ()  # the requirements whose ids begin with one of these; none: all

    def client(self) -> httpx.Client:
        """An HTTP client that signs in and has the base URL."""
        headers = {"Accept": "application/scim+json"}
        auth = None
        if self.username is not None:
            auth = httpx.BasicAuth(self.username, self.password or "")
            request = next(auth.auth_flow(httpx.Request("GET", self.url)))
            headers["Authorization"] = request.headers["Authorization"]
        elif self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return httpx.Client(base_url=self.url.rstrip("/"), headers=headers, timeout=TIMEOUT_SECONDS)


def is_local(url: str) -> bool:
    """Whether a URL names this machine's loopback, where a server is the caller's own."""
    host = httpx.URL(url).host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
