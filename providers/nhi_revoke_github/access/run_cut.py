"""What ends workflow runs: Actions off, then a cancel, then a forced one where the cancel is ignored.

OpenAPI: actions/cancel-workflow-run and force-cancel-workflow-run (202; 409 where it has ended). GitHub docs: REST API
endpoints for GitHub Actions permissions. Facts okta-github.md 2.1, 2.4 (14, 15, 16): a run that waits starts after the
cancel of another, and a run is triggered again as long as Actions is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible
from nhi_revoke.model.ref import Json
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Doer
from nhi_revoke.provider.fault import Conflict, Fault, Missing
from nhi_revoke.provider.io import Run
from nhi_revoke_github.access.live_runs import ENDED, live_runs
from nhi_revoke_github.connection import GithubConnection, repo_path
from nhi_revoke_github.permissions import ACTIONS, ADMINISTRATION

KIND = "github:run"
SELECTED = "selected"
KEPT = ("allowed_actions", "sha_pinning_required")
"""What is said again when Actions is switched on."""
CLOUDS = (
    "credentials that a job got from a cloud by OIDC live on there, and so does what it copied: they are ended in the "
    "cloud"
)


def actions_of(conn: GithubConnection, repository: str) -> Json:
    """Whether Actions is on, and what it may run: all that switching it on again needs. Raises Denied."""
    told = conn.get(repo_path(repository, "/actions/permissions"), ADMINISTRATION.read)
    state: Json = {"enabled": bool(told.get("enabled"))}
    state |= {key: told[key] for key in KEPT if key in told}
    if state["enabled"] and state.get("allowed_actions") == SELECTED:
        path = repo_path(repository, "/actions/permissions/selected-actions")
        state[SELECTED] = dict(conn.get(path, ADMINISTRATION.read))
    return state


class ActionsOff(Doer[GithubConnection]):
    """For the whole repository: a workflow that is pushed later escapes what is switched off one by one."""

    name: ClassVar[str] = "actions-off"
    phase: ClassVar[Phase] = Phase.CUT
    permissions: ClassVar[tuple[str, ...]] = (ADMINISTRATION.write, ADMINISTRATION.read)
    says: ClassVar[str] = "switches Actions of the repository off"
    undone: ClassVar[str] = "switched on again, with what it was allowed to run"
    survives: ClassVar[str] = "runs that were triggered before: they are cancelled"
    source: ClassVar[str] = "GitHub docs: REST API endpoints for GitHub Actions permissions"
    brake: ClassVar[bool] = True
    only_first: ClassVar[bool] = True

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        if not actions_of(conn, step.on.id)["enabled"]:
            return Already({"enabled": False})
        conn.send("PUT", _permissions(step), ADMINISTRATION.write, {"enabled": False})
        return Done({"enabled": False}, conn.now())

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        return None if actions_of(conn, step.on.id)["enabled"] else {"enabled": False}

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        if actions_of(conn, step.on.id)["enabled"]:
            return Already({"enabled": True})
        if left.get("enabled") is not False:
            return Failed("Actions is not as this run left it: nothing was changed")
        before = step.before
        kept = {key: before[key] for key in KEPT if key in before}
        conn.send("PUT", _permissions(step), ADMINISTRATION.write, {"enabled": True, **kept})
        if SELECTED in before:
            conn.send("PUT", f"{_permissions(step)}/selected-actions", ADMINISTRATION.write, before[SELECTED])
        return Done({"enabled": True}, conn.now())


def _permissions(step: Step) -> str:
    return repo_path(step.on.id, "/actions/permissions")


class _Cancelling(Doer[GithubConnection]):
    """`before`: `repositories`, `actor` (empty: everybody's), `runs` as texts, and whether to `sweep`: to end whatever
    runs there by now, listed or not."""

    phase: ClassVar[Phase] = Phase.END
    permissions: ClassVar[tuple[str, ...]] = (ACTIONS.write, ACTIONS.read)
    survives: ClassVar[str] = CLOUDS
    reversible: ClassVar[bool] = False
    only_first: ClassVar[bool] = True

    def seen(self, conn: GithubConnection, step: Step, run: Run) -> Json | None:
        """Requested is not ended: it counts when no run of them is listed any more, wherever some may be. Raises why a
        repository could not be looked at.
        """
        left = run.left(step.id)
        going = _still(conn, step, _repositories(step, left))
        if going.unread and not going.runs:
            raise going.unread[0][1]
        return None if going.runs else {"runs": list(left.get("runs") or ())}

    def undo(self, conn: GithubConnection, step: Step, left: Json, run: Run) -> Change:
        """Where nothing ran, nothing is lost."""
        runs = ", ".join(str(text) for text in left.get("runs") or ())
        if not runs:
            return Already({"runs": []})
        return Impossible(f"a cancelled run does not go on: {runs}", "start it anew: gh run rerun ID --repo OWNER/NAME")


class Cancel(_Cancelling):
    """Asked of all of them at once. It is the forced cancel that answers for each: it looks, and acts where needed."""

    name: ClassVar[str] = "cancel"
    says: ClassVar[str] = "cancels the runs that have not ended, those that wait for a runner, too"
    source: ClassVar[str] = "OpenAPI: actions/cancel-workflow-run"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/{ActionsOff.name}",)

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        going = _still(conn, step, step.before["repositories"])
        if not going.runs and not going.unread:
            return Already({"runs": []})
        _ask(conn, going.runs, "cancel")
        return Done(_left(going), conn.now())


class ForceCancel(_Cancelling):
    """Never first: a run whose cancel was not asked for yet gets a plain one."""

    name: ClassVar[str] = "force-cancel"
    says: ClassVar[str] = "cancels by force what ignored the cancel"
    source: ClassVar[str] = "OpenAPI: actions/force-cancel-workflow-run (only where a cancel is not responded to)"
    needs: ClassVar[tuple[str, ...]] = (f"{KIND}/{Cancel.name}",)

    def apply(self, conn: GithubConnection, step: Step, run: Run) -> Change:
        asked = {text for before in step.after for text in run.left(before).get("runs") or ()}
        earlier = [name.rpartition("/")[0] for name in asked]
        going = _still(conn, step, dict.fromkeys((*step.before["repositories"], *earlier)))
        if not going.runs and not going.unread:
            return Already({"runs": []})
        _ask(conn, [text for text in going.runs if text in asked], "force-cancel")
        _ask(conn, [text for text in going.runs if text not in asked], "cancel")
        return Done(_left(going), conn.now())


def _ask(conn: GithubConnection, runs: Sequence[str], how: str) -> None:
    def one(text: str) -> None:
        try:
            conn.send("POST", f"{_path(text)}/{how}", ACTIONS.write, again=True)
        except Conflict:
            return  # it has ended, or is ending: the next look tells

    conn.io.map(one, runs)


class _Going(NamedTuple):
    """Texts of runs that have not ended; and repositories that could not be looked at, though others could."""

    runs: tuple[str, ...]
    unread: tuple[tuple[str, Fault], ...] = ()


def _left(going: _Going) -> Json:
    """One repository that was renamed or hidden meanwhile saves no run in the others; and it is looked at again."""
    unread = [repository for repository, _ in going.unread]
    return {"runs": list(going.runs), **({"unread": unread} if unread else {})}


def _still(conn: GithubConnection, step: Step, repositories: Iterable[str]) -> _Going:
    """Which runs have not ended, read anew. Raises Denied where nothing could be looked at."""
    if step.before["sweep"]:
        listed = live_runs(conn, repositories, str(step.before["actor"]))
        return _Going(tuple(run.text for run in listed.runs), listed.unread)
    runs = [str(text) for text in step.before["runs"]]
    lives = conn.io.map(lambda text: _lives(conn, text), runs)
    return _Going(tuple(text for text, live in zip(runs, lives, strict=True) if live))


def _lives(conn: GithubConnection, text: str) -> bool:
    try:
        return str(conn.get(_path(text), ACTIONS.read, known=True).get("status")) != ENDED
    except Missing:
        return False


def _repositories(step: Step, left: Json) -> tuple[str, ...]:
    """Where there was something to cancel, or nobody could look; of a repository itself, that one: every look costs
    requests of each.
    """
    if not step.before["actor"]:
        return tuple(step.before["repositories"])
    texts = (*step.before["runs"], *(left.get("runs") or ()))
    mine = (str(text).rpartition("/")[0] for text in texts)
    return tuple(dict.fromkeys((*mine, *map(str, left.get("unread") or ()))))


def _path(text: str) -> str:
    repository, _, unique = text.rpartition("/")
    return repo_path(repository, f"/actions/runs/{int(unique)}")
