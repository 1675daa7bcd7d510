"""What holds for the files of this repository, whoever wrote them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from nhi_revoke.completion.table import COMMANDS, SECTIONS, TOPIC_NAMES

ROOT = Path(__file__).parents[2]
VENDORS = "aws iam okta github gcp google azure entra amazon boto moto".split()  # noqa: SIM905 - a list of words
SKIPPED = {
    ".git",
    ".venv",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "dist",
    "build",
}


def files(*suffixes: str, under: str = ".") -> list[Path]:
    """Files that git would track, as far as a folder without git can tell."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", under],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        found = [ROOT / name for name in asked.stdout.splitlines()]
    else:
        found = [path for path in (ROOT / under).rglob("*") if not SKIPPED & set(path.parts)]
    return [path for path in found if path.is_file() and (not suffixes or path.suffix in suffixes)]


def readme() -> ModuleType:
    """The generator beside this file."""
    spec = importlib.util.spec_from_file_location("readme", Path(__file__).with_name("readme.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pyproject() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_there_is_something_to_check() -> None:
    assert len(files(".py", under="nhi_revoke")) > 100
    assert len(files(".py", under="tests")) > 20


def test_the_core_names_no_vendor() -> None:
    word = re.compile(rf"(?<![a-z])({'|'.join(VENDORS)})(?![a-z])", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files(".py", under="nhi_revoke")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_vendor_check_can_fail() -> None:
    word = re.compile(rf"(?<![a-z])({'|'.join(VENDORS)})(?![a-z])", re.IGNORECASE)
    assert word.search('    name = "aws_key"  # noqa')
    assert word.search("an IAM user")
    assert not word.search("central, remote, laws")


def test_no_module_is_longer_than_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): n for path in files(".py") if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def test_no_registry_and_no_path_of_one_machine_is_named() -> None:
    here = "|".join(("tmp", "work", "root"))
    hosts = "|".join(
        ("py" + "pi", "python" + "hosted", "npm" + "js")
    )  # taken apart, so that this file names none, either
    bad = re.compile(rf"index-url|(?:{hosts})\.(?:org|com)|registry *= *[\"{{]? *http|(?<![\w.*])/({here})/[a-z]")
    own = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in files()
        if path != own and path.suffix not in (".png", ".ico")
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if bad.search(line)
    ]
    assert not found, "\n".join(found)
    assert bad.search(f"cd /{'work'}/main")


def test_the_roots_of_the_import_rules_and_the_wheel_are_the_packages_there_are() -> None:
    providers = sorted(path.name for path in (ROOT / "providers").iterdir() if path.name.startswith("nhi_revoke_"))
    project = pyproject()
    tool = project["tool"]
    assert isinstance(tool, dict)
    linter = tool["importlinter"]
    assert sorted(linter["root_packages"]) == ["nhi_revoke", *providers]
    by_name = {contract["name"]: contract for contract in linter["contracts"]}
    assert by_name["Providers see the contract and the model alone"]["source_modules"] == providers
    assert by_name["Providers do not see each other"]["modules"] == providers
    assert by_name["The core names no provider"]["forbidden_modules"] == providers
    wheel = tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert wheel == ["nhi_revoke", *(f"providers/{name}" for name in providers)]
    assert sorted(tool["coverage"]["run"]["source"]) == ["nhi_revoke", *providers]
    entries = project["project"]
    assert isinstance(entries, dict)
    assert entries["entry-points"]["nhi_revoke.providers"] == {
        name.removeprefix("nhi_revoke_"): f"{name}:provider" for name in providers
    }


def test_every_package_of_the_core_that_a_provider_may_not_see_is_forbidden() -> None:
    tool = pyproject()["tool"]
    assert isinstance(tool, dict)
    contract = next(c for c in tool["importlinter"]["contracts"] if c["name"].startswith("Providers see"))
    packages = {path.name for path in (ROOT / "nhi_revoke").iterdir() if (path / "__init__.py").exists()}
    assert set(contract["forbidden_modules"]) == {f"nhi_revoke.{name}" for name in packages - {"model", "provider"}}


@pytest.mark.parametrize("part", ["kinds", "commands", "states", "exit-codes"])
def test_the_readme_is_what_the_code_is(part: str) -> None:
    made = readme()
    text = (ROOT / "README.md").read_text()
    assert made.replaced(text, {part: made.parts()[part]}) == text, "run: python tests/repository/readme.py"


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one pair of marks for 'tour'"):
        readme().replaced("no marks", {"tour": "x"})


def test_the_tour_is_real_output() -> None:
    text = (ROOT / "README.md").read_text()
    tour = text.split("<!-- tour:begin -->")[1].split("<!-- tour:end -->")[0]
    assert tour.startswith("\n```console\n$ nhi-revoke demo\n")
    assert "$ nhi-revoke revoke" in tour
    assert "0 other than the report said" in " ".join(tour.split())
    assert "\x1b" not in tour


def test_the_readme_says_what_was_never_tried_and_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "No part of this has ever run against a live vendor" in text
    assert "    make demo " in text
    assert "    make test " in text


def test_the_license_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.splitlines()) == 202


def test_the_command_table_has_one_module_each_and_known_sections() -> None:
    names = [row.name for row in COMMANDS]
    assert len(set(names)) == len(names)
    assert {row.section for row in COMMANDS} == set(SECTIONS)
    assert len(TOPIC_NAMES) == 8
    for row in COMMANDS:
        assert (ROOT / "nhi_revoke" / "cli" / f"{row.name}.py").exists(), row.name
        assert row.help.endswith(".")
    changing = {row.name for row in COMMANDS if row.changes}
    acting = {"revoke", "rotate", "apply", "resume", "hold", "release", "undo", "finish"}
    assert changing == {"triage", "campaign", "worker", *acting}


def test_pins_name_no_place_and_no_editable() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!-]*", pin) for pin in pins)


def test_nothing_that_the_two_commands_make_is_tracked() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    for name in (".venv/", "__pycache__/", ".coverage*", ".pytest_cache/", ".hypothesis/", ".import_linter_cache/"):
        assert name in ignored
