"""Entries of audit logs, as tests write them: by the identity's account, with its first key, some minutes ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from nhi_revoke.model.found import Access, BlindSpot, Found, Lead
from nhi_revoke_gcp.sandbox.audit import ACTIVITY, Row, changed_account, gave_token, signed_by
from nhi_revoke_gcp.sandbox.state import Account, Token
from nhi_revoke_gcp.stopping import TOKEN

from .conftest import BOT, Bench

A_DAY = timedelta(days=1)


def token_of(bench: Bench, account: Account, *, key: bool = True, chain: tuple[str, ...] = ()) -> Token:
    """`key`: had with the account's first one."""
    mine = next(iter(account.keys.values())).id if key and account.keys else ""
    if account is bench.account and key:
        mine = bench.scene.first.id
    return bench.cloud.new_token(f"serviceAccount:{account.email}", bench.sandbox.now(), key=mine, chain=chain)


def other(bench: Bench, name: str = "other") -> Account:
    """Another account of the project."""
    with bench.cloud.lock:
        email = f"{name}@{bench.account.project}.iam.gserviceaccount.com"
        return bench.cloud.accounts.get(email) or bench.cloud.new_account(name, bench.account.project, bench.scene.then)


def acted(
    bench: Bench,
    method: str,
    account: Account | None = None,
    *,
    minutes: float = 30,
    by: Token | None = None,
    **more: Any,
) -> Row:
    """On an account, by the IAM API; or as `more` says."""
    at = bench.sandbox.now() - timedelta(minutes=minutes)
    who = signed_by(bench.cloud, by or token_of(bench, bench.account))
    with bench.cloud.lock:
        if account is not None:
            row = changed_account(bench.cloud, at, method, account, who, **more)
        else:
            project = str(more.pop("project", bench.account.project))
            row = bench.cloud.trail.write(ACTIVITY, at, project, method, who, **more)
    assert row is not None
    return row


def gave(bench: Bench, account: Account, by: Token, *, minutes: float = 30, **more: Any) -> None:
    """A token of an account to whoever bears another one."""
    with bench.cloud.lock:
        gave_token(bench.cloud, bench.sandbox.now() - timedelta(minutes=minutes), account, by, **more)


def seen(bench: Bench, since: timedelta = A_DAY) -> list[Found]:
    return bench.observe(BOT, TOKEN, bench.conn.now() - since)


def leads(found: list[Found]) -> list[Lead]:
    return [f for f in found if isinstance(f, Lead)]


def planted(bench: Bench, since: timedelta = A_DAY) -> list[Lead]:
    return [lead for lead in leads(seen(bench, since)) if lead.how == "planted"]


def sessions(found: list[Found]) -> list[Access]:
    return [f for f in found if isinstance(f, Access)]


def blind(found: list[Found], kind: str) -> list[BlindSpot]:
    return [f for f in found if isinstance(f, BlindSpot) and f.kind == kind]
