//! The `rctscope` program.

use std::process::ExitCode;

/// Exchanges are made in one thread and shown in another, batch by batch, which the system's allocator is slow at.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(rctscope::cli::main(std::env::args_os()).code())
}
