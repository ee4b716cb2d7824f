"""The one way to give somebody a role: a launched workflow `LCM Provisioning` with a provisioning plan, which runs by
itself and may wait for an approval; and the map of an identity that tells its assigned roles outside SCIM."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from xml.etree import ElementTree

from scim_bridge.providers.sailpoint_iiq.sandbox_listing import Answer, Listing
from scim_bridge.providers.sailpoint_iiq.sandbox_site import SAILPOINT, Row, Site, found_or_none
from scim_bridge.providers.sailpoint_iiq.sandbox_wire import Inbound, Refusal, invalid_value

URN: Final = f"{SAILPOINT}:LaunchedWorkflow"
_PROLOG: Final = re.compile(r"<!DOCTYPE|<!ENTITY")


@dataclass(slots=True)
class Workflows:
    """Launches workflows; what one does, it does once its time has come."""

    site: Site
    listing: Listing
    _pending: list[tuple[Row, str, str, str]] = field(default_factory=list)  # task, identity, operation, role

    def launch(self, request: Inbound) -> Answer:
        """201 with the task's result, which says nothing of success as long as it runs."""
        nested = request.body.get(URN) or request.body
        name, given = nested.get("workflowName"), nested.get("input") or []
        if found_or_none(self.site.records["Workflow"], str(name), by_name=True) is None:
            raise invalid_value(f"Unknown workflow: {name}")
        values = {each.get("key"): each.get("value") for each in given if isinstance(each, Mapping)}
        task: Row = {
            "id": self.site.new_id(),
            "created": self.site.now(),
            "modified": None,
            "name": name,
            "type": "Workflow",
            "launched": self.site.now(),
            "workflowName": name,
            "input": given,
        }
        self._pending += [(task, *each) for each in self._plan(values)]
        self.site.records["LaunchedWorkflow"][task["id"]] = task
        self.site.changes += 1
        self.work()
        return 201, self.listing.whole(task)

    def _plan(self, values: Mapping[Any, Any]) -> list[tuple[str, str, str]]:
        """Identity, operation and role of each assignment that a plan asks for."""
        text = str(values.get("plan") or "")
        identity = self.site.by_name.get(str(values.get("identityName") or "").lower())
        if identity is None or _PROLOG.search(text):
            raise invalid_value("The plan names no identity")
        try:
            plan = ElementTree.fromstring(text)
        except ElementTree.ParseError:
            raise Refusal(400, "invalidSyntax", "The plan is no XML") from None
        asked = plan.iterfind('./AccountRequest[@application="IIQ"]/AttributeRequest[@name="assignedRoles"]')
        return [(identity, each.get("op", ""), self._role(each.get("value", ""))) for each in asked]

    def _role(self, name: str) -> str:
        role = found_or_none(self.site.records["Role"], name, by_name=True)
        if role is None:
            raise invalid_value(f"Unknown role: {name}")
        role_id: str = role["id"]
        return role_id

    def work(self, *, approved: bool = False) -> None:
        """Do what is due: after the workflow's time, and with approval where that is needed."""
        knobs = self.site.knobs
        waiting = []
        for task, identity_id, operation, role in self._pending:
            due = self.site.now() >= task["launched"] + timedelta(seconds=knobs.workflow_seconds)
            if not due or (knobs.approval and not approved):
                waiting.append((task, identity_id, operation, role))
                continue
            identity = self.site.identities[identity_id]
            others = [each for each in identity["assigned"] if each != role]
            self.site.put({**identity, "assigned": [*others, role] if operation == "Add" else others})
            task |= {"completed": self.site.now(), "completionStatus": "Success"}
        self._pending = waiting

    def identity(self, request: Inbound) -> Answer:
        """`/rest/identities/{id}`: a map of an identity, with its assigned roles."""
        found = self.site.identities.get(request.id) or self.site.identities.get(self.site.by_name.get(request.id, ""))
        if found is None:
            raise Refusal(404)
        roles: list[dict[str, Any]] = [
            {"id": each, "displayName": self.site.role_reference(each)["displayName"], "assigner": "spadmin"}
            for each in found["assigned"]
        ]
        return 200, {"id": found["id"], "name": found["userName"], "assignedRoles": roles}
