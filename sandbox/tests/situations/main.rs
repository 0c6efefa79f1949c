//! Drives the sandbox over the wire, as a client would.

mod assume_role;
mod boto3;
mod caller_identity;
mod connections;
mod faults;
mod pages;
mod paths;
mod role_session;
mod session_token;
mod signatures;
mod standalone;
mod tls;
mod wire;
