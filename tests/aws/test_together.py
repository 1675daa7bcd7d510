"""Who asks while the same is asked already hears that answer; whoever asks later, or after a change, asks anew."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from nhi_revoke.model.found import BlindSpot
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.fault import Denied, NoAnswer, Throttled
from nhi_revoke.provider.kind import AccessKind
from nhi_revoke.provider.together import Looks, Together
from nhi_revoke_aws.access.boundary import Boundaries
from nhi_revoke_aws.access.reach import Reach
from nhi_revoke_aws.access.role_trust import RoleTrusts
from nhi_revoke_aws.begun import Root
from nhi_revoke_aws.connection import AwsConnection
from nhi_revoke_aws.events import lookup
from nhi_revoke_aws.lineage import Lineage
from nhi_revoke_aws.principals import resolve
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT
from nhi_revoke_aws.settings import AwsSettings
from nhi_revoke_aws.whose import arn_of

from .conftest import PlainIo

NOON = datetime(2026, 11, 29, 12, 0, 10, tzinfo=UTC)
PATIENCE = 10.0
USER, ROLE = PrincipalRef("aws", "user", "bot"), PrincipalRef("aws", "role", "worker")
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
SOURCE = {"eventSource": "iam.amazonaws.com"}
ANSWERS: dict[str, Any] = {
    "GetCallerIdentity": {"Arn": f"arn:aws:iam::{ACCOUNT}:user/responder", "Account": ACCOUNT, "UserId": "AIDA1"},
    "GetUser": {"User": {"Arn": f"arn:aws:iam::{ACCOUNT}:user/bots/bot", "UserId": "AIDA2"}},
    "GetRole": {
        "Role": {
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/worker",
            "RoleId": "AROA1",
            "AssumeRolePolicyDocument": TRUST,
        }
    },
    "PutUserPolicy": {},
    "LookupEvents": {"Events": []},
    "GetAccountAuthorizationDetails": {"RoleDetailList": []},
    "ListUserPolicies": {"PolicyNames": []},
    "ListAttachedUserPolicies": {"AttachedPolicies": []},
    "ListGroupsForUser": {"Groups": []},
    "ListRolePolicies": {"PolicyNames": []},
    "ListAttachedRolePolicies": {"AttachedPolicies": []},
}


class Vendor(AwsConnection):
    """Answers what it is told to; the first request of `held` is on its way until `go`."""

    def __init__(self, held: str = "") -> None:
        self.at = NOON
        super().__init__("", AwsSettings(region="us-east-1", regions=("us-east-1",)), PlainIo(lambda: self.at))
        self.answers: dict[str, Any] = dict(ANSWERS)
        self.asked: list[str] = []
        self.began, self.go = threading.Event(), threading.Event()
        self._held = held

    def _ask(self, service: str, operation: str, region: str, params: Any, keys: Any, *, kept: bool = True) -> Any:
        self.asked.append(operation)
        answer = self.answers[operation]  # of the moment at which the request came
        if operation == self._held and not self.began.is_set():
            self.began.set()
            assert self.go.wait(PATIENCE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count(self, operation: str) -> int:
        return self.asked.count(operation)


def until(so: Callable[[], bool], otherwise: str) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE * 1000)):
        if so():
            return
        pause.wait(0.001)
    pytest.fail(otherwise)


def until_waiting(together: Any, others: int) -> None:
    """Until so many wait for an answer that is on its way."""

    def waiting() -> bool:
        return sum(len(future._condition._waiters) for future in list(together._under_way.values())) >= others

    until(waiting, "nobody waits for the answer that is on its way")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


# -- by itself ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["one answer", Denied("no")])
def test_side_by_side_all_hear_one_answer_and_the_next_asks_anew(pool: ThreadPoolExecutor, answer: Any) -> None:
    together: Together[str] = Together()
    began, go = threading.Event(), threading.Event()

    def slow() -> str:
        began.set()
        assert go.wait(PATIENCE)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    first = pool.submit(together.once, "a", slow)
    assert began.wait(PATIENCE)
    others = [pool.submit(together.once, "a", lambda: "another") for _ in range(3)]
    until_waiting(together, 3)
    assert together.once("b", lambda: "another") == "another", "another key waits for nobody"
    go.set()
    if isinstance(answer, Exception):
        assert {future.exception(PATIENCE) for future in (first, *others)} == {answer}
    else:
        assert {future.result(PATIENCE) for future in (first, *others)} == {answer}
    assert together.once("a", lambda: "new") == "new"


def test_looks_that_are_one_hear_what_was_asked_since_they_began() -> None:
    looks: Looks[int] = Looks()
    asked: list[str] = []

    def ask(word: str) -> Callable[[], int]:
        def look() -> int:
            asked.append(word)
            return len(asked)

        return look

    with looks.look() as first:
        assert first("a", ask("a")) == 1
        with looks.look() as second:
            assert second("a", ask("a")) == 2, "what was asked before it began is older than it"
            assert first("a", ask("a")) == 2
            assert first("b", ask("b")) == 3
            assert second("b", ask("b")) == 3
        assert first("b", ask("b")) == 3, "one of them is still under way"
    with looks.look() as later:
        assert later("b", ask("b")) == 4
    assert asked == ["a", "a", "b", "b"]


def test_what_failed_failed_for_all_of_them() -> None:
    looks: Looks[int] = Looks()

    def fails() -> int:
        raise Denied("no")

    with looks.look() as first, looks.look() as second:
        with pytest.raises(Denied):
            first("a", fails)
        with pytest.raises(Denied):
            second("a", lambda: 1)


# -- a user, or a role -------------------------------------------------------------------------------------------------


def collecting(kind: AccessKind[AwsConnection], conn: Vendor, ref: PrincipalRef) -> Callable[[], Any]:
    return lambda: list(kind.collect(conn, ref, conn.io))


def alike(conn: Vendor, ref: PrincipalRef) -> Sequence[Callable[[], Any]]:
    """All that needs GetUser or GetRole of one principal in the first wave."""
    kinds: list[AccessKind[AwsConnection]] = [Boundaries()]
    if ref == ROLE:
        kinds.append(RoleTrusts())
    return (partial(resolve, conn, ref), partial(arn_of, conn, ref), *(collecting(k, conn, ref) for k in kinds))


@pytest.mark.parametrize(("ref", "operation"), [(USER, "GetUser"), (ROLE, "GetRole")])
def test_one_wave_asks_for_a_principal_once_and_the_next_wave_again(
    pool: ThreadPoolExecutor, ref: PrincipalRef, operation: str
) -> None:
    conn = Vendor(held=operation)
    asks = alike(conn, ref)
    first = pool.submit(asks[0])
    assert conn.began.wait(PATIENCE)
    others = [pool.submit(ask) for ask in asks[1:]]
    until_waiting(conn.together, len(others))
    conn.go.set()
    assert all(future.exception(PATIENCE) is None for future in (first, *others))
    assert conn.asked == [operation]
    assert str(arn_of(conn, ref)) == first.result().ref.id
    assert conn.asked == [operation] * 2


@pytest.mark.parametrize("outcome", [{}, NoAnswer("lost")])
def test_what_was_asked_before_a_change_is_told_to_nobody_after_it(pool: ThreadPoolExecutor, outcome: Any) -> None:
    """Whether the change was confirmed or its answer was lost."""
    conn = Vendor(held="GetRole")
    before = pool.submit(conn.entity, "role", "worker")
    assert conn.began.wait(PATIENCE)
    conn.answers["PutUserPolicy"] = outcome
    with contextlib.suppress(NoAnswer):
        conn.call("iam", "PutUserPolicy", UserName="bot", PolicyName="p", PolicyDocument="{}")
    conn.answers["GetRole"] = {"Role": {"Arn": "changed"}}
    assert conn.entity("role", "worker") == {"Arn": "changed"}, "it waits for no older request"
    assert not before.done()
    conn.go.set()
    assert before.result(PATIENCE)["RoleId"] == "AROA1"
    assert conn.count("GetRole") == 2


def test_a_read_is_no_change(pool: ThreadPoolExecutor) -> None:
    conn = Vendor(held="GetRole")
    first = pool.submit(conn.entity, "role", "worker")
    assert conn.began.wait(PATIENCE)
    conn.call("iam", "GetUser", UserName="bot")
    second = pool.submit(conn.entity, "role", "worker")
    until_waiting(conn.together, 1)
    conn.go.set()
    assert first.result(PATIENCE) is second.result(PATIENCE)
    assert conn.count("GetRole") == 1


def test_only_the_very_same_request_is_shared(pool: ThreadPoolExecutor) -> None:
    conn = Vendor(held="ListUserPolicies")
    first = pool.submit(conn.call, "iam", "ListUserPolicies", UserName="bot", MaxItems=5)
    assert conn.began.wait(PATIENCE)
    same = pool.submit(conn.call, "iam", "ListUserPolicies", MaxItems=5, UserName="bot")
    until_waiting(conn.together, 1)
    conn.call("iam", "ListUserPolicies", UserName="another", MaxItems=5)
    conn.call("iam", "ListUserPolicies", UserName="bot", MaxItems=5, region="eu-west-1")
    conn.go.set()
    assert first.result(PATIENCE) is same.result(PATIENCE)
    assert conn.count("ListUserPolicies") == 3


def test_every_change_is_asked_for_itself(pool: ThreadPoolExecutor) -> None:
    conn = Vendor(held="PutUserPolicy")
    put = partial(conn.call, "iam", "PutUserPolicy", UserName="bot", PolicyName="p", PolicyDocument="{}")
    first = pool.submit(put)
    assert conn.began.wait(PATIENCE)
    put()
    assert conn.count("PutUserPolicy") == 2
    conn.go.set()
    assert first.result(PATIENCE) == {}


# -- the roles of an account ------------------------------------------------------------------------------------------


def test_reach_lists_all_roles_once_for_a_wave_and_reads_own_policies_beside(pool: ThreadPoolExecutor) -> None:
    conn = Vendor(held="GetAccountAuthorizationDetails")
    arns = [f"arn:aws:iam::{ACCOUNT}:{name}" for name in ("user/bots/bot", "role/worker")]
    looks = [collecting(Reach(), conn, PrincipalRef("aws", "", arn)) for arn in arns]
    found = [pool.submit(look) for look in looks]
    assert conn.began.wait(PATIENCE)
    until_waiting(conn.together, 1)
    wanted = {name for name in ANSWERS if name.startswith("List") and "Role" not in name}
    until(lambda: wanted <= set(conn.asked), "a user's own policies are read only after the roles")
    conn.go.set()
    assert [future.result(PATIENCE) for future in found] == [[], []]
    assert conn.count("GetAccountAuthorizationDetails") == 1
    looks[0]()
    assert conn.count("GetAccountAuthorizationDetails") == 2


# -- events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [{"Events": []}, Denied("no", needs="cloudtrail:LookupEvents", code="AccessDenied")])
def test_walks_side_by_side_look_one_session_up_once_and_the_next_walk_again(
    pool: ThreadPoolExecutor, answer: Any
) -> None:
    """Of 2 requests a second that CloudTrail answers. A refusal is told by both."""
    conn = Vendor(held="LookupEvents")
    conn.answers["LookupEvents"] = answer

    def walk(name: str) -> list[BlindSpot]:
        on = PrincipalRef("aws", "", f"arn:aws:iam::{ACCOUNT}:{name}")
        lineage = Lineage(conn, conn.io, on, NOON - timedelta(hours=36))
        assert not list(lineage.follow([Root("ASIA1", "aws:role-session/ASIA1", on)]))
        return [spot for spot in lineage.limits("kind", ()) if spot.needs]

    first = pool.submit(walk, "user/bot")
    assert conn.began.wait(PATIENCE)
    conn.at = NOON + timedelta(seconds=2)
    second = pool.submit(walk, "role/worker")
    until_waiting(conn.together, 1)
    conn.go.set()
    refused = int(isinstance(answer, Denied))
    assert [len(first.result(PATIENCE)), len(second.result(PATIENCE))] == [refused] * 2
    assert conn.count("LookupEvents") == 1
    walk("user/bot")
    assert conn.count("LookupEvents") == 2


def test_a_walk_hears_what_another_of_the_same_look_was_answered() -> None:
    conn = Vendor()

    def walk(name: str) -> Lineage:
        on = PrincipalRef("aws", "", f"arn:aws:iam::{ACCOUNT}:{name}")
        return Lineage(conn, conn.io, on, NOON - timedelta(hours=36))

    def follow(lineage: Lineage) -> None:
        assert not list(lineage.follow([Root("ASIA1", "aws:role-session/ASIA1", PrincipalRef("aws", "user", "bot"))]))

    user, role = walk("user/bot"), walk("role/worker")
    with user.beside(), role.beside():
        follow(user)
        follow(role)
    assert conn.count("LookupEvents") == 1
    later = walk("user/bot")
    with later.beside():
        follow(later)
    assert conn.count("LookupEvents") == 2


def test_a_look_up_that_came_too_soon_waits_for_a_turn_again() -> None:
    conn = Vendor()
    conn.answers["LookupEvents"] = Throttled("too soon")
    with pytest.raises(Throttled):
        list(lookup(conn, "us-east-1", "Username", "bot", NOON))
    assert isinstance(conn.io, PlainIo)
    assert conn.count("LookupEvents") == len(conn.io.paced) == 3


def test_of_a_key_only_events_that_begin_or_plant_something_are_kept() -> None:
    conn = Vendor()
    names = ("GetObject", "AssumeRole", "CreateUser", "ListUsers")
    conn.answers["LookupEvents"] = {
        "Events": [
            {"CloudTrailEvent": json.dumps({"eventName": n, "eventTime": f"{NOON:%Y-%m-%dT%H:%M:%SZ}"} | SOURCE)}
            for n in names
        ]
    }
    lineage = Lineage(conn, conn.io, USER, NOON - timedelta(hours=36))
    assert [e.name for e in lineage._look_up("us-east-1", "AccessKeyId", "AKIA1")[0]] == ["AssumeRole", "CreateUser"]
    assert [e.name for e in lineage._look_up("us-east-1", "Username", "bot")[0]] == list(names)
