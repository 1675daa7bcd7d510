"""Writes the static completion scripts and the manual page: `python -m nhi_revoke.completion.generate completions`.

A test holds the files equal to what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from nhi_revoke.completion.grammar import Command, Option, commands
from nhi_revoke.completion.manual import manual
from nhi_revoke.completion.powershell import powershell

FILES = ("nhi-revoke.bash", "nhi-revoke.zsh", "nhi-revoke.fish", "nhi-revoke.ps1", "nhi-revoke.1")
_HEAD = "# Made by python -m nhi_revoke.completion.generate; do not edit.\n"


def scripts() -> dict[str, str]:
    """File name -> content."""
    found = commands()
    made = (bash(found), zsh(found), fish(found), _HEAD + powershell(found), manual(found))
    return dict(zip(FILES, made, strict=True))


def bash(found: Sequence[Command]) -> str:
    """Words and options from tables; identities, runs, accesses and providers are asked of `nhi-revoke __complete`.

    Bash cuts the line at ":" and "=", which stand in ids: so the line is read anew, and what bash keeps is taken off
    the answers. They are quoted, since an intruder may have named what they name.
    """
    arms = "".join(_bash_arm(each) for each in found)
    options = distinct(option for each in found for option in each.options if option.takes_value)
    values = "".join(
        f'    {"|".join(option.names)}) COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur")); return ;;\n'
        for option in options
        if option.choices
    )
    files = "|".join(name for option in options if option.file for name in option.names)
    asks = "|".join(name for option in options if option.asks for name in option.names)
    takes = "|".join(
        name for option in options if not (option.choices or option.file or option.asks) for name in option.names
    )
    return f"""{_HEAD}_nhi_revoke_ask() {{
  local offer lead=
  [[ $COMP_WORDBREAKS == *:* && $cur == *[:=]* ]] && lead=${{cur%"${{cur##*[:=]}}"}}
  while IFS= read -r offer; do
    offer=${{offer%%$'\\t'*}}
    printf -v offer %q "${{offer#"$lead"}}"
    COMPREPLY+=("$offer")
  done < <("${{COMP_WORDS[0]}}" __complete "${{line[@]:1}}" 2>/dev/null)
}}
_nhi_revoke() {{
  local typed=${{COMP_LINE:0:COMP_POINT}} command= index words= options=
  local -a line
  COMPREPLY=()
  read -ra line <<< "$typed"
  [[ $typed == *[[:space:]] ]] && line+=("")
  local last=$((${{#line[@]}} - 1))
  if [[ ${{line[last]}} == --*=* ]]; then
    line=("${{line[@]:0:last}}" "${{line[last]%%=*}}" "${{line[last]#*=}}")
    ((++last))
  fi
  local cur=${{line[last]}} prev=${{line[last - 1]}}
  for ((index = 1; index < last; index++)); do
    case ${{line[index]}} in -*) ;; *) command=${{line[index]}}; break ;; esac
  done
  case $prev in
{values}    {files}) compopt -o default; return ;;
    --accept) compopt -o nospace; _nhi_revoke_ask; return ;;
    {asks}) _nhi_revoke_ask; return ;;
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
  [[ $words == *"@ask"* ]] && _nhi_revoke_ask
}}
complete -F _nhi_revoke nhi-revoke
"""


def zsh(found: Sequence[Command]) -> str:
    """The same in zsh's own words, with the help beside each."""
    described = "\n".join(f"    {quoted(f'{each.name}:{each.help}')}" for each in found)
    arms = "".join(
        f"    {each.name})\n      _arguments -S {_zsh_arguments(each)} && return 0\n      ;;\n" for each in found
    )
    return f"""#compdef nhi-revoke
{_HEAD}_nhi_revoke_ask() {{
  local -a lines values shown
  lines=(${{(f)"$(nhi-revoke __complete "${{(@Q)words[1,CURRENT]}}" 2>/dev/null)"}})
  (( $#lines )) || return 1
  values=("${{(@)lines%%$'\\t'*}}")
  shown=("${{(@)lines/$'\\t'/  -- }}")
  [[ ${{words[CURRENT-1]}} == --accept ]] && compadd -S '' -l -d shown -a values || compadd -l -d shown -a values
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
if [[ $funcstack[1] == _nhi-revoke ]]; then
  _nhi_revoke "$@"
else
  compdef _nhi_revoke nhi-revoke
fi
"""


def fish(found: Sequence[Command]) -> str:
    """One `complete` line for each word and option."""
    lines = [f"{_HEAD}complete -c nhi-revoke -f"]
    no_command = "-n __fish_use_subcommand"
    lines += [f"complete -c nhi-revoke {no_command} -a {each.name} -d {quoted(each.help)}" for each in found]
    for each in found:
        seen = f"-n '__fish_seen_subcommand_from {each.name}'"
        lines += [f"complete -c nhi-revoke {seen}{_fish_option(option)}" for option in each.options]
        if each.words and not each.dynamic:
            lines.append(f"complete -c nhi-revoke {seen} -a {quoted(' '.join(each.words))}")
        if each.dynamic:
            lines.append(f"complete -c nhi-revoke {seen} -a '{_FISH_ASKS}'")
        if each.files:
            lines.append(f"complete -c nhi-revoke {seen} -F")
    return "\n".join(lines) + "\n"


_FISH_ASKS = "(nhi-revoke __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)"


def _bash_arm(each: Command) -> str:
    names = " ".join(name for option in each.options for name in option.names)
    words = "@ask" if each.dynamic else " ".join(each.words)
    files = " compopt -o default;" if each.files else ""
    return f'    {each.name}) words="{words}"; options="{names}";{files} ;;\n'


def _zsh_arguments(each: Command) -> str:
    parts = [_zsh_option(option) for option in each.options]
    if each.dynamic:
        parts.append("'*: :_nhi_revoke_ask'")
    elif each.words:
        parts.append(f"'1: :({' '.join(each.words)})'")
    if each.files and not each.dynamic:
        parts.append("'*: :_files'")
    return " \\\n        ".join(parts)


def _zsh_option(option: Option) -> str:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", " -")
    value = ""
    if option.takes_value:
        values = f"({' '.join(option.choices)})" if option.choices else "_files" if option.file else ""
        value = f":value:{'_nhi_revoke_ask' if option.asks else values}"
    names = option.names
    if option.takes_value:  # `--output json`, `--output=json`, `-o json`, `-ojson`
        names = tuple(f"{name}=" if name.startswith("--") else f"{name}+" for name in names)
    names = tuple(f"'*{name}'" if option.repeats else name for name in names)
    spellings = "{" + ",".join(names) + "}" if len(names) > 1 else names[0]
    return f"{spellings}{quoted(f'[{text}]{value}')}"


def _fish_option(option: Option) -> str:
    spelled = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
    takes = " -r -F" if option.file else " -x" if option.takes_value else ""
    if option.choices:
        takes += f" -a {quoted(' '.join(option.choices))}"
    elif option.asks:
        takes += f" -a '{_FISH_ASKS}'"
    return f"{spelled}{takes} -d {quoted(option.help)}"


def quoted(text: str) -> str:
    """For a POSIX shell, zsh or fish: single quotes, those inside told apart."""
    return "'" + text.replace("'", "’") + "'"


def distinct(options: Iterable[Option]) -> list[Option]:
    """Each option once: what several commands share is the same in all."""
    seen: dict[tuple[str, ...], Option] = {}
    for option in options:
        seen.setdefault(option.names, option)
    return list(seen.values())


def main(arguments: Sequence[str]) -> int:
    """Write the files into the folder."""
    folder = Path(arguments[0]) if arguments else Path("completions")
    for name, content in scripts().items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
