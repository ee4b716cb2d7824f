"""Entity tags and the conditions on them (RFC 9110 section 13)."""

import re
from hashlib import sha256
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request

from scim_bridge.admin.api.endpoint import encoded
from scim_bridge.admin.api.operation import Answer
from scim_bridge.admin.service.desk import AdminError

_TAG: Final = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def entity_tag(shown: BaseModel) -> str:
    """The entity tag of what is shown: another one as soon as anything in it is another."""
    return f'"{sha256(encoded(shown)).hexdigest()[:32]}"'


def tagged(request: Request, shown: BaseModel) -> Answer:
    """What is shown with its tag, or 304 where the client has it already."""
    tag = entity_tag(shown)
    known = _tags(request, "If-None-Match")
    if known is not None and ("*" in known or tag in {each.removeprefix("W/") for each in known}):
        return Answer(304, headers={"ETag": tag})
    return Answer(200, shown, {"ETag": tag})


def check_match(request: Request, shown: BaseModel) -> bool:
    """Whether a change was made conditional on what is shown. Raises AdminError 412 where it is another."""
    wanted = _tags(request, "If-Match")
    if wanted is not None and "*" not in wanted and entity_tag(shown) not in wanted:
        raise AdminError(412, "It has been changed since: look at it again")
    return wanted is not None and "*" not in wanted


def _tags(request: Request, name: str) -> list[str] | None:
    """The tags of a header; None without it. Raises AdminError 400."""
    values = request.headers.getlist(name)
    if not values:
        return None
    text, tags, place = ", ".join(values).strip(), [], 0
    if text == "*":
        return ["*"]
    while place < len(text):
        found = _TAG.match(text, place)
        if found is None:
            raise AdminError(400, f"{name}: takes entity tags, as ETag has them", name)
        tags.append(found[1])
        place = found.end()
    return tags
