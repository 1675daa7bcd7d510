"""By the real command line: revoked with the brake, released when no stolen token lives, rotated (facts gcp.md 2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke_gcp.access.service_account import SETTLE
from nhi_revoke_gcp.sandbox import seed
from nhi_revoke_gcp.sandbox.scene import first_key
from nhi_revoke_gcp.sandbox.secrets import HeldVersion
from nhi_revoke_gcp.sandbox.state import LIMIT

from .conftest import ABOVE, MACHINE, START
from .desk import Desk, Ran, opened

CREATE, DISABLE_KEY = "iam.CreateServiceAccountKey", "iam.DisableServiceAccountKey"
DISABLE, ENABLE = "iam.DisableServiceAccount", "iam.EnableServiceAccount"
UPLOAD = "iam.UploadServiceAccountKey"
ADD = "POST /v1/projects/<project>/secrets/<name>:addVersion"
OFF = "POST /v1/projects/<project>/secrets/<name>/versions/<version>:disable"
TRUSTS = {"impersonation", "federation", *ABOVE, *MACHINE}
HOUR, TWELVE = timedelta(hours=1), timedelta(hours=12)
EXTENDED = "iam.allowServiceAccountCredentialLifetimeExtension"


@pytest.fixture(params=["file", "secret"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A new key goes to a file, or to Secret Manager where the leaked one lies. Writes are obeyed after a minute."""
    sandbox, made = opened(tmp_path, to=seed.TO_FILE if request.param == "file" else seed.TO_SECRET)
    yield made
    made.check()
    sandbox.close()


@pytest.fixture
def secret_desk(tmp_path: Path) -> Iterator[Desk]:
    sandbox, made = opened(tmp_path, to=seed.TO_SECRET)
    yield made
    made.check()
    sandbox.close()


def safe_after(ran: Ran) -> datetime:
    """As the refusal tells it."""
    return datetime.fromisoformat(ran.words.partition("safe after ")[2].split()[0].rstrip("."))


def delivered(desk: Desk) -> dict[str, str]:
    """What the workload reads."""
    file = desk.folder / "payments-gcp.json"
    text = file.read_text() if file.exists() else desk.secret.versions[-1].data.decode()
    found: dict[str, str] = json.loads(text)
    return found


@pytest.mark.parametrize("lives", [HOUR, TWELVE])
def test_revoked_released_in_time_and_rotated(desk: Desk, lives: timedelta) -> None:
    """Facts gcp.md 7 (2, 25): the time is counted from when the last way to a token was shut."""
    if lives == TWELVE:
        desk.sandbox.cloud.constraints[EXTENDED] = [{"values": {"allowedValues": [desk.account.email]}}]
    revoked = desk("revoke", "payments-bot", "--yes", "-o", "json")
    assert revoked.code == 8, revoked
    assert revoked.data["state"] == "held"
    assert any(n.startswith("nhi-revoke release ") for n in revoked.data["next"])
    assert revoked.data["replacements"] == []
    [by_hand] = [m for m in revoked.data["manual"] if m["kind"] == "gcp:key"]
    assert "not replaced while the account is disabled" in by_hand["what"]
    assert "`release --wait`, then `rotate`" in by_hand["what"]
    assert desk.doors() == set()
    before = [vars(v).copy() for v in desk.secret.versions]

    refused = desk("release", "@last", "--yes")
    assert refused.code == 7, refused
    assert "would bring its old sessions back to life" in refused.words
    assert "--wait waits until then" in refused.words
    assert ENABLE not in desk.writes()
    safe = safe_after(refused)
    assert lives <= safe - START <= lives + timedelta(seconds=2 * SETTLE), safe

    early = desk("rotate", "payments-bot", "--yes")
    assert early.code == 8, "while it is disabled nothing can be proven"
    assert "`release --wait` of the run that disabled it" in early.words
    assert "NOTHING TO DO" in early.words
    assert CREATE not in desk.writes()

    waited = desk("release", "@last", "--wait", "--yes", "-o", "json")
    assert waited.code == 0, waited
    assert safe <= desk.clock.now() < safe + timedelta(minutes=10)
    assert desk.writes().count(ENABLE) == 1
    assert waited.data["headline"] == "RELEASED", waited
    assert "nhi-revoke rotate payments-bot" in waited.data["next"]
    desk.clock.advance(120)
    assert desk.doors() <= TRUSTS, "tokens have expired, and the keys stay disabled"
    assert vars(desk.secret.versions[0]) == before[0]

    rotated = desk("rotate", "payments-bot", "--yes", "-o", "json")
    assert rotated.code == 8, "trusts that nobody cut are open"
    [one] = rotated.data["replacements"]
    assert (one["result"], one["proof"]) == ("served", "enforced"), rotated
    [made] = desk.working()
    assert delivered(desk)["private_key_id"] == made.id
    assert delivered(desk)["private_key"] == made.pem()
    assert desk.writes().count(CREATE) == 1
    assert desk.doors() <= TRUSTS
    assert not desk.account.disabled.shown


def test_a_stolen_token_that_was_had_at_the_last_moment_is_dead_when_it_is_released(secret_desk: Desk) -> None:
    """Facts gcp.md 7, 2: with a write that is obeyed a minute late, a key still gets tokens after the call."""
    desk = secret_desk
    key = first_key(desk.account)
    last: list[Any] = []
    good = desk.sandbox.gate.calls.add

    def add(call: Any) -> None:
        good(call)
        if call.name == DISABLE and call.by == "operator" and not last:
            now = desk.clock.now() + timedelta(seconds=59)
            last.append(desk.sandbox.cloud.new_token(f"serviceAccount:{desk.account.email}", now))

    desk.sandbox.gate.calls.add = add  # type: ignore[method-assign]  # a token is had in between
    assert desk("revoke", "payments-bot", "--yes").code in (8, 9)
    [token] = last
    desk("release", "@last", "--wait", "--yes")
    desk.clock.advance(120)
    assert not desk.account.disabled.shown
    assert desk.sandbox.cloud.bearer(token.value, desk.clock.now()) is None
    assert key.disabled.shown


def test_after_its_time_it_is_released_without_waiting(secret_desk: Desk) -> None:
    desk = secret_desk
    desk("revoke", "payments-bot", "--yes")
    safe = safe_after(desk("release", "@last", "--yes"))
    desk.clock.advance((safe - desk.clock.now()).total_seconds() - 1)
    assert desk("release", "@last", "--yes").code == 7
    desk.clock.advance(1)
    assert desk("release", "@last", "--yes").code == 0
    assert not desk.account.disabled.shown


def test_a_release_that_finds_it_enabled_claims_nothing_of_its_tokens(secret_desk: Desk) -> None:
    """Nobody knows since when: a token that was had meanwhile lives."""
    desk = secret_desk
    desk("revoke", "payments-bot", "--yes")
    desk.clock.advance(1800)
    desk.sandbox.meddle("enable")
    desk.sandbox.meddle("enable-key")
    token = desk.sandbox.cloud.new_token(f"serviceAccount:{desk.account.email}", desk.clock.now() + timedelta(hours=1))
    ran = desk("release", "@last", "--wait", "--yes", "-o", "json")
    assert ENABLE not in desk.writes()
    [tokens] = [o for o in ran.data["outcomes"] if o["access"]["kind"] == "gcp:access-token"]
    assert tokens["fate"] == "open", ran
    assert "was found taken off" in tokens["how"]
    assert desk.sandbox.cloud.bearer(token.value, desk.clock.now()) is not None


def test_somebody_enables_it_in_between_and_the_time_is_counted_anew(secret_desk: Desk) -> None:
    """Tokens that were had meanwhile would live on after the first time."""
    desk = secret_desk
    desk("revoke", "payments-bot", "--yes")
    first = safe_after(desk("release", "@last", "--yes"))
    desk.clock.advance(1800)
    desk.sandbox.meddle("enable")
    desk("hold", "@last", "--for", "1m")
    assert desk.account.disabled.shown, "hold puts the brake back"
    again = safe_after(desk("release", "@last", "--yes"))
    assert again >= first + timedelta(seconds=1700), (first, again)


def test_finish_disables_the_version_of_the_leaked_key_and_deletes_the_key(secret_desk: Desk) -> None:
    desk = secret_desk
    leaked = desk.secret.versions[0]
    assert desk("revoke", "payments-bot", "--yes").code in (8, 9)
    desk("release", "@last", "--wait", "--yes")
    desk.clock.advance(120)
    # The first run disabled the old keys: the rotation has nothing left to end, and still tells of the version.
    rotated = desk("rotate", "payments-bot", "--yes", "-o", "json")
    assert any("version 1 of secret payments-key" in n["says"] for n in rotated.data["notices"]), rotated
    assert [v.state for v in desk.secret.versions] == ["ENABLED", "ENABLED"]
    finished = desk("finish", "@last", "--yes", "--allow-irreversible", "-o", "json")
    assert [v.state for v in desk.secret.versions] == ["DISABLED", "ENABLED"], finished
    assert leaked.data, "disabled, and never destroyed"
    assert any("still holding the old credential: version 1" in n["says"] for n in finished.data["notices"])


def test_without_the_brake_a_rotation_serves_before_it_ends(secret_desk: Desk) -> None:
    desk = secret_desk
    rotated = desk("rotate", "payments-bot", "--yes", "-o", "json")
    [one] = rotated.data["replacements"]
    assert one["result"] == "served", rotated
    asked = [name for name in desk.writes() if name in (CREATE, ADD, DISABLE_KEY)]
    assert asked[:2] == [CREATE, ADD]
    assert set(asked[2:]) == {DISABLE_KEY}
    assert DISABLE not in desk.writes()


@pytest.mark.parametrize("fault", ["denied", "500"])
def test_a_secret_that_cannot_be_written_leaves_the_old_key_working(secret_desk: Desk, fault: Any) -> None:
    """Nothing is ended before the new one is delivered, read back and proven; the new one is destroyed."""
    desk = secret_desk
    old = {key.id for key in desk.working()}
    desk.sandbox.fault(ADD, fault, times=50)
    ran = desk("rotate", "payments-bot", "--yes")
    assert ran.code not in (0, 6, 9), ran
    desk.clock.advance(120)
    assert {key.id for key in desk.working()} == old
    assert len(desk.secret.versions) == 1
    assert DISABLE_KEY not in desk.writes()


@pytest.mark.parametrize("told_as", ["RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"])
def test_a_cap_that_was_reached_meanwhile_ends_nothing_and_waits_for_nothing(secret_desk: Desk, told_as: str) -> None:
    """Facts gcp.md 4: RetryInfo of 86401 seconds."""
    desk = secret_desk
    desk.sandbox.cloud.limit_told_as = told_as
    old = {key.id for key in desk.working()}
    good = desk.sandbox.gate.calls.add

    def add(call: Any) -> None:
        good(call)
        if call.name == CREATE and call.by == "operator":
            while sum(key.type == "USER_MANAGED" for key in desk.account.listed()) < LIMIT:
                desk.sandbox.cloud.new_key(desk.account, START)

    desk.sandbox.gate.calls.add = add  # type: ignore[method-assign]  # somebody takes the last slot in between
    ran = desk("rotate", "payments-bot", "--yes")
    assert ran.code not in (0, 6, 9), ran
    assert "ten keys" in ran.words
    assert desk.clock.now() - START < timedelta(hours=1)
    assert desk.writes() == [CREATE]
    assert old <= {key.id for key in desk.working()}
    assert len(desk.secret.versions) == 1


def test_a_create_whose_answer_was_lost_is_found_by_difference_and_never_left(secret_desk: Desk) -> None:
    """Facts gcp.md 7, 14."""
    desk = secret_desk
    before = {key.id for key in desk.account.listed()}
    desk.sandbox.fault(CREATE, "lost", times=1)
    ran = desk("rotate", "payments-bot", "--yes", "-o", "json")
    served = [r["access"].rpartition("/")[2] for r in ran.data["replacements"] if r["result"] == "served"]
    assert {key.id for key in desk.account.listed()} - before == set(served), ran
    if not served:
        assert DISABLE_KEY not in desk.writes()


@pytest.mark.parametrize("fault", ["lost", "timeout"])
def test_an_answer_of_the_secret_that_did_not_come_is_found_out(secret_desk: Desk, fault: Any) -> None:
    desk = secret_desk
    desk.sandbox.fault(ADD, fault, times=1)
    ran = desk("rotate", "payments-bot", "--yes", "-o", "json")
    [one] = ran.data["replacements"]
    assert one["result"] == "served", ran
    assert len(desk.secret.versions) == 2, "one version more, never two"


def test_uploaded_by_the_flag_of_a_delivery(secret_desk: Desk) -> None:
    """`--deliver gcp:uploaded-key=…`: the map's own delivery of gcp:key has to give way, and the plan says so."""
    desk = secret_desk
    to = f"gcp:uploaded-key={seed.TO_SECRET}"
    told = desk("rotate", "payments-bot", "--deliver", to, "--dry-run")
    assert "Keep one of the two" in told.words
    desk.map = desk.map.replace('from = "gcp:key"', 'from = "gcp:uploaded-key"')
    ran = desk("rotate", "payments-bot", "--yes", "-o", "json")
    [one] = ran.data["replacements"]
    assert (one["result"], one["kind"]) == ("served", "gcp:uploaded-key"), ran
    assert CREATE not in desk.writes()
    assert desk.writes().count(UPLOAD) == 1
    [made] = desk.working()
    assert delivered(desk)["private_key_id"] == made.id
    newest: HeldVersion = desk.secret.versions[-1]
    assert b"PRIVATE KEY" in newest.data


def test_a_key_that_was_made_while_it_was_disabled_is_not_freed_by_the_release(secret_desk: Desk) -> None:
    """Whoever may make keys makes them for a disabled account, too, and days may lie between the two commands."""
    desk = secret_desk
    assert desk("revoke", "payments-bot", "--yes").code == 8
    desk.sandbox.meddle("new-key")
    refused = desk("release", "@last", "--wait", "--yes")
    assert refused.code == 5, refused
    [late] = desk.working()
    assert f"key {late.id} of it was made since the plan was" in refused.words
    assert desk.account.disabled.shown, refused
    assert ENABLE not in desk.writes()
    assert desk.doors() == set()

    held = desk("hold", "@last", "--for", "1m")
    assert desk.working() == [], held
    released, account = desk("release", "@last", "--wait", "--yes"), desk.account
    assert released.code == 0, released
    assert not account.disabled.shown
    desk.clock.advance(120)
    assert desk.doors() <= TRUSTS
