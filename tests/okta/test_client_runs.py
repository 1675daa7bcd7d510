"""The credentials of an app in whole runs: ended, replaced, taken back, finished; crashes and intruders."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.testing.conformance.ending import mispredicted
from nhi_revoke.testing.conformance.world import YES
from nhi_revoke_okta.access.access_token import AccessTokens
from nhi_revoke_okta.access.client_key import ClientKeys
from nhi_revoke_okta.access.client_secret import ClientSecrets
from nhi_revoke_okta.provider import OktaProvider
from nhi_revoke_okta.sandbox.state import App

from .conftest import Whole

KIND = "okta:client-secret"
CREATE = "POST /api/v1/apps/<app>/credentials/secrets"


def states(app: App) -> dict[str, str]:
    """By id: what Okta shows."""
    return {s.id: s.status.shown for s in app.secrets.values() if s.status.shown != "GONE"}


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, whole: Whole) -> Whole:
    """The engine, with the two kinds of credentials and what they mint."""
    monkeypatch.setattr(OktaProvider, "kinds", lambda _: (ClientSecrets(), ClientKeys(), AccessTokens()))
    return whole


def works(whole: Whole) -> bool:
    """Whether the workload gets a token with what was delivered."""
    held = json.loads((whole.folder / "payments-okta.json").read_text())
    answer = httpx.post(
        f"{whole.okta.url}/oauth2/default/v1/token",
        auth=(held["client_id"], held["client_secret"]),
        data={"grant_type": "client_credentials", "scope": "payments"},
    )
    return answer.status_code == 200


def wrong(whole: Whole, report: Report) -> list[str]:
    """Doors of these credentials that are not as the report says."""
    return [line for line in mispredicted(whole, report) if "okta:client-" in line or "okta:access-" in line]


def test_a_run_ends_all_of_them_and_serves_a_new_secret(narrow: Whole) -> None:
    before = narrow.open_doors()
    assert {"client-secret", "client-key"} <= before
    report = narrow.run()
    assert not {"client-secret", "client-key"} & narrow.open_doors()
    assert wrong(narrow, report) == []
    app = narrow.okta.scene.app
    old = narrow.outcome(report, f"{KIND}/{app.id}/{next(iter(app.secrets))}")
    assert (old.fate, old.proof) == ("ended", Proof.ENFORCED)
    key = narrow.outcome(report, f"okta:client-key/{app.id}/")
    assert (key.fate, key.proof) == ("ended", Proof.RECORDED)
    [replaced] = [r for r in report.replacements if r.kind == KIND]
    assert (replaced.result, replaced.proof) == ("served", Proof.ENFORCED)
    assert works(narrow)
    minted = narrow.outcome(report, f"okta:access-token/{narrow.okta.url.removeprefix('http://')}/{app.id}/*")
    assert (minted.fate, minted.until) == ("lasts", report.residual_until), "facts 1.4, 8"
    assert len([o for o in report.outcomes if o.access.kind == KIND]) == 1, "the throw-away is no news"
    assert not any(o.appeared for o in report.outcomes)
    narrow.heard.files(narrow.state)
    assert [c for c in narrow.okta.canaries() if narrow.heard.holding(c)] == []
    narrow.okta.advance(3700)
    assert wrong(narrow, narrow.verify(report.run)) == []
    assert not {"access-token-local", "access-token-introspecting"} & narrow.open_doors()


def test_undo_and_again(narrow: Whole) -> None:
    report = narrow.run()
    app = narrow.okta.scene.app
    old = f"{KIND}/{app.id}/{next(iter(app.secrets))}"
    narrow.undo(report.run, rearm=[old])
    assert narrow.open_doors() >= {"client-secret"}
    assert "client-key" not in narrow.open_doors(), "only what was named is armed again"
    assert works(narrow)


def test_undo_without_a_replacement_leaves_what_was_there(narrow: Whole) -> None:
    app = narrow.okta.scene.app
    before = states(app)
    report = narrow.run(narrow.plan(msgspec.structs.replace(narrow.intent, rotate="no")))
    assert list(states(app).values()) == ["INACTIVE", "INACTIVE"]
    assert not any(o.appeared for o in report.outcomes)
    assert narrow.verify(report.run).headline == report.headline
    narrow.undo(report.run, rearm=[f"{KIND}/{app.id}/{next(iter(app.secrets))}"])
    assert states(app) == before


def test_finish_deletes_the_old_one(narrow: Whole) -> None:
    report = narrow.run()
    app = narrow.okta.scene.app
    with narrow.engine() as engine:
        done = engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    assert done.headline == "FINISHED"
    assert list(states(app).values()) == ["ACTIVE"]
    assert [k.status.shown for k in app.keys.values()] == ["GONE"]
    assert works(narrow)


@pytest.mark.parametrize("fault", ["lost", "timeout", "500"])
def test_a_lost_create_leaves_no_orphan(narrow: Whole, fault: Any) -> None:
    narrow.okta.fault(CREATE, fault, after=1)
    report = narrow.run()
    assert sorted(states(narrow.okta.scene.app).values()) == ["ACTIVE", "INACTIVE"]
    assert works(narrow)
    assert wrong(narrow, report) == []


def test_killed_at_each_line_then_resumed_no_orphan(narrow: Whole) -> None:
    """Facts 1.4, 25: the secret in flight dies with the process, and its credential with it."""

    class Killed(Exception):
        pass

    lines = len(narrow.lines(narrow.run().run))
    for at in range(3, lines):

        def kill(number: int, at: int = at) -> None:
            if number == at:
                raise Killed

        narrow.restart()
        with pytest.raises(Killed):
            narrow.run(before_append=kill)
        [run] = narrow.runs()
        report = narrow.resume(run)
        assert sorted(states(narrow.okta.scene.app).values()) == ["ACTIVE", "INACTIVE"], f"killed before line {at}"
        assert works(narrow), f"killed before line {at}"
        assert wrong(narrow, report) == []


def test_a_secret_that_the_intruder_adds_meanwhile_is_ended_too(narrow: Whole) -> None:
    plan = narrow.plan()
    narrow.okta.meddle("add-client-secret")
    report = narrow.run(plan)
    assert not {"client-secret", "second-client-secret"} & narrow.open_doors()
    assert wrong(narrow, report) == []
    [added] = [o for o in report.outcomes if o.appeared]
    assert added.fate == "ended"
    [replaced] = report.replacements
    assert replaced.result == "not-replaced"
    assert "--free-slot" in replaced.why
    again = narrow.run()
    assert [r.result for r in again.replacements] == ["served"], "the next run deletes one that was inactive before it"
    assert works(narrow)


def test_one_that_the_intruder_activates_again_is_open_in_the_report(narrow: Whole) -> None:
    report = narrow.run()
    narrow.okta.meddle("activate-client-secret")
    later = narrow.verify(report.run)
    assert "client-secret" in narrow.open_doors()
    assert wrong(narrow, later) == []
    assert later.headline == "NOT PROVEN OUT"
    with narrow.engine() as engine:
        engine.hold(report.run, interval=30, until=narrow.okta.now() + timedelta(seconds=60))
    assert "client-secret" not in narrow.open_doors()


def test_a_throw_away_that_somebody_activates_is_news(narrow: Whole) -> None:
    report = narrow.run(narrow.plan(msgspec.structs.replace(narrow.intent, rotate="no")))
    app = narrow.okta.scene.app
    aside = list(app.secrets.values())[1]
    with narrow.okta.org.lock:
        aside.status.set("ACTIVE", narrow.okta.now(), 0)
    later = narrow.verify(report.run)
    [found] = [o for o in later.outcomes if o.access.id.endswith(aside.id)]
    assert found.appeared
    assert later.exit_code == 8


def test_a_rollover_serves_first_and_needs_no_throw_away(narrow: Whole) -> None:
    app = narrow.okta.scene.app
    old = next(iter(app.secrets))
    intent = msgspec.structs.replace(narrow.intent, order="rollover")
    report = narrow.run(narrow.plan(intent), verb="rotate")
    assert works(narrow)
    assert states(app)[old] == "INACTIVE"
    assert len(app.secrets) == 2, "there was never a third"
    assert [r.result for r in report.replacements] == ["served"]
    assert "client-key" in narrow.open_doors(), "what has no delivery is no part of a rotation"
