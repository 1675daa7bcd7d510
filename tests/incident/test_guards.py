"""What is refused with exit 7, and what the vendor itself forbids: always with the reason and the way to go."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nhi_revoke.engine.event import WaitEvent
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT, OTHER_ACCOUNT
from nhi_revoke_aws.sandbox.seed import allow, trust_of
from tests.incident.conftest import BOT, OPERATOR, USER_REF, WORKER, WORKER_REF, YES, Incident

OPERATOR_REF = f"aws:arn:aws:iam::{ACCOUNT}:user/{OPERATOR}"


def refused(incident: Incident, *arguments: str) -> str:
    """The command is refused, and nothing happens. Its words."""
    ran = incident(*arguments)
    assert ran.code == 7, ran
    assert "Nothing was changed" in ran.words
    assert "Next: " in ran.words, "what to do next is missing"
    assert incident.mutations == []
    told = incident(*arguments, "-o", "json").json
    assert told["status"] == "refused"
    assert told["errors"][0]["code"]
    assert told["errors"][0]["hint"]
    return ran.words


# -- one's own -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [f"aws:user/{OPERATOR}", OPERATOR_REF, OPERATOR_REF.removeprefix("aws:")])
@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_own_user(incident: Incident, name: str, command: str) -> None:
    more = ("--deliver", "aws:access-key=aws-secretsmanager:payments/aws") if command == "rotate" else ()
    words = refused(incident, command, name, *more, *YES, "--force")
    assert f"{OPERATOR_REF} is you, or in the chain that you log in through" in words
    assert "Log in as another responder" in words


def test_own_key(incident: Incident) -> None:
    assert "is you" in refused(incident, "revoke", incident.aws.operator().key_id, *YES)


def test_own_user_among_others(incident: Incident) -> None:
    assert OPERATOR_REF in refused(incident, "revoke", USER_REF, OPERATOR_REF, *YES)


def log_in_as(incident: Incident, held: Held) -> None:
    text = f"[sandbox-operator]\naws_access_key_id = {held.key_id}\naws_secret_access_key = {held.secret}\n"
    text += f"aws_session_token = {held.token}\n" if held.token else ""
    Path(incident.settings["credentials_file"]).write_text(text)


def test_own_role(incident: Incident) -> None:
    """Logged in with an assumed role of its own path, given by its session's ARN as the CLI shows it."""
    arn = incident.role("responder", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, path="/ir/")
    got = incident.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    log_in_as(incident, Held(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]))
    for name in ("aws:role/responder", f"aws:{arn}", f"arn:aws:sts::{ACCOUNT}:assumed-role/responder/other"):
        assert f"aws:{arn} is you" in refused(incident, "revoke", name, *YES)


def test_own_chain_through_the_target(incident: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    """The responder assumes a role with the leaked key itself: ending the key would end the responder."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", incident.aws.endpoint)  # botocore itself assumes the profile's role,
    incident.aws.skew((datetime.now(UTC) - incident.clock.now()).total_seconds())  # and judges its age by real time
    arn = incident.role("responder", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    [(key, secret)] = incident.bot("lone-bot")
    incident.aws.admin("iam").put_user_policy(UserName="lone-bot", PolicyName="admin", PolicyDocument=allow("*"))
    incident.settled()
    config = incident.folder / "no-config"
    config.write_text(f"[profile ir]\nrole_arn = {arn}\nsource_profile = sandbox-operator\n")
    log_in_as(incident, Held(key, secret))
    incident.settings["profile"] = "ir"
    before = len(incident.mutations)
    ran = incident("revoke", "aws:user/lone-bot", *YES)
    assert ran.code == 7, ran
    assert "user/bots/lone-bot is you, or in the chain that you log in through" in ran.words
    assert len(incident.mutations) == before
    assert incident.works(key, secret)
    assert incident("revoke", "aws:role/responder", *YES).code == 7


def test_own_chain_by_assume_role_of_the_map(incident: Incident) -> None:
    """The role that nhi.toml assumes in the other account, and the user behind it."""
    incident.settings["assume_role"] = "arn:aws:iam::{account}:role/IncidentResponder"
    mine = f"arn:aws:iam::{OTHER_ACCOUNT}:role/IncidentResponder"
    assert f"aws:{mine} is you" in refused(incident, "revoke", mine, *YES)
    assert f"{OPERATOR_REF} is you" in refused(incident, "revoke", OPERATOR_REF, *YES)


# -- protect -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["aws:arn:aws:iam::*:role/bots/payments-*", WORKER_REF, f"aws:*/{WORKER}"])
def test_protect(incident: Incident, pattern: str) -> None:
    incident.protect = [pattern]
    words = refused(incident, "revoke", BOT, *YES, "--force")
    assert f"{WORKER_REF} is protected by '{pattern}' in nhi.toml" in words
    assert incident("revoke", USER_REF, *YES, "--rotate", "no").code == 8, "the others can still be contained"
    assert "NHIRevoke" not in incident.inline(WORKER, role=True)


def test_protect_as_typed(incident: Incident) -> None:
    incident.protect = ["aws:user/payments-*"]
    assert "is protected by" in refused(incident, "revoke", f"aws:user/{BOT}", *YES)


def test_a_plan_shows_what_would_be_refused(incident: Incident) -> None:
    incident.protect = [WORKER_REF]
    ran = incident("plan", BOT)
    assert ran.code == 0
    assert "this plan would be refused" in ran.words


# -- the vendor's own ----------------------------------------------------------------------------------------------

SLR = "AWSServiceRoleForSupport"


def test_a_service_linked_role(incident: Incident) -> None:
    iam = incident.aws.admin("iam")
    iam.create_service_linked_role(AWSServiceName="support.amazonaws.com")
    [name] = [r["RoleName"] for r in iam.list_roles(PathPrefix="/aws-service-role/")["Roles"]]
    incident.settled()
    words = refused(incident, "revoke", f"aws:role/{name}", *YES)
    assert "service-linked" in words
    assert "By hand" in words


def test_a_role_of_the_identity_center(incident: Incident) -> None:
    path = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
    name = "AWSReservedSSO_Admin_0123456789abcdef"
    trust = trust_of({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    incident.aws.admin("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
    incident.settled()
    words = refused(incident, "revoke", f"aws:role/{name}", *YES)
    assert "permission set" in words


def test_root(incident: Incident) -> None:
    words = refused(incident, "revoke", f"arn:aws:iam::{ACCOUNT}:root", *YES)
    assert "root" in words


def test_the_vendors_own_beside_others_is_by_hand(incident: Incident) -> None:
    """It does not stop the rest; it is told with the manual way, and the exit code says that it is open."""
    iam = incident.aws.admin("iam")
    iam.create_service_linked_role(AWSServiceName="support.amazonaws.com")
    [name] = [r["RoleName"] for r in iam.list_roles(PathPrefix="/aws-service-role/")["Roles"]]
    incident.settled()
    [(key, secret)] = incident.bot("lone-bot")
    ran = incident("revoke", "aws:user/lone-bot", f"aws:role/{name}", *YES, "-o", "json")
    assert ran.code == 8
    assert not incident.works(key, secret)
    assert any(name in str(m["on"]) and m["what"] for m in ran.data["manual"])


# -- another terminal ----------------------------------------------------------------------------------------------


def test_a_second_terminal_on_the_same_principal(incident: Incident) -> None:
    """A real process holds the lock; the second names its run. Other principals are free meanwhile."""
    incident.bot("lone-bot")
    started, go = threading.Event(), threading.Event()

    def held() -> None:
        started.set()
        go.wait(30)

    incident.when("iam:UpdateAccessKey", held)
    first = incident.start("revoke", BOT, *YES, "--rotate", "no", "-o", "json")
    try:
        assert started.wait(30)
        until = time.monotonic() + 30
        while len(incident.mutations) < 4:  # the first wave is whole; one of it is not answered yet
            assert time.monotonic() < until, incident.mutations
            time.sleep(0.01)
        [run_id] = incident.runs()
        asked = len(incident.mutations)
        for verb, on in (("revoke", USER_REF), ("revoke", WORKER_REF), ("resume", run_id)):
            second = incident(verb, on, *(YES if verb == "revoke" else ()))
            assert second.code == 7, second
            assert f"Run {run_id} (revoke; process {first.pid} on " in second.words
            assert "Nothing was changed" in second.words
            assert f"nhi-revoke resume {run_id}" in second.words
        assert incident("undo", run_id, *YES).code == 7
        assert len(incident.mutations) == asked
        assert incident("list", BOT, "--no-logs").code == 0, "looking is always possible"
        assert incident("report", run_id).code != 7
        assert incident("revoke", "aws:user/lone-bot", "--yes").code == 0, "another principal is free"
    finally:
        go.set()
        ran = incident.end(first)
    assert ran.code == 8
    assert {k for k, is_open in incident.doors().items() if is_open} == {"chained"}


def test_a_second_terminal_within_a_run(incident: Incident) -> None:
    """In one process as well: the lock is the kernel's, by open file."""
    seen: list[int] = []

    def second(event: object) -> None:
        if isinstance(event, WaitEvent) and not seen:
            seen.append(0)
            seen[0] = incident("revoke", WORKER_REF, *YES).code

    assert incident("revoke", BOT, *YES, "--rotate", "no", on_event=second).code == 8
    assert seen == [7]
