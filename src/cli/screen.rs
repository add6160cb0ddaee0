//! `rctscope summary` and `rctscope timeline`: events as people read them.

use super::analyze::analyze;
use super::args::{SummaryArgs, TimelineArgs};
use super::fail_on::{self, FailOn};
use super::live::SharedOutput;
use super::message::Stop;
use super::outcome::Outcome;
use super::settings::Display;
use super::tally::Tally;
use super::{destination, input, selection, settings};
use crate::event::{Event, Sink};
use crate::output::digest::{Digest, DigestOptions, InputFile};
use crate::output::select::Select;
use crate::output::time_text::Civil;
use crate::output::timeline::{Timeline, TimelineOptions};
use crate::output::zone::Zone;
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write as _};

pub(super) fn timeline(args: &TimelineArgs) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let analysis = settings::analysis(&args.analysis, true)?;
    let selection = selection::resolve(&args.select, &analysis.registry, &display.zone)?;
    let (selection, changed) = selection.without_changed();
    let civil = |ts| civil(&display.zone, ts);
    let options = TimelineOptions {
        width: display.width,
        color: display.color,
        fold: !args.no_fold,
        changed,
        mask_secrets: args.text.mask_secrets,
        zone: zone(&display, &civil),
    };
    let mut output = SharedOutput::new(destination::stdout());
    let found = input::find(&args.input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    let mut failed = false;
    for unit in &found.units {
        let sink = analyze(unit, Some(&output), &analysis, &mut tally, |start| {
            let timeline = Timeline::new(output.clone(), &analysis.registry, &options);
            Ok(Select::new(selection.starting_at(start), FailOn::new(args.fail_on, timeline)))
        })?;
        failed |= sink.is_some_and(|sink| sink.into_inner().into_parts().1);
    }
    output.flush()?;
    tally.tell_rest();
    Ok(fail_on::outcome(tally.outcome(), failed))
}

pub(super) fn summary(args: &SummaryArgs) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let analysis = settings::analysis(&args.analysis, false)?;
    let selection = selection::resolve(&args.select, &analysis.registry, &display.zone)?;
    let civil = |ts| civil(&display.zone, ts);
    let mut output = SharedOutput::new(destination::stdout());
    let found = input::find(&args.input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    let mut failed = false;
    for unit in &found.units {
        let digest = analyze(unit, None, &analysis, &mut tally, |start| {
            let digest = Digest::new(&analysis.registry, args.text.mask_secrets);
            Ok(Select::new(selection.starting_at(start), FailOn::new(args.fail_on, Infallibly(digest))))
        })?;
        let Some((Infallibly(digest), met)) = digest.map(|sink| sink.into_inner().into_parts()) else { continue };
        failed |= met;
        let files: Vec<InputFile> =
            unit.inputs.iter().map(|input| InputFile { name: input.name.clone(), bytes: input.size }).collect();
        let options = DigestOptions {
            width: display.width,
            color: display.color,
            plain: args.plain || !io::stdout().is_terminal(),
            all: args.all,
            files: &files,
            zone: zone(&display, &civil),
        };
        digest.render(&mut output, &options)?;
    }
    output.flush()?;
    tally.tell_rest();
    Ok(fail_on::outcome(tally.outcome(), failed))
}

pub(super) fn zone<'a>(display: &'a Display, civil: &'a (dyn Fn(Timestamp) -> Civil + Sync)) -> Zone<'a> {
    Zone { name: &display.zone_name, civil }
}

/// The clock on the wall of a time zone.
pub(super) fn civil(zone: &TimeZone, ts: Timestamp) -> Civil {
    let offset = jiff::Timestamp::from_nanosecond(i128::from(ts.nanos()))
        .map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()));
    Civil::from_unix(ts.nanos().div_euclid(1_000_000_000) + offset)
}

/// A digest keeps what it needs in memory and cannot fail, where files and pipes can.
pub(super) struct Infallibly<S>(pub(super) S);

impl<S: Sink<Error = Infallible>> Sink for Infallibly<S> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        self.0.event(event).map_err(|never| match never {})
    }
}
