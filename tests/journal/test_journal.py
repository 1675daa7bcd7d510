"""The journal's chain: any changed byte shows, a torn last line is no tampering, and no secret gets in."""

from __future__ import annotations

import hashlib
import statistics
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nhi_revoke.engine.journal import ZEROS, Journal
from nhi_revoke.engine.store import RunFolder
from nhi_revoke.model.change import Done, Failed
from nhi_revoke.model.error import NotFound, Refused
from nhi_revoke.model.identity import Identity
from nhi_revoke.model.intent import Intent
from nhi_revoke.model.line import Intended, Line, Looked, Opened, Resulted, Sealed
from nhi_revoke.model.plan import Plan
from nhi_revoke.model.ref import PrincipalRef

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = "r-1"


class Memory:
    """A store of the two methods and no more."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}

    def append(self, run: str, line: bytes) -> None:
        self.bytes[run] = self.bytes.get(run, b"") + line

    def read(self, run: str) -> bytes:
        return self.bytes.get(run, b"")


def opened(run: str = RUN) -> Opened:
    ref = PrincipalRef("example", "user", "bot")
    plan = Plan(identity=Identity("bot", (ref,)), intent=Intent(), at=AT, principals=(), accesses=())
    return Opened(run, "revoke", plan, "ab" * 32, ("example:user/me",), "tty", "0.1.0", AT)


LINES: tuple[Line, ...] = (
    opened(),
    Intended("s1", 1, AT),
    Resulted("s1", Done({"state": "Inactive", "list": [1, 2]}, AT), AT),
    Looked("s1", {"state": "Inactive"}, AT, True),
    Resulted("s2", Failed("né", "x:y"), AT),
)


def written(*lines: Line) -> tuple[Memory, Journal]:
    store = Memory()
    journal = Journal.create(store, RUN)
    for line in lines or LINES:
        journal.write(line)
    return store, journal


def test_what_is_written_reads_back() -> None:
    store, journal = written()
    again = Journal.open(store, RUN)
    assert journal.lines == again.lines == LINES
    assert again.torn == b""
    assert again.run == RUN
    assert journal.sha256() == again.sha256() == hashlib.sha256(store.read(RUN)).hexdigest()


def test_a_stored_line_is_numbered_chained_and_signed_by_itself() -> None:
    store, _ = written()
    prev = ZEROS
    for number, text in enumerate(store.read(RUN).splitlines()):
        sealed = msgspec.json.decode(text, type=Sealed)
        assert (sealed.n, sealed.prev, sealed.line) == (number, prev, LINES[number])
        blank = text.replace(sealed.own.encode(), b"")
        assert hashlib.sha256(blank).hexdigest() == sealed.own
        prev = hashlib.sha256(text).hexdigest()


def test_an_opened_journal_goes_on() -> None:
    store, _ = written(*LINES[:3])
    journal = Journal.open(store, RUN)
    for line in LINES[3:]:
        journal.write(line)
    assert Journal.open(store, RUN).lines == LINES
    assert store.read(RUN) == written()[0].read(RUN)


def test_lines_are_a_snapshot() -> None:
    _, journal = written(*LINES[:1])
    before = journal.lines
    journal.write(LINES[1])
    assert before == LINES[:1]
    assert journal.lines == LINES[:2]
    assert journal.lines is journal.lines


def test_create_never_overwrites_and_open_never_makes() -> None:
    store, _ = written()
    with pytest.raises(Refused) as caught:
        Journal.create(store, RUN)
    assert caught.value.code == "run-exists"
    with pytest.raises(NotFound):
        Journal.open(store, "r-2")


@settings(max_examples=400)
@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    store, _ = written()
    stored = bytearray(store.read(RUN))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] = data.draw(st.integers(0, 255).filter(lambda new: new != stored[place]))
    store.bytes[RUN] = bytes(stored)
    with pytest.raises(Refused) as caught:
        Journal.open(store, RUN)
    assert caught.value.code == "tampered-journal"
    assert caught.value.exit_code == 7


def test_any_changed_byte_of_the_last_line_is_found() -> None:
    store, _ = written(*LINES[:2])
    stored = store.read(RUN)
    start = stored.index(b"\n") + 1
    for place in range(start, len(stored)):
        for new in (stored[place] ^ 1, ord("\n"), ord(" "), ord("}")):
            if new != stored[place]:
                store.bytes[RUN] = stored[:place] + bytes([new]) + stored[place + 1 :]
                with pytest.raises(Refused):
                    Journal.open(store, RUN)


@given(st.data())
def test_lines_that_move_vanish_or_repeat_are_found(data: st.DataObject) -> None:
    store, _ = written()
    whole = store.read(RUN).splitlines(keepends=True)
    order = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8))
    store.bytes[RUN] = b"".join(whole[n] for n in order)
    if order == list(range(len(order))):  # a journal cut after a whole line: only the sha256 in the report tells
        assert Journal.open(store, RUN).lines == LINES[: len(order)]
    else:
        with pytest.raises(Refused):
            Journal.open(store, RUN)


@given(st.data())
def test_a_torn_last_line_is_dropped_remembered_and_written_over(data: st.DataObject) -> None:
    store, _ = written()
    stored = store.read(RUN)
    keep = data.draw(st.integers(0, len(LINES) - 1))
    whole = b"".join(stored.splitlines(keepends=True)[:keep])
    line = stored.splitlines()[keep]
    torn = line[: data.draw(st.integers(1, len(line)))]
    store.bytes[RUN] = whole + torn
    journal = Journal.open(store, RUN)
    assert journal.lines == LINES[:keep]
    assert journal.torn == torn
    assert journal.sha256() == hashlib.sha256(whole).hexdigest()


def test_zeros_of_a_power_cut_are_a_torn_line() -> None:
    store, _ = written()
    store.bytes[RUN] += b"\0" * 4096
    assert Journal.open(store, RUN).lines == LINES


def test_a_journal_under_another_runs_name_is_found() -> None:
    store, _ = written()
    store.bytes["r-2"] = store.bytes[RUN]
    with pytest.raises(Refused, match="it belongs to run r-1"):
        Journal.open(store, "r-2")


def test_a_well_sealed_line_of_an_unknown_kind_is_refused() -> None:
    """A newer version's journal, say: it holds, but what it says is not known."""
    store, _ = written(*LINES[:1])
    blank = b'{"n":1,"prev":"' + hashlib.sha256(store.read(RUN)[:-1]).hexdigest().encode()
    blank += b'","line":{"line":"danced"},"own":""}'
    store.bytes[RUN] += blank[:-2] + hashlib.sha256(blank).hexdigest().encode() + b'"}\n'
    with pytest.raises(Refused, match="it cannot be read"):
        Journal.open(store, RUN)


# -- no secret, no nonsense --------------------------------------------------------------------------------------------


@given(st.text(min_size=1, max_size=60))
def test_a_guarded_secret_never_gets_in(secret: str) -> None:
    store, journal = written(*LINES[:1])
    journal.guard_secret(secret)
    before = store.read(RUN)
    for held in ({"a": secret}, {"a": [{"b": secret}]}):
        with pytest.raises(RuntimeError) as caught:
            journal.write(Looked("s1", held, AT))
        assert "would hold a secret" in str(caught.value)
        assert len(secret) < 8 or secret not in str(caught.value)
    assert store.read(RUN) == before
    assert journal.lines == LINES[:1]


def test_a_long_secret_is_found_inside_a_text_and_in_a_key() -> None:
    _, journal = written(*LINES[:1])
    journal.guard_secret('canary/+"\\é')
    for line in (
        Resulted("s1", Failed('the vendor said canary/+"\\é, no'), AT),
        Looked("s1", {'xcanary/+"\\é': 1}, AT),
    ):
        with pytest.raises(RuntimeError):
            journal.write(line)
    journal.write(Looked("s1", {"a": "canary"}, AT))


def test_an_empty_secret_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing to guard"):
        written()[1].guard_secret("")


def test_a_line_that_does_not_read_back_is_not_written() -> None:
    store, journal = written(*LINES[:1])
    before = store.read(RUN)
    twice: Any = "twice"  # structs check nothing when they are built
    for wrong in (
        Intended("s1", twice, AT),
        Intended("s1", 1, datetime(2026, 1, 1)),  # noqa: DTZ001 - a time without a zone is the mistake
    ):
        with pytest.raises(RuntimeError, match="does not read back"):
            journal.write(wrong)
    with pytest.raises(TypeError):
        journal.write(Looked("s1", {"a": object()}, AT))
    assert store.read(RUN) == before
    journal.write(LINES[1])
    assert Journal.open(store, RUN).lines == LINES[:2]


def test_what_the_store_refuses_is_not_in_the_journal() -> None:
    class Full(Memory):
        full = False

        def append(self, run: str, line: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super().append(run, line)

    store = Full()
    journal = Journal.create(store, RUN)
    journal.write(LINES[0])
    store.full = True
    with pytest.raises(OSError, match="No space left"):
        journal.write(LINES[1])
    assert journal.lines == LINES[:1]
    store.full = False
    journal.write(LINES[1])
    assert Journal.open(store, RUN).lines == LINES[:2]


def test_the_hook_stands_before_every_line() -> None:
    class Killed(BaseException):
        pass

    def kill_at(number: int) -> None:
        seen.append(number)
        if number == 2:
            raise Killed

    seen: list[int] = []
    store = Memory()
    journal = Journal.create(store, RUN, before_append=kill_at)
    journal.write(LINES[0])
    journal.write(LINES[1])
    with pytest.raises(Killed):
        journal.write(LINES[2])
    assert seen == [0, 1, 2]
    assert Journal.open(store, RUN).lines == LINES[:2]
    again = Journal.open(store, RUN, before_append=seen.append)
    again.write(LINES[2])
    assert seen == [0, 1, 2, 2]


def test_threads_write_whole_lines_in_one_chain(tmp_path: Path) -> None:
    store = RunFolder(tmp_path / "runs")
    journal = Journal.create(store, RUN)
    journal.write(opened())

    def work(name: str) -> None:
        for number in range(25):
            journal.write(Intended(f"{name}-{number}", 1, AT))

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = Journal.open(RunFolder(tmp_path / "runs"), RUN).lines
    assert lines == journal.lines
    assert {x.step for x in lines if isinstance(x, Intended)} == {f"t{n}-{m}" for n in range(8) for m in range(25)}
    assert len(lines) == 201


def test_a_write_costs_what_the_disk_costs(tmp_path: Path) -> None:
    """0.5 ms a line is the budget, most of it the disk's: what is ours stays under a fifth of it."""
    memory, folder = Journal.create(Memory(), RUN), Journal.create(RunFolder(tmp_path / "runs"), RUN)

    def median(journal: Journal) -> float:
        took = []
        for number in range(200):
            began = time.perf_counter()
            journal.write(Intended(f"s{number}", 1, AT))
            took.append(time.perf_counter() - began)
        return statistics.median(took)

    ours, whole = median(memory), median(folder)
    assert ours < 0.0001, f"{ours * 1000:.3f} ms"
    print(f"journal: {ours * 1000:.3f} ms without the disk, {whole * 1000:.3f} ms with it")  # noqa: T201 - a figure
