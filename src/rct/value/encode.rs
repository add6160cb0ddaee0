//! A value as people write it into the bytes of its type: the reverse of `decode` for what can be written.

use super::{Form, device_time};
use crate::rct::registry::{DataType, Object, Registry, parse_id};
use std::fmt;

/// Why a text is no value of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// The object's name, or its id where it has none.
    pub object: String,
    /// The text.
    pub text: String,
    /// What would be one.
    pub expected: String,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no value for {}: expected {}", self.text, self.object, self.expected)
    }
}

impl std::error::Error for ValueError {}

/// The payload that `text` stands for, by the type of `object` in this form.
///
/// | type | text |
/// | --- | --- |
/// | bool | `true`, `false`, `on`, `off`, `yes`, `no`, `1`, `0` |
/// | enum | a name from the registry, in any case, or a number |
/// | integers | `42`, `-42`, `0x2A` |
/// | integers that are times | also `2025-03-17T21:06:11`, on the device's clock |
/// | float | `3.5`, with or without the object's unit behind it |
/// | ratio | `0.07` or `7 %` |
/// | string | the text itself; the closing `00` is added |
/// | any | `hex:0a0b`, the bytes themselves, unchecked |
pub fn encode_value(registry: &Registry, object: &Object, text: &str, form: Form) -> Result<Vec<u8>, ValueError> {
    let encoder = Encoder { registry, object, text };
    if let Some(hex) = text.strip_prefix("hex:") {
        return hex_bytes(hex).ok_or_else(|| encoder.error("pairs of hex digits behind `hex:`"));
    }
    let data_type = form.data_type(object);
    match data_type {
        DataType::Bool => encoder.boolean(),
        DataType::Enum => encoder.enumeration(),
        DataType::Int8 | DataType::Uint8 | DataType::Int16 | DataType::Uint16 | DataType::Int32 | DataType::Uint32 => {
            encoder.integer(data_type)
        }
        DataType::Float => encoder.float(),
        DataType::String => encoder.string(),
        _ => Err(encoder.error(format!("`hex:` and bytes, because a {} has no other written form", data_type.name()))),
    }
}

fn hex_bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| u8::try_from(high << 4 | low)).collect::<Result<_, _>>().ok())?
}

struct Encoder<'a> {
    registry: &'a Registry,
    object: &'a Object,
    text: &'a str,
}

impl Encoder<'_> {
    fn error(&self, expected: impl Into<String>) -> ValueError {
        let object = match self.object.name.as_str() {
            "" => self.object.id.to_string(),
            name => name.to_owned(),
        };
        ValueError { object, text: self.text.to_owned(), expected: expected.into() }
    }

    fn boolean(&self) -> Result<Vec<u8>, ValueError> {
        match self.text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(vec![1]),
            "false" | "off" | "no" | "0" => Ok(vec![0]),
            _ => Err(self.error("true or false")),
        }
    }

    fn enumeration(&self) -> Result<Vec<u8>, ValueError> {
        let values = self.registry.enum_values(self.object.id);
        let text = self.text.trim();
        let number = integer_of(text).or_else(|| labelled(values, text)).and_then(|number| u8::try_from(number).ok());
        let Some(number) = number else {
            let names: Vec<String> = values.iter().map(|(number, label)| format!("{number} ({label})")).collect();
            let names = if names.is_empty() { "a number from 0 to 255".into() } else { names.join(", ") };
            return Err(self.error(format!("one of {names}")));
        };
        Ok(vec![number])
    }

    fn integer(&self, data_type: DataType) -> Result<Vec<u8>, ValueError> {
        let size = data_type.size().unwrap_or(4);
        let bits = 8 * u32::try_from(size).unwrap_or(4);
        let (least, greatest) =
            if data_type.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1i64 << bits) - 1) };
        let text = self.without_unit();
        let values = self.registry.enum_values(self.object.id);
        let time = || self.object.flags.unix_time.then(|| device_time::parse(text)).flatten().map(i64::from);
        let number = integer_of(text).or_else(time).or_else(|| labelled(values, text));
        match number.filter(|number| (least..=greatest).contains(number)) {
            // Eight bytes hold every number of the range; the lowest are those of the type.
            Some(number) => Ok(number.to_be_bytes()[8 - size..].to_vec()),
            None if self.object.flags.unix_time => Err(self.error(format!(
                "a time on the device's clock such as 2025-03-17T21:06:11, without a time zone, or seconds up to {greatest}"
            ))),
            None => Err(self.error(format!("a whole number from {least} to {greatest}"))),
        }
    }

    fn float(&self) -> Result<Vec<u8>, ValueError> {
        let number = if self.object.flags.ratio { self.ratio()? } else { number_of(self.without_unit()) };
        match number {
            Some(number) => Ok(number.to_be_bytes().to_vec()),
            None if self.object.flags.ratio => Err(self.error(RATIO)),
            None => {
                let unit =
                    if self.object.unit.is_empty() { String::new() } else { format!(" in {}", self.object.unit) };
                Err(self.error(format!("a number{unit} that fits a 32-bit float")))
            }
        }
    }

    /// A share of one, or of a hundred with a percent sign.
    fn ratio(&self) -> Result<Option<f32>, ValueError> {
        let text = self.text.trim();
        let number = match text.strip_suffix('%') {
            // Divided as the wider type, so that `7 %` is the same float as `0.07`.
            #[expect(clippy::cast_possible_truncation, reason = "a percentage is meant to be rounded to 32 bits")]
            Some(percent) => percent.trim_end().parse::<f64>().ok().map(|percent| (percent / 100.0) as f32),
            None => number_of(text),
        };
        match number {
            Some(number) if !(0.0..=1.0).contains(&number) => Err(self.error(RATIO)),
            number => Ok(number),
        }
    }

    fn string(&self) -> Result<Vec<u8>, ValueError> {
        if self.text.contains('\0') {
            return Err(self.error("a text without a NUL character, which would end it"));
        }
        let mut bytes = self.text.as_bytes().to_vec();
        bytes.push(0);
        Ok(bytes)
    }

    /// The text without the object's unit behind it.
    fn without_unit(&self) -> &str {
        let text = self.text.trim();
        match text.strip_suffix(self.object.unit.as_str()) {
            Some(number) => number.trim_end(),
            None => text,
        }
    }
}

const RATIO: &str = "a share from 0 to 1 such as 0.07, or a percentage such as `7 %`";

/// The number with this name.
fn labelled(values: &[(u32, String)], name: &str) -> Option<i64> {
    values.iter().find(|(_, label)| label.eq_ignore_ascii_case(name)).map(|(number, _)| i64::from(*number))
}

/// A decimal number with or without a sign, or hex digits behind `0x`.
fn integer_of(text: &str) -> Option<i64> {
    if text.starts_with("0x") || text.starts_with("0X") {
        return parse_id(text).map(|number| number.0.into());
    }
    text.parse().ok()
}

/// A finite number.
fn number_of(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_finite())
}

#[cfg(test)]
mod tests;
