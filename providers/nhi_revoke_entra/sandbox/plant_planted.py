"""What the intruder made with the app's rights: an app of its own, with a secret and a role."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.auditing import target

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

NAME, LATER = "Telemetry Relay", "Telemetry Relay 2"


def plant(scene: Scene) -> None:
    """One door. Meddling: `plant-app`."""
    plant_app(scene, NAME, scene.now() - timedelta(hours=1))
    scene.meddlings["plant-app"] = lambda: plant_app(scene, LATER, scene.now())


def plant_app(scene: Scene, name: str, at: datetime) -> None:
    """The audit log names the identity's service principal."""
    tenant, by = scene.tenant, scene.principal.id
    application, principal = seed.new_app(tenant, name, at)
    secret = seed.add_password(tenant, application, at, "sync")
    role = seed.add_directory_role(tenant, principal, "Cloud Application Administrator", at)
    tenant.audit("Add application", at, by, target(application))
    tenant.audit("Add service principal", at, by, target(principal))
    activity = "Update application – Certificates and secrets management "
    tenant.audit(activity, at + timedelta(minutes=1), by, target(application, KeyDescription="DisplayName=sync"))
    told = target(principal, Role_DisplayName=tenant.role_names[role.role])
    tenant.audit("Add member to role", at + timedelta(minutes=2), by, told)
    scene.steal(secret.value)
    form = {
        "grant_type": "client_credentials",
        "client_id": application.app_id,
        "client_secret": secret.value,
        "scope": "https://graph.microsoft.com/.default",
    }
    scene.door(
        f"planted-{len(scene.doors)}", "planted", f"{name}, which the intruder made with the app's rights",
        f"entra:app/{application.app_id}", lambda: [scene.asking(form)],
    )  # fmt: skip
