"""Self-hosted runners that take jobs of a repository: whoever holds such a host reads the secrets of its jobs.

OpenAPI: actions/list-self-hosted-runners-for-repo, actions/delete-self-hosted-runner-from-repo (204, 422), and the
same of an organisation. That 422 means "busy" is read between the lines (facts okta-github.md 2.1, 2.4: 17).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from nhi_revoke.model.change import Already, Change, Done, Impossible
from nhi_revoke.model.found import Access, BlindSpot, Family, Found
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.ref import Json, PrincipalRef
from nhi_revoke.model.step import Draft, Notice, Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Denied, Missing, Rejected
from nhi_revoke.provider.io import Io, Run
from nhi_revoke.provider.kind import AccessKind, ForJobs, View, draft_step
from nhi_revoke_github.access.run_cut import KIND as RUN
from nhi_revoke_github.access.run_cut import ForceCancel
from nhi_revoke_github.connection import GithubConnection, org_path, repo_path
from nhi_revoke_github.naming import REPO, owner_of
from nhi_revoke_github.permissions import ADMINISTRATION, ORG_RUNNERS

KIND = "github:runner"
HOST = (
    "the runner's process on its host, and the credentials that its jobs left there: clean or rebuild the host. Who "
    "may administer the place registers it again"
)
BUSY = (
    "cancel the run that it works on (or stop the host), then do it again: Settings > Actions > Runners, or DELETE "
    "/repos/OWNER/REPO/actions/runners/ID"
)


class Remove(Doer[GithubConnection]):
    name: ClassVar[str] = "remove"
    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (
        ADMINISTRATION.write, ADMINISTRATION.read, ORG_RUNNERS.write, ORG_RUNNERS.read,
    )  # fmt: skip
    says: ClassVar[str] = "removes the runner, so that it gets no jobs"
    survives: ClassVar[str] = HOST
    source: ClassVar[str] = "OpenAPI: actions/delete-self-hosted-runner-from-repo"
    reversible: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = (f"{RUN}/{ForceCancel.name}",)

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        row = _read(conn, step)
        if row is None:
            return Already({"state": "gone"})
        try:
            conn.send("DELETE", _path(step), _permission(step).write, known=True)
        except Missing:
            return Already({"state": "gone"})
        except Rejected:
            row = _read(conn, step)
            if row is not None and row.get("busy"):
                return Impossible(f"runner {row.get('name')} works on a job: GitHub removes none that is busy", BUSY)
            raise
        return Done({"state": "gone"}, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        return {"state": "gone"} if _read(conn, step) is None else None


def _read(conn: GithubConnection, step: Step) -> dict[str, Any] | None:
    """From the list: a 404 of the runner alone may mean "no permission". Raises Denied."""
    path = _path(step).rpartition("/")[0]
    rows = conn.rows(path, _permission(step).read, under="runners")
    return next((row for row in rows if int(row["id"]) == int(step.before["id"])), None)


def _path(step: Step) -> str:
    rest = f"/actions/runners/{int(step.before['id'])}"
    return org_path(owner_of(step.on), rest) if step.before["org"] else repo_path(step.on.id, rest)


def _permission(step: Step) -> Any:
    return ORG_RUNNERS if step.before["org"] else ADMINISTRATION


class Runners(AccessKind[GithubConnection]):
    name: ClassVar[str] = KIND
    title: ClassVar[str] = "self-hosted runner"
    family: ClassVar[Family] = "grant"
    on: ClassVar[tuple[str, ...]] = (REPO,)
    for_jobs: ClassVar[ForJobs] = "machine"
    reads: ClassVar[tuple[str, ...]] = (ADMINISTRATION.read, ORG_RUNNERS.read)
    remedies = (Remove(),)
    survives: ClassVar[str] = HOST

    def collect(self, conn: GithubConnection, ref: PrincipalRef, io: Io) -> Iterable[Found]:
        places = (
            (False, repo_path(ref.id, "/actions/runners"), ADMINISTRATION.read),
            (True, org_path(owner_of(ref), "/actions/runners"), ORG_RUNNERS.read),
        )
        for found in io.map(lambda place: list(self._at(conn, ref, *place)), places):
            yield from found

    def _at(self, conn: GithubConnection, ref: PrincipalRef, org: bool, path: str, needs: str) -> Iterable[Found]:
        try:
            for row in conn.rows(path, needs, under="runners"):
                yield self._access(ref, row, org)
        except Denied as denied:
            yield BlindSpot(ref, KIND, denied.message, needs=denied.needs or needs)

    def _access(self, ref: PrincipalRef, row: dict[str, Any], org: bool) -> Access:
        unique, labels = int(row["id"]), [str(label.get("name")) for label in row.get("labels") or ()]
        where = (
            "the organisation's: other repositories use it, too, as its group allows" if org else "this repository's"
        )
        return Access(
            id=f"{KIND}/{{name}}/{'org-' if org else ''}{unique}",
            on=ref,
            kind=KIND,
            family=self.family,
            state="live",
            label=f"runner {row.get('name')} ({row.get('os')}; {', '.join(labels)})",
            evidence="GET /orgs/…/actions/runners" if org else "GET /repos/…/actions/runners",
            door=str(row.get("name")),
            before={"id": unique, "org": org},
            opens=False,
            note=f"{where}; {row.get('status')}{', at work' if row.get('busy') else ''}. It takes jobs and reads their "
            "secrets: --reason runner-compromise removes the repository's own, and the id as scope any",
        )

    def draft(self, view: View, intent: Intent) -> Iterable[Draft]:
        """The organisation's only where one is named: other repositories would lose it."""
        if view.who.untouchable or intent.order != "contain":
            return
        ended = []
        for access in view.of(KIND):
            suspected = intent.reason is Reason.RUNNER_COMPROMISE and intent.covers(access) and not access.before["org"]
            if suspected or intent.scope == access.id:
                ended.append(access)
                yield draft_step(
                    self, self.remedies[0], view, access, says=f"remove {access.label}",
                    breaks="jobs that ask for its labels wait, until a runner is registered anew on a host",
                )  # fmt: skip
        if ended:
            yield Notice(view.who.ref, f"removing a runner stops no host. What survives: {HOST}")
        elif intent.reason is Reason.RUNNER_COMPROMISE and any(a.before["org"] for a in view.of(KIND)):
            says = "runners of the organisation are not removed: other repositories use them. Name one by --scope ID"
            yield Notice(view.who.ref, says)
