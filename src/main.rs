//! The `rctscope` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rctscope::cli::main(std::env::args_os()).code())
}
