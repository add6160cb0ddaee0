//! One session from its files to steps: packets in, what they come to out, trouble told on the way.

use super::input::{Unit, reason};
use super::live::SharedOutput;
use super::message::Kind;
use super::tally::Tally;
use super::watch::{Remark, Trouble, Watch};
use crate::analyzer::{self, Collector, Step};
use crate::anomaly::Severity;
use crate::capture::{self, FileReport, Session, SourceError};
use crate::time::Timestamp;
use std::io;

/// What reading a unit brings.
pub(super) enum Delivery<'a> {
    /// The time of the first packet; `None` where there is none.
    Start(Option<Timestamp>),
    /// The next steps, to be taken out.
    Steps(&'a mut Vec<Step>),
}

/// Reads all packets of a unit and hands on what they come to, at least `batch` steps at a time. Inputs that cannot be
/// read are told and counted; an `Err` comes from `deliver` or from the watcher.
pub(super) fn read<W: Watch>(
    unit: &Unit,
    output: Option<&SharedOutput>,
    options: &analyzer::Options,
    batch: usize,
    (watch, tally): (&mut W, &mut Tally),
    deliver: &mut dyn FnMut(Delivery<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut session = Session::new(unit.sources(output));
    let mut collector = Collector::new(options.clone());
    let mut started = false;
    while let Some(packet) = &session.next_packet() {
        if !started {
            started = true;
            deliver(Delivery::Start(Some(packet.ts)))?;
        }
        collector.packet(packet);
        W::go_on()?;
        watch.packet(packet.number, || session.bytes_read());
        if session.has_notices() {
            notices(&mut collector, &mut session, watch);
        }
        if collector.steps().len() >= batch {
            deliver_all(&mut collector, deliver)?;
        }
    }
    notices(&mut collector, &mut session, watch);
    conclude(&mut session, unit, tally, watch);
    if !started && session.files().any(|file| file.format.is_some()) {
        deliver(Delivery::Start(None))?;
    }
    collector.finish(session.complete());
    deliver_all(&mut collector, deliver)
}

/// Hands on the steps so far, and the rest of what the last packet has brought.
fn deliver_all(collector: &mut Collector, deliver: &mut dyn FnMut(Delivery<'_>) -> io::Result<()>) -> io::Result<()> {
    deliver(Delivery::Steps(collector.steps()))?;
    while collector.resume() {
        deliver(Delivery::Steps(collector.steps()))?;
    }
    Ok(())
}

/// Counts the inputs of a session at its end, and tells which could not be read.
pub(super) fn conclude(session: &mut Session, unit: &Unit, tally: &mut Tally, watch: &mut impl Watch) {
    for error in session.take_errors() {
        let input = unit.inputs.get(error.source);
        let is_read = session.files().nth(error.source).is_some_and(|file| file.format.is_some());
        let harmless = error.error.is_other_thing() && input.is_some_and(|input| input.found);
        if !harmless || tally.other() {
            tell_source_error(&error, harmless, watch);
        }
        tally.failed += usize::from(!harmless && !is_read);
    }
    let files: Vec<FileReport> = session.files().collect();
    for file in &files {
        tally.read += usize::from(file.format.is_some());
        tally.damaged += usize::from(file.format.is_some() && !file.complete);
    }
    watch.ended(files);
}

/// Tells why an input could not be read. `harmless`: that is no failure, since a folder may hold other things than captures.
fn tell_source_error(error: &SourceError, harmless: bool, watch: &mut impl Watch) {
    let text = match &error.error {
        capture::Error::Io(cause) => reason(cause),
        other => other.to_string(),
    };
    watch.tell(&Remark {
        input: error.source,
        name: &error.name,
        kind: if harmless { Kind::Note } else { Kind::Error },
        trouble: if error.error.is_other_thing() { Trouble::NotACapture } else { Trouble::Unreadable },
        text: &text,
        hint: error.error.hint().filter(|_| !harmless),
    });
}

/// What the reader noticed is told at once, and becomes an anomaly.
#[cold]
fn notices(collector: &mut Collector, session: &mut Session, watch: &mut impl Watch) {
    for notice in session.take_notices() {
        self::notice(collector, session, &notice, watch);
    }
}

fn notice(collector: &mut Collector, session: &Session, notice: &capture::Notice, watch: &mut impl Watch) {
    if notice.code().severity() > Severity::Note {
        watch.tell(&Remark {
            input: notice.source,
            name: session.name(notice.source).unwrap_or_default(),
            kind: Kind::Warning,
            trouble: Trouble::Damage,
            text: &notice.message,
            hint: None,
        });
    }
    collector.notice(notice.code(), notice.packet, notice.ts, notice.message.clone());
}
