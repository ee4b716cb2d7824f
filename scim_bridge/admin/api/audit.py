"""The audit log: page by page, and as a whole."""

from typing import Any, Final, Literal

from pydantic import Field

from scim_bridge.admin.api.operation import Answer, Call, Operation
from scim_bridge.admin.api.values import Given, Number, PageSize, Taken, TakenTime, Text
from scim_bridge.audit_export import record
from scim_bridge.store.audit import Criteria

_MEDIA: Final = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}


class Which(Taken):
    """Which entries: all that is given holds."""

    since: TakenTime | None = Field(None, description="Entries of this moment and later.")
    until: TakenTime | None = Field(None, description="Entries before this moment.")
    connection: Text | None = Field(None, description="Of this connection.")
    actor: Text | None = Field(None, description="Of this token, administrator or link session.")
    action: Text | None = Field(None, description="Of this action, as `scim.patch`, or all of a kind, as `scim`.")
    resource_type: Text | None = Field(None, description="About this type of resource.")
    resource_id: Text | None = Field(None, description="About this resource.")


class WhichPage(Which):
    """Which part of the entries."""

    limit: PageSize = Field(100, description="The most items to answer with.")
    before: Number | None = Field(None, description="`next` of the answer before: what is older than that.")


class Export(Which):
    """Which entries, and how."""

    format: Literal["jsonl", "csv"] = Field("jsonl", description="A line of JSON each, or of CSV.")


class AuditEntry(Given):
    """What happened."""

    number: int = Field(description="Without a gap from one entry to the next.")
    time: str = Field(description="A time; of an entry that somebody made another one, maybe not.")
    node: str
    connection: str
    actor: str
    action: str
    resource_type: str
    resource_id: str
    outcome: str = Field(description="done, refused, failed or unknown.")
    status: int = Field(description="Of HTTP; 0: none.")
    request_id: str
    details: Any
    key: str = Field(description="The name of the key of `hash`.")
    previous: str = Field(description="The hash of the entry before.")
    hash: str


class AuditPage(Given):
    """A part of the audit log, the newest entry first."""

    items: list[AuditEntry]
    next: int | None = Field(description="What `before` has to be for what is older; null: nothing is.")


async def _page(call: Call) -> Answer:
    asked: WhichPage = call.query
    links = await call.administration.history.page(_criteria(asked), asked.limit + 1, before=asked.before)
    items = [record(each) for each in links[: asked.limit]]
    return Answer(body={"items": items, "next": items[-1]["number"] if len(links) > asked.limit else None})


async def _export(call: Call) -> Answer:
    asked: Export = call.query
    stream = await call.administration.history.export(call.actor, _criteria(asked), asked.format)
    name = {"Content-Disposition": f'attachment; filename="audit.{asked.format}"'}
    return Answer(headers=name, stream=stream, media=_MEDIA[asked.format])


def _criteria(asked: Which) -> Criteria:
    return Criteria(**{name: getattr(asked, name) for name in Which.model_fields})


OPERATIONS: Final = (
    Operation(
        "GET", "/audit", "listAudit", "The audit log", _page, {200: AuditPage}, (404,),
        "The newest entry first. 404 where the bridge keeps none.", query=WhichPage,
    ),
    Operation(
        "GET", "/audit/export", "exportAudit", "The audit log as a file", _export,
        {200: ("application/jsonl", "text/csv")}, (404,),
        "The oldest entry first, as far as there are entries at the beginning of the answer.", query=Export,
    ),
)  # fmt: skip
