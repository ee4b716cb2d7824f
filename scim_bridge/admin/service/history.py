"""The audit log for those who may read it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from scim_bridge.admin.service.desk import Actor, AdminError, Desk
from scim_bridge.audit_export import Format, heading, line
from scim_bridge.auditing import Auditor
from scim_bridge.store.audit import Criteria, page
from scim_bridge.store.chain import Link

MAX_PAGE: Final = 1000
PART: Final = 1000
"""So many entries of an export are read at once."""


@dataclass(frozen=True, slots=True)
class History:
    """Reads the audit log. Raises AdminError, and nothing else."""

    desk: Desk

    async def page(self, criteria: Criteria, count: int, *, before: int | None = None) -> list[Link]:
        """Entries that meet criteria, the newest first; ``before`` is the number of the last one of the page before."""
        await self._audit()
        return await self.desk.read(page, criteria, min(count, MAX_PAGE), after=before)

    async def export(self, actor: Actor, criteria: Criteria, kind: Format) -> AsyncIterator[str]:
        """The lines of an export, the oldest entry first, as far as there are entries now. AdminError comes at once.

        Each part is read for itself: a client that takes its time holds no transaction open.
        """
        newest = await self.page(Criteria(), 1)
        first = await self._part(criteria, 0)
        await self.desk.changed(actor, "audit.exported", criteria.connection or "", format=kind)
        return self._lines(criteria, kind, first, newest[0].number if newest else 0)

    async def _lines(self, criteria: Criteria, kind: Format, links: list[Link], last: int) -> AsyncIterator[str]:
        yield heading(kind)
        while links:
            yield "".join(line(each, kind) for each in links if each.number <= last)
            links = await self._part(criteria, links[-1].number) if links[-1].number < last else []

    async def _part(self, criteria: Criteria, after: int) -> list[Link]:
        return await self.desk.read(page, criteria, PART, after=after, newest_first=False)

    async def _audit(self) -> Auditor:
        if self.desk.audit is None:
            raise AdminError(404, "This bridge keeps no audit log: [server] audit is false")
        if not await self.desk.audit.ready():  # which makes its tables, too
            raise AdminError(503, "The audit log does not answer")
        return self.desk.audit
