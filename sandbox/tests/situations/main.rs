//! Drives the sandbox over the wire, as a client would.

mod assume_role;
mod aws_clients;
mod aws_sources;
mod caller_identity;
mod connections;
mod faults;
mod iam_devices;
mod iam_keys;
mod iam_policy;
mod login;
mod pages;
mod paths;
mod role_session;
mod session_token;
mod signatures;
mod signin;
mod sso_device;
mod sso_portal;
mod standalone;
mod tls;
mod web_identity;
mod wire;
