//! Single sign-on: the token that `aws sso login` keeps becomes credentials of a role in an account.

use std::path::Path;
use std::sync::Arc;

use crate::aws::Bounds;
use crate::aws::endpoint::Service;
use crate::aws::sso::{FreshToken, RefreshGrant, SsoClient, SsoOidcClient};
use crate::cmd::context::{Context, Planned};
use crate::credentials::Session;
use crate::error::Result;
use crate::profile::base::Sso;
use crate::secret::Secret;
use crate::sources::Next;
use crate::sources::sso_token::{RenewedSso, SsoToken, SsoTokenFile, proof_of};
use crate::system::clock::{self, Deadline};
use crate::system::log;
use crate::text::visible::visible;

use super::sign_in::{self, Kept, NotRenewed, SignIn, bounds};

pub fn file(context: &Context, sso: &Sso) -> SsoTokenFile {
    SsoTokenFile::of(&context.dirs.home, sso.token_name())
}

pub fn fetch(context: &Context, planned: &Planned, sso: &Sso, until: Deadline) -> Result<Session> {
    Fetching { context, planned, sso, file: file(context, sso), until }.run()
}

/// Renews the sign-in's token if it is about to end. None if the plan's token is used as it is.
pub fn renew(context: &Context, planned: &Planned, sso: &Sso, until: Deadline) -> Result<Option<Secret<String>>> {
    let fetching = Fetching { context, planned, sso, file: file(context, sso), until };
    let is_due = |token: &SsoToken| matches!(fetching.next(token), Next::Renew | Next::RenewOrUse);
    // Another of us may have renewed it since the plan was made.
    let is_planned = |token: &SsoToken| Some(proof_of(&token.access_token)) == planned.proof;
    match fetching.file.load() {
        Ok(token) if is_due(&token) => sign_in::living(&fetching).map(Some),
        Ok(token) if !is_planned(&token) && fetching.must_match(&token).is_ok() => Ok(Some(token.access_token)),
        _ => Ok(None),
    }
}

struct Fetching<'a> {
    context: &'a Context,
    planned: &'a Planned,
    sso: &'a Sso,
    file: SsoTokenFile,
    until: Deadline,
}

impl Fetching<'_> {
    fn run(&self) -> Result<Session> {
        let token = match &self.planned.token {
            Some(token) => Arc::clone(token),
            None => Arc::new(sign_in::living(self)?),
        };
        let (endpoint, http) = self.context.way_to_a_sign_in(self.planned, Service::Sso, &self.sso.region)?;
        log::step(format_args!("call {endpoint} for {}", self.sso));
        SsoClient::new(endpoint, http)
            .role_credentials(&token, &self.sso.account, self.sso.role.as_str(), bounds(self.until))
            .map_err(|e| self.sign_in().refused(e))
    }

    /// A token of another region or portal would be sent where it does not belong.
    fn must_match(&self, token: &SsoToken) -> Result<()> {
        if let Some(region) = token.region.as_ref().filter(|region| **region != self.sso.region) {
            return Err(self.sign_in().needed(&format!("is for {region}, but sso_region is {}", self.sso.region)));
        }
        let is_same = |url: &String| url.trim_end_matches('/') == self.sso.start_url.trim_end_matches('/');
        match token.start_url.as_ref().filter(|url| !is_same(url)) {
            Some(url) => Err(self.sign_in().needed(&format!(
                "is for {}, but sso_start_url is {}",
                visible(url),
                visible(&self.sso.start_url)
            ))),
            None => Ok(()),
        }
    }
}

impl Kept for Fetching<'_> {
    type Token = SsoToken;
    type Given = Secret<String>;

    fn context(&self) -> &Context {
        self.context
    }

    fn file(&self) -> &Path {
        self.file.path()
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            name: format!("SSO '{}'", self.sso.token_name()),
            profile: &self.sso.profile,
            place: &self.sso.place,
            command: self.sso.sign_in().line(),
            asked: &self.planned.plan.profile,
        }
    }

    fn until(&self) -> Deadline {
        self.until
    }

    fn load(&self) -> Result<SsoToken> {
        let token = self.file.load().map_err(|problem| self.sign_in().no_token(self.context, self.file(), problem))?;
        self.must_match(&token).map(|()| token)
    }

    fn next(&self, token: &SsoToken) -> Next {
        token.step(clock::now())
    }

    fn given(&self, token: SsoToken) -> Secret<String> {
        token.access_token
    }

    fn is_other(&self, one: &SsoToken, other: &SsoToken) -> bool {
        one.access_token.expose() != other.access_token.expose()
    }

    fn renew(&self, token: &SsoToken) -> std::result::Result<Secret<String>, NotRenewed> {
        let renewal = token.renewal.as_ref().ok_or_else(|| self.sign_in().needed("has expired"))?;
        let grant = RefreshGrant {
            client_id: &renewal.client_id,
            client_secret: &renewal.client_secret,
            refresh_token: &renewal.refresh_token,
        };
        // Sent once, its answer is waited for: the refresh token is used up.
        let (endpoint, http) = self.context.way_to_a_sign_in(self.planned, Service::SsoOidc, &self.sso.region)?;
        log::step(format_args!("call {endpoint} to renew the token of {}", self.sign_in().name));
        let fresh = SsoOidcClient::new(endpoint, http).refresh(grant, Bounds::CALL).map_err(NotRenewed::Refused)?;
        let FreshToken { access_token, expires, refresh_token } = &fresh;
        let renewed = RenewedSso { access_token, expires: *expires, refresh_token: refresh_token.as_ref() };
        let written = self.file.save(token, renewed);
        sign_in::saved(self, written, fresh.access_token)
    }
}
