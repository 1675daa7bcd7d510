#compdef nhi-revoke
# Made by python -m nhi_revoke.completion.generate; do not edit.
_nhi_revoke_ask() {
  local -a lines values shown
  lines=(${(f)"$(nhi-revoke __complete "${(@Q)words[1,CURRENT]}" 2>/dev/null)"})
  (( $#lines )) || return 1
  values=("${(@)lines%%$'\t'*}")
  shown=("${(@)lines/$'\t'/  -- }")
  [[ ${words[CURRENT-1]} == --accept ]] && compadd -S '' -l -d shown -a values || compadd -l -d shown -a values
}
_nhi_revoke() {
  local -a commands
  commands=(
    'list:Every live way in, what it reaches, and what could not be seen.'
    'audit:The same, judged by the exit code: 0 means nothing live and nothing unseen.'
    'find:Principals by name, what a repository’s jobs hold, or who uses a key.'
    'triage:What a leaked credential is, whether it is alive, and whose; --revoke goes on.'
    'plan:What `revoke` would do, in order, with what breaks and what stays.'
    'revoke:End every session and key now, then replace what has a delivery target.'
    'rotate:Replace first, prove the new one, then end the old one and its sessions.'
    'approve:Sign a saved plan, where it needs more than one person.'
    'apply:Carry out a saved plan, without a prompt.'
    'campaign:Many identities at once: plan, apply in waves, status, undo, one report.'
    'worker:Work on campaigns of a database, beside other machines.'
    'resume:Go on with a run that was interrupted or crashed.'
    'hold:Keep what a run ended ended, until the last residual has passed.'
    'verify:Look again, later. Changes nothing.'
    'release:Take the brakes off, so that the replacement works.'
    'undo:Take back what a run touched and can be taken back.'
    'finish:After the soak: delete what the run disabled.'
    'runs:The journals on this machine; export and import them.'
    'report:The report of a run, from its journal alone.'
    'identities:The identity map of nhi.toml, and whether it holds.'
    'providers:Installed providers, and what each can end.'
    'permissions:Permissions that each stage needs, per provider.'
    'doctor:Whether providers load, who you are on each, what you would need.'
    'config:Every setting, and where its value comes from.'
    'schema:JSON Schema of the output.'
    'demo:The whole job against a sandbox on this machine, with an intruder who tries every door.'
    'help:Topics: exit-codes, environment, identities, formats, approval, safety, reasons, completion.'
  )
  local context state line
  _arguments -C '(-h --help)'{-h,--help}'[Show help]' '(-V --version)'{-V,--version}'[Print the version]' \
    '1: :->command' '*:: :->rest' && return 0
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $words[1] in
    list)
      _arguments -S {--logs,--no-logs}'[Read logs for live sessions and their lineage (slow, and they lag).]' \
        --since='[Read logs from then on - 2026-01-31T14 -00Z, 2h ago.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    audit)
      _arguments -S '*--fail-on=''[What keeps it from passing; may be repeated, or a list with commas.]:value:' \
        --from='[Many identities - one a line, or CSV or TOML with names.]:value:' \
        --all'[Every identity of nhi.toml.]' \
        '*--accept=''[Known and wanted - an access, a lead, or KIND of what is unseen.]:value:_nhi_revoke_ask' \
        '*--accept-from=''[The same, from TOML - ((accept)) with id, reason and until.]:value:_files' \
        --data='[Keep what was judged, as JSON (0600) - -o md has its sha256.]:value:_files' \
        {--logs,--no-logs}'[Read logs for live sessions and their lineage (slow, and they lag).]' \
        --since='[Read logs from then on - 2026-01-31T14 -00Z, 2h ago.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    find)
      _arguments -S --repo='[Instead - every identity that jobs of this repository could hold.]:value:' \
        --consumers='[Instead - who uses its credentials, as a proposal for nhi.toml.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    triage)
      _arguments -S --file='[Read it there (- for standard input) instead of a pipe or a paste.]:value:_files' \
        --offline'[Ask nobody - only what the shapes tell.]' \
        {--look,--no-look}'[Count the other accesses of each owner, as list does.]' \
        {--logs,--no-logs}'[Read logs for live sessions and their lineage (slow, and they lag).]' \
        --revoke'[Go on - revoke the owners of what is alive, or may be.]' \
        --reason='[Why; picks defaults, never the order (help reasons).]:value:(leaked token-reuse recovery-change vendor-breach runner-compromise offboarding)' \
        --case='[Case number for the report.]:value:' \
        --scope='[End only these.]:value:_nhi_revoke_ask' \
        --rotate='[When a replacement is made.]:value:(wait now no)' \
        --brake='[Whether the principal itself is stopped.]:value:(auto on off)' \
        --settle='[Instead of each vendor’s own - 60, 90s, 2m.]:value:' \
        --grace='[rotate - both work this long after the proof.]:value:' \
        --until-unused='[rotate - the old one ends once no use of it has shown this long (waits 24 h at most).]:value:' \
        '*--cut-trust=''[Close this trust; may be repeated.]:value:_nhi_revoke_ask' \
        '*--keep-trust=''[Leave this trust open, knowingly.]:value:_nhi_revoke_ask' \
        '*--free-slot=''[May be deleted now to make room for the new one.]:value:_nhi_revoke_ask' \
        --keep-sessions'[rotate - leave the old sessions alive. The report says so in red.]' \
        --follow='[Whether what appears on the plan’s own principals is ended, too.]:value:(identity none)' \
        --since='[When it began - 2026-01-31T14 -00Z, 2h ago, 12h.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        '*--deliver=''[Where the replacement of this kind goes.]:value:' \
        --format='[Of each --deliver - how it is written there, as its users read it.]:value:' \
        {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        --break-glass='[Do it without the approval that nhi.toml demands; loud, and in the report.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    plan)
      _arguments -S --reason='[Why; picks defaults, never the order (help reasons).]:value:(leaked token-reuse recovery-change vendor-breach runner-compromise offboarding)' \
        --case='[Case number for the report.]:value:' \
        --scope='[End only these.]:value:_nhi_revoke_ask' \
        --rotate='[When a replacement is made.]:value:(wait now no)' \
        --brake='[Whether the principal itself is stopped.]:value:(auto on off)' \
        --settle='[Instead of each vendor’s own - 60, 90s, 2m.]:value:' \
        --grace='[rotate - both work this long after the proof.]:value:' \
        --until-unused='[rotate - the old one ends once no use of it has shown this long (waits 24 h at most).]:value:' \
        '*--cut-trust=''[Close this trust; may be repeated.]:value:_nhi_revoke_ask' \
        '*--keep-trust=''[Leave this trust open, knowingly.]:value:_nhi_revoke_ask' \
        '*--free-slot=''[May be deleted now to make room for the new one.]:value:_nhi_revoke_ask' \
        --keep-sessions'[rotate - leave the old sessions alive. The report says so in red.]' \
        --follow='[Whether what appears on the plan’s own principals is ended, too.]:value:(identity none)' \
        --since='[When it began - 2026-01-31T14 -00Z, 2h ago, 12h.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        '*--deliver=''[Where the replacement of this kind goes.]:value:' \
        --format='[Of each --deliver - how it is written there, as its users read it.]:value:' \
        --order='[contain - as revoke does it; rollover - as rotate.]:value:(contain rollover)' \
        --save='[Keep the plan for nhi-revoke apply (0600).]:value:_files' \
        --overwrite'[Let --save replace a file.]' \
        --detailed-exitcode'[Exit 10 where the plan has steps.]' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    revoke)
      _arguments -S --reason='[Why; picks defaults, never the order (help reasons).]:value:(leaked token-reuse recovery-change vendor-breach runner-compromise offboarding)' \
        --case='[Case number for the report.]:value:' \
        --scope='[End only these.]:value:_nhi_revoke_ask' \
        --rotate='[When a replacement is made.]:value:(wait now no)' \
        --brake='[Whether the principal itself is stopped.]:value:(auto on off)' \
        --settle='[Instead of each vendor’s own - 60, 90s, 2m.]:value:' \
        --grace='[rotate - both work this long after the proof.]:value:' \
        --until-unused='[rotate - the old one ends once no use of it has shown this long (waits 24 h at most).]:value:' \
        '*--cut-trust=''[Close this trust; may be repeated.]:value:_nhi_revoke_ask' \
        '*--keep-trust=''[Leave this trust open, knowingly.]:value:_nhi_revoke_ask' \
        '*--free-slot=''[May be deleted now to make room for the new one.]:value:_nhi_revoke_ask' \
        --keep-sessions'[rotate - leave the old sessions alive. The report says so in red.]' \
        --follow='[Whether what appears on the plan’s own principals is ended, too.]:value:(identity none)' \
        --since='[When it began - 2026-01-31T14 -00Z, 2h ago, 12h.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        '*--deliver=''[Where the replacement of this kind goes.]:value:' \
        --format='[Of each --deliver - how it is written there, as its users read it.]:value:' \
        {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        --break-glass='[Do it without the approval that nhi.toml demands; loud, and in the report.]:value:' \
        {-n,--dry-run}'[Only show the plan; nothing is changed.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    rotate)
      _arguments -S --reason='[Why; picks defaults, never the order (help reasons).]:value:(leaked token-reuse recovery-change vendor-breach runner-compromise offboarding)' \
        --case='[Case number for the report.]:value:' \
        --scope='[End only these.]:value:_nhi_revoke_ask' \
        --rotate='[When a replacement is made.]:value:(wait now no)' \
        --brake='[Whether the principal itself is stopped.]:value:(auto on off)' \
        --settle='[Instead of each vendor’s own - 60, 90s, 2m.]:value:' \
        --grace='[rotate - both work this long after the proof.]:value:' \
        --until-unused='[rotate - the old one ends once no use of it has shown this long (waits 24 h at most).]:value:' \
        '*--cut-trust=''[Close this trust; may be repeated.]:value:_nhi_revoke_ask' \
        '*--keep-trust=''[Leave this trust open, knowingly.]:value:_nhi_revoke_ask' \
        '*--free-slot=''[May be deleted now to make room for the new one.]:value:_nhi_revoke_ask' \
        --keep-sessions'[rotate - leave the old sessions alive. The report says so in red.]' \
        --follow='[Whether what appears on the plan’s own principals is ended, too.]:value:(identity none)' \
        --since='[When it began - 2026-01-31T14 -00Z, 2h ago, 12h.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        '*--deliver=''[Where the replacement of this kind goes.]:value:' \
        --format='[Of each --deliver - how it is written there, as its users read it.]:value:' \
        {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        --break-glass='[Do it without the approval that nhi.toml demands; loud, and in the report.]:value:' \
        {-n,--dry-run}'[Only show the plan; nothing is changed.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    approve)
      _arguments -S --key='[Sign with this private key, or the .pub file of one that your agent holds.]:value:_files' \
        --confirm='[The identity’s name (of a campaign - how many), instead of being asked - you read the plan.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_files' && return 0
      ;;
    apply)
      _arguments -S --stale='[Steps whose target changed since - drop them and show it, or refuse.]:value:(drop refuse)' \
        --allow-irreversible'[Let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        --break-glass='[Do it without the approval that nhi.toml demands; loud, and in the report.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_files' && return 0
      ;;
    campaign)
      _arguments -S --order='[contain - as revoke does it; rollover - as rotate.]:value:(contain rollover)' \
        --save='[Keep it for nhi-revoke campaign apply (0600).]:value:_files' \
        --overwrite'[Let --save replace a file.]' \
        '*--from-map=''[Those of nhi.toml; may be repeated.]:value:' \
        --format='[Of FILE.]:value:' \
        --tenants='[Where the settings files that entries name (config) lie.]:value:' \
        --canary='[So many first, which must end well; 0 - none.]:value:' \
        --wave='[Only what this wave did; 0 - the canaries.]:value:' \
        --stop-on-failures='[Pause at so many failed or refused; 0 - never.]:value:' \
        --max-outage='[Pause at so many stopped and not served again; 0 - never.]:value:' \
        '*--rate=''[A tenant’s limit; may be repeated.]:value:' \
        --share='[Of each limit, for the campaign.]:value:' \
        --reason='[Why; picks defaults, never the order (help reasons).]:value:(leaked token-reuse recovery-change vendor-breach runner-compromise offboarding)' \
        --case='[Case number for the report.]:value:' \
        --scope='[End only these.]:value:_nhi_revoke_ask' \
        --rotate='[When a replacement is made.]:value:(wait now no)' \
        --brake='[Whether the principal itself is stopped.]:value:(auto on off)' \
        --settle='[Instead of each vendor’s own - 60, 90s, 2m.]:value:' \
        --grace='[rotate - both work this long after the proof.]:value:' \
        --until-unused='[rotate - the old one ends once no use of it has shown this long (waits 24 h at most).]:value:' \
        '*--cut-trust=''[Close this trust; may be repeated.]:value:_nhi_revoke_ask' \
        '*--keep-trust=''[Leave this trust open, knowingly.]:value:_nhi_revoke_ask' \
        '*--free-slot=''[May be deleted now to make room for the new one.]:value:_nhi_revoke_ask' \
        --keep-sessions'[rotate - leave the old sessions alive. The report says so in red.]' \
        --follow='[Whether what appears on the plan’s own principals is ended, too.]:value:(identity none)' \
        --since='[When it began - 2026-01-31T14 -00Z, 2h ago, 12h.]:value:' \
        --experimental'[Look at principals, too, whose interface the vendor may still change.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        --allow-irreversible'[Let what cannot be taken back be done.]' \
        {-f,--force}'[Stop principals that much depends on.]' \
        --max-accesses='[Refuse to end more than N accesses of one identity.]:value:' \
        --database='[postgresql -//USER@HOST/NAME; else SQLite in the state folder.]:value:' \
        --no-work'[Leave it to workers; do not work on it here.]' \
        {--at-once=,--workers=}'[Identities that it works on at once.]:value:' \
        --break-glass='[Do it without the approval that nhi.toml demands; loud, and in the report.]:value:' \
        --why='[Stands in its status.]:value:' \
        --again'[What failed or was refused, too.]' \
        '*--rearm=''[Bring this access back to life, knowingly; may be repeated.]:value:_nhi_revoke_ask' \
        {-y,--yes}'[Do not ask y/N.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    worker)
      _arguments -S --database='[postgresql -//USER@HOST/NAME; else SQLite in the state folder.]:value:' \
        --at-once='[Identities that it works on at once.]:value:' \
        --until-idle'[End when no campaign has anything left to do.]' \
        --tenants='[Where the settings files that entries name (config) lie.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    resume)
      _arguments -S --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    hold)
      _arguments -S --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        --interval='[Between two looks.]:value:' \
        --for='[At most so long - 30m, 12h.]:value:' \
        --until='[Instead of the last residual - 2026-01-31T14 -00Z.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    verify)
      _arguments -S --leaked-from='[Credentials that leaked, in a file or a scanner’s report - tried, ended by value where they can be.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    release)
      _arguments -S {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        --wait'[Wait until the re-arm guard allows it.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    undo)
      _arguments -S {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        '*--rearm=''[Knowingly bring this one back to life; may be repeated.]:value:_nhi_revoke_ask' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    finish)
      _arguments -S {-y,--yes}'[Do not ask y/N.]' \
        --confirm='[The identity’s name, instead of typing it when asked.]:value:' \
        --allow-irreversible'[In a script - let what cannot be taken back be done.]' \
        {-f,--force}'[Stop a principal that much depends on. Lifts no other guard.]' \
        --max-accesses='[Refuse to end more than N accesses.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    runs)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    report)
      _arguments -S --sign-with='[-o caep - signed tokens, one a line, by this RSA key (PEM).]:value:_files' \
        --issuer='[iss of those tokens.]:value:' \
        --audience='[aud of those tokens.]:value:' \
        --key-id='[kid of that key, as the receiver knows it.]:value:' \
        --verify'[Check the journal’s hash chain instead; RUN may be an exported file, too.]' \
        --redact'[For outsiders - pseudonyms for people, accounts, principals, accesses, hosts, paths.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    identities)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    providers)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    permissions)
      _arguments -S --stage='[Only this stage; a document holds those before it, too.]:value:(list contain rotate)' \
        --document='[Print this one of the vendor’s own documents, to be piped.]:value:' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '*: :_nhi_revoke_ask' && return 0
      ;;
    doctor)
      _arguments -S --stage='[Only what this stage and those before it need.]:value:(list contain rotate)' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    config)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '1: :(show path)' && return 0
      ;;
    schema)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '1: :(list audit find triage plan revoke rotate approve apply campaign worker resume hold verify release undo finish runs report identities providers permissions doctor config schema demo help)' && return 0
      ;;
    demo)
      _arguments -S --scenario='[incident - an intruder is ended. rollover - credentials are replaced at work.]:value:(incident rollover)' \
        --keep'[Keep the demo’s folder (journals, report).]' \
        --serve'[Only start the sandboxes, to work with from another terminal.]' \
        {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' && return 0
      ;;
    help)
      _arguments -S {-o+,--output=}'[How results are printed; errors, too, with json.]:value:(table json ndjson csv md html ocsf caep junit sarif)' \
        --out='[Write results there (0600).]:value:_files' \
        {-q,--quiet}'[On stderr only what went wrong.]' \
        {-v,--verbose}'[On stderr every request’s fate.]' \
        --no-color'[No colour; NO_COLOR does the same.]' \
        --no-pager'[Write straight, however long it is.]' \
        --no-input'[Never ask; refuse instead.]' \
        --config='[Another nhi.toml.]:value:_files' \
        --debug'[Show tracebacks.]' \
        {-h,--help}'[Show this message and exit.]' \
        '1: :(exit-codes environment identities formats approval safety reasons completion)' && return 0
      ;;
  esac
}
if [[ $funcstack[1] == _nhi-revoke ]]; then
  _nhi_revoke "$@"
else
  compdef _nhi_revoke nhi-revoke
fi
