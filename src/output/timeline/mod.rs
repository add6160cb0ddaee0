//! The timeline: one row for each exchange, for people.
//!
//! It answers what everybody asks first: whose answer is this, and was my client waiting for something else when it
//! came. One answer of the device is one row, however many connections carried a copy of it; where a client got
//! answers that were not for it, the row of its own request says so and names whose they were.
//!
//! Rows are held back until everything that belongs to them is known, which takes as long as the answer took, or as the
//! rest of its batch. Memory is bounded, see `queue` and `batch`.
//!
//! Knows events and values. Knows neither files nor terminals: width, colours and zone are given.

mod batch;
mod carried;
mod latest;
mod layout;
mod queue;
mod row;
mod screen;
#[cfg(test)]
mod tests;

use self::batch::{Batches, Closed, Request};
use self::carried::Carried;
use self::latest::Latest;
use self::queue::Queue;
use self::row::{Kind, Row, Visibility};
use self::screen::Screen;
use super::cell::{self, Reader};
use super::style::Style;
use super::zone::Zone;
use crate::anomaly::Anomaly;
use crate::event::{Event, NonFrameSighting, Sink};
use crate::line::{Exchange, ExchangeStatus, Sender};
use crate::rct::Command;
use crate::rct::registry::Registry;
use std::io;

/// How a timeline looks and what it leaves out.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches of the command line")]
pub struct TimelineOptions<'a> {
    /// Columns of the terminal. From 112 on commands and flags are spelled out.
    pub width: usize,
    /// Write ANSI colours.
    pub color: bool,
    /// Show a batch of requests that is equal to one shown before as one row, unless something was wrong with it.
    pub fold: bool,
    /// Show only rows whose value differs from the last one of that object.
    pub changed: bool,
    /// Hide the values of objects marked `secret`.
    pub mask_secrets: bool,
    /// The zone of the times.
    pub zone: Zone<'a>,
}

impl Default for TimelineOptions<'static> {
    /// As for a pipe: 120 columns, no colour, folded, UTC.
    fn default() -> Self {
        Self { width: 120, color: false, fold: true, changed: false, mask_secrets: false, zone: Zone::UTC }
    }
}

/// Writes a timeline.
#[derive(Debug)]
pub struct Timeline<'a, W> {
    screen: Screen<'a, W>,
    reader: Reader<'a>,
    fold: bool,
    only_changed: bool,
    queue: Queue,
    batches: Batches,
    carried: Carried,
    latest: Latest,
}

impl<'a, W: io::Write> Timeline<'a, W> {
    /// A timeline to `out`. The heading is written with the first row.
    pub fn new(out: W, registry: &'a Registry, options: &TimelineOptions<'a>) -> Self {
        Self {
            screen: Screen::new(out, options.width, Style { color: options.color }, options.zone),
            reader: Reader::new(registry, options.mask_secrets),
            fold: options.fold && !options.changed,
            only_changed: options.changed,
            queue: Queue::default(),
            batches: Batches::default(),
            carried: Carried::default(),
            latest: Latest::default(),
        }
    }

    /// Where it writes to.
    pub fn into_inner(self) -> W {
        self.screen.into_inner()
    }

    fn exchange(&mut self, exchange: &Exchange) {
        self.queue.advance(exchange.ts);
        self.close_due();
        self.carried.push(exchange);
        let changed = self.latest.takes(exchange);
        if self.only_changed && !changed {
            return;
        }
        let mut row = Row::exchange(exchange, &self.reader);
        self.queue.claim(&mut row);
        let Kind::Exchange(asked) = &mut row.kind else { return };
        asked.changed = changed;
        let plain = is_plain(exchange) && asked.facts.is_empty();
        let answered = exchange.response.as_ref().map_or(exchange.ts, |response| response.frame.ts);
        let folds = self.fold && exchange.request.is_some();
        if folds {
            row.visibility = Visibility::Undecided;
        }
        let number = self.queue.push(row);
        if folds {
            let lead = exchange.lead();
            let asked = batch::Asked { command: lead.command, address: lead.address, object_id: lead.object_id };
            let request =
                Request { connection: lead.connection, asked, row: number, ts: exchange.ts, until: answered, plain };
            let closed = self.batches.push(&request);
            self.close(closed);
        }
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        let anomaly = self.reader.told(anomaly);
        self.queue.advance(anomaly.ts);
        if !self.queue.tell(&anomaly) && !self.only_changed {
            self.queue.push(Row::anomaly(&anomaly));
        }
    }

    fn non_frame(&mut self, bytes: &NonFrameSighting) {
        self.queue.advance(bytes.ts);
        if !self.only_changed {
            let mut row = Row::non_frame(bytes);
            if bytes.sender == Sender::Device && self.queue.has_copied(&row) {
                return;
            }
            self.queue.claim(&mut row);
            self.queue.push(row);
        }
    }

    fn close_due(&mut self) {
        while let Some(batch) = self.batches.next_due(self.queue.now()) {
            self.close(Some(batch));
        }
    }

    /// Decides on the rows of a batch: all of them, or the first one for all.
    fn close(&mut self, batch: Option<Closed>) {
        let Some(batch) = batch else { return };
        let fold = batch.as_at.and_then(|as_at| {
            let all: Vec<&Row> = batch.rows.iter().filter_map(|&number| self.queue.get(number)).collect();
            // An anomaly may have come after the answers; and where the queue had to let a row go, the rest is shown too.
            let clean = all.len() == batch.rows.len() && all.iter().all(|row| row.marks.is_empty());
            if clean { Row::fold(&all, as_at) } else { None }
        });
        let others = if fold.is_some() { Visibility::Hidden } else { Visibility::Shown };
        for &number in &batch.rows {
            if let Some(row) = self.queue.get_mut(number) {
                row.visibility = others;
            }
        }
        if let (Some(fold), Some(first)) = (fold, batch.rows.first().and_then(|&first| self.queue.get_mut(first))) {
            *first = fold;
        }
    }

    fn print_ready(&mut self) -> io::Result<()> {
        while let Some(row) = self.queue.next_ready() {
            self.print(&row)?;
        }
        Ok(())
    }

    fn print_all(&mut self) -> io::Result<()> {
        while let Some(batch) = self.batches.next_open() {
            self.close(Some(batch));
        }
        while let Some(row) = self.queue.pop() {
            self.print(&row)?;
        }
        self.screen.flush()
    }

    fn print(&mut self, row: &Row) -> io::Result<()> {
        if row.visibility == Visibility::Hidden {
            return Ok(());
        }
        self.screen.print(row, &self.carried)
    }
}

/// Whether an exchange went as all do, so that it may be folded.
fn is_plain(exchange: &Exchange) -> bool {
    let reads = matches!(exchange.lead().command.base(), Command::READ | Command::READ_PERIODICALLY);
    reads && exchange.status == ExchangeStatus::Answered && exchange.anomalies.is_empty() && cell::is_sample(exchange)
}

impl<W: io::Write> Sink for Timeline<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Anomaly(anomaly) => self.anomaly(anomaly),
            Event::NonFrame(bytes) => self.non_frame(bytes),
            Event::Frame(frame) => self.queue.advance(frame.ts),
            Event::Connection(connection) => {
                let closed = self.batches.end(connection.id);
                self.close(closed);
            }
            Event::Summary(_) => return self.print_all(),
        }
        self.close_due();
        self.print_ready()
    }
}
