"""EKS Pod Identity: which service account gets sessions of which role, and a pod that begins them.

AWS docs: eks API_CreatePodIdentityAssociation, eks-auth API_AssumeRoleForPodIdentity. moto has the clusters' API, but
not this; clusters here are names alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from nhi_revoke_aws.sandbox import judge
from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.doors import StolenDoor
from nhi_revoke_aws.sandbox.own.service import Asking, Handler, OwnService, Scene, Used, page
from nhi_revoke_aws.sandbox.own.trusting import add_trust, begun_by_service

if TYPE_CHECKING:
    from nhi_revoke.provider.sandbox.contract import Door
    from nhi_revoke_aws.sandbox.world import World

SERVICE = "pods.eks.amazonaws.com"
CLUSTER, NAMESPACE, ACCOUNT = "payments", "billing", "worker"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
AGO = timedelta(days=90)
POD_SESSION = 6 * 3600
"""Seconds."""
MADE_OF = ("roleArn", "targetRoleArn", "disableSessionTags", "policy", "tags")


@dataclass
class Association:
    account: str
    region: str
    cluster: str
    namespace: str
    service_account: str
    id: str
    made: datetime
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def door(self) -> tuple[str, str, str, str]:
        return self.region, self.cluster, self.namespace, self.service_account

    def short(self, partition: str) -> dict[str, Any]:
        where = f"arn:{partition}:eks:{self.region}:{self.account}:podidentityassociation"
        names = {"clusterName": self.cluster, "namespace": self.namespace, "serviceAccount": self.service_account}
        return {**names, "associationId": self.id, "associationArn": f"{where}/{self.cluster}/{self.id}"}

    def whole(self, partition: str) -> dict[str, Any]:
        times = {"createdAt": self.made, "modifiedAt": self.made}
        return {**self.short(partition), **times, "disableSessionTags": False, **self.parts}


class PodIdentity(OwnService):
    model: ClassVar[str] = "eks"
    name: ClassVar[str] = "pod-identity"

    def __init__(self, random: Random) -> None:
        self._random = random
        self._world: World | None = None
        self._answered: dict[str, Association] = {}
        """By token: a request that is repeated makes nothing new."""
        self.clusters: dict[tuple[str, str], list[str]] = {}
        """By account and Region."""
        self.associations: list[Association] = []

    def clear(self) -> None:
        self._world = None
        self._answered.clear()
        self.clusters.clear()
        self.associations.clear()

    def operations(self) -> Mapping[str, Handler]:
        return {
            "ListClusters": self._list_clusters,
            "ListPodIdentityAssociations": self._list,
            "DescribePodIdentityAssociation": lambda asking: self._told(asking, self._found(asking)),
            "DeletePodIdentityAssociation": self._delete,
            "CreatePodIdentityAssociation": self._create,
        }

    def resource(self, asking: Asking) -> str:
        cluster = asking.params.get("clusterName")
        return f"arn:{asking.partition}:eks:{asking.region}:{asking.account}:cluster/{cluster}" if cluster else "*"

    def _list_clusters(self, asking: Asking) -> dict[str, Any]:
        names = self.clusters.get((asking.account, asking.region), [])
        some, token = page(names, asking, token="nextToken", size="maxResults", default=100, most=100)
        return {"clusters": some, "nextToken": token}

    def _list(self, asking: Asking) -> dict[str, Any]:
        wanted = asking.params
        rows = [
            a.short(asking.partition)
            for a in self._here(asking)
            if wanted.get("namespace") in (None, a.namespace)
            and wanted.get("serviceAccount") in (None, a.service_account)
        ]
        some, token = page(rows, asking, token="nextToken", size="maxResults", default=100, most=100)
        return {"associations": some, "nextToken": token}

    def _delete(self, asking: Asking) -> dict[str, Any]:
        found = self._found(asking)
        self.associations.remove(found)
        return self._told(asking, found)

    def _create(self, asking: Asking) -> dict[str, Any]:
        wanted, token = asking.params, str(asking.params.get("clientRequestToken") or "")
        if token in self._answered:
            return self._told(asking, self._answered[token])
        names = str(wanted["namespace"]), str(wanted["serviceAccount"])
        if any((a.namespace, a.service_account) == names for a in self._here(asking)):
            raise Refusal("ResourceInUseException", "Association already exists for this service account", 409)
        _may_pass(asking, str(wanted["roleArn"]))
        parts = {key: wanted[key] for key in MADE_OF if wanted.get(key)}
        made = self._add(asking.account, asking.region, str(wanted["clusterName"]), *names, asking.now, parts)
        if token:
            self._answered[token] = made
        return self._told(asking, made)

    def _here(self, asking: Asking) -> list[Association]:
        """Raises Refusal."""
        cluster = str(asking.params["clusterName"])
        if cluster not in self.clusters.get((asking.account, asking.region), []):
            raise Refusal("ResourceNotFoundException", f"No cluster found for name: {cluster}.", 404)
        where = (asking.account, asking.region, cluster)
        return [a for a in self.associations if (a.account, a.region, a.cluster) == where]

    def _found(self, asking: Asking) -> Association:
        """Raises Refusal."""
        wanted = str(asking.params["associationId"])
        found = next((a for a in self._here(asking) if a.id == wanted), None)
        if found is None:
            raise Refusal("ResourceNotFoundException", f"The association {wanted} does not exist.", 404)
        return found

    def _told(self, asking: Asking, found: Association) -> dict[str, Any]:
        return {"association": found.whole(asking.partition)}

    def _add(
        self, account: str, region: str, cluster: str, namespace: str, name: str, at: datetime, parts: dict[str, Any]
    ) -> Association:
        made = "a-" + "".join(self._random.choices(LETTERS, k=17))
        association = Association(account, region, cluster, namespace, name, made, at, parts)
        self.associations.append(association)
        return association

    # -- getting in ------------------------------------------------------------------------------------------------

    def snapshot(self, account: str, iam: Any) -> Any:
        """Which role the pods of a service account get."""
        return {a.door: str(a.parts["roleArn"]) for a in self.associations if a.account == account}

    def use(self, used: Used) -> None:
        """AssumeRoleForPodIdentity from inside a pod: `account`, `region`, `cluster`, `namespace`, `service_account`.

        Raises Refusal.
        """
        form = used.form
        account = used.obeyed(form["account"])
        door = (form["region"], form["cluster"], form["namespace"], form["service_account"])
        role = (account.own.get(self.name) or {}).get(door)
        if role is None or self._world is None:
            raise Refusal("AccessDeniedException", "No association found for this service account", 403)
        name = f"eks-{form['cluster']}-{form['service_account']}"
        begun_by_service(self._world, account, role, SERVICE, name, POD_SESSION, used.now)

    # -- the demo ---------------------------------------------------------------------------------------------------

    def plant(
        self, world: World, cluster: str, namespace: str, name: str, *, region: str = "", **parts: Any
    ) -> Association:
        """An association in the demo's account, and its cluster where there is none yet."""
        self._world = world
        region = region or world.region
        known = self.clusters.setdefault((world.account, region), [])
        if cluster not in known:
            known.append(cluster)
        return self._add(world.account, region, cluster, namespace, name, world.vendor_now() - AGO, parts)

    def seed(self, scene: Scene) -> Sequence[Door]:
        """The worker runs as a pod, too, and the intruder is inside that pod."""
        world = scene.world
        role = next(r.arn for r in world.moto.iam(world.account).roles.values() if r.name == scene.worker)
        self.plant(world, CLUSTER, NAMESPACE, ACCOUNT, roleArn=role)
        add_trust(scene, {"Service": SERVICE}, ["sts:AssumeRole", "sts:TagSession"])
        slot = f"{world.region}/{CLUSTER}/{NAMESPACE}/{ACCOUNT}"
        form = {"account": world.account, "region": world.region, "cluster": CLUSTER, "namespace": NAMESPACE}
        return (
            StolenDoor(
                "aws/pod-identity", "pod-identity", "a new session of the worker role, from inside its pod",
                f"aws:pod-identity/{world.account}/{scene.worker}/{slot}",
                lambda: scene.burglar.knock(self.name, service_account=ACCOUNT, **form),
            ),
        )  # fmt: skip


def _may_pass(asking: Asking, role: str) -> None:
    """Whoever gives pods a role must be allowed to pass it (AWS docs: id_roles_use_passrole). Raises Refusal."""
    caller = asking.caller
    if caller.root:
        return
    context = {**caller.context(asking.now), "iam:passedtoservice": (SERVICE,)}
    decision = judge.judged(caller, "iam:PassRole", role, context)
    if not decision.allowed:
        raise judge.refused(caller, "iam:PassRole", role, decision)
