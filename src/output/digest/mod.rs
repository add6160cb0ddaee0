//! The digest: what is in a capture, what looks wrong, and what to type next. One screen for somebody who typed the
//! file's name and nothing else.
//!
//! Takes all events and shows nothing until the last of them came. Memory does not grow with the file: response times
//! are counted in buckets (`spread`), objects and connections are capped (`objects`, `connections`).
//!
//! Knows events and values. Knows neither files nor terminals: their names and their width are given.

mod connections;
mod lookout;
mod objects;
mod page;
mod render;
mod sections;
mod spread;
mod table;
#[cfg(test)]
mod tests;

use self::connections::Connections;
use self::objects::Objects;
use self::spread::Spread;
use super::cell::{Reader, response_time};
use super::zone::Zone;
use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::event::{Event, Sink, Summary};
use crate::line::Exchange;
use crate::rct::registry::Registry;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;

/// Connections named with one kind of anomaly.
const NAMED: usize = 8;

/// A file the events came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// As the user gave it; `-` for standard input.
    pub name: String,
    /// Its size, where it has one.
    pub bytes: Option<u64>,
}

/// How a digest looks.
#[derive(Clone, Copy, Debug)]
pub struct DigestOptions<'a> {
    /// Columns of the terminal.
    pub width: usize,
    /// Write ANSI colours.
    pub color: bool,
    /// Leave out what to type next: nobody types into a pipe.
    pub plain: bool,
    /// Show every object, connection and kind of anomaly.
    pub all: bool,
    /// Where the events came from.
    pub files: &'a [InputFile],
    /// The zone of the times.
    pub zone: Zone<'a>,
}

/// All anomalies of one code.
#[derive(Debug)]
struct Kind {
    count: u64,
    first: AnomalyId,
    ts: Timestamp,
    /// What the first of them says.
    message: String,
    /// The connections of the first of them, at most [`NAMED`].
    connections: BTreeSet<ConnectionId>,
}

/// Gathers what a digest shows.
#[derive(Debug)]
pub struct Digest<'a> {
    reader: Reader<'a>,
    summary: Summary,
    connections: Connections,
    objects: Objects,
    anomalies: BTreeMap<Code, Kind>,
    /// The response times of all connections.
    spread: Spread,
    /// Response times by powers of two: below 1 ms, below 2 ms, below 4 ms …
    octaves: [u64; 24],
}

impl<'a> Digest<'a> {
    /// A digest without any event; the values of objects marked `secret` are hidden where it is told so.
    pub fn new(registry: &'a Registry, mask_secrets: bool) -> Self {
        Self {
            reader: Reader::new(registry, mask_secrets),
            summary: Summary::default(),
            connections: Connections::default(),
            objects: Objects::default(),
            anomalies: BTreeMap::new(),
            spread: Spread::default(),
            octaves: [0; 24],
        }
    }

    /// Writes the screen. To be called when the summary came.
    pub fn render(&self, out: &mut dyn io::Write, options: &DigestOptions<'_>) -> io::Result<()> {
        render::render(self, out, options)
    }

    fn exchange(&mut self, exchange: &Exchange) {
        self.connections.add(exchange);
        self.objects.add(exchange, &self.reader);
        if let Some(nanos) = response_time(exchange) {
            self.spread.add(nanos);
            let ms = u64::try_from(nanos / 1_000_000).unwrap_or(0);
            let octave = ms.checked_ilog2().map_or(0, |power| power as usize + 1);
            self.octaves[octave.min(self.octaves.len() - 1)] += 1;
        }
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        let kind = self.anomalies.entry(anomaly.code).or_insert_with(|| Kind {
            count: 0,
            first: anomaly.id,
            ts: anomaly.ts,
            message: self.reader.told(anomaly).message.clone(),
            connections: BTreeSet::new(),
        });
        kind.count += 1;
        if kind.connections.len() < NAMED {
            kind.connections.extend(anomaly.connection);
        }
    }
}

impl Sink for Digest<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Anomaly(anomaly) => self.anomaly(anomaly),
            Event::Connection(connection) => self.connections.end(connection),
            Event::Summary(summary) => self.summary = summary.clone(),
            Event::Frame(_) | Event::NonFrame(_) => {}
        }
        Ok(())
    }
}
