//! What only Windows does, under the names of `unix.rs`.
