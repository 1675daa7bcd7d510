"""What is written to Data Access logs here: `auditConfigs` of the levels' policies, all of which hold together.

Google Cloud docs: AuditConfig (the union of all services and one), logging/docs/audit/configure-data-access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nhi_revoke_gcp.audit_config import ALL, CARRY, SERVICE

if TYPE_CHECKING:
    from nhi_revoke_gcp.sandbox.hierarchy import Levels
    from nhi_revoke_gcp.sandbox.state import Cloud


def is_written(levels: Levels, project: str, member: str, log_type: str) -> bool:
    """Whether what this member does of the type with the IAM API is written in the project's log."""
    on = [
        each
        for resource in levels.over(project)
        if resource in levels.policies
        for config in levels.policies[resource].shown.audit_configs
        if config.service in (SERVICE, ALL)
        for each in config.audit_log_configs
        if type(each).LogType.Name(each.log_type) == log_type
    ]
    return bool(on) and not any(member in each.exempted_members for each in on)


def turn_on(
    cloud: Cloud,
    resource: str,
    at: datetime,
    types: Sequence[str] = CARRY,
    service: str = SERVICE,
    exempted: Sequence[str] = (),
) -> None:
    """In the policy of a level, with its entry in the Admin Activity log."""
    policy = cloud.levels.policies[resource].shown
    new: Any = type(policy)()
    new.CopyFrom(policy)
    logs = [{"log_type": each, "exempted_members": list(exempted)} for each in types]
    new.audit_configs.add(service=service, audit_log_configs=logs)
    cloud.levels.write(resource, new, at, 0.0)
    cloud.trail.write(
        "activity", at, resource.removeprefix("projects/"), "SetIamPolicy", {"principalEmail": "admin@example.com"},
        service="cloudresourcemanager.googleapis.com", resource=resource,
        audit_deltas=[{"action": "ADD", "service": service, "logType": each} for each in types],
    )  # fmt: skip


def turn_off(cloud: Cloud, resource: str, at: datetime) -> None:
    """All of a level's."""
    policy = cloud.levels.policies[resource].shown
    new: Any = type(policy)()
    new.CopyFrom(policy)
    del new.audit_configs[:]
    cloud.levels.write(resource, new, at, 0.0)
