//! `console`: signs in to the AWS console with the credentials of a role, in the browser or by a URL that is printed.

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::aws::Bounds;
use crate::aws::endpoint::console_page;
use crate::cli;
use crate::credentials::Session;
use crate::duration;
use crate::error::{Failure, Kind, Result};
use crate::hint::{CommandLine, Hint, Verb};
use crate::names::{ProfileName, Region};
use crate::output::{messages, to_stdout};
use crate::profile::base::Base;
use crate::profile::plan::Plan;
use crate::profile::steps::CHAINED_AT_MOST;
use crate::secret::Secret;
use crate::session::cache::Need;
use crate::system::browser::{Browser, NoBrowser};
use crate::system::child;
use crate::system::clock::{self, Deadline};
use crate::system::foreign_file::plain;
use crate::system::harden::Limits;
use crate::system::loopback::{Ended, RedirectOnce};
use crate::text::visible::visible;

use super::break_glass::{self, BreakGlass};
use super::context::{Context, Invocation};
use super::sessions::{SessionRequest, obtain};

/// How long the browser may take to ask for the page.
const BROWSER_TAKES: Duration = Duration::from_secs(60);
/// A shorter wait is not mentioned.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// What a call takes of the time that was asked for.
const SPENT: Duration = Duration::from_secs(60);
/// More names than these help nobody.
const MOST_NAMES: usize = 8;

pub fn run(args: &cli::Console, invocation: &Invocation) -> Result<u8> {
    let context = Context::load(&invocation.env)?.with_duration(args.duration);
    let name = context.requested_or_picked(&args.profile.profile)?;
    let planned = context.plan(&name)?;
    let plan = &planned.plan;
    refuse_without_role(&context, plan)?;
    let page = page(plan, args)?;
    // Before a code is asked for.
    let browser = if args.print { None } else { Some(find_browser(&context, plan)?) };
    planned.print_notes();
    note_own_code(plan, args.duration);
    let session = match plan.protected {
        true => break_glass::mint(
            &context,
            &planned,
            &BreakGlass { code_stdin: args.profile.code_stdin, ..BreakGlass::default() },
        )?,
        false => obtain(&context, &planned, &session_request(&context, plan, args))?,
    };
    // Else the console session of a protected role would be longer than its credentials.
    let asked = args.duration.or(plan.protected.then(|| plan.duration())).filter(|_| !is_chained(plan));
    let url = context.signin(&planned)?.url(&session, asked, &page, Bounds::CALL);
    let url = url.map_err(|e| {
        let failure = e.of_profile(&plan.profile);
        let of_no_role = || {
            CommandLine::of(Verb::Whoami, &plan.profile)
                .to("the console accepts only credentials of a role; to see whose these are")
        };
        match failure.kind == Kind::Refused && plan.role().is_none() {
            true => Failure { hints: vec![of_no_role()], ..failure },
            false => failure,
        }
    })?;
    match browser {
        None => to_stdout(format!("{}\n", url.expose()).as_bytes())?,
        Some(browser) => {
            let opening = Opening { context: &context, limits: invocation.limits, profile: &plan.profile, browser };
            opening.open(&url)?;
            to_stdout(done(plan, &session, asked).as_bytes())?;
        }
    }
    context.note_use(&plan.profile);
    Ok(0)
}

fn session_request(context: &Context, plan: &Plan, args: &cli::Console) -> SessionRequest {
    SessionRequest {
        need: need(context, plan, args.duration),
        ..SessionRequest::interactive(context, args.profile.code_stdin)
    }
}

fn done(plan: &Plan, session: &Session, asked: Option<Duration>) -> String {
    let account = session.account.as_ref().map(|account| format!(" in account {account}")).unwrap_or_default();
    let left = asked.unwrap_or_else(|| session.expires.since(clock::now()));
    let profile = visible(plan.profile.as_str());
    format!("{profile}: console{account} opened in the browser, {} left\n", duration::show(left))
}

/// AWS signs in nobody with the session of a user. A federated one would need a policy that nobody wrote, and takes no
/// code.
fn refuse_without_role(context: &Context, plan: &Plan) -> Result<()> {
    if plan.role().is_some() || may_be_of_role(&plan.base) {
        return Ok(());
    }
    let names = context.profile_names();
    let has_role_below = |name: &&String| {
        let outline = context.outline(name).filter(|outline| outline.role.is_some());
        outline.is_some_and(|outline| outline.base.gives_the_same_as(&plan.base))
    };
    let roles: Vec<&String> = names.iter().filter(has_role_below).collect();
    let failure = Failure::new(Kind::Config, "the console needs a role, and this profile has none");
    let failure = failure.of_profile(&plan.profile);
    Err(match roles.as_slice() {
        [] => failure.hint("sign in with a profile that has a role_arn, and this profile as its source_profile"),
        roles => {
            let commands = roles.iter().take(MOST_NAMES).map(|name| CommandLine::of(Verb::Console, name));
            commands.fold(failure, |failure, command| failure.hint(command.to("a role that uses its access key")))
        }
    })
}

/// Whether credentials from elsewhere are those of a role; of what another program prints, only AWS can tell.
fn may_be_of_role(base: &Base) -> bool {
    match base {
        Base::Sso(_) | Base::Process(_) | Base::WebIdentity(_) => true,
        Base::Login(login) => login.session.contains(":assumed-role/"),
        Base::Key(_) | Base::Temporary(_) => false,
    }
}

/// The console's page in the region of the flag, else of the profile.
fn page(plan: &Plan, args: &cli::Console) -> Result<String> {
    let of_partition = |region: &Region| region.partition() == Some(plan.partition);
    let region = match &args.region {
        Some(region) if !of_partition(region) => {
            let cause = format!("region '{region}' is not in the role's partition: {}", plan.partition.name());
            return Err(Failure::new(Kind::Usage, cause).of_profile(&plan.profile));
        }
        Some(region) => region.clone(),
        None => Some(plan.region.value.clone()).filter(of_partition).unwrap_or(Region::default_of(plan.partition)),
    };
    console_page(plan.partition, &region, args.service.as_deref()).map_err(|failure| failure.of_profile(&plan.profile))
}

/// Whether the role is assumed with a session. AWS then takes no duration of the console session, which ends with the
/// credentials (aws-contract 4.6).
fn is_chained(plan: &Plan) -> bool {
    plan.steps.len() > 1 || (plan.base.is_temporary() && plan.steps.iter().any(|step| step.role().is_some()))
}

/// Credentials that last as long as the console session should.
fn need(context: &Context, plan: &Plan, asked: Option<Duration>) -> Need {
    match asked.filter(|_| is_chained(plan)) {
        Some(asked) => Need { rest: asked.saturating_sub(SPENT), ..context.need() },
        None => context.need(),
    }
}

fn note_own_code(plan: &Plan, asked: Option<Duration>) {
    if let Some(asked) = asked.filter(|asked| *asked > CHAINED_AT_MOST && plan.device.is_some()) {
        messages::note(&format!(
            "profile '{}': AWS limits a role assumed with an MFA session to 1h, so for {} it is assumed with the access \
             key, and needs a code of its own",
            visible(plan.profile.as_str()),
            duration::exact(asked)
        ));
    }
}

fn printing(profile: &ProfileName) -> Hint {
    CommandLine::of(Verb::Console, profile).with("--print").to("print the URL, and open it in a browser yourself")
}

fn find_browser(context: &Context, plan: &Plan) -> Result<Browser> {
    let set = context.settings.get("browser").map(|set| set.value).filter(|path| !path.is_empty());
    let variable = context.env.text("BROWSER").filter(|_| set.is_none());
    let way = |path: &str| CommandLine::new(Verb::SettingsSet).with("browser").with(path);
    let set = set.map(PathBuf::from);
    let found = Browser::find(&context.env, set.as_deref(), &context.dirs.account_home());
    if let (Ok(_), Some(variable)) = (&found, variable) {
        let text = "BROWSER is not used, because a repository could set it";
        messages::note(&format!("{text}; if you trust it: {}", way(variable)));
    }
    found.map_err(|none| {
        let failure = why(&none).of_profile(&plan.profile).hint(printing(&plan.profile));
        match variable {
            Some(variable) => failure.hint(way(variable).to("to use BROWSER, which a repository could set")),
            None => failure,
        }
    })
}

fn why(none: &NoBrowser) -> Failure {
    match none {
        NoBrowser::Ssh => Failure::new(Kind::NeedsPerson, "this is an SSH session, where no browser can be opened"),
        NoBrowser::NoDisplay => Failure::new(Kind::NeedsPerson, "there is no display to open a browser on"),
        NoBrowser::NotFound(program) => {
            Failure::new(Kind::Config, format!("the browser '{}' (setting browser) cannot be run", program.display()))
        }
        NoBrowser::NoOpener => {
            Failure::new(Kind::Config, "the program that opens a browser was not found (xdg-open, or the system's own)")
        }
    }
}

/// What opens the sign-in page. The browser gets the address of a page on this machine, and only that page leads on: other
/// users can read command lines.
struct Opening<'a> {
    context: &'a Context,
    limits: Limits,
    profile: &'a ProfileName,
    browser: Browser,
}

impl Opening<'_> {
    fn open(&self, url: &Secret<String>) -> Result<()> {
        let page = RedirectOnce::listen()
            .map_err(|e| self.failed(Kind::Config, &format!("cannot listen on 127.0.0.1: {}", plain(&e))))?;
        let mut child = self.start(&page.url())?;
        let (started, mut told, mut ended) = (Instant::now(), false, None);
        let gives_up = || {
            if !told && started.elapsed() > TELL_AFTER {
                told = true;
                messages::note("waiting for the browser to open the page");
            }
            ended = failure_of(&mut child);
            ended.is_some()
        };
        let until = Deadline::after(started, BROWSER_TAKES);
        match page.answer(url, until, gives_up) {
            Ended::Redirected => Ok(()),
            Ended::TimedOut => {
                let cause = format!("the browser did not open the page within {} s", BROWSER_TAKES.as_secs());
                Err(self.failed(Kind::NeedsPerson, &cause))
            }
            Ended::Disturbed => {
                Err(self.failed(Kind::NeedsPerson, "another program sent too many wrong requests to the page"))
            }
            Ended::GivenUp => {
                let ending = ended.map(child::ending).unwrap_or_default();
                Err(self.failed(Kind::NeedsPerson, &format!("no browser opened: {} {ending}", self.program())))
            }
        }
    }

    fn start(&self, url: &str) -> Result<Child> {
        let Context { env, dirs, .. } = self.context;
        let started = self.browser.open(url, env, &dirs.account_home(), |command| self.limits.restore_for(command));
        started.map_err(|e| self.failed(Kind::Config, &format!("{} cannot be started: {}", self.program(), plain(&e))))
    }

    fn program(&self) -> String {
        self.browser.program.display().to_string()
    }

    fn failed(&self, kind: Kind, cause: &str) -> Failure {
        Failure::new(kind, cause).of_profile(self.profile).hint(printing(self.profile))
    }
}

/// How a program ended that could not open the browser. One that could may end, too.
fn failure_of(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().ok().flatten().filter(|status| !status.success())
}
