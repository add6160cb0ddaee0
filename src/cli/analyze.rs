//! One session from its files to a sink: packets in, events out, trouble told on the way.

use super::Outcome;
use super::input::{Input, Unit};
use super::live::SharedOutput;
use super::message::{Kind, tell};
use super::progress::Progress;
use super::settings::Analysis;
use crate::capture::{self, Session, SourceError};
use crate::event::{Event, Sink, Summary};
use crate::packet::Packet;
use crate::time::Timestamp;
use std::io;

/// How many inputs came to what, over all units of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Inputs that were read, though perhaps not to their end.
    pub(super) read: usize,
    /// Inputs that could not be read at all.
    pub(super) failed: usize,
    /// Inputs that are damaged or cut.
    pub(super) damaged: usize,
}

impl Tally {
    pub(super) const fn outcome(self) -> Outcome {
        if self.read == 0 {
            Outcome::NothingRead
        } else if self.failed > 0 || self.damaged > 0 {
            Outcome::DoneInPart
        } else {
            Outcome::Done
        }
    }

    /// Says so where nothing was found that could have been read. What could not be read has been told.
    pub(super) fn tell_if_nothing(self) {
        if self.read == 0 && self.failed == 0 {
            tell(
                Kind::Error,
                "no captures there",
                Some("pcap and pcapng are read, plain or compressed with gzip, zstd, lz4 or xz"),
            );
        }
    }
}

/// Reads `unit` into the sink that `begin` makes when the time of the first packet is known (`None` for a capture
/// without packets). Inputs that cannot be read are told and counted; an `Err` is the sink's.
pub(super) fn analyze<S: Sink<Error = io::Error>>(
    unit: &Unit,
    output: Option<&SharedOutput>,
    settings: &Analysis,
    tally: &mut Tally,
    begin: impl FnOnce(Option<Timestamp>) -> io::Result<S>,
) -> io::Result<Option<S>> {
    let mut session = Session::new(unit.sources(output));
    let mut progress = Progress::new(unit.size());
    let mut analyzer = Analyzer::new(settings);
    let mut begin = Some(begin);
    let mut sink = None;
    while let Some(packet) = session.next_packet() {
        if let Some(begin) = begin.take() {
            sink = Some(begin(Some(packet.ts))?);
        }
        if let Some(sink) = &mut sink {
            analyzer.packet(&packet, sink)?;
        }
        progress.packet(|| session.bytes_read());
        for notice in session.take_notices() {
            analyzer.notice(&session, &notice);
        }
    }
    drop(progress);
    for notice in session.take_notices() {
        analyzer.notice(&session, &notice);
    }
    conclude(&mut session, unit, tally);
    let something_read = session.files().any(|file| file.format.is_some());
    if let Some(begin) = begin.filter(|_| something_read) {
        sink = Some(begin(None)?);
    }
    if let Some(sink) = &mut sink {
        analyzer.finish(session.complete(), sink)?;
    }
    Ok(sink)
}

/// Counts the inputs of a session at its end, and tells which could not be read.
fn conclude(session: &mut Session, unit: &Unit, tally: &mut Tally) {
    for error in session.take_errors() {
        let input = unit.inputs.get(error.source);
        let is_read = session.files().nth(error.source).is_some_and(|file| file.format.is_some());
        if !tell_source_error(&error, input) && !is_read {
            tally.failed += 1;
        }
    }
    for file in session.files() {
        tally.read += usize::from(file.format.is_some());
        tally.damaged += usize::from(file.format.is_some() && !file.complete);
    }
}

/// Tells why an input could not be read. True where that is no failure: a folder may hold other things than captures.
fn tell_source_error(error: &SourceError, input: Option<&Input>) -> bool {
    let is_other_thing = matches!(
        error.error,
        capture::Error::NotACapture { .. } | capture::Error::Empty { .. } | capture::Error::TooShort { .. }
    );
    let harmless = is_other_thing && input.is_some_and(|input| input.found);
    if harmless {
        tell(Kind::Note, format_args!("{error}; skipped"), None);
    } else {
        let text = match &error.error {
            capture::Error::Io(cause) => format!("{}: {}", error.name, super::input::reason(cause)),
            _ => error.to_string(),
        };
        tell(Kind::Error, text, error.error.hint());
    }
    harmless
}

/// The analysis of one session.
///
/// This is the place where the library's analyzer is connected; so far packets are counted.
struct Analyzer {
    summary: Summary,
}

impl Analyzer {
    fn new(_settings: &Analysis) -> Self {
        Self { summary: Summary::default() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the analyzer finds goes to the sink, which may fail")]
    fn packet<S: Sink>(&mut self, packet: &Packet<'_>, _sink: &mut S) -> Result<(), S::Error> {
        self.summary.packet_count += 1;
        self.summary.first.get_or_insert(packet.ts);
        self.summary.last = Some(packet.ts);
        self.summary.last_packet = packet.number;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the analyzer makes anomalies of notices")]
    fn notice(&mut self, session: &Session, notice: &capture::Notice) {
        let name = session.name(notice.source).unwrap_or_default();
        tell(Kind::Warning, format_args!("{name}: {}", notice.message), None);
    }

    fn finish<S: Sink>(&mut self, complete: bool, sink: &mut S) -> Result<(), S::Error> {
        self.summary.complete = complete;
        sink.event(Event::Summary(&self.summary))
    }
}
