"""A rollover under work: no call by a long-term credential fails, whatever goes wrong, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.provider.sandbox.contract import FaultName
from nhi_revoke.testing.conformance import Killed, kill_at
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import USER
from nhi_revoke_okta.access.client_secret_mint import CreateSecret
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from tests.demo.rolling import Rolling

SECRET = "okta:client-secret"
SECRETS = "/api/v1/apps/<app>/credentials/secrets"
TO_AWS = "aws:access-key=aws-secretsmanager:payments/aws"


@pytest.fixture
def okta(tmp_path: Path) -> Iterator[Rolling]:
    def app(sandbox: OktaSandbox) -> str:
        # The second slot is free: nothing has to be deleted first.
        former = [s for s in sandbox.scene.app.secrets.values() if s.status.shown != "ACTIVE"]
        for each in former:
            del sandbox.scene.app.secrets[each.id]
        sandbox.lag(0, 0)
        return f"okta:app/{sandbox.scene.app.id}"

    with Rolling(tmp_path, "okta", app) as rolling:
        yield rolling


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Rolling]:
    def user(sandbox: AwsSandbox) -> str:
        iam = sandbox.admin("iam")
        for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            if key["Status"] != "Active":
                iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
        return f"aws:user/{USER}"

    with Rolling(tmp_path, "aws", user) as rolling:
        yield rolling


def secrets_of(rolling: Rolling) -> dict[str, str]:
    """State of each of the app's secrets, by its value."""
    sandbox: Any = rolling.sandbox
    return {s.value: s.status.shown for s in sandbox.scene.app.secrets.values() if s.status.shown != "GONE"}


def stored(rolling: Rolling) -> str:
    return str(json.loads((rolling.folder / "payments-okta.json").read_text())["client_secret"])


def keys_of(rolling: Rolling) -> dict[str, str]:
    sandbox: Any = rolling.sandbox
    rows = sandbox.admin("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]
    return {row["AccessKeyId"]: row["Status"] for row in rows}


def current(rolling: Rolling) -> str:
    sandbox: Any = rolling.sandbox
    read = sandbox.admin("secretsmanager").get_secret_value
    answer = read(SecretId="payments/aws", VersionStage="AWSCURRENT")
    return str(json.loads(answer["SecretString"])["AccessKeyId"])


def test_no_call_fails_and_the_old_one_ends(okta: Rolling, tmp_path: Path) -> None:
    before = stored(okta)
    code, told, _ = okta.rotate(f"{SECRET}=file:{tmp_path}/payments-okta.json")
    assert code in (0, 6, 8, 9), told["errors"]
    now = stored(okta)
    assert secrets_of(okta) == {before: "INACTIVE", now: "ACTIVE"}
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)
    assert client.calls > 3
    assert client.by[0].outlived is not None
    assert client.by[0].outlived >= 600
    assert okta.workload.call()


@pytest.mark.parametrize("fault", ["lost", "timeout", "denied", "500", "down", "429"])
def test_whatever_the_mint_answers(okta: Rolling, tmp_path: Path, fault: FaultName) -> None:
    """Where no new one arrives the old one works on; nothing that was made is left; `resume` makes up for it."""
    before = stored(okta)
    okta.sandbox.fault(f"POST {SECRETS}", fault, times=1 if fault == "lost" else 30)
    code, _, _ = okta.rotate(f"{SECRET}=file:{tmp_path}/payments-okta.json")
    if fault == "lost":  # what came of it was found, destroyed, and made anew
        assert code in (0, 6, 8, 9)
    else:
        assert code in (1, 5)
        assert stored(okta) == before
        assert secrets_of(okta) == {before: "ACTIVE"}
        sandbox: Any = okta.sandbox
        sandbox.gate.faults.clear()
        code, told, _ = okta.command("resume", "@last")
        assert code in (0, 6, 8, 9), told["errors"]
    assert secrets_of(okta) == {before: "INACTIVE", stored(okta): "ACTIVE"}
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def test_a_store_of_the_wrong_shape_is_seen_before_anything_is_made(okta: Rolling, tmp_path: Path) -> None:
    before = stored(okta)
    file = tmp_path / "payments-okta.json"
    file.write_text(file.read_text().replace("{", '{"client_id": "twice",', 1))
    code, told, err = okta.rotate(f"{SECRET}=file:{file}")
    assert code == 1
    assert "it has the same key twice" in " ".join(err.split()) + json.dumps(told)
    sandbox: Any = okta.sandbox
    assert [c for c in sandbox.calls() if c.mutates and c.by == "operator"] == []
    assert secrets_of(okta) == {before: "ACTIVE"}
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def test_a_new_one_that_does_not_open_the_door_is_destroyed(
    okta: Rolling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(okta)
    monkeypatch.setattr(CreateSecret, "opens", lambda *_: Proven(Proof.UNPROVEN, "the token service refuses it"))
    code, told, _ = okta.rotate(f"{SECRET}=file:{tmp_path}/payments-okta.json")
    assert code in (1, 5)
    assert stored(okta) == before
    assert secrets_of(okta) == {before: "ACTIVE"}
    assert told["data"]["replacements"][0]["result"] != "served"
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("iam:CreateAccessKey", "lost"),
        ("secretsmanager:PutSecretValue", "lost"),
        ("secretsmanager:PutSecretValue", "denied"),
        ("secretsmanager:UpdateSecretVersionStage", "lost"),
        ("secretsmanager:UpdateSecretVersionStage", "denied"),
        ("iam:UpdateAccessKey", "lost"),
        ("iam:UpdateAccessKey", "denied"),
    ],
)
def test_whatever_a_clouds_own_store_answers(aws: Rolling, call: str, fault: FaultName) -> None:
    [before] = keys_of(aws)
    aws.sandbox.fault(call, fault, times=1 if fault == "lost" else 50)
    code, _, _ = aws.rotate(TO_AWS)
    now = current(aws)
    if now == before:  # the new one did not arrive: the old one works on, and nothing is left of the new one
        assert code in (1, 5)
        assert keys_of(aws) == {before: "Active"}
    elif fault == "denied":  # it arrived, and the old one could not be ended
        assert code == 5
        assert keys_of(aws) == {before: "Active", now: "Active"}
    else:
        assert keys_of(aws) == {before: "Inactive", now: "Active"}
    sandbox: Any = aws.sandbox
    sandbox.world.gate.faults.clear()
    if code in (1, 5):
        aws.command("resume", "@last")
    assert keys_of(aws) == {before: "Inactive", current(aws): "Active"}
    client = aws.client()
    assert (client.failed, client.unclear) == (0, 0)
    assert client.sessions.calls > 0


def test_killed_at_each_line_of_the_journal_and_resumed(okta: Rolling) -> None:
    """One sandbox, one rotation after the other; each is killed two lines later, until one is not killed any more."""
    line, ended = 0, False
    while not ended:
        line += 2
        before = stored(okta)
        try:
            with okta.engine(kill_at(line)) as engine:
                okta.rotate_in(engine, SECRET)
            ended = True
        except Killed:
            with okta.engine() as engine:
                engine.resume(engine.run_id("@last"))
        now = stored(okta)
        assert secrets_of(okta) == {before: "INACTIVE", now: "ACTIVE"}, f"killed before line {line}"
        _make_room(okta, before)
    assert line > 15
    client = okta.client()
    assert (client.failed, client.unclear) == (0, 0)


def _make_room(rolling: Rolling, value: str) -> None:
    sandbox: Any = rolling.sandbox
    old = next(s for s in sandbox.scene.app.secrets.values() if s.value == value)
    del sandbox.scene.app.secrets[old.id]
