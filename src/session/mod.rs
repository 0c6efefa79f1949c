//! Sessions: the meeting place of plan, question, STS and store.

pub mod sealing_key;
