"""What a provider declares: how its upstream reads and writes one SCIM resource type.

An upstream endpoint is an *access path*, as an index is to a database: it evaluates some predicates, yields some
orders and pages in its own way. Providers declare access paths; one planner (`query.plan`) decides which one answers
a query, what is pushed down, and what is checked here.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from scim_bridge.query.remembered import Remembered
from scim_bridge.schemas import ResourceSchema
from scim_bridge.upstream.errors import NotFound, UpstreamError
from scim_bridge.upstream.reply import Reply

Params = Mapping[str, str]
"""Upstream query parameters; a key in braces (``{id}``) fills a variable of the access path's path instead."""
Row = Mapping[str, Any]
"""One upstream record, decoded JSON."""
Resource = dict[str, Any]
"""One SCIM resource as plain JSON, attribute names in canonical case, without ``meta.location``."""
TextMatch = Literal["insensitive", "sensitive", "unknown"]
"""How an upstream compares text. The first two promise that a comparison with ASCII text finds the rows that SCIM's own
finds, without and with regard to case; beyond ASCII nothing is promised but that ``insensitive`` finds no fewer."""

FOLLOW: Final = "@"
"""The key of a position that is a link, to be followed word for word."""
SEEN: Final = "#"
"""The key of a position that is a pager's own note, how many rows come before it. Keys that begin so are not sent."""
LAST: Final = "#last"
"""The key of a position that names the row its page has to begin with: the last one of the page before, asked for
again. That proves that the list goes on where it was left, and where only that row comes, that it ends there."""
FIRST: Final = "#first"
"""The key of a position that names the first row of the page before: a page that begins with it is that page again, as
some upstreams answer past the end of a list."""


class Text(str):
    """A comparison as text in the upstream's own filter language."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Either:
    """Alternatives whose rows together answer a comparison: one upstream read each; ``apart``: no row is in two."""

    options: tuple[Params | Text, ...]
    apart: bool = False


class Nothing:
    """A comparison that no row of this upstream can satisfy, so nothing needs to be asked."""


NOTHING: Final = Nothing()
Rendered = Params | Text | Either | Nothing | None


def ops(names: str) -> frozenset[str]:
    """A set of words from one string: ``ops("eq sw")``."""
    return frozenset(names.split())


@dataclass(frozen=True, slots=True)
class Rule:
    """SCIM comparisons of one attribute that the upstream evaluates itself.

    A rule may widen (``exact=False``: those rows and maybe more), never narrow. ``render`` gets the operator and the
    comparison value (``None`` for ``pr``) and returns None for a value the upstream cannot take. ``several`` renders up
    to ``chunk`` values, any of which may be the attribute's, for one request; each of them is one that ``render`` takes
    for `eq`.
    """

    attribute: str
    operators: frozenset[str]
    render: Callable[[str, Any], Rendered]
    exact: bool = True
    folds: bool = True  # text compares by the access path's `text_match`; False: as SCIM has it, whatever that says
    unique: bool = False  # `eq` yields at most one row
    negatable: bool = False  # rows without a value count as "no", so `not` may be pushed around it
    share: float | None = None  # of all rows, expected to match; None: as usual for the operator; only ranks plans
    several: Callable[[Sequence[Any]], Params] | None = None
    chunk: int = 1


@dataclass(frozen=True, slots=True)
class Start:
    """Where a list can be entered: the position to send, and the offset of the first row it yields.

    ``counted``: the offset was reckoned from pages of the size asked for, and holds only if the upstream keeps to it.
    """

    position: Params
    offset: int
    counted: bool = False


class Pager(Protocol):
    """Page mechanics without state: a position in the list is a `Params`."""

    @property
    def max_page(self) -> int:
        """Rows per upstream request, at most."""
        ...

    @property
    def random_access(self) -> bool:
        """Whether `start` reaches any row at once."""
        ...

    def start(self, offset: int, limit: int) -> Start:
        """The position from which the row at ``offset`` is reached soonest."""
        ...

    def next(self, sent: Params, reply: Reply, rows: int) -> Params | None:
        """The position after a page; None at the end of the list."""
        ...

    def total(self, reply: Reply) -> int | None:
        """How many rows the list has; None where the upstream does not say."""
        ...


_VARIABLE = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True, slots=True)
class Referral:
    """Where the records are that a list's rows only name.

    ``ids`` are those that a row names. ``access`` lists the records of up to ``chunk`` ids, which ``parameter`` takes
    joined by commas or as ``joined`` puts it, and ``key`` is the id of such a record; without ``access``, each is
    looked up by its id.
    """

    ids: Callable[[Row], Iterable[str]]
    access: "AccessPath | None" = None
    parameter: str = ""
    chunk: int = 1
    key: Callable[[Row], str] = lambda row: str(row["id"])
    joined: Callable[[Sequence[str]], str] = ",".join


@dataclass(frozen=True, slots=True)
class AccessPath:
    """One upstream way to read a collection; as a database index, it filters and orders some."""

    path: str
    rows: str  # dotted path to the list in a reply; "" when the body is the list, "." when it is the one row
    pager: Pager
    rules: tuple[Rule, ...] = ()
    expression: str | None = None  # the parameter that takes text
    logic: frozenset[str] = frozenset()  # which of and, or, not that text may hold
    always: str | None = None  # text sent with every request: the connection's scope
    sorts: Mapping[tuple[str, str], Params] = field(default_factory=dict)  # (attribute, sortOrder)
    fixed: Params = field(default_factory=dict)
    text_match: TextMatch = "unknown"
    in_scope: bool = True  # False: rows outside the connection's scope come too, and are dropped here
    unwrap: Callable[[Row], Row | None] | None = None  # the record inside a row (a membership's group); None skips it
    absent: Callable[[UpstreamError], bool] | None = None  # which refusals mean "no (more) rows"; None: see `is_absent`
    refers: Referral | None = None  # rows only name the records, which are then read elsewhere
    also: "tuple[AccessPath, ...]" = ()  # read with the same variables: only together do they hold all rows
    partitions: tuple[Params, ...] = ()  # one read each, no row in two; not those that a pushed parameter contradicts
    body: Callable[[Params], tuple[Params, Any]] | None = None  # reads by POST: what of the parameters is its JSON body
    empty: Callable[[Reply], bool] | None = None  # whether a reply without the list says that it is empty
    identity: Callable[[Row], str] | None = None  # tells rows apart: one that comes twice means that another was missed
    ordered: bool = True  # False: each request may see another order, so that only a whole list is good for anything
    fallible: bool = False  # what it is asked to evaluate it may refuse after all: that is then done here
    states_total: bool = True  # False: to tell how many rows there are, all of them have to be read
    lean: Params = field(default_factory=dict)  # sent where no relation is wanted: rows then tell nothing of them
    rich: Params = field(default_factory=dict)  # sent where one is: rows then bring what they else would not
    max_text: int = 4000  # characters of URL-encoded text that a request may carry

    @property
    def variables(self) -> frozenset[str]:
        """The path's variables, in braces: a path is eligible once rules fill all of them."""
        return frozenset(_VARIABLE.findall(self.path))

    @property
    def single(self) -> bool:
        """Whether a reply is the one row itself."""
        return self.rows == "."

    @property
    def counts_rows(self) -> bool:
        """Whether each upstream row is a row of the result, so that upstream offsets and totals are the result's."""
        return self.in_scope and self.unwrap is None and self.refers is None

    def is_absent(self, error: UpstreamError, *, at_start: bool) -> bool:
        """Whether a refusal means that there is no row, at the start of the list or further on.

        By default only "not found" at the start of a path with variables does: what they name does not exist. Anywhere
        else it is trouble, which must not shorten a list.
        """
        if self.absent is not None:
            return self.absent(error)
        return at_start and bool(self.variables) and isinstance(error, NotFound)


Element = dict[str, Any]
"""One value of a relation, as SCIM shows it: value, type, display."""


@dataclass(frozen=True, slots=True)
class RelationRead:
    """One upstream list that holds elements of a relation; the path or a ``fixed`` parameter names its owner: {id}.

    With ``owners`` it is one list for all owners, which is read once for as many of them as are asked for: the ids of
    those a row is an element of. Where it gives None, the row does not tell, and its ``record`` is read: {id} is that
    of its element. ``instead`` is read where the upstream refuses this one. ``nested``: elements may be elements of
    others, which are then `indirect` ones of the owner too.
    """

    access: AccessPath
    element: Callable[[Row], Element | None]
    known_empty: Callable[[Row], bool] = lambda row: False  # the owner's own record says there are none
    owners: Callable[[Row], Iterable[str] | None] | None = None
    record: AccessPath | None = None
    instead: "RelationRead | None" = None
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource that elements refer to: its look-up by id, and what it is called there."""

    item: AccessPath
    display: Callable[[Row], str | None]


@dataclass(frozen=True, slots=True)
class Relation:
    """A multi-valued attribute that lives behind other endpoints (members, groups), loaded only when needed.

    ``inline`` reads it from the owner's record where that brings it; without ``reads``, the look-up's record decides,
    or the ``record`` of this relation. ``references`` maps an element's ``type`` to the SCIM endpoint of what it refers
    to; the key ``""`` is the default. ``shown`` says when a resource holds it that was not asked for it: always, only
    where its record brings it, or never.
    """

    attribute: str
    reads: tuple[RelationRead, ...]
    references: Mapping[str, str]
    shown: Literal["always", "inline", "request"] = "always"
    inline: Callable[[Row], list[Element] | None] = lambda row: None
    partial: bool = False  # inline elements say less than those of the reads: shown, but nothing is decided by them
    kinds: Mapping[str, Kind] = field(default_factory=dict)  # by type: what elements that do not tell theirs may be
    record: AccessPath | None = None  # a look-up of the owner that brings what the usual one does not
    inverse: bool = False  # it is told by whose members an owner is, and theirs in turn, and there is no more to it


@dataclass(slots=True)
class Call:
    """One upstream request of a write. ``undo`` makes good for it if a later request of the same write fails; NOTHING
    says that, by its reply, it changed nothing.

    ``delay_seconds``: how long to wait before it is sent, for upstreams that carry out later what they accept now.
    """

    method: str
    path: str
    json: Any = None
    headers: Params = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    undo: "Call | Callable[[Reply], Call | Nothing | None] | None" = None
    idempotent: bool | None = None  # None: by method; True only where repeating provably changes nothing more
    delay_seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Steps = Generator[Call, Reply, Any]
"""A write as a conversation: it yields calls and gets their replies; an upstream's refusal is thrown in."""


@dataclass(frozen=True, slots=True)
class MemberWrites:
    """How elements of a relation are added and removed, up to ``chunk`` at once; each gets the owner's id too.

    ``silent``: the upstream does not tell whether a call changed anything, as it takes who is a member already, and who
    is none, without a word. To undo such a call could take away what it never gave; so it is undone only where it is
    known, from reading the elements first, that it did.
    """

    add: Callable[[str, Sequence[Element]], Steps]
    remove: Callable[[str, Sequence[Element]], Steps]
    chunk: int = 1
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Referrers:
    """Resources that have others as elements of a relation of theirs: which ones have a given one, as the elements of
    ``read``, and how it is taken out of one, by their id."""

    read: RelationRead
    remove: Callable[[str, Sequence[Element]], Steps]


@dataclass(frozen=True, slots=True)
class Deletions:
    """Where an upstream tells which resources were deleted, for copies: a list that leaves out what is gone cannot.

    It is a hint only, as what it names is looked up. ``since`` makes the parameters for what was told since a time, as
    RFC 3339 has it, and ``deleted`` is the id that a row names; None: it is about something else.
    """

    access: AccessPath
    since: Callable[[str], Params]
    deleted: Callable[[Row], str | None]


@dataclass(frozen=True, slots=True)
class Writes:
    """How one resource type is written. A missing entry is not offered, and discovery says so.

    ``create`` gets SCIM values and returns the new upstream record; ``update`` gets the current record and the SCIM
    resource before and after, and returns the new record, or None when it must be read again.
    """

    create: Callable[[Resource], Steps] | None = None
    update: Callable[[Row, Resource, Resource], Steps] | None = None
    delete: Callable[[str], Steps] | None = None
    members: Mapping[str, MemberWrites] = field(default_factory=dict)


def _all_visible(row: Row) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Collection:
    """One SCIM resource type, as one upstream holds it."""

    resource: ResourceSchema  # the effective schema: what cannot be written is readOnly in it
    reads: tuple[AccessPath, ...]
    item: AccessPath  # the id look-up, with the variable {id}
    decode: Callable[[Row], Resource]
    editable: Callable[[Row], Resource] | None = None  # what a change starts from, where `decode` shows more or other
    relations: tuple[Relation, ...] = ()
    writes: Writes = field(default_factory=Writes)
    visible: Callable[[Row], bool] = _all_visible  # False: outside the connection's scope, as if it did not exist
    remembered: Remembered = field(default_factory=Remembered)  # rows within the scope that `visible` denies, for now
    is_id: Callable[[str], bool] = bool  # False: the upstream cannot hold such an id, so no request is made
    # a whole resource as written, in the form it will be read back; with what a PATCH started from, None otherwise
    written: Callable[[Resource, Resource | None], Resource] = lambda body, before: body
    # Paths and extensions that every resource has, as the upstream fills them in: required, so that nobody takes them
    # away (RFC 7643 sections 6 and 7), and yet a body may leave them out.
    supplied: frozenset[str] = frozenset()
    homeless: Callable[[Resource], list[str]] = lambda body: []  # what of a body the upstream has no place for
    no_place: frozenset[str] = frozenset()  # attributes RFC 7643 lets clients write, but this upstream cannot hold
    endless: bool = False  # a log, which only grows: it is never copied
    deletions: Deletions | None = None  # None: only comparing everything tells what was deleted
    referrers: tuple[Referrers, ...] = ()  # what may still name a resource that is deleted, and is tidied up

    @property
    def scoped(self) -> bool:
        """Whether the upstream has records that this connection does not show."""
        return self.visible is not _all_visible

    def relation(self, attribute: str) -> Relation | None:
        """The relation of a top-level attribute name, if it is one."""
        return next((each for each in self.relations if each.attribute == attribute), None)
