"""`find payments-bot` over five sandboxes: one identity with its principals, what speaks for each, and no decoy."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from jsonschema import Draft202012Validator

from nhi_revoke.cli.process import run
from nhi_revoke.cli.schema import envelope_schema
from nhi_revoke.cli.session import Session
from nhi_revoke.cli.streams import Streams
from nhi_revoke.demo.world import DemoWorld
from nhi_revoke.provider.registry import Registry
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_entra.sandbox import seed as entra_seed
from nhi_revoke_entra.sandbox.sandbox import EntraSandbox
from nhi_revoke_entra.sandbox.seed import new_app
from nhi_revoke_gcp.sandbox import seed as gcp_seed
from nhi_revoke_github.sandbox import seed as github_seed
from nhi_revoke_github.sandbox.sandbox import GithubSandbox
from nhi_revoke_okta.sandbox.sandbox import OktaSandbox
from nhi_revoke_okta.sandbox.seed import LABEL, LOGIN

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
PROVIDERS = ("aws", "entra", "gcp", "github", "okta", "local")
HOME = "aws:arn:aws:iam::111122223333"
BOT, WORKER = f"{HOME}:user/bots/payments-bot", f"{HOME}:role/bots/payments-worker"
BACKDOOR, DEV, LEDGER = f"{HOME}:role/backdoor", f"{HOME}:user/payments-bot-dev", f"{HOME}:role/payments-ledger"
SPOKEN = f"the app of {WORKER.removeprefix('aws:')}: password hunter2"
REPO = f"github:repo/{github_seed.SHOP}"


class Desk:
    """The five sandboxes with decoys beside the identity, and the real command line."""

    def __init__(self, world: DemoWorld, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.whole: dict[str, Any] = tomllib.loads(world.config.read_text())
        self.app = self._entra_app()
        self.okta = self._okta()
        self._decoys()

    def _entra_app(self) -> str:
        entra = self.world.sandboxes["entra"]
        assert isinstance(entra, EntraSandbox)
        return f"entra:app/{entra.scene.principal.app_id}"

    def _okta(self) -> set[str]:
        okta = self.world.sandboxes["okta"]
        assert isinstance(okta, OktaSandbox)
        apps = {f"okta:app/{app.id}" for app in okta.org.apps.values() if app.label == LABEL}
        return apps | {f"okta:user/{user.id}" for user in okta.org.users.values() if user.login == LOGIN}

    def _decoys(self) -> None:
        """A role of the intruder's that lets the bot in, another environment's user, and a clerk's app."""
        aws, entra, github = (self.world.sandboxes[name] for name in ("aws", "entra", "github"))
        assert isinstance(aws, AwsSandbox)
        assert isinstance(entra, EntraSandbox)
        assert isinstance(github, GithubSandbox)
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": BOT.removeprefix("aws:")}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        aws.admin("iam").create_role(RoleName="backdoor", AssumeRolePolicyDocument=trust)
        owner = [{"Key": "owner", "Value": "payments team"}]
        aws.admin("iam").create_user(UserName="payments-bot-dev", Tags=owner)
        with entra.tenant.lock:
            new_app(entra.tenant, "Payments Clerk", START)
            entra.scene.application.notes = SPOKEN
        with github.hub.lock:
            client = {"created": START, "updated": START, "value": self.app.removeprefix("entra:app/")}
            github.hub.repositories[github_seed.SHOP].variables["actions"] = {"AZURE_CLIENT_ID": client}

    def map(self, identity: dict[str, Any] | None) -> None:
        """nhi.toml with this identity, or with none."""
        document = {key: value for key, value in self.whole.items() if key != "identity"}
        if identity is not None:
            document["identity"] = identity
        self.world.config.write_text(tomli_w.dumps(document))

    def __call__(self, *words: str, width: str = "", **environ: str) -> tuple[int, str]:
        out = Screen(tty=bool(width))
        known = {
            "NHI_REVOKE_CONFIG": str(self.world.config), "NHI_REVOKE_STATE": str(self.folder / "state"),
            "NHI_REVOKE_PROVIDERS": ",".join(PROVIDERS), "NO_COLOR": "1", **({"COLUMNS": width} if width else {}),
        }  # fmt: skip
        code = run(Session(Streams(io.StringIO(), out, io.StringIO(), {**known, **environ}), words, self.folder))
        return code, out.getvalue()

    def find(self, name: str = "payments-bot") -> dict[str, Any]:
        code, out = self("find", name, "-o", "json")
        told: dict[str, Any] = json.loads(out)
        assert told["exit_code"] == code
        return told

    def changes(self) -> list[str]:
        boxes = self.world.sandboxes.values()
        return [c.name for box in boxes for c in box.calls() if c.by == "operator" and c.mutates]


class Screen(io.StringIO):
    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("demo")
    with DemoWorld(Registry(only=PROVIDERS), folder, START) as world:
        made = Desk(world, folder)
        yield made
        assert made.changes() == []


@pytest.fixture(autouse=True)
def no_map(desk: Desk) -> None:
    desk.map(None)


def ref(one: dict[str, str]) -> str:
    return f"{one['provider']}:{one['kind']}/{one['id']}" if one["kind"] else f"{one['provider']}:{one['id']}"


def standing(told: dict[str, Any], wanted: str) -> dict[str, dict[str, Any]]:
    found = told["data"]["candidates"]
    return {ref(each["principal"]["ref"]): each for each in found if each["standing"] == wanted}


def ties(one: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Basis, who says it, whom it is about: empty for itself."""
    return {
        (s["basis"], ref(s["by"]) if s["by"] else "", ref(s["about"]) if s["about"] else "") for s in one["because"]
    }


def test_one_identity_with_the_evidence_for_each(desk: Desk) -> None:
    told = desk.find()
    Draft202012Validator(envelope_schema(("find",))).validate(told)
    assert (told["status"], told["exit_code"], told["data"]["blind"]) == ("success", 0, [])
    sure = standing(told, "sure")
    account, pool = f"gcp:sa/{gcp_seed.EMAIL}", f"gcp:workload/{gcp_seed.JOBS}"
    job = f"gcp:workload/{gcp_seed.JOB}"
    assert set(sure) == {BOT, WORKER, desk.app, account, pool, job, REPO, "github:app/payments-bot", *desk.okta}
    assert ("name", "", "") in ties(sure[BOT])
    assert ("tag", "", "") in ties(sure[WORKER])
    assert {("points", "", BOT), ("points", "", REPO)} <= ties(sure[WORKER])
    held = {("holds", REPO, desk.app), ("holds", "", WORKER)}
    assert {("name", "", ""), ("points", "", REPO), *held} <= ties(sure[desk.app])
    assert {("similar", "", ""), ("points", "", REPO), ("points", "", pool)} <= ties(sure[account])
    assert {("points", desk.app, REPO), ("points", WORKER, REPO), ("holds", "", desk.app)} <= ties(sure[REPO])
    assert all(said["evidence"] for each in sure.values() for said in each["because"] if said["basis"] != "owner")
    assert all(each["doubt"] == "" for each in sure.values())


def test_decoys_are_maybe_or_absent(desk: Desk) -> None:
    told = desk.find()
    maybe = standing(told, "maybe")
    partner = f"gcp:sa/ci-runner@{gcp_seed.PARTNER}.iam.gserviceaccount.com"
    assert set(maybe) == {BACKDOOR, DEV, LEDGER, partner, f"github:user/{github_seed.LOGIN}"}
    assert maybe[BACKDOOR]["doubt"] == "it names a sure one, and none of them names it"
    assert maybe[DEV]["doubt"] == "it is called like another environment's, and nothing ties the two"
    assert maybe[partner]["doubt"] == "only one of the sure ones names it"
    assert "Payments Clerk" not in json.dumps(told)
    assert SPOKEN not in json.dumps(told)
    assert standing(told, "ambiguous") == {}


def test_what_it_proposes_loads_and_the_map_holds(desk: Desk) -> None:
    data = desk.find()["data"]
    sure = list(standing({"data": data}, "sure"))
    with desk.world.config.open("a") as file:
        file.write("\n" + data["proposal"])
    identity = tomllib.loads(desk.world.config.read_text())["identity"]["payments-bot"]
    assert identity == {"owner": "payments team", "principals": sure}
    assert data["next"] == [
        "nhi-revoke list payments-bot", "nhi-revoke identities check payments-bot", f"nhi-revoke find --repo {REPO}",
    ]  # fmt: skip
    code, out = desk(*data["next"][1].split()[1:], "-o", "json")
    assert (code, {each["state"] for each in json.loads(out)["data"]}) == (0, {"ok"})
    again = desk.find()["data"]
    assert (again["identity"], list(standing({"data": again}, "sure"))) == ("payments-bot", sure)
    assert tomllib.loads(f"p = [{again['proposal']}]") == {"p": []}, "nothing is missing, and what is not sure waits"


def test_the_seeded_identity_is_sure_whatever_its_principals_are_called(desk: Desk) -> None:
    desk.map(desk.whole["identity"])
    told = desk.find()
    assert told["exit_code"] == 0
    sure = standing(told, "sure")
    mapped = {name for name, each in sure.items() if each["identity"] == "payments-bot"}
    assert len(mapped) == len(desk.whole["identity"]["payments-bot"]["principals"])
    assert mapped >= {BOT, WORKER, REPO, f"github:user/{github_seed.LOGIN}"}
    assert not {BACKDOOR, DEV, LEDGER} & set(sure)


def test_of_an_identity_that_is_there_only_the_missing_lines(desk: Desk) -> None:
    principals = [BOT, REPO, desk.app, *sorted(desk.okta)]
    desk.map({"payments-bot": {"principals": principals}, "clerk": {"principals": ["github:app/payments-bot"]}})
    told = desk.find()
    text = told["data"]["proposal"]
    [added] = tomllib.loads(f"p = [\n{text}]").values()
    assert set(added) == set(standing(told, "sure")) - set(principals)
    assert WORKER in added
    assert "[identity.payments-bot]" in text.splitlines()[0]
    other = standing(told, "maybe")["github:app/payments-bot"]
    assert (other["identity"], other["doubt"]) == ("clerk", "nhi.toml has it as clerk")
    assert "github:app/payments-bot" not in text, "it is another identity's"


def test_two_of_one_name_are_shown_and_none_is_chosen(desk: Desk) -> None:
    entra = desk.world.sandboxes["entra"]
    assert isinstance(entra, EntraSandbox)
    with entra.tenant.lock:
        twin, principal = new_app(entra.tenant, entra_seed.NAME, START)
    try:
        told = desk.find()
        both = standing(told, "ambiguous")
        assert set(both) == {desk.app, f"entra:app/{twin.app_id}"}
        assert {each["doubt"] for each in both.values()} == {
            "2 of kind app bear this name, and nothing sure names this one"
        }
        assert ("holds", REPO, desk.app) in ties(both[desk.app]), "what tells them apart is shown"
        assert ties(both[f"entra:app/{twin.app_id}"]) == {("name", "", "")}
        assert desk.app not in standing(told, "sure")
        desk.map({"payments-bot": {"principals": [desk.app]}})
        assert (desk.app in standing(again := desk.find(), "sure"), len(standing(again, "ambiguous"))) == (True, 1)
        desk.map(None)
        code, out = desk("find", "payments-bot")
        assert code == 0
        assert "AMBIGUOUS 2" in out.splitlines()[0]
        assert "created 2026-11-28T12:00Z" in out
    finally:
        with entra.tenant.lock:
            del entra.tenant.applications[twin.id], entra.tenant.principals[principal.id]


def test_a_denied_listing_and_an_account_that_cannot_be_asked_are_unseen(desk: Desk) -> None:
    aws = desk.world.sandboxes["aws"]
    assert isinstance(aws, AwsSandbox)
    aws.allow_only(["sts:GetCallerIdentity"])
    try:
        told = desk.find()
    finally:
        aws.allow_only(None)
    assert (told["exit_code"], told["status"]) == (9, "partial")
    assert {spot["needs"] for spot in told["data"]["blind"]} >= {"iam:GetAccountAuthorizationDetails"}
    assert desk.app in standing(told, "sure"), "it hides no other"
    document = tomllib.loads(desk.world.config.read_text())
    document["aws"]["profile"] = "nobody"
    desk.world.config.write_text(tomli_w.dumps(document))
    told = desk.find()
    assert (told["exit_code"], [u["code"] for u in told["data"]["unreachable"]]) == (9, ["no-credentials"])
    assert desk("find", "nobody-at-all", "-o", "json")[0] == 9, "what was not looked at is not nothing"


def test_nothing_at_all(desk: Desk) -> None:
    code, out = desk("find", "ledger-of-nobody")
    assert (code, out) == (3, "")


@pytest.mark.parametrize("width", ["80", "120"])
def test_the_screen(desk: Desk, width: str) -> None:
    code, out = desk("find", "payments-bot", width=width)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "CANDIDATES 15  SURE 10  MAYBE 5  UNSEEN 0    like payments-bot"
    order = ["SURE: one identity", BOT, WORKER, "MAYBE: too little ties it", BACKDOOR, "PROPOSED for nhi.toml",
             "[identity.payments-bot]", "Next: nhi-revoke list payments-bot"]  # fmt: skip
    places = [next(n for n, text in enumerate(lines) if text.strip() == words or text == words) for words in order]
    assert places == sorted(places)
    wide = [text for text in lines if len(text) > int(width)]
    unbroken = {text.split()[-1] for text in wide}
    assert all(len(word) > int(width) - 24 for word in unbroken), "only what would be copied"
    assert "same name     UserName payments-bot: exactly this name" in out


def test_rows(desk: Desk) -> None:
    code, out = desk("find", "payments-bot", "-o", "csv")
    assert code == 0
    rows = {row["principal"]: row for row in csv.DictReader(io.StringIO(out))}
    assert {row["record"] for row in rows.values()} == {"sure", "maybe"}
    assert rows[BOT]["because"].count("same name: UserName payments-bot: exactly this name") == 1
    assert rows[BACKDOOR]["doubt"]
    lines = [json.loads(line) for line in desk("find", "payments-bot", "-o", "ndjson")[1].splitlines()]
    assert len([line for line in lines if line["type"] == "row"]) == len(rows)
