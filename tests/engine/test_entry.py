"""What `find NAME` proposes for the map: pasted, it loads; what is not sure is commented out, whoever named it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from msgspec.structs import replace

from nhi_revoke.config import load_config
from nhi_revoke.engine.entry import entry
from nhi_revoke.engine.likeness import Alike, Speaks
from nhi_revoke.model.alike import Candidate
from nhi_revoke.model.ref import PrincipalRef

SURE = Alike(
    Candidate(PrincipalRef("one", "user", "bot"), "user", "bot", "s", owner="team"), "sure",
    (Speaks("name", "its name bot: exactly this name", "GET /x"),),
)  # fmt: skip
MAYBE = Alike(Candidate(PrincipalRef("two", "app", "7"), "app", "Bot", "s"), "maybe", (), "it is called alike")
EVIL = 'x"]\nprotect = []\n[identity.evil]\nprincipals = ["one:user/y'


def test_a_new_identity(tmp_path: Path) -> None:
    text = entry("bot", "", [SURE, MAYBE], ())
    assert text.splitlines() == [
        "# Paste this at the end of nhi.toml.",
        "[identity.bot]",
        'owner = "team"',
        "principals = [",
        "  # its name bot: exactly this name.",
        '  "one:user/bot",',
        "  # Not sure: take the # away where you know that it is so.",
        "  # Bot: it is called alike.",
        '  # "two:app/7",',
        "]",
    ]
    file = tmp_path / "nhi.toml"
    file.write_text(text)
    identity = load_config(str(file), {}, tmp_path, providers=()).identities["bot"]
    assert (identity.principals, identity.owner) == ((SURE.principal.ref,), "team")
    file.write_text(text.replace('# "', '"'))
    assert len(load_config(str(file), {}, tmp_path, providers=()).identities["bot"].principals) == 2


def test_a_name_that_is_taken_or_no_name_gets_another() -> None:
    assert "[identity.bot-2]" in entry("bot", "", [SURE], ("bot",))
    assert "[identity.one-user-bot]" in entry("one:user/bot", "", [SURE], ())


def test_nothing_sure_changes_nothing_where_it_is_pasted() -> None:
    text = entry("bot", "", [MAYBE], ())
    assert tomllib.loads(text) == {}
    assert '# # "two:app/7",' not in text
    shown = (line.lstrip().removeprefix("# ") for line in text.splitlines())
    lines = [line for line in shown if line[0] in '["]' or line.endswith("[")]
    assert tomllib.loads("\n".join(lines)) == {"identity": {"bot": {"principals": ["two:app/7"]}}}


def test_of_an_identity_that_is_there_only_what_it_lacks() -> None:
    mapped = replace(SURE, identity="bot")
    assert entry("bot", "bot", [mapped], ("bot",)) == ""
    text = entry("bot", "bot", [mapped, replace(SURE, principal=replace(SURE.principal, ref=MAYBE.principal.ref))], ())
    assert '"one:user/bot"' not in text
    assert "[identity." not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert tomllib.loads(f"p = [\n{text}]") == {"p": ["two:app/7"]}


def test_a_name_chosen_by_an_intruder_stays_a_name() -> None:
    """In the list, and commented out; and as a reason."""
    evil = replace(SURE, principal=replace(SURE.principal, ref=PrincipalRef("one", "user", EVIL)))
    doubted = replace(MAYBE, principal=replace(MAYBE.principal, name=EVIL, ref=PrincipalRef("two", "app", EVIL)))
    why = replace(evil, because=(Speaks("name", f"its name {EVIL}: exactly this name", "GET /x"),))
    loaded = tomllib.loads(entry("bot", "", [why, doubted], ()))
    assert loaded == {"identity": {"bot": {"owner": "team", "principals": [f"one:user/{EVIL}"]}}}
    assert tomllib.loads(entry("bot", "", [doubted], ())) == {}
