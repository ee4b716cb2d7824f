"""The audit log for those who may read it."""

from dataclasses import dataclass
from typing import Final

from scim_bridge.admin.service.desk import AdminError, Desk
from scim_bridge.auditing import Auditor
from scim_bridge.store.audit import Criteria, page
from scim_bridge.store.chain import Link

MAX_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class History:
    """Reads the audit log. Raises AdminError, and nothing else."""

    desk: Desk

    async def page(self, criteria: Criteria, count: int, *, before: int | None = None) -> list[Link]:
        """Entries that meet criteria, the newest first; ``before`` is the number of the last one of the page before."""
        await self._audit()
        return await self.desk.read(page, criteria, min(count, MAX_PAGE), after=before)

    async def _audit(self) -> Auditor:
        if self.desk.audit is None:
            raise AdminError(404, "This bridge keeps no audit log: [server] audit is false")
        if not await self.desk.audit.ready():  # which makes its tables, too
            raise AdminError(503, "The audit log does not answer")
        return self.desk.audit
