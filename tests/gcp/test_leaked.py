"""A key that leaked and was handed over: recognised by its file, and tried once it was ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nhi_revoke.model.proof import Proof
from nhi_revoke.model.step import Step
from nhi_revoke_gcp import provider as gcp
from nhi_revoke_gcp.sandbox.scene import first_key

from .conftest import BOT, Bench, world

KIND = "gcp:key"


def file_of(bench: Bench, **more: str) -> dict[str, str]:
    """The key file that the intruder holds."""
    account = bench.account
    return {**bench.cloud.key_file(account, first_key(account), bench.sandbox.grpc.token_uri), **more}


def ending(bench: Bench) -> Step:
    [step] = [s for s in bench.steps(BOT, brake="off") if s.ends == (f"{KIND}/{bench.account.email}/{key_id(bench)}",)]
    return step


def key_id(bench: Bench) -> str:
    return first_key(bench.account).id


@pytest.mark.parametrize("around", ["{}", "log: {} and more", '{{"deep": {{"er": {}}}}}', "{{ no json \n{}"])
def test_a_key_file_is_found_wherever_it_stands(bench: Bench, around: str) -> None:
    text = around.format(json.dumps(file_of(bench), indent=2))
    [(leak, secret)] = gcp.leaks(text)
    assert (leak.kind, leak.public_id, str(leak.owner)) == (KIND, key_id(bench), BOT)
    assert secret.fields() == file_of(bench)
    assert [found.leak for found in gcp.recognise(text)] == [leak]
    assert "PRIVATE KEY" not in repr(leak) + repr(secret)


def test_each_key_is_found_once_and_another_beside_it(bench: Bench) -> None:
    one = json.dumps(file_of(bench))
    other = json.dumps(file_of(bench, private_key_id="0" * 40))
    assert [leak.public_id for leak, _ in gcp.leaks(one + other + one)] == [key_id(bench), "0" * 40]


AN_ID = '"private_key_id": "' + "a" * 40 + '"'


@pytest.mark.parametrize("text", ["", "nothing", f"{{{AN_ID}}}", AN_ID, '{"a":' * 700 + AN_ID, "{" * 3000 + AN_ID])
def test_what_is_no_key_file_is_not_taken_for_one(text: str) -> None:
    assert not list(gcp.leaks(text))
    assert not list(gcp.recognise(text))


def test_a_file_that_names_no_account_of_googles_names_no_owner(bench: Bench) -> None:
    [found] = gcp.recognise(json.dumps(file_of(bench, client_email="a@evil.example")))
    leak = found.leak
    assert (leak.owner, leak.note) == (None, f"key {key_id(bench)}")


def held(bench: Bench, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """As the engine hands it on."""
    found = [secret for _, secret in gcp.leaks(json.dumps(file_of(bench, **more)))]
    monkeypatch.setattr(bench.io, "leaked", lambda kind: found if kind == KIND else ())


def test_once_it_is_ended_google_itself_refuses_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held(bench, monkeypatch)
    step = ending(bench)
    assert bench.prove(step).proof is Proof.UNPROVEN, "it still gets tokens"
    bench.do(step)
    proven = bench.prove(step)
    assert (proven.proof, proven.how) == (
        Proof.ENFORCED,
        "the key that leaked was tried, and gets no token (invalid_grant)",
    )


def test_nobody_answers_and_the_weaker_proof_stands(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held(bench, monkeypatch)
    step = ending(bench)
    bench.do(step)
    bench.sandbox.fault("POST /token", "timeout", times=1000)
    proven = bench.prove(step)
    assert proven.proof is Proof.RECORDED
    assert "no clear answer to the key itself" in proven.how


def test_a_file_that_somebody_else_wrote_names_no_endpoint(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key would sign for whoever is asked: only Google's own endpoint is."""
    held(bench, monkeypatch, token_uri="http://127.0.0.1:1/steal")
    step = ending(bench)
    bench.do(step)
    assert bench.prove(step).proof is Proof.ENFORCED


def test_a_whole_run_proves_it_by_the_key_itself(tmp_path: Path) -> None:
    with world(tmp_path, deliver=False) as whole:
        account = whole.gcp.scene.account
        file = whole.gcp.cloud.key_file(account, first_key(account), "https://evil.example/token")
        whole.leaked = lambda _: json.dumps(file)
        report = whole.run()
        outcome = whole.outcome(report, f"{KIND}/{account.email}/{file['private_key_id']}")
        assert (outcome.fate, outcome.proof) == ("ended", Proof.ENFORCED)
