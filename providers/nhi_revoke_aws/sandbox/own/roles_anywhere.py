"""IAM Roles Anywhere: profiles, trust anchors, the certificates that were seen, and who gets a session by them.

AWS docs: rolesanywhere API_ListProfiles, API_DisableProfile, "CreateSession" (authentication-create-session).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page
from nhi_revoke_aws.sandbox.own.trusting import add_trust, begun_by_service

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door
    from nhi_revoke_aws.sandbox.world import World

SERVICE = "rolesanywhere.amazonaws.com"
CERTIFICATE = "CN=build-07.example.com,OU=ci,O=Example"
SERIAL = "4b1d0c9a7e"
AGO = timedelta(days=140)
TRUSTS = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
"""What the trust of a role must allow the service (AWS docs: rolesanywhere trust-model)."""


@dataclass
class Thing:
    """A profile, trust anchor, subject or CRL."""

    account: str
    region: str
    id: str
    enabled: bool
    made: datetime
    parts: dict[str, Any] = field(default_factory=dict)
    """Members as the vendor names them."""

    def row(self, kind: str) -> dict[str, Any]:
        times = {"createdAt": self.made, "updatedAt": self.made}
        return {f"{kind}Id": self.id, f"{kind}Arn": self.arn(kind), "enabled": self.enabled, **times, **self.parts}

    def arn(self, kind: str) -> str:
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
            self.region.rpartition("-")[0].rpartition("-")[0], "aws"
        )
        word = {"trustAnchor": "trust-anchor"}.get(kind, kind)
        return f"arn:{partition}:rolesanywhere:{self.region}:{self.account}:{word}/{self.id}"


class RolesAnywhere(OwnService):
    """`certificates`: which anchor's CA signed a serial number. A CRL shuts out the serials of its `revoked`."""

    model: ClassVar[str] = "rolesanywhere"
    name: ClassVar[str] = "roles-anywhere"

    def __init__(self, random: Random) -> None:
        self._random = random
        self._world: World | None = None
        self.things: dict[str, list[Thing]] = {}
        """By kind: `profile`, `trustAnchor`, `subject`, `crl`."""
        self.certificates: dict[str, str] = {}
        self.revoked: dict[str, frozenset[str]] = {}
        self.clear()

    def clear(self) -> None:
        self.things = {kind: [] for kind in ("profile", "trustAnchor", "subject", "crl")}
        self.certificates = {}
        self.revoked = {}
        self._world = None

    def operations(self) -> Mapping[str, Handler]:
        lists = {
            "ListProfiles": "profile",
            "ListTrustAnchors": "trustAnchor",
            "ListSubjects": "subject",
            "ListCrls": "crl",
        }
        return {
            **{operation: self._lists(kind) for operation, kind in lists.items()},
            "GetProfile": lambda asking: {"profile": self._profile(asking).row("profile")},
            "DisableProfile": lambda asking: self._switch(asking, on=False),
            "EnableProfile": lambda asking: self._switch(asking, on=True),
        }

    def resource(self, asking: Asking) -> str:
        return self._profile(asking).arn("profile") if asking.params.get("profileId") else "*"

    def _lists(self, kind: str) -> Handler:
        def answer(asking: Asking) -> dict[str, Any]:
            here = [t.row(kind) for t in self.things[kind] if (t.account, t.region) == (asking.account, asking.region)]
            some, token = page(here, asking, token="nextToken", size="pageSize", default=50, most=1000)
            return {f"{kind}s": some, "nextToken": token}

        return answer

    def _profile(self, asking: Asking) -> Thing:
        wanted, where = str(asking.params.get("profileId")), (asking.account, asking.region)
        found = [t for t in self.things["profile"] if (t.account, t.region) == where]
        profile = next((t for t in found if wanted in (t.id, t.arn("profile"))), None)
        if profile is None:
            raise Refusal("ResourceNotFoundException", f"Profile {wanted} does not exist", 404)
        return profile

    def _switch(self, asking: Asking, *, on: bool) -> dict[str, Any]:
        profile = self._profile(asking)
        profile.enabled = on
        profile.parts["updatedAt"] = asking.now
        return {"profile": profile.row("profile")}

    # -- getting in ------------------------------------------------------------------------------------------------

    def snapshot(self, account: str, iam: Any) -> Any:
        """What is enabled, and which roles a profile names."""
        mine = {kind: [t for t in things if t.account == account] for kind, things in self.things.items()}
        return {
            "profile": {t.id: tuple(t.parts["roleArns"]) for t in mine["profile"] if t.enabled},
            "trustAnchor": frozenset(t.id for t in mine["trustAnchor"] if t.enabled),
            "revoked": frozenset(s for t in mine["crl"] if t.enabled for s in self.revoked.get(t.id, ())),
        }

    def use(self, used: Used) -> None:
        """CreateSession with a certificate: `account`, `region`, `profile`, `role`, `serial`. Raises Refusal."""
        form, world = used.form, self._world
        account = used.obeyed(form["account"])
        known = account.own.get(self.name) or {}
        anchor = self.certificates.get(form["serial"], "")
        if world is None or anchor not in known.get("trustAnchor", ()):
            raise Refusal("AccessDeniedException", "Untrusted certificate. No enabled trust anchor signed it", 403)
        if form["serial"] in known["revoked"]:
            raise Refusal("AccessDeniedException", "Certificate revoked", 403)
        if form["role"] not in known["profile"].get(form["profile"], ()):
            raise Refusal("AccessDeniedException", "The profile is not enabled, or does not name this role", 403)
        signer = next(t for t in self.things["trustAnchor"] if t.id == anchor)
        begun_by_service(
            world, account, form["role"], SERVICE, form["serial"], 3600, used.now, SourceArn=signer.arn("trustAnchor")
        )

    # -- the demo ---------------------------------------------------------------------------------------------------

    def add(self, world: World, kind: str, *, region: str = "", enabled: bool = True, **parts: Any) -> Thing:
        """One more of them in the demo's account."""
        self._world = world
        made = str(UUID(bytes=self._random.randbytes(16), version=4))
        thing = Thing(world.account, region or world.region, made, enabled, world.vendor_now() - AGO, parts)
        self.things[kind].append(thing)
        return thing

    def plant(self, world: World, role: str, *more: str, region: str = "") -> tuple[Thing, Thing]:
        """A CA that is trusted, a profile for the role (and more roles), and a certificate that was seen."""
        source = {
            "sourceType": "CERTIFICATE_BUNDLE",
            "sourceData": {"x509CertificateData": "-----BEGIN CERTIFICATE-----"},
        }
        anchor = self.add(world, "trustAnchor", region=region, name="build-ca", source=source)
        names = [role, *more]
        profile = self.add(world, "profile", region=region, name="build", roleArns=names, durationSeconds=3600)
        seen = world.vendor_now() - timedelta(hours=3)
        self.add(world, "subject", region=region, x509Subject=CERTIFICATE, lastSeenAt=seen)
        self.certificates[SERIAL] = anchor.id
        return anchor, profile

    def seed(self, scene: Scene) -> Sequence[Door]:
        """A build machine's certificate was copied: it begins sessions of the worker role."""
        world = scene.world
        role = next(r.arn for r in world.moto.iam(world.account).roles.values() if r.name == scene.worker)
        anchor, profile = self.plant(world, role)
        trusts = {"aws:SourceArn": anchor.arn("trustAnchor")}
        add_trust(scene, {"Service": SERVICE}, TRUSTS, ArnEquals=trusts)
        form = {"account": world.account, "region": world.region, "profile": profile.id, "role": role, "serial": SERIAL}
        return (
            StolenDoor(
                "aws/roles-anywhere", "roles-anywhere", "a new session of the worker role, with a stolen certificate",
                f"aws:roles-anywhere/{world.account}/{scene.worker}/{world.region}/{profile.id}",
                lambda: scene.burglar.knock(self.name, **form),
            ),
        )  # fmt: skip
