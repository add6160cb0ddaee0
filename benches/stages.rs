//! What every stage costs, over a made-up capture that lies in memory.
//!
//! ```text
//! cargo bench                                         64 MB of the protocol, 7 runs
//! cargo bench -- --megabytes 300 --runs 15 --mixed    97 of 100 bytes are other traffic
//! ```
//!
//! Each stage is measured with all before it, as that is how it runs; `own` is what it adds. Absolute figures are
//! those of one machine on one day: compare `ratio`, the time in copies of the same bytes. No benchmark crate, because
//! what is wanted is one table of a few long runs, not statistics over many short ones.
//!
//! Without the `--bench` that cargo passes (as in `cargo test --benches`) it only makes sure that everything runs.

use rctscope::analyzer::{self, Analyzer};
use rctscope::capture::Reader;
use rctscope::event::{Event, Sink};
use rctscope::net::{Decoded, Decoder};
use rctscope::output::json::{JsonLines, Origin, Records};
use rctscope::packet::Packet;
use rctscope::rct::registry::Registry;
use rctscope::rct::{Framer, Item};
use rctscope::tcp::{Assembler, ChunkBody, Options, TcpEvent};
use rctscope::tools::synth::{Bulk, Stats, bulk};
use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run saw: proof that it did the work.
#[derive(Clone, Copy, Default)]
struct Tally {
    packets: u64,
    /// Bytes of the file, or of streams from assembly on.
    bytes: u64,
    frames: u64,
}

/// What all stages run over.
struct Input {
    wanted: Bulk,
    file: Arc<[u8]>,
    stats: Stats,
}

impl Input {
    fn reader(&self) -> Reader {
        Reader::new(Box::new(Cursor::new(Arc::clone(&self.file)))).expect("a capture")
    }
}

struct Stage {
    name: &'static str,
    /// `None` as long as there is nothing to measure.
    run: Option<fn(&Input) -> Tally>,
    /// The stage whose work is part of this one.
    after: Option<&'static str>,
}

const STAGES: [Stage; 8] = [
    Stage { name: "copy", run: Some(copy), after: None },
    Stage { name: "generate", run: Some(generate), after: None },
    Stage { name: "read", run: Some(read), after: None },
    Stage { name: "decode", run: Some(decode), after: Some("read") },
    Stage { name: "assemble", run: Some(assemble), after: Some("decode") },
    Stage { name: "frame", run: Some(frame), after: Some("assemble") },
    Stage { name: "analyze", run: Some(analyze), after: Some("frame") },
    Stage { name: "json", run: Some(json), after: Some("analyze") },
];

/// The least that anything can cost: every byte once through a buffer of the reader's size, as `wc -c` does.
fn copy(input: &Input) -> Tally {
    let (mut source, mut buffer) = (Cursor::new(&input.file), vec![0; rctscope::limits::READ_BUFFER_BYTES]);
    let mut tally = Tally::default();
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        black_box(&buffer[..count]);
        tally.bytes += u64::try_from(count).unwrap_or(0);
    }
    tally
}

/// Making the capture, thrown away.
fn generate(input: &Input) -> Tally {
    let stats = bulk(input.wanted, &mut io::sink()).expect("a sink takes all");
    Tally { packets: stats.packet_count, bytes: stats.byte_count, frames: stats.sighting_count }
}

/// File to packets.
fn read(input: &Input) -> Tally {
    let (mut reader, mut tally) = (input.reader(), Tally::default());
    each_packet(&mut reader, |packet| {
        tally.packets += 1;
        tally.bytes += u64::from(packet.original_length);
        black_box(packet);
    });
    tally
}

/// … to segments.
fn decode(input: &Input) -> Tally {
    let (mut reader, mut decoder, mut tally) = (input.reader(), Decoder::new(), Tally::default());
    each_packet(&mut reader, |packet| {
        tally.packets += 1;
        if let Decoded::Segment(segment) = decoder.decode(packet) {
            tally.bytes += u64::try_from(segment.payload.len()).unwrap_or(0);
            black_box(&segment);
        }
    });
    tally
}

/// … to chunks of streams.
fn assemble(input: &Input) -> Tally {
    let mut tally = Tally::default();
    tally.packets = each_tcp_event(input, |event| {
        if let TcpEvent::Chunk(chunk) = event
            && let ChunkBody::Data(data) = chunk.body
        {
            tally.bytes += u64::try_from(data.len()).unwrap_or(0);
            black_box(data);
        }
    });
    tally
}

/// … to frames.
fn frame(input: &Input) -> Tally {
    let (mut framers, mut tally) = (HashMap::<_, Framer, rustc_hash::FxBuildHasher>::default(), Tally::default());
    tally.packets = each_tcp_event(input, |event| {
        if let TcpEvent::Chunk(chunk) = event
            && let ChunkBody::Data(data) = chunk.body
        {
            let framer = framers.entry((chunk.connection, chunk.direction)).or_default();
            framer.push(data);
            while let Some(item) = framer.next_item() {
                tally.frames += u64::from(matches!(item, Item::Frame(frame) if frame.crc_ok()));
            }
        }
    });
    tally
}

/// … to exchanges and anomalies: the whole analysis, thrown away.
fn analyze(input: &Input) -> Tally {
    struct Nowhere;
    impl Sink for Nowhere {
        type Error = Infallible;
        fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
            black_box(&event);
            Ok(())
        }
    }
    each_event(input, &mut Nowhere)
}

/// … to JSON lines.
fn json(input: &Input) -> Tally {
    let mut lines = JsonLines::new(io::sink(), Records::default(), Registry::builtin());
    lines.begin(&Origin { files: &[], start: None }).expect("a sink takes all");
    each_event(input, &mut lines)
}

fn each_event<S: Sink<Error: std::fmt::Debug>>(input: &Input, sink: &mut S) -> Tally {
    let mut analyzer = Analyzer::new(analyzer::Options { frames: false, ..analyzer::Options::default() });
    each_packet(&mut input.reader(), |packet| analyzer.packet(packet, sink).expect("nothing can fail"));
    let summary = analyzer.finish(true, sink).expect("nothing can fail");
    Tally { packets: summary.packet_count, bytes: 0, frames: summary.frame_count }
}

fn each_packet(reader: &mut Reader, mut each: impl FnMut(&Packet<'_>)) {
    while let Some(packet) = reader.next_packet().expect("memory can be read") {
        each(&packet);
    }
}

/// Returns the number of packets.
fn each_tcp_event(input: &Input, mut each: impl FnMut(&TcpEvent<'_>)) -> u64 {
    let (mut reader, mut decoder) = (input.reader(), Decoder::new());
    let mut assembler = Assembler::new(Options { server_ports: vec![8899], ..Options::default() });
    let mut packets = 0;
    each_packet(&mut reader, |packet| {
        packets += 1;
        let found = decoder.decode(packet);
        let mut drain = match &found {
            Decoded::Segment(segment) => assembler.push(segment),
            _ => assembler.tick(packet.number, packet.ts),
        };
        while let Some(event) = drain.next() {
            each(&event);
        }
    });
    let mut drain = assembler.finish();
    while let Some(event) = drain.next() {
        each(&event);
    }
    packets
}

/// How to measure.
struct Settings {
    wanted: Bulk,
    runs: usize,
    /// Only stages whose name contains this.
    filter: String,
}

impl Settings {
    fn from_args() -> Self {
        let mut settings =
            Self { wanted: Bulk { bytes: 1_000_000, ..Bulk::default() }, runs: 1, filter: String::new() };
        let mut args = std::env::args().skip(1).collect::<Vec<_>>();
        if args.iter().any(|arg| arg == "--bench") {
            settings.wanted.bytes = 64_000_000;
            settings.runs = 7;
        }
        args.retain(|arg| arg != "--bench");
        let mut args = args.into_iter();
        let number = |value: Option<String>| value.and_then(|value| value.parse::<u32>().ok()).expect("a number");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--megabytes" => settings.wanted.bytes = u64::from(number(args.next())) * 1_000_000,
                "--runs" => settings.runs = usize::try_from(number(args.next()).max(1)).unwrap_or(1),
                "--connections" => settings.wanted.connections = u16::try_from(number(args.next())).unwrap_or(4),
                "--mixed" => settings.wanted.mixed = true,
                name => name.clone_into(&mut settings.filter),
            }
        }
        settings
    }
}

/// The shortest and the median time of some runs, and what they saw.
struct Measured {
    shortest: Duration,
    median: Duration,
    tally: Tally,
}

/// Processor time of this thread where the system tells it (Linux), else time on the wall: a busy machine then does not
/// show in the figures.
struct Clock {
    begun: Instant,
    processor: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        Self { processor: Self::processor_time(), begun: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.processor, Self::processor_time()) {
            (Some(begun), Some(now)) => now.saturating_sub(begun),
            _ => self.begun.elapsed(),
        }
    }

    fn processor_time() -> Option<Duration> {
        // The kernel brings the figure up to date when the thread gives way, else only every few milliseconds.
        std::thread::yield_now();
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
}

/// Runs once to warm up, then as often as asked for.
fn measure(run: fn(&Input) -> Tally, input: &Input, runs: usize) -> Measured {
    let mut tally = run(input);
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let clock = Clock::start();
            tally = black_box(run(input));
            clock.elapsed()
        })
        .collect();
    times.sort_unstable();
    Measured { shortest: times[0], median: times[times.len() / 2], tally }
}

fn main() {
    let Settings { wanted, runs, filter } = Settings::from_args();
    let mut file = Vec::new();
    let stats = bulk(wanted, &mut file).expect("memory takes all");
    let input = Input { wanted, file: file.into(), stats };
    println!(
        "{} bytes, {} packets, {} frames; {runs} runs, times are the shortest",
        stats.byte_count, stats.packet_count, stats.sighting_count
    );
    println!("stage        shortest   median     MB/s    frames/s   ns/packet        own   ratio");
    let copied = measure(copy, &input, runs.max(5)).shortest;
    let mut done: Vec<(&str, f64)> = Vec::new();
    for stage in STAGES.iter().filter(|stage| stage.name.contains(&filter)) {
        let Some(run) = stage.run else {
            println!("{:<10}  nothing to measure yet", stage.name);
            continue;
        };
        let measured = measure(run, &input, runs);
        let before = stage.after.and_then(|name| done.iter().find(|(done, _)| *done == name)).map(|(_, cost)| *cost);
        let cost = print_row(stage.name, &measured, &input.stats, before, copied);
        done.push((stage.name, cost));
    }
}

/// Returns nanoseconds a packet.
fn print_row(name: &str, measured: &Measured, stats: &Stats, before: Option<f64>, copied: Duration) -> f64 {
    let seconds = measured.shortest.as_secs_f64();
    let cost = seconds * 1e9 / float(stats.packet_count);
    let frames = match measured.tally.frames {
        0 => "-".to_owned(),
        frames => format!("{:.2} M", float(frames) / seconds / 1e6),
    };
    let own = before.map_or("-".to_owned(), |before| format!("{:.1}", cost - before));
    println!(
        "{name:<10} {:>7.1} ms {:>5.1} ms {:>8.0} {frames:>11} {cost:>11.1} {own:>10} {:>7.1}",
        seconds * 1e3,
        measured.median.as_secs_f64() * 1e3,
        float(stats.byte_count) / seconds / 1e6,
        seconds / copied.as_secs_f64(),
    );
    if name != "copy" && measured.tally.packets != stats.packet_count {
        println!("           saw {} packets only", measured.tally.packets);
    }
    cost
}

/// For quotients: exact up to 2⁵³, far above any count here.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
const fn float(count: u64) -> f64 {
    count as f64
}
