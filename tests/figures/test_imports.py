"""What each start loads: the part of "starts fast" that no busy machine can blur."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nhi_revoke.provider.sandbox.server import LoopbackServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROOT = Path(__file__).parents[2]
SHOW = """
import contextlib, io, json, sys
sys.argv = ["nhi-revoke", *json.loads(sys.argv[1])]
from nhi_revoke.__main__ import main
said = io.StringIO()
with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
    try:
        code = main()
    except SystemExit as exit:
        code = exit.code
print(json.dumps({"code": code, "said": said.getvalue(), "modules": sorted(sys.modules)}))
"""
VENDORS = {"boto3", "botocore", "s3transfer", "urllib3", "moto", "kubernetes"}
HEAVY = {
    "pydantic",
    "rich",
    "markdown_it",
    "pygments",
    "httpx",
    "asyncio",
    "ssl",
    "http",
    "importlib.metadata",
    "jinja2",
}
HTTPX_COMMAND_LINE = {"httpx._main", "click", "rich", "pygments"}
NO_ENGINE = {"nhi_revoke.engine.service", "nhi_revoke.provider.registry", "nhi_revoke_aws", "nhi_revoke_local"}


def loaded(*arguments: str, code: int = 0) -> set[str]:
    """Names of the modules, by every prefix, that a process has after this command line."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW, json.dumps(arguments)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["code"] in (code, None), told["said"]
    return {".".join(name.split(".")[:n]) for name in told["modules"] for n in range(1, name.count(".") + 2)}


def test_the_version_loads_python_and_nothing_else() -> None:
    assert not loaded("--version") & (VENDORS | HEAVY | NO_ENGINE | {"typer", "msgspec", "nhi_revoke.cli"})


FAST = """
import sys
before = set(sys.modules)
from nhi_revoke.__main__ import main
main()
print("modules", *sorted(set(sys.modules) - before))
"""
ENTRY = {"nhi_revoke", "nhi_revoke.__main__"}
COMPLETION = {"nhi_revoke.completion", *(f"nhi_revoke.completion.{name}" for name in ("answer", "local", "table"))}


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (("--version",), set[str]()),
        (("__complete", "re"), COMPLETION),
        (("__complete", "undo", "@last", ""), COMPLETION),
        (("__complete", "revoke", "x", "--cut-trust", ""), COMPLETION),
        (("__complete", "permissions", ""), COMPLETION),
    ],
)
def test_what_answers_at_once_loads_these_modules_and_no_other(arguments: tuple[str, ...], more: set[str]) -> None:
    """Not even `json` or `re`, each of which costs as much as the whole answer."""
    done = subprocess.run([sys.executable, "-c", FAST, *arguments], capture_output=True, text=True, check=True)
    *_, last = done.stdout.splitlines()
    # What measures the tests may have loaded that before.
    assert set(last.split()[1:]) - {"__future__"} == ENTRY | more


@pytest.mark.parametrize("arguments", [("--help",), ("list", "--help"), ("revoke", "--help")])
def test_help_loads_no_vendor_no_engine_and_nothing_that_draws(arguments: tuple[str, ...]) -> None:
    there = loaded(*arguments)
    assert "typer" in there
    assert not there & (VENDORS | HEAVY | NO_ENGINE)


def test_help_loads_only_the_command_that_it_is_about() -> None:
    commands = {name for name in loaded("list", "--help") if name.startswith("nhi_revoke.cli.")}
    assert "nhi_revoke.cli.list" in commands
    assert not commands & {
        f"nhi_revoke.cli.{name}" for name in ("revoke", "demo", "hold", "schema", "runs", "permissions")
    }


def test_a_usage_error_loads_no_vendor() -> None:
    assert not loaded("list", "--no-such-option", code=2) & (VENDORS | NO_ENGINE | {"pydantic", "httpx"})


def test_a_list_that_names_nobody_loads_no_vendor() -> None:
    """The identity is resolved before anything of a vendor is needed."""
    there = loaded("list", "nobody-of-this-name", "--no-input", code=3)
    assert "nhi_revoke.engine.service" in there
    assert not there & (VENDORS | {"pydantic", "httpx", "markdown_it"})


def test_a_list_loads_the_vendors_core_and_no_resources_or_transfers(tmp_path: object) -> None:
    """It fails for want of an endpoint on this machine: by then everything that a list needs is loaded."""
    config = f"{tmp_path}/nhi.toml"
    with open(config, "w") as file:
        file.write('[aws]\nendpoint_url = "http://127.0.0.1:1"\nprofile = "none-of-this-name"\nregion = "us-east-1"\n')
    there = loaded("list", "aws:user/ci-bot", "--no-input", "--config", config, code=4)
    assert "botocore.client" in there or "botocore.session" in there
    assert not there & {"boto3", "s3transfer", "moto", "pydantic", "httpx", "markdown_it", "nhi_revoke_aws.sandbox"}
    assert not there & {"google", "grpc", "nhi_revoke_gcp.iam"}, "Google's libraries are for Google's principals"


def test_a_list_of_another_vendor_loads_nothing_of_the_rest(tmp_path: Path) -> None:
    """Up to its first request, which is refused."""
    org = LoopbackServer(unauthorized, lambda: datetime.now(UTC))
    org.start()
    (tmp_path / "token").write_text("00" + "x" * 40)
    config = tmp_path / "nhi.toml"
    config.write_text(f'[okta]\norg_url = "{org.url}"\ntoken_file = "{tmp_path}/token"\n')
    try:
        there = loaded("list", "okta:app/x", "--no-input", "--config", str(config), code=4)
    finally:
        org.close()
    assert {"nhi_revoke_okta.connection", "httpx"} <= there, "it came as far as asking"
    rest = {
        "google",
        "grpc",
        "msal",
        "azure",
        "jinja2",
        "rich.markdown",
        "markdown_it",
        "pydantic",
        "jwt",
        "cryptography",
        *HTTPX_COMMAND_LINE,
    }
    assert not there & (VENDORS | rest | {"nhi_revoke_aws.connection", "nhi_revoke_okta.sandbox", "werkzeug"})


@pytest.mark.parametrize("arguments", [("--help",), ("providers",), ("permissions", "gcp")])
def test_what_asks_nothing_of_google_loads_none_of_its_libraries(arguments: tuple[str, ...]) -> None:
    assert not loaded(*arguments) & {"google", "grpc"}


def test_a_list_of_googles_loads_no_other_vendor_and_no_transport_of_its_own(tmp_path: Path) -> None:
    """Up to a key file that is none."""
    (tmp_path / "key.json").write_text("{}")
    config = tmp_path / "nhi.toml"
    config.write_text(f'[gcp]\ncredentials_file = "{tmp_path}/key.json"\n')
    bot = "gcp:sa/bot@shop-prod.iam.gserviceaccount.com"
    there = loaded("list", bot, "--no-input", "--config", str(config), code=4)
    assert "google.auth" in there
    assert not there & (VENDORS | HTTPX_COMMAND_LINE)
    assert not there & {"msal", "jwt", "requests", "nhi_revoke_gcp.sandbox", "werkzeug"}


ALONE = """
import sys
from nhi_revoke.provider.httpx_alone import httpx
assert not {"httpx._main", "click", "rich"} & set(sys.modules), "its command line came along"
import httpx as everybodys
assert everybodys is httpx
from httpx._main import main
assert main.params, "and is there for whoever wants it"
"""
FIRST = """
import httpx as before, sys
line = sys.modules["httpx._main"]
from nhi_revoke.provider.httpx_alone import httpx
assert httpx is before and httpx.main is line.main and sys.modules["httpx._main"] is line
"""


def at_run_time(tree: ast.AST) -> Iterator[str]:
    """What a module imports, but for its type annotations."""
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        return
    if isinstance(tree, ast.Import):
        yield from (each.name for each in tree.names)
    if isinstance(tree, ast.ImportFrom) and tree.module:
        yield tree.module
    for child in ast.iter_child_nodes(tree):
        yield from at_run_time(child)


def test_what_asks_a_vendor_takes_httpx_without_its_command_line() -> None:
    product = (path for folder in ("nhi_revoke", "providers") for path in (ROOT / folder).rglob("*.py"))
    texts = {path: path.read_text() for path in product if "sandbox" not in path.parts}
    takes = {path.stem: set(at_run_time(ast.parse(text))) for path, text in texts.items() if "httpx" in text}
    assert "nhi_revoke.provider.httpx_alone" in takes["cookieless"]
    assert [name for name, imports in takes.items() if "httpx" in imports] == []


@pytest.mark.parametrize("program", [ALONE, FIRST], ids=["after us", "before us"])
def test_whoever_uses_httpx_beside_us_has_all_of_it(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def unauthorized(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("401 No", [("Content-Type", "application/json")])
    return [b'{"errorCode": "E0000011"}']
