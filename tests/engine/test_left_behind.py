"""What a store still holds of the old secret is said in the report, by whoever touched it last."""

from __future__ import annotations

from nhi_revoke.model.step import Notice, Phase
from tests.engine.story import CI, Story, step

SERVE = step("s1", "vault/serve", Phase.SERVE)
FINISH = step("finish-s1", "vault/forget", Phase.FINISH)
HELD = "PREVIOUS of vault:x still holds the old one"


def test_a_served_secret_names_what_it_leaves_and_no_more_than_once() -> None:
    story = Story(SERVE).did("s1", leaves=HELD)
    assert story.report().notices == (Notice(CI, HELD, "warning"),)
    assert story.then(verb="hold").report().notices == (Notice(CI, HELD, "warning"),)


def test_it_changes_no_verdict() -> None:
    with_it, without = Story(SERVE).did("s1", leaves=HELD).report(), Story(SERVE).did("s1").report()
    assert (with_it.exit_code, with_it.headline) == (without.exit_code, without.headline)
    assert without.notices == ()


def test_what_is_not_settled_or_says_nothing_leaves_nothing() -> None:
    assert Story(SERVE).seen("s1", leaves=HELD).report().notices == ()
    assert Story(SERVE).did("s1", leaves="").report().notices == ()


def test_finish_speaks_for_what_it_finished() -> None:
    story = Story(SERVE).did("s1", leaves=HELD).then(FINISH, verb="finish")
    assert [n.says for n in story.report().notices] == [HELD], "it has done nothing yet"
    assert story.did("finish-s1").report().notices == ()
    again = Story(SERVE).did("s1", leaves=HELD).then(FINISH, verb="finish").did("finish-s1", leaves="its id reads it")
    assert [n.says for n in again.report().notices] == ["its id reads it"]


def test_what_was_taken_back_leaves_nothing() -> None:
    undo = step("undo-s1", "vault/serve", Phase.END, undoes="s1", ends=())
    assert Story(SERVE).did("s1", leaves=HELD).then(undo, verb="undo").did("undo-s1").report().notices == ()
