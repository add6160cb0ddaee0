//! Arguments that several commands share.

use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct InputArgs {
    /// Captures (pcap, pcapng; plain, gzip, zstd, lz4 or xz), folders of them, or `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "files_from")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Read the names of more inputs from LIST, one a line; `-` for standard input
    #[arg(long, value_name = "LIST")]
    pub(in crate::cli) files_from: Option<PathBuf>,
    /// Names in LIST end with a zero byte, as `find -print0` writes them
    #[arg(short = '0', long, requires = "files_from")]
    pub(in crate::cli) null: bool,
    /// Read each file on its own instead of all that are named, or the pieces of a rotated capture in a folder, as one session
    #[arg(long)]
    pub(in crate::cli) no_join: bool,
    /// What to call standard input
    #[arg(long, value_name = "NAME", default_value = "-", hide_default_value = true)]
    pub(in crate::cli) source_name: String,
}

impl InputArgs {
    /// Files alone, with everything else as it is without options.
    pub(in crate::cli) fn of(files: Vec<PathBuf>) -> Self {
        Self { files, files_from: None, null: false, no_join: false, source_name: "-".to_owned() }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Analysis")]
pub(in crate::cli) struct AnalysisArgs {
    /// The protocol is spoken on this TCP port (also found by itself, on any port)
    #[arg(long, value_name = "PORT", action = ArgAction::Append)]
    pub(in crate::cli) port: Vec<u16>,
    /// How long an answer is waited for
    #[arg(long, value_name = "SPAN", default_value = "5s")]
    pub(in crate::cli) timeout: String,
    /// Which counts when bytes are sent twice with different content
    #[arg(long, value_name = "WHICH", default_value = "first")]
    pub(in crate::cli) overlap: OverlapArg,
    #[command(flatten)]
    pub(in crate::cli) registry: RegistryArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OverlapArg {
    First,
    Last,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RegistryArgs {
    /// Objects of your own, or corrections, as CSV
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) registry: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(in crate::cli) struct SelectArgs {
    /// From this time on: 2025-03-17T21:06:30Z, 21:06:30.9 (on the capture's first day), +12.5s (into the capture)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) since: Option<String>,
    /// Up to this time, itself left out
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) until: Option<String>,
    /// Connection by number, address, or address and port
    #[arg(long, value_name = "CONNECTION", value_delimiter = ',')]
    pub(in crate::cli) connection: Vec<String>,
    /// Device by address
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(in crate::cli) device: Vec<std::net::IpAddr>,
    /// Objects by name with `*` and `?`, or by id; `[` and `]` stand for themselves
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub(in crate::cli) object: Vec<String>,
    /// Commands by name or code
    #[arg(long, value_name = "COMMAND", value_delimiter = ',')]
    pub(in crate::cli) command: Vec<String>,
    /// answered, damaged, unanswered, unconfirmed, open, unsolicited
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(in crate::cli) status: Vec<String>,
    /// What has an anomaly whose code matches
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub(in crate::cli) anomaly: Vec<String>,
    /// What has an anomaly as bad as this, or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(in crate::cli) severity: Option<SeverityArg>,
    /// The same as --severity error
    #[arg(long, conflicts_with = "severity")]
    pub(in crate::cli) errors: bool,
    /// Only values that differ from the object's last one
    #[arg(long)]
    pub(in crate::cli) changed: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum SeverityArg {
    Note,
    Warning,
    Error,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Display")]
pub(in crate::cli) struct TextArgs {
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(in crate::cli) color: ColorArg,
    /// Columns to fill (of the terminal, or 120, without it)
    #[arg(long, value_name = "COLUMNS")]
    pub(in crate::cli) width: Option<usize>,
    /// Time zone: UTC, `local`, or a name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(in crate::cli) tz: String,
    /// Hide passwords, serial numbers and network names
    #[arg(long)]
    pub(in crate::cli) mask_secrets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorArg {
    Auto,
    Always,
    Never,
}
