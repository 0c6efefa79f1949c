//! Single sign-on (IAM Identity Center): its portal gives credentials of a role for a token, and its OIDC service renews
//! the token. Signing in is the AWS CLI's; a person does it in a browser.

mod oidc;
mod portal;

pub use self::oidc::{FreshToken, RefreshGrant, SsoOidcClient};
pub use self::portal::SsoClient;

#[cfg(test)]
mod tests;
