//! People who signed in by other ways than a key: single sign-on, `aws login`, a token of another identity provider.

use std::path::PathBuf;

use twolock_sandbox::{IdentityProvider, Login, SsoToken, SsoUser, WebIdentity};

use super::{ACCOUNT, Options, Role, World};

/// Ana's user, who may sign in with `aws login`.
pub const ANA: &str = "arn:aws:iam::123456789012:user/ana";
/// Where the portal is.
pub const START_URL: &str = "https://example.awsapps.com/start";
/// Whom Ana's pipeline is for its identity provider.
pub const SUBJECT: &str = "repo:org/app:main";

const ISSUER: &str = "https://ci.example";

/// Profiles of single sign-on in both forms, and roles above one of them.
pub const SSO: &str = "\
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access

[profile dev]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Developer
region = eu-west-1
endpoint_url = {url}

[profile ops]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Operator
region = eu-west-1
endpoint_url = {url}

[profile older]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = Developer
region = eu-west-1
endpoint_url = {url}

[profile hub]
role_arn = arn:aws:iam::123456789012:role/Hub
source_profile = dev
endpoint_url = {url}

[profile top]
role_arn = arn:aws:iam::123456789012:role/Top
source_profile = hub
endpoint_url = {url}
";

/// A profile of `aws login`, and a role above it.
pub const LOGIN: &str = "\
[profile ana]
login_session = arn:aws:iam::123456789012:user/ana
region = eu-west-1
endpoint_url = {url}

[profile hub]
role_arn = arn:aws:iam::123456789012:role/Hub
source_profile = ana
endpoint_url = {url}
";

/// A role by a token in a file (`{token}`), and a role above it.
pub const WEB_IDENTITY: &str = "\
[profile ci]
role_arn = arn:aws:iam::123456789012:role/Pipeline
web_identity_token_file = {token}
role_session_name = build-7
region = eu-west-1
endpoint_url = {url}

[profile hub]
role_arn = arn:aws:iam::123456789012:role/Hub
source_profile = ci
endpoint_url = {url}
";

impl World {
    /// A world of single sign-on where nobody has signed in. Ana and Eve may be `Developer`, Ana also `Operator`.
    pub fn of_sso() -> Self {
        Self::of_sso_with(Options::default())
    }

    /// The same with another server.
    pub fn of_sso_with(options: Options) -> Self {
        let world = Self::with(options);
        world.write(".aws/config", SSO);
        world.write(".aws/credentials", "");
        let ana = SsoUser::new("ana").assigned(ACCOUNT, "Developer").assigned(ACCOUNT, "Operator");
        let reserved = world.sandbox.add_sso_user(ana);
        world.sandbox.add_sso_user(SsoUser::new("eve").assigned(ACCOUNT, "Developer"));
        world.trust("Hub", &reserved[0]);
        world
    }

    /// Single sign-on, with Ana signed in.
    pub fn signed_in() -> (Self, SsoToken) {
        let world = Self::of_sso();
        let token = world.sign_in("ana");
        (world, token)
    }

    /// A world of `aws login`, with Ana signed in.
    pub fn logged_in() -> (Self, Login) {
        let world = Self::new();
        world.write(".aws/config", LOGIN);
        world.write(".aws/credentials", "");
        world.trust("Hub", ANA);
        let login = world.sandbox.open_login(ANA).unwrap();
        world.keep_login(&login);
        (world, login)
    }

    /// A world where a role trusts Ana's pipeline, whose token is there.
    pub fn with_identity_token() -> Self {
        let world = Self::new();
        let token = world.identity_token_file();
        world.write(".aws/config", &WEB_IDENTITY.replace("{token}", token.to_str().unwrap()));
        world.write(".aws/credentials", "");
        let (account, issuer) = (ACCOUNT.to_owned(), ISSUER.to_owned());
        let audience = "sts.amazonaws.com".to_owned();
        world.sandbox.add_identity_provider(IdentityProvider { account, issuer: issuer.clone(), audience });
        let web_identities = vec![WebIdentity { issuer, subject: "repo:org/app:*".into() }];
        let pipeline = Role { web_identities, max_duration: 7200, ..Role::new(ACCOUNT, "Pipeline") };
        let pipeline = world.sandbox.add_role(pipeline);
        world.trust("Hub", &pipeline);
        world.keep_identity_token(&world.sandbox.identity_token(SUBJECT, 600));
        world
    }

    /// The roles `Hub`, which trusts this principal, and `Top`, which trusts `Hub`.
    fn trust(&self, hub: &str, principal: &str) {
        let hub = self.sandbox.add_role(Role::trusting(ACCOUNT, hub, principal));
        self.sandbox.add_role(Role::trusting(ACCOUNT, "Top", &hub));
    }

    /// Signs a person in at the portal, and keeps the token as the AWS CLI does.
    pub fn sign_in(&self, person: &str) -> SsoToken {
        let token = self.sandbox.sso_sign_in(person);
        self.keep_token(&token);
        token
    }

    /// Writes a token for the `[sso-session corp]`.
    pub fn keep_token(&self, token: &SsoToken) {
        self.write_token(&token.cache_json().to_string());
    }

    /// Writes any text in its place.
    pub fn write_token(&self, text: &str) {
        self.write(&sso_file(), text);
    }

    /// Lets a token end in so many seconds for whoever reads its file; the portal no longer takes one that has ended.
    pub fn token_ends_in(&self, token: &SsoToken, seconds: i64) -> SsoToken {
        let ending = SsoToken { expires_at: self.sandbox.now() + seconds, ..token.clone() };
        self.keep_token(&ending);
        if seconds <= 0 {
            assert!(self.sandbox.expire_sso_token(&token.access_token));
        }
        ending
    }

    /// The file of the token.
    pub fn token_file(&self) -> PathBuf {
        self.home().join(sso_file())
    }

    /// What is in it.
    pub fn token(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.token_file()).unwrap()).unwrap()
    }

    /// Writes the file of a session of `aws login`.
    pub fn keep_login(&self, login: &Login) {
        self.write(&login_file(login), &login.cache_json().to_string());
    }

    /// Lets the credentials of a session of `aws login` end in so many seconds for whoever reads its file.
    pub fn login_ends_in(&self, login: &Login, seconds: i64) -> Login {
        let ending = Login { expires_at: self.sandbox.now() + seconds, ..login.clone() };
        self.keep_login(&ending);
        ending
    }

    /// What is in that file.
    pub fn login(&self, login: &Login) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.home().join(login_file(login))).unwrap()).unwrap()
    }

    /// Where the token of the identity provider is.
    pub fn identity_token_file(&self) -> PathBuf {
        self.home().join("token")
    }

    /// Writes it as `echo` does.
    pub fn keep_identity_token(&self, token: &str) {
        self.write("token", &format!("{token}\n"));
    }

    /// How often each of these actions was called.
    pub fn counts<const N: usize>(&self, actions: [&str; N]) -> [usize; N] {
        actions.map(|action| self.sandbox.count(action))
    }
}

fn sso_file() -> String {
    format!(".aws/sso/cache/{}", SsoToken::cache_file_name("corp"))
}

/// The file of a session of `aws login`, below the home directory.
pub fn login_file(login: &Login) -> String {
    format!(".aws/login/cache/{}", login.cache_file_name())
}

/// Every secret of a token.
pub fn secrets_of_token(token: &SsoToken) -> Vec<String> {
    let refresh = token.refresh_token.clone();
    [token.access_token.clone(), token.client_secret.clone()].into_iter().chain(refresh).collect()
}

/// Every secret of a session of `aws login`; its key by the lines of the PEM.
pub fn secrets_of_login(login: &Login) -> Vec<String> {
    let lines = login.dpop_key.lines().filter(|line| !line.starts_with("-----")).map(String::from);
    let own = [&login.secret_access_key, &login.session_token, &login.refresh_token].map(String::clone);
    lines.chain(own).collect()
}
