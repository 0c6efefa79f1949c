//! What only Windows does, under the names of `unix`.

mod connections;
mod environment;
mod file_size;
mod files;
mod foreign_files;
mod modes;
mod process;
mod signals;
mod terminal;

pub use connections::*;
pub use environment::*;
pub use file_size::*;
pub use files::*;
pub use foreign_files::*;
pub use modes::*;
pub use process::*;
pub use signals::*;
pub use terminal::*;
