//! Drives the sandbox over the wire, as a client would.

mod assume_role;
mod aws_clients;
mod caller_identity;
mod connections;
mod faults;
mod iam_devices;
mod iam_keys;
mod iam_policy;
mod pages;
mod paths;
mod role_session;
mod session_token;
mod signatures;
mod signin;
mod standalone;
mod tls;
mod wire;
