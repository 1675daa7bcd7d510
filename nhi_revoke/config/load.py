"""Find the one file, read it, check it, and lay the environment over it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nhi_revoke.config.approval import approving
from nhi_revoke.config.decode import decode, unknown_key
from nhi_revoke.config.identity import identities
from nhi_revoke.config.origin import origins
from nhi_revoke.config.shape import Config
from nhi_revoke.model.error import Usage

FILE = "nhi.toml"
APP = "nhi-revoke"
CORE = ("identity", "protect", "approval", "sandbox")
"""Top-level keys that are no provider's table."""


def load_config(
    path: str | None, environ: Mapping[str, str], cwd: Path, *, providers: Collection[str] | None = None
) -> Config:
    """The configuration of one command. One file wins; files are not merged.

    Order: `path` (of `--config`), `$NHI_REVOKE_CONFIG`, `./nhi.toml`, `$XDG_CONFIG_HOME/nhi-revoke/nhi.toml`; the
    first two must exist where they are given. `providers`: the names whose tables are valid; None asks the installed
    ones, and only where the file has tables to check.

    Raises Usage, with the place in the file.
    """
    file = find_file(path, environ, cwd)
    text = _read(file) if file else ""
    data = _parse(text, file) if file else {}
    name = str(file) if file else FILE
    tables = {key: value for key, value in data.items() if key not in CORE}
    if tables:
        _check_tables(tables, providers, environ, name)
    state, only = _state(environ, cwd), _only(environ)
    return Config(
        state=state,
        path=str(file) if file else None,
        identities=identities(data.get("identity", {}), name),
        protect=decode(data.get("protect", []), tuple[str, ...], ("protect",), name),
        only=only,
        approval=approving(data.get("approval"), name, file.parent if file else cwd),
        sandbox=_sandbox(data.get("sandbox", {}), name),
        tables=tables,
        sources=partial(origins, data, text, name, state, only, environ),
    )


def find_file(path: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file that wins, or None. Raises Usage where a named one does not exist."""
    named = environ.get("NHI_REVOKE_CONFIG", "")
    for source, given in (("--config", path), ("NHI_REVOKE_CONFIG", named or None)):
        if given is not None:
            file = cwd / given
            if not given or not file.is_file():
                raise Usage(
                    "config-missing",
                    f'{source} names "{given}", which is no file. Nothing was looked at and nothing was changed.',
                    f"Give the path of an existing {FILE}, or leave {source} out.",
                )
            return file
    for file in (cwd / FILE, _xdg("config", environ) / FILE):
        if file.is_file():
            return file
    return None


def _xdg(what: str, environ: Mapping[str, str]) -> Path:
    """The user's folder for `config` or `state`; a relative XDG variable does not count (XDG Base Directory spec)."""
    given = environ.get(f"XDG_{what.upper()}_HOME", "")
    if given.startswith("/"):
        return Path(given) / APP
    import platformdirs

    return platformdirs.user_config_path(APP) if what == "config" else platformdirs.user_state_path(APP)


def _state(environ: Mapping[str, str], cwd: Path) -> Path:
    given = environ.get("NHI_REVOKE_STATE", "")
    return cwd / given if given else _xdg("state", environ)


def _only(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in environ.get("NHI_REVOKE_PROVIDERS", "").split(",") if name.strip())
    return names or None


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise Usage("config-unreadable", f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise Usage("config-toml", f"{file} is not UTF-8 text (byte {error.start}).") from None


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Usage("config-toml", f"{file} is not valid TOML: {error}.") from None


def _check_tables(
    tables: dict[str, Any], providers: Collection[str] | None, environ: Mapping[str, str], file: str
) -> None:
    if providers is None:
        from nhi_revoke.provider.registry import Registry

        providers = Registry.installed(environ).known()
    for key, value in tables.items():
        if key not in providers:
            raise unknown_key(key, "", [*CORE, *providers], file)
        if not isinstance(value, dict):
            raise Usage("bad-value", f"{file}: {key}: expected a table ([{key}]). Nothing was read from this file.")


def _sandbox(table: object, file: str) -> str:
    """The control door's URL. A sandbox moves the clock, so that it must never be somebody else's machine."""
    import ipaddress
    from urllib.parse import urlsplit

    if table == {}:
        return ""
    url = decode(table, dict[str, str], ("sandbox",), file)
    for key in url:
        if key != "control":
            raise unknown_key(key, "sandbox", ["control"], file)
    parts = urlsplit(url["control"])
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if parts.scheme != "http" or not loopback or "@" in parts.netloc:
        raise Usage(
            "sandbox-not-loopback",
            f"{file}: sandbox.control must be an http:// address of this machine's loopback, such as "
            "http://127.0.0.1:8000. A sandbox sets the clock; nobody else's machine may.",
        )
    return url["control"]
