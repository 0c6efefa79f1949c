//! Text for people: what came from outside made visible, how wide it is on a terminal, and names in a list.

pub mod list;
pub mod visible;
pub mod width;
