"""OCSF events and CAEP claims of a report: right by their own schema, and never better than what was seen."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from nhi_revoke.model.found import Access
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Outcome, Replacement, Report, ResultWord, StepResult
from nhi_revoke.model.step import Phase
from nhi_revoke.render.caep import TYPES, unsigned_claims
from nhi_revoke.render.ocsf import events, ocsf_events
from nhi_revoke.render.standards import countermeasure, mapping
from tests.render.conftest import BOT, NOON, at

CONFIRMED = {
    *("NHI1:2025", "NHI2:2025", "NHI3:2025", "NHI7:2025", "RS.MI-01", "RS.MI-02", "PR.AA-01", "RS.AN-06", "RS.AN-07"),
    *("T1550.001", "T1098.001", "SP 800-61r3", "tenets 3, 4, 6", "D3-CE", "D3-CR", "D3-AL", "D3-ANCI", "D3-ST"),
    *("D3-CRO", "D3-CERO", "D3-PR", "D3-RIC", "D3-RUAA", "D3-UAP"),
}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """Of Remediation Activity in OCSF 1.8.0, which knows no further fields."""
    whole = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0")).get_class_schema("remediation_activity")
    assert whole["additionalProperties"] is False
    return Draft202012Validator(whole)


def step(
    result: Any = "done",
    phase: Phase = Phase.END,
    proof: Proof | None = Proof.RECORDED,
    *,
    does: str = "example:token/disable",
    detail: str = "",
) -> StepResult:
    return StepResult("s9", does, str(BOT), phase, "disable it", result, detail, True, proof, at(1))


def test_every_event_is_valid_by_the_released_schema(report: Report, schema: Draft202012Validator) -> None:
    made = [json.loads(line) for line in ocsf_events(report, at(3)).splitlines()]
    assert len(made) == len(report.steps) + 1
    for event in made:
        schema.validate(event)
    assert not list(schema.iter_errors(made[0]))
    assert list(schema.iter_errors({**made[0], "severity_id": 77, "hostname": "x"})), "the check can fail"


def test_every_kind_of_step_is_valid_and_only_what_holds_is_a_success(
    report: Report, schema: Draft202012Validator
) -> None:
    steps = tuple(
        step(result, phase, proof, does=does)
        for result in get_args(ResultWord)
        for phase in Phase
        for proof, does in (
            (None, "example:token/disable"),
            (Proof.REQUESTED, "example:token/create"),
            (Proof.ENFORCED, "x"),
        )
    )
    *each, _ = events(replace(report, steps=steps), at(3))
    for told, event in zip(steps, each, strict=True):
        held = told.result in ("done", "already", "undone") and told.proof is Proof.ENFORCED
        assert (event["status_id"] == 1) is held, told
        assert (event["status_id"] == 2) is (told.result == "failed")
        assert event["type_uid"] == 700100 + event["activity_id"]
    for event in {json.dumps({**e, "unmapped": {}, "metadata": e["metadata"]}): e for e in each}.values():
        schema.validate(event)


def test_an_event_says_what_was_done_on_what_and_when(report: Report) -> None:
    done = step(detail="read twice")
    event, whole = events(replace(report, steps=(done,)), at(3))
    assert event["time"] == int(at(1).timestamp() * 1000)
    assert event["metadata"]["version"] == "1.8.0"
    assert event["metadata"]["product"]["name"] == "nhi-revoke"
    assert event["metadata"]["correlation_uid"] == "IR-17"
    assert event["metadata"]["tenant_uid"] == "org-1"
    assert (event["class_uid"], event["type_uid"], event["activity_name"]) == (7001, 700102, "Evict")
    assert event["command_uid"] == f"{report.run}/s9"
    assert event["countermeasures"] == [
        {
            "version": "2025-08-25",
            "d3f_technique": {"uid": "D3-CE", "name": "Credential Eviction"},
            "d3f_tactic": {"name": "Evict"},
        }
    ]
    assert event["unmapped"]["on"] == str(BOT)
    assert whole["command_uid"] == report.run
    assert (whole["status"], whole["severity"]) == ("Partial", "High")
    assert whole["unmapped"]["left"] == {"open": 3, "expires": 1, "unseen": 3, "planted": 1}
    assert {o["id"] for o in whole["unmapped"]["accesses"]} == {o.access.id for o in report.outcomes}
    assert whole["unmapped"]["journal_sha256"] == report.journal_sha256


@pytest.mark.parametrize(
    ("headline", "code", "status"),
    [("OUT", 0, 1), ("OUT", 6, 1), ("NOT PROVEN OUT", 8, 4), ("NOTHING CHANGED", 1, 2), ("TAKEN BACK", 5, 4)],
)
def test_the_run_is_a_success_only_where_it_is_proven(report: Report, headline: Any, code: int, status: int) -> None:
    *_, whole = events(replace(report, headline=headline, exit_code=code), at(3))
    assert whole["status_id"] == status


@pytest.mark.parametrize(
    ("phase", "does", "reversible", "family", "id_"),
    [
        (Phase.CUT, "k/deny-all", True, "session", "D3-UAP"),
        (Phase.CUT, "k/disable", True, "principal", "D3-AL"),
        (Phase.SEAL, "k/cut", True, "session", "D3-ST"),
        (Phase.END, "k/disable", True, "key", "D3-CE"),
        (Phase.FINISH, "k/delete", False, "key", "D3-CR"),
        (Phase.END, "k/delete", True, "key", "D3-CE"),
        (Phase.END, "k/delete", True, "trust", None),
        (Phase.MINT, "k/create", True, "key", "D3-CRO"),
        (Phase.MINT, "k/create", True, "certificate", "D3-CERO"),
        (Phase.MINT, "k/create", True, "password", "D3-PR"),
        (Phase.MINT, "k/delete", False, "key", "D3-CR"),
        (Phase.DELIVER, "store/stage", True, "", "D3-RIC"),
        (Phase.PROVE, "k/prove", True, "key", None),
        (Phase.FLUSH, "cache", True, "", "D3-ANCI"),
        (Phase.RELEASE, "k/release", True, "principal", "D3-RUAA"),
    ],
)
def test_what_d3fend_calls_a_step(phase: Phase, does: str, reversible: bool, family: str, id_: str | None) -> None:
    found = countermeasure(replace(step(phase=phase, does=does), reversible=reversible), {"k": family})
    assert (found.id if found else None) == id_


def test_only_confirmed_ids_are_printed(report: Report) -> None:
    steps = tuple(
        step(phase=phase, does=f"example:token/{verb}") for phase in Phase for verb in ("create", "deny-all", "x")
    )
    for reason in Reason:
        found = list(mapping(replace(report, intent=Intent(reason=reason), steps=steps)))
        assert {each.id for each in found} <= CONFIRMED
        assert len({(e.id, e.did) for e in found}) == len(found)
    nothing = replace(report, steps=(), replacements=(), planted=(), outcomes=(), journal_sha256="")
    assert [e.id for e in mapping(nothing)] == ["NHI2:2025", "SP 800-61r3"]


# -- CAEP -------------------------------------------------------------------------------------------------------------


def claimed(report: Report) -> dict[str, Any]:
    whole = json.loads(unsigned_claims(report, at(3)))
    assert isinstance(whole, dict)
    return whole


def over(report: Report) -> Report:
    """The same, with every session ended and proven."""
    outcomes = tuple(
        replace(o, fate="ended", proof=Proof.RECORDED) if o.access.family == "session" else o for o in report.outcomes
    )
    return replace(report, outcomes=outcomes, steps=(step(),))


def test_claims_have_the_shape_of_the_final_specifications(report: Report) -> None:
    whole = claimed(over(report))
    assert whole["signed"] is False
    assert whole["typ"] == "secevent+jwt"
    assert whole["missing"] == ["iss", "aud"]
    assert "not signed" in whole["note"]
    names = [(next(iter(c["events"])).removeprefix(TYPES), c["sub_id"]) for c in whole["claims"]]
    subject = {"format": "opaque", "id": str(BOT)}
    assert names == [("session-revoked", subject), ("credential-change", subject)]
    for claims in whole["claims"]:
        assert set(claims) == {"iat", "jti", "txn", "sub_id", "events"}
        assert claims["txn"] == "IR-17"
        assert claims["iat"] == int(at(3).timestamp())
        [event] = claims["events"].values()
        assert event["event_timestamp"] == int(at(1).timestamp()), "seconds"
        assert event["initiating_entity"] == "admin"
        assert event["reason_admin"]["en"].startswith("Incident IR-17: payments-bot contained by nhi-revoke")
    change = whole["claims"][1]["events"][f"{TYPES}credential-change"]
    assert (change["credential_type"], change["change_type"], change["friendly_name"]) == (
        "example:token",
        "revoke",
        "tok_1",
    )
    assert [c["jti"] for c in claimed(over(report))["claims"]] == [c["jti"] for c in whole["claims"]]
    assert len({c["jti"] for c in whole["claims"]}) == 2


def test_no_session_is_claimed_to_be_over_that_may_live(report: Report) -> None:
    whole = claimed(report)
    assert not [c for c in whole["claims"] if f"{TYPES}session-revoked" in c["events"]]
    why = "2 of its sessions are not proven to be over"
    assert whole["not_claimed"] == [{"on": str(BOT), "event": "session-revoked", "why": why}]
    requested = replace(report.outcomes[0], proof=Proof.REQUESTED)
    assert not claimed(replace(report, outcomes=(requested,)))["claims"]
    lasting = Outcome(report.outcomes[3].access, "lasts", None, "", until=at(30))
    assert not claimed(replace(over(report), outcomes=(*over(report).outcomes, lasting)))["claims"][1:]


def test_a_replacement_is_claimed_once_it_serves(report: Report) -> None:
    served = Replacement("example:cert", str(BOT), "served", "cert/new", "vault:x", Proof.ENFORCED, "")
    cert = Outcome(Access("cert/old", BOT, "example:cert", "certificate", "live"), "ended", Proof.RECORDED, "")
    whole = replace(report, outcomes=(cert,), replacements=(served, replace(served, result="delivered")))
    whole = replace(whole, times=replace(report.times, served=NOON), intent=Intent())
    changes = [next(iter(c["events"].values())) for c in claimed(whole)["claims"]]
    assert [(c["change_type"], c["credential_type"], c["friendly_name"]) for c in changes] == [
        ("revoke", "x509", "cert/old"),
        ("create", "x509", "cert/new"),
    ]
    assert claimed(whole)["claims"][0]["txn"] == report.run
