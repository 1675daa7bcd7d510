# Made by python -m nhi_revoke.completion.generate; do not edit.
_nhi_revoke() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= index words= options=
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${COMP_WORDS[index]} in -*) ;; *) command=${COMP_WORDS[index]}; break ;; esac
  done
  case $prev in
    -o|--output) COMPREPLY=($(compgen -W "table json ndjson csv md junit sarif" -- "$cur")); return ;;
    --reason) COMPREPLY=($(compgen -W "leaked token-reuse recovery-change vendor-breach runner-compromise offboarding" -- "$cur")); return ;;
    --rotate) COMPREPLY=($(compgen -W "wait now no" -- "$cur")); return ;;
    --brake) COMPREPLY=($(compgen -W "auto on off" -- "$cur")); return ;;
    --follow) COMPREPLY=($(compgen -W "identity none" -- "$cur")); return ;;
    --order) COMPREPLY=($(compgen -W "contain rollover" -- "$cur")); return ;;
    --stale) COMPREPLY=($(compgen -W "drop refuse" -- "$cur")); return ;;
    --stage) COMPREPLY=($(compgen -W "list contain rotate" -- "$cur")); return ;;
    --scenario) COMPREPLY=($(compgen -W "incident rollover" -- "$cur")); return ;;
    --out|--config|--accept-from|--data|--save|--key) compopt -o default; return ;;
    --since|--leaked-from|--fail-on|--from|--accept|--repo|--consumers|--case|--scope|--settle|--grace|--until-unused|--cut-trust|--keep-trust|--free-slot|--deliver|--format|--confirm|--max-accesses|--break-glass|--interval|--for|--until|--rearm) return ;;
  esac
  case $command in
    '') words="list audit find plan revoke rotate approve apply resume hold verify release undo finish runs report identities providers permissions doctor config schema demo help"; options="--help --version" ;;
    list) words="@ask"; options="--logs --no-logs --since --experimental --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    audit) words="@ask"; options="--fail-on --from --all --accept --accept-from --data --logs --no-logs --since --experimental --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    find) words=""; options="--repo --consumers -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    plan) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format --order --save --overwrite --detailed-exitcode --leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    revoke) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format -y --yes --confirm --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -n --dry-run -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    rotate) words="@ask"; options="--reason --case --scope --rotate --brake --settle --grace --until-unused --cut-trust --keep-trust --free-slot --keep-sessions --follow --since --experimental --deliver --format -y --yes --confirm --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -n --dry-run -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    approve) words=""; options="--key --confirm -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    apply) words=""; options="--stale --allow-irreversible -f --force --max-accesses --leaked-from --break-glass -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    resume) words="@ask"; options="--leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    hold) words="@ask"; options="--leaked-from --interval --for --until -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    verify) words="@ask"; options="--leaked-from -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    release) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses --wait -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    undo) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses --rearm -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    finish) words="@ask"; options="-y --yes --confirm --allow-irreversible -f --force --max-accesses -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    runs) words="export import @ask"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; compopt -o default; ;;
    report) words="@ask"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    identities) words="check @ask"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    providers) words=""; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    permissions) words=""; options="--stage -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    doctor) words=""; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    config) words="show path"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    schema) words="list audit find plan revoke rotate approve apply resume hold verify release undo finish runs report identities providers permissions doctor config schema demo help"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    demo) words=""; options="--scenario --keep --serve -o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
    help) words="exit-codes environment identities formats approval safety reasons"; options="-o --output --out -q --quiet -v --verbose --no-color --no-pager --no-input --config --debug -h --help"; ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "${words//@ask/}" -- "$cur"))
  if [[ $words == *"@ask"* ]]; then
    local IFS=$'\n'
    COMPREPLY+=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  fi
}
complete -F _nhi_revoke nhi-revoke
