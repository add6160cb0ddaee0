//! What rctscope takes beside other programs, on the same captures in the same run.
//!
//! ```text
//! cargo bench --bench peers                       all three tables
//! cargo bench --bench peers -- tools              one of them: tools, jobs, memory
//! cargo bench --bench peers -- --megabytes 60     on smaller captures (300 is the usual size)
//! READ_PCAP='python3 read_pcap.py' cargo bench --bench peers
//! ```
//!
//! Programs that are not installed are named and left out. `READ_PCAP` is how to start rctclient's script, which is in its source
//! and in no package. The figures are for this machine and moment, so each table ends with ratios. Memory and processor
//! time are read from `/proc`, so Linux only.
//!
//! Without the `--bench` that cargo passes (as in `cargo test --benches`) it only makes sure that everything runs.

use rctscope::tools::synth::{Bulk, bulk};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const RCTSCOPE: &str = env!("CARGO_BIN_EXE_rctscope");

/// How often a child is looked at. Its highest memory is the kernel's own figure, so that only what it takes in its last
/// moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// How long a slow program runs, before it is stopped for one run of ours.
const TURN: Duration = Duration::from_millis(700);

/// The unit of processor times in `/proc/self/stat`: fixed for programs on Linux, whatever the kernel counts in.
const TICKS_A_SECOND: f64 = 100.0;

/// Whether a child is looked at while it runs, for its memory. It takes processor time that others would have, from those
/// that use all processors more than from others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    Watched,
    Unwatched,
}

/// What is measured, and how often.
struct Settings {
    megabytes: u64,
    /// Rounds in which everything is measured once; the median counts.
    runs: usize,
    tables: Vec<String>,
}

impl Settings {
    fn from_args() -> Self {
        let mut args: Vec<String> = std::env::args().skip(1).collect();
        let in_earnest = args.iter().any(|arg| arg == "--bench");
        args.retain(|arg| arg != "--bench");
        let (megabytes, runs) = if in_earnest { (300, 9) } else { (1, 1) };
        let mut settings = Self { megabytes, runs, tables: Vec::new() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            if arg == "--megabytes" {
                settings.megabytes = args.next().and_then(|number| number.parse().ok()).expect("a number");
            } else {
                settings.tables.push(arg);
            }
        }
        settings
    }

    fn wants(&self, table: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|wanted| wanted == table)
    }
}

/// What one run took.
#[derive(Clone, Copy, Default)]
struct Taken {
    /// Seconds on the wall.
    wall: f64,
    /// Seconds on processors, all threads together.
    processor: f64,
    peak_kib: u64,
}

impl Taken {
    /// The cells of a table: what it took, and how many times as much as `ours`.
    fn beside(&self, ours: &Self) -> String {
        let Self { wall, processor, peak_kib } = self;
        let (peak, slower) = (peak_kib.div_ceil(1024), wall / ours.wall);
        let more = processor / ours.processor.max(1.0 / TICKS_A_SECOND);
        format!("{wall:.2} | {processor:.2} | {peak} | {slower:.2} | {more:.2}")
    }
}

/// A program and what it is to read.
struct Tool {
    name: String,
    command: Vec<String>,
    /// So slow that one run on a part of the capture has to do, see [`Tool::run_beside`].
    slow: bool,
}

impl Tool {
    fn new(name: &str, command: &str, slow: bool) -> Self {
        let command = command.split_whitespace().map(str::to_owned).collect();
        Self { name: name.to_owned(), command, slow }
    }

    /// What is compared, those that are not here included. `FILE` stands for the capture, `DIR` for an empty folder.
    fn all() -> Vec<Self> {
        let mut tools = vec![
            Self {
                command: [RCTSCOPE, "convert", "FILE"].map(str::to_owned).to_vec(),
                ..Self::new("rctscope convert", "", false)
            },
            // Not `wc -c`, which asks the file system for the size.
            Self::new("wc -l", "wc -l FILE", false),
            Self::new("tcpdump -w -", "tcpdump -r FILE -w -", false),
            Self::new("tcpflow -o DIR", "tcpflow -o DIR -r FILE", false),
            Self::new("tshark -T fields -e tcp.payload", "tshark -r FILE -T fields -e tcp.payload", true),
        ];
        if let Ok(script) = std::env::var("READ_PCAP") {
            tools.push(Self::new("read_pcap.py", &format!("{script} FILE"), true));
        }
        tools
    }

    fn command(&self, file: &Path, folder: &Scratch) -> Command {
        let place = |word: &String| match word.as_str() {
            "FILE" => file.as_os_str().to_owned(),
            "DIR" => folder.0.as_os_str().to_owned(),
            word => word.into(),
        };
        let mut command = Command::new(&self.command[0]);
        command.args(self.command[1..].iter().map(place));
        command
    }

    /// Runs it once; `None` when it cannot be started.
    fn run(&self, file: &Path, memory: Memory) -> Option<Taken> {
        take(&mut self.command(file, &Scratch::new("out")), memory)
    }

    /// Runs it once, and stops it every now and then to run `quick`: a machine does not keep its speed for minutes, and so both
    /// meet it as it is. What it took itself, and what `quick` took on average; `None` when it cannot be started.
    fn run_beside(&self, quick: &Self, file: &Path) -> Option<(Taken, Taken)> {
        let folder = Scratch::new("slow");
        let (before, begun) = (processor_time_of_children(), Instant::now());
        let mut child = start(&mut self.command(file, &folder))?;
        let (mut stopped, mut peak_kib, mut all) = (0.0, 0, Vec::new());
        while watch(&mut child, TURN, &mut peak_kib)? {
            let since = Instant::now();
            if signal(&child, "-STOP") {
                all.extend(quick.run(file, Memory::Unwatched));
                signal(&child, "-CONT");
            }
            stopped += since.elapsed().as_secs_f64();
        }
        let wall = begun.elapsed().as_secs_f64() - stopped;
        if all.is_empty() {
            all.extend(quick.run(file, Memory::Unwatched));
        }
        let others: f64 = all.iter().map(|taken| taken.processor).sum();
        let processor = processor_time_of_children() - before - others;
        Some((Taken { wall, processor, peak_kib }, mean(&all)?))
    }
}

/// Measures some things in turn, round after round, so that whatever keeps the machine busy for a while meets all of them.
/// The medians of each; `None` for what was measured in no round.
fn in_turn<T>(rounds: usize, things: &[T], measure: impl Fn(&T) -> Option<Taken>) -> Vec<Option<Taken>> {
    let mut all: Vec<Vec<Taken>> = things.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (thing, taken) in things.iter().zip(&mut all) {
            taken.extend(measure(thing));
        }
    }
    all.iter().map(|taken| medians(taken)).collect()
}

/// The mean of each.
fn mean(all: &[Taken]) -> Option<Taken> {
    let count = f64::from(u32::try_from(all.len()).ok()?);
    let mean = |of: fn(&Taken) -> f64| all.iter().map(of).sum::<f64>() / count;
    let peak_kib = all.iter().map(|taken| taken.peak_kib).max()?;
    Some(Taken { wall: mean(|taken| taken.wall), processor: mean(|taken| taken.processor), peak_kib })
}

/// Sends a signal to a running child.
fn signal(child: &Child, name: &str) -> bool {
    Command::new("kill").arg(name).arg(child.id().to_string()).status().is_ok_and(|status| status.success())
}

fn medians(all: &[Taken]) -> Option<Taken> {
    let median = |of: fn(&Taken) -> f64| {
        let mut numbers: Vec<f64> = all.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied()
    };
    let peak_kib = all.iter().map(|taken| taken.peak_kib).max()?;
    Some(Taken { wall: median(|taken| taken.wall)?, processor: median(|taken| taken.processor)?, peak_kib })
}

fn start(command: &mut Command) -> Option<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// Runs a command to its end, what it prints thrown away.
fn take(command: &mut Command, memory: Memory) -> Option<Taken> {
    let (before, begun) = (processor_time_of_children(), Instant::now());
    let mut child = start(command)?;
    let mut peak_kib = 0;
    if memory == Memory::Watched {
        watch(&mut child, Duration::MAX, &mut peak_kib)?;
    }
    child.wait().ok()?;
    let wall = begun.elapsed().as_secs_f64();
    Some(Taken { wall, processor: processor_time_of_children() - before, peak_kib })
}

/// Looks at a child's memory until it ends, or for so long; whether it still runs then.
fn watch(child: &mut Child, most: Duration, peak_kib: &mut u64) -> Option<bool> {
    let begun = Instant::now();
    while begun.elapsed() < most {
        if child.try_wait().ok()?.is_some() {
            return Some(false);
        }
        *peak_kib = peak_of(child).max(*peak_kib);
        thread::sleep(LOOK);
    }
    Some(true)
}

/// The most memory a running child has had, in KiB.
fn peak_of(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Seconds that children which have ended had a processor.
fn processor_time_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which is in brackets and may hold anything: state is the first field, cutime the 14th.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
}

/// A folder that is gone when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rctscope-peers-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    /// A capture in it.
    fn capture(&self, name: &str, megabytes: u64, mixed: bool, seed: u64) -> PathBuf {
        let path = self.0.join(name);
        let mut file = BufWriter::new(File::create(&path).expect("room for a capture"));
        let wanted = Bulk { bytes: megabytes * 1_000_000, mixed, seed, ..Bulk::default() };
        bulk(wanted, &mut file).and_then(|_| file.flush()).expect("room for a capture");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn main() {
    let settings = Settings::from_args();
    let scratch = Scratch::new("captures");
    if settings.wants("tools") {
        tools(&settings, &scratch);
    }
    if settings.wants("jobs") {
        jobs(&settings);
    }
    if settings.wants("memory") {
        memory(&settings, &scratch);
    }
}

/// Every program on the same captures: one of the protocol alone, one in which it is 3 of 100 bytes, and for those that
/// are slow a small one.
fn tools(settings: &Settings, scratch: &Scratch) {
    let small = settings.megabytes.min(35);
    let captures = [
        ("protocol", settings.megabytes, scratch.capture("protocol.pcap", settings.megabytes, false, 1)),
        ("mixed", settings.megabytes, scratch.capture("mixed.pcap", settings.megabytes, true, 1)),
        ("small", small, scratch.capture("small.pcap", small, false, 1)),
    ];
    println!("| capture | MB | program | wall s | processor s | peak MiB | wall, in rctscope's | processor |");
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, megabytes, file) in &captures {
        let (slow, quick): (Vec<Tool>, Vec<Tool>) = Tool::all().into_iter().partition(|tool| tool.slow);
        let row = |tool: &Tool, taken: Option<(Taken, Taken)>| {
            let (name, tool) = (*name, &tool.name);
            match taken {
                Some((taken, ours)) => println!("| {name} | {megabytes} | {tool} | {} |", taken.beside(&ours)),
                None => println!("| {name} | {megabytes} | {tool} | not here | | | | |"),
            }
        };
        let taken = in_turn(settings.runs, &quick, |tool| tool.run(file, Memory::Unwatched));
        let ours = taken[0].expect("it runs");
        for (tool, taken) in quick.iter().zip(taken) {
            let peak_kib = tool.run(file, Memory::Watched).map_or(0, |watched| watched.peak_kib);
            row(tool, taken.map(|taken| (Taken { peak_kib, ..taken }, ours)));
        }
        for tool in slow.iter().filter(|_| *name == "small") {
            row(tool, tool.run_beside(&quick[0], file));
        }
    }
    println!();
}

/// A folder of captures, converted by one thread and by two.
fn jobs(settings: &Settings) {
    let folder = Scratch::new("batch");
    for seed in 1..=8 {
        folder.capture(&format!("{seed}.pcap"), settings.megabytes.div_ceil(10), false, seed);
    }
    let taken = in_turn(settings.runs, &["1", "2"], |jobs| {
        let out = Scratch::new("jobs");
        let mut command = Command::new(RCTSCOPE);
        take(
            command.arg("convert").arg(&folder.0).arg("-o").arg(&out.0).args(["--jobs", jobs, "--force"]),
            Memory::Unwatched,
        )
    });
    let [one, two] = taken[..] else { unreachable!("two were measured") };
    let [one, two] = [one, two].map(|taken| taken.expect("it runs").wall);
    println!("| 8 captures of {} MB | wall s | throughput |", settings.megabytes.div_ceil(10));
    println!("| --- | ---: | ---: |");
    println!("| --jobs 1 | {one:.2} | 1 |");
    println!("| --jobs 2 | {two:.2} | {:.2} |\n", one / two);
}

/// Captures that are each ten times as long as the one before.
fn memory(settings: &Settings, scratch: &Scratch) {
    println!("| MB | wall s | processor s | peak MiB |");
    println!("| ---: | ---: | ---: | ---: |");
    for megabytes in [settings.megabytes.div_ceil(10), settings.megabytes, settings.megabytes * 10] {
        let file = scratch.capture("memory.pcap", megabytes, false, 1);
        let taken = take(Command::new(RCTSCOPE).arg("convert").arg(file), Memory::Watched);
        let Taken { wall, processor, peak_kib } = taken.expect("it runs");
        println!("| {megabytes} | {wall:.2} | {processor:.2} | {:.1} |", f64::from(peak_mib_tenths(peak_kib)) / 10.0);
    }
}

fn peak_mib_tenths(kib: u64) -> u32 {
    u32::try_from(kib * 10 / 1024).unwrap_or(u32::MAX)
}
