"""What the lists of NERM share: ids, pages, wrapped records."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from scim_bridge.providers.sailpoint_nerm.errors import none_found
from scim_bridge.query.capabilities import NOTHING, AccessPath, Params, Rendered, Row, Rule, ops
from scim_bridge.query.pagers import Offset, OnePage, Total, dig
from scim_bridge.upstream.errors import BadAnswer
from scim_bridge.upstream.reply import Reply

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OTHER_PAGE: Final = 100
"""Rows of a page of anything but profiles: the largest is not documented."""
TOTAL: Final = Total("_metadata.total")


def is_id(value: str) -> bool:
    """Whether NERM could hold such an id. A path takes uids beside ids, and SCIM tells cases apart in ids."""
    return _UUID.fullmatch(value) is not None


def identity(row: Row) -> str:
    return str(row.get("id"))


def pages(most: int = OTHER_PAGE, total: Total = TOTAL) -> Offset:
    """`offset` counts records from 0, and `limit` is the size of a page; links lack the filters and are left alone."""
    return Offset("offset", "limit", most, total_at=total)


def listed(plural: str, fixed: Params) -> AccessPath:
    """A list of records other than profiles, with its total."""
    return AccessPath(
        f"/{plural}", plural, pages(), fixed={"metadata": "true", **fixed}, absent=none_found, identity=identity
    )


def item(plural: str, singular: str) -> AccessPath:
    """One record by its id, which comes in a wrapper."""
    rule = Rule("id", ops("eq"), _by_id, folds=False, unique=True)
    return AccessPath(f"/{plural}/{{id}}", rows=".", pager=OnePage(), rules=(rule,), unwrap=inside(singular))


def _by_id(operator: str, value: Any) -> Rendered:
    return {"{id}": value} if isinstance(value, str) and is_id(value) else NOTHING


def inside(singular: str) -> Callable[[Row], Row]:
    """The record in a reply that wraps it. Raises BadAnswer where there is none: that is not "not found"."""

    def unwrap(row: Row) -> Row:
        found = row.get(singular)
        if not isinstance(found, Mapping) or not isinstance(found.get("id"), str):
            raise BadAnswer("", f"a {singular} did not come as a record")
        return found

    return unwrap


def record(reply: Reply, singular: str) -> Row:
    """The record that a write answered. A job that was merely queued is no answer."""
    if dig(reply.body, "job_status") is not None:
        raise BadAnswer("", "the write was queued as a job, and its outcome is not known")
    return inside(singular)(reply.body if isinstance(reply.body, Mapping) else {})
