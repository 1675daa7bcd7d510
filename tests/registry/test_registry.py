"""The registry: lazy, isolated from broken plugins, and helpful about what is missing."""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import pytest

from nhi_revoke.model.error import NothingCanStart, Trouble, Usage
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.missing import missing
from nhi_revoke.provider.registry import ProviderStatus, Registry
from tests.registry.plug import Act, Entry, Plug, Shelf, entry


def status_of(registry: Registry, name: str) -> ProviderStatus:
    return next(s for s in registry.status() if s.name == name)


# -- laziness ----------------------------------------------------------------------------------------------------------


def test_names_load_nothing_and_a_command_loads_what_it_needs_once() -> None:
    one, two = entry("one"), entry("two")
    registry = Registry([two, one])
    assert registry.names() == registry.known() == ("one", "two")
    assert (one.loads, two.loads) == (0, 0)
    assert registry.provider("one").name == "one"
    assert registry.kind("one:key").name == "one:key"
    assert registry.refs("one:user/bot") == (PrincipalRef("one", "user", "bot"),)
    assert (one.loads, two.loads) == (1, 0)


def test_a_provider_answers_to_its_aliases_and_to_no_other_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plug, "aliases", ("uno",))
    one = entry("one")
    assert Registry([one]).refs("uno:user/bot") == (PrincipalRef("one", "user", "bot"),)
    assert Registry([one]).refs("due:user/bot") == ()
    assert Registry([one, entry("two")], only=["two"]).refs("uno:user/bot") == (PrincipalRef("two", "user", "bot"),)


def test_installed_entries_are_read_at_the_first_use_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def entry_points(group: str) -> tuple[Entry, ...]:
        asked.append(group)
        return (entry("one"), entry("two"))

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    registry = Registry.installed({"NHI_REVOKE_PROVIDERS": "two,"})
    assert asked == []
    assert registry.names() == ("two",)
    assert registry.known() == ("one", "two")
    assert asked == ["nhi_revoke.providers"]
    assert Registry.installed({"NHI_REVOKE_PROVIDERS": ""}).names() == ("one", "two")


def test_the_bundled_local_provider_comes_through_the_same_door() -> None:
    status = status_of(Registry.installed({"NHI_REVOKE_PROVIDERS": "local"}), "local")
    assert (status.state, status.targets) == ("ok", ("file", "exec", "redis", "http", "caep"))


def test_two_threads_load_a_provider_once() -> None:
    started = threading.Barrier(8)
    one = entry("one")
    registry = Registry([one])

    def ask() -> None:
        started.wait()
        registry.provider("one")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.loads == 1


# -- what is wrong with a provider -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Entry("bad", ImportError("no module of that kind")), "ImportError: no module of that kind"),
        (Entry("bad", SystemExit("exits on import")), "SystemExit: exits on import"),
        (Entry("bad", RuntimeError("first\nsecond")), "RuntimeError: first"),
        (Entry("bad", ZeroDivisionError()), "ZeroDivisionError"),
        (Entry("bad", Plug), "its entry point names the class Plug, not a Provider"),
        (Entry("bad", Plug("good")), 'it calls itself "good"'),
        (entry("bad", says_kind="other:key"), 'its access kind "other:key" does not begin with "bad:"'),
    ],
)
def test_a_broken_provider_is_told_and_the_others_work(broken: Entry, why: str) -> None:
    registry = Registry([broken, entry("good")])
    assert status_of(registry, "bad").state == "broken"
    assert status_of(registry, "bad").why == why
    assert status_of(registry, "good").state == "ok"
    assert registry.kind("good:key").name == "good:key"
    assert registry.refs("id-good-7") == (PrincipalRef("good", "", "id-good-7"),)
    for ask in (
        lambda: registry.provider("bad"),
        lambda: registry.kind("bad:key"),
        lambda: registry.refs("bad:user/x"),
    ):
        with pytest.raises(NothingCanStart) as caught:
            ask()
        assert caught.value.code == "broken-provider"
        assert why in caught.value.message
        assert "Traceback" not in caught.value.message


def test_the_cause_is_kept_for_debug() -> None:
    cause = ImportError("why")
    with pytest.raises(NothingCanStart) as caught:
        Registry([Entry("bad", cause)]).provider("bad")
    assert caught.value.__cause__ is cause


def test_ctrl_c_while_a_provider_loads_is_no_broken_provider() -> None:
    registry = Registry([Entry("one", KeyboardInterrupt())])
    with pytest.raises(KeyboardInterrupt):
        registry.provider("one")


def test_a_provider_whose_parser_raises_is_broken_from_then_on() -> None:
    def fail(text: str) -> str:
        raise IndexError("out of range")

    registry = Registry([entry("bad", reads=fail), entry("good")])
    assert registry.refs("id-good-1") == (PrincipalRef("good", "", "id-good-1"),)
    assert status_of(registry, "bad").why == "reading a name failed: IndexError: out of range"
    fresh = Registry([entry("bad", reads=fail)])
    with pytest.raises(NothingCanStart, match="IndexError: out of range"):
        fresh.refs("bad:user/x")


def test_a_missing_library_reads_not_installed_and_names_the_extra() -> None:
    shop = entry("shop", requires=("json", "no_such_library", "email.no_such_part"), extra="shop")
    shop.load().__dict__["offers"] = (Shelf("shop-store"),)
    registry = Registry([shop, entry("good")])
    with pytest.raises(NothingCanStart) as caught:
        registry.provider("shop")
    assert caught.value.code == "not-installed"
    assert "no_such_library, email.no_such_part" in caught.value.message
    assert caught.value.hint == "pip install 'nhi-revoke[shop]'"
    assert status_of(registry, "shop").state == "not-installed"
    assert status_of(registry, "shop").hint == caught.value.hint
    # Its names are still understood, so that the error is "not installed" and not "unknown principal".
    assert registry.refs("shop:user/x") == (PrincipalRef("shop", "user", "x"),)
    assert registry.refs("id-shop-1") == (PrincipalRef("shop", "", "id-shop-1"),)
    with pytest.raises(NothingCanStart, match="no_such_library"):
        registry.store("shop-store")


def test_libraries_are_looked_for_without_importing_them(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "heavy_library"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "part.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert missing(("heavy_library", "heavy_library.part", "heavy_library.part.deeper", "heavy_library.absent")) == (
        "heavy_library.part.deeper",
        "heavy_library.absent",
    )


def test_parts_of_namespace_packages_are_looked_for_without_importing_them(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several distributions share a name that has no `__init__.py`, in several folders."""
    for folder, part in (("one", "heavy_part"), ("two", "other_part")):
        package = tmp_path / folder / "shared_name" / "deeper" / part
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('imported')")
        monkeypatch.syspath_prepend(str(tmp_path / folder))
    names = ("shared_name.deeper.heavy_part", "shared_name.deeper.other_part", "shared_name.deeper.absent")
    assert missing(names) == ("shared_name.deeper.absent",)
    assert "shared_name" not in sys.modules


def test_a_module_made_by_hand_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", types.ModuleType("made_by_hand"))
    assert missing(("made_by_hand", "made_by_hand.part")) == ()


def test_another_version_of_the_contract_is_listed_and_not_used() -> None:
    registry = Registry([entry("old", api_version=99), entry("good")])
    status = status_of(registry, "old")
    assert (status.state, status.kinds) == ("wrong-api-version", ())
    assert "version 99" in status.why
    with pytest.raises(NothingCanStart) as caught:
        registry.provider("old")
    assert caught.value.code == "wrong-api-version"
    assert [target.name for target in registry.targets()] == []


def test_two_packages_under_one_name_are_not_guessed_between() -> None:
    registry = Registry([entry("one"), entry("one")])
    assert status_of(registry, "one").why == "more than one installed package provides it"


def test_only_limits_what_loads() -> None:
    one, two = entry("one"), entry("two")
    registry = Registry([one, two], only=["two"])
    assert registry.names() == ("two",)
    assert status_of(registry, "one").state == "disabled"
    with pytest.raises(Usage) as caught:
        registry.provider("one")
    assert caught.value.code == "disabled-provider"
    assert registry.refs("id-one-1") == ()
    assert one.loads == 0


def test_only_must_name_what_is_there() -> None:
    registry = Registry([entry("good")], only=["godo"])
    with pytest.raises(Usage) as caught:
        registry.names()
    assert caught.value.hint == 'Did you mean "good"?'
    assert [(s.name, s.state) for s in registry.status()] == [("good", "disabled"), ("godo", "not-installed")]


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_reference_goes_to_the_provider_it_names_alone() -> None:
    heard: dict[str, list[str]] = {"one": [], "two": []}
    registry = Registry([entry(n, reads=heard[n].append) for n in heard])
    assert registry.refs("one:user/x") == (PrincipalRef("one", "user", "x"),)
    assert registry.refs("one:nonsense") == ()
    assert registry.refs("three:user/x") == ()
    assert heard == {"one": ["user/x", "nonsense"], "two": []}


def test_a_bare_id_goes_to_all_even_with_a_colon_in_it() -> None:
    registry = Registry([entry("one"), entry("two")])
    assert registry.refs("id-two:part:user/x") == (PrincipalRef("two", "", "id-two:part:user/x"),)
    assert registry.refs("user/x") == (PrincipalRef("one", "user", "x"), PrincipalRef("two", "user", "x"))
    assert registry.refs("") == ()


def test_unknown_names_name_the_nearest() -> None:
    offers = (Shelf("shelf"), Act("sweep"))
    registry = Registry([entry("shop", offers=offers)])
    for ask, hint in (
        (lambda: registry.provider("shpo"), "shop"),
        (lambda: registry.kind("shop:kye"), "shop:key"),
        (lambda: registry.doer("shop:key/dsable"), "shop:key/disable"),
        (lambda: registry.doer("shelf/stge"), "shelf/stage"),
        (lambda: registry.store("shlef"), "shelf"),
    ):
        with pytest.raises(Usage) as caught:
            ask()
        assert caught.value.hint == f'Did you mean "{hint}"?'


def test_a_broken_provider_is_named_where_a_target_is_not_found() -> None:
    registry = Registry([Entry("bad", ImportError("x")), entry("good", offers=(Act("sweep"),))])
    with pytest.raises(Usage, match="Not looked at, because they do not load: bad"):
        registry.store("file")


def test_kinds_are_picked_by_what_they_belong_to() -> None:
    registry = Registry([entry("one")])
    assert [k.name for k in registry.kinds("one")] == ["one:key", "one:session"]
    assert [k.name for k in registry.kinds("one", ("role",))] == ["one:session"]
    assert registry.kinds("one", ()) == ()


def test_every_doer_has_a_key() -> None:
    registry = Registry([entry("shop", offers=(Shelf("shelf", forget=True), Shelf("bin"), Act("sweep")))])
    kind, mint, shelf = registry.kind("shop:key"), registry.mint("shop:key"), registry.store("shelf")
    assert registry.doer("shop:key/disable") is kind.remedies[0]
    assert registry.doer("shop:key/delete") is kind.remedies[1]
    assert registry.doer("shop:key/create") is mint is kind.mint
    assert registry.mint("shop:session") is None
    assert registry.doer("shelf/stage") is shelf.stage
    assert registry.doer("shelf/serve") is shelf.serve
    assert registry.doer("shelf/forget") is shelf.forget
    assert registry.doer("sweep").name == "sweep"
    with pytest.raises(Usage):
        registry.doer("bin/forget")
    with pytest.raises(Usage, match="it cannot keep a credential"):
        registry.store("sweep")


def test_every_key_has_an_owner() -> None:
    registry = Registry([entry("one"), entry("shop", offers=(Shelf("shelf"), Act("sweep")))])
    for key in ("shop:key", "shop:key/disable", "shelf", "shelf/stage", "sweep"):
        assert registry.provider_of(key) == "shop"
    with pytest.raises(Usage):
        registry.provider_of("nothing")


def test_a_store_and_a_flush_may_have_one_name() -> None:
    """`name/stage` is the store's, the bare name the flush's, wherever each of them comes from."""
    one, two = entry("one", offers=(Act("run"),)), entry("two", offers=(Shelf("run"), Act("sweep")))
    for registry in (Registry([one, two]), Registry([two, one])):
        assert registry.store("run").stage is registry.doer("run/stage")
        assert registry.doer("run") in registry.targets()
        assert registry.provider_of("run/stage") == registry.provider_of("run/serve") == "two"
        assert registry.provider_of("run") == "one"
        with pytest.raises(Usage):
            registry.doer("run/forget")
    both = Registry([entry("shop", offers=(Shelf("run"), Act("run")))])
    assert status_of(both, "shop").targets == ("run",)
    assert both.store("run").name == both.doer("run").name == "run"


def test_a_target_is_looked_for_where_it_is_likeliest() -> None:
    first = entry("aaa", offers=(Shelf("other"),))
    shop = entry("shop", offers=(Shelf("shop-store"),))
    registry = Registry([first, shop])
    assert registry.store("shop-store").name == "shop-store"
    assert first.loads == 0
    assert registry.provider_of("other") == "aaa"
    assert [target.name for target in registry.targets()] == ["other", "shop-store"]


def test_status_shows_what_a_provider_has() -> None:
    registry = Registry([entry("shop", offers=(Shelf("shelf"),))])
    assert registry.status() == (
        ProviderStatus("shop", "Shop", "ok", kinds=("shop:key", "shop:session"), targets=("shelf",)),
    )


def test_every_error_is_one_that_is_told_to_a_person() -> None:
    assert issubclass(NothingCanStart, Trouble)
    assert (NothingCanStart.exit_code, Usage.exit_code) == (4, 2)
