//! What captures cost that were made to hurt: time and peak memory of every command that reads them.
//!
//! ```text
//! cargo bench --bench hostile                     everything, at a quarter, at half and at full size
//! cargo bench --bench hostile -- request-flood    one of them
//! cargo bench --bench hostile -- convert          what one command takes for each
//! ```
//!
//! Each capture is written into a temporary file and read by this program as a child, which says what its memory was at
//! its highest and how long it had a processor (`/proc/self`, so Linux only). Where time is linear, it doubles from one size to the
//! next; where memory is bounded, it stays.
//!
//! Without the `--bench` that cargo passes (as in `cargo test --benches`) it only makes sure that everything runs.

use rctscope::analyzer::{Analyzer, Options};
use rctscope::capture::Reader;
use rctscope::event::{Event, Sink};
use rctscope::output::digest::{Digest, DigestOptions};
use rctscope::output::json::{JsonLines, Origin, Record};
use rctscope::output::timeline::{Timeline, TimelineOptions};
use rctscope::output::unknown::Unknown;
use rctscope::output::writes::Writes;
use rctscope::output::zone::Zone;
use rctscope::rct::registry::Registry;
use rctscope::tools::synth::{Hostile, hostile};
use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The argument that makes this program read a file and say what that took.
const CHILD: &str = "--child";

const COMMANDS: [&str; 5] = ["convert", "summary", "timeline", "unknown", "writes"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, command, path] = &arguments[..]
        && flag == CHILD
    {
        return child(command, Path::new(path));
    }
    let in_earnest = arguments.iter().any(|argument| argument == "--bench");
    let wanted: Vec<_> = arguments.iter().filter_map(|argument| Hostile::from_name(argument)).collect();
    let commands: Vec<_> = COMMANDS.into_iter().filter(|command| arguments.iter().any(|a| a == command)).collect();
    let commands = if commands.is_empty() { COMMANDS.to_vec() } else { commands };
    println!("| capture | MB | packets | command | seconds at ¼, ½, 1 | peak MiB at ¼, ½, 1 |");
    println!("| --- | ---: | ---: | --- | ---: | ---: |");
    for attack in Hostile::ALL.iter().filter(|attack| wanted.is_empty() || wanted.contains(attack)) {
        row(*attack, &commands, if in_earnest { attack.count() } else { attack.count().div_ceil(10_000) });
    }
}

/// Measures one capture.
fn row(attack: Hostile, commands: &[&str], count: u32) {
    let files = [count / 4, count / 2, count].map(|count| write(attack, count));
    let [.., (full, packets)] = &files;
    let megabytes = fs::metadata(full).map_or(0, |file| file.len() / 1_000_000);
    for command in commands {
        let measured = files.each_ref().map(|(path, _)| measure(command, path));
        let seconds = measured.map(|(seconds, _)| format!("{seconds:.2}")).join(" · ");
        let memory = measured.map(|(_, memory)| memory.to_string()).join(" · ");
        println!("| {attack} | {megabytes} | {packets} | {command} | {seconds} | {memory} |");
    }
    for (path, _) in files {
        fs::remove_file(path).expect("it was there");
    }
}

fn write(attack: Hostile, count: u32) -> (PathBuf, u64) {
    let path = std::env::temp_dir().join(format!("rctscope-hostile-{}-{attack}-{count}.pcap", std::process::id()));
    let mut file = File::create(&path).expect("a temporary file");
    let packets = hostile(attack, count, &mut file).expect("room for it");
    (path, packets)
}

/// Seconds and MiB that a child takes.
fn measure(command: &str, path: &Path) -> (f64, u64) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([CHILD, command]).arg(path).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let seconds = words.next().and_then(|word| word.parse().ok());
    let memory = words.next().and_then(|word| word.parse().ok());
    seconds.zip(memory).unwrap_or_else(|| panic!("{command} {}: {output:?}", path.display()))
}

fn child(command: &str, path: &Path) {
    let begin = Instant::now();
    let registry = Registry::builtin();
    match command {
        "convert" => {
            let mut json = JsonLines::new(io::sink(), Record::ALL.into_iter().collect(), registry);
            json.begin(&Origin { files: &[], start: None }).expect("a sink takes all");
            read(path, true, json);
        }
        "timeline" => {
            read(path, true, Timeline::new(io::sink(), registry, &TimelineOptions::default()));
        }
        "unknown" => {
            let Gathered(unknown) = read(path, false, Gathered(Unknown::new(registry)));
            unknown.json(&mut io::sink()).expect("a sink takes all");
        }
        "writes" => {
            let Gathered(writes) = read(path, false, Gathered(Writes::new(registry, false)));
            writes.json(&[], &mut io::sink()).expect("a sink takes all");
        }
        _ => {
            let Gathered(digest) = read(path, false, Gathered(Digest::new(registry, false)));
            let zone = Zone::UTC;
            let options = DigestOptions { width: 120, color: false, plain: true, all: true, files: &[], zone };
            digest.render(&mut io::sink(), &options).expect("a sink takes all");
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    let kib: u64 = peak.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
    // Its first number: nanoseconds on a processor. There is one thread, and others may keep it waiting.
    let scheduled = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = scheduled.split_whitespace().next().and_then(|word| word.parse().ok());
    let seconds = nanos.map_or(begin.elapsed(), Duration::from_nanos).as_secs_f64();
    println!("{seconds} {}", kib / 1024);
}

fn read<S: Sink<Error = io::Error>>(path: &Path, frames: bool, mut sink: S) -> S {
    let mut reader = Reader::new(Box::new(File::open(path).expect("a file"))).expect("a capture");
    let mut analyzer = Analyzer::new(Options { frames, ..Options::default() });
    while let Some(packet) = reader.next_packet().expect("readable") {
        analyzer.packet(&packet, &mut sink).expect("a sink takes all");
    }
    analyzer.finish(true, &mut sink).expect("a sink takes all");
    sink
}

/// What is gathered in memory, as a sink that could fail.
struct Gathered<S>(S);

impl<S: Sink<Error = Infallible>> Sink for Gathered<S> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        let gathered: Result<(), Infallible> = self.0.event(event);
        gathered.map_err(|never| match never {})
    }
}
