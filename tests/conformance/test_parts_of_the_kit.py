"""The kit's own small parts."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path

import pytest

from nhi_revoke.model.intent import Intent
from nhi_revoke.provider.sandbox.contract import Sandbox
from nhi_revoke.testing.conformance import Conformance, Killed, World, kill_at, toml
from nhi_revoke.testing.conformance.crashing import chosen
from nhi_revoke.testing.conformance.declared import doers, permissions
from nhi_revoke.testing.conformance.ending import Failures, told
from nhi_revoke.testing.conformance.heard import Heard
from nhi_revoke.testing.conformance.process import revoking
from nhi_revoke_example import Example, provider


def test_settings_become_toml_and_come_back() -> None:
    settings = {"url": 'http://x/"\\é', "n": 3, "f": 0.5, "yes": True, "list": ["a", 1], "in": {"b c": "d"}}
    assert tomllib.loads(toml.table("example", settings)) == {"example": settings}
    with pytest.raises(TypeError, match="NoneType"):
        toml.value(None)


def test_a_kill_stops_this_line_and_every_later_one() -> None:
    hook = kill_at(2)
    hook(1)
    for line in (2, 3):
        with pytest.raises(Killed):
            hook(line)


def test_kill_points_are_all_or_spread_from_the_first_to_the_last() -> None:
    assert chosen(5, None) == [0, 1, 2, 3, 4]
    assert chosen(71, 8) == [0, 10, 20, 30, 40, 50, 60, 70]
    assert chosen(3, 10) == [0, 1, 2]


def test_a_real_process_does_what_the_runs_beside_it_do(tmp_path: Path) -> None:
    with World(provider, tmp_path, intent=Intent(rotate="now", brake="off", scope="keys")) as world:
        said = revoking(world)
        assert said[:2] == ("revoke", world.name)
        assert said[-4:] == ("--brake", "off", "--scope", "keys")


def test_a_secret_is_found_wherever_it_was_told(tmp_path: Path) -> None:
    heard = Heard()
    with heard.listening():
        logging.getLogger("nhi_revoke.x").debug("using %s", "hush-log")
        logging.getLogger("http").info("sent %s", "hush-info")
    logging.getLogger("nhi_revoke.x").error("%s", "hush-afterwards")
    (tmp_path / "run.jsonl").write_text('{"left":"hush-\\"file"}')
    heard.files(tmp_path)
    error = ValueError("hush-cause")
    error.__cause__ = KeyError("hush-inner")
    heard.raised(error)
    heard.result("report", {"note": "hush-result"})
    assert heard.holding("hush-log") == ("log of nhi_revoke.x",)
    assert heard.holding("hush-info") == ("log of http",)
    assert heard.holding("hush-afterwards") == ()
    assert heard.holding('hush-"file') == ("run.jsonl",)
    assert heard.holding("hush-cause") == heard.holding("hush-inner") == ("exception",)
    assert heard.holding("hush-result") == ("report",)


def test_declared_permissions_come_from_every_kind_doer_and_target() -> None:
    keys = dict(doers(provider))
    assert sorted(keys) == [
        "example-cache", "example-vault/serve", "example-vault/stage", "example:session/revoke-older",
        "example:token/create", "example:token/delete", "example:token/disable", "example:trust/remove",
    ]  # fmt: skip
    assert permissions(provider) >= {"events.read", "tokens.list", "cache.flush", "vault.write", "trusts.write"}


def test_a_check_that_tries_many_things_gives_up_in_time() -> None:
    wrong = Failures(2)
    enough = []
    for tried, said in (("one", []), ("two", ["a", "b"]), ("three", ["c"])):
        wrong.add(tried, said)
        enough.append(wrong.enough)
    assert enough == [False, False, True]
    assert wrong.lines == ["two: a", "two: b", "three: c"]
    assert told([str(n) for n in range(10)]).endswith("7\n… and 2 more")


def test_a_provider_without_a_sandbox_is_told_so(tmp_path: Path) -> None:
    class Bare(Example):
        def sandbox(self) -> Sandbox | None:  # type: ignore[override]  # the example's own is narrower
            return None

    with pytest.raises(TypeError, match="no sandbox"), World(Bare(), tmp_path):
        pass


def test_the_kit_asks_for_its_fixture() -> None:
    fixture = Conformance.__dict__["world"]
    with pytest.raises(NotImplementedError, match="override the fixture"):
        fixture.__wrapped__(Conformance())


def test_a_restarted_world_remembers_nothing(tmp_path: Path) -> None:
    with World(provider, tmp_path) as world:
        assert not world.doors()["old"]
        world.run()
        assert not world.doors()["live"]
        first = world.folder
        world.restart()
        assert world.doors()["live"]
        assert world.runs() == ()
        assert world.folder != first
