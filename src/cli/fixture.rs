//! `rctscope fixture`: regression fixtures for parsers of the protocol.

use super::analyze::Tally;
use super::explain::the_unit;
use super::fixture_args::{FixtureCommand, FixtureListArgs, FixtureNewArgs, FixtureVerifyArgs};
use super::message::{Kind, Problem, Stop, tell};
use super::redact::{is_readable, refuse_pipe, show};
use super::run::print;
use super::selection::moments;
use super::{Outcome, parsers, replay, settings};
use crate::analyzer::Options;
use crate::capture::Session;
use crate::endpoint::ConnectionId;
use crate::output::explain::Target;
use crate::output::style::{Ink, Style, wrap};
use crate::tools::fixture::author::{AuthorError, Made, Request, Subject, author};
use crate::tools::fixture::cut::Piece;
use crate::tools::fixture::manifest::{Manifest, Origin};
use crate::tools::fixture::verify::{Detail, Verdict, updated, verify};
use crate::tools::fixture::{CAPTURES, CHUNKS, EXPECTED, Files, MANIFEST, index};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where fixtures are looked for and made, unless told otherwise.
const FOLDER: &str = "fixtures";
/// Columns of a fixture's name.
const NAME: usize = 28;

pub(super) fn run(command: &FixtureCommand) -> Result<Outcome, Stop> {
    match command {
        FixtureCommand::New(args) => new(args),
        FixtureCommand::Verify(args) if args.command.is_empty() => verify_all(args),
        FixtureCommand::Verify(args) => parsers::run(args, &fixtures(&args.folders)?),
        FixtureCommand::List(args) => list(args),
        FixtureCommand::Replay(args) => replay::run(args),
    }
}

fn new(args: &FixtureNewArgs) -> Result<Outcome, Stop> {
    refuse_pipe(&args.file)?;
    let analysis = settings::analysis(&args.analysis, true)?;
    let folder = args.dir.join(&args.name);
    if args.name.is_empty() || args.name.starts_with(['/', '.']) {
        return Err(Problem::new(format_args!("--name {}: no name for a folder", args.name))
            .hint("short-float")
            .into());
    }
    if folder.exists() && !args.force {
        let problem = Problem::new(format_args!("{}: exists already", folder.display()));
        return Err(problem.hint("--force replaces its files").into());
    }
    let Some((unit, mut tally)) = the_unit(&args.file)? else { return Ok(Outcome::NothingRead) };
    if !is_readable(&unit, &mut tally) {
        return Ok(tally.outcome());
    }
    let first = Session::new(unit.sources(None)).next_packet().map(|packet| packet.ts);
    let request = Request {
        subject: subject(args, first)?,
        title: args.title.clone(),
        redacted: !args.no_redact,
        origin: Origin {
            kind: "capture".to_owned(),
            tool: concat!("rctscope ", env!("CARGO_PKG_VERSION")).to_owned(),
            redacted: !args.no_redact,
            note: args.note.clone().unwrap_or_default(),
        },
        exact: !args.no_exact,
    };
    let made = author(&mut |each| show(&unit, each), &analysis, &request).map_err(|error| unmade(args, error))?;
    store(&folder, &made.files)?;
    print(|out| Ok(tell_made(out, &folder, &made, &request)?))
}

fn subject(args: &FixtureNewArgs, first: Option<crate::time::Timestamp>) -> Result<Subject, Problem> {
    if let Some(id) = &args.id {
        let target = Target::parse(id).ok_or_else(|| {
            Problem::new(format_args!("{id}: names nothing in a capture"))
                .hint("A7 is an anomaly, T7 an exchange, F12 a frame")
        })?;
        return Ok(Subject::Target(target));
    }
    if args.connection.is_none() && args.since.is_none() && args.until.is_none() {
        return Err(Problem::new("which part of the capture?")
            .hint("an ID such as A7 behind the file, --connection 1, or --since and --until"));
    }
    let (since, until) = moments(args.since.as_deref(), args.until.as_deref(), first)?;
    Ok(Subject::Piece(Piece { hosts: Vec::new(), connection: args.connection.map(ConnectionId), since, until }))
}

fn unmade(args: &FixtureNewArgs, error: AuthorError) -> Stop {
    let name = args.file.display();
    let problem = Problem::new(format_args!("{name}: {error}"));
    match error {
        AuthorError::NotThere(_) => problem.hint(format_args!("`rctscope timeline {name}` shows what there is")).into(),
        AuthorError::TooLarge(_) => {
            problem.hint("--since and --until narrow it; --no-exact leaves expected.jsonl out").into()
        }
        AuthorError::Empty => problem.hint(format_args!("`rctscope {name}` shows what there is")).into(),
        AuthorError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            problem.hint("--since and --until narrow it").into()
        }
        AuthorError::Io(error) => Stop::Output(error),
    }
}

fn tell_made(out: &mut dyn Write, folder: &Path, made: &Made, request: &Request) -> io::Result<()> {
    let plural = |count: u64, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    writeln!(
        out,
        "{}: {} ({}), {}, {}",
        folder.display(),
        plural(made.packet_count, "packet"),
        plural(count(made.connection_count), "connection"),
        plural(count(made.exchange_count), "exchange"),
        if request.redacted { "redacted" } else { "NOT redacted" }
    )?;
    for (number, line) in wrap(&made.checks.join(", "), 60).iter().enumerate() {
        writeln!(out, "  {:<16}{line}", if number == 0 { "checks written:" } else { "" })?;
    }
    writeln!(out, "  edit {MANIFEST} to say what matters; then: rctscope fixture verify {}", folder.display())
}

/// The folders of all fixtures at and below the paths that were named.
pub(super) fn fixtures(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        let in_folder = Path::new(FOLDER).join(path);
        let path = if !path.exists() && in_folder.exists() { &in_folder } else { path };
        let before = found.len();
        walk(path, &mut found)
            .map_err(|error| Problem::new(format_args!("{}: {}", path.display(), super::input::reason(&error))))?;
        if found.len() == before {
            return Err(Problem::new(format_args!("{}: no fixture there", path.display()))
                .hint(format_args!("a fixture is a folder with a file {MANIFEST}")));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.join(MANIFEST).is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let mut inner: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            inner.push(entry.path());
        }
    }
    inner.sort();
    inner.iter().try_for_each(|folder| walk(folder, found))
}

/// The files of a fixture.
pub(super) fn load(folder: &Path) -> Result<Files, Problem> {
    let problem = |name: &str, error: &io::Error| {
        Problem::new(format_args!("{}: {}", folder.join(name).display(), super::input::reason(error)))
    };
    let text = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| problem(name, &error));
    let capture = CAPTURES.iter().find(|name| folder.join(name).is_file()).unwrap_or(&CAPTURES[0]);
    Ok(Files {
        manifest: text(MANIFEST)?,
        capture: fs::read(folder.join(capture)).map_err(|error| problem(capture, &error))?,
        chunks: text(CHUNKS)?,
        expected: if folder.join(EXPECTED).is_file() { Some(text(EXPECTED)?) } else { None },
    })
}

fn store(folder: &Path, files: &Files) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(CAPTURES[0]), &files.capture)?;
    store_derived(folder, files)?;
    // Last: a folder is a fixture only when it is whole.
    fs::write(folder.join(MANIFEST), &files.manifest)
}

fn store_derived(folder: &Path, files: &Files) -> io::Result<()> {
    fs::write(folder.join(CHUNKS), &files.chunks)?;
    match &files.expected {
        Some(expected) => fs::write(folder.join(EXPECTED), expected),
        None => Ok(()),
    }
}

/// What a fixture is called in lists: its path without the folder that was named.
pub(super) fn name(folder: &Path) -> String {
    let inside = folder.strip_prefix(FOLDER).unwrap_or(folder);
    inside.display().to_string()
}

fn verify_all(args: &FixtureVerifyArgs) -> Result<Outcome, Stop> {
    let options = Options { registry: settings::registry(&args.registry)?, ..Options::default() };
    let display = settings::display(&args.text)?;
    if args.update && std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        let problem = Problem::new("--update: not where CI is set");
        return Err(problem.hint("what is expected is changed by people, who look at the difference").into());
    }
    let folders = fixtures(&args.folders)?;
    let detail = if args.diff || args.update { Detail::All } else { Detail::First };
    let style = Style { color: display.color };
    let (mut passed, mut failed) = (0_u64, Vec::new());
    let mut out = io::BufWriter::new(super::destination::stdout());
    for folder in &folders {
        let files = load(folder)?;
        let mut verdict = verify(&files, &options, detail);
        let before = verdict.failures.clone();
        if args.update && !verdict.failures.is_empty() {
            let files = updated(&files, &options)?;
            store_derived(folder, &files)?;
            verdict = verify(&files, &options, detail);
        }
        let changed: Vec<String> = before.into_iter().filter(|line| !verdict.failures.contains(line)).collect();
        tell_verdict(&mut out, folder, &verdict, &changed, style)?;
        if verdict.failures.is_empty() {
            passed += 1;
        } else {
            failed.push(folder);
        }
    }
    write!(out, "{passed} passed, {} failed", failed.len())?;
    match failed.first() {
        Some(first) if !args.diff => writeln!(out, "          rctscope fixture verify {} --diff", first.display())?,
        _ => writeln!(out)?,
    }
    out.flush()?;
    Ok(if failed.is_empty() { Outcome::Done } else { Outcome::CheckFailed })
}

fn tell_verdict(
    out: &mut dyn Write,
    folder: &Path,
    verdict: &Verdict,
    changed: &[String],
    style: Style,
) -> io::Result<()> {
    let name = name(folder);
    if verdict.failures.is_empty() {
        let checks =
            if verdict.check_count == 1 { "1 check".to_owned() } else { format!("{} checks", verdict.check_count) };
        let records = verdict.record_count.map(|count| format!(", {count} records"));
        let cuts = match verdict.rechunk_count {
            0 => String::new(),
            count => format!(", {count} re-chunkings agree"),
        };
        let word = style.paint(Ink::Blue, if changed.is_empty() { "ok  " } else { "new " });
        writeln!(out, "{word}  {name:<NAME$} {checks}{}{cuts}", records.unwrap_or_default())?;
        for line in changed {
            writeln!(out, "        {}", visible(line))?;
        }
        return Ok(());
    }
    for (number, failure) in verdict.failures.iter().enumerate() {
        let (word, name) = if number == 0 {
            (style.paint(Ink::Red, "FAIL"), &*name)
        } else {
            (Style::default().paint(Ink::Red, "    "), "")
        };
        for (line_number, line) in failure.lines().enumerate() {
            match line_number {
                0 => writeln!(out, "{word}  {name:<NAME$} {}", visible(line))?,
                _ => writeln!(out, "        {}", visible(line.trim_start()))?,
            }
        }
    }
    Ok(())
}

/// Text out of files that others wrote cannot steer the terminal.
fn visible(text: &str) -> String {
    let mut out = String::new();
    crate::output::value_text::visible(&mut out, text);
    out
}

fn list(args: &FixtureListArgs) -> Result<Outcome, Stop> {
    let mut entries = Vec::new();
    let mut tally = Tally::default();
    for folder in fixtures(&args.folders)? {
        let file = folder.join(MANIFEST);
        let text = fs::read_to_string(&file)
            .map_err(|error| Problem::new(format_args!("{}: {}", file.display(), super::input::reason(&error))))?;
        match Manifest::parse(&text) {
            Ok(manifest) => entries.push((name(&folder), manifest)),
            Err(error) => {
                tell(Kind::Error, format_args!("{}: {error}", file.display()), None);
                tally.damaged += 1;
            }
        }
        tally.read += 1;
    }
    print(|out| {
        if args.markdown {
            out.write_all(index::markdown(&entries).as_bytes())?;
        } else {
            for (name, manifest) in &entries {
                writeln!(out, "{name:<NAME$} {}", visible(&manifest.title))?;
            }
        }
        Ok(())
    })?;
    Ok(tally.outcome())
}
