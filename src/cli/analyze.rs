//! One session from its files to a sink, in as many threads as that is worth.

use super::input::Unit;
use super::live::SharedOutput;
use super::pipeline::Show;
use super::tally::Tally;
use super::watch::{OnTerminal, Watch};
use crate::analyzer;
use crate::event::Sink;
use crate::time::Timestamp;
use std::{io, thread};

/// How many threads work on one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// One does everything.
    One,
    /// One reads, one tells what is in it and shows it. A third would cost more than it brings: on two processors what goes
    /// from thread to thread then goes twice.
    Two,
}

/// Reads `unit` into the sink that `begin` makes when the time of the first packet is known (`None` for a capture
/// without packets). Inputs that cannot be read are told and counted; an `Err` is the sink's.
///
/// Files are read in one thread while another tells and shows what is in them. A live capture has time enough, and more
/// threads would only delay it.
pub(super) fn analyze<S: Sink<Error = io::Error>>(
    unit: &Unit,
    output: Option<&SharedOutput>,
    options: &analyzer::Options,
    tally: &mut Tally,
    begin: impl FnOnce(Option<Timestamp>) -> io::Result<S>,
) -> io::Result<Option<S>> {
    let is_alone = thread::available_parallelism().is_ok_and(|threads| threads.get() == 1);
    let threads = if unit.is_live() || is_alone { Threads::One } else { Threads::Two };
    watched(unit, output, options, threads, (&mut OnTerminal::new(unit), tally), begin)
}

/// As [`analyze`], with whom to tell, in as many threads as wanted. The watcher may end it with an error of its own.
pub(super) fn watched<S: Sink<Error = io::Error>, W: Watch>(
    unit: &Unit,
    output: Option<&SharedOutput>,
    options: &analyzer::Options,
    threads: Threads,
    watch: (&mut W, &mut Tally),
    begin: impl FnOnce(Option<Timestamp>) -> io::Result<S>,
) -> io::Result<Option<S>> {
    let mut show = Show::new(begin);
    match threads {
        Threads::One => show.alone(unit, output, options, watch)?,
        Threads::Two => show.side_by_side(unit, options, watch)?,
    }
    Ok(show.into_sink())
}
