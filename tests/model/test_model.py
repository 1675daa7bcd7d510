"""The nouns: names that print back, digests that do not drift, lines that read back as they were written."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.model import error
from nhi_revoke.model.change import Already, Change, Done, Failed, Impossible, Lost, Skipped
from nhi_revoke.model.found import KEY_FAMILIES, SESSION_FAMILIES, Access, BlindSpot, Family, Found, Lead
from nhi_revoke.model.identity import Delivery, Identity, Principal
from nhi_revoke.model.intent import Intent, Reason
from nhi_revoke.model.inventory import Inventory
from nhi_revoke.model.line import (
    Closed,
    Destroyed,
    Extended,
    Intended,
    Line,
    Looked,
    Noted,
    Opened,
    Proved,
    Resulted,
    Sealed,
    Vanished,
)
from nhi_revoke.model.nearest import did_you_mean, nearest
from nhi_revoke.model.plan import Plan, access_digest, plan_digest
from nhi_revoke.model.proof import Proof, Proven
from nhi_revoke.model.ref import NotAReference, PrincipalRef
from nhi_revoke.model.report import Report, Times
from nhi_revoke.model.step import Phase, Residual, Step

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
REF = PrincipalRef("example", "bot", "ci")
SETTINGS = settings(deadline=None, derandomize=True, database=None, max_examples=100)
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)
PLAIN = WORD.filter(lambda text: ":" not in text and "/" not in text)
UTC_TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
JSON = st.dictionaries(WORD, st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), WORD), max_size=3)
REFS = st.builds(PrincipalRef, PLAIN, PLAIN, WORD)


# -- references --------------------------------------------------------------------------------------------------------


@SETTINGS
@given(st.text(max_size=30))
def test_what_was_typed_prints_back(text: str) -> None:
    try:
        ref = PrincipalRef.parse(text)
    except NotAReference:
        return
    assert str(ref) == text
    assert PrincipalRef.parse(str(ref)) == ref


@SETTINGS
@given(REFS)
def test_a_reference_reads_back(ref: PrincipalRef) -> None:
    assert PrincipalRef.parse(str(ref)) == ref


@SETTINGS
@given(PLAIN, WORD, WORD)
def test_a_native_id_keeps_its_colons(provider: str, one: str, other: str) -> None:
    native = f"{one}:{other}"
    ref = PrincipalRef.parse(f"{provider}:{native}")
    assert str(ref) == f"{provider}:{native}"
    if "/" not in one:
        assert (ref.kind, ref.id) == ("", native)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("example:bot/ci", ("example", "bot", "ci")),
        ("example:bot/path/ci", ("example", "bot", "path/ci")),
        ("example:urn:x:y:user/bots/ci", ("example", "", "urn:x:y:user/bots/ci")),
        ("example:0ab", ("example", "", "0ab")),
    ],
)
def test_split_at_the_first_of_each(text: str, parts: tuple[str, str, str]) -> None:
    ref = PrincipalRef.parse(text)
    assert (ref.provider, ref.kind, ref.id) == parts


@pytest.mark.parametrize("text", ["", "x", ":", "example:", ":bot/ci", "example:/ci", "example:bot/"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(NotAReference):
        PrincipalRef.parse(text)


# -- digests -----------------------------------------------------------------------------------------------------------


def access(**more: Any) -> Access:
    return Access("example:key/1", REF, "example:key", "key", more.pop("state", "live"), **more)


def plan(**more: Any) -> Plan:
    more.setdefault("steps", (Step("s01", "example:key/disable", REF, Phase.END, "disable", ends=("example:key/1",)),))
    more.setdefault("targets", {"example:key/1": access_digest(access())})
    return Plan(Identity("it", (REF,)), Intent(), AT, (Principal(REF, "bot", "ci", "org", "1"),), (access(),), **more)


@SETTINGS
@given(JSON, st.randoms(use_true_random=False))
def test_the_order_of_facts_is_no_difference(before: dict[str, Any], chance: Any) -> None:
    shuffled = list(before.items())
    chance.shuffle(shuffled)
    assert access_digest(access(before=before)) == access_digest(access(before=dict(shuffled)))


@pytest.mark.parametrize(
    "changed",
    [
        {"label": "x"},
        {"created": AT},
        {"last_used": AT},
        {"expires": AT},
        {"parent": "p"},
        {"evidence": "log"},
        {"note": "n"},
        {"door": "d"},
    ],
)
def test_reading_it_again_makes_nothing_stale(changed: dict[str, Any]) -> None:
    assert access_digest(access(**changed)) == access_digest(access())


@pytest.mark.parametrize("changed", [{"state": "disabled"}, {"before": {"x": 1}}])
def test_a_change_makes_it_stale(changed: dict[str, Any]) -> None:
    assert access_digest(access(**changed)) != access_digest(access())
    assert access_digest(replace(access(), id="other")) != access_digest(access())
    assert access_digest(replace(access(), kind="other")) != access_digest(access())


def test_consent_covers_what_is_done_and_not_when_it_was_read() -> None:
    digest = plan_digest(plan())
    spot = BlindSpot(REF, "k", "w")
    for same in (
        replace(plan(), at=AT + timedelta(days=1)),
        replace(plan(), blind=(spot,), leads=(Lead(REF, "w", "e"),)),
        replace(plan(), accesses=(access(last_used=AT),)),
        msgspec.json.decode(msgspec.json.encode(plan()), type=Plan),
    ):
        assert plan_digest(same) == digest
    for other in (
        replace(plan(), steps=()),
        replace(plan(), steps=(replace(plan().steps[0], reversible=False),)),
        replace(plan(), targets={}),
        replace(plan(), intent=Intent(scope="keys")),
        replace(plan(), identity=Identity("other", (REF,))),
        replace(plan(), principals=()),
    ):
        assert plan_digest(other) != digest


def test_digests_are_the_same_in_every_process() -> None:
    """A saved plan is held against another process's reading."""
    code = (
        "from nhi_revoke.model.found import Access\n"
        "from nhi_revoke.model.plan import access_digest\n"
        "from nhi_revoke.model.ref import PrincipalRef\n"
        "before = {k: {'x': 1, 'a': [1]} for k in ('b', 'a', 'c')}\n"
        "print(access_digest(Access('i', PrincipalRef('p', 'k', 'n'), 'p:k', 'key', 'live', before=before)))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop().strip()) == 64


def test_a_plan_knows_its_steps() -> None:
    assert plan().step("s01").does == "example:key/disable"
    with pytest.raises(KeyError):
        plan().step("s02")
    assert plan().irreversible == ()
    gone = replace(plan(), steps=(replace(plan().steps[0], reversible=False),))
    assert gone.irreversible == gone.steps


# -- lines -------------------------------------------------------------------------------------------------------------

CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Done, JSON, UTC_TIMES),
    st.builds(Already, JSON),
    st.builds(Skipped, WORD),
    st.builds(Impossible, WORD, WORD),
    st.builds(Failed, WORD, WORD),
    st.builds(Lost, WORD),
)
FOUND: st.SearchStrategy[Found] = st.one_of(
    st.builds(
        Access,
        WORD,
        REFS,
        WORD,
        st.sampled_from(get_args(Family)),
        st.sampled_from(["live", "disabled", "expired", "unknown"]),
        created=st.none() | UTC_TIMES,
        before=JSON,
        lets_in=st.tuples(WORD),
    ),
    st.builds(Lead, REFS, WORD, WORD, at=st.none() | UTC_TIMES, until=st.none() | UTC_TIMES),
    st.builds(BlindSpot, REFS, WORD, WORD, until=st.none() | UTC_TIMES),
)
STEPS = st.builds(
    Step,
    WORD,
    WORD,
    REFS,
    st.sampled_from(Phase),
    WORD,
    before=JSON,
    rearms=st.sampled_from(["no", "always", 0.0, 43200.0]),
    takes=st.none() | WORD,
)
PLANS = st.builds(
    Plan,
    st.builds(Identity, WORD, st.tuples(REFS), deliver=st.tuples(st.builds(Delivery, WORD, WORD))),
    st.builds(Intent, reason=st.sampled_from(Reason), since=st.none() | UTC_TIMES),
    UTC_TIMES,
    st.just(()),
    st.just(()),
    steps=st.lists(STEPS, max_size=2).map(tuple),
    residuals=st.lists(st.builds(Residual, REFS, WORD, st.none() | UTC_TIMES, WORD, WORD), max_size=1).map(tuple),
    targets=st.dictionaries(WORD, WORD, max_size=2),
)
REPORTS = st.builds(
    lambda at: Report("r", "revoke", "it", Intent(), "contained", 0, "OUT", ("me",), Times(started=at), (), (), ()),
    UTC_TIMES,
)
LINES: st.SearchStrategy[Line] = st.one_of(
    st.builds(Opened, WORD, st.just("revoke"), PLANS, WORD, st.tuples(WORD), WORD, WORD, UTC_TIMES),
    st.builds(Intended, WORD, st.integers(1, 9), UTC_TIMES),
    st.builds(Resulted, WORD, CHANGES, UTC_TIMES),
    st.builds(Looked, WORD, JSON, UTC_TIMES, st.booleans()),
    st.builds(Vanished, WORD, UTC_TIMES),
    st.builds(Noted, st.lists(FOUND, max_size=2).map(tuple), st.sampled_from(["state", "logs"]), UTC_TIMES),
    st.builds(Extended, st.lists(STEPS, max_size=2).map(tuple), st.integers(1, 9), WORD, UTC_TIMES),
    st.builds(Destroyed, WORD, WORD, UTC_TIMES),
    st.builds(Proved, WORD, st.builds(Proven, st.sampled_from(Proof), WORD, st.none() | UTC_TIMES), UTC_TIMES),
    st.builds(Closed, REPORTS, UTC_TIMES),
)
DECODER = msgspec.json.Decoder(Sealed)


@SETTINGS
@given(LINES)
def test_every_line_reads_back_as_it_was_written(line: Line) -> None:
    sealed = Sealed(0, "0" * 64, line)
    assert DECODER.decode(msgspec.json.encode(sealed)) == sealed


def test_every_kind_of_line_is_drawn_and_has_its_own_tag() -> None:
    tags = {kind.__struct_config__.tag for kind in get_args(Line)}
    assert len(tags) == len(get_args(Line)) == 10
    assert len({kind.__struct_config__.tag for kind in get_args(Change)}) == 6
    assert len({kind.__struct_config__.tag for kind in get_args(Found)}) == 3


@pytest.mark.parametrize(
    "stored",
    [
        b'{"line":"intent","step":"s","attempt":1,"at":"2026-11-23T12:00:00"}',
        b'{"line":"intent","step":"s","attempt":"1","at":"2026-11-23T12:00:00Z"}',
        b'{"line":"unheard","step":"s"}',
        b'{"step":"s","attempt":1,"at":"2026-11-23T12:00:00Z"}',
        b'{"line":"result","step":"s","change":{"change":"maybe"},"at":"2026-11-23T12:00:00Z"}',
    ],
)
def test_a_line_without_a_zone_a_type_or_a_tag_is_none(stored: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        DECODER.decode(b'{"n":0,"prev":"' + b"0" * 64 + b'","line":' + stored + b"}")


def test_another_zone_is_the_same_moment() -> None:
    east = AT.astimezone(timezone(timedelta(hours=5)))
    line = Sealed(0, "", Vanished("s", east))
    assert DECODER.decode(msgspec.json.encode(line)) == replace(line, line=Vanished("s", AT))


@SETTINGS
@given(PLANS)
def test_a_plan_reads_back_with_the_same_digest(drawn: Plan) -> None:
    again = msgspec.json.decode(msgspec.json.encode(drawn), type=Plan)
    assert again == drawn
    assert plan_digest(again) == plan_digest(drawn)


# -- words -------------------------------------------------------------------------------------------------------------


def test_proofs_from_strongest_to_weakest() -> None:
    assert [p.value for p in sorted(Proof, key=lambda p: p.rank)] == [
        "enforced",
        "simulated",
        "recorded",
        "requested",
        "unproven",
    ]
    assert [p.proves for p in Proof] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("scope", "family", "covered"),
    [
        ("all", "trust", True),
        ("sessions", "session", True),
        ("sessions", "token", True),
        ("sessions", "key", False),
        ("keys", "key", True),
        ("keys", "password", True),
        ("keys", "session", False),
        ("keys", "trust", False),
        ("example:key/1", "key", True),
        ("example:key/2", "key", False),
        ("example:parent", "session", True),
    ],
)
def test_what_a_scope_covers(scope: str, family: Any, covered: bool) -> None:
    one = Access("example:key/1", REF, "k", family, "live", parent="example:parent")
    assert Intent(scope=scope).covers(one) is covered


def test_families_do_not_overlap() -> None:
    assert not SESSION_FAMILIES & KEY_FAMILIES
    assert set(get_args(Family)) >= SESSION_FAMILIES | KEY_FAMILIES


def test_an_inventory_knows_whose_is_what() -> None:
    other = replace(access(), id="2", on=PrincipalRef("example", "bot", "b"))
    assert Inventory(Identity("it", (REF,)), AT, accesses=(access(), other)).of(REF) == (access(),)


def test_exit_codes_of_errors() -> None:
    codes = {
        error.Trouble: 1,
        error.Usage: 2,
        error.NotFound: 3,
        error.Ambiguous: 3,
        error.NothingCanStart: 4,
        error.Refused: 7,
        error.NothingChanged: 1,
        error.Partial: 5,
        error.Stopped: 130,
    }
    for kind, code in codes.items():
        raised = kind("a-code", "what happened", "what to do")
        assert (raised.exit_code, raised.code, str(raised), raised.hint) == (
            code,
            "a-code",
            "what happened",
            "what to do",
        )


def test_the_nearest_word() -> None:
    words = ["payments", "orders"]
    assert nearest("paymets", words) == "payments"
    assert nearest("zzz", words) == ""
    assert did_you_mean("paymets", words) == 'Did you mean "payments"?'
    assert did_you_mean("zzz", words) == "Valid: orders, payments."
    assert did_you_mean("zzz", []) == ""
    assert did_you_mean("zzz", [f"w{n:02}" for n in range(14)]).endswith("w11 and 2 more.")
