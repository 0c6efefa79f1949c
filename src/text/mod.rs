//! Text for people: what came from outside made visible, how wide it is on a terminal, styles, ages, names in a list, and
//! names near to another.

pub(crate) mod age;
pub(crate) mod list;
pub(crate) mod near;
pub(crate) mod style;
pub mod visible;
pub(crate) mod width;
