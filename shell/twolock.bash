# shellcheck shell=bash
# twolock in bash: `tl`, completion, a segment for your prompt. To install them, see the end.
#
# Each command has the prefix \builtin or \command, so that no alias or function of the same name replaces it.

# ---- state: what `tl` remembers. In arrays, which are never exported, whatever `set -a` says.

# Every variable that `twolock env` sets or removes.
__twolock_names=(
  AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_ACCOUNT_ID
  AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
  AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  AWS_BEARER_TOKEN_BEDROCK TWOLOCK_RUNNING
  AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_REGION AWS_DEFAULT_REGION
  AWS_ENDPOINT_URL AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT
  AWS_STS_REGIONAL_ENDPOINTS AWS_CA_BUNDLE AWS_SDK_LOAD_CONFIG TWOLOCK_HANDED TWOLOCK_PROFILE TWOLOCK_EXPIRATION
)
# __twolock_before    name, state and value of each, as they were before the first `tl`
# __twolock_at        the current profile, its key id to notice when something else changed it, and how it was asked for
# __twolock_previous  the previous profile, and how it was asked for: name (if possible) or keys

# Fills the caller's `kept` with name, state and value of each variable.
function __twolock_snapshot {
  \builtin local name='' how=''
  kept=()
  for name in "${__twolock_names[@]}"; do
    if [[ -z ${!name+set} ]]; then
      kept+=("$name" unset '')
      continue
    fi
    how=$(\builtin declare -p "$name")
    how=${how#declare -}
    how=${how%%[ =]*}
    [[ $how == *x* ]] && how=exported || how=plain
    kept+=("$name" "$how" "${!name}")
  done
}

# Restores variables from name, state and value of each. A read-only one was not changed.
function __twolock_restore {
  while [[ $# -ge 3 ]]; do
    case $2 in
      unset) \builtin unset -v "$1" 2>/dev/null || \builtin : ;;
      exported) \builtin export "$1=$3" 2>/dev/null || \builtin : ;;
      *) \builtin export -n "$1=$3" 2>/dev/null || \builtin : ;;
    esac
    \builtin shift 3
  done
}

# ---- tl: this shell and a profile

# Removes an alias of the same name.
\builtin unalias tl 2>/dev/null || \builtin :

function tl {
  \builtin local how=name
  if [[ ${1-} == --keys ]]; then
    how=keys
    \builtin shift
  elif [[ $# -eq 2 && $2 == --keys ]]; then
    how=keys
    \builtin set -- "$1"
  fi
  case $#:${1-} in
    0:) __twolock_pick "$how" ;;
    1:-h | 1:--help | 1:help) __twolock_usage ;;
    1:--off) __twolock_off ;;
    1:-)
      if [[ -z ${__twolock_previous[0]-} ]]; then
        \builtin printf 'tl: no previous profile\n' >&2
        \builtin return 2
      fi
      [[ ${__twolock_previous[1]-} != keys ]] || how=keys
      __twolock_switch "${__twolock_previous[0]}" "$how"
      ;;
    1:[!-]*) __twolock_switch "$1" "$how" ;;
    *)
      __twolock_usage >&2
      \command twolock complete -- env '' >&2 || \builtin :
      \builtin return 2
      ;;
  esac
}

function __twolock_usage {
  \builtin printf 'usage: tl [--keys] [PROFILE]   (no PROFILE: pick one; tl -: the previous profile; --keys: set keys, not AWS_PROFILE; tl --off: restore what was set before the first tl)\n'
}

# If nothing is picked, nothing changes and nothing is printed.
function __twolock_pick {
  \builtin local name=''
  name=$(\command twolock profile pick) || \builtin return
  __twolock_switch "$name" "$1"
}

# All or nothing: if the statements fail, their changes are undone.
function __twolock_switch {
  \builtin local statements=''
  \builtin local -a kept
  kept=()
  if [[ $2 == keys ]]; then
    statements=$(\command twolock env --shell bash --profile="$1") || \builtin return
  else
    statements=$(\command twolock env --shell bash --by-name=if-possible --profile="$1") || \builtin return
  fi
  __twolock_snapshot
  if ! \builtin eval "$statements"; then
    __twolock_restore "${kept[@]}"
    \builtin return 1
  fi
  [[ -n ${__twolock_before[0]-} ]] || __twolock_before=("${kept[@]}")
  if [[ -n ${__twolock_at[0]-} && ${__twolock_at[0]} != "$1" ]]; then
    __twolock_previous=("${__twolock_at[0]}" "${__twolock_at[2]-}")
  fi
  __twolock_at=("$1" "${AWS_ACCESS_KEY_ID-}" "$2")
}

function __twolock_off {
  [[ -n ${__twolock_before[0]-} ]] || \builtin return 0
  __twolock_restore "${__twolock_before[@]}"
  __twolock_previous=("${__twolock_at[0]}" "${__twolock_at[2]-}")
  \builtin unset -v __twolock_before __twolock_at
}

# ---- completion: commands, flags and profiles, by `twolock complete`. Uses no keyring and no network.

# Sets `words` to the words up to the cursor without quotes; bash cuts them at `:`, and names may hold one.
function __twolock_words {
  \builtin local word='' joined=''
  words=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    word=${word#[\"\']}
    word=${word//\\/}
    if [[ ${#words[@]} -gt 0 && ($word == : || -n $joined) ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == : ]] && joined=yes || joined=
  done
}

# Fills COMPREPLY from lines of candidates, quoted as the word at the cursor wants it.
function __twolock_reply {
  \builtin local line='' raw=${COMP_WORDS[COMP_CWORD]} colon='' at=0
  [[ -n $2 ]] || \builtin return 0
  # the part before the last `:` is not replaced
  [[ $1 != *:* ]] || colon=${1%:*}:
  # all at once, because there may be thousands; bash 3.2 has no mapfile
  if ! \builtin mapfile -t COMPREPLY <<<"$2" 2>/dev/null; then
    while IFS= \builtin read -r line; do COMPREPLY+=("$line"); done <<<"$2"
  fi
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
  COMPREPLY=("${COMPREPLY[@]#"$colon"}")
  \builtin local IFS=/
  if [[ "${COMPREPLY[*]}" == *[!A-Za-z0-9_./:=-]* && $raw != [\"\']* ]]; then
    for ((at = 0; at < ${#COMPREPLY[@]}; at++)); do
      \builtin printf -v line %q "${COMPREPLY[at]}"
      COMPREPLY[at]=$line
    done
  fi
}

function __twolock_complete {
  \builtin local -a words
  words=()
  \builtin local at=0
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ ${COMP_WORDS[at]} == -- ]] || \builtin continue
    __twolock_complete_command $((at + 1))
    \builtin return 0
  done
  __twolock_words
  at=$((${#words[@]} - 1))
  __twolock_reply "${words[at]}" "$(\command twolock complete -- "${words[@]}" 2>/dev/null)"
}

# After `--`: the completion of the command that begins there, where bash-completion is loaded.
function __twolock_complete_command {
  if \builtin declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1"
  elif \builtin declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif [[ $1 -eq $COMP_CWORD ]]; then
    __twolock_reply '' "$(\builtin compgen -c -- "${COMP_WORDS[COMP_CWORD]}")"
  fi
}

function __twolock_complete_tl {
  \builtin local -a words
  words=()
  COMPREPLY=()
  __twolock_words
  case ${#words[@]}:${words[0]-} in
    1:--k*) __twolock_reply '' '--keys' ;;
    1:-*) __twolock_reply '' $'--keys\n--off' ;;
    2:--keys) __twolock_reply "${words[1]}" "$(\command twolock complete -- env "${words[1]}" 2>/dev/null)" ;;
    1:*) __twolock_reply "${words[0]}" "$(\command twolock complete -- env "${words[0]}" 2>/dev/null)" ;;
  esac
}

\builtin complete -o bashdefault -o default -F __twolock_complete twolock
\builtin complete -F __twolock_complete_tl tl

# ---- prompt: profile and time left, without starting a process

# Sets `twolock_segment` to "(prod 47m) "; under ten minutes "(prod 9m!) ", then "(prod expired!) ", or "(prod code?) "
# where a profile was set by name; without credentials to nothing. Keys that `tl` did not set are called "aws". Keeps $?.
function twolock_prompt {
  \builtin local before=$? name=aws left=
  # shellcheck disable=SC2034 # PS1 names it
  twolock_segment=
  if [[ -n ${AWS_CREDENTIAL_EXPIRATION-} ]]; then
    if [[ -n ${AWS_ACCESS_KEY_ID-} && ${__twolock_at[1]-} == "$AWS_ACCESS_KEY_ID" ]]; then
      name=${__twolock_at[0]}
    fi
    __twolock_left "$AWS_CREDENTIAL_EXPIRATION"
    # shellcheck disable=SC2034
    twolock_segment="($name$left) "
  elif [[ -z ${AWS_ACCESS_KEY_ID-} && -n ${AWS_PROFILE-} && ${TWOLOCK_PROFILE-} == "$AWS_PROFILE" ]]; then
    __twolock_left "${TWOLOCK_EXPIRATION-}"
    [[ $left != ' expired!' ]] || left=' code?'
    # shellcheck disable=SC2034
    [[ $AWS_PROFILE == *[[:cntrl:]]* ]] || twolock_segment="($AWS_PROFILE$left) "
  fi
  \builtin return "$before"
}

# Sets the caller's `left`; to nothing where the time cannot be read, or bash is older than 4.2 and has no clock.
function __twolock_left {
  \builtin local d='[0123456789]' now=0 year=0 month=0 days=0
  left=
  # before any arithmetic, which would run what it is given
  [[ ${1%+00:00} == $d$d$d$d-$d$d-${d}${d}T$d$d:$d$d:$d$d || $1 == $d$d$d$d-$d$d-${d}${d}T$d$d:$d$d:${d}${d}Z ]] ||
    \builtin return 0
  \builtin printf -v now '%(%s)T' -1 2>/dev/null || \builtin return 0
  year=$((10#${1:0:4})) month=$((10#${1:5:2}))
  # years begin in March, so that the leap day is the last
  [[ $month -gt 2 ]] || year=$((year - 1))
  month=$(((month + 9) % 12))
  days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + 10#${1:8:2} - 719469))
  now=$((days * 86400 + 10#${1:11:2} * 3600 + 10#${1:14:2} * 60 + 10#${1:17:2} - now))
  if [[ $now -le 0 ]]; then
    left=' expired!'
  elif [[ $now -lt 60 ]]; then
    left=' <1m!'
  elif [[ $now -lt 600 ]]; then
    left=" $((now / 60))m!"
  elif [[ $now -lt 3600 ]]; then
    left=" $((now / 60))m"
  else
    left=" $((now / 3600))h$((now % 3600 / 60))m"
  fi
}

# ---- install: in ~/.bashrc
#
#   eval "$(twolock init bash)"
#
# and, for the prompt, after the lines that set PS1:
#
#   PROMPT_COMMAND="twolock_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
#   PS1='$twolock_segment'$PS1
