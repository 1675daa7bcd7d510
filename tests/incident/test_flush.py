"""A rotation with its caches, consumers and stores, through the command line: what the plan says, does and leaves."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from nhi_revoke.engine.event import Event, StepEvent
from nhi_revoke_aws.sandbox.own.api_gateway import API, RestApis
from nhi_revoke_aws.sandbox.own.service import Scene
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from tests.incident.conftest import BOT, YES, Incident

HOME = "us-east-1"
NAME = "/payments/aws"
FUNCTION = "payments-api"
URI = (
    f"arn:aws:apigateway:{HOME}:lambda:path/2015-03-31/functions/arn:aws:lambda:{HOME}:{ACCOUNT}:function:a/invocations"
)


class Estate:
    """What trusts payments-bot's key besides AWS itself: an API with a cache, a function, a parameter."""

    def __init__(self, incident: Incident) -> None:
        self._incident = incident
        aws = incident.aws
        gateway = aws.admin("apigateway")
        self.api = str(gateway.create_rest_api(name="payments")["id"])
        root = gateway.get_resources(restApiId=self.api)["items"][0]["id"]
        gateway.put_method(restApiId=self.api, resourceId=root, httpMethod="GET", authorizationType="NONE")
        gateway.put_integration(restApiId=self.api, resourceId=root, httpMethod="GET", type="MOCK")
        gateway.create_deployment(restApiId=self.api, stageName="prod")
        gateway.create_authorizer(
            restApiId=self.api, name="a", type="TOKEN", authorizerUri=URI, authorizerResultTtlInSeconds=3600,
            identitySource="method.request.header.Authorization",
        )  # fmt: skip
        role = incident.role("runs-payments", {"Service": "lambda.amazonaws.com"})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("main.py", "def handler(event, context): ...")
        aws.admin("lambda").create_function(
            FunctionName=FUNCTION, Runtime="python3.12", Role=role, Handler="main.handler",
            Code={"ZipFile": packed.getvalue()}, Description="pays",
            Environment={"Variables": {"WEBHOOK": aws.world.remember("whsec_" + "e" * 40)}},
        )  # fmt: skip
        self.old = {"AccessKeyId": incident.leaked, "SecretAccessKey": aws.loot().key.secret, "Region": "eu"}
        aws.admin("ssm").put_parameter(
            Name=NAME, Value=json.dumps(self.old), Type="SecureString", KeyId="alias/payments", Tier="Advanced"
        )

    def flushes(self) -> str:
        return (
            f'\n[[identity.{BOT}.flush]]\nuse = "aws-apigateway"\napi = "{self.api}"\n'
            f'\n[[identity.{BOT}.flush]]\nuse = "aws-lambda"\nfunctions = ["{FUNCTION}"]\nregion = "{HOME}"\n'
        )

    def parameter(self, name: str = NAME) -> dict[str, str]:
        found = self._incident.aws.admin("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
        return dict(json.loads(found["Value"]))

    def described(self) -> dict[str, Any]:
        rows = self._incident.aws.admin("ssm").describe_parameters()["Parameters"]
        return {r["Name"]: (r["Type"], r["KeyId"], r["Tier"]) for r in rows}

    def history(self) -> list[str]:
        rows = self._incident.aws.admin("ssm").get_parameter_history(Name=NAME, WithDecryption=True)["Parameters"]
        return [str(json.loads(r["Value"])["AccessKeyId"]) for r in rows]

    def description(self) -> str:
        found = self._incident.aws.admin("lambda").get_function_configuration(FunctionName=FUNCTION)
        return str(found["Description"])

    def answers(self, key_id: str, secret: str) -> bool:
        """Whether the API lets this key's token in."""
        form = {"account": ACCOUNT, "region": HOME, "api": self.api, "stage": "prod", "token": f"{key_id}:{secret}"}
        answer = httpx.post(f"{self._incident.aws.endpoint}/_use/api-gateway", data=form, trust_env=False)
        assert answer.status_code in (200, 403)
        return answer.status_code == 200

    def leaked_answers(self) -> bool:
        return self.answers(self.old["AccessKeyId"], self.old["SecretAccessKey"])


@pytest.fixture
def estate(incident: Incident) -> Estate:
    made = Estate(incident)
    incident.map = incident.map.replace('to = "aws-secretsmanager:payments/aws"', f'to = "aws-ssm:{NAME}"')
    incident.map += made.flushes()
    return made


def notes(data: dict[str, Any], word: str) -> list[str]:
    return [str(n["says"]) for n in data["notices"] if word in str(n["says"])]


def flushed(data: dict[str, Any]) -> dict[str, list[str | None]]:
    """Proof of each flush, by registry key, in order."""
    out: dict[str, list[str | None]] = {}
    for step in data["steps"]:
        if step["phase"] == "flush":
            assert step["result"] == "done", step
            out.setdefault(step["does"], []).append(step["proof"])
    return out


def test_the_plan_names_stages_regions_and_the_blip(incident: Incident, estate: Estate) -> None:
    ran = incident("plan", BOT)
    assert ran.code == 0
    assert f"flush the authorisers' and response caches of all stages of REST API {estate.api}" in ran.words
    assert "every caller is authorised anew: a burst of calls to the authoriser" in ran.words
    assert f"Lambda {FUNCTION} in {HOME}" in ran.words
    assert "the next calls start cold" in ran.words
    assert "after the seal" in ran.words
    assert "after the delivery" in ran.words
    assert incident.mutations == []


def test_a_rotation_delivers_to_the_parameter_and_empties_the_cache(incident: Incident, estate: Estate) -> None:
    was = estate.described()
    assert estate.leaked_answers(), "the intruder's token is in the cache"
    ran = incident("rotate", BOT, *YES, "-o", "json")
    assert ran.code in (6, 8, 9), ran
    [served] = [r for r in ran.data["replacements"] if r["kind"] == "aws:access-key"]
    assert (served["result"], served["to"]) == ("served", f"aws-ssm:{NAME}")
    new = estate.parameter()
    assert {k: v for k, v in new.items() if k not in ("AccessKeyId", "SecretAccessKey")} == {"Region": "eu"}
    assert incident.works(new["AccessKeyId"], new["SecretAccessKey"])
    assert estate.described() == was, "key, type and tier are kept, and nothing is left beside it"
    assert not estate.leaked_answers(), "no cached decision is left"
    assert estate.answers(new["AccessKeyId"], new["SecretAccessKey"])
    assert estate.description() == "pays", "two flushes leave the function as it was"
    assert flushed(ran.data) == {"aws-apigateway": ["requested"] * 2, "aws-lambda": ["recorded"] * 2}
    [told] = notes(ran.data, "history of SSM parameter")
    assert "still holds the old credential" in told
    assert incident.mutations.count("lambda:UpdateFunctionConfiguration") == 2


def test_containment_without_a_delivery_flushes_once_and_leaves_a_mark(incident: Incident, estate: Estate) -> None:
    assert estate.leaked_answers()
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert not estate.leaked_answers()
    assert flushed(ran.data) == {"aws-apigateway": ["requested"], "aws-lambda": ["recorded"]}
    assert estate.description() == f"pays [nhi-revoke {incident.runs()[-1]}]"
    assert estate.parameter() == estate.old
    assert notes(ran.data, "still holds") == [], "nothing was replaced"


def test_without_a_flush_the_cached_decision_outlives_the_key(incident: Incident, estate: Estate) -> None:
    """Why the flush is there: this is what the map's table is for."""
    incident.map = incident.map.split(f"[[identity.{BOT}.flush]]")[0]
    assert estate.leaked_answers()
    incident("revoke", BOT, "--rotate", "no", *YES)
    assert not incident.doors()["active-key"]
    assert estate.leaked_answers()


def test_a_flush_that_is_denied_is_told_and_the_rest_is_done(incident: Incident, estate: Estate) -> None:
    incident.aws.fault("apigateway:FlushStageAuthorizersCache", "denied", times=99)
    ran = incident("revoke", BOT, "--rotate", "now", *YES, "-o", "json")
    incident.aws.world.gate.faults.clear()
    assert ran.code == 5, ran
    assert incident.key_states()[incident.leaked] is False
    failed = [s for s in ran.data["steps"] if s["result"] == "failed"]
    assert {s["does"] for s in failed} == {"aws-apigateway"}
    again = incident("resume", "@last", "-o", "json")
    assert not [s for s in again.data["steps"] if s["result"] == "failed"]
    assert not estate.leaked_answers()


def test_a_wrong_table_is_in_the_plan_and_stops_nothing_else(incident: Incident, estate: Estate) -> None:
    incident.map = incident.map.replace(f'api = "{estate.api}"', f'api = "{estate.api}"\nstage = "prod"')
    plan = incident("plan", BOT)
    assert 'there is no setting "stage"' in plan.words
    assert 'Did you mean "stages"?' in plan.words
    ran = incident("revoke", BOT, "--rotate", "now", *YES, "-o", "json")
    assert ran.code == 5
    assert {s["does"] for s in ran.data["steps"] if s["result"] == "impossible"} == {"aws-apigateway"}
    assert incident.key_states()[incident.leaked] is False


def test_a_rollover_keeps_the_old_key_until_what_holds_it_is_flushed(incident: Incident, estate: Estate) -> None:
    """No outage: who still has the old key in a cache would be locked out."""
    incident.aws.fault("lambda:UpdateFunctionConfiguration", "denied", times=99)
    ran = incident("rotate", BOT, *YES, "-o", "json")
    incident.aws.world.gate.faults.clear()
    assert ran.code == 5, ran
    assert incident.key_states()[incident.leaked] is True
    assert any("lambda:UpdateFunctionConfiguration" in e["message"] for e in ran.json["errors"])
    incident("resume", "@last")
    assert incident.key_states()[incident.leaked] is False
    assert estate.description() == "pays"


def test_finish_names_what_no_api_deletes(incident: Incident, estate: Estate) -> None:
    incident("rotate", BOT, *YES)
    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert len(estate.history()) == 2
    assert estate.history()[0] == incident.leaked
    [told] = notes(ran.data, "history of SSM parameter")
    assert "deletes none alone, but with the parameter" in told


def test_after_finish_the_old_secret_is_gone_from_awsprevious(incident: Incident) -> None:
    leaked = incident.aws.loot().key.secret
    ran = incident("rotate", BOT, *YES, "-o", "json")
    assert incident.secret("AWSPREVIOUS")["SecretAccessKey"] == leaked
    [told] = notes(ran.data, "AWSPREVIOUS of secret payments/aws")
    assert "still holds the old credential, until finish" in told
    current = incident.secret()
    ran = incident("finish", "@last", *YES, "-o", "json")
    assert ran.code == 0, ran
    assert incident.secret("AWSPREVIOUS") == {}
    assert incident.secret() == current
    assert notes(ran.data, "still holds the old credential") == [], "that is over"
    [told] = notes(ran.data, "has no label any more")
    assert "until Secrets Manager deletes it" in told


def test_the_planted_door_is_shut_by_the_flush_as_the_report_says(
    incident: Incident,
) -> None:
    """As the demo would have it: the door's access is the key, and the map flushes what remembers it."""
    rests = next(s for s in incident.aws.world.own.services if isinstance(s, RestApis))
    thief = incident.aws._thief()
    door = rests.plant(Scene(incident.aws.world, thief._burglar, thief.loot, BOT, "payments-worker"))
    incident.map += f'\n[[identity.{BOT}.flush]]\nuse = "aws-apigateway"\napi = "{API}"\n'
    assert door.open()
    ran = incident("revoke", BOT, "--rotate", "no", *YES, "-o", "json")
    assert ran.fate(door.access) == "ended"
    assert not door.open()


CALLS = ("ssm:DescribeParameters", "ssm:GetParameter", "ssm:PutParameter")
FOR_GOOD = 1_000_000


@pytest.mark.parametrize("fault", ["denied", "timeout"])
@pytest.mark.parametrize("call", CALLS)
def test_a_parameter_that_fails_leaves_the_old_key_working(
    incident: Incident, estate: Estate, call: str, fault: str
) -> None:
    lone = _lone(incident)
    incident.aws.fault(call, fault, times=FOR_GOOD)  # type: ignore[arg-type]  # one of the names
    ran = incident("rotate", "lone", "--yes", "-o", "json")
    incident.aws.world.gate.faults.clear()
    assert ran.code in (1, 5), ran
    assert incident.works(*lone)
    assert estate.parameter() == estate.old
    assert incident.key_states("lone-bot") == {lone[0]: True}, "an orphan key is left"
    again = incident("resume", "@last", "-o", "json")
    assert again.code == 0, again
    new = estate.parameter()
    assert incident.key_states("lone-bot") == {lone[0]: False, new["AccessKeyId"]: True}
    assert list(estate.described()) == [NAME]


@pytest.mark.parametrize("fault", ["lost", "500"])
@pytest.mark.parametrize("call", [*CALLS, "ssm:DeleteParameter"])
def test_a_parameter_that_stumbles_once(incident: Incident, estate: Estate, call: str, fault: str) -> None:
    lone = _lone(incident)
    incident.aws.fault(call, fault)  # type: ignore[arg-type]  # one of the names
    ran = incident("rotate", "lone", "--yes", "-o", "json")
    assert ran.code == 0, ran
    assert incident.aws.world.gate.faults.pending() == 0
    new = estate.parameter()
    assert incident.key_states("lone-bot") == {lone[0]: False, new["AccessKeyId"]: True}
    assert incident.works(new["AccessKeyId"], new["SecretAccessKey"])
    assert len(estate.history()) == 2, "one new version, and no more"


def _lone(incident: Incident) -> tuple[str, str]:
    [key] = incident.bot("lone-bot")
    incident.map = (
        '[identity.lone]\nprincipals = ["aws:user/lone-bot"]\n\n'
        f'[[identity.lone.deliver]]\nfrom = "aws:access-key"\nto = "aws-ssm:{NAME}"\n'
    )
    return key


class Died(BaseException):
    """The process is gone: nothing catches it, and nothing more is written."""


@pytest.mark.parametrize("phase", ["deliver", "serve"])
@pytest.mark.parametrize("what", ["started", "asked", "settled"])
def test_killed_around_a_delivery(incident: Incident, estate: Estate, phase: str, what: str) -> None:
    lone = _lone(incident)

    def die(event: Event) -> None:
        if isinstance(event, StepEvent) and (event.phase, event.what) == (phase, what):
            raise Died

    with pytest.raises(Died):
        incident("rotate", "lone", "--yes", "-o", "json", on_event=die)
    ran = incident("resume", "@last", "-o", "json")
    assert ran.code == 0, ran
    new = estate.parameter()
    assert incident.key_states("lone-bot") == {lone[0]: False, new["AccessKeyId"]: True}, "no orphan"
    assert incident.works(new["AccessKeyId"], new["SecretAccessKey"])
    assert list(estate.described()) == [NAME], "nothing is left beside it"
