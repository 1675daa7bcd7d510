"""`--format`: a replacement as its users read it, through the whole command line, and back."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from tests.incident.conftest import YES, Incident, Ran

LONE = "aws:user/lone-bot"
TO_SECRET = "aws:access-key=aws-secretsmanager:payments/env"
ENV = "# payments\nHOST=db\nexport AWS_ACCESS_KEY_ID={0} # prod\nexport AWS_SECRET_ACCESS_KEY='{1}'\n"
PROFILES = "[default]\naws_access_key_id = {0}\naws_secret_access_key = {1}\nregion = eu\n\n[other]\nregion = us\n"


@pytest.fixture
def old(incident: Incident) -> tuple[str, str]:
    """The key that leaked."""
    return incident.bot("lone-bot")[0]


def by_shell(file: Path) -> tuple[str, str]:
    """As a workload has it that sources the file."""
    script = f'. {file}; printf "%s %s" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"'
    told = subprocess.run(["/bin/sh", "-euc", script], capture_output=True, check=True, text=True, env={}).stdout
    key_id, _, secret = told.partition(" ")
    return key_id, secret


def by_sdk(file: Path, profile: str, patch: pytest.MonkeyPatch) -> tuple[str, str]:
    """As botocore has it from a file of credentials."""
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    patch.setenv("AWS_CONFIG_FILE", str(file.with_name("none")))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    found = Session(profile=profile).get_credentials()
    assert found is not None
    assert found.token is None
    return str(found.access_key), str(found.secret_key)


def no_key_made(incident: Incident, old: tuple[str, str]) -> bool:
    return "iam:CreateAccessKey" not in incident.mutations and set(incident.key_states("lone-bot")) == {old[0]}


def replaced(ran: Ran) -> dict[str, Any]:
    [found] = ran.data["replacements"]
    assert isinstance(found, dict)
    return found


def test_env_into_a_file(incident: Incident, old: tuple[str, str]) -> None:
    file = incident.folder / "bot.env"
    file.write_text(ENV.format(*old))
    to = ("--deliver", f"aws:access-key=file:{file}", "--format", "env")
    ran = incident("rotate", LONE, *to, *YES, "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    assert replaced(ran)["to"] == f"file:{file} as env (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
    new = by_shell(file)
    assert incident.works(*new)
    assert not incident.works(*old)
    assert file.read_text() == ENV.replace("'{1}'", "{1}").format(*new), "all else is as it was"
    assert incident.key_states("lone-bot") == {old[0]: False, new[0]: True}
    assert new[1] not in incident.journal().read_text()


def test_a_profile_of_the_shared_credentials_file(
    incident: Incident, old: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = incident.folder / "credentials"
    file.write_text(PROFILES.format(*old))
    deliver = ("--deliver", f"aws:access-key=file:{file}", "--format")
    ran = incident("rotate", LONE, *deliver, "aws-credentials:other", *YES, "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    with monkeypatch.context() as patch:
        other = by_sdk(file, "other", patch)
        assert by_sdk(file, "default", patch) == old
    assert file.read_text() == PROFILES.format(*old) + "aws_access_key_id = {}\naws_secret_access_key = {}\n".format(
        *other
    )
    assert incident.works(*other)
    assert incident("finish", "@last", *YES).code == 0
    ran = incident("rotate", LONE, *deliver, "aws-credentials", *YES, "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    with monkeypatch.context() as patch:
        assert incident.works(*by_sdk(file, "default", patch))
        assert by_sdk(file, "other", patch) == other


@pytest.mark.parametrize("form", ["env", "aws-credentials", "json", "env:BOT_SECRET"])
def test_into_a_secret_of_another_store(incident: Incident, old: tuple[str, str], form: str) -> None:
    first = {"env": "HOST=db\n", "aws-credentials": "# ours\n", "json": '{"host": "db"}', "env:BOT_SECRET": "A=1\n"}
    vault = incident.aws.admin("secretsmanager")
    vault.create_secret(Name="payments/env", SecretString=first[form])
    ran = incident("rotate", LONE, "--deliver", TO_SECRET, "--format", form, *YES, "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    text = str(vault.get_secret_value(SecretId="payments/env", VersionStage="AWSCURRENT")["SecretString"])
    [new] = set(incident.key_states("lone-bot")) - {old[0]}
    said = {
        "env": f"HOST=db\nAWS_ACCESS_KEY_ID={new}\nAWS_SECRET_ACCESS_KEY=",
        "aws-credentials": f"# ours\n\n[default]\naws_access_key_id = {new}\naws_secret_access_key = ",
        "json": f'{{"host": "db", "AccessKeyId": "{new}", "SecretAccessKey": "',
        "env:BOT_SECRET": "A=1\nBOT_SECRET=",
    }
    assert text.startswith(said[form])
    assert incident.works(new, text.removeprefix(said[form]).rstrip('"}\n'))


@pytest.mark.parametrize(
    ("form", "text", "why"),
    [
        ("env", '{"SecretAccessKey": "canary"}', "line 1 of it is none of a dotenv file"),
        ("env", "AWS_SESSION_TOKEN=canary\n", "sets AWS_SESSION_TOKEN"),
        ("aws-credentials", "AWS_SECRET_ACCESS_KEY=canary\n", "it is no INI text"),
        ("aws-credentials", "[default]\naws_session_token = canary\n", "has aws_session_token"),
        ("json", "AWS_SECRET_ACCESS_KEY=canary\n", "it is not a JSON object"),
    ],
)
def test_what_stands_there_in_another_form_is_refused_before_anything_is_minted(
    incident: Incident, old: tuple[str, str], form: str, text: str, why: str
) -> None:
    file = incident.folder / "there"
    file.write_text(text)
    ran = incident("rotate", LONE, "--deliver", f"aws:access-key=file:{file}", "--format", form, *YES)
    assert why in ran.words, ran
    assert "canary" not in ran.words + incident.journal().read_text()
    assert ran.code == 1, "failed; nothing was changed"
    assert no_key_made(incident, old)
    assert incident.works(*old), "a rollover without a replacement ends nothing"
    assert file.read_text() == text
    assert [each.name for each in incident.folder.iterdir() if "there" in each.name] == ["there"]


@pytest.mark.parametrize(
    ("verb", "to", "form", "said", "hint"),
    [
        ("plan", "file:bot.env", "evn", "no credential of aws:access-key is written as 'evn'", 'Did you mean "env"?'),
        (
            "revoke",
            "file:bot.env",
            "gcp-json",
            "is written as 'gcp-json'",
            "aws-credentials[:SECTION], env, env:NAME, json.",
        ),
        ("rotate", "file:bot.env", "env:1X", "'1X' is no name of a variable", "env:NAME"),
        ("plan", "file:bot.env", "json:x", "is written as 'json:x'", "json."),
        (
            "revoke",
            "file:bot.env",
            "aws-credentials:a b",
            "'a b' cannot follow aws-credentials:",
            "aws-credentials[:SECTION]",
        ),
        (
            "rotate",
            "file:bot.env#key",
            "env",
            "names a part of what it holds, and a format (env) is the whole",
            "Leave out",
        ),
    ],
)
def test_a_format_that_does_not_go_with_it_is_a_usage_error(
    incident: Incident, old: tuple[str, str], verb: str, to: str, form: str, said: str, hint: str
) -> None:
    yes = () if verb == "plan" else YES
    words = (verb, LONE, "--deliver", f"aws:access-key={to}", "--format", form, *yes, "-o", "json")
    asked = len(incident.aws.calls())
    ran = incident(*words)
    assert ran.code == 2, ran
    [error] = ran.json["errors"]
    assert error["code"] == "bad-format"
    assert said in error["message"]
    assert error["message"].endswith("Nothing was done.")
    assert hint in error["hint"]
    assert len(incident.aws.calls()) == asked, "nobody was asked anything"
    assert incident.works(*old)


def test_a_format_without_a_delivery(incident: Incident, old: tuple[str, str]) -> None:
    ran = incident("revoke", LONE, "--format", "env", *YES, "-o", "json")
    assert ran.code == 2
    assert ran.json["errors"][0]["code"] == "format-without-deliver"
    assert incident.works(*old)


def test_the_plan_says_the_format_and_the_next_command_keeps_it(incident: Incident, old: tuple[str, str]) -> None:
    ran = incident("plan", LONE, "--order", "rollover", "--deliver", "aws:access-key=file:bot.env", "--format", "env")
    assert ran.code == 0, ran
    as_env = "file:bot.env as env (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
    assert f"deliver the new one to {as_env}" in ran.words
    assert f"make it current in {as_env}" in ran.words
    assert f"rotate {LONE} --deliver aws:access-key=file:bot.env --format env" in ran.words
    assert no_key_made(incident, old)


def in_the_map(incident: Incident, form: str) -> None:
    incident.map += (
        '\n[identity.lone]\nprincipals = ["aws:user/lone-bot"]\n[[identity.lone.deliver]]\nfrom = "aws:access-key"\n'
        f'to = "file:{incident.folder}/lone.env"\nformat = "{form}"\n'
    )


def test_a_format_of_the_map(incident: Incident, old: tuple[str, str]) -> None:
    in_the_map(incident, "env")
    assert "lone.env (env)" in incident("identities").words
    ran = incident("identities", "check", "lone", "-o", "json")
    assert {row["state"] for row in ran.json["data"]} == {"ok"}
    ran = incident("rotate", "lone", *YES, "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    assert incident.works(*by_shell(incident.folder / "lone.env"))


def test_a_format_of_the_map_that_is_none(incident: Incident, old: tuple[str, str]) -> None:
    in_the_map(incident, "gcp-json")
    ran = incident("identities", "check", "lone", "-o", "json")
    [wrong] = [row for row in ran.json["data"] if row["part"] == "deliver"]
    assert wrong["state"] == "wrong"
    assert "is written as 'gcp-json'" in wrong["why"]
    ran = incident("rotate", "lone", *YES, "-o", "json")
    assert ran.code == 2, ran
    assert ran.json["errors"][0]["code"] == "bad-format"
    assert no_key_made(incident, old)


@pytest.mark.parametrize("line", [5, 8, 9, 10, 11, 12, 13, 15, 18])
def test_killed_and_resumed(incident: Incident, old: tuple[str, str], line: int) -> None:
    """Before each line of the journal: the new secret is taken up from the file, or nothing of it is left."""
    file, form = incident.folder / "bot", "env" if line % 2 else "aws-credentials"

    class Killed(BaseException):
        pass

    def die(number: int) -> None:
        if number >= line:
            raise Killed

    with pytest.raises(Killed):
        incident("rotate", LONE, "--deliver", f"aws:access-key=file:{file}", "--format", form, *YES, before_append=die)
    ran = incident("resume", "@last", "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    [new] = [k for k, active in incident.key_states("lone-bot").items() if active]
    assert set(incident.key_states("lone-bot")) == {old[0], new}, "no orphan"
    text = file.read_text()
    secret = by_shell(file)[1] if form == "env" else text.rpartition(" = ")[2].strip()
    assert new in text
    assert incident.works(new, secret)
    assert secret not in incident.journal().read_text()


def test_a_saved_plan_keeps_its_format(incident: Incident, old: tuple[str, str]) -> None:
    file = incident.folder / "bot.env"
    to = ("--deliver", f"aws:access-key=file:{file}", "--format", "env:BOT_SECRET")
    assert incident("plan", LONE, "--order", "rollover", *to, "--save", "plan.json").code == 0
    ran = incident("apply", "plan.json", "--allow-irreversible", "-o", "json")
    assert replaced(ran)["result"] == "served", ran
    [new] = set(incident.key_states("lone-bot")) - {old[0]}
    assert incident.works(new, file.read_text().removeprefix("BOT_SECRET=").strip())
