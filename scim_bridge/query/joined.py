"""One list made of several that share no row: each follows where the one before ends."""

from collections.abc import Sequence

from scim_bridge.query.capabilities import Row
from scim_bridge.query.windows import ListReader


async def joined_window(
    readers: Sequence[ListReader], offset: int, count: int, *, need_total: bool
) -> tuple[list[Row], int | None]:
    """Rows ``offset`` to ``offset + count`` of all lists in turn, and how many rows there are (None: nobody asked).

    Where a list starts is known once those before it have told their lengths; for a first page they are asked anew,
    later ones go by what the first one learned.
    """
    rows: list[Row] = []
    before = 0
    for reader in readers:
        at, left = max(0, offset - before), count - len(rows)
        if not left and not need_total:
            return rows, None
        length = await reader.total() if offset else None
        if length is None or (left and at < length):
            fitting = left if length is None else min(left, length - at)
            window = await reader.window(at, fitting, need_total=True)
            rows += window.rows
            length = window.total if window.total is not None else at + len(window.rows)
        before += length
    return rows, before
