# twolock in zsh: `tl`, completion, a segment for your prompt. To install them, see the end.
#
# Each command has the prefix \builtin or \command, so that no alias or function of the same name replaces it;
# each function begins with `emulate -L zsh`, so that no option of yours changes what it does.

# ---- state: what `tl` remembers. None of it is exported.

# Every variable that `twolock env` sets or removes.
\builtin typeset -ga __twolock_names __twolock_before __twolock_at __twolock_previous
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
  \builtin emulate -L zsh
  \builtin local name
  kept=()
  for name in $__twolock_names; do
    if (( ! ${(P)+name} )); then
      kept+=("$name" unset '')
    elif [[ ${(Pt)name} == *-export* ]]; then
      kept+=("$name" exported "${(P)name}")
    else
      kept+=("$name" plain "${(P)name}")
    fi
  done
}

# Restores variables from name, state and value of each. A read-only one was not changed.
function __twolock_restore {
  \builtin emulate -L zsh
  while (( $# >= 3 )); do
    if [[ ${(Pt)1} != *-readonly* ]]; then
      case $2 in
        unset) \builtin unset "$1" ;;
        exported) \builtin typeset -gx "$1=$3" ;;
        *) \builtin typeset -g +x "$1=$3" ;;
      esac
    fi
    \builtin shift 3
  done
}

# ---- tl: this shell and a profile

# Removes an alias of the same name.
\builtin unalias tl 2>/dev/null || \builtin :

function tl {
  \builtin emulate -L zsh
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
    1:-h|1:--help|1:help) __twolock_usage ;;
    1:--off) __twolock_off ;;
    1:-)
      if [[ -z ${__twolock_previous[1]-} ]]; then
        \builtin print -ru2 'tl: no previous profile'
        \builtin return 2
      fi
      [[ ${__twolock_previous[2]-} != keys ]] || how=keys
      __twolock_switch "${__twolock_previous[1]}" "$how"
      ;;
    1:[^-]*) __twolock_switch "$1" "$how" ;;
    *)
      __twolock_usage >&2
      \command twolock complete -- env '' >&2 || \builtin :
      \builtin return 2
      ;;
  esac
  # without this line `set -e` of the caller would not see a failure of the case
  \builtin return $?
}

function __twolock_usage {
  \builtin emulate -L zsh
  \builtin print -r 'usage: tl [--keys] [PROFILE]   (no PROFILE: pick one; tl -: the previous profile; --keys: set keys, not AWS_PROFILE; tl --off: restore what was set before the first tl)'
}

# If nothing is picked, nothing changes and nothing is printed.
function __twolock_pick {
  \builtin emulate -L zsh
  \builtin local name
  name=$(\command twolock profile pick) || \builtin return
  __twolock_switch "$name" "$1"
}

# All or nothing: if the statements fail, their changes are undone. A read-only variable would end the function.
function __twolock_switch {
  \builtin emulate -L zsh
  \builtin local statements
  \builtin local -a kept
  \builtin local -i switched=0
  if [[ $2 == keys ]]; then
    statements=$(\command twolock env --shell zsh --profile="$1") || \builtin return
  else
    statements=$(\command twolock env --shell zsh --by-name=if-possible --profile="$1") || \builtin return
  fi
  __twolock_snapshot
  {
    \builtin eval "$statements" && switched=1
  } always {
    if (( ! switched )); then
      TRY_BLOCK_ERROR=0
      __twolock_restore "${(@)kept}"
    fi
  }
  (( switched )) || \builtin return 1
  (( $#__twolock_before )) || __twolock_before=("${(@)kept}")
  if [[ -n ${__twolock_at[1]-} && ${__twolock_at[1]} != "$1" ]]; then
    __twolock_previous=("${__twolock_at[1]}" "${__twolock_at[3]-}")
  fi
  __twolock_at=("$1" "${AWS_ACCESS_KEY_ID-}" "$2")
}

function __twolock_off {
  \builtin emulate -L zsh
  (( $#__twolock_before )) || \builtin return 0
  __twolock_restore "${(@)__twolock_before}"
  __twolock_previous=("${__twolock_at[1]}" "${__twolock_at[3]-}")
  __twolock_before=()
  __twolock_at=()
}

# ---- completion: commands, flags and profiles, by `twolock complete`. Uses no keyring and no network.

# Offers lines of candidates; the text after the tab is shown beside them.
function __twolock_offer {
  \builtin emulate -L zsh
  \builtin local -a lines shown
  lines=("${(@f)1}")
  lines=("${(@)lines:#}")
  (( $#lines )) || \builtin return 1
  shown=("${(@)lines/$'\t'/  -- }")
  lines=("${(@)lines%%$'\t'*}")
  \builtin compadd -l -d shown -a -- lines
}

function __twolock_complete {
  \builtin local -i at=${words[(ie)--]}
  # after `--`: the completion of the command that begins there
  if (( at < CURRENT )); then
    words=("${(@)words[at+1,-1]}")
    (( CURRENT -= at ))
    _normal
    \builtin return
  fi
  \builtin local last=
  # of words that are not flags zsh picks the matching ones itself, as its styles say
  [[ ${words[CURRENT]} != -* ]] || last=${(Q)words[CURRENT]}
  \builtin local -a line
  line=("${(@Q)words[2,CURRENT-1]}")
  __twolock_offer "$(\command twolock complete -- "${(@)line}" "$last" 2>/dev/null)" || _files
}

function __twolock_complete_tl {
  (( CURRENT == 2 )) || [[ $CURRENT -eq 3 && ${words[2]} == --keys ]] || \builtin return 1
  if [[ ${words[2]} == -* && $CURRENT -eq 2 ]]; then
    \builtin compadd -- --keys --off
  else
    __twolock_offer "$(\command twolock complete -- env '' 2>/dev/null)"
  fi
}

# Loaded by the completion system itself from a file `_twolock`, or by `twolock init`.
if [[ "${funcstack[1]-}" == _twolock ]]; then
  __twolock_complete "$@"
elif \builtin whence -w compdef >/dev/null; then
  compdef __twolock_complete twolock
  compdef __twolock_complete_tl tl
fi

# ---- prompt: profile and time left, without starting a process

\builtin zmodload zsh/datetime 2>/dev/null || \builtin :

# Sets `twolock_segment` to "(prod 47m) "; under ten minutes "(prod 9m!) ", then "(prod expired!) ", or "(prod code?) "
# where a profile was set by name; without credentials to nothing. Keys that `tl` did not set are called "aws". Keeps $?.
function twolock_prompt {
  \builtin local -i before=$? bang=0
  [[ ! -o prompt_bang ]] || bang=1
  \builtin emulate -L zsh
  \builtin typeset -g twolock_segment=
  \builtin local name=aws left=
  if [[ -n ${AWS_CREDENTIAL_EXPIRATION-} ]]; then
    if [[ -n ${AWS_ACCESS_KEY_ID-} && ${__twolock_at[2]-} == "$AWS_ACCESS_KEY_ID" ]]; then
      name=${__twolock_at[1]}
    fi
    __twolock_left "$AWS_CREDENTIAL_EXPIRATION"
    twolock_segment="($name$left) "
  elif [[ -z ${AWS_ACCESS_KEY_ID-} && -n ${AWS_PROFILE-} && ${TWOLOCK_PROFILE-} == "$AWS_PROFILE" ]]; then
    __twolock_left "${TWOLOCK_EXPIRATION-}"
    [[ $left != ' expired!' ]] || left=' code?'
    [[ $AWS_PROFILE == *[[:cntrl:]]* ]] || twolock_segment="($AWS_PROFILE$left) "
  fi
  if [[ -n $twolock_segment ]]; then
    # escapes what a prompt would expand
    twolock_segment=${twolock_segment//\%/%%}
    (( ! bang )) || twolock_segment=${twolock_segment//\!/!!}
  fi
  \builtin return $before
}

# Sets the caller's `left`; to nothing where the time cannot be read.
function __twolock_left {
  \builtin emulate -L zsh
  \builtin local d='[0123456789]' ends=${1%+00:00}
  \builtin local -i year month days now
  left=
  # before any arithmetic, which would run what it is given
  [[ ${ends%Z} == ${~d}${~d}${~d}${~d}-${~d}${~d}-${~d}${~d}T${~d}${~d}:${~d}${~d}:${~d}${~d} ]] || \builtin return 0
  [[ $1 == *Z || $1 == *+00:00 ]] || \builtin return 0
  [[ -n ${EPOCHSECONDS-} ]] || \builtin return 0
  year=10#${1[1,4]} month=10#${1[6,7]}
  # years begin in March, so that the leap day is the last
  (( month > 2 )) || (( year -= 1 )) || \builtin :
  (( month = (month + 9) % 12, 1 ))
  (( days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + 10#${1[9,10]} - 719469, 1 ))
  (( now = days * 86400 + 10#${1[12,13]} * 3600 + 10#${1[15,16]} * 60 + 10#${1[18,19]} - EPOCHSECONDS, 1 ))
  if (( now <= 0 )); then
    left=' expired!'
  elif (( now < 60 )); then
    left=' <1m!'
  elif (( now < 600 )); then
    left=" $(( now / 60 ))m!"
  elif (( now < 3600 )); then
    left=" $(( now / 60 ))m"
  else
    left=" $(( now / 3600 ))h$(( now % 3600 / 60 ))m"
  fi
}

# ---- install: in ~/.zshrc, after compinit
#
#   eval "$(twolock init zsh)"
#
# and, for the prompt, after the lines that set PROMPT:
#
#   autoload -Uz add-zsh-hook && add-zsh-hook precmd twolock_prompt
#   setopt prompt_subst
#   PROMPT='$twolock_segment'$PROMPT
