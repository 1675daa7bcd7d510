"""What logs and lists say of sessions elsewhere, judged without asking anybody."""

from __future__ import annotations

from msgspec.structs import replace

from nhi_revoke.engine.inventory import canonical
from nhi_revoke.engine.outsiders import as_lead, denied_already, outsiders_become_leads
from nhi_revoke.model.found import Access, BlindSpot, Lead
from nhi_revoke.model.ref import PrincipalRef
from tests.engine.cloud import bot
from tests.engine.story import CI, access, principal, standing
from tests.engine.tick import after


def test_sessions_of_others_become_leads_once() -> None:
    mine, theirs = access("s/1", family="session"), access("s/2", family="session", on=bot("x"))
    found = outsiders_become_leads([mine, theirs, mine, theirs, as_lead(theirs)], {CI})
    assert found == (mine, as_lead(theirs))


def test_what_a_standing_cut_off_denies_already() -> None:
    cut = standing(denied_before=after(50))
    young, old = (access(f"s/{n}", family="session", created=after(n)) for n in (60, 40))
    assert denied_already(young, [cut]) is young
    shut = denied_already(old, [cut])
    assert isinstance(shut, Access)
    assert shut.state == "disabled"
    assert "12:00:50Z" in shut.note
    assert denied_already(replace(old, created=None), [cut]) == replace(old, created=None)
    assert denied_already(replace(old, family="key"), [cut]).id == old.id  # type: ignore[union-attr]
    assert denied_already(replace(cut, created=after(1)), [cut]) == replace(cut, created=after(1))
    lead = Lead(CI, "w", "e", at=after(40), session="s/3")
    assert "is denied there" in denied_already(lead, [cut]).shut  # type: ignore[union-attr]
    assert denied_already(replace(lead, to=bot("x")), [cut]) == replace(lead, to=bot("x"))
    spot = BlindSpot(CI, "k", "w")
    assert denied_already(spot, [cut]) is spot


def test_what_the_first_wave_could_not_know_is_filled_in() -> None:
    typed, who = PrincipalRef("fake", "", "ci"), principal()
    item = Access("k/{scope}/{name}/1", typed, "k", "key", "live", "{name}", parent="p/{scope}", door="{name}")
    assert canonical(item, typed, who) == replace(item, on=CI, id="k/org/ci/1", label="ci", parent="p/org", door="ci")
    assert canonical(BlindSpot(typed, "k", "w"), typed, who) == BlindSpot(CI, "k", "w")
    assert canonical(replace(item, on=bot("x"), parent=None), typed, who).on == bot("x")  # type: ignore[union-attr]
    lead = Lead(typed, "w", "e")
    assert canonical(lead, typed, who) is lead


# -- planning ----------------------------------------------------------------------------------------------------------
