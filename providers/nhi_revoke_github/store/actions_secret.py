"""`github-actions:OWNER/REPO/NAME` and its like: staged under a name that no workflow reads, then written.

GitHub gives no secret back: what is proven is that it took the sealed value, and when. So the former value is known to
nobody here: serving cannot be taken back, and after a crash nothing can be taken up again: a new one is minted.
OpenAPI: actions/create-or-update-repo-secret, …-environment-secret, …-org-secret, dependabot/….
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Fault, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke.provider.times import moment
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.permissions import ACTIONS, DEPENDABOT_SECRETS, ENVIRONMENTS, ORG_SECRETS, SECRETS
from nhi_revoke_github.store.running import still_running
from nhi_revoke_github.store.sealing import FORMS, SCHEME, Place, value_of

NAMESPACE = uuid.UUID("9b0c6a0e-53a5-5b3e-9c5b-7f0a4b1c2d3e")
"""Of the names of what is staged: the same run and mint give the same name, also after a crash."""
PERMISSIONS = tuple(p for each in (SECRETS, ENVIRONMENTS, DEPENDABOT_SECRETS, ORG_SECRETS) for p in each)
"""Those of the namespace that is written to are needed."""
UNREADABLE = "GitHub gives no secret back, so that its content cannot be compared"
UNREAD: Json = {"unread": "GitHub gives no secret back"}
NO_WAY_BACK = "GitHub gives no secret back: the former value is known to nobody here"
BY_HAND = "put the former value in from the workload's own backup: gh secret set NAME"


def staged_name(place: Place, step: Step, run: Run) -> str:
    """One for each run, mint and address."""
    token = uuid.uuid5(NAMESPACE, "/".join((run.id, step.takes or "", step.to))).hex[:12]
    return f"{place.at.name}__NHI_STAGED_{token}".upper()


class Stage(Doer[GithubConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS
    says: ClassVar[str] = (
        "writes the new value into a secret beside it, which no workflow reads; it cannot be read back"
    )
    undone: ClassVar[str] = "deletes the secret beside it"
    survives: ClassVar[str] = "who may push a workflow can read the staged one as well, until it is served"
    source: ClassVar[str] = "OpenAPI: actions/create-or-update-repo-secret"

    def check(self, conn: GithubConnection, step: Step) -> Impossible | None:
        try:
            place = Place(conn, step.to)
        except Rejected as fault:
            return Impossible(fault.message, f"{SCHEME}:{FORMS}")
        if place.at.org and place.read() is None:
            why = f"organisation {place.at.owner} has no secret {place.at.name}: nobody has said who may read it"
            return Impossible(
                why, f"create it once: gh secret set {place.at.name} --org {place.at.owner} --visibility …"
            )
        place.read()  # whether its place can be seen at all, before there is a secret
        return None

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        place, secret = Place(conn, step.to), run.take(step.takes or "")
        name = staged_name(place, step, run)
        # Its name is this run's and mint's alone: written twice, it is the same.
        place.put(name, value_of(secret, place.at.field), **place.nobody())
        return Done({"secret": place.at.name, "staged": name, **UNREAD}, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        """Once served it is gone, and the secret itself was written since: that counts as well."""
        place, left = Place(conn, step.to), run.left(step.id)
        name = staged_name(place, step, run)
        staged = place.read(name)
        if staged is not None:
            return {"secret": place.at.name, "staged": name, "written": str(staged["updated_at"]), **UNREAD}
        present, written = place.read(), left.get("written")
        if present is not None and written and _at(present) >= datetime.fromisoformat(str(written)):
            return left
        return None

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"GitHub lists it, sealed for its own key. {UNREADABLE}")

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        place = Place(conn, step.to)
        gone = place.delete(str(left.get("staged") or staged_name(place, step, run)))
        return Done({"staged": None}, conn.now()) if gone else Already({"staged": None})


class Serve(Doer[GithubConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = (*PERMISSIONS, ACTIONS.read)
    says: ClassVar[str] = "writes the secret, under its present visibility, and deletes the staged one"
    survives: ClassVar[str] = (
        "runs that were queued before, and jobs of an environment that began before, still hold the old value"
    )
    source: ClassVar[str] = (
        "OpenAPI: actions/create-or-update-repo-secret, actions/create-or-update-org-secret; GitHub docs: reference/"
        "security/secrets"
    )
    reversible: ClassVar[bool] = False

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        place, secret = Place(conn, step.to), run.take(step.takes or "")
        name, former = staged_name(place, step, run), place.read()
        place.put(place.at.name, value_of(secret, place.at.field), **place.reach())
        present = place.read()
        left: Json = {"secret": place.at.name, "written": str(present["updated_at"]) if present else ""}
        # Whoever has the old one by now: before, there was one only if the secret was there.
        said = [still_running(conn, place.at, _at(present) if present else None)] if former else []
        left["overwritten"] = former is not None
        try:
            place.delete(name)
        except Fault:  # it is served: what could not be removed is told, and removed at finish
            left["staged"] = name
            said.append(f"secret {name} still holds the new credential: `finish` deletes it")
        told = "; ".join(filter(None, said))
        return Done({**left, **({"leaves": told} if told else {})}, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        """Only a time tells that it is our value. Without an answer, whoever still has the secret writes it again;
        after a crash it counts as ours where it was written since ours was staged: a new one, minted in its place,
        would break the workflows that have this one.
        """
        place, left = Place(conn, step.to), run.left(step.id)
        present = place.read()
        if present is None:
            return None
        if left.get("written"):
            return left if _at(present) == datetime.fromisoformat(str(left["written"])) else None
        staged = moment(run.left(step.id.replace("serve", "stage", 1)).get("written"))
        if run.holds(step.takes or "") or staged is None or _at(present) < staged:
            return None
        return {"secret": place.at.name, "written": str(present["updated_at"]), "overwritten": True, "unheard": True}

    def prove(self, conn: GithubConnection, step: Step, run: Run) -> Proven:
        written = run.left(step.id).get("written")
        if run.left(step.id).get("unheard"):
            how = f"written {written}, after ours was staged; no answer was heard, so that it is ours nobody can tell"
            return Proven(Proof.REQUESTED, f"{how}. {UNREADABLE}")
        return Proven(Proof.RECORDED, f"GitHub took it, and tells that it was written {written}. {UNREADABLE}")

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        return Impossible(NO_WAY_BACK, BY_HAND)


class Forget(Doer[GithubConnection]):
    """At `finish`: nothing of the former value is kept; what is still staged goes."""

    name: ClassVar[str] = "forget"
    phase: ClassVar[Phase] = Phase.FINISH
    permissions: ClassVar[tuple[str, ...]] = (*PERMISSIONS, ACTIONS.read)
    says: ClassVar[str] = "deletes what is still staged, and names runs that may still hold the former value"
    source: ClassVar[str] = "OpenAPI: actions/delete-repo-secret"
    reversible: ClassVar[bool] = False

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        place = Place(conn, step.to)
        gone = place.delete(staged_name(place, step, run))
        left = _forgotten(conn, place, step, run)
        return Done(left, conn.now()) if gone else Already(left)

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        place = Place(conn, step.to)
        if place.read(staged_name(place, step, run)) is not None:
            return None
        return run.left(step.id) or _forgotten(conn, place, step, run)


class GithubActionsSecrets(Store[GithubConnection]):
    name: ClassVar[str] = SCHEME
    says: ClassVar[str] = (
        f"Secrets of GitHub Actions, environments, Dependabot and organisations: {FORMS}; with #FIELD one field alone, "
        "with #* all as JSON; a format is the whole secret, since what it holds cannot be read"
    )
    unit: ClassVar[Unit] = "text"
    keeps: ClassVar[str] = "the former value is overwritten, and kept nowhere"
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: GithubConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        """Never: GitHub gives no secret back."""
        return None


def _at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(row["updated_at"]))


def _forgotten(conn: GithubConnection, place: Place, step: Step, run: Run) -> Json:
    """`finish` names its steps after those that they finish."""
    served = run.left(step.id.removeprefix("finish-"))
    told = still_running(conn, place.at, moment(served.get("written"))) if served.get("overwritten") else ""
    return {"staged": None, **({"leaves": told} if told else {})}
