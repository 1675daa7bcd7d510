"""Who still holds what a secret of GitHub held before: nobody can read it there any more; runs that have not ended may.

GitHub docs: reference/security/secrets (when GitHub Actions reads secrets: an organisation's and a repository's when a
run is queued, an environment's when a job that names it starts). Which ones a run reads no API tells: every run counts.
"""

from __future__ import annotations

from datetime import datetime

from nhi_revoke.provider.fault import Fault
from nhi_revoke.provider.times import moment
from nhi_revoke_github.access.live_runs import STATUSES, live_runs
from nhi_revoke_github.connection import GithubConnection
from nhi_revoke_github.store.sealing import Address

IN_PROGRESS = STATUSES[-1]
NAMED = 20
"""How many runs are named."""


def still_running(conn: GithubConnection, at: Address, written: datetime | None) -> str:
    """For the report: runs that may have read it before that time and have not ended; empty where there are none.

    Raises no Fault: what could not be looked at is told, and never taken for none.
    """
    began = "began" if at.environment else "were queued"
    if not at.repository:
        return (
            f"runs that {began} before secret {at.name} of {at.owner} was written may still hold the former value: the "
            "repositories that may read it were not looked at (in each: gh run list)"
        )
    try:
        listed = live_runs(conn, [at.repository])
    except Fault as refused:
        return (
            f"whether runs of {at.repository} still hold the former value of secret {at.name} was not seen "
            f"({refused.message})"
        )
    ids: list[int] = []
    for each in sorted(listed.runs, key=lambda run: -run.id):
        start = moment(each.row.get("run_started_at") or each.row.get("created_at"))
        reads = not at.environment or each.row.get("status") == IN_PROGRESS
        # GitHub tells whole seconds: a run of the same second may have had the old one.
        if reads and (written is None or start is None or start <= written):
            ids.append(each.id)
    cut_off = ": GitHub shows 1,000 of a status at most, and there are more" if listed.cut_off else ""
    if not ids:
        return f"runs of {at.repository}{cut_off}" if cut_off else ""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return (
        f"{len(ids)} run(s) of {at.repository} that {began} before secret {at.name} was written have not ended, and "
        f"may still hold the former value: {', '.join(map(str, ids[:NAMED]))}{more} (gh run cancel {ids[0]} --repo "
        f"{at.repository}){cut_off}"
    )
