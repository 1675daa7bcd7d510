"""The completion script for PowerShell. Nobody has run it: there is no PowerShell where this was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nhi_revoke.completion.grammar import Command


def powershell(found: Sequence[Command]) -> str:
    """Commands, options and values from tables; the rest is asked of `nhi-revoke __complete`, as in every shell."""
    helps = "\n".join(f"    {_quoted(each.name)} = {_quoted(each.help)}" for each in found)
    options = "\n".join(
        f"    {_quoted(each.name)} = {_list(name for option in each.options for name in option.names)}"
        for each in found
    )
    words = "\n".join(f"    {_quoted(each.name)} = {_list(each.words)}" for each in found if each.words)
    chosen = {name: o.choices for each in found for o in each.options if o.choices for name in o.names}
    values = "\n".join(f"    {_quoted(name)} = {_list(choices)}" for name, choices in chosen.items())
    return f"""# UNTESTED: generated like the scripts for bash, zsh and fish, and never run in PowerShell.
# Use: add `. FOLDER/nhi-revoke.ps1` to $PROFILE.
Register-ArgumentCompleter -Native -CommandName nhi-revoke -ScriptBlock {{
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = [ordered]@{{
{helps}
  }}
  $options = @{{
{options}
  }}
  $words = @{{
{words}
  }}
  $values = @{{
{values}
  }}
  $typed = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} | ForEach-Object {{ $_.Extent.Text }})
  $command = $typed | Where-Object {{ -not $_.StartsWith('-') }} | Select-Object -First 1
  $previous = $typed | Select-Object -Last 1
  $offers = if (-not $command) {{
    @($commands.Keys) + @('--help', '--version')
  }} elseif ($previous -and $values.ContainsKey($previous)) {{
    $values[$previous]
  }} elseif ($wordToComplete.StartsWith('-')) {{
    $options[$command]
  }} else {{
    @($words[$command]) + @(nhi-revoke __complete @typed "$wordToComplete" 2>$null)
  }}
  $offers | Where-Object {{ $_ -and $_.StartsWith($wordToComplete) }} | ForEach-Object {{
    $value, $says = $_ -split "`t", 2
    if (-not $says) {{ $says = if ($commands.Contains($value)) {{ $commands[$value] }} else {{ $value }} }}
    $text = if ($value -match '[^\\w@.:/+=-]') {{ "'" + $value.Replace("'", "''") + "'" }} else {{ $value }}
    [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $says)
  }}
}}
"""


def _list(words: Iterable[str]) -> str:
    return f"@({', '.join(map(_quoted, words))})"


def _quoted(text: str) -> str:
    """A literal string: nothing in it is expanded. A typographic quote would end one, too."""
    return "'" + text.replace("'", "''").replace("’", "''") + "'"
