//! `rctscope summary` and `rctscope timeline`: events as people read them.
//!
//! This is the place where the text outputs are connected; so far the totals are written.

use super::analyze::{Tally, analyze};
use super::args::{SelectArgs, SummaryArgs, TextArgs, TimelineArgs};
use super::live::SharedOutput;
use super::message::Stop;
use super::{Outcome, args, destination, input, selection, settings};
use crate::event::{Event, Sink};
use crate::output::select::Select;
use std::io::{self, Write};

pub(super) fn summary(args: &SummaryArgs) -> Result<Outcome, Stop> {
    run(&args.input, &args.analysis, &args.select, &args.text)
}

pub(super) fn timeline(args: &TimelineArgs) -> Result<Outcome, Stop> {
    run(&args.input, &args.analysis, &args.select, &args.text)
}

fn run(
    input: &args::InputArgs,
    analysis: &args::AnalysisArgs,
    select: &SelectArgs,
    text: &TextArgs,
) -> Result<Outcome, Stop> {
    let display = settings::display(text)?;
    let settings = settings::analysis(analysis, true)?;
    let selection = selection::resolve(select, &settings.registry, &display.zone)?;
    let mut output = SharedOutput::new(destination::stdout());
    let found = input::find(input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    for unit in &found.units {
        analyze(unit, Some(&output), &settings, &mut tally, |start| {
            let totals = Totals { out: output.clone(), names: unit.names() };
            Ok(Select::new(selection.starting_at(start), totals))
        })?;
    }
    output.flush()?;
    tally.tell_if_nothing();
    Ok(tally.outcome())
}

struct Totals<W> {
    out: W,
    names: Vec<String>,
}

impl<W: Write> Sink for Totals<W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        let Event::Summary(summary) = event else { return Ok(()) };
        let (packets, requests, answers) = (summary.packet_count, summary.request_count, summary.answered_count);
        writeln!(self.out, "{}  {packets} packets  {requests} requests  {answers} answered", self.names.join(" "))
    }
}
