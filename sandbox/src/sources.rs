//! The part of the handle that is about other sources of credentials: single sign-on, `aws login`, identity tokens.

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::arn::Arn;
use crate::clock::iso;
use crate::jwt::SigningKey;
use crate::listener::lock;
use crate::sandbox::Sandbox;
use crate::world::{IdentityProvider, LOGIN_SECONDS, LoginState, SsoUser};

/// The tokens of a sign-in to IAM Identity Center, as the AWS CLI keeps them.
///
/// The fields may be changed before the file is written: `SsoToken { expires_at: 0, ..token }` is one that has expired
/// for whoever reads the file, while the sandbox still takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoToken {
    pub start_url: String,
    pub region: String,
    pub access_token: String,
    /// In seconds since 1970, as `registration_expires_at`.
    pub expires_at: i64,
    pub refresh_token: Option<String>,
    pub client_id: String,
    pub client_secret: String,
    pub registration_expires_at: i64,
}

impl SsoToken {
    /// Returns the name of the file in `~/.aws/sso/cache`: by the `sso_session`, in the older form by the start URL.
    pub fn cache_file_name(session_or_start_url: &str) -> String {
        let hash = Sha1::digest(session_or_start_url.as_bytes());
        format!("{}.json", data_encoding::HEXLOWER.encode(&hash))
    }

    /// Returns the content of the file, with what a refresh needs.
    pub fn cache_json(&self) -> Value {
        let mut file = self.legacy_cache_json();
        file["clientId"] = json!(self.client_id);
        file["clientSecret"] = json!(self.client_secret);
        file["registrationExpiresAt"] = json!(iso(self.registration_expires_at));
        if let Some(token) = &self.refresh_token {
            file["refreshToken"] = json!(token);
        }
        file
    }

    /// Returns the content of the file of the older form, which cannot be refreshed.
    pub fn legacy_cache_json(&self) -> Value {
        json!({
            "startUrl": self.start_url,
            "region": self.region,
            "accessToken": self.access_token,
            "expiresAt": iso(self.expires_at),
        })
    }
}

/// A session of `aws login`, as the AWS CLI keeps it; the fields may be changed before the file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The value of `login_session`.
    pub arn: String,
    pub account: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    /// When the credentials end, in seconds since 1970.
    pub expires_at: i64,
    pub refresh_token: String,
    pub id_token: String,
    pub client_id: String,
    /// SEC1 in PEM.
    pub dpop_key: String,
}

impl Login {
    /// Returns the name of the file in `~/.aws/login/cache`.
    pub fn cache_file_name(&self) -> String {
        let hash = digest(&SHA256, self.arn.trim().as_bytes());
        format!("{}.json", data_encoding::HEXLOWER.encode(hash.as_ref()))
    }

    /// Returns the content of the file.
    pub fn cache_json(&self) -> Value {
        json!({
            "accessToken": {
                "accessKeyId": self.access_key_id,
                "secretAccessKey": self.secret_access_key,
                "sessionToken": self.session_token,
                "accountId": self.account,
                "expiresAt": iso(self.expires_at),
            },
            "tokenType": "aws_sigv4",
            "refreshToken": self.refresh_token,
            "idToken": self.id_token,
            "clientId": self.client_id,
            "dpopKey": self.dpop_key,
        })
    }
}

impl Sandbox {
    /// Adds or replaces a person of IAM Identity Center; returns the ARNs of the roles of the assignments, in order.
    ///
    /// Trust policies may name them: they stay the same for an account and a permission set.
    ///
    /// # Panics
    /// When an account is not twelve digits.
    pub fn add_sso_user(&self, user: SsoUser) -> Vec<String> {
        lock(&self.service.world).put_sso_user(user)
    }

    /// Takes a permission set away from a person; says whether it was assigned.
    pub fn unassign(&self, user: &str, account: &str, role_name: &str) -> bool {
        let mut world = lock(&self.service.world);
        let Some(user) = world.sso_user_mut(user) else {
            return false;
        };
        let before = user.assignments.len();
        user.assignments.retain(|it| it.account != account || it.role_name != role_name);
        user.assignments.len() < before
    }

    /// Signs a person in, as `aws sso login` does with a client that has scopes.
    ///
    /// # Panics
    /// When there is no such person.
    pub fn sso_sign_in(&self, user: &str) -> SsoToken {
        let now = self.now();
        let mut world = lock(&self.service.world);
        let SsoUser { start_url, region, .. } = world.sso_user(user).expect("a person that was added").clone();
        let client = world.register_client(true, now);
        let tokens = world.start_sso_session(user, &client.id, true, now);
        SsoToken {
            start_url,
            region,
            access_token: tokens.access,
            expires_at: now + tokens.seconds,
            refresh_token: tokens.refresh,
            client_id: client.id,
            client_secret: client.secret,
            registration_expires_at: client.expires_at,
        }
    }

    /// Ends all sign-ins of a person, as an administrator can; says whether there was one.
    pub fn sso_sign_out(&self, user: &str) -> bool {
        lock(&self.service.world).sign_out(user)
    }

    /// Ends an access token now; its sign-in can be refreshed. Says whether there is such a token.
    pub fn expire_sso_token(&self, access_token: &str) -> bool {
        let now = self.now();
        lock(&self.service.world).expire_sso_token(access_token, now)
    }

    /// Returns the user codes that wait for a person, oldest first.
    pub fn user_codes(&self) -> Vec<String> {
        let now = self.now();
        lock(&self.service.world).waiting_grants(now).map(|grant| grant.user_code.clone()).collect()
    }

    /// Approves a device for a person, as the page of the portal does.
    pub fn approve(&self, user_code: &str, user: &str) -> Result<(), String> {
        let now = self.now();
        lock(&self.service.world).answer_device(user_code, Some(user), now)
    }

    /// Denies a device.
    pub fn deny_device(&self, user_code: &str) -> Result<(), String> {
        let now = self.now();
        lock(&self.service.world).answer_device(user_code, None, now)
    }

    /// Opens a session of `aws login` for a user, a root or a session of a role that exists; one of the same ARN ends.
    pub fn open_login(&self, arn: &str) -> Result<Login, String> {
        self.start_login(arn, None)
    }

    /// As `open_login`, for somebody who has given an MFA code in the browser.
    pub fn open_login_with_mfa(&self, arn: &str) -> Result<Login, String> {
        self.start_login(arn, Some(self.now()))
    }

    fn start_login(&self, arn: &str, mfa_at: Option<i64>) -> Result<Login, String> {
        let (now, client_id, key) = (self.now(), "arn:aws:signin:::devtools/same-device", SigningKey::default());
        let mut world = lock(&self.service.world);
        let login = world.open_login(arn, client_id, key.point(), mfa_at)?;
        let session = world.issue_login(&login, self.service.token_length, now);
        let id_token = world.providers.key.sign(&json!({
            "iss": "https://signin.aws.amazon.com", "sub": arn, "aud": client_id,
            "iat": now, "exp": now + LOGIN_SECONDS,
        }));
        Ok(Login {
            arn: arn.to_owned(),
            account: Arn::parse(arn).map(|arn| arn.account).unwrap_or_default(),
            access_key_id: session.access_key_id,
            secret_access_key: session.secret_access_key,
            session_token: session.session_token,
            expires_at: session.expires_at,
            refresh_token: login.refresh_token,
            id_token,
            client_id: client_id.to_owned(),
            dpop_key: key.pem(),
        })
    }

    /// Changes what becomes of the next refresh of a session of `aws login`; says whether there is one.
    pub fn set_login_state(&self, arn: &str, state: LoginState) -> bool {
        lock(&self.service.world).set_login_state(arn, state)
    }

    /// Adds a provider of identity tokens, which roles may trust, and returns its ARN.
    pub fn add_identity_provider(&self, provider: IdentityProvider) -> String {
        let arn = provider.arn();
        lock(&self.service.world).put_provider(provider);
        arn
    }

    /// Returns a token of the first provider, good for so many seconds (when negative, expired for as long).
    ///
    /// # Panics
    /// When there is no provider.
    pub fn identity_token(&self, subject: &str, seconds: i64) -> String {
        let now = self.now();
        let world = lock(&self.service.world);
        let provider = world.providers.all.first().expect("a provider that was added");
        world.providers.key.sign(&provider.claims(subject, now, seconds))
    }

    /// Returns a token with any claims, rightly signed.
    pub fn sign_identity_token(&self, claims: &Value) -> String {
        lock(&self.service.world).providers.key.sign(claims)
    }
}
