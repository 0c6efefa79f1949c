//! `aws login`: the session that the AWS CLI keeps, renewed where it is about to end.

use std::path::{Path, PathBuf};

use crate::aws::Bounds;
use crate::aws::endpoint::Service;
use crate::aws::login::{LoginClient, LoginGrant, ProofKey};
use crate::cmd::context::{Context, Planned};
use crate::credentials::Session;
use crate::error::{Failure, Result};
use crate::profile::base::Login;
use crate::sources::login_token::{LoginToken, LoginTokenFile};
use crate::sources::{Next, Problem};
use crate::system::clock::{self, Deadline};
use crate::system::log;

use super::sign_in::{self, Kept, NotRenewed, SignIn};

pub fn file(context: &Context, login: &Login) -> LoginTokenFile {
    LoginTokenFile::of(&context.dirs.home, chosen_cache(context).as_deref(), &login.session)
}

/// The directory that a variable chose for the sessions of `aws login`. The AWS CLI expands a tilde there.
pub fn chosen_cache(context: &Context) -> Option<PathBuf> {
    let chosen = Path::new(context.env.raw("AWS_LOGIN_CACHE_DIRECTORY")?);
    Some(chosen.strip_prefix("~").map_or(chosen.to_owned(), |below| context.dirs.home.join(below)))
}

pub fn fetch(context: &Context, planned: &Planned, login: &Login, until: Deadline) -> Result<Session> {
    sign_in::living(&Fetching { context, planned, login, file: file(context, login), until })
}

struct Fetching<'a> {
    context: &'a Context,
    planned: &'a Planned,
    login: &'a Login,
    file: LoginTokenFile,
    until: Deadline,
}

impl Fetching<'_> {
    fn must_match(&self, token: &LoginToken) -> Result<()> {
        match token.session.account.as_ref().filter(|account| **account != self.login.account) {
            Some(account) => {
                Err(self.sign_in().needed(&format!("is for account {account}, not {}", self.login.account)))
            }
            None => Ok(()),
        }
    }

    fn damaged(&self, what: &str) -> Failure {
        self.sign_in().no_token(self.context, self.file(), Problem::Damaged(what.into()))
    }
}

impl Kept for Fetching<'_> {
    type Token = LoginToken;
    type Given = Session;

    fn context(&self) -> &Context {
        self.context
    }

    fn file(&self) -> &Path {
        self.file.path()
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            name: format!("AWS as {}", self.login.session),
            profile: &self.login.profile,
            place: &self.login.place,
            command: self.login.sign_in().line(),
            asked: &self.planned.plan.profile,
        }
    }

    fn until(&self) -> Deadline {
        self.until
    }

    fn load(&self) -> Result<LoginToken> {
        let token = self.file.load().map_err(|problem| self.sign_in().no_token(self.context, self.file(), problem))?;
        self.must_match(&token).map(|()| token)
    }

    fn next(&self, token: &LoginToken) -> Next {
        token.step(clock::now())
    }

    fn given(&self, token: LoginToken) -> Session {
        token.session
    }

    fn is_other(&self, one: &LoginToken, other: &LoginToken) -> bool {
        one.session.access_key_id != other.session.access_key_id
    }

    fn renew(&self, token: &LoginToken) -> std::result::Result<Session, NotRenewed> {
        let key = ProofKey::parse(&token.key).map_err(|why| self.damaged(&format!("dpopKey {why}")))?;
        let grant = LoginGrant {
            client_id: &token.client_id,
            refresh_token: &token.refresh_token,
            key: &key,
            account: token.session.account.as_ref(),
        };
        let region = token.region.as_ref().unwrap_or(&self.planned.plan.region.value);
        // Sent once, its answer is waited for: the refresh token is used up.
        let (endpoint, http) = self.context.way_to_a_sign_in(self.planned, Service::Login, region)?;
        log::step(format_args!("call {endpoint} to renew the session of {}", self.sign_in().name));
        let fresh = LoginClient::new(endpoint, http).refresh(grant, Bounds::CALL).map_err(NotRenewed::Refused)?;
        let written = self.file.save(token, &fresh.session, &fresh.refresh_token);
        sign_in::saved(self, written, fresh.session)
    }
}
