# twolock in fish: `tl`, completion, a segment for your prompt. To install them, see the end.
#
# Each command has the prefix builtin or command, so that no function or alias of the same name replaces it.

# ---- state: what `tl` remembers. None of it is exported.

# Every variable that `twolock env` sets or removes; of those it may only remove, universal ones too.
builtin set -g __twolock_mixing AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_ACCOUNT_ID \
    AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE \
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI \
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
    AWS_BEARER_TOKEN_BEDROCK TWOLOCK_RUNNING \
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_REGION AWS_DEFAULT_REGION
builtin set -g __twolock_names $__twolock_mixing AWS_SDK_LOAD_CONFIG TWOLOCK_PROFILE TWOLOCK_EXPIRATION \
    AWS_ENDPOINT_URL AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT \
    AWS_STS_REGIONAL_ENDPOINTS AWS_CA_BUNDLE TWOLOCK_HANDED
# __twolock_before             set from the first `tl` until `tl --off`
# __twolock_before_SCOPE_NAME  how a variable was exported then, and its value
# __twolock_now_SCOPE_NAME     the same, while a switch is tried
# __twolock_at                 the current profile, how it was asked for, and its key id, to notice when something else
#                              changed it
# __twolock_previous           the previous profile, and how it was asked for: name (if possible) or keys

# Remembers every variable under a name; a universal one hidden by a global one is read as well.
function __twolock_snapshot --argument-names as
    for name in $__twolock_names
        builtin set -eg __twolock_{$as}_g_$name
        builtin set -eg __twolock_{$as}_U_$name
        if builtin set -qg $name
            builtin set -qgx $name
            and builtin set -g __twolock_{$as}_g_$name -gx $$name
            or builtin set -g __twolock_{$as}_g_$name -gu $$name
        end
        builtin contains -- $name $__twolock_mixing; and builtin set -qU $name
        or builtin continue
        builtin set -qUx $name
        and builtin set -l how -Ux
        or builtin set -l how -Uu
        builtin set -eg $name
        builtin set -g __twolock_{$as}_U_$name $how $$name
        __twolock_bring_back __twolock_{$as}_g_$name $name
    end
end

# Sets a variable as it was remembered, if it was.
function __twolock_bring_back --argument-names from name
    builtin set -q $from
    or builtin return 0
    builtin set -l kept $$from
    builtin set $kept[1] $name $kept[2..-1]
end

# Brings back what was remembered under a name, and forgets it.
function __twolock_restore --argument-names as
    for name in $__twolock_names
        builtin set -eg $name
        __twolock_bring_back __twolock_{$as}_U_$name $name
        __twolock_bring_back __twolock_{$as}_g_$name $name
        builtin set -eg __twolock_{$as}_U_$name
        builtin set -eg __twolock_{$as}_g_$name
    end
end

# ---- tl: this shell and a profile

function tl --description 'Switch this shell to an AWS profile'
    builtin set -l how name
    if builtin test "$argv[1]" = --keys
        builtin set how keys
        builtin set -e argv[1]
    else if builtin test (builtin count $argv) -eq 2; and builtin test "$argv[2]" = --keys
        builtin set how keys
        builtin set -e argv[2]
    end
    switch (builtin count $argv):"$argv[1]"
        case 0:
            __twolock_pick $how
        case 1:-h 1:--help 1:help
            __twolock_usage
        case 1:--off
            __twolock_off
        case 1:-
            if builtin test -z "$__twolock_previous[1]"
                builtin echo 'tl: no previous profile' >&2
                builtin return 2
            end
            builtin test "$__twolock_previous[2]" != keys
            or builtin set how keys
            __twolock_switch $__twolock_previous[1] $how
        case '1:-*' 1:
            __twolock_unknown
        case '1:*'
            __twolock_switch $argv[1] $how
        case '*'
            __twolock_unknown
    end
end

function __twolock_unknown
    __twolock_usage >&2
    command twolock complete -- env '' >&2
    builtin return 2
end

function __twolock_usage
    builtin echo 'usage: tl [--keys] [PROFILE]   (no PROFILE: pick one; tl -: the previous profile; --keys: set keys, not AWS_PROFILE; tl --off: restore what was set before the first tl)'
end

# If nothing is picked, nothing changes and nothing is printed.
function __twolock_pick --argument-names how
    builtin set -l name (command twolock profile pick)
    or builtin return
    # where IFS is empty the end of the line is still there
    __twolock_switch (builtin string collect -- $name) $how
end

# All or nothing: if the statements fail, their changes are undone.
function __twolock_switch --argument-names profile how
    builtin set -l by_name
    builtin test "$how" = keys
    or builtin set by_name --by-name=if-possible
    builtin set -l statements (command twolock env --shell fish $by_name --profile=$profile)
    or builtin return
    __twolock_snapshot now
    if not builtin eval (builtin string join \n -- $statements)
        __twolock_restore now
        builtin return 1
    end
    __twolock_keep
    if builtin set -q __twolock_at[1]; and builtin test "$__twolock_at[1]" != "$profile"
        builtin set -g __twolock_previous $__twolock_at[1] $__twolock_at[2]
    end
    builtin set -g __twolock_at $profile $how $AWS_ACCESS_KEY_ID
end

# What the first switch found is what `tl --off` brings back; what a later one found is forgotten.
function __twolock_keep
    for name in $__twolock_names
        for scope in g U
            builtin set -l now __twolock_now_{$scope}_$name
            if not builtin set -qg __twolock_before; and builtin set -q $now
                builtin set -g __twolock_before_{$scope}_$name $$now
            end
            builtin set -eg $now
        end
    end
    builtin set -g __twolock_before yes
end

function __twolock_off
    builtin set -qg __twolock_before
    or builtin return 0
    __twolock_restore before
    builtin set -g __twolock_previous $__twolock_at[1] $__twolock_at[2]
    builtin set -eg __twolock_before
    builtin set -eg __twolock_at
    builtin return 0
end

# ---- completion: commands, flags and profiles, by `twolock complete`. Uses no keyring and no network.

function __twolock_complete
    builtin set -l words (builtin commandline -opc)
    builtin set -l last (builtin commandline -ct)
    # after `--`: the completion of the command that begins there
    if builtin set -l at (builtin contains -i -- -- $words)
        builtin set -e words[1..$at]
        builtin complete -C (builtin string join ' ' -- (builtin string escape -- $words) "$last")
        builtin return
    end
    # of words that are not flags fish picks the matching ones itself
    builtin string match -q -- '-*' $last
    or builtin set last ''
    builtin set -l offered (command twolock complete -- $words[2..-1] "$last" 2>/dev/null)
    if builtin set -q offered[1]
        builtin printf '%s\n' $offered
    else
        __fish_complete_path (builtin commandline -ct)
    end
end

# Whether the word at the cursor is the profile of `tl`.
function __twolock_completes_name
    builtin set -l words (builtin commandline -opc)
    builtin test (builtin count $words) -eq 1
    or begin
        builtin test (builtin count $words) -eq 2; and builtin test "$words[2]" = --keys
    end
end

builtin complete -c twolock -e
builtin complete -c twolock -f -a '(__twolock_complete)'
builtin complete -c tl -e
builtin complete -c tl -f
builtin complete -c tl -n '__twolock_completes_name' -a '(command twolock complete -- env "" 2>/dev/null)'
builtin complete -c tl -n 'builtin test (builtin count (builtin commandline -opc)) -eq 1' \
    -a '--keys\t"set keys, not AWS_PROFILE" --off\t"restore what was set before the first tl"'

# ---- prompt: profile and time left, without starting a process

# Prints "(prod 47m) "; under ten minutes "(prod 9m!) ", then "(prod expired!) ", or "(prod code?) " where a profile was
# set by name; without credentials nothing. Keys that `tl` did not set are called "aws". Keeps $status.
function twolock_prompt
    builtin set -l before $status
    if builtin test -n "$AWS_CREDENTIAL_EXPIRATION"
        builtin set -l name aws
        if builtin test -n "$AWS_ACCESS_KEY_ID"; and builtin test "$__twolock_at[3]" = "$AWS_ACCESS_KEY_ID"
            builtin set name $__twolock_at[1]
        end
        builtin printf '(%s%s) ' "$name" (__twolock_left "$AWS_CREDENTIAL_EXPIRATION")
    else if builtin test -z "$AWS_ACCESS_KEY_ID" -a -n "$AWS_PROFILE" -a "$TWOLOCK_PROFILE" = "$AWS_PROFILE"
        builtin set -l left (__twolock_left "$TWOLOCK_EXPIRATION")
        builtin test "$left" != ' expired!'
        or builtin set left ' code?'
        builtin string match -qr '[[:cntrl:]]' -- $AWS_PROFILE
        or builtin printf '(%s%s) ' "$AWS_PROFILE" "$left"
    end
    builtin return $before
end

# Prints the time left; nothing where it cannot be read, or fish is older than 3.5.
function __twolock_left --argument-names ends
    builtin set -l form '^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:Z|\+00:00)$'
    builtin set -l t (builtin string match -r -- $form $ends)
    or builtin return 0
    # fish has no clock of its own; how old a file is, and since when, give the present without a process
    builtin set -l changed (builtin path mtime -- / 2>/dev/null)
    builtin set -l old (builtin path mtime -R -- / 2>/dev/null)
    or builtin return 0
    builtin set -l year $t[2]
    # years begin in March, so that the leap day is the last
    builtin test $t[3] -gt 2
    or builtin set year (builtin math $year - 1)
    builtin set -l days (builtin math -s0 "365 * $year + floor($year / 4) - floor($year / 100) + floor($year / 400) \
        + floor((153 * (($t[3] + 9) % 12) + 2) / 5) + $t[4] - 719469")
    builtin set -l left (builtin math -s0 "$days * 86400 + $t[5] * 3600 + $t[6] * 60 + $t[7] - $changed - $old")
    builtin set -l minutes (builtin math -s0 "floor($left / 60)")
    if builtin test $left -le 0
        builtin echo ' expired!'
    else if builtin test $left -lt 60
        builtin echo ' <1m!'
    else if builtin test $left -lt 600
        builtin echo " $minutes"m!
    else if builtin test $left -lt 3600
        builtin echo " $minutes"m
    else
        builtin echo " "(builtin math -s0 "floor($minutes / 60)")h(builtin math -s0 "$minutes % 60")m
    end
end

# ---- install: in ~/.config/fish/config.fish
#
#   twolock init fish | source
#
# and, for the prompt on the right side (or call twolock_prompt in a fish_prompt of your own):
#
#   function fish_right_prompt; twolock_prompt; end
