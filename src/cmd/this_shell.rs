//! Whose credentials programs in the calling shell use, for the overview, `status` and `whoami`. No other
//! command chooses its profile by it.

use crate::aws_files::AwsFiles;
use crate::system::env::{Env, HANDED_PROFILE, KEY_ID};
use crate::text::visible::visible;

pub struct ThisShell {
    pub profile: Option<String>,
    /// Whether it has an access key, which nearly every program uses before any profile.
    pub has_keys: bool,
    /// Whether `env --by-name` set its profile.
    pub is_by_name: bool,
    /// What does not fit together, as a sentence.
    pub contradiction: Option<String>,
}

impl ThisShell {
    pub fn of(env: &Env) -> Self {
        let has_keys = env.credentials().contains(&KEY_ID);
        let handed = env.text(HANDED_PROFILE);
        let variable = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().find(|variable| env.text(variable).is_some());
        let named = variable.and_then(|variable| env.text(variable)).filter(|_| !has_keys);
        let profile = if env.has_handed_keys() { handed } else { named };
        let others = || match (has_keys, variable.zip(named)) {
            (true, _) => "the keys here are others".into(),
            (false, Some((variable, name))) => format!("but {variable} says {}", visible(name)),
            (false, None) => "but this shell has no credentials for it".into(),
        };
        let wrong = handed.filter(|handed| profile != Some(handed));
        Self {
            profile: profile.map(String::from),
            has_keys,
            // Keys that were set since hide the name; they do not make it the user's.
            is_by_name: handed.is_some() && env.text("AWS_PROFILE") == handed && !env.has_handed_keys(),
            contradiction: wrong.map(|handed| format!("{HANDED_PROFILE} says {}, {}", visible(handed), others())),
        }
    }

    /// What the overview and `status` say of this shell: a line, or nothing.
    pub fn remark(&self, files: &AwsFiles) -> String {
        match (&self.contradiction, &self.profile) {
            (Some(text), _) => format!("{text}\n"),
            (None, None) if self.has_keys => {
                format!("this shell has keys of its own ({KEY_ID}), which programs use before any profile\n")
            }
            (None, Some(name)) if !self.has_keys && name != "default" && files.profile(name).is_none() => {
                let (name, files) = (visible(name), files.shown());
                format!("the profile of this shell, '{name}', is not in {files}, so AWS tools fail\n")
            }
            (None, _) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_a_shell_is_what_its_programs_use() {
        for (variables, profile, contradiction) in [
            (vec![], None, None),
            (vec![("AWS_PROFILE", "prod")], Some("prod"), None),
            (vec![("AWS_DEFAULT_PROFILE", "prod")], Some("prod"), None),
            (vec![("AWS_PROFILE", "prod"), ("TWOLOCK_PROFILE", "prod")], Some("prod"), None),
            (
                vec![("AWS_PROFILE", "stage"), ("TWOLOCK_PROFILE", "prod")],
                Some("stage"),
                Some("TWOLOCK_PROFILE says prod, but AWS_PROFILE says stage"),
            ),
            (
                vec![("TWOLOCK_PROFILE", "prod")],
                None,
                Some("TWOLOCK_PROFILE says prod, but this shell has no credentials for it"),
            ),
        ] {
            let shell = ThisShell::of(&Env::of(variables.clone()));
            assert_eq!(shell.profile.as_deref(), profile, "{variables:?}");
            assert_eq!(shell.contradiction.as_deref(), contradiction, "{variables:?}");
        }
    }
}
