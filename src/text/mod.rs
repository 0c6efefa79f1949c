//! Text for people: what came from outside made visible, and how wide it is on a terminal.

pub mod visible;
pub mod width;
