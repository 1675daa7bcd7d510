"""What an identity planted: which events count, whom they name, the command that ends it; nothing of our own run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nhi_revoke.cli.spans import moment_of
from nhi_revoke.engine.prediction import predicted_open
from nhi_revoke.model.found import BlindSpot, Found, Lead
from nhi_revoke.provider.fault import Denied
from nhi_revoke_aws.lineage import KIND
from nhi_revoke_aws.sandbox.answer import Refusal
from nhi_revoke_aws.sandbox.asked import Asked, Signed
from nhi_revoke_aws.sandbox.clients import Held

from .conftest import START, USER, WORKER, Bench
from .one_kind import bench_of, world_of

BOT = "arn:aws:iam::111122223333:user/bots/payments-bot"
FRIEND = "aws:arn:aws:iam::111122223333:user/support-sync"
WORKER_ARN = "arn:aws:iam::111122223333:role/bots/payments-worker"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """payments-bot and its intruder, who planted nothing yet."""
    with bench_of(tmp_path) as bench:
        yield bench


def wrote(
    bench: Bench,
    operation: str,
    answer: dict[str, Any] | None = None,
    *,
    service: str = "iam",
    by: Held | None = None,
    region: str = "us-east-1",
    ago: timedelta = timedelta(minutes=20),
    failed: bool = False,
    **params: Any,
) -> None:
    """A record of a call, past the gate. `by`: a session of the loot; the leaked key where it is left out."""
    world, loot = bench.sandbox.world, bench.sandbox.loot()
    session = world.sessions.get(by.key_id) if by else None
    with world.earlier(ago):
        caller = world.session_caller(session) if session else None
        caller = caller or world.user_caller(world.account, "payments-bot", (by or loot.key).key_id)
        signed = Signed(caller.key_id, region, service, (), "")
        asked = Asked(service, operation, region, "query", params, signed=signed)
        refusal = Refusal("AccessDenied", "no", 403) if failed else None
        world.trail.write(caller, asked, world.now(), world.vendor_now(), answer=answer, failed=refusal)


def found(bench: Bench, typed: str = USER, *, since: timedelta = timedelta(hours=36), **settings: Any) -> list[Found]:
    view = bench.view(typed)
    conn = bench.connect(**settings)
    kind = bench.kinds["aws:user-session" if view.who.kind == "user" else "aws:role-session"]
    return list(kind.observe(conn, view.who, view.accesses, bench.sandbox.now() - since, bench.io))


def planted(bench: Bench, typed: str = USER, **more: Any) -> list[Lead]:
    return [f for f in found(bench, typed, **more) if isinstance(f, Lead) and f.how == "planted"]


def blinds(seen: Sequence[Found]) -> list[BlindSpot]:
    """All but the one that tells which Regions the settings name: the sandbox's always do."""
    return [f for f in seen if isinstance(f, BlindSpot) and f.kind == KIND and "says so" not in f.why]


def user(name: str, path: str = "/") -> dict[str, Any]:
    return {"user": {"userName": name, "arn": f"arn:aws:iam::111122223333:user{path}{name}"}}


# -- other principals ----------------------------------------------------------------------------------------------


def test_a_user_made_with_a_key_is_one_lead_with_the_command_that_ends_it(tmp_path: Path) -> None:
    with bench_of(tmp_path, "planted") as bench:
        [lead] = planted(bench)
        [key] = bench.sandbox.admin("iam").list_access_keys(UserName="support-sync")["AccessKeyMetadata"]
        leaked = bench.sandbox.loot().key.key_id
        assert (str(lead.to), lead.how, str(lead.of)) == (FRIEND, "planted", f"aws:{BOT}")
        assert lead.why.startswith(
            f"CreateUser; PutUserPolicy sync; CreateAccessKey {key['AccessKeyId']} on it with aws:access-key/{leaked} "
            f"at {lead.at:%Y-%m-%dT%H:%M:%SZ}"
        )
        assert lead.at
        assert timedelta(minutes=30) < bench.sandbox.now() - lead.at < timedelta(minutes=32)
        command = re.fullmatch(r"nhi-revoke revoke (\S+) --since (\S+)", lead.next)
        assert command
        assert str(bench.resolve(command[1].removeprefix("aws:")).ref) == FRIEND
        assert moment_of(command[2], START, "--since") == lead.at
        assert not planted(bench, WORKER), "the role did nothing"
        assert not bench.writes()


def test_one_that_is_gone_by_now_is_still_told(tmp_path: Path) -> None:
    with bench_of(tmp_path, "planted") as bench:
        bench.sandbox.meddle("delete-planted-user")
        bench.sandbox.world.settle()
        [lead] = planted(bench)
        assert str(lead.to) == FRIEND
        assert "it is gone by now: look whether it stays so" in lead.why
        assert lead.next == f"nhi-revoke list {FRIEND}"


def test_where_nobody_may_ask_whether_it_is_there_it_is_told_by_its_name(bench: Bench) -> None:
    wrote(bench, "CreateAccessKey", {"accessKey": {"accessKeyId": "AKIAOTHER", "userName": "bob"}}, UserName="bob")
    view = bench.view(USER)
    bench.sandbox.fault("iam:GetUser", "denied", times=9)
    seen = bench.kinds["aws:user-session"].observe(bench.conn, view.who, view.accesses, START - timedelta(1), bench.io)
    [lead] = [f for f in seen if isinstance(f, Lead)]
    assert (str(lead.to), lead.next.split(" --since")[0]) == ("aws:user/bob", "nhi-revoke revoke aws:user/bob")
    assert "gone" not in lead.why


def test_a_name_with_a_path_is_told_by_its_real_arn(bench: Bench) -> None:
    bench.sandbox.admin("iam").create_user(UserName="bob", Path="/people/")
    wrote(bench, "UpdateLoginProfile", UserName="bob")
    [lead] = planted(bench)
    assert lead.to.id == "arn:aws:iam::111122223333:user/people/bob"


def test_repeated_ones_are_one_with_the_count_and_the_last_time(bench: Bench) -> None:
    for minutes, key in ((30, "AKIA1"), (20, "AKIA2"), (10, "AKIA1")):
        made = {"accessKey": {"accessKeyId": key, "userName": "bob"}}
        wrote(bench, "CreateAccessKey", made, ago=timedelta(minutes=minutes), UserName="bob")
    [lead] = planted(bench)
    assert "CreateAccessKey AKIA1, AKIA2 (3 times, last at " in lead.why
    last = re.search(r"the last at (\S+Z)", lead.why)
    assert last
    assert lead.at
    between = datetime.fromisoformat(last[1]) - lead.at
    assert timedelta(minutes=19, seconds=58) <= between <= timedelta(minutes=20, seconds=2)


def test_many_names_do_not_fill_the_screen(bench: Bench) -> None:
    for number in range(8):
        wrote(bench, "PutUserPolicy", UserName="bob", PolicyName=f"p{number}")
    [lead] = planted(bench)
    assert "and 3 more (8 times" in lead.why


def test_what_failed_and_what_only_reads_never_counts(bench: Bench) -> None:
    wrote(bench, "CreateUser", failed=True, UserName="evil")
    wrote(bench, "GetUser", UserName="evil")
    wrote(bench, "UpdateAccessKey", UserName="bob", AccessKeyId="AKIA1", Status="Inactive")
    assert planted(bench) == []
    wrote(bench, "CreateUser", None, UserName="evil")
    [lead] = planted(bench)
    assert lead.to.id == "evil", "no response elements: the request names it"


def test_another_services_event_of_the_same_name_is_another_event(bench: Bench) -> None:
    wrote(bench, "CreateUser", {"userId": "u-1"}, service="identitystore", UserName="evil")
    wrote(bench, "PutResourcePolicy", service="dynamodb", ResourceArn="arn:aws:dynamodb:us-east-1:1:table/t")
    assert planted(bench) == []


# -- its own principal ---------------------------------------------------------------------------------------------


def test_its_own_new_keys_and_passwords_are_listed_and_not_planted(bench: Bench) -> None:
    bench.sandbox.meddle("new-key")
    wrote(bench, "UpdateLoginProfile", UserName="payments-bot")
    wrote(bench, "UpdateAccessKey", UserName="payments-bot", AccessKeyId="AKIA1", Status="Active")
    assert planted(bench) == []


def test_a_second_factor_that_the_intruder_added_is_told_with_the_way_by_hand(tmp_path: Path) -> None:
    with bench_of(tmp_path, "planted") as bench:
        bench.sandbox.meddle("plant-mfa")
        leads = {lead.to.id: lead for lead in planted(bench)}
    device = "arn:aws:iam::111122223333:mfa/phone"
    assert set(leads) == {BOT, device, FRIEND.removeprefix("aws:")}
    assert leads[BOT].why.startswith(f"EnableMFADevice {device} on it with aws:access-key/")
    assert leads[BOT].next == f"aws iam deactivate-mfa-device --user-name payments-bot --serial-number {device}", (
        "never done by itself: it may be the owner's"
    )
    assert leads[device].next == f"aws iam delete-virtual-mfa-device --serial-number {device}"


@pytest.mark.parametrize(
    ("operation", "params", "command"),
    [
        ("PutUserPolicy", {"UserName": "payments-bot", "PolicyName": "x y"},
         "aws iam delete-user-policy --user-name payments-bot --policy-name 'x y'"),
        ("AttachUserPolicy", {"UserName": "payments-bot", "PolicyArn": "arn:aws:iam::aws:policy/Admin"},
         "aws iam detach-user-policy --user-name payments-bot --policy-arn arn:aws:iam::aws:policy/Admin"),
        ("AddUserToGroup", {"UserName": "payments-bot", "GroupName": "admins"},
         "aws iam remove-user-from-group --user-name payments-bot --group-name admins"),
        ("DeleteUserPermissionsBoundary", {"UserName": "payments-bot"}, "aws iam get-user --user-name payments-bot"),
        ("DeactivateMFADevice", {"UserName": "payments-bot", "SerialNumber": "x"},
         "aws iam list-mfa-devices --user-name payments-bot"),
    ],
)  # fmt: skip
def test_what_it_did_to_itself_and_no_list_of_keys_shows(
    bench: Bench, operation: str, params: dict[str, Any], command: str
) -> None:
    wrote(bench, operation, **params)
    [lead] = planted(bench)
    assert (lead.to.id, lead.next) == (BOT, command)
    assert lead.why.startswith(operation)


def test_two_acts_on_itself_have_two_commands(bench: Bench) -> None:
    wrote(bench, "PutUserPolicy", UserName="payments-bot", PolicyName="a")
    wrote(bench, "PutUserPolicy", UserName="payments-bot", PolicyName="b")
    assert len({lead.next for lead in planted(bench)}) == 2


def test_a_trust_edit_by_the_user_and_by_the_role_itself(bench: Bench) -> None:
    bench.sandbox.meddle("trust-anyone")
    [lead] = planted(bench)
    assert lead.to.id == WORKER_ARN
    assert lead.next.startswith(f"nhi-revoke revoke aws:{WORKER_ARN} --since ")
    wrote(bench, "UpdateAssumeRolePolicy", by=bench.sandbox.loot().worker, RoleName="payments-worker")
    [own] = planted(bench, WORKER)
    assert (own.to.id, own.next) == (WORKER_ARN, "aws iam get-role --role-name payments-worker")


def test_a_user_that_renames_itself_is_found_under_its_new_name(bench: Bench) -> None:
    bench.sandbox.admin("iam").create_user(UserName="quiet", Path="/new/")
    wrote(bench, "UpdateUser", UserName="payments-bot", NewUserName="quiet")
    [lead] = planted(bench)
    assert lead.to.id == "arn:aws:iam::111122223333:user/new/quiet"
    assert "UpdateUser payments-bot" in lead.why


# -- by whom -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", ["session_token", "federation_token", "console", "worker", "ledger"])
def test_acts_of_every_descendant_count(bench: Bench, session: str) -> None:
    by: Held = getattr(bench.sandbox.loot(), session)
    wrote(bench, "CreateUser", user("evil"), by=by, ago=timedelta(minutes=5), UserName="evil")
    [lead] = planted(bench)
    kind = "role" if session in ("worker", "ledger") else "user"
    assert f"on it with aws:{kind}-session/{by.key_id} at" in lead.why
    if session == "worker":
        assert planted(bench, WORKER) == [lead], "both walks tell the same, so that it is told once"


def test_acts_with_a_key_that_was_deleted_since_count(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    spare = bench.sandbox.loot().spare
    wrote(bench, "CreateUser", user("evil"), by=spare, UserName="evil")
    iam.delete_access_key(UserName="payments-bot", AccessKeyId=spare.key_id)
    [lead] = planted(bench)
    assert f"with aws:access-key/{spare.key_id}" in lead.why


def test_somebody_elses_acts_do_not_count(bench: Bench) -> None:
    bench.sandbox.client("iam").create_user(UserName="by-the-operator")
    assert planted(bench) == []


def test_nothing_of_a_whole_run_is_called_planted(tmp_path: Path) -> None:
    with world_of(tmp_path, "planted") as world:
        report = world.run()
        assert [str(lead.to) for lead in report.planted] == [FRIEND]
        assert report.exit_code == 8
        world.clock.advance(1000)  # now the logs show what the run did
        again = world.verify(report.run)
        assert world.mutations() > 3
        assert [str(lead.to) for lead in again.planted] == [FRIEND]
        [door] = [d for d in world.sandbox.doors() if d.kind == "planted-user-key"]
        assert door.open()
        assert predicted_open(again, door.access)


# -- since when, and what could not be read ------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "wanted"), [(1.5, set()), (30, {"evil"}), (60, {"evil", "older"})])
def test_since_widens_what_is_searched_for_planted_things(bench: Bench, days: float, wanted: set[str]) -> None:
    wrote(bench, "CreateUser", user("evil"), ago=timedelta(days=20), UserName="evil")
    wrote(bench, "CreateUser", user("older"), ago=timedelta(days=40), UserName="older")
    seen = found(bench, since=timedelta(days=days))
    assert {f.to.id.rpartition("/")[2] for f in seen if isinstance(f, Lead) and f.how == "planted"} == wanted
    assert not blinds(seen)


def test_what_was_done_before_since_is_not_the_intruders(bench: Bench) -> None:
    wrote(bench, "CreateUser", user("before"), ago=timedelta(hours=20), UserName="before")
    wrote(bench, "CreateUser", user("after"), ago=timedelta(hours=1), UserName="after")
    seen = found(bench, since=timedelta(hours=2))
    assert [f.to.id.rpartition("/")[2] for f in seen if isinstance(f, Lead) and f.how == "planted"] == ["after"]
    token = f"aws:user-session/{bench.sandbox.loot().session_token.key_id}"
    recent = found(bench, since=timedelta(minutes=1))
    assert token in {getattr(f, "id", "") for f in recent}, "sessions are looked for as far back as they can live"


def test_acts_of_a_session_that_expired_since_count(bench: Bench) -> None:
    worker = bench.sandbox.loot().worker
    wrote(bench, "CreateUser", user("evil"), by=worker, UserName="evil")
    bench.sandbox.advance(20 * 86_400)
    assert planted(bench) == []
    [lead] = planted(bench, since=timedelta(days=21))
    assert worker.key_id in lead.why
    [edge] = planted(bench, since=timedelta(days=20, minutes=25))
    assert edge == lead, "the session had begun before `since`"


def test_cloudtrail_keeps_90_days_and_that_is_said(bench: Bench) -> None:
    assert not blinds(found(bench, since=timedelta(days=89)))
    [spot] = blinds(found(bench, since=timedelta(days=91)))
    assert "keeps 90 days: what was planted before 2026-08-25 is not shown" in spot.why
    assert spot.counts
    assert "CloudTrail Lake" in spot.needs


def test_small_pages_hide_nothing(tmp_path: Path) -> None:
    with bench_of(tmp_path, "planted") as bench:
        whole = planted(bench)
        bench.sandbox.page_size(1)
        assert planted(bench) == whole
        assert len(whole) == 1


def test_a_denied_region_is_named_and_hides_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote(bench, "CreateUser", user("evil"), UserName="evil")
    real = type(bench.conn).call

    def call(self: Any, service: str, operation: str, *, region: str = "", **more: Any) -> Any:
        if operation == "LookupEvents" and region.startswith("eu-"):
            raise Denied(f"denied, request {region}", needs="cloudtrail:LookupEvents", code="AccessDenied")
        return real(self, service, operation, region=region, **more)

    monkeypatch.setattr(type(bench.conn), "call", call)
    seen = found(bench, regions=("eu-central-1", "eu-west-1"))
    assert [f.to.id for f in seen if isinstance(f, Lead)] == [user("evil")["user"]["arn"]]
    [spot] = blinds(seen)
    assert set(re.findall(r"eu-\w+-1", spot.why)) >= {"eu-central-1", "eu-west-1"}
    assert "us-east-1" not in spot.why
    assert spot.needs == "cloudtrail:LookupEvents"


def test_how_far_it_has_come_is_told_and_each_regions_rate_is_kept(bench: Bench) -> None:
    found(bench, regions=("eu-central-1",))
    rates = dict(bench.io.paced)
    assert rates == {
        "cloudtrail/111122223333/us-east-1": 1.8,
        "cloudtrail/111122223333/eu-central-1": 1.8,
    }, "a little slower than the vendor's two a second"
    told = [t for t in bench.io.told if t[0] == "CloudTrail of payments-bot"]
    assert told
    assert all(1 <= done <= of for _, done, of in told)
    assert any(done == of for _, done, of in told)
    asked = sum(c.name == "cloudtrail:LookupEvents" for c in bench.sandbox.calls())
    assert len(bench.io.paced) == asked, "no look-up goes unpaced"


@pytest.mark.parametrize("renamed", [False, True])
def test_a_key_made_under_its_name_while_another_had_it_is_told(bench: Bench, *, renamed: bool) -> None:
    """The user steps aside, an administrator gets its name, a key is made for that one, and the names go back: the
    user's own list shows no such key.
    """
    own = bench.sandbox.loot().key.key_id

    def rename(minutes: int, old: str, new: str) -> None:
        if renamed:
            wrote(bench, "UpdateUser", ago=timedelta(minutes=minutes), UserName=old, NewUserName=new)

    rename(40, "payments-bot", "aside")
    rename(39, "admin", "payments-bot")
    for key in ("AKIAADMIN", own):
        made = {"accessKey": {"accessKeyId": key, "userName": "payments-bot"}}
        wrote(bench, "CreateAccessKey", made, ago=timedelta(minutes=38), UserName="payments-bot")
    rename(37, "payments-bot", "admin")
    rename(36, "aside", "payments-bot")
    told = [lead.why for lead in planted(bench) if "CreateAccessKey" in lead.why]
    assert len(told) == renamed, "else the list of its keys shows what is there"
    assert all("CreateAccessKey AKIAADMIN on it" in why and "another may have had its name" in why for why in told)
