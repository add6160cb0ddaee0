//! JSON lines, schema 1.0: one record a line, for `jq`, DuckDB and everything else that reads them.
//!
//! Every record starts with its `type` and `ts`; a key is absent when its value is unknown, never null; no key has two
//! JSON types; no key is made from data. The records themselves are described in `schema/records-1.0.json`.
//!
//! ```json
//! {"type":"capture","ts":"2025-03-17T21:06:11.000000000Z","t":0.0,"schema_version":"1.0","tool":"rctscope 0.1.0","registry":"1","file":"evening.pcap"}
//! {"type":"exchange","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"T1","conn":1,"device":"192.0.2.20","client":"192.0.2.10:52730","command":"READ","object_id":"0x959930BF","object":"battery.soc","status":"answered","request":{"packet":4,"offset":54,"length":9,"frame":"F1"},"response":{"ts":"2025-03-17T21:06:11.050224973Z","packet":6,"offset":55,"length":13,"command":"RESPONSE","crc_ok":true,"copies":[2],"frame":"F2"},"response_time_ms":38.224973,"service_time_ms":38.224973,"value":{"type":"float","num":0.296,"unit":"%","ratio":true,"text":"29.6 %"},"anomalies":[]}
//! ```

mod alone;
mod buffer;
mod commands;
mod community_id;
mod ends;
mod line;
mod objects;
mod record;
mod sample;
mod value;
mod verdict;

#[cfg(test)]
mod tests;

pub use alone::Alone;

use crate::event::{Event, Sink};
use crate::line::PlainExchange;
use crate::rct::registry::Registry;
use crate::time::Timestamp;
use record::Recorder;
use sample::Samples;
use std::io;

/// What the first record promises: keys and types as in `schema/records-1.0.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Bytes gathered before they are written. Large enough to make system calls cheap, small enough to stay in the cache.
const WRITE_BYTES: usize = 64 << 10;

/// The kinds of records, in the order in which a reader meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The first line: what was read, and what wrote it.
    Capture,
    /// A request with its answer, or one of the two alone.
    Exchange,
    /// Something that did not go as it should.
    Anomaly,
    /// A connection that carried the protocol.
    Connection,
    /// The totals.
    Summary,
    /// A frame on one connection, with its bytes.
    Frame,
    /// Bytes that are no frame.
    Nonframe,
    /// One trusted value.
    Sample,
}

impl Record {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Capture,
        Self::Exchange,
        Self::Anomaly,
        Self::Connection,
        Self::Summary,
        Self::Frame,
        Self::Nonframe,
        Self::Sample,
    ];

    /// The name in the key `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Exchange => "exchange",
            Self::Anomaly => "anomaly",
            Self::Connection => "connection",
            Self::Summary => "summary",
            Self::Frame => "frame",
            Self::Nonframe => "nonframe",
            Self::Sample => "sample",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|record| record.name() == name)
    }
}

/// A choice of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records(u8);

impl Records {
    /// Whether records of this kind are wanted.
    pub const fn contains(self, record: Record) -> bool {
        self.0 & 1 << record as u8 != 0
    }
}

impl Default for Records {
    /// What most readers want: everything but single frames, and values only where they belong to an exchange.
    fn default() -> Self {
        [Record::Capture, Record::Exchange, Record::Anomaly, Record::Connection, Record::Summary].into_iter().collect()
    }
}

impl FromIterator<Record> for Records {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        Self(records.into_iter().fold(0, |bits, record| bits | 1 << record as u8))
    }
}

/// What the records of one session come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The names of the files, as the user gave them, in the order in which they are read.
    pub files: &'a [String],
    /// The first packet's time; `None` when there is no packet.
    pub start: Option<Timestamp>,
}

/// Writes events as JSON lines.
///
/// Lines are gathered and written in large pieces; who reads a live capture calls [`flush`](Self::flush) when it falls
/// silent. The summary, always the last event of a session, flushes by itself.
#[derive(Debug)]
pub struct JsonLines<'r, W> {
    out: W,
    records: Records,
    recorder: Recorder<'r>,
    samples: Samples,
    write_at: usize,
}

impl<'r, W: io::Write> JsonLines<'r, W> {
    /// A writer of the chosen records.
    pub fn new(out: W, records: Records, registry: &'r Registry) -> Self {
        let (recorder, samples) = (Recorder::new(registry), Samples::default());
        Self { out, records, recorder, samples, write_at: WRITE_BYTES }
    }

    /// Writes every record at once: for an output that does its own buffering.
    #[must_use]
    pub fn unbuffered(mut self) -> Self {
        self.write_at = 1;
        self
    }

    /// Leaves out what objects marked `secret` hold, and the bytes that may hold it.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.recorder.mask_secrets = true;
        self
    }

    /// Starts a session: the capture record, and the moment from which `t` counts. What is known only when everything
    /// has been read (how many packets, whether the file was whole) stands in the summary.
    pub fn begin(&mut self, origin: &Origin<'_>) -> io::Result<()> {
        self.recorder.line.set_start(origin.start);
        self.samples.set_start(origin.start);
        if self.records.contains(Record::Capture) {
            self.recorder.capture(origin);
        }
        self.write_when_full()
    }

    /// Writes what has been gathered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }

    /// Gives the output back, everything written.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.out)
    }

    fn write_when_full(&mut self) -> io::Result<()> {
        if self.recorder.line.len() >= self.write_at { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        let written = self.out.write_all(self.recorder.line.as_bytes());
        self.recorder.line.clear();
        written
    }
}

impl<W: io::Write> Sink for JsonLines<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        let wanted = |record| self.records.contains(record);
        if wanted(Record::Sample) {
            self.samples.release(&mut self.recorder.line, time_of(&event));
        }
        match event {
            Event::Frame(frame) if wanted(Record::Frame) => self.recorder.frame(frame),
            Event::NonFrame(found) if wanted(Record::Nonframe) => self.recorder.nonframe(found),
            Event::Exchange(exchange) => {
                if wanted(Record::Exchange) {
                    self.recorder.exchange(exchange);
                }
                if wanted(Record::Sample) {
                    self.samples.take(&mut self.recorder, exchange);
                }
            }
            Event::Anomaly(anomaly) if wanted(Record::Anomaly) => self.recorder.anomaly(anomaly),
            Event::Connection(connection) if wanted(Record::Connection) => self.recorder.connection(connection),
            Event::Summary(summary) => {
                if wanted(Record::Summary) {
                    self.recorder.summary(summary);
                }
                return self.flush();
            }
            _ => {}
        }
        self.write_when_full()
    }

    #[inline]
    fn plain(&mut self, exchange: &PlainExchange) -> io::Result<()> {
        if self.records.contains(Record::Sample) {
            return self.event(Event::Exchange(&exchange.exchange()));
        }
        if self.records.contains(Record::Exchange) {
            self.recorder.plain(exchange);
        }
        self.write_when_full()
    }
}

/// When an event happened; `None` for the last one of a session.
fn time_of(event: &Event<'_>) -> Option<Timestamp> {
    match event {
        Event::Frame(frame) => Some(frame.ts),
        Event::NonFrame(found) => Some(found.ts),
        Event::Exchange(exchange) => Some(exchange.ts),
        Event::Anomaly(anomaly) => Some(anomaly.ts),
        Event::Connection(connection) => Some(connection.last),
        Event::Summary(_) => None,
    }
}
