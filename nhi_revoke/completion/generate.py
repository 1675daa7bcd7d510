"""Writes the static completion scripts: `python -m nhi_revoke.completion.generate completions`.

A test holds the files equal to what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from nhi_revoke.completion.grammar import Command, Option, commands

FILES = ("nhi-revoke.bash", "nhi-revoke.zsh", "nhi-revoke.fish")
_HEAD = "# Made by python -m nhi_revoke.completion.generate; do not edit.\n"


def scripts() -> dict[str, str]:
    """File name -> content."""
    found = commands()
    return dict(zip(FILES, (bash(found), zsh(found), fish(found)), strict=True))


def bash(found: Sequence[Command]) -> str:
    """Words and options from tables; identities and runs are asked of `nhi-revoke __complete`."""
    arms = "".join(_bash_arm(each) for each in found)
    values = "".join(
        f'    {"|".join(option.names)}) COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur")); return ;;\n'
        for option in _distinct(option for each in found for option in each.options if option.choices)
    )
    files = "|".join(
        dict.fromkeys(name for each in found for option in each.options if option.file for name in option.names)
    )
    takes = "|".join(
        dict.fromkeys(
            name
            for each in found
            for option in each.options
            if option.takes_value and not option.choices and not option.file
            for name in option.names
        )
    )
    return f"""{_HEAD}_nhi_revoke() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= index words= options=
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${{COMP_WORDS[index]}} in -*) ;; *) command=${{COMP_WORDS[index]}}; break ;; esac
  done
  case $prev in
{values}    {files}) compopt -o default; return ;;
    {takes}) return ;;
  esac
  case $command in
    '') words="{" ".join(each.name for each in found)}"; options="--help --version" ;;
{arms}  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "${{words//@ask/}}" -- "$cur"))
  if [[ $words == *"@ask"* ]]; then
    local IFS=$'\\n'
    COMPREPLY+=($("${{COMP_WORDS[0]}}" __complete "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
  fi
}}
complete -F _nhi_revoke nhi-revoke
"""


def zsh(found: Sequence[Command]) -> str:
    """The same in zsh's own words, with the help beside each."""
    described = "\n".join(f"    {_quoted(f'{each.name}:{each.help}')}" for each in found)
    arms = "".join(
        f"    {each.name})\n      _arguments -S {_zsh_arguments(each)} && return 0\n      ;;\n" for each in found
    )
    return f"""#compdef nhi-revoke
{_HEAD}_nhi_revoke_ask() {{
  local -a found
  found=("${{(@f)$(nhi-revoke __complete "${{(@)words[1,CURRENT]}}" 2>/dev/null)}}")
  compadd -Q -- $found
}}
_nhi_revoke() {{
  local -a commands
  commands=(
{described}
  )
  local context state line
  _arguments -C '(-h --help)'{{-h,--help}}'[Show help]' '(-V --version)'{{-V,--version}}'[Print the version]' \\
    '1: :->command' '*:: :->rest' && return 0
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $words[1] in
{arms}  esac
}}
_nhi_revoke "$@"
"""


def fish(found: Sequence[Command]) -> str:
    """One `complete` line for each word and option."""
    lines = [f"{_HEAD}complete -c nhi-revoke -f"]
    no_command = "-n __fish_use_subcommand"
    lines += [f"complete -c nhi-revoke {no_command} -a {each.name} -d {_quoted(each.help)}" for each in found]
    for each in found:
        seen = f"-n '__fish_seen_subcommand_from {each.name}'"
        lines += [f"complete -c nhi-revoke {seen}{_fish_option(option)}" for option in each.options]
        if each.words:
            lines.append(f"complete -c nhi-revoke {seen} -a {_quoted(' '.join(each.words))}")
        if each.dynamic:
            asked = "(nhi-revoke __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)"
            lines.append(f"complete -c nhi-revoke {seen} -a '{asked}'")
        if each.files:
            lines.append(f"complete -c nhi-revoke {seen} -F")
    return "\n".join(lines) + "\n"


def _bash_arm(each: Command) -> str:
    names = " ".join(name for option in each.options for name in option.names)
    words = " ".join([*each.words, *(["@ask"] if each.dynamic else [])])
    files = " compopt -o default;" if each.files else ""
    return f'    {each.name}) words="{words}"; options="{names}";{files} ;;\n'


def _zsh_arguments(each: Command) -> str:
    parts = [_zsh_option(option) for option in each.options]
    if each.dynamic:
        parts.append("'*: :_nhi_revoke_ask'")
    if each.words:
        parts.append(f"'1: :({' '.join(each.words)})'" if not each.dynamic else "")
    if each.files and not each.dynamic:
        parts.append("'*: :_files'")
    return " \\\n        ".join(part for part in parts if part)


def _zsh_option(option: Option) -> str:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", " -")
    value = ""
    if option.takes_value:
        values = f"({' '.join(option.choices)})" if option.choices else "_files" if option.file else ""
        value = f":value:{values}"
    spellings = "{" + ",".join(option.names) + "}" if len(option.names) > 1 else option.names[0]
    return f"{spellings}{_quoted(f'[{text}]{value}')}"


def _fish_option(option: Option) -> str:
    spelled = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
    takes = " -r" if option.takes_value else ""
    if option.choices:
        takes += f" -a {_quoted(' '.join(option.choices))}"
    elif option.file:
        takes += " -F"
    return f"{spelled}{takes} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    """For a POSIX shell, zsh or fish: single quotes, those inside told apart."""
    return "'" + text.replace("'", "’") + "'"


def _distinct(options: Iterable[Option]) -> list[Option]:
    seen: dict[tuple[str, ...], Option] = {}
    for option in options:
        seen.setdefault(option.names, option)
    return list(seen.values())


def main(arguments: Sequence[str]) -> int:
    """Write the three files into the folder."""
    folder = Path(arguments[0]) if arguments else Path("completions")
    for name, content in scripts().items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
