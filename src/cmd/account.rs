//! The user of a profile's access key, and what signs the calls to IAM about that user.

use crate::arn::{AccountId, MfaSerial};
use crate::aws::iam::{Iam, IamClient, MfaDevice};
use crate::aws::sts::StsClient;
use crate::aws::sts::operations::CallerIdentity;
use crate::aws::{AwsError, AwsErrorKind, Bounds, Signer, Sts};
use crate::aws_files::edit::Edit;
use crate::change::Change;
use crate::cmd::bases;
use crate::cmd::context::{Context, Planned};
use crate::cmd::sessions::{SessionRequest, living_mfa_session, obtain};
use crate::credentials::Credentials;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::{ProfileName, UserName};
use crate::profile::base::LongTermKey;
use crate::profile::plan::Plan;
use crate::profile::steps::Step;
use crate::store::choose::Stores;

pub struct Account<'a> {
    pub context: &'a Context,
    /// The profile that was asked for.
    pub profile: ProfileName,
    pub planned: Planned,
    pub user: UserName,
    pub arn: String,
    /// The account's number.
    pub number: AccountId,
    pub iam: IamClient,
    pub sts: StsClient,
    pub stores: Stores,
    credentials: Credentials,
}

impl<'a> Account<'a> {
    /// Signs with an MFA session if one is active, else with the access key. Never prompts.
    pub fn of(context: &'a Context, profile: &ProfileName) -> Result<Self> {
        let planned = planned(context, profile)?;
        if planned.plan.base.is_temporary() {
            let base = &planned.plan.base;
            let of_devices = |failure| base.where_devices_are().into_iter().fold(failure, Failure::hint);
            base.required_key(profile).map_err(of_devices)?;
        }
        let stores = context.stores(true);
        let sts = context.sts(&planned.endpoint)?;
        let (credentials, who) = living_session_or_key(context, &planned, &stores, &sts)?;
        let CallerIdentity { arn, account: number, .. } = who.map_err(|e| e.of_profile(profile))?;
        let user = UserName::of_arn(&arn).ok_or_else(|| {
            let (what, next) = match planned.plan.base.key() {
                Some(key) => (format!("access key {}", key.id), "create an IAM user, and use its keys"),
                None => {
                    let next = "only an IAM user has access keys and MFA devices";
                    (format!("what {} gives", planned.plan.base.origin()), next)
                }
            };
            let cause = format!("{what} belongs to {arn}, which is not an IAM user");
            Failure::new(Kind::Config, cause).of_profile(profile).hint(next)
        })?;
        let iam = context.iam(&planned)?;
        Ok(Self { context, profile: profile.clone(), planned, user, arn, number, iam, sts, stores, credentials })
    }

    /// Signs with an MFA session, for which a code is asked if none lives; with the key where the profile has no device.
    pub fn with_mfa(self, code_stdin: bool) -> Result<Self> {
        let request = SessionRequest { may_unlock: true, ..SessionRequest::interactive(self.context, code_stdin) };
        let credentials = mfa_credentials(self.context, &self.planned, &self.stores, &request)?;
        Ok(Self { credentials, ..self })
    }

    /// Whether it signs with an MFA session.
    pub fn has_session(&self) -> bool {
        matches!(self.credentials, Credentials::Session(_))
    }

    pub fn signer(&self) -> Signer<'_> {
        (&self.credentials).into()
    }

    /// The user's devices, passkeys included.
    pub fn devices(&self) -> std::result::Result<Vec<MfaDevice>, AwsError> {
        self.iam.list_mfa_devices(self.signer(), &self.user, Bounds::CALL)
    }

    /// A refusal to list, with where else the devices are shown.
    pub fn not_listed(&self, e: AwsError) -> Failure {
        let is_denied = e.kind == AwsErrorKind::Denied;
        let failure = e.of_profile(&self.profile);
        if !is_denied {
            return failure;
        }
        let login: Option<Hint> = match (&self.credentials, &self.planned.plan.device) {
            (Credentials::Key(_), Some(_)) => {
                Some(CommandLine::of(Verb::Login, &self.profile).to("to list them with an MFA session"))
            }
            _ => None,
        };
        login.into_iter().fold(Failure { hints: Vec::new(), ..failure }.hint(CONSOLE), Failure::hint)
    }

    /// The device that the profile uses.
    pub fn device(&self) -> Option<&MfaSerial> {
        self.planned.plan.device.as_ref()
    }

    /// Names STS's endpoint, where that is not AWS's: what the state of a device is kept by.
    pub fn endpoint(&self) -> Option<String> {
        self.planned.endpoint.identity()
    }

    pub fn failure(&self, e: AwsError) -> Failure {
        e.of_profile(&self.profile)
    }
}

pub const CONSOLE: &str = "the console shows the ARN of each device: IAM > Users > Security credentials";

/// A plan, also of a profile whose device STS does not take: the calls here need none.
pub fn planned(context: &Context, name: &ProfileName) -> Result<Planned> {
    context.plan(name).or_else(|failure| {
        let mut change = Change::default();
        change.edit_both(&[Edit::Unset { profile: name.to_string(), key: "mfa_serial".into() }]);
        let preview = context.preview(&change).map_err(|_| failure.clone())?;
        context.plan_of(context.sources_after(&preview), name).map_err(|_| failure)
    })
}

type Caller = std::result::Result<CallerIdentity, AwsError>;

fn living_session_or_key(
    context: &Context,
    planned: &Planned,
    stores: &Stores,
    sts: &StsClient,
) -> Result<(Credentials, Caller)> {
    if let Some(session) = living_mfa_session(context, planned, stores) {
        let who = identity(sts, Signer::Session(&session));
        // A session that AWS no longer knows is no reason to ask for a code.
        if !matches!(&who, Err(e) if e.kind == AwsErrorKind::StaleSession) {
            return Ok((Credentials::Session(session), who));
        }
    }
    let key = key(context, planned, stores)?;
    let who = identity(sts, (&key).into());
    Ok((key, who))
}

/// What signs calls that may need MFA: an MFA session, active or new; the key where the profile has no device.
pub fn mfa_credentials(
    context: &Context,
    planned: &Planned,
    stores: &Stores,
    request: &SessionRequest,
) -> Result<Credentials> {
    match session_plan(context, planned)? {
        None => key(context, planned, stores),
        Some(plan) => obtain(context, &planned.with_plan(plan), request).map(Credentials::Session),
    }
}

/// The plan of the MFA session below a profile's own credentials; none without a device.
fn session_plan(context: &Context, planned: &Planned) -> Result<Option<Plan>> {
    let opens = |plan: &Plan| matches!(plan.steps.first(), Some(Step::SessionToken { device: Some(_), .. }));
    let mut plan = planned.plan.clone();
    let user = plan.base.key().map(|key| user_of(context, &plan.profile, key));
    if let Some(user) = user.filter(|user| !opens(&plan) && *user != plan.profile) {
        plan = context.plan(&user)?.plan;
    }
    plan.steps.truncate(1);
    Ok(Some(plan).filter(opens))
}

/// The profile that is the user of a key, and no role: the one that is named, else one with a device, else that of the
/// key itself, which may hold nothing else.
pub fn user_of(context: &Context, named: &ProfileName, key: &LongTermKey) -> ProfileName {
    let is_user = |name: &ProfileName, needs_device: bool| {
        let plan = context.plan_of_many(name).ok().map(|planned| planned.plan);
        plan.is_some_and(|plan| {
            let is_its_key = plan.base.key().is_some_and(|other| other.id == key.id);
            is_its_key && plan.role().is_none() && (plan.device.is_some() || !needs_device)
        })
    };
    if is_user(named, *named == key.profile) {
        return named.clone();
    }
    let names = context.files.profile_names();
    let names = names.iter().filter_map(|name| ProfileName::parse(name).ok());
    let found = std::iter::once(key.profile.clone()).chain(names).find(|name| is_user(name, true));
    found.unwrap_or_else(|| key.profile.clone())
}

fn identity(sts: &StsClient, signer: Signer<'_>) -> Caller {
    sts.get_caller_identity(signer, Bounds::CALL)
}

fn key(context: &Context, planned: &Planned, stores: &Stores) -> Result<Credentials> {
    bases::credentials(context, planned, stores)
}
