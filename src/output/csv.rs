//! CSV: one table with a row for each exchange, for spreadsheets and data frames.
//!
//! A number stands in `num` only when it is to be believed; what a damaged answer held stands in `text` as `(…)?`.
//! Times are exact. Cells that a spreadsheet would take for a formula get a `'` in front.

use super::cell::{self, Reader};
use super::digits::{self, ROOM, Room};
use super::reading;
use super::time_text::Rfc3339;
use crate::event::{Event, Sink};
use crate::line::Exchange;
use crate::object::ObjectId;
use crate::rct::registry::{DataType, Registry};
use crate::rct::value::Value;
use crate::time::Timestamp;
use std::io;

/// The columns. New ones come at the end.
pub const COLUMNS: [&str; 14] = [
    "ts",
    "t",
    "conn",
    "object",
    "object_id",
    "num",
    "text",
    "unit",
    "status",
    "response_time_ms",
    "packet",
    "command",
    "device",
    "client",
];

/// Writes exchanges as rows.
pub struct Table<'r, W: io::Write> {
    out: csv::Writer<W>,
    registry: &'r Registry,
    reader: Reader<'r>,
    clock: Rfc3339,
    start: Option<Timestamp>,
    flush_rows: bool,
}

impl<'r, W: io::Write> Table<'r, W> {
    /// A table without its head. With `mask_secrets`, what secret objects hold is left out.
    pub fn new(out: W, registry: &'r Registry, mask_secrets: bool) -> Self {
        let out = csv::WriterBuilder::new().has_headers(false).buffer_capacity(64 << 10).from_writer(out);
        let reader = Reader::new(registry, mask_secrets);
        Self { out, registry, reader, clock: Rfc3339::default(), start: None, flush_rows: false }
    }

    /// Writes every row at once: for a capture that is still going on.
    #[must_use]
    pub fn unbuffered(mut self) -> Self {
        self.flush_rows = true;
        self
    }

    /// Writes the names of the columns.
    pub fn head(&mut self) -> io::Result<()> {
        self.out.write_record(COLUMNS).map_err(error)
    }

    /// The moment from which `t` counts.
    pub fn begin(&mut self, start: Option<Timestamp>) {
        self.start = start;
    }

    fn row(&mut self, exchange: &Exchange) -> io::Result<()> {
        let lead = exchange.lead();
        let object = self.registry.get(lead.object_id);
        let (number, unit) = self.number(exchange);
        let out = &mut self.out;
        let mut field = |text: &str| out.write_field(text).map_err(error);
        field(self.clock.text(exchange.ts))?;
        field(&self.start.map(|start| seconds(exchange.ts.nanos_since(start))).unwrap_or_default())?;
        field(itoa::Buffer::new().format(lead.connection.0))?;
        field(object.map_or("", |object| &object.name))?;
        field(&lead.object_id.to_string())?;
        field(&number)?;
        field(&text(self.registry, lead.object_id, self.reader.value(exchange), exchange))?;
        field(unit)?;
        field(exchange.status.name())?;
        field(&cell::response_time(exchange).map(milliseconds).unwrap_or_default())?;
        field(itoa::Buffer::new().format(lead.packet().0))?;
        field(&lead.command.to_string())?;
        field(&lead.device().ip.to_string())?;
        field(&exchange.request.as_ref().map(|request| request.src.to_string()).unwrap_or_default())?;
        self.out.write_record(None::<&[u8]>).map_err(error)
    }

    /// The number to be believed, and its unit.
    fn number(&self, exchange: &Exchange) -> (String, &'r str) {
        let found = reading::trusted(exchange).filter(|frame| !self.reader.hides(frame)).and_then(|frame| {
            let object = self.registry.get(frame.object_id);
            let value = reading::value(self.registry, frame)?;
            let measured = matches!(value, Value::Float(_) | Value::Unsigned(_) | Value::Signed(_));
            // A ratio runs from 0 to 1 and has no unit; `text` shows it as percent.
            let unit = object.filter(|object| measured && !object.flags.ratio).map_or("", |object| &object.unit);
            Some((reading::number(&value, object)?, unit))
        });
        found.unwrap_or_default()
    }
}

impl<W: io::Write> Sink for Table<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Exchange(exchange) => {
                self.row(exchange)?;
                if self.flush_rows { self.out.flush() } else { Ok(()) }
            }
            Event::Summary(_) => self.out.flush(),
            _ => Ok(()),
        }
    }
}

/// What people read of an exchange. That it was written is said by `command`.
fn text(registry: &Registry, id: ObjectId, text: String, exchange: &Exchange) -> String {
    let wrote = exchange.request.as_ref().is_some_and(|request| request.command.is_write());
    let text = match text.strip_prefix("= ").filter(|_| wrote) {
        Some(written) => written.to_owned(),
        None => text,
    };
    // Only text from the device or a client can be chosen by somebody.
    let is_free = registry.get(id).is_none_or(|object| {
        [object.request_type, object.response_type].iter().any(|data| {
            matches!(data, DataType::String | DataType::Unknown | DataType::NetSlaveData | DataType::NetPackage)
        })
    });
    if is_free && text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

/// Exact, no zeros at the end but always a fraction.
fn seconds(nanos: i64) -> String {
    decimal(nanos, digits::seconds)
}

fn milliseconds(nanos: i64) -> String {
    decimal(nanos, digits::milliseconds)
}

fn decimal(nanos: i64, write: fn(&mut Room, u64) -> usize) -> String {
    let mut room = [0; ROOM];
    let length = write(&mut room, nanos.unsigned_abs());
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}", std::str::from_utf8(&room[..length]).unwrap_or_default())
}

/// The crate's errors are those of the output, and one more for rows of unequal length, which would be a bug.
fn error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::Code;
    use crate::line::ExchangeStatus;
    use crate::output::samples::{ACC, IS_GRID, SOC, SOC_MIN, at, read, request};
    use crate::rct::{Command, FrameStatus};

    /// The rows as a reader of CSV finds them.
    fn rows(exchanges: &[Exchange], mask: bool) -> Vec<csv::StringRecord> {
        let mut bytes = Vec::new();
        let mut table = Table::new(&mut bytes, Registry::builtin(), mask);
        table.head().expect("memory");
        table.begin(Some(at(0.0)));
        for exchange in exchanges {
            table.event(Event::Exchange(exchange)).expect("memory");
        }
        drop(table);
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        assert_eq!(reader.headers().expect("a head").iter().collect::<Vec<_>>(), COLUMNS);
        reader.records().map(|record| record.expect("a row")).collect()
    }

    fn check(exchange: Exchange, expected: &[(&str, &str)]) {
        let rows = rows(&[exchange], false);
        for (column, expected) in expected {
            let place = COLUMNS.iter().position(|name| name == column).expect("a column");
            assert_eq!(&rows[0][place], *expected, "{column}");
        }
    }

    const SOC_BYTES: [u8; 4] = 0.296_f32.to_be_bytes();

    #[test]
    fn an_answer() {
        let exchange = read(1, 4, 12.0, SOC).answered(6, 38.224_973, &SOC_BYTES);
        let expected = [
            ("ts", "2025-03-17T21:06:00.012000000Z"),
            ("t", "0.012"),
            ("conn", "1"),
            ("object", "battery.soc"),
            ("object_id", "0x959930BF"),
            ("num", "0.296"),
            ("text", "29.6 %"),
            ("unit", ""),
            ("status", "answered"),
            ("response_time_ms", "38.224973"),
            ("packet", "4"),
            ("command", "READ"),
            ("device", "192.0.2.20"),
            ("client", "192.0.2.10:50001"),
        ];
        check(exchange, &expected);
        let power = read(1, 4, 12.0, ACC).answered(6, 30.0, &(-1535.0_f32).to_be_bytes());
        check(power, &[("num", "-1535.0"), ("text", "-1535.0 W"), ("unit", "W")]);
    }

    #[test]
    fn what_is_not_to_be_believed_is_no_number() {
        let damaged =
            read(1, 4, 12.0, SOC).answered(6, 30.0, &SOC_BYTES).spoil(|frame| frame.status = FrameStatus::CrcMismatch);
        check(damaged, &[("num", ""), ("text", "(29.6 %)?"), ("unit", ""), ("status", "damaged")]);
        check(read(1, 4, 12.0, SOC), &[("num", ""), ("text", "no answer"), ("response_time_ms", "")]);
        check(read(1, 4, 12.0, SOC).answered(6, 30.0, &[0x3e, 0x99]), &[("num", ""), ("text", "2 of 4 bytes")]);
        check(read(1, 4, 12.0, SOC).answered(6, 30.0, &f32::NAN.to_be_bytes()), &[("num", ""), ("unit", "")]);
        let open = read(1, 4, 12.0, SOC).status(ExchangeStatus::Open).marked(1, Code::Gap);
        check(open, &[("num", ""), ("text", "still open"), ("status", "open")]);
    }

    #[test]
    fn what_was_written_is_text() {
        let wrote =
            request(Command::WRITE, 1, 4, 12.0, SOC_MIN).writes(&0.07_f32.to_be_bytes()).answered(6, 30.0, &[0; 4]);
        check(wrote, &[("command", "WRITE"), ("num", ""), ("text", "7.0 %")]);
        check(read(1, 4, 12.0, IS_GRID).answered(6, 30.0, &[1]), &[("num", ""), ("text", "true")]);
    }

    #[test]
    fn text_from_outside_is_no_formula_and_no_row() {
        let serial = Registry::builtin().by_name("inverter_sn").expect("an object").id;
        let answer = |text: &[u8]| read(1, 4, 12.0, serial).answered(6, 30.0, text);
        check(answer(b"=1+cmd|' /C calc'!A0\0"), &[("text", "'=1+cmd|' /C calc'!A0")]);
        check(answer(b"-1 +A0\0"), &[("text", "'-1 +A0")]);
        check(answer(b"a\",\r\nb\0"), &[("text", "a\",\\r\\nb")]);
        assert_eq!(&rows(&[answer(b"109AB")], true)[0][6], "(masked)");
    }
}
