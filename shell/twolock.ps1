# twolock in PowerShell: `tl`, completion, a segment for your prompt. To install them, see the end.

# ---- state: what `tl` remembers. None of it is in the environment.

# Every variable that `twolock env` sets or removes.
$global:__TwolockNames = @(
    'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_ACCOUNT_ID',
    'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_BEARER_TOKEN_BEDROCK', 'TWOLOCK_RUNNING',
    'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION',
    'AWS_REGION', 'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL', 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT',
    'AWS_STS_REGIONAL_ENDPOINTS', 'AWS_CA_BUNDLE', 'AWS_SDK_LOAD_CONFIG',
    'TWOLOCK_HANDED', 'TWOLOCK_PROFILE', 'TWOLOCK_EXPIRATION'
)
# Before: each variable as it was before the first `tl`. At, KeyId: the current profile and its key id, to notice
# when something else changed it. Previous: the previous profile. Keys, PreviousKeys: whether keys were asked for.
if ($null -eq (Microsoft.PowerShell.Utility\Get-Variable -Name __TwolockState -Scope Global -ErrorAction Ignore)) {
    $global:__TwolockState = @{
        Before = $null; At = $null; KeyId = $null; Keys = $false; Previous = $null; PreviousKeys = $false
    }
}

# Returns the value of each variable; $null where there is none.
function global:__TwolockSnapshot {
    $kept = @{}
    foreach ($name in $global:__TwolockNames) { $kept[$name] = [Environment]::GetEnvironmentVariable($name) }
    return $kept
}

# Restores variables. One that did not exist is removed.
function global:__TwolockRestore($Kept) {
    foreach ($name in $global:__TwolockNames) {
        if ($null -ne $Kept[$name]) {
            [Environment]::SetEnvironmentVariable($name, $Kept[$name])
        } else {
            Microsoft.PowerShell.Management\Remove-Item -LiteralPath "Env:$name" -ErrorAction Ignore
        }
    }
}

# Runs the program, whatever functions and aliases are called.
function global:__TwolockRun {
    $program = Microsoft.PowerShell.Core\Get-Command -Name twolock -CommandType Application -TotalCount 1
    & $program.Source @args
}

# ---- tl: this shell and a profile

if (Microsoft.PowerShell.Management\Test-Path -LiteralPath Alias:tl) {
    Microsoft.PowerShell.Management\Remove-Item -LiteralPath Alias:tl -Force
}

function global:tl([string] $Target) {
    $usage = 'usage: tl [--keys] [PROFILE]   (no PROFILE: pick one; tl -: the previous profile; --keys: set keys, not AWS_PROFILE; tl --off: restore what was set before the first tl)'
    $state = $global:__TwolockState
    $words = @(@($Target) + $args | Microsoft.PowerShell.Core\Where-Object { $_ -and $_ -cne '--keys' })
    $keys = $Target -ceq '--keys' -or $args -ccontains '--keys'
    $isEmpty = $PSBoundParameters.ContainsKey('Target') -and -not $Target
    if ($words.Count -eq 0 -and -not $isEmpty) { return __TwolockPick $keys }
    $Target = $words[0]
    if ($words.Count -eq 1 -and $Target -in '--help', 'help') { return $usage }
    if ($words.Count -eq 1 -and $Target -eq '--off') { return __TwolockOff }
    if ($words.Count -eq 1 -and $Target -eq '-') {
        if (-not $state.Previous) { throw 'tl: no previous profile' }
        return __TwolockSwitch $state.Previous ($keys -or $state.PreviousKeys)
    }
    if ($words.Count -eq 1 -and -not $Target.StartsWith('-')) { return __TwolockSwitch $Target $keys }
    [Console]::Error.WriteLine($usage)
    __TwolockRun complete '--' env '=' | Microsoft.PowerShell.Core\ForEach-Object { [Console]::Error.WriteLine($_) }
    $global:LASTEXITCODE = 2
    throw 'tl: name a profile'
}

# If nothing is picked, nothing changes and nothing is printed; $LASTEXITCODE shows it.
function global:__TwolockPick([bool] $Keys) {
    $name = __TwolockRun profile pick
    if ($LASTEXITCODE -eq 0 -and $name) { __TwolockSwitch $name $Keys }
}

# All or nothing: if the statements fail, their changes are undone.
function global:__TwolockSwitch([string] $Profile_, [bool] $Keys) {
    $state = $global:__TwolockState
    $byName = if ($Keys) { @() } else { @('--by-name=if-possible') }
    $statements = __TwolockRun env --shell powershell @byName "--profile=$Profile_"
    if ($LASTEXITCODE -ne 0) { throw "twolock: no credentials for '$Profile_'" }
    $kept = __TwolockSnapshot
    try {
        Microsoft.PowerShell.Utility\Invoke-Expression ($statements -join "`n")
    } catch {
        __TwolockRestore $kept
        throw
    }
    if ($null -eq $state.Before) { $state.Before = $kept }
    if ($state.At -and $state.At -cne $Profile_) {
        $state.Previous = $state.At
        $state.PreviousKeys = $state.Keys
    }
    $state.At = $Profile_
    $state.KeyId = $env:AWS_ACCESS_KEY_ID
    $state.Keys = $Keys
}

function global:__TwolockOff {
    $state = $global:__TwolockState
    if ($null -eq $state.Before) { return }
    __TwolockRestore $state.Before
    $state.Previous = $state.At
    $state.PreviousKeys = $state.Keys
    $state.Before = $state.At = $state.KeyId = $null
}

# ---- completion: commands, flags and profiles, by `twolock complete`. Uses no keyring and no network.

# Makes results of lines of candidates; a word that PowerShell would cut is quoted.
function global:__TwolockResults($Lines) {
    foreach ($line in $Lines) {
        $word, $does = $line -split "`t", 2
        $text = if ($word -match '^[\w./:=+%-]+$') { $word } else { "'" + ($word -replace "'", "''") + "'" }
        if (-not $does) { $does = $word }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $does)
    }
}

Microsoft.PowerShell.Core\Register-ArgumentCompleter -Native -CommandName twolock -ScriptBlock {
    param($Word, $Ast, $Cursor)
    $before = @($Ast.CommandElements |
            Microsoft.PowerShell.Core\Where-Object { $_.Extent.EndOffset -lt $Cursor } |
            Microsoft.PowerShell.Core\ForEach-Object { $_.Extent.Text.Trim("'", '"') })
    # older PowerShells drop an empty argument; `=` stands for one
    $last = if ($Word) { $Word.Trim("'", '"') } else { '=' }
    $words = @($before | Microsoft.PowerShell.Utility\Select-Object -Skip 1)
    __TwolockResults (__TwolockRun complete '--' @words $last)
}

Microsoft.PowerShell.Core\Register-ArgumentCompleter -CommandName tl -ParameterName Target -ScriptBlock {
    param($Command, $Parameter, $Word)
    if ($Word -like '-*') { return __TwolockResults '--keys', '--off' }
    $last = if ($Word) { $Word.Trim("'", '"') } else { '=' }
    __TwolockResults (__TwolockRun complete '--' env $last)
}

# ---- prompt: profile and time left, without starting a process

# Returns "(prod 47m) "; under ten minutes "(prod 9m!) ", then "(prod expired!) ", or "(prod code?) " where a profile was
# set by name; without credentials nothing. Keys that `tl` did not set are called "aws".
function global:twolock_prompt {
    $state = $global:__TwolockState
    $name, $until, $over = 'aws', $env:AWS_CREDENTIAL_EXPIRATION, 'expired!'
    if ($until) {
        if ($state.KeyId -and $state.KeyId -ceq $env:AWS_ACCESS_KEY_ID) { $name = $state.At }
    } elseif (-not $env:AWS_ACCESS_KEY_ID -and $env:AWS_PROFILE -and $env:TWOLOCK_PROFILE -ceq $env:AWS_PROFILE) {
        $name, $until, $over = $env:AWS_PROFILE, $env:TWOLOCK_EXPIRATION, 'code?'
        if ($name -match '\p{Cc}') { return '' }
    } else {
        return ''
    }
    $ends = [DateTimeOffset]::MinValue
    $culture = [Globalization.CultureInfo]::InvariantCulture
    $style = [Globalization.DateTimeStyles]::AssumeUniversal
    $form = "yyyy-MM-dd'T'HH:mm:ssK"
    if (-not [DateTimeOffset]::TryParseExact($until, $form, $culture, $style, [ref] $ends)) {
        return "($name) "
    }
    $left = [Math]::Floor(($ends - [DateTimeOffset]::UtcNow).TotalSeconds)
    $minutes = [Math]::Floor($left / 60)
    if ($left -le 0) { return "($name $over) " }
    if ($left -lt 60) { return "($name <1m!) " }
    if ($left -lt 600) { return "($name ${minutes}m!) " }
    if ($left -lt 3600) { return "($name ${minutes}m) " }
    return "($name $([Math]::Floor($minutes / 60))h$($minutes % 60)m) "
}

# ---- install: in $PROFILE
#
#   twolock init powershell | Out-String | Invoke-Expression
#
# and, for the prompt:
#
#   function prompt { "$(twolock_prompt)PS $PWD> " }
