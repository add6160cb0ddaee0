//! What an exchange tells of its object for sure, for outputs that are computed with.
//!
//! Knows exchanges and values. Knows nothing of any format.

use crate::line::{Exchange, ExchangeStatus, Pairing, Sighting};
use crate::rct::registry::{DataType, Object, Registry};
use crate::rct::value::{Form, Value, decode_value};

/// The frame whose value is to be believed: the answer to a question, whole, and without doubt the answer to this one.
///
/// For outputs whose rows or points are those of exchanges.
pub(super) fn trusted(exchange: &Exchange) -> Option<&Sighting> {
    let certain = exchange.response.as_ref().is_some_and(|response| response.pairing == Pairing::Certain);
    proven(exchange).filter(|frame| match exchange.status {
        ExchangeStatus::Answered => certain,
        ExchangeStatus::Unsolicited => certain && frame.command.is_response(),
        _ => false,
    })
}

/// The frame whose value is proven by its checksum, whatever it was the answer to: it tells its object and its time by
/// itself. For samples, which are told of frames, and of what the device sends as if it were a client too.
pub(super) fn proven(exchange: &Exchange) -> Option<&Sighting> {
    let frame = &exchange.response.as_ref()?.frame;
    let whole = frame.crc_ok() && exchange.status != ExchangeStatus::Damaged;
    (whole && !merely_confirms(exchange, frame)).then_some(frame)
}

/// Whether an answer only confirms a WRITE: what it holds then is not the object's value. A history is asked for by a
/// WRITE too, but comes in a frame of its own kind.
fn merely_confirms(exchange: &Exchange, response: &Sighting) -> bool {
    let wrote = exchange.request.as_ref().is_some_and(|request| request.command.is_write());
    wrote && !response.command.is_long()
}

/// What a frame of the device holds.
pub(super) fn value<'a>(registry: &'a Registry, frame: &'a Sighting) -> Option<Value<'a>> {
    decode_value(registry, registry.get(frame.object_id), Form::Response, &frame.payload)
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
