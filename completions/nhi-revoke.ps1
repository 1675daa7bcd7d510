# Made by python -m nhi_revoke.completion.generate; do not edit.
# UNTESTED: generated like the scripts for bash, zsh and fish, and never run in PowerShell.
# Use: add `. FOLDER/nhi-revoke.ps1` to $PROFILE.
Register-ArgumentCompleter -Native -CommandName nhi-revoke -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = [ordered]@{
    'list' = 'Every live way in, what it reaches, and what could not be seen.'
    'audit' = 'The same, judged by the exit code: 0 means nothing live and nothing unseen.'
    'find' = 'Principals by name, what a repository''s jobs hold, or who uses a key.'
    'triage' = 'What a leaked credential is, whether it is alive, and whose; --revoke goes on.'
    'plan' = 'What `revoke` would do, in order, with what breaks and what stays.'
    'revoke' = 'End every session and key now, then replace what has a delivery target.'
    'rotate' = 'Replace first, prove the new one, then end the old one and its sessions.'
    'approve' = 'Sign a saved plan, where it needs more than one person.'
    'apply' = 'Carry out a saved plan, without a prompt.'
    'campaign' = 'Many identities at once: plan, apply in waves, status, undo, one report.'
    'worker' = 'Work on campaigns of a database, beside other machines.'
    'resume' = 'Go on with a run that was interrupted or crashed.'
    'hold' = 'Keep what a run ended ended, until the last residual has passed.'
    'verify' = 'Look again, later. Changes nothing.'
    'release' = 'Take the brakes off, so that the replacement works.'
    'undo' = 'Take back what a run touched and can be taken back.'
    'finish' = 'After the soak: delete what the run disabled.'
    'runs' = 'The journals on this machine; export and import them.'
    'report' = 'The report of a run, from its journal alone.'
    'identities' = 'The identity map of nhi.toml, and whether it holds.'
    'providers' = 'Installed providers, and what each can end.'
    'permissions' = 'Permissions that each stage needs, per provider.'
    'doctor' = 'Whether providers load, who you are on each, what you would need.'
    'config' = 'Every setting, and where its value comes from.'
    'schema' = 'JSON Schema of the output.'
    'demo' = 'The whole job against a sandbox on this machine, with an intruder who tries every door.'
    'help' = 'Topics: exit-codes, environment, identities, formats, approval, safety, reasons, completion.'
  }
  $options = @{
    'list' = @('--logs', '--no-logs', '--since', '--experimental', '--leaked-from', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'audit' = @('--fail-on', '--from', '--all', '--accept', '--accept-from', '--data', '--logs', '--no-logs', '--since', '--experimental', '--leaked-from', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'find' = @('--repo', '--consumers', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'triage' = @('--file', '--offline', '--look', '--no-look', '--logs', '--no-logs', '--revoke', '--reason', '--case', '--scope', '--rotate', '--brake', '--settle', '--grace', '--until-unused', '--cut-trust', '--keep-trust', '--free-slot', '--keep-sessions', '--follow', '--since', '--experimental', '--deliver', '--format', '-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '--break-glass', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'plan' = @('--reason', '--case', '--scope', '--rotate', '--brake', '--settle', '--grace', '--until-unused', '--cut-trust', '--keep-trust', '--free-slot', '--keep-sessions', '--follow', '--since', '--experimental', '--deliver', '--format', '--order', '--save', '--overwrite', '--detailed-exitcode', '--leaked-from', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'revoke' = @('--reason', '--case', '--scope', '--rotate', '--brake', '--settle', '--grace', '--until-unused', '--cut-trust', '--keep-trust', '--free-slot', '--keep-sessions', '--follow', '--since', '--experimental', '--deliver', '--format', '-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '--leaked-from', '--break-glass', '-n', '--dry-run', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'rotate' = @('--reason', '--case', '--scope', '--rotate', '--brake', '--settle', '--grace', '--until-unused', '--cut-trust', '--keep-trust', '--free-slot', '--keep-sessions', '--follow', '--since', '--experimental', '--deliver', '--format', '-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '--leaked-from', '--break-glass', '-n', '--dry-run', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'approve' = @('--key', '--confirm', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'apply' = @('--stale', '--allow-irreversible', '-f', '--force', '--max-accesses', '--leaked-from', '--break-glass', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'campaign' = @('--order', '--save', '--overwrite', '--from-map', '--format', '--tenants', '--canary', '--wave', '--stop-on-failures', '--max-outage', '--rate', '--share', '--reason', '--case', '--scope', '--rotate', '--brake', '--settle', '--grace', '--until-unused', '--cut-trust', '--keep-trust', '--free-slot', '--keep-sessions', '--follow', '--since', '--experimental', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help', '--allow-irreversible', '-f', '--force', '--max-accesses', '--database', '--no-work', '--at-once', '--workers', '--break-glass', '--why', '--again', '--rearm', '-y', '--yes')
    'worker' = @('--database', '--at-once', '--until-idle', '--tenants', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'resume' = @('--leaked-from', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'hold' = @('--leaked-from', '--interval', '--for', '--until', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'verify' = @('--leaked-from', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'release' = @('-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '--wait', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'undo' = @('-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '--rearm', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'finish' = @('-y', '--yes', '--confirm', '--allow-irreversible', '-f', '--force', '--max-accesses', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'runs' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'report' = @('--sign-with', '--issuer', '--audience', '--key-id', '--verify', '--redact', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'identities' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'providers' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'permissions' = @('--stage', '--document', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'doctor' = @('--stage', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'config' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'schema' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'demo' = @('--scenario', '--keep', '--serve', '-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
    'help' = @('-o', '--output', '--out', '-q', '--quiet', '-v', '--verbose', '--no-color', '--no-pager', '--no-input', '--config', '--debug', '-h', '--help')
  }
  $words = @{
    'campaign' = @('plan', 'apply', 'status', 'pause', 'resume', 'undo', 'report')
    'runs' = @('export', 'import')
    'identities' = @('check')
    'config' = @('show', 'path')
    'schema' = @('list', 'audit', 'find', 'triage', 'plan', 'revoke', 'rotate', 'approve', 'apply', 'campaign', 'worker', 'resume', 'hold', 'verify', 'release', 'undo', 'finish', 'runs', 'report', 'identities', 'providers', 'permissions', 'doctor', 'config', 'schema', 'demo', 'help')
    'help' = @('exit-codes', 'environment', 'identities', 'formats', 'approval', 'safety', 'reasons', 'completion')
  }
  $values = @{
    '-o' = @('table', 'json', 'ndjson', 'csv', 'md', 'html', 'ocsf', 'caep', 'junit', 'sarif')
    '--output' = @('table', 'json', 'ndjson', 'csv', 'md', 'html', 'ocsf', 'caep', 'junit', 'sarif')
    '--reason' = @('leaked', 'token-reuse', 'recovery-change', 'vendor-breach', 'runner-compromise', 'offboarding')
    '--rotate' = @('wait', 'now', 'no')
    '--brake' = @('auto', 'on', 'off')
    '--follow' = @('identity', 'none')
    '--order' = @('contain', 'rollover')
    '--stale' = @('drop', 'refuse')
    '--stage' = @('list', 'contain', 'rotate')
    '--scenario' = @('incident', 'rollover')
  }
  $typed = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
  $command = $typed | Where-Object { -not $_.StartsWith('-') } | Select-Object -First 1
  $previous = $typed | Select-Object -Last 1
  $offers = if (-not $command) {
    @($commands.Keys) + @('--help', '--version')
  } elseif ($previous -and $values.ContainsKey($previous)) {
    $values[$previous]
  } elseif ($wordToComplete.StartsWith('-')) {
    $options[$command]
  } else {
    @($words[$command]) + @(nhi-revoke __complete @typed "$wordToComplete" 2>$null)
  }
  $offers | Where-Object { $_ -and $_.StartsWith($wordToComplete) } | ForEach-Object {
    $value, $says = $_ -split "`t", 2
    if (-not $says) { $says = if ($commands.Contains($value)) { $commands[$value] } else { $value } }
    $text = if ($value -match '[^\w@.:/+=-]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
    [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $says)
  }
}
