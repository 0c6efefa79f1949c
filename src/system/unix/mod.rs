//! What only Unix does. Unsafe calls stand here, each with its SAFETY line.

mod connections;
mod environment;
mod file_size;
mod files;
mod foreign_files;
mod modes;
mod process;
#[cfg(feature = "sandbox")]
mod pseudo_terminal;
mod signals;
#[cfg(all(target_os = "linux", feature = "secret-service"))]
mod sockets;
mod terminal;

pub use connections::*;
pub use environment::*;
pub use file_size::*;
pub use files::*;
pub use foreign_files::*;
pub use modes::*;
pub use process::*;
#[cfg(feature = "sandbox")]
pub use pseudo_terminal::*;
pub use signals::*;
#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub use sockets::*;
pub use terminal::*;
