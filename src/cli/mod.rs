//! The command line: arguments, files, the terminal, exit codes.
//!
//! The only part of the program that knows the file system, the environment and threads. Arguments are typed in
//! `args`, resolved in `input`, `selection` and `settings`, and carried out by `run`.

mod analyze;
mod args;
mod batch;
mod conversion;
mod convert;
mod decode;
mod destination;
mod excerpts;
mod explain;
mod fail_on;
mod fixture;
mod input;
mod invocation;
mod live;
mod message;
mod outcome;
mod pipeline;
mod plan;
mod progress;
mod reading;
mod redact;
mod rotated;
mod run;
mod screen;
mod selection;
mod settings;
mod streams;
mod synth;
mod tally;
mod views;
mod watch;

pub use outcome::Outcome;

use clap::Parser;
use std::ffi::OsString;

/// Runs the program with the arguments of `words`, the first of which is its own name.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Outcome {
    match args::CommandLine::try_parse_from(invocation::with_command(words)) {
        Ok(line) => run::run(line.command),
        Err(error) => {
            // Help that was asked for goes to standard output and is no failure. If it cannot be printed, nobody is
            // there to be told.
            let _ = error.print();
            if error.use_stderr() { Outcome::WrongUsage } else { Outcome::Done }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        args::CommandLine::command().debug_assert();
    }

    #[test]
    fn exit_codes_are_a_promise() {
        use Outcome::{CheckFailed, Done, DoneInPart, NothingRead, WrongUsage};
        assert_eq!([Done, CheckFailed, WrongUsage, NothingRead, DoneInPart].map(Outcome::code), [0, 1, 2, 3, 4]);
    }
}
