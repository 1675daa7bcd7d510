"""Service-specific credentials: ended, taken back, deleted, minted within two slots of each service, delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from nhi_revoke.model.change import Already, Done, Failed, Impossible
from nhi_revoke.model.found import Access, BlindSpot
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.model.step import Manual, Phase, Step
from nhi_revoke.provider.fault import Denied
from nhi_revoke.provider.kind import View
from nhi_revoke_aws.access.service_credential import NEVER_EXPIRES, ServiceCredentials
from nhi_revoke_aws.sandbox.own import service_credentials as own
from nhi_revoke_aws.sandbox.sandbox import ACCOUNT

from .conftest import USER, Bench
from .service_credential_bench import BEDROCK, BOT, CODECOMMIT, KIND, REPLACE, found, listed, step_for

WHO = Principal(PrincipalRef("aws", "", "arn:aws:iam::111122223333:user/bot"), "user", "bot", "111122223333", "AIDA1")


DAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """These tests are about one kind, beside the user's sessions."""
    bench.kinds = {name: kind for name, kind in bench.kinds.items() if name in (KIND, "aws:user-session")}
    return bench


def without(bench: Bench, service: str) -> None:
    """As if the demo's user had no credential of it."""
    which = found(bench)[service].id.rpartition("/")[2]
    bench.sandbox.admin("iam").delete_service_specific_credential(UserName=BOT, ServiceSpecificCredentialId=which)


# -- listing -----------------------------------------------------------------------------------------------------------


def test_each_is_listed_with_what_a_responder_reads(bench: Bench) -> None:
    bench.sandbox.forget_calls()
    seen = found(bench)
    assert bench.reads() == ["iam:ListServiceSpecificCredentials"]
    git, key = seen[CODECOMMIT], seen[BEDROCK]
    assert git.label == f"{CODECOMMIT} credential {BOT}-at-{ACCOUNT}"
    assert key.label.startswith(f"{BEDROCK} credential {BOT}-")
    assert {a.state for a in seen.values()} == {"live"}
    assert {a.family for a in seen.values()} == {"secret"}
    assert key.note == NEVER_EXPIRES
    assert git.note == "", "a Git password has no date to expire at: nothing is claimed"
    assert git.created == key.created == datetime(2026, 1, 27, 12, tzinfo=UTC)
    assert git.before == {"Status": "Active", "ServiceName": CODECOMMIT}
    text = msgspec.json.encode(list(seen.values())).decode()
    assert not [c for c in bench.sandbox.canaries() if c in text]


def test_an_expiry_is_told_and_an_inactive_one_is_reported(bench: Bench) -> None:
    iam = bench.sandbox.admin("iam")
    without(bench, BEDROCK)
    made = iam.create_service_specific_credential(UserName=BOT, ServiceName=BEDROCK, CredentialAgeDays=7)
    its_id = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    key = found(bench)[BEDROCK]
    assert key.expires == bench.sandbox.now().replace(microsecond=0) + timedelta(days=7)
    assert key.expires.tzinfo is UTC
    assert NEVER_EXPIRES not in key.note
    iam.update_service_specific_credential(UserName=BOT, ServiceSpecificCredentialId=its_id, Status="Inactive")
    key = found(bench)[BEDROCK]
    assert key.state == "disabled"
    assert "iam:UpdateServiceSpecificCredential" in key.note
    assert not [s for s in bench.steps(USER).values() if key.id in s.ends]
    bench.sandbox.advance(8 * 86_400)
    assert found(bench)[BEDROCK].state == "expired"


def test_every_page_is_read_and_an_empty_one_is_not_the_end(bench: Bench) -> None:
    bench.sandbox.page_size(1)
    service = next(s for s in bench.sandbox.world.own.services if isinstance(s, own.ServiceCredentials))
    service.empty_first = True
    bench.sandbox.forget_calls()
    assert set(found(bench)) == {CODECOMMIT, BEDROCK}
    assert bench.reads() == ["iam:ListServiceSpecificCredentials"] * 3


def test_a_denied_list_is_never_none(bench: Bench) -> None:
    bench.sandbox.allow_only(["iam:GetUser"])
    with pytest.raises(Denied):
        found(bench)


def test_the_operators_own_are_never_listed(bench: Bench) -> None:
    """Without a user name AWS lists the caller's own."""
    iam = bench.sandbox.admin("iam")
    operators = "incident-responder"
    mine = iam.create_service_specific_credential(UserName=operators, ServiceName=BEDROCK)["ServiceSpecificCredential"]
    ids = {a.id.rpartition("/")[2] for a in found(bench).values()}
    assert mine["ServiceSpecificCredentialId"] not in ids


# -- ending ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "door"), [(CODECOMMIT, "git-credential"), (BEDROCK, "bedrock-api-key")])
def test_disable_ends_one_and_undo_brings_it_back(bench: Bench, service: str, door: str) -> None:
    before, doors, state = listed(bench), bench.doors(), bench.state(BOT)
    step = step_for(bench, service)
    assert (step.rearms, step.reversible) == ("always", True)
    assert bench.seen(step) is None
    bench.sandbox.forget_calls()
    assert isinstance(bench.do(step), Done)
    assert bench.writes() == ["iam:UpdateServiceSpecificCredential"]
    assert bench.seen(step) == {"Status": "Inactive"} == bench.run.left(step.id)
    bench.settle()
    assert {k for k, is_open in bench.doors().items() if is_open != doors[k]} == {door}
    after = listed(bench)
    assert {i for i in after if after[i] != before[i]} == {step.ends[0].rpartition("/")[2]}
    assert bench.state(BOT) == state
    assert isinstance(bench.do(step), Done), "twice does no harm"
    assert isinstance(bench.undo(step), Done)
    bench.settle()
    assert listed(bench) == before
    assert bench.doors() == doors
    assert isinstance(bench.undo(step), Already)


def test_undo_leaves_what_is_not_as_left(bench: Bench) -> None:
    step = step_for(bench, CODECOMMIT)
    bench.do(step)
    which = {"UserName": BOT, "ServiceSpecificCredentialId": step.ends[0].rpartition("/")[2]}
    bench.sandbox.admin("iam").delete_service_specific_credential(**which)
    bench.sandbox.forget_calls()
    assert isinstance(bench.undo(step), Failed)
    assert bench.writes() == []
    assert isinstance(bench.do(step), Already), "gone is ended"
    assert bench.seen(step) == {"Status": "gone"}


def test_delete_is_for_good(bench: Bench) -> None:
    step = msgspec.structs.replace(step_for(bench, BEDROCK), does=f"{KIND}/delete")
    before = listed(bench)
    doer = bench.doer(step.does)
    assert (doer.phase, doer.reversible) == (Phase.FINISH, False)
    assert bench.seen(step) is None
    assert isinstance(bench.do(step), Done)
    assert bench.seen(step) == {"Status": "gone"}
    assert isinstance(bench.do(step), Already)
    assert isinstance(bench.undo(step), Impossible)
    gone = step.ends[0].rpartition("/")[2]
    assert listed(bench) == {i: s for i, s in before.items() if i != gone}


def test_a_cut_by_issue_time_ends_none_of_them(bench: Bench) -> None:
    """They are long-term: this is why each of them is ended by itself."""
    steps = bench.steps(USER, scope="sessions")
    bench.do(steps["aws:user-session/deny-older"])
    bench.settle()
    doors = bench.doors()
    assert not doors["get-session-token"]
    assert doors["git-credential"]
    assert doors["bedrock-api-key"]


# -- the two slots of each service, as a table -------------------------------------------------------------------------


def one(name: str, state: str = "live", service: str = CODECOMMIT, day: int = 1, **more: Any) -> Access:
    status = {"live": "Active", "disabled": "Inactive", "expired": "Expired"}[state]
    return Access(
        f"{KIND}/{name}", WHO.ref, KIND, "secret", state, label=name, created=DAY + timedelta(days=day),  # type: ignore[arg-type]  # a word of the contract
        before={"Status": status, "ServiceName": service}, **more,
    )  # fmt: skip


def drafted(them: Sequence[Access], blind: Sequence[BlindSpot] = (), deliver: Any = (), **intent: Any) -> list[Any]:
    inventory = Inventory(
        Identity("bot", (WHO.ref,), deliver=deliver), DAY + timedelta(days=90), (WHO,), tuple(them), blind=tuple(blind)
    )
    return list(ServiceCredentials().draft(View(WHO, inventory), Intent(**{**REPLACE, **intent})))


def told(drafts: list[Any]) -> list[str]:
    """`delete A`, `create SERVICE`, `manual`, in order; what ends them as usual is left out."""
    out = []
    for d in drafts:
        if isinstance(d, Manual):
            out.append("manual")
        elif d.does.endswith("/delete"):
            out.append(f"delete {d.ends[0].rpartition('/')[2]}")
        elif d.does.endswith("/create"):
            out.append(f"create {d.before['ServiceName'].partition('.')[0]}")
    return out


@pytest.mark.parametrize(
    ("them", "intent", "expected"),
    [
        ([], {}, []),
        ([one("A")], {}, ["create codecommit"]),
        ([one("A", "disabled")], {}, []),
        ([one("A"), one("B", "disabled")], {}, ["delete B", "create codecommit"]),
        ([one("A"), one("B", "expired")], {}, ["delete B", "create codecommit"]),
        ([one("A", "disabled", day=2), one("B", "disabled", day=1)], {}, []),
        ([one("A"), one("B")], {}, ["manual"]),
        ([one("A"), one("B")], {"free_slot": (f"{KIND}/A",)}, ["delete A", "create codecommit"]),
        ([one("A"), one("B")], {"free_slot": (f"{KIND}/other",)}, ["manual"]),
        ([one("A"), one("K", "disabled", BEDROCK)], {}, ["create codecommit"]),
        ([one("A"), one("K", "live", BEDROCK)], {}, ["manual"]),
        ([one("A"), one("K", "live", BEDROCK)], {"scope": f"{KIND}/K"}, ["create bedrock"]),
        ([one("A"), one("B"), one("K", "live", BEDROCK)], {"scope": f"{KIND}/K"}, ["create bedrock"]),
        ([one("A")], {"rotate": "no"}, []),
        ([one("A")], {"reason": Reason.OFFBOARDING}, []),
        ([one("A")], {"replace": ()}, []),
        ([one("A")], {"scope": "sessions"}, []),
        ([one("A")], {"order": "rollover"}, ["create codecommit"]),
    ],
)
def test_two_slots_of_each_service(them: list[Access], intent: dict[str, Any], expected: list[str]) -> None:
    drafts = drafted(them, **intent)
    assert told(drafts) == expected
    deletes = [d for d in drafts if isinstance(d, Step) and d.does.endswith("/delete")]
    creates = [d for d in drafts if isinstance(d, Step) and d.does.endswith("/create")]
    assert all(not d.reversible and d.phase is Phase.MINT for d in deletes)
    assert all(d.lock == c.lock for d in deletes for c in creates)
    assert all(set(c.before["ids"]) == {a.id for a in them} for c in creates)
    assert all(set(d.before) == {"Status", "ServiceName", "CreateDate", "ExpirationDate"} for d in deletes)


def test_several_services_at_one_delivery_are_told_apart_by_hand() -> None:
    [manual] = [d for d in drafted([one("A"), one("K", "live", BEDROCK)]) if isinstance(d, Manual)]
    assert f"--scope {KIND}/A" in manual.what
    assert f"--scope {KIND}/K" in manual.what


def test_an_unlisted_user_gets_no_credential() -> None:
    assert told(drafted([one("A")], [BlindSpot(WHO.ref, KIND, "page two was denied")])) == ["manual"]


def test_a_delivery_for_another_principal_mints_nothing_here() -> None:
    assert told(drafted([one("A")], deliver=(Delivery(KIND, "file:/x", "aws:user/other"),))) == []
    assert told(drafted([one("A")], deliver=(Delivery(KIND, "file:/x", str(WHO.ref)),))) == ["create codecommit"]


def test_a_key_that_expires_is_not_replaced_by_one_that_never_does() -> None:
    dying = one("K", "live", BEDROCK, expires=DAY + timedelta(days=31))
    [create] = [d for d in drafted([dying]) if isinstance(d, Step) and d.does.endswith("/create")]
    assert create.before["CredentialAgeDays"] == 30
    assert "for 30 days" in create.says
    [create] = [d for d in drafted([one("A")]) if isinstance(d, Step) and d.does.endswith("/create")]
    assert "CredentialAgeDays" not in create.before
