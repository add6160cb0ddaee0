//! Every made-up capture through the whole analyzer, against the truth that its maker knows.

use rctscope::analyzer::{Analyzer, Options};
use rctscope::anomaly::{Code, Severity};
use rctscope::capture::Reader;
use rctscope::event::{Event, Sink, Summary};
use rctscope::line::{ExchangeId, ExchangeStatus, Sender, SightingId};
use rctscope::packet::PacketNumber;
use rctscope::time::Timestamp;
use rctscope::tools::synth::{Scenario, Stats, write};
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Cursor;

const SEEDS: std::ops::Range<u64> = 1..9;

/// What came out, and whether it hangs together.
#[derive(Default)]
struct Seen {
    codes: BTreeMap<Code, u64>,
    /// One line for each anomaly, for whoever has to find out what went wrong.
    told: String,
    exchanges: u64,
    requests: u64,
    /// Device frames, each counted once.
    answers: u64,
    sightings: u64,
    last: Timestamp,
    earliest: Option<Timestamp>,
    /// One line for each event that was not in its place.
    disorder: String,
    exchange_ids: HashSet<ExchangeId>,
    answer_ids: HashSet<SightingId>,
    summaries: u64,
}

impl Seen {
    fn in_time(&mut self, ts: Timestamp, what: &dyn Fn() -> String) {
        self.earliest = Some(self.earliest.map_or(ts, |earliest| earliest.min(ts)));
        if ts < self.last {
            let late = self.last.since(ts);
            writeln!(self.disorder, "  {} is told {late:?} late", what()).expect("a String takes all");
        }
        self.last = self.last.max(ts);
    }
}

impl Sink for Seen {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        assert_eq!(self.summaries, 0, "the summary is the last event");
        match event {
            Event::Frame(frame) => {
                self.in_time(frame.ts, &|| format!("frame {} of packet {}", frame.id, frame.packet()));
                self.sightings += 1;
                self.requests += u64::from(frame.sender == Sender::Client);
                self.answers += u64::from(frame.sender == Sender::Device && frame.copy_of.is_none());
            }
            Event::NonFrame(bytes) => self.in_time(bytes.ts, &|| format!("{} at {:?}", bytes.kind.name(), bytes.spans)),
            Event::Exchange(exchange) => {
                self.in_time(exchange.ts, &|| {
                    format!("exchange {} of packet {}", exchange.id, exchange.lead().packet())
                });
                self.exchanges += 1;
                assert!(self.exchange_ids.insert(exchange.id), "{} is told once", exchange.id);
                assert!(exchange.request.is_some() || exchange.status == ExchangeStatus::Unsolicited);
                if let Some(response) = &exchange.response {
                    let frame = response.frame.copy_of.unwrap_or(response.frame.id);
                    assert!(self.answer_ids.insert(frame), "{frame} answers one request");
                }
            }
            Event::Anomaly(anomaly) => {
                *self.codes.entry(anomaly.code).or_default() += 1;
                let packet = anomaly.evidence.first().map_or(PacketNumber(0), |evidence| evidence.packet);
                writeln!(self.told, "  {} packet {packet} {}", anomaly.code, anomaly.message)
                    .expect("a String takes all");
            }
            Event::Connection(_) => {}
            Event::Summary(summary) => {
                self.summaries += 1;
                let told = [summary.error_count, summary.warning_count, summary.note_count];
                assert_eq!(told.iter().sum::<u64>(), summary.anomaly_count);
                assert_eq!(self.codes.values().sum::<u64>(), summary.anomaly_count, "every anomaly is told");
                assert_eq!(summary.frame_count, self.sightings, "every frame is told");
            }
        }
        Ok(())
    }
}

fn analyze(scenario: Scenario, seed: u64) -> (Stats, Seen, Summary) {
    let mut file = Vec::new();
    let stats = write(scenario, seed, &mut file).expect("a Vec takes all");
    let mut reader = Reader::new(Box::new(Cursor::new(file))).expect("a capture");
    let (mut analyzer, mut found) = (Analyzer::new(Options::default()), Seen::default());
    while let Some(packet) = reader.next_packet().expect("memory") {
        let Ok(()) = analyzer.packet(&packet, &mut found);
    }
    let Ok(summary) = analyzer.finish(reader.complete(), &mut found);
    (stats, found, summary)
}

/// Runs `check` on every scenario and seed; it says what is wrong.
fn each(check: impl Fn(Scenario, &Stats, &Seen, &Summary) -> Vec<String>) {
    let mut problems = String::new();
    for scenario in Scenario::ALL {
        for seed in SEEDS {
            let (stats, found, summary) = analyze(*scenario, seed);
            let wrong = check(*scenario, &stats, &found, &summary);
            if !wrong.is_empty() {
                writeln!(problems, "{scenario}, seed {seed}: {}\n{}", wrong.join("; "), found.told)
                    .expect("a String takes all");
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

/// Warnings and errors that come with what a scenario is made to show, with the reason.
const COMES_WITH: &[(&str, Code)] = &[
    // One of the tables declares its full length, and is cut.
    ("interrupted-table", Code::LengthLie),
    // The client that interrupts waits for its own answer while it gets the other's.
    ("interrupted-table", Code::ForeignResponse),
    ("cut-answer", Code::ForeignResponse),
    // A length far too large is how a table that was cut looks.
    ("length-byte", Code::SeriesCut),
    // A payload with another client's request in it has never been found with a right CRC.
    ("foreign-payload", Code::CrcMismatch),
];

/// Found that should not be, or not found that should be: what is still to be put right. A line that is not true any
/// more fails the test.
const OPEN: &[(&str, Code)] = &[];

fn is_open(scenario: Scenario, code: Code) -> bool {
    OPEN.contains(&(scenario.name(), code))
}

fn is_missing(scenario: Scenario, code: Code, found: &Seen) -> bool {
    scenario.anomalies().contains(&code) && !found.codes.contains_key(&code)
}

/// Whatever a scenario is not about stays quiet: no warning and no error that it does not promise.
fn is_extra(scenario: Scenario, code: Code, found: &Seen) -> bool {
    let quiet = code.severity() == Severity::Note || scenario.anomalies().contains(&code);
    found.codes.contains_key(&code) && !quiet && !COMES_WITH.contains(&(scenario.name(), code))
}

#[test]
fn events_are_sorted_by_time() {
    each(|scenario, _, found, _| {
        // Where bytes are missing for longer than others wait for them, what follows is told late.
        let in_time = scenario != Scenario::Gap;
        found.disorder.lines().filter(|_| in_time).map(str::to_owned).collect()
    });
}

#[test]
fn what_a_scenario_promises_is_found() {
    each(|scenario, _, found, _| {
        let missing = Code::ALL.iter().filter(|code| is_missing(scenario, **code, found) && !is_open(scenario, **code));
        missing.map(|code| format!("{code} is missing")).collect()
    });
}

#[test]
fn nothing_else_is_found() {
    each(|scenario, _, found, _| {
        let extra = Code::ALL.iter().filter(|code| is_extra(scenario, **code, found) && !is_open(scenario, **code));
        extra.map(|code| format!("{code}, which nobody promised")).collect()
    });
}

#[test]
fn what_is_open_is_still_open() {
    for (name, code) in OPEN {
        let scenario = Scenario::from_name(name).expect(name);
        let (_, found, _) = analyze(scenario, SEEDS.start);
        let wrong = is_missing(scenario, *code, &found) || is_extra(scenario, *code, &found);
        assert!(wrong, "{name}, {code}: put right; take it off the list");
    }
}

/// A damaged answer still belongs to the request it came for.
#[test]
fn a_damaged_answer_is_paired() {
    for seed in SEEDS {
        let (stats, _, summary) = analyze(Scenario::BadCrc, seed);
        assert_eq!(summary.damaged_count, 3, "seed {seed}");
        assert_eq!(summary.answered_count + 3, stats.request_count, "seed {seed}");
    }
}

/// Requests and answers are as many as were sent; each request has one exchange.
#[test]
fn every_frame_is_counted() {
    each(|scenario, stats, found, summary| {
        let mut wrong = Vec::new();
        let mut same = |what: &str, found: u64, made: u64| {
            // What the capture missed cannot be counted.
            let fits =
                if matches!(scenario, Scenario::Gap | Scenario::Evening) { found <= made } else { found == made };
            if !fits {
                wrong.push(format!("{found} {what}, {made} were made"));
            }
        };
        same("frames of clients", found.requests, stats.request_count);
        same("frames of the device", found.answers, stats.answer_count);
        same("sightings", summary.frame_count, stats.sighting_count);
        same("connections", summary.connection_count, stats.connection_count);
        same("requests", summary.request_count, stats.request_count);
        let told = summary.answered_count
            + summary.damaged_count
            + summary.unanswered_count
            + summary.unconfirmed_count
            + summary.open_count;
        if told != summary.request_count {
            wrong.push(format!("{} requests, {told} of them told", summary.request_count));
        }
        wrong
    });
}

/// What the capture has lost has a time all the same: that of the packet that gave it up.
#[test]
fn a_hole_at_the_end_of_a_stream_has_a_time() {
    for seed in SEEDS {
        let (_, found, summary) = analyze(Scenario::Gap, seed);
        let first = summary.first.expect("packets");
        assert!(found.earliest.is_some_and(|earliest| earliest >= first), "seed {seed}: {:?}", found.earliest);
    }
}
