//! WRITEs that change what keeps people, grid or device safe: who wrote what, in place of what, and whether the device
//! confirmed it.

use super::context::Context;
use super::exchange::{ExchangeId, ExchangeStatus, Sighting};
use super::outcome::About;
use super::subject::LastAnswer;
use super::trace::Trace;
use super::writes::LastWrite;
use crate::anomaly::{AnomalyId, Code};
use crate::rct::registry::Object;
use crate::rct::value::{Form, Value, decode};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// WRITEs to sensitive objects per line whose fate is not known; more than requests are open.
const REMEMBERED: usize = 4096;

/// So many bytes of a value without a reading are written out.
const SHOWN: usize = 8;

/// So many characters of a text are.
const SHOWN_TEXT: usize = 256;

/// The sensitive WRITEs of a line.
#[derive(Debug, Default)]
pub(super) struct Sensitive {
    /// What the object held before, as far as the capture shows it, of WRITEs whose fate is not known yet.
    open: FxHashMap<ExchangeId, Option<String>>,
}

impl Sensitive {
    /// Takes a client's WRITE of a value. `answered`, `written`: the device's last answer for the same object, and the last
    /// WRITE to it.
    pub(super) fn asked(
        &mut self,
        id: ExchangeId,
        frame: &Sighting,
        (answered, written): (Option<&LastAnswer>, Option<&LastWrite>),
        context: &Context,
    ) {
        let Some(object) = context.registry.get(frame.object_id).filter(|object| object.flags.sensitive_write) else {
            return;
        };
        if self.open.len() >= REMEMBERED {
            self.open.clear();
        }
        let read = answered.map(|last| &last.trace).filter(|read| read.payload() != Ok(&[]));
        let written = written.map(|last| &last.trace);
        let old = match (read, written) {
            (Some(read), Some(written)) if written.clock > read.clock => {
                Some(text_of(object, Form::Request, written, context))
            }
            (Some(read), _) => Some(text_of(object, Form::Response, read, context)),
            (None, Some(written)) => Some(text_of(object, Form::Request, written, context)),
            (None, None) => None,
        };
        self.open.insert(id, old);
    }

    /// The fate of a request is known.
    pub(super) fn told(
        &mut self,
        id: ExchangeId,
        frame: &Sighting,
        status: ExchangeStatus,
        context: &mut Context,
    ) -> Option<(AnomalyId, Code)> {
        if self.open.is_empty() {
            return None;
        }
        let old = self.open.remove(&id)?;
        let object = context.registry.get(frame.object_id)?;
        let new = text(object, Form::Request, &frame.payload, context);
        let old = old.map_or_else(|| "of a value that the capture does not show".to_owned(), |old| format!("of {old}"));
        let fate = match status {
            ExchangeStatus::Answered => "confirmed",
            ExchangeStatus::Damaged => "answered by something that is not to be trusted",
            ExchangeStatus::Unanswered | ExchangeStatus::Unconfirmed => "not confirmed",
            ExchangeStatus::Open | ExchangeStatus::Unsolicited => "the capture ends before it is confirmed",
        };
        let message = format!("{} writes {new} to {} in place {old}; {fate}", frame.src, object.name);
        Some(context.out.anomaly(Code::SensitiveWrite, About::frame(frame), message))
    }
}

/// The value in a frame that is remembered, in a few words.
pub(super) fn text_of(object: &Object, form: Form, trace: &Trace, context: &Context) -> String {
    match trace.payload() {
        Err(length) if !object.flags.secret => bytes(length),
        payload => text(object, form, payload.unwrap_or_default(), context),
    }
}

/// A value in a few words. Secrets are not shown: messages are never masked.
fn text(object: &Object, form: Form, payload: &[u8], context: &Context) -> String {
    if object.flags.secret {
        return "a secret value".to_owned();
    }
    let decoded = decode(&context.registry, Some(object), form, payload);
    let unit = if object.unit.is_empty() || object.flags.ratio { String::new() } else { format!(" {}", object.unit) };
    match decoded.value {
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Unsigned(number)) => format!("{number}{unit}"),
        Some(Value::Signed(number)) => format!("{number}{unit}"),
        Some(Value::Float(number)) => format!("{number}{unit}"),
        Some(Value::Enum { number, label: Some(label) }) => format!("{number} ({label})"),
        Some(Value::Enum { number, label: None } | Value::UnixTime(number) | Value::Bits { number, .. }) => {
            number.to_string()
        }
        Some(Value::Text(text)) => quoted(&text),
        _ => hex(payload),
    }
}

fn quoted(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(SHOWN_TEXT) else {
        return format!("\"{}\"", text.escape_debug());
    };
    format!("\"{}…\" ({})", text[..cut].escape_debug(), bytes(text.len()))
}

fn bytes(count: usize) -> String {
    format!("{count} bytes")
}

fn hex(payload: &[u8]) -> String {
    if payload.len() > SHOWN {
        return bytes(payload.len());
    }
    payload.iter().fold("0x".to_owned(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_its_length_told() {
        assert_eq!(quoted("10:00 \"ä\""), "\"10:00 \\\"ä\\\"\"");
        let most = "ä".repeat(SHOWN_TEXT);
        assert_eq!(quoted(&most), format!("\"{most}\""));
        assert_eq!(quoted(&format!("{most}b")), format!("\"{most}…\" ({} bytes)", 2 * SHOWN_TEXT + 1));
    }
}
