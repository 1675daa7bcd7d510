"""What Cloud Run and Compute Engine run, of one project: whose environment holds an id, or refers to a secret, or which
run as the account.

Google Cloud docs: run v1 (env, valueFrom.secretKeyRef whose `key` is a version, volumes; the annotation
`run.googleapis.com/secrets` gives secrets of other projects a name of its own). Values are compared in memory; what is
kept of a variable is its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from nhi_revoke.model.consumer import Basis, Consumer, Mark, Sought
from nhi_revoke.model.identity import Principal
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.evidence import marks_in
from nhi_revoke.provider.http import segment
from nhi_revoke.provider.seeking import owners, told
from nhi_revoke_gcp.attached_workloads import JOB, MACHINE, REGION, Listing, Workload, pages, template_of
from nhi_revoke_gcp.connection import GcpConnection
from nhi_revoke_gcp.consumers.secrets import Place
from nhi_revoke_gcp.naming import COMPUTE, PROVIDER
from nhi_revoke_gcp.universe import RUN

KIND = "gcp:workload"
ALIASES = "run.googleapis.com/secrets"
LATEST = "latest"
STRONGEST: tuple[Basis, ...] = ("id", "reference", "use", "name")
UPDATES = {"Cloud Run service": "services", "Cloud Run job": "jobs", "Cloud Run worker pool": "worker-pools"}


class Pointer(Struct, frozen=True):
    """A variable or a volume that refers to a secret."""

    where: str
    project: str
    secret: str
    version: str


class Runs(Struct, frozen=True):
    """One workload, reduced."""

    workload: Workload
    marked: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    """By variable."""
    pointers: tuple[Pointer, ...] = ()

    @property
    def told(self) -> str:
        one = self.workload
        return f"{one.sort} {one.name} in {one.project}/{one.where}"


def runs_in(conn: GcpConnection, project: str, listing: Listing, sought: Sought) -> tuple[list[Runs], tuple[str, ...]]:
    """And regions that did not answer. Raises the faults of the contract."""
    if listing.sort == MACHINE:
        machines = listing.read(conn, project)
        return [Runs(one) for one in machines.workloads], machines.unreached
    found, unreached = list[Runs](), list[str]()
    path = listing.path.format(project=segment(project))
    for page in pages(conn, RUN, path, listing.needs, "limit", "continue",
                      lambda body: str((body.get("metadata") or {}).get("continue") or "")):  # fmt: skip
        unreached += [str(each) for each in page.get("unreachable") or ()]
        found += [_runs(project, listing.sort, row, sought) for row in page.get("items") or ()]
    return found, tuple(dict.fromkeys(unreached))


def consumer(one: Runs, places: Mapping[tuple[str, str], Place], sought: Sought) -> Consumer | None:
    """None where nothing of the identity shows in it."""
    found: list[tuple[Basis, str, tuple[PrincipalRef, ...]]] = [
        ("id", f"its variable {name} holds {told(marks)}", owners(marks)) for name, marks in one.marked
    ]
    pinned = []
    for each in one.pointers:
        if (place := places.get((each.project, each.secret))) is not None:
            basis: Basis = "name" if place.basis == "name" else "reference"
            found.append((basis, f"its {each.where} refers to {place.told} ({place.why})", place.of))
            pinned += [each.where] if each.version not in ("", LATEST) else []
    by_hand = _by_hand(one, pinned) if found else ""  # what only runs as the account reads no credential
    found += [
        ("reference", f"it runs as {who.name}, without any key", (who.ref,))
        for who in sought.principals
        if who.ref.provider == PROVIDER and _runs_as(one.workload, who)
    ]
    if not found:
        return None
    basis = min((each[0] for each in found), key=STRONGEST.index)
    strongest = [each for each in found if basis != "name" or each[0] == basis]
    sort = "GET …/aggregated/instances" if one.workload.sort == MACHINE else "GET …/namespaces/…"
    return Consumer(
        what=one.told,
        scope=one.workload.project,
        basis=basis,
        why="; ".join(dict.fromkeys(words for _, words, _ in strongest)),
        evidence=sort,
        of=tuple(dict.fromkeys(ref for _, _, of in strongest for ref in of)),
        by_hand=by_hand,
    )


def _runs_as(one: Workload, who: Principal) -> bool:
    """What names no account runs as its project's default one."""
    is_default = bool(COMPUTE.fullmatch(who.ref.id)) and who.scope == one.project
    return one.account == who.ref.id or (not one.account and is_default)


def _by_hand(one: Runs, pinned: Sequence[str]) -> str:
    at = one.workload
    names = ", ".join((*(f"variable {name}" for name, _ in one.marked), *pinned))
    written = f"Write the new one into its {names}. " if names else ""
    noun = UPDATES.get(at.sort, "services")
    typed = f"gcloud run {noun} update {at.name} --region {at.where} --project {at.project}"
    if at.sort == JOB:
        return f"{written}Its next execution reads what is latest then; {typed} changes it"
    return f"{written}A new revision reads the latest version once the new one is delivered: {typed}"


def _runs(project: str, sort: str, row: Mapping[str, Any], sought: Sought) -> Runs:
    about = row.get("metadata") or {}
    template = template_of(row, sort)
    where = str((about.get("labels") or {}).get(REGION) or "")
    account = str(template.get("serviceAccountName") or "").lower()
    workload = Workload(sort, project, where, str(about.get("name") or ""), account)
    variables = [each for container in template.get("containers") or () for each in container.get("env") or ()]
    marked = tuple(
        (str(each.get("name")), tuple(there))
        for each in variables
        if (there := marks_in(str(each.get("value") or ""), sought.marks))
    )
    return Runs(workload, marked, tuple(_pointers(project, template, variables, _aliases(row))))


def _pointers(
    project: str,
    template: Mapping[str, Any],
    variables: Iterable[Mapping[str, Any]],
    aliases: Mapping[str, Sequence[str]],
) -> Iterable[Pointer]:
    for each in variables:
        if ref := (each.get("valueFrom") or {}).get("secretKeyRef"):
            at = aliases.get(str(ref.get("name")), (project, str(ref.get("name"))))
            yield Pointer(f"variable {each.get('name')}", at[0], at[1], str(ref.get("key") or ""))
    for volume in template.get("volumes") or ():
        if secret := volume.get("secret"):
            at = aliases.get(str(secret.get("secretName")), (project, str(secret.get("secretName"))))
            items: Sequence[Mapping[str, Any]] = secret.get("items") or ({},)
            for item in items:
                yield Pointer(f"volume {volume.get('name')}", at[0], at[1], str(item.get("key") or ""))


def _aliases(row: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Of secrets of other projects: `alias:projects/NUMBER/secrets/NAME`, with commas between."""
    found: dict[str, tuple[str, str]] = {}
    for meta in (row.get("metadata") or {}, ((row.get("spec") or {}).get("template") or {}).get("metadata") or {}):
        for part in str((meta.get("annotations") or {}).get(ALIASES) or "").split(","):
            alias, _, path = part.strip().partition(":")
            parts = path.split("/")
            if len(parts) == 4 and parts[::2] == ["projects", "secrets"]:
                found[alias] = (parts[1], parts[3])
    return found
