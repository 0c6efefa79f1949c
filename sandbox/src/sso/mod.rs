//! Answers the two services of IAM Identity Center that the AWS CLI and the SDKs call: its portal, and its OIDC.

pub(crate) mod oidc;
pub(crate) mod portal;
