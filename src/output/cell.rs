//! What stands in one cell of a table for people: an object's name, an exchange's value, a time in milliseconds.
//!
//! Knows the registry and exchanges. Knows nothing of columns.

use super::{secrecy, style, value_text};
use crate::anomaly::Anomaly;
use crate::line::{Exchange, ExchangeStatus, Pairing, Response, Sighting};
use crate::object::ObjectId;
use crate::rct::NonFrameKind;
use crate::rct::registry::{Object, Registry};
use crate::rct::value::{Form, Problem, decode};
use std::borrow::Cow;

/// Bytes of an undecoded payload that are shown in hex; longer ones are only counted.
const HEX_BYTES: usize = 8;

/// What stands in place of a value that is hidden.
pub(super) const MASKED: &str = "(masked)";

/// Reads frames for people.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    registry: &'a Registry,
    mask_secrets: bool,
}

impl<'a> Reader<'a> {
    /// A reader that knows the objects of `registry`, and hides the values of those marked `secret` where it is told to.
    pub const fn new(registry: &'a Registry, mask_secrets: bool) -> Self {
        Self { registry, mask_secrets }
    }

    /// An anomaly as it may be told.
    pub(super) fn told<'e>(&self, anomaly: &'e Anomaly) -> Cow<'e, Anomaly> {
        if self.mask_secrets { secrecy::without_bytes(anomaly) } else { Cow::Borrowed(anomaly) }
    }

    /// Whether the bytes of a frame are not to be shown.
    pub(super) fn hides(&self, frame: &Sighting) -> bool {
        self.mask_secrets && secrecy::may_hold_secret(self.registry, frame.object_id, frame.crc_ok(), &frame.payload)
    }

    /// Whether bytes that are no frame are not to be shown.
    pub(super) const fn hides_bytes(&self, kind: Option<NonFrameKind>) -> bool {
        let is_known = matches!(kind, Some(kind) if secrecy::is_known(kind));
        self.mask_secrets && !is_known
    }

    /// `battery.soc`; the id for an object without a name; with the address behind it for a plant frame: `… @ 00000002`.
    pub fn name(&self, id: ObjectId, address: Option<u32>) -> String {
        let known = self.registry.get(id).map(|object| object.name.as_str()).filter(|name| !name.is_empty());
        let name = known.map_or_else(|| id.to_string(), |known| style::escape(known).into_owned());
        match address {
            Some(address) => format!("{name} @ {address:08x}"),
            None => name,
        }
    }

    /// The value of an exchange, or why there is none: `29.6 %`, `(30.0 %)?`, `= 7.0 %`, `2 of 4 bytes`, `no answer`.
    ///
    /// `(…)?` is around a value that is not to be trusted; `=` is in front of one that was written.
    pub fn value(&self, exchange: &Exchange) -> String {
        match (&exchange.response, exchange.status) {
            (_, ExchangeStatus::Unconfirmed) => self.written(exchange).unwrap_or_else(|| "unconfirmed".to_owned()),
            (None, ExchangeStatus::Open) => "still open".to_owned(),
            (None, _) => "no answer".to_owned(),
            (Some(response), status) => self.answer(exchange, response, status),
        }
    }

    fn answer(&self, exchange: &Exchange, response: &Response, status: ExchangeStatus) -> String {
        let frame = &response.frame;
        let trusted = frame.crc_ok() && status != ExchangeStatus::Damaged;
        let is_confirmation = trusted && !self.answers_with_a_table(frame);
        if let Some(written) = self.written(exchange).filter(|_| is_confirmation) {
            return written;
        }
        if self.hides(frame) {
            return MASKED.to_owned();
        }
        match self.payload(frame.object_id, Form::Response, &frame.payload) {
            Ok(value) if trusted => value,
            Ok(value) => format!("({value})?"),
            Err(instead) => instead,
        }
    }

    /// What the client wrote, where the request is a WRITE.
    fn written(&self, exchange: &Exchange) -> Option<String> {
        let request = exchange.request.as_ref().filter(|request| request.command.is_write())?;
        let (Ok(value) | Err(value)) = self.payload(request.object_id, Form::Request, &request.payload);
        Some(format!("= {value}"))
    }

    /// Whether a WRITE is a question: histories and the event table are asked for by writing a time.
    fn answers_with_a_table(&self, frame: &Sighting) -> bool {
        self.registry.get(frame.object_id).is_some_and(|object| object.response_type.is_table())
    }

    /// A payload's value, or what to say in its place.
    pub fn payload(&self, id: ObjectId, form: Form, payload: &[u8]) -> Result<String, String> {
        let object = self.registry.get(id);
        if self.mask_secrets && object.is_some_and(|object| object.flags.secret) {
            return Err(MASKED.to_owned());
        }
        let decoded = decode(self.registry, object, form, payload);
        if let Some(value) = &decoded.value {
            let mut text = String::new();
            value_text::write(&mut text, value, object);
            return Ok(text);
        }
        Err(undecoded(object, &decoded.problems, payload))
    }
}

/// Whether an exchange tells its object's value as it is now: a question, answered, and no doubt about any of it.
pub fn is_sample(exchange: &Exchange) -> bool {
    let asked = exchange.request.as_ref().is_none_or(|request| !request.command.is_write());
    let answer = exchange.response.as_ref();
    let answered = match exchange.status {
        ExchangeStatus::Answered => true,
        ExchangeStatus::Unsolicited => answer.is_some_and(|answer| answer.frame.command.is_response()),
        _ => false,
    };
    asked && answered && answer.is_some_and(|answer| answer.pairing == Pairing::Certain && answer.frame.crc_ok())
}

/// The response time of an exchange where it is known for sure which answer is its own.
pub fn response_time(exchange: &Exchange) -> Option<i64> {
    let certain = exchange.response.as_ref().is_some_and(|response| response.pairing == Pairing::Certain);
    exchange.response_time.filter(|_| certain)
}

fn undecoded(object: Option<&Object>, problems: &[Problem], payload: &[u8]) -> String {
    let needed = problems.iter().find_map(|problem| match problem {
        Problem::Short { needed, .. } => Some(*needed),
        _ => None,
    });
    match (payload, needed) {
        (_, Some(needed)) if object.is_some() => format!("{} of {needed} bytes", payload.len()),
        ([], _) => "no value".to_owned(),
        (payload, _) if payload.len() <= HEX_BYTES => hex(payload),
        (payload, _) => format!("{} bytes", payload.len()),
    }
}

/// A value in at most `width` columns; what is too long loses its end, but never the sign that it is not to be trusted.
pub fn fit_value(text: &str, width: usize) -> Cow<'_, str> {
    match text.strip_prefix('(').and_then(|text| text.strip_suffix(")?")) {
        Some(doubtful) if style::display_width(text) > width => {
            Cow::Owned(format!("({})?", style::fit_end(doubtful, width.saturating_sub(3))))
        }
        _ => style::fit_end(text, width),
    }
}

/// `0x47000000`
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Nanoseconds as milliseconds in at most six columns: `64.7`, `12345`, `1200 s`, `48.0 h`, and `-` for none.
#[expect(clippy::cast_precision_loss, reason = "rounded to a tenth of a millisecond for reading")]
pub fn milliseconds(nanos: Option<i64>) -> String {
    let Some(nanos) = nanos else { return "-".to_owned() };
    let ms = nanos as f64 / 1e6;
    match ms {
        -999.0..9_999.95 => format!("{ms:.1}"),
        -99_999.0..999_999.5 => format!("{ms:.0}"),
        -99_499.0..9_999_499.0 => format!("{:.0} s", ms / 1e3),
        -35_800_000.0..359_000_000.0 => format!("{:.1} h", ms / 3.6e6),
        _ => format!("{:.0} h", ms / 3.6e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fit_their_column() {
        for (nanos, text) in [
            (None, "-"),
            (Some(0), "0.0"),
            (Some(64_686_000), "64.7"),
            (Some(9_999_949_999), "9999.9"),
            (Some(9_999_960_000), "10000"),
            (Some(600_000_000_000), "600000"),
            (Some(3_600_000_000_000), "3600 s"),
            (Some(172_800_000_000_000), "48.0 h"),
            (Some(-3_600_000_000_000), "-1.0 h"),
            (Some(-17_000_000), "-17.0"),
        ] {
            assert_eq!(milliseconds(nanos), text);
        }
    }

    #[test]
    fn a_cut_value_keeps_its_sign_of_doubt() {
        for (text, width, fitted) in [
            ("(1 cell 0.66 mΩ)?", 12, "(1 cell 0…)?"),
            ("(30.0 %)?", 9, "(30.0 %)?"),
            ("24 cells 3.280-3.321 V", 10, "24 cells …"),
        ] {
            assert_eq!(fit_value(text, width), fitted);
        }
    }

    #[test]
    fn payloads_read_as_values_or_say_why_not() {
        let check = |id: u32, payload: &[u8], expected: Result<&str, &str>| {
            let found = Reader::new(Registry::builtin(), false).payload(ObjectId(id), Form::Response, payload);
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(0x9599_30BF, &0.298_f32.to_be_bytes(), Ok("29.8 %"));
        check(0x400F_015B, &[0xc4, 0xbc], Err("2 of 4 bytes"));
        check(0xDEAD_BEEF, &[0x47, 0, 0, 0], Err("0x47000000"));
        check(0xDEAD_BEEF, &[0; 36], Err("36 bytes"));
        check(0xDEAD_BEEF, &[], Err("no value"));
    }

    #[test]
    fn secrets_are_masked_where_wanted() {
        let secret =
            Registry::builtin().objects().find(|object| object.flags.secret).expect("the registry has secrets");
        let reader = Reader::new(Registry::builtin(), true);
        assert_eq!(reader.payload(secret.id, Form::Response, b"hunter2\0"), Err("(masked)".to_owned()));
    }

    #[test]
    fn names() {
        let reader = Reader::new(Registry::builtin(), false);
        assert_eq!(reader.name(ObjectId(0x9599_30BF), None), "battery.soc");
        assert_eq!(reader.name(ObjectId(0x9599_30BF), Some(2)), "battery.soc @ 00000002");
        assert_eq!(reader.name(ObjectId(0xDEAD_BEEF), None), "0xDEADBEEF");
    }
}
