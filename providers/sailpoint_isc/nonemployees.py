"""Non-employee records: the only way to create a person, as the identity follows from the record.

A record has an id of its own; it is found by its account name, which is the identity's alias.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from scim_bridge.providers.sailpoint_isc.common import Api, counted, literal
from scim_bridge.query.capabilities import Call, Row, Steps
from scim_bridge.query.pagers import dig
from scim_bridge.upstream.errors import BadAnswer, Conflict, Rejected
from scim_bridge.upstream.reply import Reply

JSON_PATCH: Final = {"Content-Type": "application/json-patch+json"}
PAGE: Final = 250
FIELDS: Final = {
    "alias": "accountName",
    "attributes.firstname": "firstName",
    "attributes.lastname": "lastName",
    "emailAddress": "email",
    "attributes.phone": "phone",
    "managerRef.id": "manager",
    "startDate": "startDate",
    "endDate": "endDate",
}
"""What a record calls the fields of an identity; all are required."""
ATTRIBUTES: Final = {
    "accountName": "userName",
    "firstName": "name.givenName",
    "lastName": "name.familyName",
    "email": "emails",
    "phone": "phoneNumbers",
    "manager": "manager",
    "startDate": "startDate",
    "endDate": "endDate",
}


class Records:
    """The calls on the records of one non-employee source."""

    def __init__(self, api: Api, source_id: str | None, identity: Callable[[str, str], Steps]) -> None:
        """``identity`` looks up the one with an id."""
        self._api = api
        self._source_id = source_id
        self._identity = identity

    def create(self, fields: Mapping[str, Any]) -> Steps:
        """Not taken back once it is made: the identity may appear at any time, and a second record with its name must
        not."""
        body = {**(yield from self._translated(fields)), "sourceId": self._source_id}
        missing = [ATTRIBUTES[name] for name in FIELDS.values() if not body.get(name)]
        if missing:
            raise Rejected("", f"a non-employee needs {', '.join(missing)}", target=missing[0])
        if (yield from self._found(body["accountName"])) is not None:
            raise Conflict("", f"the account name {body['accountName']!r} is taken by a record without an identity yet")
        yield Call("POST", self._api("non-employee-records"), json=body)

    def update(self, row: Row, changes: Mapping[str, Any], keep: list[bool]) -> Steps:
        """JSON Patch of the record behind an identity; not undone once ``keep`` has something in it."""
        record = yield from self.of(row)
        new = yield from self._translated(changes)
        for name, value in new.items():
            if not value:
                raise Rejected("", f"a non-employee needs {ATTRIBUTES[name]}", target=ATTRIBUTES[name])
        back = self._modification(record, {name: record.get(name) for name in new})

        def undo(reply: Reply) -> Call | None:
            return None if keep else back

        yield self._modification(record, new, undo)

    def delete(self, record: Row) -> Steps:
        yield Call("DELETE", self._api("non-employee-records", f"/{record['id']}"))

    def of(self, row: Row) -> Steps:
        """The record of an identity. Raises Rejected for who is no non-employee of the connection's source."""
        record = yield from self._found(row.get("alias"))
        if record is None:
            raise Rejected("", f"{row.get('alias')!r} is no non-employee of this connection's source: it is read only")
        return record

    def _found(self, account_name: Any) -> Steps:
        """The record with an account name. No filter knows that name, so all of the source are read."""
        params = {"filters": f"sourceId eq {literal(str(self._source_id))}", **counted("accountName,id")}
        offset, total = 0, 1
        found: list[Row] = []
        while offset < total:
            page = {"limit": str(PAGE), "offset": str(offset)}
            reply = yield Call("GET", self._api("non-employee-records"), params={**params, **page})
            if not isinstance(reply.body, list):
                raise BadAnswer("", "non-employee records did not answer a list")
            found += [each for each in reply.body if dig(each, "accountName") == account_name]
            offset += len(reply.body)
            total = int(reply.headers.get("X-Total-Count", "0")) if reply.body else 0
        if len(found) > 1:
            raise Conflict("", f"{len(found)} non-employee records have the account name {account_name!r}")
        return found[0] if found else None

    def _translated(self, fields: Mapping[str, Any]) -> Steps:
        """Fields of an identity as those of a record; a manager is an account name there."""
        body = {FIELDS[name]: value for name, value in fields.items() if name in FIELDS}
        if body.get("manager"):
            boss = yield from self._identity("id", body["manager"])
            if boss is None:
                raise Rejected("", f"there is no user {body['manager']!r} to be the manager", target="manager")
            body["manager"] = boss["alias"]
        return body

    def _modification(self, record: Row, fields: Mapping[str, Any], undo: Any = None) -> Call:
        operations = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in fields.items()]
        path = self._api("non-employee-records", f"/{record['id']}")
        return Call("PATCH", path, json=operations, headers=JSON_PATCH, undo=undo, idempotent=True)
