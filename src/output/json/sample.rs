//! Sample records: every trusted value as a line of its own, ready for a plot.
//!
//! A sample has the time of the answer, while exchanges come in order of requests. So samples wait until everything
//! before them has been written.

use super::line::{Line, id, key};
use super::objects::write_object;
use super::record::{Cargo, Recorder, decoded};
use super::value::{ValueWriter, float, unit};
use crate::line::{Exchange, Sighting};
use crate::output::reading;
use crate::rct::value::Value;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Samples held back at most. More than any line answers within a time-out; beyond, the oldest goes out early.
const HELD: usize = 65_536;

/// Bytes of them: tables have a line for each row. Arbitrary.
const HELD_BYTES: usize = 32 << 20;

/// Samples that wait for their time, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Samples {
    held: VecDeque<(Timestamp, Box<[u8]>)>,
    /// How many bytes they have.
    bytes: usize,
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
            let lines = self.scratch.as_bytes().into();
            self.hold(frame.ts, lines);
        }
    }

    fn hold(&mut self, ts: Timestamp, lines: Box<[u8]>) {
        self.bytes += lines.len();
        let at = self.held.partition_point(|(before, _)| *before <= ts);
        self.held.insert(at, (ts, lines));
    }

    /// Moves to `out` the samples of before `ts` (all of them, without one).
    pub(super) fn release(&mut self, out: &mut Line, ts: Option<Timestamp>) {
        while let Some((first, lines)) = self.held.front() {
            if ts.is_some_and(|ts| *first >= ts) && self.held.len() <= HELD && self.bytes <= HELD_BYTES {
                return;
            }
            out.rendered(lines);
            self.bytes -= lines.len();
            self.held.pop_front();
        }
    }
}

/// One line for a plain value, one a row for a table.
fn samples(recorder: &Recorder<'_>, line: &mut Line, exchange: u64, connection: u32, frame: &Sighting) {
    let cargo = Cargo::of(frame);
    if recorder.masks(cargo) {
        return;
    }
    let known = recorder.object(cargo);
    let Some(value) = decoded(recorder.registry, known.map(|known| known.object), cargo) else { return };
    let begin = |line: &mut Line| {
        line.begin(r#"{"type":"sample""#, Some(frame.ts));
        line.count(key!("conn"), connection);
        line.ip(key!("device"), frame.device().ip);
        write_object(line, known, frame.object_id);
    };
    let end = |line: &mut Line| {
        line.id(id!("source", 'T'), exchange);
        line.end();
    };
    match &value {
        Value::TimeSeries { points, .. } => {
            for point in points.iter().filter(|point| point.value.is_finite()) {
                begin(line);
                line.device_time(key!("device_time"), point.device_time);
                float(line, point.value);
                unit(line, &value, known);
                end(line);
            }
        }
        Value::EventTable { rows, .. } => {
            for row in rows {
                begin(line);
                line.device_time(key!("device_time"), row.device_time);
                line.integer(key!("event_code"), row.code);
                if let Some(event) = row.event {
                    line.string(key!("event"), event);
                }
                end(line);
            }
        }
        value if has_scalar(value) => {
            begin(line);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of tables were held by the gigabyte while a request before them was open.
    #[test]
    fn so_many_bytes_wait_and_the_earliest_go_out_first() {
        let (mut samples, mut out) = (Samples::default(), Line::default());
        let (each, beyond) = (HELD_BYTES / 32, 5_u8);
        for n in (0..32 + beyond).rev() {
            samples.hold(Timestamp::from_nanos(n.into()), vec![n; each].into());
        }
        samples.release(&mut out, Some(Timestamp::EARLIEST));
        let expected: Vec<u8> = (0..beyond).flat_map(|n| vec![n; each]).collect();
        assert!(out.as_bytes() == expected && samples.bytes == HELD_BYTES);
        samples.release(&mut out, None);
        assert_eq!((out.len(), samples.bytes, samples.held.len()), (each * (32 + usize::from(beyond)), 0, 0));
    }
}
