//! `rctscope redact`: a capture that is safe to share.

use super::args::RedactArgs;
use super::destination::Draft;
use super::explain::the_unit;
use super::input::Unit;
use super::message::{Problem, Stop};
use super::outcome::Outcome;
use super::reading::conclude;
use super::settings;
use super::tally::Tally;
use super::watch::OnTerminal;
use crate::capture::Session;
use crate::packet::Packet;
use crate::tools::container::Format;
use crate::tools::redact::redact;
use std::ffi::OsStr;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// Columns of what is told at the end.
const WIDTH: usize = 80;

pub(super) fn run(args: &RedactArgs) -> Result<Outcome, Stop> {
    refuse_pipe(&args.file)?;
    if args.file.canonicalize().is_ok_and(|file| args.output.canonicalize().is_ok_and(|output| file == output)) {
        let problem = Problem::new(format_args!("{}: is the capture itself", args.output.display()));
        return Err(problem.hint("name another file: the input is never changed").into());
    }
    let analysis = settings::analysis(&args.analysis, true)?;
    let Some((unit, mut tally)) = the_unit(&args.file)? else { return Ok(Outcome::NothingRead) };
    if !is_readable(&unit, &mut tally) {
        return Ok(tally.outcome());
    }
    let (draft, file) = Draft::create(&args.output, args.force)?;
    let mut out = BufWriter::new(file);
    let report = redact(&mut |each| show(&unit, each), &analysis, format(&args.output), &mut out)?;
    out.flush()?;
    draft.keep()?;
    // Standard output is data, and there is none but the file.
    let _ = report.write(&args.output.display().to_string(), WIDTH, &mut io::stderr().lock());
    Ok(tally.outcome())
}

pub(super) fn refuse_pipe(file: &Path) -> Result<(), Problem> {
    if file.as_os_str() == "-" {
        return Err(
            Problem::new("standard input will not do: it has to be read several times").hint("save it to a file first")
        );
    }
    Ok(())
}

/// Reads the capture once, to tell what is wrong with it.
pub(super) fn is_readable(unit: &Unit, tally: &mut Tally) -> bool {
    let mut session = Session::new(unit.sources(None));
    while session.next_packet().is_some() {}
    conclude(&mut session, unit, tally, &mut OnTerminal::new(unit));
    session.files().any(|file| file.format.is_some())
}

/// Shows every packet of `unit`.
pub(super) fn show(unit: &Unit, each: &mut dyn FnMut(&Packet<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut session = Session::new(unit.sources(None));
    while let Some(packet) = session.next_packet() {
        each(&packet)?;
    }
    Ok(())
}

fn format(output: &Path) -> Format {
    if output.extension() == Some(OsStr::new("pcap")) { Format::Pcap } else { Format::Pcapng }
}
