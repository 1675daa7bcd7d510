"""`file:` in formats: killed anywhere, another form refused, bytes that are no text, and the way back."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from nhi_revoke.model.change import Already, Done
from nhi_revoke.provider.fault import Rejected
from nhi_revoke.provider.layout import JSON, Layout, document, section, variables
from nhi_revoke.provider.secret import Secret
from tests.local.test_crashes import Killed, kill_at
from tests.local.trial import OLD, SECRET, STORE, Trial, mode, names, serve, stage

ENV = variables({"KEY_ID": "KeyId", "KEY": "SecretKey"}, never=("SESSION",))
PROFILE = section("ini", {"id": "KeyId", "key": "SecretKey"}, by_default="bot")
WHOLE = document("file", ("KeyId", "SecretKey"))
SHAPE = Secret("", field="SecretKey", public={"KeyId": "K2"})
CASES: list[tuple[Layout, bytes, bytes]] = [
    (ENV, b"# \xc3\xa9\r\nKEY_ID=K1\r\nKEY='canary-old' # x\r\n", b"# \xc3\xa9\r\nKEY_ID=K2\r\nKEY=canary-new # x\r\n"),
    (PROFILE, b"[bot]\nid=K1\nkey=canary-old\n[x]\ny=1", b"[bot]\nid=K2\nkey=canary-new\n[x]\ny=1"),
    (WHOLE, b'{"KeyId": "K1"}', b'{\n  "KeyId": "K2",\n  "SecretKey": "canary-new"\n}\n'),
    (JSON, OLD, OLD.replace(b"K1", b"K2").replace(b"canary-old", b"canary-new").replace(b"1.50", b"1.5")),
]


@pytest.mark.parametrize(("layout", "before", "after"), CASES)
def test_staged_served_and_taken_back(run: Trial, file: Path, layout: Layout, before: bytes, after: bytes) -> None:
    file.write_bytes(before)
    to = f"{file}#{layout.spelled}"
    staged = stage(run, to)
    assert file.read_bytes() == before, "the workload does not read it yet"
    assert run.seen(STORE.stage, staged) == run.left(staged.id)
    served = serve(run, to)
    assert file.read_bytes() == after
    assert mode(file) & (stat.S_IRWXG | stat.S_IRWXO) == 0
    assert run.seen(STORE.serve, served) == run.left(served.id)
    assert isinstance(run.undo(STORE.serve, served), Done)
    assert file.read_bytes() == before
    assert isinstance(run.undo(STORE.stage, staged), Already)
    assert names(file) == {"bot.json"}


@pytest.mark.parametrize(("layout", "before", "after"), CASES)
@pytest.mark.parametrize("number", range(1, 34, 3))
def test_killed_anywhere_then_taken_up(
    run: Trial, file: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout, before: bytes, after: bytes, number: int
) -> None:
    file.write_bytes(before)
    to = f"{file}#{layout.spelled}"
    run.give("m/1", SECRET)
    staged, served = run.step("stage", to), run.step("serve", to)
    with monkeypatch.context() as patch:
        kill_at(patch, number)
        try:
            run.do(STORE.stage, staged)
            run.do(STORE.serve, served)
        except Killed:
            pass
    assert file.read_bytes() in (before, after), "the workload never reads half a file"
    run.crash()
    found = STORE.recall(run.conn, staged, run, SHAPE)
    if found is None:
        run.undo(STORE.stage, staged)
        run.undo(STORE.serve, served)
        assert (file.read_bytes(), names(file)) == (before, {"bot.json"})
        return
    assert (found.reveal(), found.public) == ("canary-new", {"KeyId": "K2"})
    run.give("m/1", found)
    if run.seen(STORE.serve, served) is None:
        run.do(STORE.serve, served)
    assert file.read_bytes() == after


@pytest.mark.parametrize(("layout", "before", "after"), CASES)
def test_what_stood_there_is_never_taken_for_the_new_one(
    run: Trial, file: Path, layout: Layout, before: bytes, after: bytes
) -> None:
    file.write_bytes(after.replace(b"K2", b"K9"))
    step = run.step("stage", f"{file}#{layout.spelled}")
    assert STORE.recall(run.conn, step, run, SHAPE) is None


@pytest.mark.parametrize(
    ("layout", "held", "why"),
    [
        (ENV, OLD, "line 1 of it is none of a dotenv file"),
        (ENV, b"SESSION=canary\n", "sets SESSION"),
        (ENV, b"A=\xff\n", "not UTF-8"),
        (PROFILE, b"A=canary\n", "no INI text"),
        (WHOLE, OLD, "take away: ratio, region"),
        (JSON, b"A=canary\n", "not a JSON object"),
    ],
)
def test_another_form_is_refused_before_there_is_a_secret(
    run: Trial, file: Path, layout: Layout, held: bytes, why: str
) -> None:
    file.write_bytes(held)
    run.give("m/1", SECRET)
    step = run.step("stage", f"{file}#{layout.spelled}")
    wrong = STORE.stage.check(run.conn, step)
    assert wrong is not None
    assert why in wrong.why
    assert "canary" not in wrong.why + wrong.manual
    with pytest.raises(Rejected) as refused:
        run.do(STORE.stage, step)
    assert "canary" not in refused.value.message
    assert file.read_bytes() == held
    assert names(file) == {"bot.json"}


def test_a_name_with_a_hash_and_a_format(run: Trial, tmp_path: Path) -> None:
    stage(run, f"{tmp_path}/a.env#{ENV.spelled}")
    serve(run, f"{tmp_path}/a.env#{ENV.spelled}")
    assert (tmp_path / "a.env").read_text() == "KEY_ID=K2\nKEY=canary-new\n"
