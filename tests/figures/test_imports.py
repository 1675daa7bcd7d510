"""What each start loads: the part of "starts fast" that no busy machine can blur."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
VENDORS = {"boto3", "botocore", "s3transfer", "urllib3", "moto"}
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
