"""nhi.toml: which file wins, what it may say, and errors that name the place and the nearest valid word."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from nhi_revoke.config import Config, load_config
from nhi_revoke.model.error import Usage
from nhi_revoke.model.identity import Delivery, FlushTarget
from nhi_revoke.model.ref import PrincipalRef
from nhi_revoke.provider.contract import Provider, Settings

NAMES = ("example", "other")

WHOLE = """\
protect = ["example:role/BreakGlass*"]

[sandbox]
control = "http://127.0.0.1:8000"

[example]
region = "north-1"

[identity.payments-bot]
owner = "payments team"
tags = ["prod"]
principals = [
  "example:user/payments-bot",
  "payments@shop.example",
]

[[identity.payments-bot.deliver]]
from = "example:key"
to = "file:/run/secrets/bot.json"

[[identity.payments-bot.flush]]
use = "exec"
argv = ["systemctl", "restart", "shop"]
timeout = 5

[identity.other-bot]
principals = ["example:user/payments-bot"]
"""


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    regions: tuple[str, ...] = ()


class ExampleSettings(Settings, frozen=True):
    region: str = ""
    retries: int = 3
    accounts: dict[str, Account] = {}  # noqa: RUF012 - msgspec copies it
    homes: tuple[Account, ...] = ()
    main: Account | None = None
    days: tuple[int, ...] | str | None = None
    either: tuple[int, ...] | dict[str, int] | None = None


def example() -> Provider[Any]:
    """Enough of a provider to decode a table with."""

    class Example(Provider[Any]):
        name: ClassVar[str] = "example"
        title: ClassVar[str] = "Example"
        settings: ClassVar[type[Settings]] = ExampleSettings

        def kinds(self) -> Any: ...
        def parse(self, text: str) -> Any: ...
        def kind_of(self, ref: Any) -> Any: ...
        def scope_of(self, ref: Any, settings: Any) -> Any: ...
        def connect(self, scope: str, settings: Any, io: Any) -> Any: ...
        def resolve(self, conn: Any, ref: Any) -> Any: ...

    return Example()


def load(tmp_path: Path, text: str, **environ: str) -> Config:
    (tmp_path / "nhi.toml").write_text(text)
    return load_config(None, {"XDG_STATE_HOME": "/state", **environ}, tmp_path, providers=NAMES)


def wrong(tmp_path: Path, text: str) -> Usage:
    with pytest.raises(Usage) as caught:
        load(tmp_path, text)
    return caught.value


def test_everything_that_a_file_may_say(tmp_path: Path) -> None:
    config = load(tmp_path, WHOLE)
    bot = config.identities["payments-bot"]
    assert list(config.identities) == ["payments-bot", "other-bot"]
    assert bot.name == "payments-bot"
    assert bot.owner == "payments team"
    assert bot.tags == ("prod",)
    assert bot.principals == (
        PrincipalRef("example", "user", "payments-bot"),
        PrincipalRef("", "", "payments@shop.example"),
    )
    assert bot.deliver == (Delivery(kind="example:key", to="file:/run/secrets/bot.json"),)
    assert bot.flush == (FlushTarget("exec", {"argv": ["systemctl", "restart", "shop"], "timeout": 5}),)
    assert config.protect == ("example:role/BreakGlass*",)
    assert config.sandbox == "http://127.0.0.1:8000"
    assert config.tables == {"example": {"region": "north-1"}}
    assert config.settings(example()) == ExampleSettings(region="north-1")
    assert config.path == str(tmp_path / "nhi.toml")
    assert config.state == Path("/state/nhi-revoke")
    assert config.runs == Path("/state/nhi-revoke/runs")
    assert config.locks == Path("/state/nhi-revoke/locks")
    assert config.only is None


def test_two_identities_may_share_a_principal_and_it_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE).shared() == (("example:user/payments-bot", ("payments-bot", "other-bot")),)


def test_one_file_wins_and_files_are_not_merged(tmp_path: Path) -> None:
    def file(name: str, protected: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'protect = ["{protected}"]\n')
        return path

    cwd = tmp_path / "work"
    user = tmp_path / "nhi-revoke" / "nhi.toml"
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    cwd.mkdir()
    assert load_config(None, environ, cwd, providers=()).path is None
    file("nhi-revoke/nhi.toml", "user")
    assert load_config(None, environ, cwd, providers=()).path == str(user)
    file("work/nhi.toml", "project")
    assert load_config(None, environ, cwd, providers=()).protect == ("project",)
    named = {**environ, "NHI_REVOKE_CONFIG": str(file("env.toml", "env"))}
    assert load_config(None, named, cwd, providers=()).protect == ("env",)
    file("work/given.toml", "given")
    assert load_config("given.toml", named, cwd, providers=()).protect == ("given",)


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    environ = {
        "NHI_REVOKE_CONFIG": "",
        "NHI_REVOKE_STATE": "",
        "NHI_REVOKE_PROVIDERS": " , ",
        "XDG_STATE_HOME": "/state",
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    config = load_config(None, environ, tmp_path, providers=())
    assert (config.path, config.only, config.state) == (None, None, Path("/state/nhi-revoke"))


def test_a_relative_xdg_folder_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/from-the-process")
    config = load_config(None, {"XDG_STATE_HOME": "relative"}, tmp_path, providers=())
    assert config.state == Path("/from-the-process/nhi-revoke")


@pytest.mark.parametrize("given", ["absent.toml", "", "."])
def test_a_named_file_must_be_one(tmp_path: Path, given: str) -> None:
    (tmp_path / "nhi.toml").write_text("")
    with pytest.raises(Usage) as caught:
        load_config(given, {}, tmp_path, providers=())
    assert caught.value.code == "config-missing"
    assert "--config" in caught.value.message
    if given:
        with pytest.raises(Usage, match="NHI_REVOKE_CONFIG"):
            load_config(None, {"NHI_REVOKE_CONFIG": given}, tmp_path, providers=())


def test_environment_overrides_single_values(tmp_path: Path) -> None:
    config = load(tmp_path, WHOLE, NHI_REVOKE_STATE="mine", NHI_REVOKE_PROVIDERS="example, other")
    assert config.state == tmp_path / "mine"
    assert config.only == ("example", "other")


def test_bad_toml_names_line_and_column(tmp_path: Path) -> None:
    error = wrong(tmp_path, 'protect = []\nowner = = "x"\n')
    assert error.code == "config-toml"
    assert "line 2, column 9" in error.message
    assert "nhi.toml" in error.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "nhi.toml").write_bytes(b"a = \xff")
    with pytest.raises(Usage, match="not UTF-8 text \\(byte 4\\)"):
        load_config(None, {}, tmp_path, providers=())


def test_a_file_that_cannot_be_read_is_an_error_and_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "nhi.toml").write_text("")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Usage, match="cannot be read: Permission denied"):
        load_config(None, {}, tmp_path, providers=())


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("protected = []", "protected", "protect"),
        ("[identities.bot]", "identities", "identity"),
        ("[zzz]", "zzz", ""),
        ("[exampel]", "exampel", "example"),
        ('[identity.bot]\nprincipals=["a:b/c"]\nowenr = "x"', "owenr", "owner"),
        ('[identity.bot]\nprincipals=["a:b/c"]\n[[identity.bot.deliver]]\nfrom="a:b"\nto="c:d"\ntoo=1', "too", "to"),
        ('[sandbox]\ncontrl = "http://127.0.0.1:1"', "contrl", "control"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_valid_one(
    tmp_path: Path, text: str, key: str, nearest: str
) -> None:
    error = wrong(tmp_path, text)
    assert error.code == "unknown-key"
    assert f'unknown key "{key}"' in error.message
    assert "nhi.toml" in error.message
    assert error.hint == (
        f'Did you mean "{nearest}"?' if nearest else "Valid: approval, example, identity, other, protect, sandbox."
    )


BOT = '[identity.bot]\nprincipals=["a:b/c"]\n[[identity.bot.deliver]]\nfrom="a:key"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('protect = "x"', "protect: expected a list, got a string"),
        ("protect = [1]", "protect[0]: expected a string, got a whole number"),
        ("example = 1", "example: expected a table"),
        ("identity = 1", "identity: expected a table, got a whole number"),
        ("[identity]\nbot = 1", "identity.bot: expected a table, got a whole number"),
        ("[identity.bot]", 'identity.bot: the table lacks the required field "principals"'),
        ("[identity.bot]\nprincipals = []", "identity.bot.principals is empty"),
        ('[identity.bot]\nprincipals = [" "]', "identity.bot.principals is empty or holds an empty text"),
        (
            '[identity.bot]\nprincipals = ["a:b/c"]\nowner = 7',
            "identity.bot.owner: expected a string, got a whole number",
        ),
        ('[identity.bot]\nprincipals = ["a:b/c", 7]', "identity.bot.principals[1]: expected a string"),
        ('[identity."a:b"]\nprincipals = ["a:b/c"]', 'an identity cannot be called "a:b"'),
        ('[identity."@last"]\nprincipals = ["a:b/c"]', 'an identity cannot be called "@last"'),
        ('[identity.bot]\nprincipals=["a:b/c"]\n[[identity.bot.deliver]]\nfrom="key"\nto="file:x"', "provider:kind"),
        ('[identity.bot]\nprincipals=["a:b/c"]\n[[identity.bot.deliver]]\nfrom="a:key"\nto="x"', "store:address"),
        (BOT + 'to="run:x"\nargv=["put"]', 'to = "run:x" does not'),
        (BOT + 'to=""\nargv=["put"]', 'to = "" does not'),
        (BOT + 'to="run"\ntimeout=9', "argv, timeout and cwd belong together"),
        (BOT + 'to="run"\ncwd="/srv"\nargv=[]', "argv, timeout and cwd belong together"),
        (BOT + 'to="run"\nargv="put"', "argv: expected a list, got a string"),
        ('[identity.bot]\nprincipals=["a:b/c"]\n[[identity.bot.flush]]\nurl="x"', 'every flush needs use = "NAME"'),
        ("[sandbox]\ncontrol = 1", "sandbox.control: expected a string"),
    ],
)
def test_a_wrong_value_says_where_and_what_is_expected(tmp_path: Path, text: str, says: str) -> None:
    error = wrong(tmp_path, text)
    assert says in error.message
    assert str(tmp_path / "nhi.toml") in error.message
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("table", "to"),
    [
        ('to="run"\nargv=["/bin/put", "--to", "a b", "ü\\"#"]', 'run:["/bin/put","--to","a b","ü\\"#"]'),
        ('to="run#token"\nargv=["put"]', 'run:["put"]#token'),
        ('to="run"\nargv=["put"]\ntimeout=9.5\ncwd="/srv"', 'run:{"argv":["put"],"timeout":9.5,"cwd":"/srv"}'),
        ('to="run#token"\nargv=["put"]\ntimeout=9', 'run:{"argv":["put"],"timeout":9.0}#token'),
        ("to='run:[\"put\"]'", 'run:["put"]'),
    ],
)
def test_a_program_may_stand_beside_its_store(tmp_path: Path, table: str, to: str) -> None:
    """The plan, the journal and `--deliver` have it in one text."""
    path = tmp_path / "nhi.toml"
    path.write_text(BOT + table)
    [delivery] = load_config(str(path), {"HOME": str(tmp_path)}, tmp_path).identities["bot"].deliver
    assert delivery == Delivery(kind="a:key", to=to)


def test_a_delivery_must_name_a_principal_of_its_identity(tmp_path: Path) -> None:
    error = wrong(
        tmp_path,
        '[identity.bot]\nprincipals=["a:user/bot"]\n'
        '[[identity.bot.deliver]]\nfrom="a:key"\nto="file:/x"\nprincipal="a:user/bto"',
    )
    assert "none of this identity's principals" in error.message
    assert error.hint == 'Did you mean "a:user/bot"?'


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8000",
        "http://sandbox.example",
        "https://127.0.0.1:1",
        "http://u:p@127.0.0.1:1",
        "127.0.0.1:1",
        "",
        "http://127.0.0.1.example/",
    ],
)
def test_a_sandbox_is_on_loopback_or_nowhere(tmp_path: Path, url: str) -> None:
    assert wrong(tmp_path, f'[sandbox]\ncontrol = "{url}"').code == "sandbox-not-loopback"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:2"])
def test_loopback_has_several_names(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, f'[sandbox]\ncontrol = "{url}"').sandbox == url


@pytest.mark.parametrize(
    ("table", "says", "hint"),
    [
        ('regoin = "x"', 'unknown key "regoin" (table [example])', 'Did you mean "region"?'),
        ("region = 1", "example.region: expected a string, got a whole number", ""),
        ('accounts.one.rloe = "x"', 'unknown key "rloe" (table [example.accounts.one])', 'Did you mean "role"?'),
        ("accounts.one.role = true", "example.accounts.one.role: expected a string, got true or false", ""),
        ('accounts.one = {role="r", regions=[1]}', "example.accounts.one.regions[0]: expected a string", ""),
        ('main.rloe = "x"', 'unknown key "rloe" (table [example.main])', 'Did you mean "role"?'),
        ("main = 1", "example.main: expected a table", ""),
        ("days = [1, 'x']", "example.days[1]: expected a whole number, got a string", ""),
        ("either = ['x']", "example.either[0]: expected a whole number, got a string", ""),
        ("either.x = 'y'", "example.either.x: expected a whole number, got a string", ""),
        ('homes = [{role="r"}, {}]', 'example.homes[1]: the table lacks the required field "role"', ""),
    ],
)
def test_a_providers_table_is_checked_against_its_settings(tmp_path: Path, table: str, says: str, hint: str) -> None:
    config = load(tmp_path, f"[example]\n{table}")
    with pytest.raises(Usage) as caught:
        config.settings(example())
    assert says in caught.value.message
    assert "nhi.toml" in caught.value.message
    assert caught.value.hint == hint


def test_a_provider_without_a_table_has_its_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "").settings(example()) == ExampleSettings()


def test_a_table_without_keys_says_so(tmp_path: Path) -> None:
    config = load(tmp_path, "[other]\nkey = 1")
    provider = example()
    provider.__dict__.update(name="other", settings=Settings)
    with pytest.raises(Usage) as caught:
        config.settings(provider)
    assert caught.value.hint == "This table takes no keys."


def test_the_installed_providers_are_asked_only_where_there_are_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def entry_points(group: str) -> tuple[Any, ...]:
        asked.append(group)
        return ()

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    (tmp_path / "nhi.toml").write_text("protect = []")
    load_config(None, {}, tmp_path)
    assert asked == []
    (tmp_path / "nhi.toml").write_text("[example]")
    with pytest.raises(Usage, match='unknown key "example"'):
        load_config(None, {}, tmp_path)
    assert asked == ["nhi_revoke.providers"]
