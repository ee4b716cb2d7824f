"""What providers can do, as tables: for a terminal, and for the README."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args, get_type_hints

from rich.console import Console
from rich.table import Table

from scim_bridge.query.capabilities import AccessPath, Collection
from scim_bridge.query.explain import Explanation
from scim_bridge.query.provider import Provider
from scim_bridge.settings import is_required, is_secret, settings_of
from scim_bridge.upstream.redact import Secret

_WRITES = ("create", "update", "delete")


def sample(provider: Provider[Any]) -> Any:
    """Settings that name no real tenant: placeholders for what is required, the defaults otherwise."""
    hints = get_type_hints(provider.settings)
    required = [each.name for each in settings_of(provider.settings) if is_required(each)]
    return provider.settings(**{name: Secret("-") if hints[name] is Secret else f"<{name}>" for name in required})


def collections(provider: Provider[Any]) -> Sequence[Collection]:
    """The resource types as declared, without asking an upstream."""
    return provider.collections(sample(provider), None)


def operations(collection: Collection) -> list[str]:
    """What can be done with a resource type."""
    writes = collection.writes
    offered = [name for name in _WRITES if getattr(writes, name) is not None]
    return ["read", *offered, *(f"{name} (add, remove)" for name in writes.members)]


def pushed(access: AccessPath) -> list[tuple[str, str, str]]:
    """Attribute, operators and exactness of what an access path evaluates itself, a row an attribute."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for rule in access.rules:
        key = rule.attribute, "exact" if rule.exact else "wider"
        found[key] = found.get(key, frozenset()) | rule.operators
    return [(attribute, _words(operators), rows) for (attribute, rows), operators in found.items()]


def _words(operators: Iterable[str]) -> str:
    order = "eq ne co sw ew gt ge lt le pr".split()
    return " ".join(sorted(operators, key=order.index))


def paging(access: AccessPath) -> str:
    """How an access path pages, in words."""
    pager = access.pager
    kind = type(pager).__name__
    return kind if kind == "OnePage" else f"{kind}, up to {pager.max_page} a page"


# -- terminal ---------------------------------------------------------------------------------------------------------


def print_overview(console: Console, providers: Sequence[Provider[Any]]) -> None:
    table = Table("provider", "upstream", "resource type", "operations", title="Providers", title_justify="left")
    for row in _overview(providers):
        table.add_row(*row)
    console.print(table)


def _overview(providers: Sequence[Provider[Any]]) -> Iterator[tuple[str, str, str, str]]:
    for provider in providers:
        for each in collections(provider):
            yield provider.name, provider.title, each.resource.endpoint.strip("/"), ", ".join(operations(each))


def print_provider(console: Console, provider: Provider[Any]) -> None:
    console.print(f"[bold]{provider.name}[/bold]: {provider.title}\n")
    for each in collections(provider):
        console.print(f"[bold]{each.resource.endpoint.strip('/')}[/bold]: {', '.join(operations(each))}")
        for access in (each.item, *each.reads):
            method = "GET" if access.body is None else "POST"
            console.print(f"  {method} {access.path} ({paging(access)})", markup=False)
        table = Table("read", "attribute", "operators", "rows")
        for access in each.reads:
            for attribute, operators, rows in pushed(access):
                table.add_row(access.path, attribute, operators, rows)
        console.print(table)
    print_guide(console, provider)
    console.print("[bold]Settings[/bold]")
    table = Table("key", "takes", "default", "help")
    for name, takes, default, help_text in settings_rows(provider.settings):
        table.add_row(name, takes, default, help_text)
    console.print(table)


def print_guide(console: Console, provider: Provider[Any]) -> None:
    """What to do in the vendor's own administration first, and where values are found there."""
    if provider.guide:
        console.print("[bold]To do first, in its own administration[/bold]")
    for number, step in enumerate(provider.guide, 1):
        console.print(f"{number}. {step}", markup=False, highlight=False)
    found = [each for each in settings_of(provider.settings) if each.metadata["where"]]
    for each in found:
        console.print(f"{each.name}: {each.metadata['where']}", markup=False, highlight=False)


def settings_rows(kind: type[Any]) -> Iterator[tuple[str, str, str, str]]:
    """Key, what it takes, default and help of each setting."""
    hints = get_type_hints(kind)
    for each in settings_of(kind):
        default = "required" if is_required(each) else _default(each.default)
        yield each.name, "secret" if is_secret(each) else _takes(hints[each.name]), default, each.metadata["help"]


def _default(value: Any) -> str:
    empty = value is None or value == () or not isinstance(value, bool | int | float | str | tuple)
    return "" if empty else str(value).lower() if isinstance(value, bool) else str(value)


def _takes(hint: Any) -> str:
    words = {str: "text", bool: "true or false", int: "number", float: "number"}
    if hint in words:
        return words[hint]
    arguments = [each for each in get_args(hint) if each is not type(None) and each is not Ellipsis]
    if arguments and all(isinstance(each, str) for each in arguments):
        return ", ".join(arguments)
    if len(arguments) == 1:
        return f"list of {_takes(arguments[0])}" if "tuple" in str(hint) else _takes(arguments[0])
    return "table"


def print_explanation(console: Console, explanation: Explanation) -> None:
    """A plan, one line a fact."""
    for line in explanation_lines(explanation):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    yield f"strategy           {explanation.strategy}"
    for each in explanation.requests:
        yield f"upstream request   {each}"
    for each in explanation.pushed:
        yield f"evaluated there    {each or 'nothing'}"
    yield f"checked here       {explanation.residual or 'nothing'}"
    if explanation.residual_relations:
        yield f"read to decide     {', '.join(explanation.residual_relations)} of each row"
    yield f"sorted             {'here, over all matches' if explanation.sorted_here else 'not here'}"
    yield f"expected requests  {explanation.expected_requests}"
    for each in explanation.considered:
        yield f"also considered    {each}"


# -- README -----------------------------------------------------------------------------------------------------------


def markdown(providers: Sequence[Provider[Any]]) -> str:
    """The provider table of the README."""
    lines = ["| provider | upstream | resource type | operations |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {title} | {types} | {does} |" for name, title, types, does in _overview(providers)]
    return "\n".join(lines)
