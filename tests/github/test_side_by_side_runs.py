"""The operator signs in by a token and as a GitHub App side by side: whole runs, and what the commands say."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from nhi_revoke.cli.process import run
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.model.error import Refused
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.report import Report
from nhi_revoke_github.access.pat import KIND as PAT
from nhi_revoke_github.sandbox import seed
from nhi_revoke_github.sandbox.plant_tokens import RESPONDER

from .conftest import START, USER, Whole
from .sent import ME, MY_APP, log_of


def test_a_whole_run_changes_each_thing_by_whose_turn_it_is(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = whole.plan(Intent(rotate="no"), name=USER)
    sent = log_of(whole.hub.gate, monkeypatch)
    report = whole.run(plan)
    assert [o.fate for o in report.outcomes if o.access.kind == PAT and o.access.state == "live"] == ["ended"]
    by = {s.call: s.by for s in sent if not s.call.startswith(("GET", "POST /app/"))}
    assert by.pop("POST /orgs/<org>/personal-access-tokens/<int:pat>") == "app"
    assert "DELETE /orgs/<org>/memberships/<login>" in by
    assert set(by.values()) == {"token"}


def command(whole: Whole, *words: str) -> tuple[int, dict[str, Any]]:
    whole.config()
    out = io.StringIO()
    environ = {
        "NHI_REVOKE_CONFIG": str(whole.folder / "nhi.toml"), "NHI_REVOKE_STATE": str(whole.folder / "state"),
        "NHI_REVOKE_PROVIDERS": "github,local",
    }  # fmt: skip
    streams = Streams(io.StringIO(), out, io.StringIO(), environ)
    code = run(Session(streams, (*words, "-o", "json"), whole.folder))
    told: dict[str, Any] = json.loads(out.getvalue())
    return code, told


@pytest.mark.parametrize("own", [f"user/{seed.OPERATOR}", f"app/{RESPONDER}", f"user/{RESPONDER}[bot]"])
def test_neither_of_them_is_ever_ended(whole: Whole, own: str) -> None:
    """Facts 2.4, 18."""
    with whole.hub.hub.lock:
        seed.new_account(whole.hub.hub, f"{RESPONDER}[bot]", START, "Bot")
    code, told = command(whole, "revoke", f"github:{own}", "--yes", "--allow-irreversible", "--force")
    assert code == 7
    assert [e["code"] for e in told["errors"]] == ["own-principal"]
    assert whole.mutations() == 0


@pytest.mark.parametrize(
    ("changes", "operator", "says"),
    [({"token_file": "/nowhere"}, MY_APP, "token_file"), ({"private_key_file": "/nowhere"}, ME, "private_key_file")],
)
def test_doctor_tells_which_one_does_not_sign_in(
    whole: Whole, changes: dict[str, str], operator: PrincipalRef, says: str
) -> None:
    code, told = command(whole, "doctor")
    mine = [c for c in told["data"]["checked"] if c["provider"] == "github"]
    assert [(c["state"], c["operator"]) for c in mine] == [("ok", [str(ME), str(MY_APP)])]
    assert code == 0
    whole.hub.table |= changes
    code, told = command(whole, "doctor")
    mine = [c for c in told["data"]["checked"] if c["provider"] == "github"]
    assert [(c["state"], c["operator"]) for c in mine] == [("ok", [str(operator)]), ("unauthenticated", [])]
    assert says in mine[1]["why"]
    assert code == 9


def fates(report: Report) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for outcome in report.outcomes:
        told.setdefault(outcome.access.on.kind, set()).add(outcome.fate)
    return told


def test_a_run_without_the_token_ends_what_the_app_may_and_leaves_users_to_people(whole: Whole) -> None:
    whole.hub.table["token_file"] = "/nowhere"
    with pytest.raises(Refused, match="it may be you"):
        whole.run(whole.plan(name=USER))
    assert whole.mutations() == 0
    plan = whole.plan(Intent(rotate="no"))
    by_hand = [m for m in plan.manual if "it may be you" in m.what]
    assert [str(m.on) for m in by_hand] == [USER]
    report = whole.run(plan)
    assert "deploy-key" not in whole.open_doors()
    assert "pat" in whole.open_doors()
    assert report.exit_code == 8
    assert "ended" not in fates(report)["user"]


def test_a_run_without_the_app_ends_them_by_the_membership(whole: Whole) -> None:
    whole.hub.table["private_key_file"] = "/nowhere"
    report = whole.run(whole.plan(Intent(rotate="no", scope="sessions"), name=USER))
    [unseen] = [b for b in report.blind if b.kind == PAT and b.counts]
    assert "private_key_file" in unseen.why
    assert "pat" in whole.open_doors()
    report = whole.run(whole.plan(Intent(rotate="no"), name=USER))
    assert not [b for b in report.blind if b.kind == PAT and b.counts]
    assert "pat" not in whole.open_doors()
