//! The arguments of `rctscope fixture`.

use super::common::{AnalysisArgs, RegistryArgs, TextArgs};
use clap::{ArgAction, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum FixtureCommand {
    /// A fixture out of a capture: the packets that are needed, redacted
    New(FixtureNewArgs),
    /// Hold fixtures against this program, or against a parser of yours (--command)
    Verify(FixtureVerifyArgs),
    /// Names and titles
    List(FixtureListArgs),
    /// A device, or a client, out of a fixture, on a real socket
    Replay(FixtureReplayArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FixtureNewArgs {
    /// A capture
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// What of it: A7 (anomaly), T7 (exchange) or F12 (frame)
    #[arg(value_name = "ID", conflicts_with_all = ["connection", "since", "until"])]
    pub(in crate::cli) id: Option<String>,
    /// This connection, whole or from --since to --until
    #[arg(long, value_name = "N")]
    pub(in crate::cli) connection: Option<u32>,
    /// From this time on: 2025-03-17T21:06:30Z, 21:06:30.9 or +12.5s
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) since: Option<String>,
    /// Up to this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(in crate::cli) until: Option<String>,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// The folder in which it is made
    #[arg(long, value_name = "DIR", default_value = "fixtures")]
    pub(in crate::cli) dir: PathBuf,
    /// What it shows, in a line
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) title: Option<String>,
    /// Anything else worth knowing, such as the firmware
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) note: Option<String>,
    /// Leave addresses and secrets as they are
    #[arg(long)]
    pub(in crate::cli) no_redact: bool,
    /// Leave out expected.jsonl: only the checks of fixture.toml count
    #[arg(long)]
    pub(in crate::cli) no_exact: bool,
    /// Replace a fixture of this name
    #[arg(long)]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) analysis: AnalysisArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(in crate::cli) struct FixtureVerifyArgs {
    /// Fixtures, or folders of them
    #[arg(value_name = "DIR", default_value = "fixtures")]
    pub(in crate::cli) folders: Vec<PathBuf>,
    /// Show all differences
    #[arg(long)]
    pub(in crate::cli) diff: bool,
    /// Rewrite chunks.jsonl and expected.jsonl, and show what changed
    #[arg(long, conflicts_with = "command")]
    pub(in crate::cli) update: bool,
    /// A parser to give the bytes to, as a command for the shell; may be given more than once
    #[arg(long, value_name = "COMMAND", action = ArgAction::Append)]
    pub(in crate::cli) command: Vec<String>,
    /// Report about --command as a table in Markdown
    #[arg(long, requires = "command", conflicts_with = "json")]
    pub(in crate::cli) markdown: bool,
    /// Report about --command as JSON lines
    #[arg(long, requires = "command")]
    pub(in crate::cli) json: bool,
    /// How long a parser may take for one answer
    #[arg(long, value_name = "SPAN", default_value = "5s", requires = "command")]
    pub(in crate::cli) patience: String,
    #[command(flatten)]
    pub(in crate::cli) registry: RegistryArgs,
    #[command(flatten)]
    pub(in crate::cli) text: TextArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FixtureListArgs {
    /// Fixtures, or folders of them
    #[arg(value_name = "DIR", default_value = "fixtures")]
    pub(in crate::cli) folders: Vec<PathBuf>,
    /// An index in Markdown
    #[arg(long)]
    pub(in crate::cli) markdown: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FixtureReplayArgs {
    /// A fixture
    #[arg(value_name = "DIR")]
    pub(in crate::cli) folder: PathBuf,
    /// Be the device: wait for clients here
    #[arg(long, value_name = "ADDRESS", required_unless_present = "connect", conflicts_with = "connect")]
    pub(in crate::cli) listen: Option<String>,
    /// Be the client: ask the device here
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) connect: Option<String>,
    /// As slow as it was, or at once
    #[arg(long, value_name = "WHICH", default_value = "recorded")]
    pub(in crate::cli) delays: DelaysArg,
    /// What comes when the last recorded answer of an object has been given
    #[arg(long, value_name = "WHAT", default_value = "repeat")]
    pub(in crate::cli) after_last: AfterLastArg,
    /// What comes for an object that was never answered
    #[arg(long, value_name = "WHAT", default_value = "silence")]
    pub(in crate::cli) unknown: UnknownArg,
    /// Copy every answer to all connections, as the bridge of a real device does
    #[arg(long, conflicts_with = "connect")]
    pub(in crate::cli) hub: bool,
    /// End when so many connections have come and gone
    #[arg(long, value_name = "N", conflicts_with = "connect")]
    pub(in crate::cli) connections: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DelaysArg {
    Recorded,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AfterLastArg {
    Repeat,
    Silence,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UnknownArg {
    Silence,
    Close,
}
