"""What leaked is handed over: AWS refuses the key itself afterwards, and somebody else's key is not passed over."""

from __future__ import annotations

from tests.incident.conftest import BOT, YES, Incident

NO_ROTATION = (*YES, "--rotate", "no", "-o", "json")


def test_the_leaked_key_is_proven_dead_by_itself(incident: Incident) -> None:
    key = incident.aws.loot().key
    file = incident.folder / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {key.key_id}\naws_secret_access_key = {key.secret}\n")
    ran = incident("revoke", BOT, *NO_ROTATION, "--leaked-from", str(file))
    proofs = {o["access"]["id"]: o["proof"] for o in ran.json["data"]["outcomes"]}
    assert proofs[f"aws:access-key/{key.key_id}"] == "enforced"
    assert key.secret not in ran.out + ran.err
    assert incident.key_states()[key.key_id] is False


def test_a_key_of_nobody_in_the_plan_is_told_with_the_way_to_it(incident: Incident) -> None:
    [(key_id, secret)] = incident.bot("somebody")
    file = incident.folder / "leaked"
    file.write_text(f"{key_id}:{secret}\n")
    ran = incident("revoke", BOT, *NO_ROTATION, "--leaked-from", str(file))
    [spot] = [b for b in ran.json["data"]["blind"] if key_id in b["why"]]
    assert spot["needs"] == f"nhi-revoke list {key_id}"
    assert spot["counts"]
    assert incident.works(key_id, secret), "it is not in the plan, so it is not touched"
    assert secret not in ran.out + ran.err
