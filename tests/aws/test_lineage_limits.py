"""How far the logs are read, what is said of the rest, and the vendor's rate."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from nhi_revoke.engine.clock import SandboxClock
from nhi_revoke.engine.io import EngineIo
from nhi_revoke.model.found import Found
from nhi_revoke.provider.fault import AmbiguousName
from nhi_revoke.provider.sandbox.clock import MovableClock
from nhi_revoke_aws import events, lineage
from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.clients import Held
from nhi_revoke_aws.sandbox.sandbox import AwsSandbox
from nhi_revoke_aws.sandbox.seed import allow

from .conftest import START, USER, WORKER, Bench
from .test_lineage import blinds, observed, sessions

T = TypeVar("T")
R = TypeVar("R")


def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The values that are looked up from here on."""
    asked: list[str] = []
    real = events.lookup

    def heard(conn: Any, region: str, attribute: str, value: str, since: datetime) -> Any:
        asked.append(value)
        return real(conn, region, attribute, value, since)

    monkeypatch.setattr(lineage, "lookup", heard)
    return asked


def test_the_newest_sessions_are_followed_and_what_was_not_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "MOST", 3)
    worker = bench.resolve(WORKER)
    key = bench.sandbox.loot().key
    made = [
        bench.sandbox.client("sts", key).assume_role(RoleArn=worker.ref.id, RoleSessionName=f"run-{n}")["Credentials"]
        for n in range(5)
    ]
    for number, each in enumerate(made):
        bench.sandbox.advance(60)
        held = Held(each["AccessKeyId"], each["SecretAccessKey"], each["SessionToken"])
        del number
        bench.sandbox.client("sts", held).get_caller_identity()
    kind = bench.kinds["aws:role-session"]
    view = bench.view(WORKER)
    asked = looked_up(monkeypatch)
    found = list(kind.observe(bench.conn, view.who, view.accesses, START, bench.io))
    assert {each["AccessKeyId"] for each in made} <= {a.door for a in sessions(found).values()}, "all are listed"
    followed = {a for a in asked if a.startswith("ASIA")}
    assert len(followed) == 3
    assert bench.sandbox.loot().worker.key_id not in followed, "the oldest one"
    spot, others = blinds(found)
    assert "more than 3 keys and sessions" in spot.why
    assert spot.counts
    assert "Roles Anywhere and EKS Pod Identity are not followed" in others.why


def test_a_busy_key_does_not_keep_the_responder_waiting_and_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.doors()
    monkeypatch.setattr(events, "MOST_PAGES", 2)
    bench.sandbox.page_size(1)
    found = observed(bench, USER)
    spot, *_ = blinds(found)
    assert re.search(r"CloudTrail of us-east-1 was not read, or not all of it: too many events of \w+", spot.why)
    assert re.search(r"those before 2026-11-23T\d\d:\d\d:\d\dZ were not read", spot.why)
    assert spot.counts


def test_an_event_in_no_known_form_is_unseen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = set(sessions(observed(bench, USER)))
    real = events.parse_event
    odd: list[str] = []

    def parse(raw: dict[str, Any]) -> Any:
        if raw["EventName"] == "GetSessionToken":
            odd.append(raw["EventId"])
            raise ValueError
        return real(raw)

    monkeypatch.setattr(events, "parse_event", parse)
    found = observed(bench, USER)
    assert odd
    assert set(sessions(found)) < whole
    assert {b.counts for b in blinds(found)} == {True}
    leaked = bench.sandbox.loot().key.key_id
    assert any(f"1 of the events of {leaked} are in no known form" in b.why for b in blinds(found))


def test_what_was_read_before_a_region_failed_still_counts(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    view = bench.view(USER)
    bench.conn.regions()
    bench.sandbox.fault("cloudtrail:LookupEvents", "denied", times=1000, after=6)
    found = list(
        bench.kinds["aws:user-session"].observe(bench.conn, view.who, view.accesses, START - timedelta(1), bench.io)
    )
    assert sessions(found)
    assert blinds(found)


def test_a_federated_name_that_two_users_took_is_ambiguous(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    iam.create_user(UserName="other")
    iam.put_user_policy(UserName="other", PolicyName="p", PolicyDocument=allow("sts:*"))
    made = iam.create_access_key(UserName="other")["AccessKey"]
    held = Held(made["AccessKeyId"], made["SecretAccessKey"])
    ref = bench.ref("arn:aws:sts::111122223333:federated-user/payments-bot")
    assert bench.provider.resolve(bench.conn, ref).name == "payments-bot"
    bench.sandbox.client("sts", held).get_federation_token(Name="payments-bot")
    with pytest.raises(AmbiguousName) as said:
        bench.provider.resolve(bench.conn, ref)
    assert len(said.value.candidates) == 2


# -- the vendor's rate ---------------------------------------------------------------------------------------------


class OneByOne(EngineIo):
    """The engine's own pacing and retries; one request at a time, so that the sandbox's clock tells all of it."""

    def map(self, do: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        return [do(item) for item in items]


class Frozen(MovableClock):
    """Moved alone: however slow this machine is, a request arrives when it was due."""

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._offset)


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Bench]:
    sandbox = AwsSandbox(entropy=1, planted=("planted",))
    sandbox.start(Frozen(START))
    sandbox.lag(0, 0)
    sandbox.seed(str(tmp_path))
    yield Bench(sandbox, sandbox.settings())
    sandbox.close()


class Counted:
    """What CloudTrail answered."""

    def __init__(self, sandbox: AwsSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.good, self.throttled = 0, 0
        real = sandbox.world.gate.lookup.events

        def events(*asked: Any) -> Any:
            try:
                answer = real(*asked)
            except Refusal:
                self.throttled += 1
                raise
            self.good += 1
            return answer

        monkeypatch.setattr(sandbox.world.gate.lookup, "events", events)


def throttled_look(bench: Bench, *, page_size: int = 1) -> list[Found]:
    views = {typed: bench.view(typed) for typed in (USER, WORKER)}
    bench.sandbox.advance(2)
    bench.sandbox.throttle_lookups()
    bench.sandbox.page_size(page_size)
    io = OneByOne(SandboxClock(bench.sandbox.world.clock))
    conn = bench.provider.connect("", bench.settings, io)
    found: list[Found] = []
    for typed, view in views.items():
        kind = bench.kinds["aws:user-session" if typed == USER else "aws:role-session"]
        found += kind.observe(conn, view.who, view.accesses, bench.sandbox.now() - timedelta(hours=36), io)
    bench.sandbox.throttle_lookups(on=False)
    return found


def test_a_whole_look_under_the_vendors_rate_is_never_throttled(frozen: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, before = frozen, frozen.sandbox.now()
    counted = Counted(bench.sandbox, monkeypatch)
    found = throttled_look(bench)
    assert counted.throttled == 0
    assert counted.good > 10, "this test proves nothing with a few"
    took = (bench.sandbox.now() - before).total_seconds()
    assert took >= (counted.good - 2) / 2, "without pacing it would be faster than the vendor allows"
    assert not blinds(found)


def test_somebody_else_who_uses_up_the_rate_costs_time_and_no_event(
    frozen: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = frozen
    whole = set(sessions(throttled_look(bench)))
    counted = Counted(bench.sandbox, monkeypatch)
    lookup, real = bench.sandbox.world.gate.lookup, bench.sandbox.world.gate.lookup._rate
    asked = [0]

    def crowded(account: str, region: str, now: datetime) -> None:
        asked[0] += 1
        if asked[0] % 3 == 0:
            raise Refusal("Throttling", "Rate exceeded")
        real(account, region, now)

    monkeypatch.setattr(lookup, "_rate", crowded)
    found = throttled_look(bench)
    assert counted.throttled > 3
    assert set(sessions(found)) == whole
    assert not blinds(found)


@pytest.mark.parametrize("acts", [False, True])
def test_a_user_that_was_renamed_has_the_sessions_of_its_old_name(bench: Bench, *, acts: bool) -> None:
    """The renaming is in no log yet. Its keys are the same, and they alone lead there: in those events it has its old
    name. That it acts under the new one proves nothing.
    """
    bench.sandbox.lag(0, 0)
    bench.doors()
    loot = bench.sandbox.loot()
    before = set(sessions(observed(bench, USER)))
    bench.sandbox.admin("iam").update_user(UserName="payments-bot", NewUserName="innocent-bot")
    bench.sandbox.advance(60)
    if acts:
        bench.sandbox.client("sts", loot.key).get_caller_identity()
        bench.sandbox.advance(60)
    found = sessions(observed(bench, USER.replace("payments-bot", "innocent-bot")))
    begun = {loot.session_token.key_id, loot.worker.key_id, loot.federation_token.key_id}
    assert begun <= {access.rpartition("/")[2] for access in before}
    assert begun <= {access.door for access in found.values()}


def test_a_name_that_another_user_was_given_before_proves_nothing_of_who_has_it_now(bench: Bench) -> None:
    """A decoy was renamed so, long enough ago for the logs; that it made room and the real one came is in none yet."""
    bench.sandbox.lag(0, 0)
    bench.doors()
    loot, iam, untold = bench.sandbox.loot(), bench.sandbox.client("iam"), bench.sandbox.admin("iam")
    begun = {loot.session_token.key_id, loot.worker.key_id, loot.federation_token.key_id}
    iam.create_user(UserName="decoy", Path="/bots/")
    iam.update_user(UserName="decoy", NewUserName="innocent-bot")
    bench.sandbox.advance(1000)
    untold.update_user(UserName="innocent-bot", NewUserName="decoy")
    untold.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    bench.sandbox.advance(60)
    found = observed(bench, USER.replace("payments-bot", "innocent-bot"))
    assert begun <= {access.door for access in sessions(found).values()}
    [said] = blinds(found)
    assert "renamed from decoy: nothing that it did stands under that spelling" in said.why


@pytest.mark.parametrize("itself", [False, True])
def test_a_renaming_that_spells_the_old_name_otherwise_hides_nothing_in_silence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, itself: bool
) -> None:
    """IAM minds no case of letters in a request; CloudTrail finds by exact names. Keys lead to what they began; a
    console session is found where the user renamed itself, since its own event spells its name; else that is said.
    """
    bench.sandbox.lag(0, 0)
    bench.doors()
    loot = bench.sandbox.loot()
    bench.sandbox.admin("iam").put_user_policy(UserName="payments-bot", PolicyName="iam", PolicyDocument=allow("iam:*"))
    iam = bench.sandbox.client("iam", loot.key) if itself else bench.sandbox.client("iam")
    iam.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    bench.sandbox.advance(60)
    bench.sandbox.client("sts", loot.key).get_caller_identity()
    bench.sandbox.advance(1000)
    real = events.lookup

    def shouted(conn: Any, region: str, attribute: str, value: str, since: datetime) -> Iterator[events.Event]:
        for event in real(conn, region, attribute, value, since):
            loud = {**event.asked, "userName": "PAYMENTS-BOT"} if event.name == "UpdateUser" else event.asked
            yield msgspec.structs.replace(event, asked=loud)

    monkeypatch.setattr(lineage, "lookup", shouted)
    found = observed(bench, USER.replace("payments-bot", "innocent-bot"))
    doors = {access.door for access in sessions(found).values()}
    assert {loot.session_token.key_id, loot.worker.key_id, loot.federation_token.key_id} <= doors
    assert (loot.console.key_id in doors) == itself
    assert ["PAYMENTS-BOT" in blind.why for blind in blinds(found)] == [True] * (not itself)


def test_what_keys_did_is_not_asked_for_again_once_the_name_has_told_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loot = bench.sandbox.loot()
    own = {held.key_id for held in (loot.key, loot.spare, loot.session_token, loot.console)}
    asked = looked_up(monkeypatch)
    by_name = set(sessions(observed(bench, USER)))
    assert {"UpdateUser", "payments-bot", loot.federation_token.key_id, loot.worker.key_id} <= set(asked)
    assert not own & set(asked)
    monkeypatch.setattr(lineage, "one_name", lambda *_: False)
    assert set(sessions(observed(bench, USER))) == by_name
    assert own <= set(asked)


def test_a_console_session_is_found_under_each_name_that_its_user_had(bench: Bench) -> None:
    """No list and no key leads to it: the renaming itself does, whoever has those names since."""
    bench.sandbox.lag(0, 0)
    loot, iam = bench.sandbox.loot(), bench.sandbox.client("iam")
    told = sessions(observed(bench, USER))[f"aws:user-session/{loot.console.key_id}"]
    iam.update_user(UserName="payments-bot", NewUserName="innocent-bot")
    iam.update_user(UserName="innocent-bot", NewPath="/moved/")
    bench.sandbox.advance(60)
    iam.update_user(UserName="innocent-bot", NewUserName="third-bot")
    iam.create_user(UserName="payments-bot", Path="/bots/")
    made = iam.create_access_key(UserName="payments-bot")["AccessKey"]
    other = Held(made["AccessKeyId"], made["SecretAccessKey"])
    bench.sandbox.client("sts", other).get_session_token()
    bench.sandbox.advance(60)
    found = observed(bench, "user/third-bot")
    console = sessions(found)[told.id]
    assert (console.created, console.label) == (told.created, told.label.replace("payments-bot", "third-bot"))
    assert console.on == bench.resolve("user/third-bot").ref
    assert not any(other.key_id in (access.parent or "") for access in sessions(found).values())
    theirs = sessions(observed(bench, USER))
    assert told.id not in theirs, "who has the old name now began none of it"
    assert loot.worker.key_id in {access.door for access in theirs.values()}, "but whoever had its ARN may live on"


def test_names_beyond_the_most_are_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MOST_NAMES", 2)
    bench.sandbox.lag(0, 0)
    console, names = bench.sandbox.loot().console.key_id, ["payments-bot", "second-bot", "third-bot"]
    for number, (old, new) in enumerate(itertools.pairwise(names), start=1):
        bench.sandbox.client("iam").update_user(UserName=old, NewUserName=new)
        bench.sandbox.advance(60)
        found = observed(bench, f"user/{new}")
        assert (f"aws:user-session/{console}" in sessions(found)) == (number == 1)
        said = ["renamed more than 2 times: what it did under older names was not looked up"]
        assert [b.why for b in blinds(found)] == said * (number - 1)
