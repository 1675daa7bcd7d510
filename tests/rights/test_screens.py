"""Whole screens of `doctor` and `permissions` on a terminal of 80 columns."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from nhi_revoke.cli.data import Checked, Right
from nhi_revoke.cli.doctor import verdict_code
from nhi_revoke.testing.conformance import World
from nhi_revoke_example import provider
from tests.cli.conftest import Cli, Ran

NARROW = {"COLUMNS": "80", "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(provider, tmp_path_factory.mktemp("example")) as made:
        yield made


@pytest.fixture
def cli(world: World) -> Cli:
    world.sandbox.allow_only(None)
    return Cli(world)


def shown(ran: Ran) -> str:
    return "\n".join(each.rstrip() for each in ran.out.splitlines())


def test_doctor_where_everything_is_held(cli: Cli) -> None:
    ran = cli("doctor", tty=True, environ=NARROW)
    assert (ran.code, shown(ran)) == (
        0,
        """\
example  default account  ok
  you are: example:bot/responder
  list     6 of 6 held
  contain  7 of 7 held
  rotate   6 of 6 held
  checked by GET /allowed""",
    )


def test_doctor_where_two_are_missing(cli: Cli) -> None:
    every = {each["permission"] for each in cli("permissions", "-o", "json").json["data"]}
    cli.world.sandbox.allow_only(sorted(every - {"cutoff.write", "events.read"}))
    ran = cli("doctor", "example", "--stage", "contain", tty=True, environ=NARROW)
    assert (ran.code, shown(ran)) == (
        8,
        """\
example  default account  ok
  you are: example:bot/responder
  list     5 of 6 held, 1 MISSING
  contain  6 of 7 held, 1 MISSING
  MISSING cutoff.write (contain): example:session/revoke-older cannot cut
  MISSING events.read (list): example:session is UNSEEN
  checked by GET /allowed

Without one of its permissions a step fails, or can be neither seen nor taken
  back; what is listed with one of them is a blind spot.
Next: nhi-revoke permissions example --stage contain""",
    )
    assert cli.mutations == []


def test_doctor_where_nothing_is_allowed(cli: Cli) -> None:
    cli.world.sandbox.allow_only([])
    ran = cli("doctor", tty=True, environ=NARROW)
    assert ran.code == 4, "no permission anywhere"
    said = " ".join(ran.out.split())
    assert "MISSING 8 more, of " in said
    assert ": nhi-revoke doctor example -o csv " in said


def test_doctor_where_the_check_is_denied(cli: Cli) -> None:
    cli.world.sandbox.fault("allowed", "denied")
    ran = cli("doctor", tty=True, environ=NARROW)
    assert (ran.code, shown(ran)) == (
        9,
        """\
example  default account  ok
  you are: example:bot/responder
  list     0 of 6 held, 6 UNKNOWN
  contain  0 of 7 held, 7 UNKNOWN
  rotate   0 of 6 held, 6 UNKNOWN
  UNKNOWN bots.find, bots.read, cutoff.read, and 11 more: GET /allowed was
    denied""",
    )


def test_permissions_name_what_is_handed_over(cli: Cli) -> None:
    ran = cli("permissions", "example", "--stage", "rotate", tty=True, environ=NARROW)
    assert (ran.code, shown(ran)) == (
        0,
        """\
PROVIDER  STAGE   PERMISSION     NEEDED BY
────────────────────────────────────────────────────────────────────────
example   rotate  cache.flush    example-cache
example   rotate  tokens.create  example:token/create
example   rotate  tokens.delete  example:token/create
example   rotate  tokens.list    example:token/create
example   rotate  vault.read     example-vault/stage example-vault/serve
example   rotate  vault.write    example-vault/stage example-vault/serve

TO HAND OVER
  nhi-revoke permissions example --stage rotate --document role
    It gives 14 permissions. Example Cloud takes it at Admin > Roles > Import.""",
    )


def test_a_document_goes_into_a_pipe_alone_and_what_to_do_with_it_beside(cli: Cli) -> None:
    ran = cli("permissions", "example", "--stage", "list", "--document", "role")
    assert json.loads(ran.out) == {
        "permissions": ["bots.find", "bots.read", "cutoff.read", "events.read", "tokens.list", "trusts.list"]
    }
    assert ran.err == "list.json: Example Cloud takes it at Admin > Roles > Import.\n"
    assert cli("permissions", "example", "--stage", "list", "--document", "role", "-q").err == ""
    told = cli("permissions", "example", "--document", "role", "-o", "json").json["data"]
    assert told["text"] == cli("permissions", "example", "--document", "role").out
    assert (told["media_type"], len(told["grants"])) == ("application/json", 14)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("example", "--document", "rol"), 'Did you mean "role"? The documents here: role.'),
        (("--document", "role"), "no provider is named"),
        (("example", "--document", "role", "-o", "csv"), "Formats of this command: table, json."),
        (("exampel",), "example"),
    ],
)
def test_what_cannot_be_printed_is_a_usage_error(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ran = cli("permissions", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in " ".join(ran.err.split())


def test_doctor_of_an_unknown_provider_is_a_usage_error(cli: Cli) -> None:
    ran = cli("doctor", "exampel")
    assert (ran.code, ran.out) == (2, "")
    assert "example" in ran.err


def test_exit_codes_are_those_that_a_run_would_end_with() -> None:
    ok = [Checked("x", "", "ok", ("x:bot/me",))]

    def right(stage: str, state: str, *, later: bool = False) -> Right:
        return Right("x", "", stage, f"{stage}-{state}", state, later)

    held = right("list", "held")
    assert verdict_code(ok, [held]) == 0
    assert verdict_code(ok, [held, right("rotate", "unknown", later=True)]) == 0
    assert verdict_code(ok, [held, right("rotate", "unknown")]) == 9
    assert verdict_code(ok, [held, right("list", "missing")]) == 9
    assert verdict_code(ok, [held, right("contain", "missing"), right("list", "unknown")]) == 8
    assert verdict_code(ok, [held, right("rotate", "missing")]) == 8
    assert verdict_code(ok, [right("list", "missing"), right("contain", "missing")]) == 4
    assert verdict_code([*ok, Checked("y", "", "unauthenticated")], [held]) == 9
    assert verdict_code([Checked("y", "", "unauthenticated")], []) == 4
