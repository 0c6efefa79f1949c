//! The program. All of it is the library's, so that tests can reach its parts.

use std::process::ExitCode;

/// musl's own allocator maps and unmaps single pages, which costs a cached answer more than opening the session does.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    twolock::run()
}
