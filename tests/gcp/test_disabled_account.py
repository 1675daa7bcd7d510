"""An account that is disabled already: what stands and lets nobody in is told so, until it is enabled.

Facts gcp.md 2; 7, 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.found import Access
from nhi_revoke_gcp.access.behind import REFUSED, SHUT
from nhi_revoke_gcp.sandbox import seed

from .conftest import BOT, Bench
from .desk import Desk, opened

TRUSTS = ("gcp:impersonation", "gcp:inherited-impersonation")
TOKEN = "gcp:access-token"
TOKENS = (TOKEN, "gcp:iam-rights")
ELSEWHERE = ("gcp:hmac-key", "gcp:api-key")
"""Whether a disabled account stops them is documented nowhere."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    sandbox, made = opened(tmp_path, to=seed.TO_FILE)
    yield made
    made.check()
    sandbox.close()


def switch(desk: Desk, *, disabled: bool) -> None:
    """By somebody else."""
    desk.account.disabled.set(disabled, desk.clock.now(), 0.0)


def is_disabled(desk: Desk) -> bool:
    return desk.account.disabled.shown


def listed(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk("list", "payments-bot", "--no-logs", "-o", "json").data["inventory"]["accesses"]
    return found


def of(accesses: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [a for a in accesses if a["kind"] in kinds]


def test_a_list_says_what_is_shut_and_counts_it_neither_open_nor_live(desk: Desk) -> None:
    before = listed(desk)
    switch(desk, disabled=True)
    after = listed(desk)
    assert {a["id"] for a in after} == {a["id"] for a in before}
    assert not [a for a in before if a.get("shut")]
    assert {a["shut"] for a in of(after, *TRUSTS)} == {SHUT}
    assert {a["shut"] for a in of(after, *TOKENS)} == {REFUSED}
    assert not [a for a in after if a.get("shut") and a["kind"] not in (*TRUSTS, *TOKENS)]
    assert [a["state"] for a in of(after, *ELSEWHERE)] == [a["state"] for a in of(before, *ELSEWHERE)]
    assert "live" in {a["state"] for a in of(after, "gcp:hmac-key")} & {a["state"] for a in of(after, "gcp:api-key")}
    screen = desk("list", "payments-bot", "--no-logs")
    assert "OPEN 0" in screen.words
    assert screen.words.count(SHUT) == len(of(after, *TRUSTS))
    assert "MAY BE LIVE" not in screen.words


def test_an_audit_counts_what_works_without_the_account_alone(desk: Desk) -> None:
    switch(desk, disabled=True)
    ran = desk("audit", "payments-bot", "--no-logs", "-o", "json")
    assert ran.code == 8
    judged = [(f["verdict"], f["id"].partition("/")[0]) for f in ran.data["findings"]]
    assert not [kind for _, kind in judged if kind in (*TRUSTS, TOKEN)]
    assert {kind for verdict, kind in judged if verdict == "live"} >= {*ELSEWHERE, "gcp:key"}


def test_a_plan_calls_no_trust_open_and_foretells_no_token(desk: Desk) -> None:
    """Neither of `rotate` nor of a `revoke` that leaves the account alone."""
    for words in (("rotate", "payments-bot"), ("revoke", "payments-bot", "--brake", "off")):
        plan = desk(*words, "--dry-run", "-o", "json").data
        assert [d for d in plan["open"] if d["access"].startswith(TRUSTS)]
        assert [r for r in plan["residuals"] if r["access"].startswith(TOKEN)]
    switch(desk, disabled=True)
    for words in (("rotate", "payments-bot"), ("revoke", "payments-bot", "--brake", "off")):
        plan = desk(*words, "--dry-run", "-o", "json").data
        assert not [d for d in plan["open"] if d["access"].startswith(TRUSTS)]
        assert not [r for r in plan["residuals"] if r["access"].startswith(TOKEN)]
        said = [n["says"] for n in plan["notices"]]
        assert any(f"tokens of {seed.EMAIL} are {REFUSED}" in each for each in said)
        assert not any("live on" in each for each in said)


def test_a_run_that_leaves_the_account_alone_reports_them_as_shut_before(desk: Desk) -> None:
    switch(desk, disabled=True)
    data = desk("revoke", "payments-bot", "--brake", "off", "--rotate", "no", "--yes", "-o", "json").data
    fates = {(o["access"]["kind"], o["fate"]) for o in data["outcomes"] if o["access"]["kind"] in (*TRUSTS, TOKEN)}
    assert fates == {(kind, "already") for kind in (*TRUSTS, TOKEN)}
    assert not [d for d in data["open"] if d["access"].startswith(TRUSTS)]


def test_whoever_enables_it_later_opens_them_again(desk: Desk) -> None:
    """The run's own journal said that they were shut: a later look says that they are not."""
    switch(desk, disabled=True)
    desk("revoke", "payments-bot", "--brake", "off", "--rotate", "no", "--yes")
    switch(desk, disabled=False)
    data = desk("verify", "@last", "-o", "json").data
    fates = {o["access"]["id"]: o["fate"] for o in data["outcomes"] if o["access"]["kind"] in TRUSTS}
    far = [o["access"]["id"] for o in data["outcomes"] if o["access"].get("exposure") in ("anyone", "foreign")]
    assert far
    assert {fates[each] for each in far} == {"open"}
    assert {d["access"] for d in data["open"]} >= set(far)


def test_what_this_run_shut_is_open_again_when_it_is_released(desk: Desk) -> None:
    revoked = desk("revoke", "payments-bot", "--rotate", "no", "--yes", "-o", "json")
    assert is_disabled(desk)
    ended = {o["fate"] for o in revoked.data["outcomes"] if o["access"]["kind"] in TRUSTS and o["access"]["opens"]}
    assert ended == {"ended"}
    seen = desk("verify", "@last", "-o", "json").data
    assert {o["fate"] for o in seen["outcomes"] if o["access"]["kind"] in TRUSTS} == {"ended"}
    released = desk("release", "@last", "--wait", "--yes", "-o", "json").data
    assert not is_disabled(desk)
    assert {o["fate"] for o in released["outcomes"] if o["access"]["kind"] in TRUSTS} == {"open"}
    assert not [a for a in listed(desk) if a.get("shut")]


def test_a_trust_that_appears_while_it_is_held_is_open(desk: Desk) -> None:
    """It opens with the release: the brake of this run is no reason to leave it out."""
    desk("revoke", "payments-bot", "--rotate", "no", "--yes")
    desk.sandbox.meddle("new-binding")
    data = desk("verify", "@last", "-o", "json").data
    [late] = [o for o in data["outcomes"] if "late-runner" in o["access"]["label"]]
    assert late["fate"] == "open"
    assert late["access"]["id"] in {d["access"] for d in data["open"]}


def test_the_state_is_read_anew_each_time(bench: Bench) -> None:
    """Containment disables, and a release enables: nothing is told from before."""
    now = bench.sandbox.now()
    for disabled in (True, False, True):
        bench.account.disabled.set(disabled, now, 0.0)
        for kind in (*TRUSTS, TOKEN):
            assert {bool(a.shut) for a in bench.accesses(BOT, kind).values()} == {disabled}


def test_a_state_that_nobody_can_tell_shuts_nothing(bench: Bench) -> None:
    bench.account.disabled.set(True, bench.sandbox.now(), 0.0)
    bench.resolve(BOT)
    bench.sandbox.fault("iam.GetServiceAccount", "denied", times=50)
    [kind] = [k for k in bench.provider.kinds() if k.name == TOKEN]
    who = bench.provider.parse(BOT.partition(":")[2])
    assert who is not None
    [standing] = [f for f in kind.collect(bench.conn, who, bench.io) if isinstance(f, Access)]
    assert standing.shut == ""
