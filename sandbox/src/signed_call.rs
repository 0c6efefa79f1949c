//! What an action of either service knows about a call.

use crate::form::Params;
use crate::world::{Caller, ServerState};

/// One authenticated call, with all that its answer depends on.
pub(crate) struct SignedCall<'a> {
    pub world: &'a mut ServerState,
    pub caller: &'a Caller,
    pub params: &'a Params,
    pub now: i64,
    pub token_length: usize,
}

/// One call by nobody in particular.
pub(crate) struct UnsignedCall<'a> {
    pub world: &'a mut ServerState,
    pub params: &'a Params,
    pub now: i64,
    pub token_length: usize,
}
