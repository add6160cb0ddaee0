//! `rctscope synth`: made-up captures, for whoever has no inverter at hand and for whoever measures.

use super::args::{FormatArg, SynthArgs};
use super::destination::Draft;
use super::destination::print;
use super::message::{Problem, Stop};
use super::outcome::Outcome;
use crate::output::style::{grouped, wrap};
use crate::tools::container::Format;
use crate::tools::synth::{self, Bulk, Scenario, Stats};
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// What [`Bulk`] is called among the scenarios.
const BULK: &str = "bulk";
/// Columns of a scenario's name in the list, and of its description.
const LIST: [usize; 2] = [18, 60];

pub(super) fn run(args: &SynthArgs) -> Result<Outcome, Stop> {
    match args.scenario.as_deref() {
        None => print(|out| Ok(list(out)?)),
        Some(BULK) => {
            let bytes = args.megabytes.saturating_mul(1_000_000);
            let wanted = Bulk { bytes, mixed: args.mixed, connections: args.connections, seed: args.seed };
            write(args, |out| synth::bulk(wanted, out))
        }
        Some(name) => {
            let scenario = scenario(name)?;
            let format = match args.format {
                FormatArg::Pcap => Format::Pcap,
                FormatArg::Pcapng => Format::Pcapng,
            };
            write(args, |out| synth::write_as(scenario, args.seed, format, out))
        }
    }
}

fn scenario(name: &str) -> Result<Scenario, Problem> {
    Scenario::from_name(name).ok_or_else(|| {
        Problem::new(format_args!("{name}: no such scenario")).hint("`rctscope synth --list` shows them")
    })
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let bulk = (BULK, "plain traffic by the megabyte, to measure speed with");
    let scenarios = Scenario::ALL.iter().map(|scenario| (scenario.name(), scenario.description()));
    let [name_columns, columns] = LIST;
    for (name, description) in scenarios.chain([bulk]) {
        for (number, line) in wrap(description, columns).iter().enumerate() {
            writeln!(out, "{:<name_columns$} {line}", if number == 0 { name } else { "" })?;
        }
    }
    Ok(())
}

/// Writes a capture to where it was asked for.
fn write(args: &SynthArgs, make: impl FnOnce(&mut dyn Write) -> io::Result<Stats>) -> Result<Outcome, Stop> {
    let Some(target) = &args.output else {
        if io::stdout().is_terminal() {
            let problem = Problem::new("a capture is nothing to look at in a terminal");
            return Err(problem.hint("name a file: -o evening.pcap").into());
        }
        return print(|out| make(out).map(drop).map_err(Stop::Output));
    };
    let (draft, file) = Draft::create(target, args.force)?;
    let mut out = BufWriter::new(file);
    let stats = make(&mut out)?;
    out.flush()?;
    draft.keep()?;
    let text = format!(
        "{}: {} packets, {} requests, {} answers\n",
        target.display(),
        grouped(stats.packet_count),
        grouped(stats.request_count),
        grouped(stats.answer_count)
    );
    // Where standard error is gone, nobody is there to be told.
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(Outcome::Done)
}
