//! What only Unix does. Unsafe calls stand here, each with its SAFETY line.

mod environment;
mod files;
mod foreign_files;
mod modes;
mod process;
mod signals;
mod terminal;

pub use environment::*;
pub use files::*;
pub use foreign_files::*;
pub use modes::*;
pub use process::*;
pub use signals::*;
pub use terminal::*;
