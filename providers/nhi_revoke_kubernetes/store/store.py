"""`kubernetes:NAMESPACE/SECRET[#key]`: looked at, and written once the new one is proven.

A Secret has no place beside what is read, and Kubernetes keeps nothing of what it held. So nothing is written before
the proof; and then the former values of the keys that are written go into a Secret of their own first, until `finish`.
A write names the resourceVersion that it was merged into: where somebody wrote meanwhile, it is merged anew.
"""

from __future__ import annotations

from typing import ClassVar

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer, Store, Unit
from nhi_revoke.provider.fault import Conflict, Denied, Fault, Missing, Rejected
from nhi_revoke.provider.io import Run
from nhi_revoke.provider.secret import Secret
from nhi_revoke_kubernetes.connection import KubernetesConnection, May
from nhi_revoke_kubernetes.permissions import ACCESS_REVIEW, CREATE_SECRET, DELETE_SECRET, GET_SECRET, PATCH_SECRET
from nhi_revoke_kubernetes.store.address import (
    A_KEY,
    FORM,
    SCHEME,
    Address,
    field_of,
    former_of,
    manager_of,
    parse_address,
)
from nhi_revoke_kubernetes.store.copies import copies_of, says
from nhi_revoke_kubernetes.store.forget import Forget
from nhi_revoke_kubernetes.store.held import Held, encoded
from nhi_revoke_kubernetes.store.objects import Objects

NEEDED = (GET_SECRET, PATCH_SECRET, CREATE_SECRET, DELETE_SECRET)
UNWRITTEN = "a Secret has no place beside what is read: it is written once the new one is proven"
KEPT = "its former values are kept beside it in a Secret of their own, until finish"
MERGED_ANEW = 5
"""How often a write is tried where others write at the same moment."""
UNDONE = "undone"


class Stage(Doer[KubernetesConnection]):
    name: ClassVar[str] = "stage"
    phase: ClassVar[Phase] = Phase.DELIVER
    permissions: ClassVar[tuple[str, ...]] = (GET_SECRET, ACCESS_REVIEW)
    says: ClassVar[str] = "looks whether the Secret can be written, and writes nothing: what is written is read at once"
    undone: ClassVar[str] = "nothing was written"
    source: ClassVar[str] = "Kubernetes docs: concepts/configuration/secret, reference/access-authn-authz/authorization"

    def check(self, conn: KubernetesConnection, step: Step) -> Impossible | None:
        try:
            at = parse_address(step.to)
        except Rejected as fault:
            return Impossible(fault.message, fault.hint)
        if lacking := conn.lacks(_wanted(at)):
            said = ", ".join(each.told for each in lacking)
            by_hand = f"a Role has to allow it: kubectl auth can-i {lacking[0].told}"
            return Impossible(f"the operator lacks {said}", by_hand)
        present = Objects(conn, at).read()
        if present is None:
            by_hand = (
                f"Correct deliver in the map, or make it: kubectl create secret generic {at.name} -n {at.namespace}"
            )
            return Impossible(f"there is no {at.word}", by_hand)
        if why := present.unfit(at):
            return Impossible(f"{at.word} takes no credential: {why}", _elsewhere(at, present))
        return None

    def apply(self, conn: KubernetesConnection, step: Step, run: Run) -> Change:
        return Done(_looked(conn, step), conn.now())

    def seen(self, conn: KubernetesConnection, step: Step, run: Run) -> Json | None:
        return run.left(step.id) or _looked(conn, step)

    def prove(self, conn: KubernetesConnection, step: Step, run: Run) -> Proven:
        return Proven(Proof.RECORDED, f"Kubernetes shows the Secret. {UNWRITTEN}")

    def undo(self, conn: KubernetesConnection, step: Step, left: Json, run: Run) -> Change:
        return Already({"written": None})


class Serve(Doer[KubernetesConnection]):
    name: ClassVar[str] = "serve"
    phase: ClassVar[Phase] = Phase.SERVE
    permissions: ClassVar[tuple[str, ...]] = NEEDED
    says: ClassVar[str] = (
        "keeps the former values in a Secret of their own (NAME-nhi-revoke-RUN), writes the new ones over them only "
        "where nobody wrote meanwhile, and reads them back"
    )
    undone: ClassVar[str] = "the former values are put back from the Secret that keeps them, until finish"
    survives: ClassVar[str] = (
        "pods that took the old one into their environment, or mount it by subPath, until they are restarted; volumes "
        "show the new one once the kubelet has synced; the former values, until finish"
    )
    source: ClassVar[str] = "Kubernetes docs: concepts/configuration/secret, reference/using-api/api-concepts"

    def apply(self, conn: KubernetesConnection, step: Step, run: Run) -> Change:
        at, new = parse_address(step.to), run.take(step.takes or "")
        objects, former, manager = Objects(conn, at), former_of(at, step, run), manager_of(run)
        keys = at.keyed.keys({"field": new.field, "public": new.public})
        if unfit := [key for key in keys if not A_KEY.fullmatch(key)]:
            return Failed(f"{unfit[0]!r} cannot be a key of a Secret: nothing was written")
        for _ in range(MERGED_ANEW):
            present = objects.read()
            if present is None:
                return Failed(f"{at.word} is gone: nothing was written")
            # What an answer that was lost may hide is looked for before anything is written again.
            if present.holds(at, new):
                return Already(_served(conn, objects, present, keys, former, step, run))
            if why := present.unfit(at):
                return Failed(f"{at.word} takes no credential: {why}. Nothing was written")
            try:
                written = at.keyed.changes(present.texts, new)
                objects.keep(former, present, written, run=run.id, manager=manager)
                data = {key: encoded(value) for key, value in written.items()}
                objects.patch(data, present.version, mark=run.id, manager=manager)
            except Conflict:
                continue
            except (Denied, Rejected, Missing) as refused:
                if said := _let_go(objects, former, run):
                    return Failed(f"{refused.message}; {said}", getattr(refused, "needs", ""))
                raise
            made = objects.read()
            if made is None or not made.holds(at, new):
                return Failed(f"{at.word} does not show what was written: somebody wrote over it at once")
            return Done(_served(conn, objects, made, keys, former, step, run), conn.now())
        said = _let_go(objects, former, run) or "nothing was written"
        return Failed(f"others write {at.word} all the time: it was merged anew each time; {said}")

    def seen(self, conn: KubernetesConnection, step: Step, run: Run) -> Json | None:
        """Read back: our values, where this process holds them; else what Kubernetes keeps of who wrote them."""
        at, left, mint = parse_address(step.to), run.left(step.id), step.takes or ""
        objects = Objects(conn, at)
        present = objects.read()
        if present is None:
            return None
        if run.holds(mint):
            new = run.take(mint)
            keys, is_ours = at.keyed.keys({"field": new.field, "public": new.public}), present.holds(at, new)
        else:
            keys = _keys(at, left, run, mint)
            is_ours = _as_left(present, keys, left, run)
        if not is_ours:
            return None
        return left or _served(conn, objects, present, keys, former_of(at, step, run), step, run)

    def undo(self, conn: KubernetesConnection, step: Step, left: Json, run: Run) -> Change:
        at = parse_address(step.to)
        objects, keys = Objects(conn, at), _keys(at, left, run, step.takes or "")
        former, back = former_of(at, step, run), f"{run.id} {UNDONE}"
        after: Json = {"secret": at.word, "put_back": list(keys)}
        for _ in range(MERGED_ANEW):
            present, kept = objects.read(), objects.read(former)
            if present is None:
                return Failed(f"{at.word} is gone: nothing was changed")
            if not _as_left(present, keys, left, run):
                is_back = present.marked == back or bool(kept and _same(present, kept, keys))
                if not (is_back or not left):
                    return Failed(f"{at.word} is not as this run left it: nothing was changed")
                objects.drop(former, run=run.id)
                return Already(after)
            if kept is None and left.get("kept"):
                why = f"the former values of {at.word} are kept nowhere any more"
                return Impossible(why, f"Put them in anew: kubectl edit secret {at.name} -n {at.namespace}")
            data = {key: kept.data.get(key) if kept else None for key in keys}
            try:
                objects.patch(data, present.version, mark=back, manager=f"{manager_of(run)}-{UNDONE}")
            except Conflict:
                continue
            said = _let_go(objects, former, run)
            return Done({**after, "leaves": said} if said else after, conn.now())
        return Failed(f"others write {at.word} all the time: nothing was changed")


class SecretStore(Store[KubernetesConnection]):
    name: ClassVar[str] = SCHEME
    says: ClassVar[str] = f"a Secret of Kubernetes: {FORM}"
    unit: ClassVar[Unit] = "keys"
    beside: ClassVar[bool] = False
    keeps: ClassVar[str] = KEPT
    stage = Stage()
    serve = Serve()
    forget = Forget()

    def recall(self, conn: KubernetesConnection, step: Step, run: Run, shape: Secret) -> Secret | None:
        """By who last changed the keys, as Kubernetes keeps it: a value of before is never taken for the new one."""
        at = parse_address(step.to)
        present = Objects(conn, at).read()
        keys = at.keyed.keys({"field": shape.field, "public": shape.public})
        if present is None or not present.mine(keys, manager_of(run), run.id):
            return None
        return present.taken(at, shape)


def _wanted(at: Address) -> list[May]:
    named = [May(verb, "secrets", at.namespace, at.name) for verb in ("get", "patch")]
    return [*named, *(May(verb, "secrets", at.namespace) for verb in ("create", "delete"))]


def _looked(conn: KubernetesConnection, step: Step) -> Json:
    at = parse_address(step.to)
    present = Objects(conn, at).read()
    if present is None:
        raise Missing(f"there is no {at.word}")
    return {"secret": at.word, "version": present.version, "unwritten": f"{UNWRITTEN}; {KEPT}"}


def _served(
    conn: KubernetesConnection,
    objects: Objects,
    present: Held,
    keys: tuple[str, ...],
    former: str,
    step: Step,
    run: Run,
) -> Json:
    """`keys`: what was written. `former`: the Secret that keeps what stood there, if anything did."""
    at, kept = objects.at, objects.read(former)
    left: Json = {"secret": at.word, "version": present.version, "keys": list(keys), "kept": ""}
    if kept is None or kept.marked != run.id:
        return left
    said = [f"Secret {at.namespace}/{former} keeps the former values of {at.name}, until finish"]
    if others := says(at, copies_of(conn, at, present, kept, former=former, field=field_of(step, run))):
        said.append(others)
    return {**left, "kept": former, "leaves": "; ".join(said)}


def _let_go(objects: Objects, former: str, run: Run) -> str:
    """Deletes what keeps the former values, where nothing was written over them. What to say where that fails."""
    try:
        objects.drop(former, run=run.id)
    except Fault as fault:
        where = f"Secret {objects.at.namespace}/{former}"
        return f"{where} keeps the former values, and could not be deleted ({fault.message}): delete it by hand"
    return ""


def _keys(at: Address, left: Json, run: Run, mint: str) -> tuple[str, ...]:
    return tuple(map(str, left.get("keys") or ())) or at.keys(run.left(mint))


def _as_left(present: Held, keys: tuple[str, ...], left: Json, run: Run) -> bool:
    """Whether what this run wrote still stands there: others may have added to it."""
    untouched = bool(left) and present.version == left.get("version") and present.marked == run.id
    return untouched or present.mine(keys, manager_of(run), run.id)


def _same(present: Held, kept: Held, keys: tuple[str, ...]) -> bool:
    return all(present.data.get(key) == kept.data.get(key) for key in keys)


def _elsewhere(at: Address, present: Held) -> str:
    if present.owner:
        return f"Deliver where {present.owner} reads it from."
    wanted = "#password" if present.type.endswith("basic-auth") else "#ssh-privatekey"
    if present.type.endswith(("basic-auth", "ssh-auth")):
        return f"Write {SCHEME}:{at.namespace}/{at.name}{wanted} in the map."
    return "Make a Secret of type Opaque, name it in the map, and let the workload read it."
