"""What requests and answers about connections, their tokens, links and mirrors hold."""

from typing import Any, Final, Literal

from pydantic import Field

from scim_bridge.admin.api.values import Flag, Given, Taken, TakenTime, Time, members, model, table
from scim_bridge.admin.service.connections import MAX_LABEL, MAX_NAME
from scim_bridge.config import TOKENS, ConnectionTable, Limits
from scim_bridge.mirror.settings import MirrorSettings
from scim_bridge.protocol.auth import READ, WRITE

_SETTINGS: Final = "The provider's own settings, as `/providers/{name}` lists them."
_SECRETS: Final = "Secrets among the settings that are set; they are never shown."
_LABEL: Final = "What people call it, on one line."
_TABLE: Final = (*TOKENS, "provider")
_PROVIDER: Final = "Which kind of upstream, as `/providers` lists them."
_NO_DEFAULT: Final[dict[str, Any]] = {"json_schema_extra": lambda schema: schema.pop("default", None)}

# -- connections ------------------------------------------------------------------------------------------------------

_LimitsChosen = table("LimitsChosen", Taken, Limits)
_MirrorChosen = table("MirrorChosen", Taken, MirrorSettings)
Document = model(
    "Document",
    Taken,
    "A connection, as `[connections.NAME]` of the configuration file has it, without tokens of clients.",
    provider=(str, Field(min_length=1, description=_PROVIDER)),
    **members(ConnectionTable, without=_TABLE),
    limits=(_LimitsChosen, Field(default_factory=_LimitsChosen)),
    mirror=(_MirrorChosen, Field(default_factory=_MirrorChosen)),
    settings=(dict[str, Any], Field(default_factory=dict, description=_SETTINGS)),
)
NewConnection = model(
    "NewConnection",
    Document,
    "A connection to be made.",
    name=(str, Field(min_length=1, max_length=MAX_NAME, pattern="^[a-z0-9_-]+$", description="What its URLs have.")),
    label=(str, Field("", max_length=MAX_LABEL, description=_LABEL)),
)
Changes = model(
    "Changes",
    Taken,
    "A JSON merge patch (RFC 7396): what is not named stays, secrets too; null takes a value away.",
    provider=(str, Field(default=None, description="Cannot be another one.", **_NO_DEFAULT)),
    **members(ConnectionTable, nullable=True, without=_TABLE),
    label=(str | None, Field(default=None, max_length=MAX_LABEL, description=_LABEL, **_NO_DEFAULT)),
    limits=(table("LimitsChanges", Taken, Limits, nullable=True) | None, Field(default=None, **_NO_DEFAULT)),
    mirror=(table("MirrorChanges", Taken, MirrorSettings, nullable=True) | None, Field(default=None, **_NO_DEFAULT)),
    settings=(dict[str, Any] | None, Field(default=None, description=_SETTINGS, **_NO_DEFAULT)),
)
Connection = model(
    "Connection",
    Given,
    "A connection, without its secrets.",
    name=(str, ...),
    label=(str, ...),
    provider=(str, ...),
    source=(Literal["file", "store"], Field(description="Those of the configuration file are changed there.")),
    paused=(bool, ...),
    problem=(str | None, Field(description="Why it cannot be used; what cannot be read then is null.")),
    **members(ConnectionTable, nullable=True, without=_TABLE),
    limits=(table("Limits", Given, Limits) | None, ...),
    mirror=(table("Mirroring", Given, MirrorSettings) | None, ...),
    settings=(dict[str, Any], Field(description=_SETTINGS)),
    secrets=(list[str], Field(description=_SECRETS)),
    created_at=(Time | None, Field(description="Null, as the next three, for those of the file.")),
    created_by=(str | None, ...),
    changed_at=(Time | None, ...),
    revision=(int | None, Field(description="Counts changes.")),
)


class Trial(Taken):
    """How a connection is made or changed."""

    test: Flag = Field(False, description="Sign in and read a row first; where that fails, nothing is kept.")


class Check(Given):
    """What signing in and reading one row of each resource type came to."""

    name: str
    provider: str
    ok: bool
    told: str = Field(description="For people; holds no secret.")


# -- tokens -----------------------------------------------------------------------------------------------------------


class NewToken(Taken):
    """A token to be made for a client."""

    label: str = Field("", max_length=MAX_LABEL, description=_LABEL)
    scopes: list[Literal["read", "write", "proxy"]] = Field(
        [READ, WRITE], min_length=1, description="Who may write may read, too; `proxy` is for `/proxy` alone."
    )
    expires_at: TakenTime | None = Field(None, description="Null: never.")


class Token(Given):
    """A token of a client, without itself."""

    id: str
    label: str
    scopes: list[Literal["read", "write", "proxy"]]
    created_at: Time
    created_by: str
    expires_at: Time | None
    used_at: Time | None = Field(description="To half a minute, or null.")


class MadeToken(Token):
    """A token of a client."""

    token: str = Field(description="Shown this once.")


# -- link sessions ----------------------------------------------------------------------------------------------------


class NewLink(Taken):
    """What somebody is to be sent an address for: to make a connection, or to enter the credentials of one anew."""

    provider: str | None = Field(None, min_length=1, description=f"{_PROVIDER} Null: it is chosen on the page.")
    label: str = Field("", max_length=MAX_LABEL, description="Whose it is; shown on the page.")
    redirect_url: str | None = Field(
        None, max_length=2000, description="Where the page leads to in the end; its origin is one of `link_origins`."
    )
    expires_at: TakenTime | None = Field(None, description="Within 30 days; null: in a day.")
    connection: str | None = Field(None, description="The connection whose credentials are entered anew.")
    name: str | None = Field(None, description="What the new connection is to be called; null: made of the label.")


class LinkSession(Given):
    """A link session, without its address."""

    id: str
    provider: str | None
    label: str
    redirect_url: str | None
    connection: str | None = Field(description="The one that it made, or is to make or to renew, where that is known.")
    renews: bool
    state: Literal["open", "done", "revoked", "expired"]
    created_at: Time
    created_by: str
    expires_at: Time


class MadeLink(LinkSession):
    """A link session."""

    url: str = Field(description="For the one who enters the credentials; shown this once.")


# -- mirrors ----------------------------------------------------------------------------------------------------------


class Copy(Given):
    """How the copy of one resource type stands."""

    resource: str
    complete: bool = Field(description="Whether reads are answered from it.")
    fresh_at: Time | None = Field(description="As of when it is as its upstream.")
    full_at: Time | None = Field(description="When it was last compared as a whole.")
    held: int = Field(description="Resources that seem to be gone, and stay until that is approved.")


class Mirror(Given):
    """How a mirror stands."""

    running: bool = Field(description="Whether the node that answers refreshes it because somebody asked for it.")
    resources: list[Copy] = Field(description="None where there is no mirror, or it was not opened yet.")


class Refresh(Taken):
    """How a mirror is refreshed."""

    full: bool = Field(False, description="Compare everything.")
    approve: bool = Field(False, description="Take away what is held.")
