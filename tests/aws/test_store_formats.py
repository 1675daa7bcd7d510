"""Formats in Secrets Manager and in Parameter Store: staged, read back, taken up after a crash, served, taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Phase, Step
from nhi_revoke.provider.doer import Store
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON, in_section
from nhi_revoke.provider.secret import Secret
from nhi_revoke_aws.access.access_key import PROFILE, VARIABLES
from nhi_revoke_aws.store.secretsmanager import SecretsManager
from nhi_revoke_aws.store.ssm import ParameterStore

from .conftest import Bench

PUBLIC = {"AccessKeyId": "AKIANEW"}
NEW = Secret("n/+" * 13 + "n", field="SecretAccessKey", public=PUBLIC)
SHAPE = Secret("", field="SecretAccessKey", public=PUBLIC)
WHO = PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bots/payments-bot")
STORES: dict[str, Store[Any]] = {"aws-secretsmanager": SecretsManager(), "aws-ssm": ParameterStore()}
NAME = "/payments/text"
OLD_ENV = "# the bot's\nHOST=db\nAWS_ACCESS_KEY_ID=AKIAOLD\nexport AWS_SECRET_ACCESS_KEY='canary-old' # yearly\n"
OLD_PROFILE = "[bot]\naws_access_key_id=AKIAOLD\naws_secret_access_key=canary-old\n\n[other]\nregion = eu\n"
TEXTS = [
    (VARIABLES, OLD_ENV, OLD_ENV.replace("AKIAOLD", "AKIANEW").replace("'canary-old'", NEW.reveal())),
    (
        in_section(PROFILE, "bot"),
        OLD_PROFILE,
        OLD_PROFILE.replace("AKIAOLD", "AKIANEW").replace("canary-old", NEW.reveal()),
    ),
    (JSON, '{"host": "db"}', json.dumps({"host": "db", **NEW.fields()})),
]


class Shelf:
    """One text in one of the two stores."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.name, self.store = bench, name, STORES[name]
        self.sm, self.ssm = bench.sandbox.admin("secretsmanager"), bench.sandbox.admin("ssm")

    def put(self, text: str | bytes) -> None:
        if isinstance(text, bytes):
            self.sm.create_secret(Name=NAME, SecretBinary=text)
        elif self.name == "aws-ssm":
            self.ssm.put_parameter(Name=NAME, Value=text, Type="SecureString")
        else:
            self.sm.create_secret(Name=NAME, SecretString=text)

    def text(self) -> str:
        if self.name == "aws-ssm":
            return str(self.ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"])
        return str(self.sm.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")["SecretString"])

    def step(self, verb: str, spelled: str) -> Step:
        phase = Phase.DELIVER if verb == "stage" else Phase.SERVE
        return Step(verb, f"{self.name}/{verb}", WHO, phase, "", takes="mint", to=f"{NAME}#{spelled}")

    def do(self, verb: str, spelled: str) -> Any:
        change = getattr(self.store, verb).apply(self.bench.conn, self.step(verb, spelled), self.bench.run)
        self.bench.run.lefts[verb] = change.left
        return change

    def seen(self, verb: str, spelled: str) -> Any:
        return getattr(self.store, verb).seen(self.bench.conn, self.step(verb, spelled), self.bench.run)

    def recall(self, spelled: str) -> Secret | None:
        return self.store.recall(self.bench.conn, self.step("stage", spelled), self.bench.run, SHAPE)


@pytest.fixture(params=sorted(STORES))
def shelf(bench: Bench, request: pytest.FixtureRequest) -> Shelf:
    bench.run.give("mint", NEW)
    bench.run.lefts["mint"] = {"id": "aws:access-key/AKIANEW", "field": NEW.field, "public": PUBLIC}
    return Shelf(bench, request.param)


@pytest.mark.parametrize(("layout", "old", "new"), TEXTS)
def test_staged_served_and_taken_back(shelf: Shelf, layout: Any, old: str, new: str) -> None:
    shelf.put(old)
    spelled, bench = layout.spelled, shelf.bench
    assert shelf.store.stage.check(bench.conn, shelf.step("stage", spelled)) is None
    assert shelf.recall(spelled) is None
    staged = shelf.do("stage", spelled)
    assert isinstance(staged, Done)
    assert shelf.seen("stage", spelled) == staged.left
    assert shelf.text() == old, "the workload does not read it yet"
    assert isinstance(shelf.do("serve", spelled), Done)
    assert shelf.seen("serve", spelled)
    assert shelf.text() == new
    assert isinstance(shelf.do("serve", spelled), Already)
    undone = shelf.store.serve.undo(bench.conn, shelf.step("serve", spelled), bench.run.left("serve"), bench.run)
    assert isinstance(undone, Done)
    assert shelf.text() == old
    assert NEW.reveal() not in repr(bench.run.lefts)


@pytest.mark.parametrize(("layout", "old", "new"), TEXTS)
def test_taken_up_after_a_crash(shelf: Shelf, layout: Any, old: str, new: str) -> None:
    shelf.put(old)
    shelf.do("stage", layout.spelled)
    shelf.bench.run.secrets.clear()
    assert shelf.seen("stage", layout.spelled), "known by what is public"
    found = shelf.recall(layout.spelled)
    assert found is not None
    assert (found.fingerprint(), found.public) == (NEW.fingerprint(), PUBLIC)
    shelf.bench.run.give("mint", found)
    assert isinstance(shelf.do("serve", layout.spelled), Done)
    assert shelf.text() == new


@pytest.mark.parametrize(
    ("layout", "text", "why", "first"),
    [
        (VARIABLES, '{"SecretAccessKey": "canary"}', "line 1 of it is none of a dotenv file", "# will do"),
        (VARIABLES, "AWS_SESSION_TOKEN=canary", "sets AWS_SESSION_TOKEN", "# will do"),
        (PROFILE, "A=canary", "no INI text", "# will do"),
        (JSON, "A=canary", "no JSON object", "{} will do"),
    ],
)
def test_another_form_is_refused_before_there_is_a_secret(
    shelf: Shelf, layout: Any, text: str, why: str, first: str
) -> None:
    shelf.put(text)
    wrong = shelf.store.stage.check(shelf.bench.conn, shelf.step("stage", layout.spelled))
    assert wrong is not None
    assert why in wrong.why
    assert first in wrong.manual
    assert "canary" not in wrong.why + wrong.manual
    with pytest.raises(Rejected, match="was not delivered") as refused:
        shelf.do("stage", layout.spelled)
    assert "canary" not in refused.value.message
    assert shelf.text() == text


def test_a_binary_secret_is_no_empty_text(bench: Bench) -> None:
    shelf = Shelf(bench, "aws-secretsmanager")
    shelf.put(b"\x00\xff")
    wrong = shelf.store.stage.check(bench.conn, shelf.step("stage", VARIABLES.spelled))
    assert wrong is not None
    assert "binary" in wrong.why
