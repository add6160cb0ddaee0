//! The command line as it is typed: commands, and the arguments of each. What it means is decided in the neighbouring modules.

mod common;
mod fixture;

pub(super) use common::*;
pub(super) use fixture::*;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
`rctscope FILE...` alone is `rctscope summary FILE...`.

Exit codes: 0 done, 1 a check failed, 2 wrong usage, 3 nothing could be read, 4 done in part.";

/// Packet-capture analyzer for the protocol of RCT Power solar inverters.
#[derive(Debug, Parser)]
#[command(name = "rctscope", version, styles = STYLES, after_help = AFTER_HELP, max_term_width = 100)]
#[command(arg_required_else_help = true, subcommand_required = true, disable_help_subcommand = true)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What is in a capture, what looks wrong, and what to type next
    Summary(SummaryArgs),
    /// One row per request and answer
    Timeline(TimelineArgs),
    /// JSON lines, CSV or InfluxDB line protocol for other programs; whole folders at once
    Convert(ConvertArgs),
    /// The sessions that `convert` would write, one a line, to spread over machines
    Plan(PlanArgs),
    /// The TCP connections of a capture and the bytes they carried
    Streams(StreamsArgs),
    /// The objects of the protocol
    Objects(ObjectsArgs),
    /// The hex of a frame
    Encode(EncodeArgs),
    /// Frames out of pasted hex, byte by byte
    Decode(DecodeArgs),
    /// A made-up capture, the same bytes for the same seed
    Synth(SynthArgs),
    /// A page of the anomaly catalogue, or one anomaly of a capture with its bytes
    Explain(ExplainArgs),
    /// Who wrote what to the device, in place of what, and whether it took effect
    Writes(ViewArgs),
    /// Objects that are not in the registry, and objects that are never answered
    Unknown(ViewArgs),
    /// A capture that is safe to share: other addresses, other secrets, the same story
    Redact(RedactArgs),
    /// Regression fixtures for parsers, in any language
    #[command(subcommand)]
    Fixture(FixtureCommand),
    /// The JSON Schema of the records that `convert` writes
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
    /// Exit with 1 when something shown is as bad as this, or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<SeverityArg>,
    /// Show every kind of anomaly
    #[arg(long)]
    pub(super) all: bool,
    /// Leave out what to type next
    #[arg(long)]
    pub(super) plain: bool,
}

#[derive(Debug, Args)]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
    /// Exit with 1 when something shown is as bad as this, or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<SeverityArg>,
    /// Show a batch of requests that equals the one before it row by row
    #[arg(long)]
    pub(super) no_fold: bool,
}

#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// Exit with 1 when something shown is as bad as this, or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<SeverityArg>,
    /// What to write
    #[arg(help_heading = "Output", long, value_name = "FORMAT", default_value = "json")]
    pub(super) format: ConvertFormatArg,
    /// Kinds of JSON records: capture, exchange, anomaly, connection, summary (these without it), frame, nonframe, sample
    #[arg(help_heading = "Output", long, value_name = "KINDS", value_delimiter = ',')]
    pub(super) records: Vec<String>,
    /// Leave out passwords, serial numbers and network names
    #[arg(help_heading = "Output", long)]
    pub(super) mask_secrets: bool,
    /// Write to FILE instead of standard output, or one file a session into the folder DIR
    #[arg(help_heading = "Output", short, long, value_name = "FILE|DIR")]
    pub(super) output: Option<PathBuf>,
    /// Replace what exists
    #[arg(help_heading = "Output", long, requires = "output")]
    pub(super) force: bool,
    /// Convert only what an earlier run into DIR has not, or what has changed since
    #[arg(help_heading = "Output", long, requires = "output", conflicts_with = "force")]
    pub(super) resume: bool,
    /// Sessions that are converted at the same time; without it, as many as there are processors
    #[arg(help_heading = "Output", short, long, value_name = "N", requires = "output")]
    pub(super) jobs: Option<NonZeroUsize>,
}

/// What `convert` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ConvertFormatArg {
    /// JSON lines
    Json,
    /// A table with a row for each exchange
    Csv,
    /// InfluxDB line protocol, a point for each trusted value
    Influx,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// What `convert` is to write
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub(super) format: ConvertFormatArg,
    /// One JSON record a session
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct StreamsArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// One JSON record a connection
    #[arg(long)]
    pub(super) json: bool,
    /// Which counts when bytes are sent twice with different content
    #[arg(long, value_name = "WHICH", default_value = "first")]
    pub(super) overlap: OverlapArg,
    /// Write the bytes of every connection and direction into files in DIR
    #[arg(long, value_name = "DIR")]
    pub(super) dump: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ObjectsArgs {
    /// Name with `*` and `?`, or an id such as 0x959930BF; everything without one
    #[arg(value_name = "GLOB")]
    pub(super) pattern: Option<String>,
    /// One JSON record an object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
}

#[derive(Debug, Args)]
pub(super) struct EncodeArgs {
    /// READ, WRITE ..., or the command byte as 0x01
    pub(super) command: String,
    /// Name or id
    pub(super) object: String,
    /// What to write, in the object's own unit
    #[arg(allow_hyphen_values = true)]
    pub(super) value: Option<String>,
    /// Address of a plant frame
    #[arg(long, value_name = "ADDRESS")]
    pub(super) address: Option<String>,
    /// Name every part of the frame
    #[arg(long)]
    pub(super) explain: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A code such as frame.crc_mismatch, a pattern such as `value.*`, or a capture; all codes without one
    #[arg(value_name = "CODE|FILE")]
    pub(super) what: Option<PathBuf>,
    /// What of the capture: A7 (anomaly), T7 (exchange) or F12 (frame)
    #[arg(value_name = "ID")]
    pub(super) id: Option<String>,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
}

#[derive(Debug, Args)]
pub(super) struct ViewArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// One JSON record a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
}

#[derive(Debug, Args)]
pub(super) struct DecodeArgs {
    /// Hex in any form, with or without blanks, 0x or \\x; dumps of hexdump, xxd and tcpdump; `-` for standard input
    #[arg(value_name = "HEX", required = true, allow_hyphen_values = true)]
    pub(super) hex: Vec<String>,
    /// One JSON record a frame
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
}

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct SynthArgs {
    /// A scenario (`--list` shows them), or `bulk` for plain traffic by the megabyte
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    pub(super) scenario: Option<String>,
    /// List the scenarios
    #[arg(long, conflicts_with = "scenario")]
    pub(super) list: bool,
    /// Another seed gives other bytes for the same story
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(long, requires = "output")]
    pub(super) force: bool,
    /// The kind of file
    #[arg(long, value_name = "FORMAT", default_value = "pcap")]
    pub(super) format: FormatArg,
    /// Of `bulk`: the size of the file
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(super) megabytes: u64,
    /// Of `bulk`: 97 of 100 bytes are other traffic
    #[arg(long)]
    pub(super) mixed: bool,
    /// Of `bulk`: connections open at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) connections: u16,
}

#[derive(Debug, Args)]
pub(super) struct RedactArgs {
    /// A capture; it is read several times, so it cannot be a pipe
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// What to write: pcapng, or pcap where the name ends so
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Replace the output if it exists
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    Pcap,
    Pcapng,
}
