"""What is one identity, and what only looks so: which evidence joins, and that nothing is lost or guessed."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nhi_revoke.engine.likeness import Alike, weighed
from nhi_revoke.model.alike import Candidate, Field, Pointer, Resemblance, Rule, Saying
from nhi_revoke.model.ref import PrincipalRef

FEW = settings(max_examples=30, deadline=None, derandomize=True, database=None)
SAME: tuple[Rule, Field] = ("same", "name")
NEAR: tuple[Rule, Field] = ("affix", "name")


def who(
    ref: str,
    like: tuple[Rule, Field] | None = None,
    trusts: Iterable[str] = (),
    *,
    kind: str = "",
    owner: str = "",
    environment: bool = False,
    says: str = "",
) -> Candidate:
    """`one:bot/a`; `trusts`: ids of others, or globs."""
    parsed = PrincipalRef.parse(ref)
    like_it = (Resemblance(*like, "its name", parsed.id, ("x",), environment, "GET /x"),) if like else ()
    return Candidate(
        parsed, kind or parsed.kind, parsed.id, parsed.provider, f"id-of-{parsed.id}", like_it, owner,
        aliases=(f"alias/{parsed.id}/*",), marks=(f"id-of-{parsed.id}",),
        points=tuple(Pointer((to if "/" in to else f"alias/{to}/main",), "its trust", "GET /trusts") for to in trusts),
        says=(Saying(says, "its note", "GET /x"),) if says else (),
    )  # fmt: skip


def told(found: Iterable[Candidate], home: str = "", **mapped: str) -> dict[str, str]:
    names = {each.ref: mapped[each.ref.id] for each in found if each.ref.id in mapped}
    return {each.principal.ref.id: each.standing for each in weighed(found, home, names)}


def of(found: Iterable[Alike], name: str) -> Alike:
    return next(each for each in found if each.principal.ref.id == name)


def test_what_bears_the_name_in_several_systems_is_one() -> None:
    found = weighed([who("one:user/a", SAME), who("two:app/b", SAME)], "", {})
    assert [each.standing for each in found] == ["sure", "sure"]
    assert found[0].because[0].basis == "name"
    assert found[0].doubt == ""


def test_a_name_that_is_only_similar_never_joins() -> None:
    found = [who("one:user/a", SAME), who("two:app/b", NEAR), who("two:app/c", ("contains", "name"))]
    assert told(found) == {"a": "sure", "b": "maybe", "c": "maybe"}
    [_, b, _] = weighed(found, "", {})
    assert b.doubt == "it is called alike, which proves nothing"


def test_it_joins_where_one_of_the_two_names_the_other() -> None:
    assert told([who("one:user/a", SAME), who("two:app/b", NEAR, ["a"])])["b"] == "sure"
    assert told([who("one:user/a", SAME, ["b"]), who("two:app/b", NEAR)])["b"] == "sure"
    assert told([who("one:user/a", SAME), who("two:app/b", NEAR, says="for id-of-a")])["b"] == "sure"
    found = weighed([who("one:user/a", SAME, says="x id-of-b x"), who("two:app/b", NEAR)], "", {})
    assert [(each.principal.ref.id, each.standing) for each in found] == [("a", "sure"), ("b", "sure")]
    assert [said.why for said in found[0].because if said.basis == "holds"] == ["its note holds id-of-b"]
    assert not any(each.principal.says for each in found), "it may hold anything, and is not shown"


def test_what_names_many_names_nobody() -> None:
    wide = [who("one:user/a", SAME), who("two:app/b", NEAR, ["alias/*", "*", "alias/?/main"])]
    assert told(wide)["b"] == "maybe"


def test_one_owner_is_enough_beside_a_similar_name_but_not_for_another_environment() -> None:
    sure = who("one:user/a", SAME, owner="team")
    assert told([sure, who("two:app/b", NEAR, owner="team")])["b"] == "sure"
    assert told([sure, who("two:app/b", NEAR, owner="others")])["b"] == "maybe"
    assert told([sure, who("two:app/b", NEAR, owner="team", environment=True)])["b"] == "maybe"
    assert told([sure, who("two:app/b", ("contains", "name"), owner="team")])["b"] == "maybe"
    assert "b" not in told([sure, who("two:app/b", owner="team")]), "whatever a team owns is not one identity"


def test_what_is_only_spoken_of_does_not_join_by_its_own_word() -> None:
    spoken = who("two:app/b", ("contains", "text"), ["a"])
    assert told([who("one:user/a", SAME), spoken])["b"] == "maybe"
    assert told([who("one:user/a", SAME, ["b"]), spoken])["b"] == "sure"


def test_what_is_called_otherwise_needs_two_links_and_one_of_them_not_its_own() -> None:
    a, b = who("one:user/a", SAME, ["repo"]), who("two:app/b", SAME, ["repo"])
    assert told([a, b, who("three:repo/repo")])["repo"] == "sure"
    assert told([a, who("three:repo/repo")])["repo"] == "maybe"
    assert told([a, who("three:repo/repo", trusts=["a"])])["repo"] == "sure"
    planted = who("one:role/backdoor", trusts=["a", "b"])
    assert told([a, b, planted])["backdoor"] == "maybe", "whoever makes it says whom it trusts"
    backdoor = of(weighed([a, b, planted], "", {}), "backdoor")
    assert backdoor.doubt == "it names a sure one, and none of them names it"


def test_what_joins_lets_more_join() -> None:
    chain = [who("one:user/a", SAME), who("two:app/b", NEAR, ["a"]), who("three:app/c", NEAR, ["b"])]
    assert told(chain) == {"a": "sure", "b": "sure", "c": "sure"}


def test_several_of_one_name_and_kind_are_shown_and_none_is_chosen() -> None:
    twins = [who("one:app/a", SAME), who("one:app/b", SAME, ["c"]), who("two:app/c", SAME)]
    assert told(twins) == {"c": "sure", "a": "ambiguous", "b": "ambiguous"}
    assert of(weighed(twins, "", {}), "a").doubt == "2 of kind app bear this name, and nothing sure names this one"
    twins[2] = who("two:app/c", SAME, ["a"])
    assert told(twins) == {"a": "sure", "c": "sure", "b": "ambiguous"}, "the one that something sure names"
    assert told([who("one:app/a", SAME), who("one:user/b", SAME)]) == {"a": "sure", "b": "sure"}, "two kinds"


def test_the_map_decides() -> None:
    found = [who("one:app/a", SAME), who("one:app/b", SAME), who("two:app/c", NEAR), who("two:bot/d")]
    assert told(found, "bot", a="bot", d="bot") == {"a": "sure", "d": "sure", "b": "ambiguous", "c": "maybe"}
    others = weighed([who("one:app/a", SAME), who("two:app/c", SAME)], "bot", {found[0].ref: "ledger"})
    assert of(others, "a").doubt == "nhi.toml has it as ledger"
    assert of(others, "a").standing == "maybe"
    assert of(others, "c").standing == "sure"


def test_what_several_apis_show_is_said_once() -> None:
    one = who("one:user/a", SAME)
    again = replace(one, resembles=tuple(replace(r, evidence="GET /y") for r in one.resembles))
    [found] = weighed([one, again], "", {})
    assert [(said.basis, said.evidence) for said in found.because] == [("name", "GET /x, GET /y")]


IDS = ("a", "b", "c", "d", "e")
LIKES = st.sampled_from([None, SAME, NEAR, ("exact", "tag"), ("contains", "text"), ("contains", "name")])
CANDIDATES = st.tuples(
    *(
        st.builds(
            who,
            st.sampled_from([f"{provider}:{kind}/{name}" for provider in ("one", "two") for kind in ("app", "user")]),
            LIKES,
            st.lists(st.sampled_from(IDS), max_size=2),
            owner=st.sampled_from(["", "team"]),
            environment=st.booleans(),
        )
        for name in IDS
    )
)


@FEW
@given(CANDIDATES, st.permutations(range(len(IDS))))
def test_the_order_of_the_answers_does_not_matter_and_nothing_is_lost(
    found: tuple[Candidate, ...], order: list[int]
) -> None:
    plain = weighed(found, "", {})
    assert weighed([found[n] for n in (*order, *order[:2])], "", {}) == plain
    assert {each.principal.ref for each in plain} >= {each.ref for each in found if each.resembles}
    assert len({each.principal.ref for each in plain}) == len(plain)


@FEW
@given(CANDIDATES)
def test_weak_evidence_alone_never_joins(found: tuple[Candidate, ...]) -> None:
    """Without links and owners only what bears the name, or is tagged so, is sure."""
    bare = [replace(each, points=(), owner="") for each in found]
    for each in weighed(bare, "", {}):
        strong = any(said.basis in ("name", "tag") for said in each.because)
        assert each.standing != "sure" or strong
        assert bool(each.doubt) == (each.standing != "sure")
