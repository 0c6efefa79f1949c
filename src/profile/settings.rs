//! What one profile says, each value parsed when a plan uses it, with its file and line.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::arn::{MfaSerial, RoleArn};
use crate::aws_files::near::NearSection;
use crate::aws_files::{Profile, Setting};
use crate::credentials::{AccessKeyId, STATIC_KEYS};
use crate::duration;
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::{ExternalId, ProfileName, Region, SessionName, SourceIdentity, Tag};
use crate::origin::Sourced;
use crate::profile::base::other_source;
use crate::profile::keys::{self, Mistake, OUTPUTS};
use crate::secret::{MASK, may_be_in};
use crate::text::near::nearest;
use crate::text::visible::{invisible_in, refused};

/// How long AWS lets a role's credentials last.
pub(super) const ROLE_SECONDS: RangeInclusive<u64> = 900..=43_200;
/// How long AWS lets an MFA session last.
pub(super) const SESSION_SECONDS: RangeInclusive<u64> = 900..=129_600;

/// The setting [`ProfileSettings::key_max_age`].
pub const KEY_MAX_AGE: &str = "twolock_key_max_age";

/// A typed view of one profile.
#[derive(Clone, Copy)]
pub struct ProfileSettings<'a> {
    profile: &'a Profile,
    name: &'a ProfileName,
}

impl<'a> ProfileSettings<'a> {
    pub fn of(profile: &'a Profile, name: &'a ProfileName) -> Self {
        Self { profile, name }
    }

    /// The role to assume; our prefixed key hides the standard one from SDKs and wins.
    pub fn role_arn(self) -> Result<Option<Sourced<RoleArn>>> {
        self.parsed(self.either("twolock_role_arn", "role_arn"), RoleArn::parse)
    }

    /// The profile whose credentials the role is assumed with.
    pub fn source_profile(self) -> Result<Option<Sourced<ProfileName>>> {
        self.parsed(self.either("twolock_source_profile", "source_profile"), ProfileName::parse)
    }

    /// The profile whose key this one uses without a role.
    pub fn twolock_source_profile(self) -> Result<Option<Sourced<ProfileName>>> {
        self.parsed(self.raw("twolock_source_profile"), ProfileName::parse)
    }

    /// The MFA device. One that nobody reads is refused: without it there would be no MFA.
    pub fn mfa_serial(self) -> Result<Option<Sourced<MfaSerial>>> {
        let serial = self.raw("mfa_serial");
        match serial.is_none().then(|| self.ignored_device()).flatten() {
            Some(failure) => Err(failure),
            None => self.parsed(serial, MfaSerial::parse),
        }
    }

    /// A device in a section that nobody reads, or under a misspelled key.
    fn ignored_device(self) -> Option<Failure> {
        let refuse = |at: &Setting, cause| Failure::new(Kind::Config, cause).of_profile(self.name).at(&at.place);
        let below = self.near().iter().find_map(|near| {
            let setting = near.get("mfa_serial").or_else(|| near.settings().iter().find(is_misspelled_device))?;
            let (key, written, advice) = (&setting.key, near.written(), near.advice());
            let cause = format!("{key} has no effect under '{written}', which is not a profile header: {advice}");
            Some(refuse(setting, cause))
        });
        below.or_else(|| {
            let written = self.profile.sections().flat_map(|section| &section.settings).find(is_misspelled_device)?;
            let setting = self.raw(&written.key)?;
            let cause = format!("{} has no effect, so there would be no MFA: rename it to 'mfa_serial'", setting.key);
            let unset = CommandLine::of(Verb::Unset, self.name).with(&setting.key);
            let set = CommandLine::of(Verb::Set, self.name).with("mfa_serial").with(&setting.value);
            Some(refuse(setting, cause).hint(set.and(unset)))
        })
    }

    /// Refuses a FIDO key: STS takes only codes.
    pub(super) fn must_show_codes(self, serial: &Sourced<MfaSerial>) -> Result<()> {
        if !serial.value.is_fido() {
            return Ok(());
        }
        let cause = format!(
            "mfa_serial {} is a FIDO key or passkey; STS accepts only codes from virtual and hardware token devices",
            serial.value
        );
        let enroll = CommandLine::of(Verb::Enroll, self.name).to("add an authenticator app to the same user");
        Err(Failure::new(Kind::Config, cause).of_profile(self.name).at(serial.place()).hint(enroll))
    }

    pub(crate) fn mfa_process(self) -> Option<&'a Setting> {
        self.raw("mfa_process")
    }

    /// The role's duration, 900 s to 12 h.
    pub fn role_duration(self) -> Result<Option<Sourced<Duration>>> {
        self.parsed(self.raw("duration_seconds"), |text| {
            let seconds: u64 = text.parse().map_err(|_| "is not a number of seconds")?;
            if ROLE_SECONDS.contains(&seconds) {
                Ok(Duration::from_secs(seconds))
            } else {
                Err("is out of range: AWS accepts 900 (15m) to 43200 (12h)")
            }
        })
    }

    /// The MFA session's duration, 15 min to 36 h.
    pub fn session_duration(self) -> Result<Option<Sourced<Duration>>> {
        self.parsed(self.raw("twolock_session_duration"), parse_session_duration)
    }

    /// The age from which the access key that it uses counts as old, 1 day to 10 years.
    pub fn key_max_age(self) -> Result<Option<Sourced<Duration>>> {
        self.parsed(self.raw(KEY_MAX_AGE), duration::parse_max_age)
    }

    pub fn external_id(self) -> Result<Option<Sourced<ExternalId>>> {
        self.parsed(self.raw("external_id"), ExternalId::parse)
    }

    pub fn role_session_name(self) -> Result<Option<Sourced<SessionName>>> {
        self.parsed(self.raw("role_session_name"), SessionName::parse)
    }

    /// Who is behind the role session.
    pub fn source_identity(self) -> Result<Option<Sourced<SourceIdentity>>> {
        self.parsed(self.raw("twolock_source_identity"), SourceIdentity::parse)
    }

    /// Session tags, `KEY=VALUE, KEY=VALUE`.
    pub fn tags(self) -> Result<Vec<Tag>> {
        let Some(setting) = self.raw("twolock_tags") else { return Ok(Vec::new()) };
        let tags = self.list(setting, Tag::parse)?;
        if tags.len() > 50 {
            return Err(self.refuse(setting, "has more than 50 tags"));
        }
        for (i, tag) in tags.iter().enumerate() {
            if tags[..i].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
                return Err(self.refuse(setting, &format!("contains the tag '{}' twice", tag.key)));
            }
        }
        Ok(tags)
    }

    /// Keys of tags that persist through chains.
    pub fn transitive_tags(self) -> Result<Vec<String>> {
        let Some(setting) = self.raw("twolock_transitive_tags") else { return Ok(Vec::new()) };
        self.list(setting, |key| Tag::parse(&format!("{key}=")).map(|tag| tag.key))
    }

    /// Managed policies that narrow the session.
    pub fn policy_arns(self) -> Result<Vec<String>> {
        let Some(setting) = self.raw("twolock_policy_arns") else { return Ok(Vec::new()) };
        let arns = self.list(setting, |text| {
            let is_policy = text.starts_with("arn:aws") && text.contains(":iam::") && text.contains(":policy/");
            let shaped = (20..=2048).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            if is_policy && shaped {
                Ok(text.to_string())
            } else {
                Err(format!("'{}' is not a valid policy ARN", refused(text)))
            }
        })?;
        if arns.len() > 10 { Err(self.refuse(setting, "has more than 10 policies")) } else { Ok(arns) }
    }

    /// Break-glass: fresh code each time, never cached. Any `true` counts, so that no other line opens it unseen.
    pub fn protected(self) -> Result<Option<Sourced<bool>>> {
        let says_true = self.every("twolock_protected").find(|setting| setting.value.eq_ignore_ascii_case("true"));
        self.parsed_switch(says_true.or_else(|| self.raw("twolock_protected")))
    }

    pub fn is_protected(self) -> Result<bool> {
        Ok(self.protected()?.is_some_and(|protected| protected.value))
    }

    pub fn region(self) -> Result<Option<Sourced<Region>>> {
        self.parsed(self.raw("region").filter(|s| !s.value.is_empty()), Region::parse)
    }

    /// A setting that is `true` or `false`.
    pub fn switch(self, key: &str) -> Result<Option<Sourced<bool>>> {
        self.parsed_switch(self.raw(key))
    }

    fn parsed_switch(self, setting: Option<&'a Setting>) -> Result<Option<Sourced<bool>>> {
        self.parsed(setting, |text| match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// The key id of a static key, if both halves are in the files; one half alone is a failure.
    pub(crate) fn static_key(self) -> Result<Option<(AccessKeyId, &'a Place)>> {
        let (id, secret) = (self.raw(STATIC_KEYS[0]), self.raw(STATIC_KEYS[1]));
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(place), Some(_)) => Ok(self.parsed(id, AccessKeyId::parse)?.map(|id| (id.value, &place.place))),
            (Some(present), None) => Err(self.lonely(present, STATIC_KEYS[1])),
            (None, Some(present)) => Err(self.lonely(present, STATIC_KEYS[0])),
        }
    }

    /// Refuses a setting whose value a plan would refuse; keys we do not know may say anything.
    pub fn check(self, key: &str) -> Result<()> {
        match key {
            "role_arn" | "twolock_role_arn" => self.parsed(self.raw(key), RoleArn::parse).map(drop),
            "source_profile" | "twolock_source_profile" => self.parsed(self.raw(key), ProfileName::parse).map(drop),
            "mfa_serial" => self.mfa_serial()?.map_or(Ok(()), |serial| self.must_show_codes(&serial)),
            "duration_seconds" => self.role_duration().map(drop),
            "twolock_session_duration" => self.session_duration().map(drop),
            KEY_MAX_AGE => self.key_max_age().map(drop),
            "external_id" => self.external_id().map(drop),
            "role_session_name" => self.role_session_name().map(drop),
            "twolock_source_identity" => self.source_identity().map(drop),
            "twolock_tags" => self.tags().map(drop),
            "twolock_transitive_tags" => self.transitive_tags().map(drop),
            "twolock_policy_arns" => self.policy_arns().map(drop),
            "region" => self.region().map(drop),
            "output" => self.parsed(self.raw(key), parse_output).map(drop),
            "twolock_protected" => self.usable_protection(),
            "use_fips_endpoint" | "use_dualstack_endpoint" | "ignore_configured_endpoint_urls" => {
                self.switch(key).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Refuses break-glass without a role; what else stands against it, the plan says.
    fn usable_protection(self) -> Result<()> {
        if !self.is_protected()? || self.has_role() {
            return Ok(());
        }
        let why = "twolock_protected is for roles, and this profile has none";
        let place = self.raw("twolock_protected").map(|setting| &setting.place);
        Err(Failure::new(Kind::Config, why).of_profile(self.name).at(place))
    }

    fn has_role(self) -> bool {
        self.either("twolock_role_arn", "role_arn").is_some()
    }

    /// What to know of a duration that is never used: a role's where no role is assumed, an MFA session's where its key
    /// is another profile's.
    pub fn note_on_duration(self) -> Option<(&'a Setting, &'static str)> {
        let (key, note) = match self.has_role() {
            false => (
                "duration_seconds",
                "duration_seconds has no effect without a role; twolock_session_duration sets how long an MFA session lasts",
            ),
            true if self.may_give_a_key() => return None,
            true => (
                "twolock_session_duration",
                "twolock_session_duration has no effect on a role: set it in the profile with the access key; \
                 duration_seconds sets how long a role lasts",
            ),
        };
        self.raw(key).map(|setting| (setting, note))
    }

    /// Whether a role has an access key of its own besides, for itself or for others that name it as their source.
    fn may_give_a_key(self) -> bool {
        let source = self.either("twolock_source_profile", "source_profile");
        self.raw(STATIC_KEYS[0]).is_some() || source.is_some_and(|source| source.value == self.name.as_str())
    }

    /// A setting's text as read.
    pub fn raw(self, key: &str) -> Option<&'a Setting> {
        self.profile.get(key)
    }

    /// What to know of a setting by which another program takes settings from another profile.
    pub fn note_on_inheritance(self) -> Option<String> {
        let setting = ["include_profile", "parent_profile"].into_iter().find_map(|key| self.raw(key))?;
        let (key, from) = (&setting.key, refused(setting.shown()));
        Some(format!("{key} is read by aws-vault only: AWS tools and twolock take nothing from '{from}'"))
    }

    pub fn settings(self) -> Vec<&'a Setting> {
        self.profile.settings()
    }

    /// Every setting of one key, in both files, also those another one hides.
    pub fn every(self, key: &str) -> impl Iterator<Item = &'a Setting> {
        self.profile.sections().flat_map(|section| &section.settings).filter(move |setting| setting.key == key)
    }

    /// Sections that were probably meant for this profile.
    pub fn near(self) -> &'a [NearSection] {
        self.profile.near()
    }

    /// The place of the profile's first header.
    pub fn place(self) -> &'a Place {
        &self.profile.place
    }

    pub fn name(self) -> &'a ProfileName {
        self.name
    }

    /// A failure about one setting of this profile. A value that could be a secret is not repeated.
    pub fn refuse(self, setting: &Setting, why: &str) -> Failure {
        if setting.is_secret() && STATIC_KEYS.contains(&setting.key.as_str()) {
            return self.refuse_unquoted(setting, why);
        }
        let cause = format!("{} '{}' {why}", setting.key, refused(setting.shown()));
        Failure::new(Kind::Config, cause).of_profile(self.name).at(&setting.place)
    }

    /// The same for a key whose value is never repeated.
    pub fn refuse_unquoted(self, setting: &Setting, why: &str) -> Failure {
        Failure::new(Kind::Config, format!("{} {why}", setting.key)).of_profile(self.name).at(&setting.place)
    }

    /// A failure about this profile as a whole.
    pub fn refuse_profile(self, why: impl Into<String>) -> Failure {
        Failure::new(Kind::Config, why).of_profile(self.name).at(self.place())
    }

    fn either(self, ours: &str, standard: &str) -> Option<&'a Setting> {
        self.raw(ours).or_else(|| self.raw(standard))
    }

    fn lonely(self, present: &Setting, missing: &str) -> Failure {
        let failure = Failure::new(Kind::Config, format!("{} is set but {missing} is missing", present.key));
        let meant = self.misspelled(&[missing]).into_iter();
        meant.fold(failure.of_profile(self.name).at(&present.place), Failure::hint)
    }

    /// Asks whether a key that nobody reads was meant to be one of these, which are missing.
    pub(super) fn misspelled(self, wanted: &[&str]) -> Option<Hint> {
        self.settings().into_iter().find_map(|setting| match keys::mistake(&setting.key)? {
            Mistake::Nearly(meant) if wanted.contains(&meant) => {
                Some(format!("did you mean '{meant}' instead of '{}' ({})?", setting.key, setting.place).into())
            }
            _ => None,
        })
    }

    /// Whether `profile add` can give it the access key or role that it lacks: every SDK must be able to name it, and
    /// nothing of the credentials file may hide what is added.
    pub fn can_be_completed(self) -> bool {
        let is_source = |key: &&str| self.raw(key).is_some();
        let sources = [&STATIC_KEYS[..], &["role_arn", "twolock_role_arn", "twolock_source_profile"]].concat();
        self.name.fits_every_tool()
            && self.profile.credentials.is_none()
            && other_source(|key| self.raw(key)).is_none()
            && !sources.iter().any(is_source)
    }

    fn parsed<T, E: AsRef<str>>(
        self,
        setting: Option<&Setting>,
        parse: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<Option<Sourced<T>>> {
        let Some(setting) = setting else { return Ok(None) };
        match parse(&setting.value) {
            Ok(value) => Ok(Some(Sourced::at(value, &setting.place))),
            Err(why) => Err(self.refuse(setting, &naming_the_hidden(&setting.value, why.as_ref()))),
        }
    }

    fn list<T>(self, setting: &Setting, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<Vec<T>> {
        let parts = setting.value.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let safely = |part: &str| {
            let in_place_of = |why: String| if may_be_in(part) { format!("'{MASK}' is not valid here") } else { why };
            parse(part).map_err(in_place_of)
        };
        parts.map(safely).collect::<std::result::Result<_, _>>().map_err(|why| {
            let why = naming_the_hidden(&setting.value, &why);
            Failure::new(Kind::Config, format!("{}: {why}", setting.key)).of_profile(self.name).at(&setting.place)
        })
    }
}

/// Whether an MFA device is set by a key that is only nearly `mfa_serial`.
fn is_misspelled_device(setting: &&Setting) -> bool {
    // The quickest first: this is asked of every setting of most profiles.
    !keys::is_known(&setting.key)
        && MfaSerial::parse(&setting.value).is_ok()
        && keys::mistake(&setting.key) == Some(Mistake::Nearly("mfa_serial"))
}

fn parse_output(text: &str) -> std::result::Result<(), String> {
    if OUTPUTS.contains(&text) {
        return Ok(());
    }
    let near = nearest(OUTPUTS.iter().copied(), text, 2).map(|near| format!(": did you mean '{near}'?"));
    Err(format!("is not an output format{}", near.unwrap_or_else(|| format!(" (use {})", OUTPUTS.join(", ")))))
}

/// A value without the quotes around it, which AWS tools and we read as a part of it.
pub fn without_quotes(value: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
}

/// Quotes, or a character that cannot be seen, are why a value that looks right is not.
fn naming_the_hidden(value: &str, why: &str) -> String {
    match invisible_in(value) {
        _ if without_quotes(value).is_some() => format!("{why}; the quotes are read as part of the value: remove them"),
        Some(it) => format!("{why}; it contains the invisible character {it}"),
        None => why.into(),
    }
}

/// Reads the length of an MFA session: 15 min to 36 h.
pub fn parse_session_duration(text: &str) -> std::result::Result<Duration, String> {
    let span = duration::parse(text).ok_or("is not a valid duration (use 12h, 90m or a number of seconds)")?;
    if SESSION_SECONDS.contains(&span.as_secs()) {
        Ok(span)
    } else {
        Err("is out of range: AWS accepts 15m to 36h".into())
    }
}
