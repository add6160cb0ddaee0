//! `rctscope fixture verify --command`: other people's parsers, each in a process of its own, against the fixtures.

use super::fixture::{load, name};
use super::fixture_args::FixtureVerifyArgs;
use super::message::{Problem, Stop};
use super::settings::{self, span};
use super::{Outcome, destination};
use crate::output::style::{Ink, Style, fit_end};
use crate::rct::registry::Registry;
use crate::tools::fixture::chunks::{self, Chunk};
use crate::tools::fixture::conformance::{self, Heard, Score, Stream};
use crate::tools::fixture::manifest::Manifest;
use crate::tools::fixture::rechunk::Cut;
use serde_json::json;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Columns of a fixture's name.
const NAME: usize = 34;
/// Columns of a remark.
const REMARK: usize = 72;

/// A fixture, as far as parsers are concerned.
struct Fixture {
    name: String,
    title: String,
    chunks: Vec<Chunk>,
}

impl Fixture {
    fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

pub(super) fn run(args: &FixtureVerifyArgs, folders: &[PathBuf]) -> Result<Outcome, Stop> {
    let registry = settings::registry(&args.registry)?;
    let display = settings::display(&args.text)?;
    let patience = span(&args.patience)
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|patience| !patience.is_zero())
        .ok_or_else(|| {
            Problem::new(format_args!("--patience {}: not a span of time", args.patience)).hint("write 5s")
        })?;
    let fixtures = fixtures(folders)?;
    let mut out = io::BufWriter::new(destination::stdout());
    let mut columns = Vec::new();
    for command in &args.command {
        let mut scores = Vec::new();
        let mut parser = Parser::new(command, patience);
        if !args.markdown && !args.json {
            writeln!(out, "{command}\n      {:<NAME$} frames  invented values  cuts", "")?;
        }
        for fixture in &fixtures {
            let score = parser.score(fixture, &registry)?;
            if args.json {
                writeln!(out, "{}", record(command, fixture, &score))?;
            } else if !args.markdown {
                tell(&mut out, fixture, &score, Style { color: display.color })?;
            }
            out.flush()?;
            scores.push(score);
        }
        if !args.markdown && !args.json {
            total(&mut out, &scores)?;
        }
        columns.push(scores);
    }
    if args.markdown {
        table(&mut out, &args.command, &fixtures, &columns)?;
    }
    out.flush()?;
    let right = columns.iter().flatten().all(Score::is_right);
    Ok(if right { Outcome::Done } else { Outcome::CheckFailed })
}

/// Those that have bytes to be read.
fn fixtures(folders: &[PathBuf]) -> Result<Vec<Fixture>, Problem> {
    let mut fixtures = Vec::new();
    for folder in folders {
        let files = load(folder)?;
        let problem = |error: &dyn std::fmt::Display| Problem::new(format_args!("{}: {error}", folder.display()));
        let manifest = Manifest::parse(&files.manifest).map_err(|error| problem(&error))?;
        let chunks = chunks::parse(&files.chunks).map_err(|error| problem(&error))?;
        if !chunks.is_empty() {
            fixtures.push(Fixture { name: name(folder), title: manifest.title, chunks });
        }
    }
    Ok(fixtures)
}

/// A parser's process, started when it is needed, and again when it has died.
struct Parser<'a> {
    command: &'a str,
    patience: Duration,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    answers: Receiver<io::Result<String>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may hang; its own id is the only thing that is ended here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'a> Parser<'a> {
    const fn new(command: &'a str, patience: Duration) -> Self {
        Self { command, patience, running: None }
    }

    fn score(&mut self, fixture: &Fixture, registry: &Registry) -> Result<Score, Problem> {
        let mut score = Score::default();
        let mut first: Option<Vec<Heard>> = None;
        for cut in conformance::cuts() {
            let streams = conformance::streams(&fixture.chunks, cut, registry);
            let mut all = Vec::new();
            for stream in &streams {
                let heard = self.hear(fixture, stream)?;
                if let Err(trouble) = &heard
                    && score.remarks.iter().all(|known| !known.ends_with(trouble.as_str()))
                {
                    score.remarks.push(format!("cut {cut}: {trouble}"));
                }
                let heard = heard.unwrap_or_default();
                if cut == Cut::Recorded {
                    conformance::judge(stream, &heard, &mut score);
                }
                all.push(heard);
            }
            score.cuts += 1;
            let reference = first.get_or_insert_with(|| all.clone());
            if *reference == all {
                score.agreeing_cuts += 1;
            } else if score.remarks.iter().all(|known| !known.starts_with("other frames")) {
                score.remarks.push(format!("other frames when cut {cut}"));
            }
        }
        Ok(score)
    }

    /// What the parser reads of a stream, or what went wrong with it.
    fn hear(&mut self, fixture: &Fixture, stream: &Stream) -> Result<Result<Heard, String>, Problem> {
        let mut heard = Heard::default();
        for line in conformance::lines(&fixture.name, stream) {
            let running = match &mut self.running {
                Some(running) => running,
                None => self.running.insert(start(self.command)?),
            };
            let answer = running.ask(&line, self.patience).and_then(|answer| heard.answer(&answer));
            if let Err(trouble) = answer {
                // Whatever it does now, its answers are out of step.
                self.running = None;
                return Ok(Err(trouble));
            }
        }
        Ok(Ok(heard))
    }
}

fn start(command: &str) -> Result<Running, Problem> {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    // `exec`, so that ending the process ends the parser and not only the shell around it.
    let line = if cfg!(windows) { command.to_owned() } else { format!("exec {command}") };
    let child = Command::new(shell).arg(option).arg(line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let problem = |error: io::Error| Problem::new(format_args!("--command {command}: cannot be started: {error}"));
    let mut child = child.map_err(problem)?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Problem::new(format_args!("--command {command}: has no standard input and output")));
    };
    let (sender, answers) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(Running { child, input, answers })
}

impl Running {
    fn ask(&mut self, line: &str, patience: Duration) -> Result<String, String> {
        let sent = self.input.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.input.flush());
        if sent.is_err() {
            return Err(self.ended());
        }
        match self.answers.recv_timeout(patience) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(format!("its answer cannot be read: {error}")),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {patience:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => format!("the parser ended ({status})"),
            Err(error) => format!("the parser ended ({error})"),
        }
    }
}

fn tell(out: &mut dyn Write, fixture: &Fixture, score: &Score, style: Style) -> io::Result<()> {
    let word = if score.is_right() { style.paint(Ink::Blue, "ok  ") } else { style.paint(Ink::Red, "FAIL") };
    let frames = format!("{}/{}", score.right_count, score.expected_count);
    let values = if score.value_count == 0 {
        "-".to_owned()
    } else {
        format!("{}/{}", score.right_value_count, score.value_count)
    };
    let name = fit_end(&fixture.name, NAME);
    writeln!(
        out,
        "{word}  {name:<NAME$} {frames:>7} {:>8} {values:>7} {:>3}/{}",
        score.invented_count, score.agreeing_cuts, score.cuts
    )?;
    for remark in &score.remarks {
        let mut text = String::new();
        crate::output::value_text::visible(&mut text, remark);
        writeln!(out, "        {}", fit_end(&text, REMARK))?;
    }
    Ok(())
}

fn total(out: &mut dyn Write, scores: &[Score]) -> io::Result<()> {
    let right = scores.iter().filter(|score| score.is_right()).count();
    let sum = |of: fn(&Score) -> usize| scores.iter().map(of).sum::<usize>();
    writeln!(
        out,
        "{right} of {} fixtures right; {} of {} frames, {} invented; {} of {} values",
        scores.len(),
        sum(|score| score.right_count),
        sum(|score| score.expected_count),
        sum(|score| score.invented_count),
        sum(|score| score.right_value_count),
        sum(|score| score.value_count)
    )
}

fn record(command: &str, fixture: &Fixture, score: &Score) -> serde_json::Value {
    json!({
        "fixture": fixture.name,
        "parser": command,
        "right": score.is_right(),
        "expected_count": score.expected_count,
        "right_count": score.right_count,
        "invented_count": score.invented_count,
        "value_count": score.value_count,
        "right_value_count": score.right_value_count,
        "cut_count": score.cuts,
        "agreeing_cut_count": score.agreeing_cuts,
        "remarks": score.remarks,
    })
}

/// Two tables: how much is right in each folder of fixtures, and what is wrong, one by one.
fn table(out: &mut dyn Write, commands: &[String], fixtures: &[Fixture], columns: &[Vec<Score>]) -> io::Result<()> {
    let names: Vec<&str> = commands.iter().map(|command| parser_name(command)).collect();
    let rule = vec!["---"; names.len()].join(" | ");
    writeln!(out, "| folder | {} |\n| --- | {rule} |", names.join(" | "))?;
    let mut folders: Vec<&str> = fixtures.iter().map(Fixture::folder).collect();
    folders.dedup();
    for folder in folders {
        let inside = |scores: &[Score]| {
            let scores = fixtures.iter().zip(scores).filter(|(fixture, _)| fixture.folder() == folder);
            let right = scores.clone().filter(|(_, score)| score.is_right()).count();
            format!("{right} of {}", scores.count())
        };
        let cells: Vec<String> = columns.iter().map(|scores| inside(scores)).collect();
        writeln!(out, "| {folder} | {} |", cells.join(" | "))?;
    }
    writeln!(out, "\n| fixture | what it shows | {} |\n| --- | --- | {rule} |", names.join(" | "))?;
    for (at, fixture) in fixtures.iter().enumerate() {
        if columns.iter().all(|scores| scores[at].is_right()) {
            continue;
        }
        let cells: Vec<String> = columns.iter().map(|scores| cell(&scores[at])).collect();
        writeln!(out, "| {} | {} | {} |", fixture.name, fixture.title.replace('|', "\\|"), cells.join(" | "))?;
    }
    for (name, scores) in names.iter().zip(columns) {
        write!(out, "\n{name}: ")?;
        total(out, scores)?;
    }
    Ok(())
}

/// The last word of a command that looks like a file, without its folders.
fn parser_name(command: &str) -> &str {
    let word = command.split_whitespace().rfind(|word| !word.starts_with('-')).unwrap_or(command);
    word.rsplit('/').next().unwrap_or(word)
}

fn cell(score: &Score) -> String {
    if score.is_right() {
        return "right".to_owned();
    }
    let mut words = Vec::new();
    let lost = score.expected_count - score.right_count;
    for (count, what) in [
        (lost, format!("{lost} of {} frames lost", score.expected_count)),
        (score.invented_count, format!("{} invented", score.invented_count)),
        (
            score.value_count - score.right_value_count,
            format!("{} values wrong", score.value_count - score.right_value_count),
        ),
        (
            score.cuts - score.agreeing_cuts,
            format!("depends on cuts ({} of {} agree)", score.agreeing_cuts, score.cuts),
        ),
    ] {
        if count > 0 {
            words.push(what);
        }
    }
    words.join(", ")
}
