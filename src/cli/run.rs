//! Carries a command out, and makes an outcome of whatever stopped it.

use super::args::{Command, EncodeArgs, ObjectsArgs, TextArgs};
use super::destination::print;
use super::message::{Kind, Problem, Stop, tell};
use super::outcome::Outcome;
use super::{convert, decode, destination, explain, fixture, plan, redact, screen, settings, streams, synth, views};
use crate::output::schema;
use crate::tools::{encode, objects};

pub(super) fn run(command: Command) -> Outcome {
    let result = match command {
        Command::Summary(args) => screen::summary(&args),
        Command::Timeline(args) => screen::timeline(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Streams(args) => streams::run(&args),
        Command::Objects(args) => list_objects(&args),
        Command::Encode(args) => encode_frame(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Synth(args) => synth::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Writes(args) => views::writes(&args),
        Command::Unknown(args) => views::unknown(&args),
        Command::Redact(args) => redact::run(&args),
        Command::Fixture(command) => fixture::run(&command),
        Command::Schema => print(|out| Ok(out.write_all(schema::RECORDS.as_bytes())?)),
    };
    result.unwrap_or_else(stopped)
}

fn stopped(stop: Stop) -> Outcome {
    match stop {
        Stop::Usage(problem) => {
            tell(Kind::Error, problem.text, problem.hint.as_deref());
            Outcome::WrongUsage
        }
        Stop::Output(error) if destination::is_closed_pipe(&error) => Outcome::Done,
        Stop::Output(error) => {
            tell(Kind::Error, format_args!("the output cannot be written: {error}"), None);
            Outcome::DoneInPart
        }
    }
}

fn list_objects(args: &ObjectsArgs) -> Result<Outcome, Stop> {
    let registry = settings::registry(&args.registry)?;
    let format = if args.json { objects::Format::Json } else { objects::Format::Text { width: width(&args.text)? } };
    let request = objects::Request { pattern: args.pattern.as_deref(), format };
    print(|out| {
        objects::run(&registry, &request, out).map_err(|error| match error {
            objects::ObjectsError::Io(error) => Stop::Output(error),
            nothing @ objects::ObjectsError::NoMatch(..) => Problem::new(nothing).into(),
        })
    })
}

fn encode_frame(args: &EncodeArgs) -> Result<Outcome, Stop> {
    let registry = settings::registry(&args.registry)?;
    let request = encode::Request {
        command: &args.command,
        object: &args.object,
        value: args.value.as_deref(),
        address: args.address.as_deref().map(address).transpose()?,
        detail: if args.explain { encode::Detail::Explained } else { encode::Detail::Hex },
    };
    print(|out| {
        encode::run(&registry, &request, out).map_err(|error| match error {
            encode::EncodeError::Io(error) => Stop::Output(error),
            other => Problem::new(other).into(),
        })
    })
}

fn address(text: &str) -> Result<u32, Problem> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.map_err(|_| {
        Problem::new(format_args!("--address {text}: not a number of 32 bits")).hint("write 2 or 0x00000002")
    })
}

fn width(args: &TextArgs) -> Result<usize, Problem> {
    Ok(settings::display(args)?.width)
}
