//! Text for people: what came from outside made visible, how wide it is on a terminal, styles, and names in a list.

pub(crate) mod list;
pub(crate) mod style;
pub mod visible;
pub(crate) mod width;
