"""What can go wrong with an upstream, as types.

    UpstreamError
    ├── Unavailable     not reachable, or 5xx to the last attempt
    │   ├── HostNotFound  ... as its name leads to no address
    │   └── NotTrusted    ... as no secure connection came about: another certificate than TLS asks for, or no TLS
    ├── TimedOut        no whole answer in time, or before our own deadline
    ├── RateLimited     limited for longer than we can wait
    ├── AuthRefused     401 with a fresh token, 403
    │   └── SignInRefused  ... by the token endpoint
    ├── AddressRefused  its address is private, and this connection may have public ones only; nothing was sent
    ├── NotFound        the upstream itself says that the thing is not there
    ├── Conflict        a value that has to be unique is taken
    ├── Rejected        any other 4xx: the upstream does not take the value
    │   └── FilterRejected  ... or the filter
    └── BadAnswer       HTML, a cut body, invalid JSON, too much of it, a link to another origin, a redirect

Callers decide by type and by ``codes``, never by the text. The text is for people: it holds what a provider's
`classify` quotes from the vendor (shortened, without control characters and known secrets), never a header, a query
value or a whole body. None of these errors keeps a request, a response or the library's exception.
"""


class UpstreamError(Exception):
    """A request to an upstream that brought no usable answer.

    - ``upstream``: the connection's name; "" until the client that raises it fills it in.
    - ``detail``: one line for people.
    - ``status``: the upstream's HTTP status; None where there was none.
    - ``codes``: the vendor's error codes, the general one first.
    - ``target``: the upstream field at fault, where the upstream names one.
    - ``sent``: whether a write may have taken effect although no answer says so; never True for GET and HEAD. It can
      be True beside a definite answer: a DELETE whose first attempt was cut off may see 404 on its second.
    - ``retry_after_seconds``: how long the upstream, or our own rate limit, asks us to wait; 0 where it does not say.
    """

    def __init__(
        self,
        upstream: str,
        detail: str,
        *,
        status: int | None = None,
        codes: tuple[str, ...] = (),
        target: str | None = None,
        sent: bool = False,
        retry_after_seconds: int = 0,
    ) -> None:
        super().__init__(upstream, detail)
        self.status = status
        self.codes = codes
        self.target = target
        self.sent = sent
        self.retry_after_seconds = retry_after_seconds

    # Both texts live in `args` alone, or `repr` and tracebacks would go on showing what the client cleaned up later.
    @property
    def upstream(self) -> str:
        return str(self.args[0])

    @property
    def detail(self) -> str:
        return str(self.args[1])

    def reword(self, upstream: str, detail: str) -> None:
        """Replace the connection's name and the text."""
        self.args = (upstream, detail)

    def __str__(self) -> str:
        return f"{self.upstream}: {self.detail}" if self.upstream else self.detail


class Unavailable(UpstreamError):
    """Not reachable, or it answered 5xx to the last attempt."""


class HostNotFound(Unavailable):
    """The host's name leads to no address."""


class NotTrusted(Unavailable):
    """TLS failed: a certificate that is not trusted, has expired or is another host's, or what answers is no TLS."""


class TimedOut(UpstreamError):
    """No whole answer within the time limit of one attempt, or before the request's deadline."""


class RateLimited(UpstreamError):
    """Limited for longer than we can wait; ``retry_after_seconds`` is at least 1 when the client raises it."""


class AuthRefused(UpstreamError):
    """The upstream does not accept the bridge's credentials, or does not let them do this."""


class SignInRefused(AuthRefused):
    """The token endpoint gives no token; the OAuth error code is in ``codes``, where it named one."""


class AddressRefused(UpstreamError):
    """The address is private, and the connection may lead to public ones only. Nothing was sent."""


class NotFound(UpstreamError):
    """The upstream says that the thing is not there. Never an outage."""


class Conflict(UpstreamError):
    """A value that has to be unique is taken, or the state forbids the change."""


class Rejected(UpstreamError):
    """The upstream does not take a value of the request."""


class FilterRejected(Rejected):
    """The upstream does not take a filter."""


class BadAnswer(UpstreamError):
    """An answer that cannot be understood or must not be followed."""
