"""The providers that there are, and their settings, for who builds forms of their own."""

from dataclasses import Field as DataclassField
from typing import Any, Final, get_args

from pydantic import Field

from scim_bridge.admin.api.operation import Answer, Call, Operation
from scim_bridge.admin.api.paging import page_of, part
from scim_bridge.admin.api.values import Given, PageQuery
from scim_bridge.admin.entries import plain
from scim_bridge.admin.forms import Kind, default_of, kind_of, offered
from scim_bridge.admin.service.desk import AdminError
from scim_bridge.connections import provider_names
from scim_bridge.query.provider import Provider
from scim_bridge.settings import is_required, is_secret, label_of


class ProviderName(Given):
    """A provider."""

    name: str
    title: str


class Choice(Given):
    """One of the values that a setting takes."""

    value: str | int
    label: str


class Setting(Given):
    """A setting of a provider."""

    name: str
    label: str = Field(description="Its name for people.")
    type: Kind = Field(description="`choices` and `list` are arrays, `mapping` is an object of texts, `secret` a text.")
    required: bool
    secret: bool = Field(description="Whether its value is sealed and never shown.")
    help: str
    where: str = Field(description="Where its value is found in the vendor's administration; may be empty.")
    placeholder: str
    group: str = Field(description="The title of those that belong together; may be empty.")
    advanced: bool = Field(description="Whether it is seldom changed.")
    choices: list[Choice]
    default: Any = Field(description="Null: none.")


class ProviderDetails(ProviderName):
    """A provider and its settings, but those that only the configuration file may set."""

    guide: list[str] = Field(description="What to do in the vendor's administration first, step by step.")
    settings: list[Setting]


Page: Final = page_of(ProviderName)


async def _all(call: Call) -> Answer:
    found, after = part(provider_names(), call.query, str)
    providers = [call.administration.desk.providers(name) for name in found]
    return Answer(body=Page(items=[ProviderName(name=each.name, title=each.title) for each in providers], next=after))


async def _one(call: Call) -> Answer:
    try:
        provider = call.administration.desk.providers(call.path["name"])
    except LookupError as error:
        raise AdminError(404, str(error.args[0])) from None
    return Answer(body=_details(provider))


def _details(provider: Provider[Any]) -> ProviderDetails:
    settings = [_setting(each, hint) for each, hint in offered(provider.settings)]
    return ProviderDetails(name=provider.name, title=provider.title, guide=list(provider.guide), settings=settings)


def _setting(each: DataclassField[Any], hint: Any) -> Setting:
    told = each.metadata
    return Setting(
        name=each.name,
        label=label_of(each),
        type=kind_of(hint),
        required=is_required(each),
        secret=is_secret(each),
        help=told["help"],
        where=told["where"],
        placeholder=told["placeholder"],
        group=told["group"],
        advanced=told["advanced"],
        choices=[Choice(value=value, label=told["choices"].get(value) or str(value)) for value in _values(hint)],
        default=None if is_secret(each) else plain(default_of(each)),
    )


def _values(hint: Any) -> tuple[Any, ...]:
    match kind_of(hint):
        case "choice":
            return get_args(hint)
        case "choices":
            return get_args(get_args(hint)[0])
    return ()


OPERATIONS: Final = (
    Operation("GET", "/providers", "listProviders", "The kinds of upstreams", _all, {200: Page}, query=PageQuery),
    Operation(
        "GET", "/providers/{name}", "getProvider", "A kind of upstream", _one, {200: ProviderDetails},
        text="With all that a form for its settings needs.",
    ),
)  # fmt: skip
