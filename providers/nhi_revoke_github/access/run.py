"""Workflow runs that have not ended: each job holds a GITHUB_TOKEN until it ends, and may sign in to clouds by OIDC.

No API revokes a GITHUB_TOKEN: it ends with its job (facts okta-github.md 2.1, 2.2). Of a repository all runs are looked
at; of an app or a user those that it started. GitHub docs: automatic token authentication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, ClassVar

from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Manual, Notice
from nhi_revoke.provider.fault import Denied, Fault
from nhi_revoke.provider.io import Io
from nhi_revoke.provider.kind import AccessKind, View, draft_step
from nhi_revoke.provider.listings import each_by_itself
from nhi_revoke.provider.times import moment
from nhi_revoke_github.access.live_runs import MOST, STATUSES, Listed, LiveRun, live_runs
from nhi_revoke_github.access.run_cut import CLOUDS, KIND, ActionsOff, Cancel, ForceCancel, actions_of
from nhi_revoke_github.connection import GithubConnection, org_path
from nhi_revoke_github.naming import APP, REPO, USER
from nhi_revoke_github.permissions import ACTIONS, ADMINISTRATION, METADATA
from nhi_revoke_github.repositories import AGAIN

STANDING = f"{KIND}/{{name}}/*"
STANDING_OF_ACTOR = f"{KIND}/{{scope}}/@{{name}}/*"
"""`@` stands in no repository's name."""
EVIDENCE = "GET /repos/…/actions/runs"
MOST_REPOSITORIES = 50
"""Of an organisation, for an app's or a user's runs, a request or more each: those that were pushed to last."""
CANCEL, FORCE_CANCEL, ACTIONS_OFF = Cancel(), ForceCancel(), ActionsOff()


class Runs(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "workflow runs"
    family: ClassVar[Family] = "session"
    on: ClassVar[tuple[str, ...]] = (REPO, APP, USER)
    reads: ClassVar[tuple[str, ...]] = (ACTIONS.read, ADMINISTRATION.read, METADATA)
    remedies = (ACTIONS_OFF, CANCEL, FORCE_CANCEL)
    survives: ClassVar[str] = f"GITHUB_TOKEN lives until its job has ended; {CLOUDS}"

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        if ref.kind == REPO:
            yield from self._of_repository(conn, ref)
        else:
            yield from self._of_actor(conn, ref)

    def _of_repository(self, conn: GithubConnection, ref: PrincipalRef) -> Iterable[Found]:
        before: Json = {"repositories": [ref.id], "actor": ""}
        looks: dict[str, Callable[[], Sequence[Any]]] = {
            "actions": lambda: [actions_of(conn, ref.id)],
            "runs": lambda: self._runs(conn, ref, [ref.id], "", f"{KIND}/{{name}}/")[0],
        }
        (_, actions), (_, runs) = each_by_itself(looks, conn.io)
        if isinstance(actions, Fault):
            note = "whether Actions is on could not be read"
            yield _unseen(ref, actions, ADMINISTRATION.read)
        else:
            [before["actions"]] = actions
            note = "" if before["actions"]["enabled"] else "Actions is off"
        yield self._standing(ref, STANDING, before, note)
        yield from [_unseen(ref, runs, ACTIONS.read)] if isinstance(runs, Fault) else runs

    def _of_actor(self, conn: GithubConnection, ref: PrincipalRef) -> Iterable[Found]:
        actor = f"{ref.id}[bot]" if ref.kind == APP else ref.id
        before: Json = {"repositories": [], "actor": actor}
        rows: list[Any] = []
        try:
            path = org_path(conn.org, "/repos")
            rows += islice(conn.rows(path, METADATA, sort="pushed", direction="desc"), MOST_REPOSITORIES + 1)
        except Denied as denied:
            before["unlisted"] = True
            yield BlindSpot(ref, KIND, denied.message, needs=denied.needs or METADATA)
        repositories = [str(row["full_name"]) for row in rows[:MOST_REPOSITORIES]]
        runs, unread = self._runs(conn, ref, repositories, actor, f"{KIND}/{{scope}}/@{{name}}/")
        before["repositories"] = [each for each in repositories if each not in unread]
        where = ""
        if len(rows) > MOST_REPOSITORIES:
            where = f" in the {MOST_REPOSITORIES} repositories of {{scope}} that were pushed to last"
            why = (
                f"its runs were looked for in the {MOST_REPOSITORIES} repositories that were pushed to last: name more "
                "of them as principals (github:repo/OWNER/NAME)"
            )
            yield BlindSpot(ref, KIND, why)
        yield self._standing(ref, STANDING_OF_ACTOR, before, "", where)
        yield from runs

    def _standing(self, ref: PrincipalRef, unique: str, before: Json, note: str, where: str = "") -> Access:
        return Access(
            unique, ref, KIND, self.family, "unknown", label=f"every workflow run of {{name}}{where}",
            evidence=EVIDENCE, door=unique.removesuffix("/*"), before=before, note=note,
        )  # fmt: skip

    def _runs(
        self, conn: GithubConnection, ref: PrincipalRef, repositories: Sequence[str], actor: str, prefix: str
    ) -> tuple[list[Found], frozenset[str]]:
        """And the repositories that could not be looked at, where others could."""
        found: list[Found] = []
        try:
            listed = live_runs(conn, repositories, actor)
        except Denied as denied:
            found.append(BlindSpot(ref, KIND, denied.message, needs=denied.needs or ACTIONS.read))
            listed = Listed(())
        found += (self._access(ref, run, f"{prefix}{run.text if actor else run.id}") for run in listed.runs)
        for repository, fault in listed.unread:
            needs = (fault.needs if isinstance(fault, Denied) else "") or AGAIN
            found.append(BlindSpot(ref, KIND, f"its runs in {repository}: {fault.message}", needs))
        for repository in listed.cut_off:
            why = (
                f"GitHub shows {MOST} runs of a status at most: {repository} has more. They are cancelled once those "
                "before them have ended"
            )
            found.append(BlindSpot(ref, KIND, why))
        return found, frozenset(repository for repository, _ in listed.unread)

    def _access(self, ref: PrincipalRef, run: LiveRun, unique: str) -> Access:
        row = run.row
        actor = str((row.get("triggering_actor") or row.get("actor") or {}).get("login") or "somebody")
        status = str(row.get("status") or "")
        return Access(
            id=unique,
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"run {run.id} of {run.repository} ({row.get('path')}), started by {actor}",
            created=moment(row.get("created_at")),
            evidence=EVIDENCE,
            door=run.repository,
            before={"run": run.text, "status": status},
            note="it runs, with a GITHUB_TOKEN" if status == STATUSES[-1] else f"{status}: it begins by itself",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """One cancel for all of them, whatever has begun since included; then the look at each.

        While nothing runs there is nothing to lose: only with runs is it a change that cannot be taken back.
        """
        found = view.of(KIND)
        standing = next((a for a in found if a.id.endswith("/*")), None)
        if standing is None or intent.keep_sessions:
            return
        if standing.before.get("unlisted"):
            what = f"cancel the runs that {view.who.name} started: Actions of each repository. They could not be listed"
            yield Manual(view.who.ref, KIND, what, (standing.id,))
            return
        whole = intent.covers(standing)
        live = [a for a in found if a is not standing and a.state == "live"]
        runs = [a for a in live if whole or intent.covers(a)]
        if not whole and not runs:
            return
        if view.who.kind == REPO and whole:
            yield from self._brake(view, intent, standing, bool(live))
        before: Json = {**standing.before, "runs": [a.before["run"] for a in runs], "sweep": whole}
        before.pop("actions", None)
        whose = f"started by {view.who.name}" if standing.before["actor"] else f"of {view.who.name}"
        which = f"{len(runs)} workflow run(s) {whose}"
        if whole:
            which = f"every workflow run {whose} ({len(runs) or 'none'} by now)"
        yield draft_step(
            self, CANCEL, view, says=f"cancel {which}", before=before, lock=standing.id, reversible=not runs,
            breaks="deployments and other jobs stop half way" if runs else "",
        )  # fmt: skip
        ended = (*([standing] if whole else []), *runs)
        yield draft_step(
            self, FORCE_CANCEL, view, *ended, before=before, lock=standing.id, reversible=not runs,
            says=f"look that they have ended, and cancel by force what ignores it: {which}",
        )  # fmt: skip
        if runs:
            yield Notice(view.who.ref, f"no API revokes a GITHUB_TOKEN: it ends with its job. And {CLOUDS}")

    def _brake(self, view: View, intent: Intent, standing: Access, live: bool) -> Iterable[Draft]:
        if intent.order != "contain":
            return
        name, actions = view.who.name, standing.before.get("actions")
        again = f"Actions of {name} stays on: a push, a schedule or whoever may trigger a workflow starts new runs"
        if actions is None:
            what = f"switch Actions of {name} off: Settings > Actions > General > Disable actions. {standing.note}"
            yield Manual(view.who.ref, KIND, what)
        elif not actions["enabled"]:
            yield Notice(view.who.ref, f"Actions of {name} is off already, and stays so", "info")
        elif intent.brake == "off":
            yield Notice(view.who.ref, f"--brake off: {again}", "danger")
        elif intent.brake == "on" or live or intent.reason is Reason.RUNNER_COMPROMISE:
            yield draft_step(
                self, ACTIONS_OFF, view, says=f"switch Actions of {name} off", before=actions,
                lock=f"{view.who.ref}:actions", breaks=f"no workflow of {name} begins until release",
            )  # fmt: skip
        else:
            yield Notice(view.who.ref, f"nothing runs now, and {again}. --brake on switches it off")


def _unseen(ref: PrincipalRef, fault: Fault, needs: str) -> BlindSpot:
    return BlindSpot(ref, KIND, fault.message, (fault.needs if isinstance(fault, Denied) else "") or needs)
