"""`find --consumers` as a responder types it, on the sandbox: the screen, the exit code, and a map that holds."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nhi_revoke.cli.process import run
from nhi_revoke.cli.schema import envelope_schema
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.testing.conformance import World
from nhi_revoke_aws.provider import AwsProvider
from nhi_revoke_aws.sandbox.own.holders import plant_function, plant_service
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox

from .consumers_bench import CANARY, HOME, OTHER_ROLE, USER_ARN, WORKER_ARN


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


class Desk:
    """One world, and a command line in it."""

    def __init__(self, world: World, sandbox: AwsSandbox) -> None:
        self.world, self.sandbox = world, sandbox
        self.said = ""
        world.config()
        scene = Scene(sandbox.world, None, None, "payments-bot", "payments-worker")  # type: ignore[arg-type]  # nobody breaks in here
        keys = sandbox.admin("iam").list_access_keys(UserName="payments-bot")["AccessKeyMetadata"]
        self.key = str(keys[0]["AccessKeyId"])
        env = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": CANARY}
        plant_function(scene, HOME, "export", OTHER_ROLE, env)
        plant_function(scene, HOME, "api", OTHER_ROLE, {"SECRET_NAME": "payments/aws", "TOKEN": CANARY})
        plant_function(scene, HOME, "hook", WORKER_ARN)
        arn = sandbox.world.moto.secret_arn("111122223333", HOME, "payments/aws")
        plant_service(scene, HOME, "prod", "ledger", OTHER_ROLE, {"secrets": [{"name": "K", "valueFrom": arn}]})
        secrets = sandbox.admin("secretsmanager")
        held = json.dumps({"value": CANARY})
        secrets.create_secret(Name="shop/s3", SecretString=held, Tags=[{"Key": "key", "Value": self.key}])
        secrets.create_secret(Name="legacy/payments-bot", SecretString=held)
        sandbox.forget_calls()

    @property
    def map(self) -> Path:
        return self.world.folder / "nhi.toml"

    def __call__(self, *words: str, tty: bool = False, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Exit code and stdout."""
        out, err = Stream(tty=tty), Stream(tty=tty)
        whole = {
            "NHI_REVOKE_CONFIG": str(self.map), "NHI_REVOKE_STATE": str(self.world.state), "COLUMNS": "80",
            "TERM": "xterm", **(environ or {}),
        }  # fmt: skip
        registry = self.world.registry
        session = Session(
            Streams(io.StringIO(), out, err, whole), words, self.world.folder, make_registry=lambda _: registry
        )
        code = run(session)
        self.said += out.getvalue() + err.getvalue()
        return code, out.getvalue()

    def data(self, who: str = "payments-bot", code: int = 0) -> dict[str, Any]:
        got, out = self("find", "--consumers", who, "-o", "json")
        assert got == code, out
        told = json.loads(out)
        Draft202012Validator(envelope_schema(("find",))).validate(told)
        data: dict[str, Any] = told["data"]
        return data


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    sandbox = AwsSandbox(entropy=1, planted=())
    with World(AwsProvider(), tmp_path, make_sandbox=lambda: sandbox) as world:
        sandbox.lag(0, 0)
        made = Desk(world, sandbox)
        yield made
        assert [call.name for call in sandbox.calls() if call.by == "operator" and call.mutates] == []
        assert CANARY not in made.said


def test_the_strongest_evidence_first_and_what_to_paste_last(desk: Desk) -> None:
    code, out = desk("find", "--consumers", "payments-bot")
    assert code == 0
    assert out.startswith("CONSUMERS 7  BY NAME ALONE 1  IN THE MAP 1  UNSEEN 0    of payments-bot\n")
    places = [
        out.index(words) for words in (
            "id         Lambda function export in us-east-1  111122223333",
            f"its environment holds {desk.key} (AWS_ACCESS_KEY_ID) (lambda:ListFunctions)",
            "reference  ECS service ledger in cluster prod in us-east-1",
            "in the map; nhi.toml delivers aws:access-key",
            "use        Caller of sts in us-east-1",
            "name       Secrets Manager secret legacy/payments-bot in us-east-1",
            "Looked at: aws 111122223333. What is not connected was not.",
            "PROPOSED for nhi.toml",
            "[[identity.payments-bot.flush]]",
            "By name alone, which proves nothing",
            "Next: nhi-revoke identities check payments-bot",
        )
    ]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize("width", ["80", "120"])
def test_a_terminal_without_colour_shows_it_within_its_width(desk: Desk, width: str) -> None:
    """What is copied is not wrapped: ARNs of the map are longer than that."""
    _, out = desk("find", "--consumers", "payments-bot", tty=True, environ={"COLUMNS": width, "NO_COLOR": "1"})
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= int(width)
    _, coloured = desk("find", "--consumers", "payments-bot", tty=True, environ={"COLUMNS": width})
    assert "\x1b[" in coloured


def test_what_is_proposed_works_when_it_is_pasted(desk: Desk) -> None:
    before = desk.map.read_text()
    told = desk.data()
    kept = {(mark["field"], mark["variable"]) for mark in told["marks"] if mark["kind"] == "aws:access-key"}
    assert kept == {("AccessKeyId", "AWS_ACCESS_KEY_ID")}
    proposal = told["proposal"]
    assert tomllib.loads(proposal)["identity"]["payments-bot"] == {
        "deliver": [{"from": "aws:access-key", "to": "aws-secretsmanager:shop/s3"}],
        "flush": [
            {"use": "aws-lambda", "function": "hook", "region": HOME},
            {"use": "aws-ecs", "cluster": "prod", "service": "ledger", "region": HOME},
            {"use": "aws-lambda", "function": "api", "region": HOME},
        ],
    }
    desk.map.write_text(f"{before}\n{proposal}")
    code, out = desk("identities", "check", "payments-bot", "-o", "json")
    assert (code, {each["state"] for each in json.loads(out)["data"]}) == (0, {"ok"})
    assert len(json.loads(out)["data"]) == 2 + 2 + 3
    again = desk.data()
    assert "[[" not in "\n".join(line for line in again["proposal"].split("\n") if not line.startswith("#"))
    mapped = {each["what"] for each in again["consumers"] if each["in_map"]}
    assert mapped == {
        "ECS service ledger in cluster prod in us-east-1", "Lambda function api in us-east-1",
        "Lambda function hook in us-east-1", "Secrets Manager secret payments/aws in us-east-1",
        "Secrets Manager secret shop/s3 in us-east-1",
    }  # fmt: skip
    code, out = desk("plan", "payments-bot", "-o", "json")
    assert code == 0
    does = [step["does"] for step in json.loads(out)["data"]["steps"]]
    assert does.count("aws-secretsmanager/stage") == 2
    assert does.count("aws-lambda") == 4, "two functions, after the seal and after the delivery"


def test_a_bare_principal_gets_an_identity(desk: Desk) -> None:
    text = desk.map.read_text()
    desk.map.write_text(text[text.index("[aws]") :])
    proposal = desk.data(USER_ARN)["proposal"]
    assert tomllib.loads(proposal)["identity"]["payments-bot"]["principals"] == [f"aws:{USER_ARN}"]
    desk.map.write_text(f"{desk.map.read_text()}\n{proposal}")
    assert desk("identities", "check", "payments-bot")[0] == 0


def test_rows_tell_consumers_and_what_was_not_seen(desk: Desk) -> None:
    desk.sandbox.allow_only(
        ["iam:*", "account:ListRegions", "secretsmanager:ListSecrets", "ssm:DescribeParameters", "ecs:*"]
    )
    code, out = desk("find", "--consumers", "payments-bot", "-o", "csv")
    assert code == 9
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["needs"] for row in rows if row["record"] == "unseen"] == ["lambda:ListFunctions"]
    [kept] = [row for row in rows if row["in_map"] == "yes"]
    assert (kept["basis"], kept["deliver"], kept["of"]) == (
        "reference", "aws:access-key=aws-secretsmanager:payments/aws", f"aws:{USER_ARN}",
    )  # fmt: skip
    lines = [json.loads(line) for line in desk("find", "--consumers", "payments-bot", "-o", "ndjson")[1].splitlines()]
    assert [line["type"] for line in lines] == ["row"] * len(rows) + ["result"]
    told = lines[-1]["result"]
    assert (told["status"], told["exit_code"]) == ("partial", 9)


def test_a_denied_list_of_keys_is_no_none(desk: Desk) -> None:
    every = {"iam:GetUser", "iam:GetRole", *AwsProvider.finds} - {"iam:ListAccessKeys"}
    desk.sandbox.allow_only(sorted(every))
    data = desk.data(code=9)
    assert "iam:ListAccessKeys" in {spot["needs"] for spot in data["blind"]}
    assert not [mark for mark in data["marks"] if mark["kind"]]
    code, out = desk("find", "--consumers", "payments-bot")
    assert (code, "UNSEEN" in out) == (9, True)


@pytest.mark.parametrize("who", ["aws:user/nobody", "nobody-at-all"])
def test_who_is_not_there(desk: Desk, who: str) -> None:
    code, out = desk("find", "--consumers", who)
    assert (code, out) == (3, "")
