//! The arguments of `rctscope fixture` as they are typed: a part of `args`.

use super::args::{AnalysisArgs, RegistryArgs, TextArgs};
use clap::{ArgAction, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum FixtureCommand {
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
pub(super) struct FixtureNewArgs {
    /// A capture
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// What of it: A7 (anomaly), T7 (exchange) or F12 (frame)
    #[arg(value_name = "ID", conflicts_with_all = ["connection", "since", "until"])]
    pub(super) id: Option<String>,
    /// This connection, whole or from --since to --until
    #[arg(long, value_name = "N")]
    pub(super) connection: Option<u32>,
    /// From this time on: 2025-03-17T21:06:30Z, 21:06:30.9 or +12.5s
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) since: Option<String>,
    /// Up to this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) until: Option<String>,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub(super) name: String,
    /// The folder in which it is made
    #[arg(long, value_name = "DIR", default_value = "fixtures")]
    pub(super) dir: PathBuf,
    /// What it shows, in a line
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// Anything else worth knowing, such as the firmware
    #[arg(long, value_name = "TEXT")]
    pub(super) note: Option<String>,
    /// Leave addresses and secrets as they are
    #[arg(long)]
    pub(super) no_redact: bool,
    /// Leave out expected.jsonl: only the checks of fixture.toml count
    #[arg(long)]
    pub(super) no_exact: bool,
    /// Replace a fixture of this name
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) analysis: AnalysisArgs,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct FixtureVerifyArgs {
    /// Fixtures, or folders of them
    #[arg(value_name = "DIR", default_value = "fixtures")]
    pub(super) folders: Vec<PathBuf>,
    /// Show all differences
    #[arg(long)]
    pub(super) diff: bool,
    /// Rewrite chunks.jsonl and expected.jsonl, and show what changed
    #[arg(long, conflicts_with = "command")]
    pub(super) update: bool,
    /// A parser to give the bytes to, as a command for the shell; may be given more than once
    #[arg(long, value_name = "COMMAND", action = ArgAction::Append)]
    pub(super) command: Vec<String>,
    /// Report about --command as a table in Markdown
    #[arg(long, requires = "command", conflicts_with = "json")]
    pub(super) markdown: bool,
    /// Report about --command as JSON lines
    #[arg(long, requires = "command")]
    pub(super) json: bool,
    /// How long a parser may take for one answer
    #[arg(long, value_name = "SPAN", default_value = "5s", requires = "command")]
    pub(super) patience: String,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
}

#[derive(Debug, Args)]
pub(super) struct FixtureListArgs {
    /// Fixtures, or folders of them
    #[arg(value_name = "DIR", default_value = "fixtures")]
    pub(super) folders: Vec<PathBuf>,
    /// An index in Markdown
    #[arg(long)]
    pub(super) markdown: bool,
}

#[derive(Debug, Args)]
pub(super) struct FixtureReplayArgs {
    /// A fixture
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// Be the device: wait for clients here
    #[arg(long, value_name = "ADDRESS", required_unless_present = "connect", conflicts_with = "connect")]
    pub(super) listen: Option<String>,
    /// Be the client: ask the device here
    #[arg(long, value_name = "ADDRESS")]
    pub(super) connect: Option<String>,
    /// As slow as it was, or at once
    #[arg(long, value_name = "WHICH", default_value = "recorded")]
    pub(super) delays: DelaysArg,
    /// What comes when the last recorded answer of an object has been given
    #[arg(long, value_name = "WHAT", default_value = "repeat")]
    pub(super) after_last: AfterLastArg,
    /// What comes for an object that was never answered
    #[arg(long, value_name = "WHAT", default_value = "silence")]
    pub(super) unknown: UnknownArg,
    /// Copy every answer to all connections, as the bridge of a real device does
    #[arg(long, conflicts_with = "connect")]
    pub(super) hub: bool,
    /// End when so many connections have come and gone
    #[arg(long, value_name = "N", conflicts_with = "connect")]
    pub(super) connections: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DelaysArg {
    Recorded,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AfterLastArg {
    Repeat,
    Silence,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UnknownArg {
    Silence,
    Close,
}
