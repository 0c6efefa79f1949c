//! Every row of the tables 2.2, 2.3 and 2.4 of aws-contract: profile `p`, and what each caller makes of it.
//!
//! The unit tests compare our verdicts with these; `tests/callers` compares our verdicts with what real callers do.

/// One row. `{us}` is the path of twolock, `{other}` that of another program.
pub struct Row {
    /// The situation.
    pub name: &'static str,
    /// `~/.aws/config`.
    pub config: &'static str,
    /// `~/.aws/credentials`.
    pub credentials: &'static str,
    /// In the order of `ALL`: the AWS CLI and boto3, Go, JavaScript, Java, Rust.
    pub verdicts: [&'static str; 5],
}

const fn row(name: &'static str, config: &'static str, credentials: &'static str, verdicts: [&'static str; 5]) -> Row {
    Row { name, config, credentials, verdicts }
}

const BASE: &str = "[base]\naws_access_key_id = AKIAIBASEBASEBASEBAS\naws_secret_access_key = bases/secret\n";
const OWN: &str = "[p]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\naws_secret_access_key = own/secret\n";
const OWN_AND_BASE: &str = "[p]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\naws_secret_access_key = own/secret\n\
                            [base]\naws_access_key_id = AKIAIBASEBASEBASEBAS\naws_secret_access_key = bases/secret\n";
/// `mid` has keys beside its role.
const MID_AND_BASE: &str = "[mid]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\naws_secret_access_key = own/secret\n\
                            [base]\naws_access_key_id = AKIAIBASEBASEBASEBAS\naws_secret_access_key = bases/secret\n";

/// What only a shell understands.
const SHELL_ALONE: [&str; 5] = ["error", "us", "us", "us", "us"];

/// The rows.
pub const ROWS: &[Row] = &[
    // 2.2: which source wins inside one profile.
    row(
        "static keys and process, both in the config file",
        "[profile p]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\naws_secret_access_key = own/secret\n\
         credential_process = {us} credential-process --profile p\n",
        "",
        ["us", "keys", "keys", "us", "us"],
    ),
    row(
        "static keys in the credentials file, process in the config file",
        "[profile p]\ncredential_process = {us} credential-process --profile p\n",
        OWN,
        ["keys", "keys", "keys", "us", "us"],
    ),
    row(
        "static keys beside a role and its source",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\n",
        OWN_AND_BASE,
        ["role(keys)"; 5],
    ),
    row(
        "SSO keys and process",
        "[profile p]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\n\
         sso_role_name = Admin\ncredential_process = {us} credential-process --profile p\n",
        "",
        ["sso", "sso", "us", "sso", "sso"],
    ),
    row("role_arn alone", "[profile p]\nrole_arn = {role}\n", "", ["error", "nothing", "nothing", "nothing", "error"]),
    row("web identity", "[profile p]\nrole_arn = {role}\nweb_identity_token_file = /nowhere/token\n", "", ["web"; 5]),
    row(
        "web identity and process",
        "[profile p]\nrole_arn = {role}\nweb_identity_token_file = /nowhere/token\n\
         credential_process = {us} credential-process --profile p\n",
        "",
        ["web", "error", "web", "web", "web"],
    ),
    row("no credentials", "[profile p]\nregion = eu-west-1\n", BASE, ["nothing"; 5]),
    row(
        "half a key and process",
        "[profile p]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\ncredential_process = {us} credential-process p\n",
        "",
        ["us", "error", "us", "us", "us"],
    ),
    row(
        "half a key in the credentials file and process",
        "[profile p]\ncredential_process = {us} credential-process p\n",
        "[p]\naws_access_key_id = AKIAIOWNOWNOWNOWNOWN\n",
        ["error", "error", "us", "us", "us"],
    ),
    // 3.3: how the process is started.
    row("a tilde", "[profile p]\ncredential_process = ~/programs/twolock credential-process p\n", "", SHELL_ALONE),
    row("$HOME", "[profile p]\ncredential_process = $HOME/programs/twolock credential-process p\n", "", SHELL_ALONE),
    row("an assignment", "[profile p]\ncredential_process = X=1 {us} credential-process p\n", "", SHELL_ALONE),
    row("below env", "[profile p]\ncredential_process = env X=1 {us} credential-process p\n", "", ["us"; 5]),
    row("below a shell", "[profile p]\ncredential_process = sh -c \"{us} credential-process p\"\n", "", ["us"; 5]),
    row(
        "a missing program",
        "[profile p]\ncredential_process = /gone/twolock credential-process p\n",
        "",
        ["error"; 5],
    ),
    // 2.3: other settings beside the process.
    row("process alone", "[profile p]\ncredential_process = {us} credential-process --profile p\n", "", ["us"; 5]),
    row(
        "process of another profile",
        "[profile p]\ncredential_process = {us} credential-process --profile=q\n",
        "",
        ["us:q"; 5],
    ),
    row("another program", "[profile p]\ncredential_process = {other} credential-process p\n", "", ["other"; 5]),
    row(
        "process and mfa_serial",
        "[profile p]\nmfa_serial = {serial}\ncredential_process = {us} credential-process --profile p\n",
        "",
        ["us"; 5],
    ),
    row(
        "process, mfa_serial and other keys of roles",
        "[profile p]\nmfa_serial = {serial}\nexternal_id = ex1\nrole_session_name = me\nduration_seconds = 900\n\
         credential_process = {us} credential-process --profile p\n",
        "",
        ["us"; 5],
    ),
    row(
        "Layout O: process and keys of our own",
        "[profile p]\nmfa_serial = {serial}\ntwolock_role_arn = {role}\ntwolock_source_profile = base\n\
         credential_process = {us} credential-process --profile p\n",
        BASE,
        ["us"; 5],
    ),
    row(
        "process and source_profile",
        "[profile p]\nsource_profile = base\ncredential_process = {us} credential-process --profile p\n",
        BASE,
        ["us", "error", "us", "us", "us"],
    ),
    row(
        "process and role_arn",
        "[profile p]\nrole_arn = {role}\ncredential_process = {us} credential-process --profile p\n",
        "",
        ["error", "role(us)", "us", "us", "error"],
    ),
    row(
        "process, role_arn and mfa_serial",
        "[profile p]\nrole_arn = {role}\nmfa_serial = {serial}\ncredential_process = {us} credential-process --profile p\n",
        "",
        ["error", "cannot ask", "us", "us", "error"],
    ),
    row(
        "process, role_arn and source_profile",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\ncredential_process = {us} credential-process --profile p\n",
        BASE,
        ["role(keys)", "error", "role(keys)", "role(keys)", "role(keys)"],
    ),
    row(
        "process, role_arn, source_profile and mfa_serial",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\nmfa_serial = {serial}\n\
         credential_process = {us} credential-process --profile p\n",
        BASE,
        ["role(keys), asks for 4", "error", "cannot ask", "role(keys), no MFA for 4", "role(keys), no MFA for 4"],
    ),
    row(
        "process, role_arn and itself as source",
        "[profile p]\nrole_arn = {role}\nsource_profile = p\ncredential_process = {us} credential-process --profile p\n",
        "",
        ["error", "error", "us", "error", "role(us)"],
    ),
    row(
        "Layout M: the role above an adopted source",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\n[profile base]\nmfa_serial = {serial}\n\
         credential_process = {us} credential-process base\n",
        "",
        ["role(us:base)"; 5],
    ),
    row(
        "Layout M with mfa_serial left in the role",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\nmfa_serial = {serial}\n[profile base]\n\
         credential_process = {us} credential-process base\n",
        "",
        ["role(us:base), asks for 4", "cannot ask", "cannot ask", "role(us:base)", "role(us:base)"],
    ),
    row(
        "Layout S: a plain role with mfa_serial",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\nmfa_serial = {serial}\n",
        BASE,
        ["role(keys), asks for 4", "cannot ask", "cannot ask", "role(keys), no MFA for 4", "role(keys), no MFA for 4"],
    ),
    // 2.4: sources.
    row(
        "itself as source, with keys",
        "[profile p]\nrole_arn = {role}\nsource_profile = p\n",
        OWN,
        ["role(keys)", "role(keys)", "role(keys)", "error", "role(keys)"],
    ),
    row(
        "source with keys and a role",
        "[profile p]\nrole_arn = {role}\nsource_profile = mid\n[profile mid]\nrole_arn = {mid}\nsource_profile = base\n",
        MID_AND_BASE,
        ["role(keys)", "role(role(keys))", "role(keys)", "role(role(keys))", "role(keys)"],
    ),
    row(
        "source upon source upon an adopted source",
        "[profile p]\nrole_arn = {role}\nsource_profile = mid\n[profile mid]\nrole_arn = {mid}\nsource_profile = base\n\
         [profile base]\ncredential_process = {us} credential-process --profile base\n",
        "",
        ["role(role(us:base))"; 5],
    ),
    row(
        "the role below wants a code",
        "[profile p]\nrole_arn = {role}\nsource_profile = mid\n[profile mid]\nrole_arn = {mid}\nsource_profile = base\n\
         mfa_serial = {serial}\n",
        BASE,
        [
            "role(role(keys)), asks for 7",
            "cannot ask",
            "cannot ask",
            "role(role(keys)), no MFA for 7",
            "role(role(keys)), no MFA for 7",
        ],
    ),
    row(
        "two profiles in a loop",
        "[profile p]\nrole_arn = {role}\nsource_profile = q\n[profile q]\nrole_arn = {mid}\nsource_profile = p\n",
        "",
        ["error"; 5],
    ),
    row(
        "two profiles in a loop, with a process",
        "[profile p]\nrole_arn = {role}\nsource_profile = q\ncredential_process = {us} credential-process p\n\
         [profile q]\nrole_arn = {mid}\nsource_profile = p\n",
        "",
        ["error", "error", "us", "error", "error"],
    ),
    row("source that does not exist", "[profile p]\nrole_arn = {role}\nsource_profile = gone\n", "", ["error"; 5]),
    row(
        "source without credentials",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\n[profile base]\nregion = eu-west-1\n",
        "",
        ["error"; 5],
    ),
    row(
        "source_profile and credential_source",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\ncredential_source = Environment\n",
        OWN_AND_BASE,
        ["error", "error", "keys", "error", "error"],
    ),
    row(
        "credential_source",
        "[profile p]\nrole_arn = {role}\ncredential_source = Ec2InstanceMetadata\n",
        "",
        ["role(credential_source)"; 5],
    ),
    row(
        "role upon another program",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\n[profile base]\ncredential_process = {other} print\n",
        "",
        ["role(other)"; 5],
    ),
    row(
        "role upon another program, adopted",
        "[profile p]\ntwolock_role_arn = {role}\ntwolock_source_profile = base\n\
         credential_process = {us} credential-process --profile p\n[profile base]\ncredential_process = {other} print\n",
        "",
        ["us"; 5],
    ),
    row(
        "role upon SSO, adopted",
        "[profile p]\ntwolock_role_arn = {role}\ntwolock_source_profile = base\n\
         credential_process = {us} credential-process --profile p\n[profile base]\n\
         sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\n\
         sso_role_name = Admin\n",
        "",
        ["us"; 5],
    ),
    row(
        "what SSO gives, lent and adopted",
        "[profile p]\ntwolock_source_profile = base\ncredential_process = {us} credential-process --profile p\n\
         [profile base]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n\
         sso_account_id = 123456789012\nsso_role_name = Admin\n",
        "",
        ["us"; 5],
    ),
    row(
        "role upon SSO",
        "[profile p]\nrole_arn = {role}\nsource_profile = base\n[profile base]\n\
         sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 123456789012\n\
         sso_role_name = Admin\n",
        "",
        ["role(sso)"; 5],
    ),
    row("profile not found", "[profile q]\nregion = eu-west-1\n", BASE, ["profile not found"; 5]),
];
