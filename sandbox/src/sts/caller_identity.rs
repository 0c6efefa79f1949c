//! `GetCallerIdentity`: the identity of the key; no policy can forbid it.

use super::Answer;
use super::answer::Identity;
use crate::world::Caller;

pub(super) fn answer(caller: &Caller) -> Answer {
    let mut answer = Answer::new("GetCallerIdentity");
    answer.identity =
        Some(Identity { arn: caller.arn.clone(), user_id: caller.user_id.clone(), account: caller.name().account });
    answer
}
