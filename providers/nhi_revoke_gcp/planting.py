"""Methods of Admin Activity logs that leave something behind, and what an entry says of it. Pure.

Google Cloud docs: iam/docs/audit-logging, api-keys/docs/audit-logging (names of methods),
examples-service-accounts (where an entry names whom it is about); gcloud's reference for the commands. What is not here
is told by its own name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke_gcp.audit_entry import ACCOUNT as MEMBER
from nhi_revoke_gcp.audit_entry import Entry
from nhi_revoke_gcp.naming import ACCOUNT, EMAIL, PROVIDER, canonical
from nhi_revoke_gcp.policy import ROLES

ANY = ""
IAM, API_KEYS = "iam", "apikeys"
POOLS = "gcloud iam workload-identity-pools"
WHERE = re.compile(r"(?://[a-z0-9.-]+/)?(projects|folders|organizations)/([^/]+)")
POOL = re.compile(r"projects/(?P<project>[^/]+)/locations/[^/]+/workloadIdentityPools/(?P<pool>[^/]+)")
ON_POLICY = {
    "projects": "gcloud projects remove-iam-policy-binding",
    "folders": "gcloud resource-manager folders remove-iam-policy-binding",
    "organizations": "gcloud organizations remove-iam-policy-binding",
}


class Plant(Struct, frozen=True):
    """One method."""

    says: str
    kind: str = ACCOUNT
    """Of what it is done to, in the words of a reference."""
    name: tuple[str, ...] = ()
    """Where the payload names that; else its `resourceName`."""
    detail: tuple[str, ...] = ()
    """Where it names what was made there; its last part is told."""
    hand: str = ""
    """The command that looks at it or ends it: `{name}`, `{tail}`, `{where}`, `{pool}`."""
    listed: bool = False
    """On the plan's own account the lists show it: nothing needs to be told."""


_MADE, _ASKED = ("response.name",), ("request.name",)
_ROLE = "gcloud iam roles describe {tail} {where}"
_BOUND = ("response.serviceAccountEmail",)
_API_KEY_END, _API_KEY_SEEN = "gcloud services api-keys delete {name}", "gcloud services api-keys describe {name}"
_POOL_SEEN = f"{POOLS} describe {{pool}} --location=global {{where}}"

PLANTS: dict[tuple[str, str], Plant] = {
    (IAM, "createserviceaccount"): Plant("created this account"),
    (IAM, "undeleteserviceaccount"): Plant("brought this account back"),
    (IAM, "enableserviceaccount"): Plant("enabled this account", listed=True),
    (IAM, "disableserviceaccount"): Plant("disabled this account", listed=True),
    (IAM, "deleteserviceaccount"): Plant("deleted this account"),
    (IAM, "createserviceaccountkey"): Plant("made a key of it", detail=_MADE, listed=True),
    (IAM, "uploadserviceaccountkey"): Plant("uploaded a key for it", detail=_MADE, listed=True),
    (IAM, "enableserviceaccountkey"): Plant("enabled a key of it", detail=_ASKED, listed=True),
    (IAM, "disableserviceaccountkey"): Plant("disabled a key of it", detail=_ASKED, listed=True),
    (IAM, "deleteserviceaccountkey"): Plant("deleted a key of it", detail=_ASKED),
    (IAM, "createrole"): Plant("made this custom role", "role", _MADE, hand=_ROLE),
    (IAM, "updaterole"): Plant("changed this custom role", "role", _MADE, hand=_ROLE),
    (IAM, "undeleterole"): Plant("brought this custom role back", "role", _MADE, hand=_ROLE),
    **{
        (IAM, f"{verb}workloadidentitypool{part}"): Plant(
            f"{did} {what}, through which other systems may sign in", "pool", hand=_POOL_SEEN
        )
        for verb, did in (("create", "made"), ("update", "changed"), ("undelete", "brought back"))
        for part, what in (
            ("", "this workload identity pool"),
            ("provider", "a provider of this workload identity pool"),
            ("providerkey", "a provider's key of this workload identity pool"),
        )
    },
    (IAM, "createpolicy"): Plant("attached this deny policy", "deny-policy"),
    (IAM, "updatepolicy"): Plant("changed this deny policy", "deny-policy"),
    (IAM, "deletepolicy"): Plant("took this deny policy off", "deny-policy"),
    (API_KEYS, "createkey"): Plant("made this API key", "api-key", _MADE, _BOUND, _API_KEY_END),
    (API_KEYS, "undeletekey"): Plant("brought this API key back", "api-key", _MADE, hand=_API_KEY_END),
    (API_KEYS, "updatekey"): Plant("changed this API key", "api-key", _MADE, hand=_API_KEY_SEEN),
}  # fmt: skip
"""By service and the end of the method's name, in small letters."""
SETS_POLICY = ("setiampolicy", "setiampermissions")
"""Of any service: the policy of something was changed."""


class Act(Struct, frozen=True):
    """One thing that was done."""

    says: str
    on: PrincipalRef
    at: datetime
    by: str
    """Address of the account that did it."""
    details: str = ""
    hand: str = ""
    known: bool = True
    listed: bool = False
    takes: bool = False
    """It took something away: nothing is left behind that opens anything."""


def acts_of(entry: Entry) -> Iterable[Act]:
    """What one entry says. A method that is not known is an act, too."""
    service = entry.service.partition(".")[0]
    word = entry.method.lower().rpartition(".")[2]
    if word in SETS_POLICY:
        yield from _policy_acts(entry)
        return
    plant = PLANTS.get((service, word))
    if plant is None:
        on = _account(entry) or PrincipalRef(PROVIDER, "resource", entry.resource or entry.service or "not-named")
        yield Act(f'did "{entry.method or "a method without a name"}"', on, entry.at, entry.actor, known=False)
        return
    name = next(filter(None, (entry.field(*path.split(".")) for path in plant.name)), "") or entry.resource
    account = _account(entry) if plant.kind == ACCOUNT else None
    on = account or PrincipalRef(PROVIDER, plant.kind, name or "not-named")
    details = next(filter(None, (entry.field(*path.split(".")) for path in plant.detail)), "").rpartition("/")[2]
    yield Act(
        plant.says, on, entry.at, entry.actor, details, _command(plant.hand, name),
        listed=plant.listed, takes=plant.says.startswith(("deleted", "disabled")),
    )  # fmt: skip


def _account(entry: Entry) -> PrincipalRef | None:
    """The account that an entry is about: examples-service-accounts has it in the answer, or among the labels."""
    for told in (entry.field("response", "email"), entry.email):
        if EMAIL.fullmatch(told):
            return canonical(told)
    return None


def _policy_acts(entry: Entry) -> Iterable[Act]:
    """One for each member; where the entry does not tell them, one for all."""
    owner = _account(entry) if entry.service.startswith(f"{IAM}.") else None
    policy = owner or PrincipalRef(PROVIDER, "policy", entry.resource or "not-named")
    told = list(entry.deltas())
    if not told:
        yield Act("changed the policy of this", policy, entry.at, entry.actor)
    for action, role, member in told:
        added, who = action == "ADD", member.removeprefix(MEMBER)
        if owner is not None:
            listed = added and (role in ROLES or not role.startswith("roles/"))
            says = "let somebody in by its policy" if added else "took somebody out of its policy"
            hand = f"gcloud iam service-accounts remove-iam-policy-binding {owner.id} {_binding(role, member)}"
            yield Act(
                says, owner, entry.at, entry.actor, f"{member} as {role}", hand if added else "",
                listed=listed, takes=not added,
            )  # fmt: skip
            continue
        account = canonical(who) if member.startswith(MEMBER) and EMAIL.fullmatch(who) else None
        says = "gave it a role" if added else "took a role from it"
        if account is None:
            says = "gave a role in this policy" if added else "took a role away in this policy"
        details = f"{role} in {entry.resource}" if account else f"{role} to {member}"
        hand = _unbinding(entry.resource, role, member) if added else ""
        yield Act(says, account or policy, entry.at, entry.actor, details, hand, takes=not added)


def _binding(role: str, member: str) -> str:
    return f"{shlex.quote(f'--member={member}')} {shlex.quote(f'--role={role}')}"


def _unbinding(resource: str, role: str, member: str) -> str:
    """Of a project, a folder or an organisation; a policy of anything else has a command of its own."""
    found = WHERE.fullmatch(resource)
    if found is None:
        return ""
    return f"{ON_POLICY[found[1]]} {shlex.quote(found[2])} {_binding(role, member)}"


def _command(template: str, name: str) -> str:
    """Empty where a part is not told: no command is better than a wrong one."""
    found, pool = WHERE.match(name), POOL.match(name)
    where = {"projects": "--project", "organizations": "--organization"}.get(found[1], "") if found else ""
    parts = {
        "name": shlex.quote(name) if name else "",
        "tail": shlex.quote(name.rpartition("/")[2]) if name else "",
        "where": f"{where}={shlex.quote(found[2])}" if found and where else "",
        "pool": shlex.quote(pool["pool"]) if pool else "",
    }
    missing = any(f"{{{part}}}" in template and not value for part, value in parts.items())
    return "" if missing else template.format(**parts)
