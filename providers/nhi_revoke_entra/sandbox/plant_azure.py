"""What the intruder reaches in Azure: a live token for Azure Resource Manager, while the app has a role there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nhi_revoke_entra.sandbox import seed
from nhi_revoke_entra.sandbox.state import ARM

if TYPE_CHECKING:
    from nhi_revoke_entra.sandbox.scene import Scene

SUBSCRIPTION = "1c0d7a52-0000-4000-8000-00000000ab01"


def plant(scene: Scene) -> None:
    """One door."""
    tenant, app = scene.tenant, scene.principal
    role = seed.add_azure_role(tenant, app.id, "Contributor", f"/subscriptions/{SUBSCRIPTION}", scene.then)
    token = tenant.new_token(app, ARM, scene.now())
    scene.steal(token.value)
    scene.door(
        "azure-token", "azure-role", "a live token for Azure Resource Manager lists the resource groups",
        f"entra:azure-role/{app.id}/{role.name}",
        scene.bearing(token, f"/subscriptions/{SUBSCRIPTION}/resourceGroups"),
    )  # fmt: skip
