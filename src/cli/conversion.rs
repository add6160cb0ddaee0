//! What `convert` makes of a session, resolved once for all sessions of a run.

use super::args::{ConvertArgs, ConvertFormatArg, SeverityArg};
use super::fail_on::FailOn;
use super::input::Unit;
use super::message::Problem;
use super::selection::{self, Pending};
use super::settings;
use crate::analyzer;
use crate::event::{Event, Sink};
use crate::line::PlainExchange;
use crate::output::csv::Table;
use crate::output::influx::Points;
use crate::output::json::{JsonLines, Origin, Record, Records};
use crate::output::select::Select;
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use std::io;

/// What is to be made of every session.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) analysis: analyzer::Options,
    selection: Pending,
    format: ConvertFormatArg,
    records: Records,
    mask_secrets: bool,
    fail_on: Option<SeverityArg>,
}

/// Whether an output starts with this session, or has some before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Later,
}

/// What came of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) exchanges: u64,
    pub(super) anomalies: u64,
    /// An anomaly was as bad as `--fail-on` says, or worse.
    pub(super) met: bool,
}

/// Takes the events of a session, up to its file.
pub(super) struct SessionSink<'a, W: io::Write>(Select<FailOn<Counted<Writer<'a, W>>>>);

impl Conversion {
    pub(super) fn new(args: &ConvertArgs) -> Result<Self, Problem> {
        if args.format != ConvertFormatArg::Json && !args.records.is_empty() {
            let problem = Problem::new("--records chooses among JSON lines; the other formats have one kind of record");
            return Err(problem.hint("leave out --records, or --format"));
        }
        let records = if args.records.is_empty() { Records::default() } else { records(&args.records)? };
        let frames = records.contains(Record::Frame) || records.contains(Record::Nonframe);
        let analysis = settings::analysis(&args.analysis, frames)?;
        let selection = selection::resolve(&args.select, &analysis.registry, &TimeZone::UTC)?;
        let (format, mask_secrets, fail_on) = (args.format, args.mask_secrets, args.fail_on);
        Ok(Self { analysis, selection, format, records, mask_secrets, fail_on })
    }

    /// A sink for one session that writes to `out`.
    pub(super) fn sink<W: io::Write>(
        &self,
        out: W,
        unit: &Unit,
        start: Option<Timestamp>,
        place: Place,
    ) -> io::Result<SessionSink<'_, W>> {
        let (registry, live) = (&*self.analysis.registry, unit.is_live());
        let writer = match self.format {
            ConvertFormatArg::Json => {
                let mut json = JsonLines::new(out, self.records, registry);
                if self.mask_secrets {
                    json = json.masked();
                }
                if live {
                    json = json.unbuffered();
                }
                json.begin(&Origin { files: &unit.names(), start })?;
                Writer::Json(Box::new(json))
            }
            ConvertFormatArg::Csv => {
                let table = Table::new(out, registry, self.mask_secrets);
                let mut table = if live { table.unbuffered() } else { table };
                if place == Place::First {
                    table.head()?;
                }
                table.begin(start);
                Writer::Csv(Box::new(table))
            }
            ConvertFormatArg::Influx => {
                let points = Points::new(out, registry, self.mask_secrets);
                Writer::Influx(if live { points.unbuffered() } else { points })
            }
        };
        let counted = Counted { inner: writer, exchanges: 0, anomalies: 0 };
        Ok(SessionSink(Select::new(self.selection.starting_at(start), FailOn::new(self.fail_on, counted))))
    }
}

impl<W: io::Write> SessionSink<'_, W> {
    pub(super) fn counts(self) -> Counts {
        let (counted, met) = self.0.into_inner().into_parts();
        Counts { exchanges: counted.exchanges, anomalies: counted.anomalies, met }
    }
}

impl<W: io::Write> Sink for SessionSink<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        self.0.event(event)
    }

    fn plain(&mut self, exchange: &PlainExchange) -> io::Result<()> {
        self.0.plain(exchange)
    }
}

/// The three formats.
enum Writer<'a, W: io::Write> {
    Json(Box<JsonLines<'a, W>>),
    Csv(Box<Table<'a, W>>),
    Influx(Points<'a, W>),
}

impl<W: io::Write> Sink for Writer<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match self {
            Self::Json(json) => json.event(event),
            Self::Csv(table) => table.event(event),
            Self::Influx(points) => points.event(event),
        }
    }

    fn plain(&mut self, exchange: &PlainExchange) -> io::Result<()> {
        match self {
            Self::Json(json) => json.plain(exchange),
            Self::Csv(table) => table.plain(exchange),
            Self::Influx(points) => points.plain(exchange),
        }
    }
}

/// Counts what passes.
struct Counted<S> {
    inner: S,
    exchanges: u64,
    anomalies: u64,
}

impl<S: Sink> Sink for Counted<S> {
    type Error = S::Error;

    fn event(&mut self, event: Event<'_>) -> Result<(), S::Error> {
        match event {
            Event::Exchange(_) => self.exchanges += 1,
            Event::Anomaly(_) => self.anomalies += 1,
            _ => {}
        }
        self.inner.event(event)
    }

    fn plain(&mut self, exchange: &PlainExchange) -> Result<(), S::Error> {
        self.exchanges += 1;
        self.inner.plain(exchange)
    }
}

fn records(names: &[String]) -> Result<Records, Problem> {
    let record = |name: &String| {
        Record::from_name(name.trim()).ok_or_else(|| {
            let known = Record::ALL.map(Record::name).join(", ");
            Problem::new(format_args!("--records {name}: no such kind of record")).hint(known)
        })
    };
    names.iter().map(record).collect()
}
