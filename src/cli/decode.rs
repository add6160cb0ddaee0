//! `rctscope decode`: frames out of hex that was pasted or piped in.

use super::args::DecodeArgs;
use super::destination::print;
use super::message::{Problem, Stop};
use super::outcome::Outcome;
use super::settings;
use crate::output::anatomy::Drawing;
use crate::output::style::Style;
use crate::tools::decode::{self, DecodeError, Format};
use std::io::{self, Read as _};

/// More text than anybody pastes.
const TEXT_BYTES: u64 = 64 << 20;

pub(super) fn run(args: &DecodeArgs) -> Result<Outcome, Stop> {
    let registry = settings::registry(&args.registry)?;
    let display = settings::display(&args.text)?;
    let text = text(&args.hex)?;
    let drawing = Drawing {
        registry: &registry,
        width: display.width,
        style: Style { color: display.color },
        mask_secrets: args.text.mask_secrets,
    };
    let format = if args.json { Format::Json } else { Format::Text };
    print(|out| {
        decode::run(&text, &drawing, format, out).map_err(|error| match error {
            DecodeError::Io(error) => Stop::Output(error),
            DecodeError::Hex(error) => Problem::new(error).hint("such as 2b0104959930bf0d65; `-` reads a paste").into(),
            DecodeError::Empty => Problem::new("no bytes there").hint("such as 2b0104959930bf0d65").into(),
        })
    })
}

/// The words as typed, or what standard input holds.
fn text(words: &[String]) -> Result<String, Problem> {
    if words != ["-"] {
        return Ok(words.join(" "));
    }
    let mut bytes = Vec::new();
    match io::stdin().lock().take(TEXT_BYTES).read_to_end(&mut bytes) {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(Problem::new(format_args!("-: {}", super::input::reason(&error)))),
    }
}
