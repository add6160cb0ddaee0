//! What a fuzzer calls: any bytes into one stage, or through all of them, and what must hold whatever comes out.
//!
//! Each function takes the bytes of one input and panics when an invariant is broken; it knows nothing of fuzzers. The
//! targets in `fuzz/` are a line each, and `tests/it/fuzz.rs` runs the same functions over the seeds in `fuzz/seeds` and some
//! thousand mutations of them.

use super::synth::scripted;
use crate::analyzer::{Analyzer, Options};
use crate::capture::Reader;
use crate::endpoint::{ConnectionId, Direction};
use crate::event::{Event, Sink};
use crate::limits::{FRAME_BYTES, HOLE_PATIENCE, RECORD_BYTES};
use crate::net::{Decoded, Decoder};
use crate::object::ObjectId;
use crate::output::digest::{Digest, DigestOptions};
use crate::output::json::{JsonLines, Origin, Record};
use crate::output::timeline::{Timeline, TimelineOptions};
use crate::output::value_text;
use crate::output::zone::Zone;
use crate::packet::{LinkType, Packet, PacketNumber};
use crate::rct::registry::Registry;
use crate::rct::value::{Form, candidates, decode};
use crate::rct::{FrameStatus, Framer, Item, Silence, StreamEnd};
use crate::tcp::{self, Assembler, ChunkBody, Drain, TcpEvent};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::convert::Infallible;
use std::io::Cursor;
use std::time::Duration;

/// A capture file, compressed or not.
///
/// # Panics
///
/// When packets are not numbered through, are longer than they were or than a record may be, or when reading does not
/// come to an end.
pub fn container(file: &[u8]) {
    let Ok(mut reader) = Reader::new(Box::new(Cursor::new(file.to_vec()))) else { return };
    let mut last = PacketNumber(0);
    while let Ok(Some(packet)) = reader.next_packet() {
        assert_eq!(packet.number, PacketNumber(last.0 + 1), "numbered through");
        last = packet.number;
        assert!(packet.data.len() <= RECORD_BYTES);
        assert!(u32::try_from(packet.data.len()).is_ok_and(|length| length <= packet.original_length));
        assert!((Timestamp::EARLIEST..=Timestamp::LATEST).contains(&packet.ts), "{:?}", packet.ts);
    }
    assert!(matches!(reader.next_packet(), Ok(None)) || !reader.complete(), "what has ended stays ended");
    let told = reader.take_notices().len();
    assert!(reader.complete() || told > 0, "what is incomplete is told");
    assert!(reader.bytes_read() <= u64::try_from(file.len()).unwrap_or(u64::MAX));
}

/// Link types that packets of [`segment`] claim to have.
const LINK_TYPES: [u16; 8] = [1, 0, 101, 108, 113, 228, 229, 276];

/// Packets, each as: link type, time passed, length, bytes. Through the decoder into the assembler.
///
/// # Panics
///
/// When a payload does not stand where it is said to, or the chunks of a direction overlap or leave a hole.
pub fn segment(input: &[u8]) {
    let (mut decoder, mut assembler) = (Decoder::new(), Assembler::new(tcp::Options::default()));
    let (mut ends, mut number, mut nanos) = (FxHashMap::default(), 0, 0);
    let mut rest = input;
    while let [link, span, length, behind @ ..] = rest {
        let (data, next) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = next;
        number += 1;
        nanos += i64::from(*span) * i64::from(*span) * 1_000_000;
        let packet = Packet {
            number: PacketNumber(number),
            ts: Timestamp::from_nanos(nanos),
            link_type: LinkType(LINK_TYPES[usize::from(*link) % LINK_TYPES.len()]),
            interface: 0,
            original_length: u32::from(*length),
            data,
        };
        let layers = decoder.decode(&packet);
        let drain = match &layers {
            Decoded::Segment(segment) => {
                assert!(segment.payload.len() <= data.len() + (64 << 10));
                assembler.push(segment)
            }
            _ => assembler.tick(packet.number, packet.ts),
        };
        gapless(drain, &mut ends);
    }
    gapless(assembler.finish(), &mut ends);
}

/// Checks that chunks follow one another without a hole; `ends` holds where the next ones begin.
fn gapless(mut drain: Drain<'_>, ends: &mut FxHashMap<(ConnectionId, Direction), u64>) {
    while let Some(event) = drain.next() {
        let TcpEvent::Chunk(chunk) = event else { continue };
        let end = ends.entry((chunk.connection, chunk.direction)).or_default();
        assert_eq!(chunk.offset, *end, "gapless");
        *end += match chunk.body {
            ChunkBody::Data(bytes) => u64::try_from(bytes.len()).unwrap_or(0),
            ChunkBody::Gap { length, .. } => length,
        };
    }
}

/// A stream of bytes. Read whole and in pieces, the first byte of the input says how; then once more with silence and
/// holes between the pieces.
///
/// # Panics
///
/// When an item is lost or doubled, depends on how the stream was cut, or too many bytes are held.
pub fn framer(input: &[u8]) {
    let Some((&cut, stream)) = input.split_first() else { return };
    let pieces = || stream.chunks(1 + usize::from(cut % 23));
    let whole = items(std::iter::once(stream), |_| {});
    assert_eq!(items(pieces(), |_| {}), whole, "items do not depend on the pieces");
    items(pieces(), |framer| framer.settle(if cut & 1 == 0 { Silence::Pause } else { Silence::Long }));
    let hole = 1 + u64::from(cut);
    items(pieces(), |framer| framer.gap(hole));
}

/// What came out of a stream: where, how long, and whether it is a proven frame.
type Found = (u64, u64, bool);

/// Reads a stream; `between` is done behind every piece.
fn items<'a>(pieces: impl Iterator<Item = &'a [u8]>, mut between: impl FnMut(&mut Framer)) -> Vec<Found> {
    let (mut framer, mut found, mut end) = (Framer::new(), Vec::new(), 0);
    for piece in pieces {
        framer.push(piece);
        drain(&mut framer, &mut found, &mut end);
        between(&mut framer);
        drain(&mut framer, &mut found, &mut end);
        assert!(framer.held() <= FRAME_BYTES + piece.len(), "{} bytes held", framer.held());
    }
    framer.finish(StreamEnd::Closed);
    drain(&mut framer, &mut found, &mut end);
    assert_eq!(framer.held(), 0, "everything is handed out in the end");
    found
}

fn drain(framer: &mut Framer, found: &mut Vec<Found>, end: &mut u64) {
    while let Some(item) = framer.next_item() {
        let (offset, length, proven) = match item {
            Item::Separator { offset } => (offset, 1, false),
            Item::NonFrame(bytes) => (bytes.offset, bytes.length, false),
            Item::Frame(frame) => (frame.offset, u64::try_from(frame.raw.len()).unwrap_or(0), frame.crc_ok()),
        };
        assert_eq!(offset, *end, "items are gapless");
        assert!(length > 0, "no item is empty");
        *end = offset + length;
        found.push((offset, length, proven));
    }
    assert_eq!(framer.offset(), *end);
}

/// A payload: four bytes are the object's id (any, where there is no such object), the fifth chooses the direction.
///
/// # Panics
///
/// When a value has a text that a terminal would obey.
pub fn value(input: &[u8]) {
    let [a, b, c, d, form, payload @ ..] = input else { return };
    let registry = Registry::builtin();
    let any = || registry.objects().nth(usize::from(u16::from_be_bytes([*a, *b])) % registry.objects().len());
    let object = registry.get(ObjectId(u32::from_be_bytes([*a, *b, *c, *d]))).or_else(any);
    let form = if form & 1 == 0 { Form::Response } else { Form::Request };
    let mut text = String::new();
    for object in [object, None] {
        if let Some(value) = decode(registry, object, form, payload).value {
            value_text::write(&mut text, &value, object);
        }
    }
    for (_, value) in candidates(payload) {
        value_text::write(&mut text, &value, None);
    }
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// A capture through everything: a file as it is, or, where the input is none, the [script](scripted) of one.
///
/// # Panics
///
/// When a record is no JSON, events are out of order, or the summary does not add up.
pub fn pipeline(input: &[u8]) {
    let mut scripted_file = Vec::new();
    let file = if Reader::new(Box::new(Cursor::new(input.to_vec()))).is_ok() {
        input
    } else {
        scripted(input, &mut scripted_file).expect("a Vec takes all");
        &scripted_file
    };
    let Ok(mut reader) = Reader::new(Box::new(Cursor::new(file.to_vec()))) else { return };
    let registry = Registry::builtin();
    let (mut analyzer, mut outputs) = (Analyzer::new(Options::default()), Outputs::new(registry));
    while let Ok(Some(packet)) = reader.next_packet() {
        let Ok(()) = analyzer.packet(&packet, &mut outputs);
    }
    for notice in reader.take_notices() {
        analyzer.notice(notice.code(), notice.packet, notice.ts, notice.message.clone());
    }
    let Ok(_) = analyzer.finish(reader.complete(), &mut outputs);
    outputs.check();
}

/// Events may be this late: what stands behind a hole is told when the hole is given up.
const LATE: Duration = HOLE_PATIENCE;

/// Every output at once.
struct Outputs<'a> {
    json: JsonLines<'a, Vec<u8>>,
    timeline: Timeline<'a, Vec<u8>>,
    digest: Digest<'a>,
    last: Timestamp,
    summaries: u32,
}

impl<'a> Outputs<'a> {
    fn new(registry: &'a Registry) -> Self {
        let mut json = JsonLines::new(Vec::new(), Record::ALL.into_iter().collect(), registry);
        json.begin(&Origin { files: &[], start: None }).expect("a Vec takes all");
        Self {
            json,
            timeline: Timeline::new(Vec::new(), registry, &TimelineOptions::default()),
            digest: Digest::new(registry, false),
            last: Timestamp::from_nanos(i64::MIN),
            summaries: 0,
        }
    }

    fn check(self) {
        assert_eq!(self.summaries, 1, "one summary");
        let records = self.json.into_inner().expect("a Vec takes all");
        for record in records.split_inclusive(|byte| *byte == b'\n') {
            assert!(record.ends_with(b"\n"), "whole lines");
            let json: Result<serde_json::Value, _> = serde_json::from_slice(record);
            assert!(json.is_ok_and(|json| json.is_object()), "{}", String::from_utf8_lossy(record));
        }
        let mut screen = self.timeline.into_inner();
        let options = DigestOptions { width: 80, color: false, plain: true, all: true, files: &[], zone: Zone::UTC };
        self.digest.render(&mut screen, &options).expect("a Vec takes all");
        let text = String::from_utf8(screen).expect("UTF-8");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

impl Sink for Outputs<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        assert_eq!(self.summaries, 0, "nothing comes behind the summary");
        let clock = match event {
            // The rest of a frame may come until its stream ends, so that one that is cut may be told late by any time.
            Event::Frame(frame) => (frame.status != FrameStatus::Truncated).then_some(frame.clock),
            Event::Exchange(exchange) => {
                let lead = exchange.lead();
                (lead.status != FrameStatus::Truncated).then_some(lead.clock)
            }
            Event::Summary(summary) => {
                self.summaries += 1;
                let told = summary.error_count + summary.warning_count + summary.note_count;
                assert_eq!(told, summary.anomaly_count);
                None
            }
            _ => None,
        };
        if let Some(clock) = clock {
            let late = self.last.since(clock);
            assert!(late <= LATE, "{late:?} late: {event:?}");
            self.last = self.last.max(clock);
        }
        self.json.event(event).expect("a Vec takes all");
        self.timeline.event(event).expect("a Vec takes all");
        self.digest.event(event)
    }
}
