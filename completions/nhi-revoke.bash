# Made by python -m nhi_revoke.completion.generate; do not edit.
_nhi_revoke_ask() {
  local offer lead=
  [[ $COMP_WORDBREAKS == *:* && $cur == *[:=]* ]] && lead=${cur%"${cur##*[:=]}"}
  while IFS= read -r offer; do
    offer=${offer%%$'\t'*}
    printf -v offer %q "${offer#"$lead"}"
    COMPREPLY+=("$offer")
  done < <("${COMP_WORDS[0]}" __complete "${line[@]:1}" 2>/dev/null)
}
_nhi_revoke() {
  local typed=${COMP_LINE:0:COMP_POINT} command= index words= options=
  local -a line
  COMPREPLY=()
  read -ra line <<< "$typed"
  [[ $typed == *[[:space:]] ]] && line+=("")
  local last=$((${#line[@]} - 1))
  if [[ ${line[last]} == --*=* ]]; then
    line=("${line[@]:0:last}" "${line[last]%%=*}" "${line[last]#*=}")
    ((++last))
  fi
  local cur=${line[last]} prev=${line[last - 1]}
  for ((index = 1; index < last; index++)); do
    case ${line[index]} in -*) ;; *) command=${line[index]}; break ;; esac
  done
  case $prev in
    -o|--output) COMPREPLY=($(compgen -W "table json ndjson csv md html ocsf caep junit sarif" -- "$cur")); return ;;
    --reason) COMPREPLY=($(compgen -W "leaked token-reuse recovery-change vendor-breach runner-compromise offboarding" -- "$cur")); return ;;
    --rotate) COMPREPLY=($(compgen -W "wait now no" -- "$cur")); return ;;
    --brake) COMPREPLY=($(compgen -W "auto on off" -- "$cur")); return ;;
    --follow) COMPREPLY=($(compgen -W "identity none" -- "$cur")); return ;;
    --order) COMPREPLY=($(compgen -W "contain rollover" -- "$cur")); return ;;
    --stale) COMPREPLY=($(compgen -W "drop refuse" -- "$cur")); return ;;
    --stage) COMPREPLY=($(compgen -W "list contain rotate" -- "$cur")); return ;;
    --scenario) COMPREPLY=($(compgen -W "incident rollover" -- "$cur")); return ;;
    --out|--config|--accept-from|--data|--file|--save|--key|--sign-with) compopt -o default; return ;;
    --accept) compopt -o nospace; _nhi_revoke_ask; return ;;
    --accept|--scope|--cut-trust|--keep-trust|--free-slot|--rearm) _nhi_revoke_ask; return ;;
    --since|--leaked-from|--fail-on|--from|--repo|--consumers|--case|--settle|--grace|--until-unused|--deliver|--format|--confirm|--max-accesses|--break-glass|--from-map|--tenants|--canary|--wave|--stop-on-failures|--max-outage|--rate|--share|--database|--at-once|--workers|--why|--at-once|--interval|--for|--until|--issuer|--audience|--key-id|--document) return ;;
  esac
  case $command in
    '') words="list audit find triage plan revoke rotate approve apply campaign worker resume hold verify release undo finish runs report identities providers permissions doctor config schema demo help"; options="--help --version" ;;
    list) words="@ask"; options="--logs --no-logs --since --experimental --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    audit) words="@ask"; options="--fail-on --from --all --accept --accept-from --data --logs --no-logs --since --experimental --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    find) words=""; options="--repo --consumers -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    triage) words=""; options="--file --offline --look --no-look --logs --no-logs --revoke --reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format -y --yes --confirm --allow-irreversible -f --force --max-accesses --break-glass -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    plan) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format --order --save --overwrite --detailed-exitcode --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    revoke) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format -y --yes --confirm --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -n --dry-run -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    rotate) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format -y --yes --confirm --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -n --dry-run -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    approve) words=""; options="--key --confirm -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    apply) words=""; options="--stale --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    campaign) words="@ask"; options="--order --save --overwrite --from-map --format --tenants --canary --wave --stop-on-failures --max-outage --rate --share --reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help --allow-irreversible -f --force --max-accesses --database --no-work --at-once --workers --break-glass --why --again --rearm -y --yes"; compopt -o default; ;;
    worker) words=""; options="--database --at-once --until-idle --tenants -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    resume) words="@ask"; options="--leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    hold) words="@ask"; options="--leaked-from --interval --for --until -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    verify) words="@ask"; options="--leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    release) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses --wait -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    undo) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses --rearm -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    finish) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    runs) words="@ask"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    report) words="@ask"; options="--sign-with --issuer --audience --key-id --verify --redact -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    identities) words="@ask"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    providers) words=""; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    permissions) words="@ask"; options="--stage --document -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    doctor) words=""; options="--stage -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    config) words="show path"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    schema) words="list audit find triage plan revoke rotate approve apply campaign worker resume hold verify release undo finish runs report identities providers permissions doctor config schema demo help"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    demo) words=""; options="--scenario --keep --serve -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    help) words="exit-codes environment identities formats approval safety reasons completion"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "${words//@ask/}" -- "$cur"))
  [[ $words == *"@ask"* ]] && _nhi_revoke_ask
}
complete -F _nhi_revoke nhi-revoke
