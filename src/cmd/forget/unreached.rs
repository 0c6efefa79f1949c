//! What `forget` cannot remove: at AWS, in shells and their files, in the caches of other programs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::plan::Plan;
use crate::cmd::context::Context;
use crate::cmd::foreign_caches;
use crate::cmd::logout::left_behind;
use crate::cmd::shell::{calling_shell, line_to_type};
use crate::credentials::AccessKeyId;
use crate::session::sealing_key;
use crate::shell::Shell;
use crate::system::clock;
use crate::system::directories::shorten;
use crate::system::env::HANDED_PROFILE;
use crate::system::foreign_file;
use crate::text::list::counted;
use crate::text::visible::visible;

/// A line for each.
pub fn lines(context: &Context, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if !plan.is_empty() {
        lines.extend(at_aws(context, plan));
        lines.extend(of_other_directories(context));
    }
    lines.extend(plan.unsearched.iter().map(|why| {
        format!("access keys of no profile, if there are any: {why}; look there for items of service 'twolock'")
    }));
    lines.extend(in_shell_files(context).into_iter().map(|place| format!("the line of twolock in {place}")));
    if context.env.text(HANDED_PROFILE).is_some() {
        let unset = line_to_type(calling_shell(&context.env), "--unset");
        lines.push(format!("the credentials of this shell, and of others; to unset them: {unset}"));
    }
    let caches = foreign_caches::found(&context.dirs.home, clock::now());
    lines.extend(caches.iter().map(|cache| left_behind(context, cache)));
    if !context.dirs.is_account_home() {
        let own = visible(&context.dirs.account_home().to_string_lossy());
        lines.push(format!("the files of twolock in {own}, the account's own home"));
    }
    for choice in [&context.files.config_choice, &context.files.credentials_choice] {
        if let Some(variable) = choice.variable {
            lines.push(format!("other AWS files than the one that {variable} selects"));
        }
    }
    lines
}

/// Directories of sessions that variables or symlinks selected before.
fn of_other_directories(context: &Context) -> Option<String> {
    let others = sealing_key::count_of_others(&context.stores(false), &context.dirs.cache);
    let what = counted(others, "encryption key");
    (others > 0)
        .then(|| format!("{what} of other session directories: look for items of service 'twolock' in the keyring"))
}

fn at_aws(context: &Context, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    // The new key of a finished rotation is in use, wherever it is kept.
    let rotated = plan.rotations.iter().flat_map(|record| {
        [Some(&record.old), record.phase.new_key().filter(|_| record.is_unfinished())].into_iter().flatten()
    });
    let ids = plan.keys.iter().map(|key| &key.id).chain(&plan.restored).chain(rotated);
    for id in ids.map(AccessKeyId::as_str).collect::<BTreeSet<_>>() {
        lines.push(format!(
            "access key {id} at AWS; to delete it: aws iam delete-access-key --access-key-id {id} (or in the console: \
             IAM > Users > Security credentials)"
        ));
    }
    let names = context.files.profile_names();
    let devices = names.iter().filter_map(|name| {
        Some(context.files.profile(name)?.get("mfa_serial")?.shown().to_owned()).filter(|serial| !serial.is_empty())
    });
    for device in devices.collect::<BTreeSet<_>>() {
        lines.push(format!("MFA device {} at AWS, which stays enabled, and its entry in your app", visible(&device)));
    }
    let serials: BTreeSet<&str> = plan.enrollments.iter().map(|record| record.serial.as_str()).collect();
    for serial in serials {
        lines.push(format!(
            "MFA device {serial} at AWS, whose enrollment is unfinished; to look: aws iam list-virtual-mfa-devices (or in \
             the console: IAM > Users > Security credentials)"
        ));
    }
    if let Some(end) = plan.last_session {
        lines.push(format!("credentials that programs already have: AWS accepts them until {end}"));
    }
    lines
}

/// Where startup files of shells name twolock, as `~/.bashrc:12`. They are never edited.
fn in_shell_files(context: &Context) -> Vec<String> {
    let mut found = Vec::new();
    for file in startup_files(context) {
        let bytes = foreign_file::load(&file, "", LARGEST_FILE).unwrap_or_default();
        let shown = visible(&shorten(&file, &context.dirs.home));
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if line.contains("twolock") && !line.trim_start().starts_with('#') {
                found.push(format!("{shown}:{}", number + 1));
            }
        }
    }
    found
}

/// Far above any real file.
const LARGEST_FILE: u64 = 4 << 20;

/// Those that the installation names, and those that people use besides.
fn startup_files(context: &Context) -> Vec<PathBuf> {
    let home = &context.dirs.home;
    let integrations = Shell::ALL.into_iter().filter_map(Shell::integration);
    let named = integrations.filter_map(|integration| {
        let (_, place) = integration.installation();
        place.split(',').next()?.strip_prefix("~/")
    });
    let others = [".bash_profile", ".bash_login", ".profile", ".zprofile", ".zshenv"];
    let below_settings = ["fish/config.fish", "powershell/Microsoft.PowerShell_profile.ps1", "powershell/profile.ps1"];
    let below_documents = ["PowerShell", "WindowsPowerShell"]
        .map(|shell| home.join("Documents").join(shell).join("Microsoft.PowerShell_profile.ps1"));
    let settings = context.dirs.config.parent().unwrap_or(home);
    let mut files: Vec<PathBuf> = named.chain(others).map(|name| home.join(name)).collect();
    files.extend(below_settings.map(|name| settings.join(name)).into_iter().chain(below_documents));
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}
