//! Sample records: every trusted value as a line of its own, ready for a plot.
//!
//! A sample has the time of the answer, while exchanges come in order of requests. So samples wait until everything
//! before them has been written.

use super::line::{Line, id, key};
use super::record::{Recorder, decoded};
use super::value::{ValueWriter, float, unit};
use crate::line::{Exchange, Sighting};
use crate::output::reading;
use crate::rct::value::Value;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Samples held back at most. More than any line answers within a time-out; beyond, the oldest goes out early.
const HELD: usize = 65_536;

/// Samples that wait for their time, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Samples {
    held: VecDeque<(Timestamp, Box<[u8]>)>,
    scratch: Line,
}

impl Samples {
    pub(super) fn set_start(&mut self, start: Option<Timestamp>) {
        self.scratch.set_start(start);
    }

    /// Keeps the samples of an exchange, if what it brought is to be trusted.
    pub(super) fn take(&mut self, recorder: &mut Recorder<'_>, exchange: &Exchange) {
        let Some(frame) = reading::proven(exchange) else { return };
        let connection = exchange.lead().connection.0;
        self.scratch.clear();
        samples(recorder, &mut self.scratch, exchange.id.0, connection, frame);
        if self.scratch.len() > 0 {
            let at = self.held.partition_point(|(ts, _)| *ts <= frame.ts);
            self.held.insert(at, (frame.ts, self.scratch.as_bytes().into()));
        }
    }

    /// Moves to `out` the samples of before `ts` (all of them, without one).
    pub(super) fn release(&mut self, out: &mut Line, ts: Option<Timestamp>) {
        while let Some((first, lines)) = self.held.front() {
            if ts.is_some_and(|ts| *first >= ts) && self.held.len() <= HELD {
                return;
            }
            out.rendered(lines);
            self.held.pop_front();
        }
    }
}

/// One line for a plain value, one a row for a table.
fn samples(recorder: &Recorder<'_>, line: &mut Line, exchange: u64, connection: u32, frame: &Sighting) {
    if recorder.masks(frame) {
        return;
    }
    let known = recorder.objects.get(frame.object_id);
    let Some(value) = decoded(recorder.registry, known.map(|known| known.object), frame) else { return };
    let begin = |recorder: &Recorder<'_>, line: &mut Line| {
        line.begin(r#"{"type":"sample""#, Some(frame.ts));
        line.count(key!("conn"), connection);
        line.ip(key!("device"), frame.device().ip);
        recorder.objects.write(line, frame.object_id);
    };
    let end = |line: &mut Line| {
        line.id(id!("source", 'T'), exchange);
        line.end();
    };
    match &value {
        Value::TimeSeries { points, .. } => {
            for point in points.iter().filter(|point| point.value.is_finite()) {
                begin(recorder, line);
                line.device_time(key!("device_time"), point.device_time);
                float(line, point.value);
                unit(line, &value, known);
                end(line);
            }
        }
        Value::EventTable { rows, .. } => {
            for row in rows {
                begin(recorder, line);
                line.device_time(key!("device_time"), row.device_time);
                line.integer(key!("event_code"), row.code);
                if let Some(event) = row.event {
                    line.string(key!("event"), event);
                }
                end(line);
            }
        }
        value if has_scalar(value) => {
            begin(recorder, line);
            ValueWriter::slots(line, value, known);
            unit(line, value, known);
            end(line);
        }
        _ => {}
    }
}

/// Whether a value has a slot that fits a column.
const fn has_scalar(value: &Value<'_>) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::Bool(_)
        | Value::Unsigned(_)
        | Value::Signed(_)
        | Value::Text(_)
        | Value::Enum { .. }
        | Value::UnixTime(_)
        | Value::Bits { .. } => true,
        _ => false,
    }
}
