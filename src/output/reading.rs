//! What an exchange tells of its object for sure, for outputs that are computed with.
//!
//! Knows exchanges and values. Knows nothing of any format.

use crate::line::{Exchange, ExchangeStatus, Pairing, Sighting};
use crate::rct::registry::{DataType, Object, Registry};
use crate::rct::value::{Form, Value, decode};

/// The frame whose value is to be believed: the answer to a question, whole, and without doubt the answer to this one.
///
/// An answer to a WRITE only confirms it; a history is asked for by a WRITE too, but comes in a frame of its own kind.
pub(super) fn trusted(exchange: &Exchange) -> Option<&Sighting> {
    let response = exchange.response.as_ref()?;
    let frame = &*response.frame;
    let wrote = exchange.request.as_deref().is_some_and(|request| request.command.is_write());
    let answered = match exchange.status {
        ExchangeStatus::Answered => !wrote || frame.command.is_long(),
        ExchangeStatus::Unsolicited => frame.command.is_response(),
        _ => false,
    };
    (answered && response.pairing == Pairing::Certain && frame.crc_ok()).then_some(frame)
}

/// What a frame of the device holds.
pub(super) fn value<'a>(registry: &'a Registry, frame: &'a Sighting) -> Option<Value<'a>> {
    decode(registry, registry.get(frame.object_id), Form::Response, &frame.payload).value
}

/// A value that is one number, as the shortest text that reads back the same: always with a fraction, so that no reader
/// takes a column for integers.
pub(super) fn number(value: &Value<'_>, object: Option<&Object>) -> Option<String> {
    match value {
        Value::Float(number) => float(*number),
        Value::Signed(number) => Some(format!("{number}.0")),
        // Some bit fields are declared as signed.
        Value::Bits { number, .. } if object.is_some_and(|object| object.response_type == DataType::Int32) => {
            Some(format!("{}.0", number.cast_signed()))
        }
        Value::Unsigned(number) | Value::Enum { number, .. } | Value::UnixTime(number) | Value::Bits { number, .. } => {
            Some(format!("{number}.0"))
        }
        _ => None,
    }
}

/// A float as the shortest text that reads back the same; `None` for what is no number.
pub(super) fn float(number: f32) -> Option<String> {
    number.is_finite().then(|| zmij::Buffer::new().format_finite(number).to_owned())
}
