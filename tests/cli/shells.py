"""Real shells, asked what they offer after Tab: each is started once for many lines."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "completions"
SHELLS = ("bash", "zsh", "fish")
_MARK = "=== "

_BASH = f"""
source "{FOLDER}/nhi-revoke.bash"
compopt() {{ :; }}
while IFS= read -r COMP_LINE; do
  COMP_POINT=${{#COMP_LINE}} COMP_WORDS=($COMP_LINE)
  _nhi_revoke
  printf '{_MARK}%s\\n' "$COMP_LINE"
  for each in "${{COMPREPLY[@]}}"; do printf '%s\\n' "$each"; done
done
"""

_FISH = f"""
source {FOLDER}/nhi-revoke.fish
while read -l line
  echo '{_MARK}'$line
  complete -C $line | string split -f 1 \\t
end
true
"""

# Completion runs in the line editor alone: the first prompt does it all, and leaves.
_ZSH = f"""
PROMPT=
unsetopt AUTO_LIST AUTO_MENU
autoload -Uz compinit
compinit -u -D
source {FOLDER}/nhi-revoke.zsh
compadd() {{
  if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a found
  builtin compadd -A found "$@"
  print -rl -- "${{found[@]}}" >> $ASKED.out
  builtin compadd "$@"
}}
zle-line-init() {{
  local line
  for line in "${{(@f)$(<$ASKED)}}"; do
    print -r -- "{_MARK}$line" >> $ASKED.out
    BUFFER=$line CURSOR=$#line
    zle complete-word
    print -r -- "$BUFFER" >> $ASKED.buffers
  done
  exit
}}
zle -N zle-line-init
"""


def shell(name: str) -> str:
    """Its path. In CI it must be there (`.ci/run` installs it); elsewhere the test is skipped, and says so."""
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("CI"), f"NOT CHECKED: {name} is not installed; .ci/run installs it"
        pytest.skip(f"NOT CHECKED: {name} is not installed")
    return found


def offered(name: str, lines: Sequence[str], folder: Path) -> Mapping[str, list[str]]:
    """What the shell offers at the end of each line."""
    program = shell(name)
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TERM": "xterm"}
    if name == "zsh":
        return _sorted(_zsh(program, lines, folder, environ))
    asked = "".join(f"{line}\n" for line in lines)
    words = ["--norc", "-c", _BASH] if name == "bash" else ["-N", "-c", _FISH]
    ran = subprocess.run([program, *words], input=asked, capture_output=True, text=True, check=True, env=environ)
    assert ran.stderr == ""
    return _sorted(ran.stdout)


def buffers(folder: Path) -> list[str]:
    """The line that zsh made of each, by what it inserted."""
    return (folder / "asked.buffers").read_text().splitlines()


def _zsh(program: str, lines: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    asked = folder / "asked"
    asked.write_text("\n".join(lines))
    for old in ("asked.out", "asked.buffers"):
        (folder / old).unlink(missing_ok=True)
    (folder / ".zshrc").write_text(_ZSH)
    leader, follower = pty.openpty()
    whole = {**environ, "ZDOTDIR": str(folder), "ASKED": str(asked), "HOME": str(folder)}
    with subprocess.Popen(
        [program, "-i"], stdin=follower, stdout=follower, stderr=follower, env=whole, start_new_session=True
    ):
        os.close(follower)
        told = b""
        while part := _part(leader):
            told += part
    os.close(leader)
    assert (folder / "asked.out").exists(), told.decode(errors="replace")
    return (folder / "asked.out").read_text()


def _part(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # Linux: the other end is closed
        return b""


def _sorted(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    at = ""
    for line in text.splitlines():
        if line.startswith(_MARK):
            at = line.removeprefix(_MARK)
            found[at] = []
        elif line:
            found[at].append(line)
    return found
