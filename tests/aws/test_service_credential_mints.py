"""Service-specific credentials: minted, delivered, and through the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.change import Already, Done, Failed
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.proof import Proof
from nhi_revoke.model.report import Report
from nhi_revoke.provider.fault import NoAnswer
from nhi_revoke.provider.sandbox.contract import Seeded
from nhi_revoke.testing.conformance.world import YES, World
from nhi_revoke_aws import provider as aws_provider
from nhi_revoke_aws.sandbox.doors import Burglar, Refused
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_local import provider as local_provider

from .conftest import USER, Bench
from .service_credential_bench import BEDROCK, BOT, CODECOMMIT, KIND, MINE, REPLACE, listed, mine, step_for


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """These tests are about one kind, beside the user's sessions."""
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in (KIND, "aws:user-session")}
    return bench


# -- minting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "field", "public"),
    [
        (CODECOMMIT, "ServicePassword", "ServiceUserName"),
        (BEDROCK, "ServiceCredentialSecret", "ServiceCredentialAlias"),
    ],
)
def test_mint_gives_the_secret_to_the_run_alone(bench: Bench, service: str, field: str, public: str) -> None:
    create = step_for(bench, service, "create", **REPLACE)
    before = listed(bench)
    bench.sandbox.forget_calls()
    made = bench.do(create)
    assert bench.writes() == ["iam:CreateServiceSpecificCredential"], "and no reset"
    assert isinstance(made, Done)
    secret = bench.run.take(create.id)
    assert secret.field == field == made.left["field"]
    assert set(secret.public) == {"ServiceSpecificCredentialId", "ServiceName", public}
    assert secret.reveal() not in msgspec.json.encode(made).decode()
    assert secret.reveal() in bench.sandbox.canaries()
    assert bench.seen(create) == made.left
    assert {i: s for i, s in listed(bench).items() if i in before} == before, "the old one is as it was"
    bench.settle()
    said = bench.doer(create.does).opens(bench.conn, create, secret)
    assert said.proof is Proof.RECORDED, "nothing asked the service: no more is claimed"
    assert f"{service} itself was not asked" in said.how
    assert isinstance(bench.undo(create), Done)
    assert listed(bench) == before


def test_a_new_one_is_not_proven_under_our_own_brake(bench: Bench) -> None:
    create = step_for(bench, BEDROCK, "create", **REPLACE)
    cuts = bench.steps(USER)
    bench.do(cuts["aws:user-session/deny-all"])
    bench.do(create)
    bench.settle()
    opens, secret = bench.doer(create.does).opens, bench.run.take(create.id)
    assert opens(bench.conn, create, secret).proof is Proof.UNPROVEN
    bench.do(cuts["aws:user-session/seal"])
    bench.settle()
    assert opens(bench.conn, create, secret).proof is Proof.RECORDED


def test_without_the_simulator_or_while_inactive_it_is_unproven(bench: Bench) -> None:
    create = step_for(bench, BEDROCK, "create", **REPLACE)
    bench.do(create)
    opens, secret = bench.doer(create.does).opens, bench.run.take(create.id)
    bench.sandbox.allow_only(["iam:ListServiceSpecificCredentials"])
    said = opens(bench.conn, create, secret)
    assert (said.proof, said.how.partition(":")[0]) == (Proof.UNPROVEN, "delivered, unproven")
    bench.sandbox.allow_only(None)
    which = {"UserName": BOT, "ServiceSpecificCredentialId": secret.public["ServiceSpecificCredentialId"]}
    bench.sandbox.admin("iam").update_service_specific_credential(**which, Status="Inactive")
    assert opens(bench.conn, create, secret).proof is Proof.UNPROVEN
    assert bench.seen(create) is None


def test_a_full_pair_refuses_the_mint_and_the_freed_slot_takes_it(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    second = iam.create_service_specific_credential(UserName=BOT, ServiceName=CODECOMMIT)["ServiceSpecificCredential"]
    which = {"UserName": BOT, "ServiceSpecificCredentialId": second["ServiceSpecificCredentialId"]}
    iam.update_service_specific_credential(**which, Status="Inactive")
    live = next(i for i, s in listed(bench).items() if s == "Active" and i in found_ids(bench, CODECOMMIT))
    steps = bench.steps(USER, scope=f"{KIND}/{live}", **REPLACE)
    free, create = steps[f"{KIND}/delete"], steps[f"{KIND}/create"]
    assert free.ends == (f"{KIND}/{second['ServiceSpecificCredentialId']}",)
    refused = bench.do(create)
    assert isinstance(refused, Failed)
    assert CODECOMMIT in refused.why
    assert isinstance(bench.do(free), Done)
    assert isinstance(bench.do(create), Done)
    assert live in listed(bench)


def found_ids(bench: Bench, service: str) -> set[str]:
    iam = bench.sandbox.admin("iam")
    rows = iam.list_service_specific_credentials(UserName=BOT, ServiceName=service)["ServiceSpecificCredentials"]
    return {r["ServiceSpecificCredentialId"] for r in rows}


def test_a_lost_create_is_not_repeated_and_only_its_own_orphan_is_found(bench: Bench) -> None:
    create = step_for(bench, CODECOMMIT, "create", **REPLACE)
    before = listed(bench)
    bench.sandbox.fault("iam:CreateServiceSpecificCredential", "lost")
    bench.sandbox.forget_calls()
    with pytest.raises(NoAnswer):
        bench.do(create)
    assert bench.writes() == ["iam:CreateServiceSpecificCredential"]
    # Another service's new credential is another step's.
    bench.sandbox.admin("iam").create_service_specific_credential(UserName=BOT, ServiceName=BEDROCK)
    doer = bench.doer(create.does)
    [orphan] = doer.orphans(bench.conn, create)
    assert orphan.rpartition("/")[2] in found_ids(bench, CODECOMMIT)
    assert isinstance(doer.destroy(bench.conn, create, orphan), Done)
    assert isinstance(doer.destroy(bench.conn, create, orphan), Already)
    assert before.items() <= listed(bench).items(), "never an old one"


# -- through the engine ------------------------------------------------------------------------------------------------


class Delivering(AwsSandbox):
    """payments-bot with one Bedrock API key alone, whose replacement has a place to go."""

    def __init__(self, to: Callable[[str], str]) -> None:
        super().__init__(entropy=5, planted=("service-credential",))
        self._to = to

    def seed(self, folder: str) -> Seeded:
        seeded = super().seed(folder)
        iam, secrets = self.admin("iam"), self.admin("secretsmanager")
        rows = iam.list_service_specific_credentials(UserName=BOT, ServiceName=CODECOMMIT)
        for row in rows["ServiceSpecificCredentials"]:
            which = row["ServiceSpecificCredentialId"]
            iam.delete_service_specific_credential(UserName=BOT, ServiceSpecificCredentialId=which)
        secrets.create_secret(Name="payments/bedrock", SecretString='{"Model": "kept"}')
        self.world.settle()
        text = f'\n[[identity.{BOT}.deliver]]\nfrom = "{KIND}"\nto = "{self._to(folder)}"\n'
        return msgspec.structs.replace(seeded, map=seeded.map + text)


@pytest.fixture(params=["file", "aws-secretsmanager"])
def replaced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    def to(folder: str) -> str:
        path = Path(folder, "bedrock.json")
        path.write_text('{"Model": "kept"}')
        path.chmod(0o600)
        return f"file:{path}" if request.param == "file" else "aws-secretsmanager:payments/bedrock"

    with World(aws_provider, tmp_path, beside=[local_provider], make_sandbox=lambda: Delivering(to)) as world:
        yield world


def delivered(world: World) -> dict[str, str]:
    """What the workload reads."""
    assert isinstance(world.sandbox, AwsSandbox)
    text = (world.folder / "bedrock.json").read_text()
    if "ServiceName" not in text:
        client = world.sandbox.admin("secretsmanager")
        text = client.get_secret_value(SecretId="payments/bedrock", VersionStage="AWSCURRENT")["SecretString"]
    return {str(k): str(v) for k, v in json.loads(text).items()}


def test_revoke_replaces_it_and_the_new_one_works(replaced: World) -> None:
    assert isinstance(replaced.sandbox, AwsSandbox)
    before = {d.kind: d for d in replaced.sandbox.doors()}
    assert before["bedrock-api-key"].open()
    report = replaced.run()
    [ours] = [r for r in report.replacements if r.kind == KIND]
    assert (ours.result, ours.proof) == ("served", "recorded")
    assert not before["bedrock-api-key"].open()
    assert predicted_open(report, before["bedrock-api-key"].access) is False
    fields = delivered(replaced)
    assert fields.pop("Model") == "kept"
    assert set(fields) == {
        "ServiceSpecificCredentialId", "ServiceName", "ServiceCredentialAlias", "ServiceCredentialSecret"
    }  # fmt: skip
    assert replaced.sandbox._clients is not None
    burglar = Burglar(replaced.sandbox._clients, replaced.sandbox.endpoint, "us-east-1", lambda _: None)
    burglar.knock("service-credential", at=BEDROCK, key=fields["ServiceCredentialSecret"])
    with pytest.raises(Refused):
        burglar.knock("service-credential", at=BEDROCK, key="another")
    again = replaced.verify(report.run)
    assert [(r.result, r.proof) for r in again.replacements if r.kind == KIND] == [("served", "recorded")]
    for name, text in (("report", msgspec.json.encode(again).decode()),):
        assert fields["ServiceCredentialSecret"] not in text, name


def test_a_lost_mint_leaves_no_orphan_and_another_one_is_delivered(replaced: World) -> None:
    assert isinstance(replaced.sandbox, AwsSandbox)
    replaced.sandbox.fault("iam:CreateServiceSpecificCredential", "lost")
    report = replaced.run()
    [ours] = [r for r in report.replacements if r.kind == KIND]
    assert (ours.result, ours.proof) == ("served", "recorded")
    rows = replaced.sandbox.admin("iam").list_service_specific_credentials(UserName=BOT)["ServiceSpecificCredentials"]
    assert sorted(r["Status"] for r in rows) == ["Active", "Inactive"]
    active = next(r["ServiceSpecificCredentialId"] for r in rows if r["Status"] == "Active")
    assert delivered(replaced)["ServiceSpecificCredentialId"] == active
    made = [c.name for c in replaced.sandbox.calls() if c.mutates and "ServiceSpecificCredential" in c.name]
    assert made == [
        "iam:UpdateServiceSpecificCredential", "iam:CreateServiceSpecificCredential",
        "iam:DeleteServiceSpecificCredential", "iam:CreateServiceSpecificCredential",
    ]  # fmt: skip


@pytest.fixture
def contained(tmp_path: Path) -> Iterator[World]:
    def sandbox() -> AwsSandbox:
        return AwsSandbox(entropy=5, planted=("service-credential", "ssh-key", "signing-certificate"))

    with World(aws_provider, tmp_path, make_sandbox=sandbox, intent=Intent(rotate="no")) as world:
        yield world


def revoked(world: World) -> Report:
    assert mine(world) == dict.fromkeys(MINE, True)
    report = world.run(world.plan(Intent(rotate="no")))
    assert mine(world) == dict.fromkeys(MINE, False)
    for door in world.sandbox.doors():
        assert predicted_open(report, door.access) is door.open(), door
    return report


def test_revoke_shuts_all_four_and_undo_opens_them_again(contained: World) -> None:
    report = revoked(contained)
    ids = [d.access for d in contained.sandbox.doors() if d.kind in MINE]
    contained.clock.advance(37 * 3600)
    contained.undo(report.run)
    assert mine(contained) == dict.fromkeys(MINE, False), "a leaked credential is not re-armed unless somebody asks"
    contained.undo(report.run, rearm=ids)
    contained.clock.advance(300)
    assert mine(contained) == dict.fromkeys(MINE, True)


def test_finish_deletes_what_was_disabled(contained: World) -> None:
    report = revoked(contained)
    contained.clock.advance(37 * 3600)
    with contained.engine() as engine:
        engine.act(report.run, "finish", engine.plan_finish(report.run), YES)
    kinds = {"aws:service-credential", "aws:ssh-key", "aws:signing-certificate"}
    left = {a.kind for a in contained.look(logs=False).accesses}
    assert not kinds & left
    assert {"aws:mfa-device", "aws:group"} <= left, "reported, never removed"
    assert mine(contained) == dict.fromkeys(MINE, False)
