//! The AWS CLI and the SDKs as callers of `credential_process`, and moto as a second, foreign STS.
#![cfg(unix)]

#[path = "../world/mod.rs"]
mod world;

mod adopted;
mod aws_cli;
mod boto3;
mod by_name;
mod chains;
mod declines;
mod environment;
mod last_minutes;
mod managed;
mod moto;
mod moto_iam;
mod programs;
mod protected;
mod rotation;
mod sdks;
mod setup;
mod sign_ins;
mod sources;
mod verdicts;
