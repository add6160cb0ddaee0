//! `rctscope encode`: the hex of a frame, and what each of its bytes is for.
//!
//! Sends nothing; what is done with the bytes is the user's business.

use super::hex::to_hex;
use crate::object::ObjectId;
use crate::rct::command::Command;
use crate::rct::crc::checksum;
use crate::rct::encode::{START, escape, frame};
use crate::rct::registry::{Object, Registry, parse_id};
use crate::rct::value::{Form, ValueError, encode_value};
use std::fmt;
use std::io::{self, Write};

/// What to encode, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// A command's name, or its code behind `0x`.
    pub command: &'a str,
    /// An object's name or id.
    pub object: &'a str,
    /// The value, in the forms of [`encode_value`].
    pub value: Option<&'a str>,
    /// The address of a plant frame.
    pub address: Option<u32>,
    /// How much to say.
    pub detail: Detail,
}

/// How much is said of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The hex alone, in one line.
    Hex,
    /// The hex, then a line for every part.
    Explained,
}

/// Why there is no frame.
#[derive(Debug)]
pub enum EncodeError {
    /// No command has this name.
    UnknownCommand(String),
    /// No object has this name; perhaps the second was meant.
    UnknownObject(String, Option<String>),
    /// The text is no value of the object.
    Value(ValueError),
    /// The registry does not know the object, so the value can only be given as `hex:`.
    Untyped(ObjectId),
    /// The command takes a value, and none was given.
    ValueMissing(Command),
    /// The command takes no value, and one was given.
    ValueUnexpected(Command),
    /// An address was given for a command that has none.
    AddressUnexpected(Command),
    /// An address is missing for a command that has one.
    AddressMissing(Command),
    /// The protocol switch is three bytes and no frame.
    NoFrame,
    /// More payload than the length field can count.
    TooLong {
        /// The command.
        command: Command,
        /// Bytes of payload it can carry.
        longest: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The output could not be written.
    Io(io::Error),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand(name) => {
                let names: Vec<_> = (0..=0x7f).filter_map(|code| Command(code).name()).collect();
                write!(f, "`{name}` is no command; expected one of {}", names.join(", "))
            }
            Self::UnknownObject(name, Some(near)) => write!(f, "no object is called `{name}`; did you mean `{near}`?"),
            Self::UnknownObject(name, None) => {
                write!(
                    f,
                    "no object is called `{name}`; `rctscope objects` lists them, and an id such as 0x959930BF will do"
                )
            }
            Self::Value(error) => error.fmt(f),
            Self::Untyped(id) => write!(f, "{id} is not in the registry; give its bytes as `hex:...`"),
            Self::ValueMissing(command) => write!(f, "{command} needs a value"),
            Self::ValueUnexpected(command) => write!(f, "{command} takes no value"),
            Self::AddressUnexpected(command) => write!(f, "{command} has no address; PLANT_{command} has"),
            Self::AddressMissing(command) => write!(f, "{command} needs an address"),
            Self::NoFrame => f.write_str("EXTENSION is no frame: it is exactly the bytes 2b3ce1"),
            Self::TooLong { command, longest, found } => {
                write!(f, "{found} bytes of payload; {command} carries {longest} at most")
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for EncodeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the frame that was asked for.
pub fn run(registry: &Registry, request: &Request<'_>, out: &mut dyn Write) -> Result<(), EncodeError> {
    let parts = Parts::new(registry, request)?;
    let mut bytes = Vec::new();
    frame(&mut bytes, parts.command, parts.address, parts.object_id, &parts.payload);
    writeln!(out, "{}", to_hex(&bytes))?;
    if request.detail == Detail::Explained {
        parts.explain(out)?;
    }
    Ok(())
}

/// What a frame is made of.
struct Parts<'a> {
    command: Command,
    address: Option<u32>,
    object_id: ObjectId,
    object: Option<&'a Object>,
    payload: Vec<u8>,
    /// The value as it was typed.
    value: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn new(registry: &'a Registry, request: &Request<'a>) -> Result<Self, EncodeError> {
        let command = command(request.command)?;
        let (object_id, object) = object(registry, request.object)?;
        match (command.is_plant(), request.address) {
            (true, None) => return Err(EncodeError::AddressMissing(command)),
            (false, Some(_)) => return Err(EncodeError::AddressUnexpected(command)),
            _ => {}
        }
        let payload = payload(registry, command, object_id, object, request.value)?;
        let longest = (if command.is_long() { 0xffff } else { 0xff }) - command.id_bytes();
        if payload.len() > longest {
            return Err(EncodeError::TooLong { command, longest, found: payload.len() });
        }
        Ok(Self { command, address: request.address, object_id, object, payload, value: request.value })
    }

    /// Writes a line for every part, escapes included, in the order of the wire.
    fn explain(&self, out: &mut dyn Write) -> io::Result<()> {
        let length = self.command.id_bytes() + self.payload.len();
        let length_bytes = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let length_bytes = &length_bytes[2 - self.command.length_bytes()..];
        let address = self.address.map(u32::to_be_bytes);
        let name = match self.object {
            Some(object) if !object.name.is_empty() => format!("{} {}", self.object_id, object.name),
            _ => self.object_id.to_string(),
        };
        let mut body = vec![self.command.0];
        body.extend_from_slice(length_bytes);
        body.extend(address.into_iter().flatten());
        body.extend(self.object_id.0.to_be_bytes());
        body.extend(&self.payload);
        let crc = checksum(&body).to_be_bytes();

        part(out, &[START], "start", false)?;
        part(out, &[self.command.0], &self.command.to_string(), true)?;
        part(out, length_bytes, &format!("length {length}"), true)?;
        if let (Some(bytes), Some(address)) = (address, self.address) {
            part(out, &bytes, &format!("address {address}"), true)?;
        }
        part(out, &self.object_id.0.to_be_bytes(), &name, true)?;
        if let Some(value) = self.value {
            part(out, &self.payload, &format!("value {}", value.escape_debug()), true)?;
        }
        part(out, &crc, &format!("CRC over {} bytes", body.len()), true)
    }
}

/// One part of a frame. The start byte alone is not escaped.
fn part(out: &mut dyn Write, bytes: &[u8], meaning: &str, escaped: bool) -> io::Result<()> {
    let mut wire = Vec::new();
    if escaped {
        escape(&mut wire, bytes);
    } else {
        wire.extend_from_slice(bytes);
    }
    let note = match wire.len() - bytes.len() {
        0 => "",
        1 => " (with 1 escape byte)",
        _ => " (with escape bytes)",
    };
    writeln!(out, "{:<10} {meaning}{note}", to_hex(&wire))
}

fn command(name: &str) -> Result<Command, EncodeError> {
    let code = || parse_id(name).and_then(|code| u8::try_from(code.0).ok()).map(Command);
    match Command::from_name(name).or_else(code) {
        Some(Command::EXTENSION) => Err(EncodeError::NoFrame),
        Some(command) => Ok(command),
        None => Err(EncodeError::UnknownCommand(name.to_owned())),
    }
}

fn object<'a>(registry: &'a Registry, name: &str) -> Result<(ObjectId, Option<&'a Object>), EncodeError> {
    if let Some(object) = registry.find(name) {
        return Ok((object.id, Some(object)));
    }
    let near = || registry.suggest(name).map(|object| object.name.clone());
    parse_id(name).map(|id| (id, None)).ok_or_else(|| EncodeError::UnknownObject(name.to_owned(), near()))
}

fn payload(
    registry: &Registry,
    command: Command,
    id: ObjectId,
    object: Option<&Object>,
    value: Option<&str>,
) -> Result<Vec<u8>, EncodeError> {
    let carries_value = command.is_write() || command.is_response() || !command.is_known();
    let Some(text) = value else {
        return if command.is_known() && carries_value { Err(EncodeError::ValueMissing(command)) } else { Ok(vec![]) };
    };
    if !carries_value {
        return Err(EncodeError::ValueUnexpected(command));
    }
    let form = if command.is_response() { Form::Response } else { Form::Request };
    match (object, text.strip_prefix("hex:")) {
        (Some(object), _) => encode_value(registry, object, text, form).map_err(EncodeError::Value),
        (None, Some(bytes)) => super::hex::parse(bytes).map_err(|_| EncodeError::Untyped(id)),
        (None, None) => Err(EncodeError::Untyped(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(command: &str, object: &str, value: Option<&str>) -> Result<String, String> {
        let request = Request { command, object, value, address: None, detail: Detail::Hex };
        text(&request)
    }

    fn text(request: &Request<'_>) -> Result<String, String> {
        let mut out = Vec::new();
        run(Registry::builtin(), request, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn published_frames() {
        for (command, object, value, expected) in [
            ("READ", "battery.soc", None, "2b0104959930bf0d65\n"),
            ("read", "0xDB2D69AE", None, "2b0104db2d2d69ae55ab\n"),
            ("RESPONSE", "display_struct.brightness", Some("255"), "2b050529bda75fffb8d2\n"),
            ("RESPONSE", "90B53336", Some("0"), "2b050890b53336000000006157\n"),
        ] {
            assert_eq!(encode(command, object, value).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_told() {
        for (command, object, value, expected) in [
            ("REED", "battery.soc", None, "`REED` is no command"),
            ("READ", "battery.sock", None, "did you mean `battery.soc`?"),
            ("READ", "nothing like it", None, "an id such as"),
            ("READ", "battery.soc", Some("1"), "READ takes no value"),
            ("WRITE", "power_mng.soc_min", None, "WRITE needs a value"),
            ("WRITE", "power_mng.soc_min", Some("7"), "`7 %`"),
            ("WRITE", "0xDEADBEEF", Some("7"), "give its bytes as `hex:...`"),
            ("PLANT_READ", "battery.soc", None, "needs an address"),
            ("EXTENSION", "battery.soc", None, "2b3ce1"),
        ] {
            let error = encode(command, object, value).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let long = "x".repeat(251);
        assert!(encode("WRITE", "wifi.password", Some(&long)).expect_err("too long").contains("carries 251 at most"));
        assert!(encode("LONG_WRITE", "wifi.password", Some(&long)).is_ok());
    }

    #[test]
    fn every_part_is_explained_and_the_parts_make_the_frame() {
        let request = Request {
            command: "PLANT_WRITE",
            object: "0xDB2D69AE",
            value: Some("-100.5 W"),
            address: Some(0x2b),
            detail: Detail::Explained,
        };
        let text = text(&request).expect("a frame");
        let mut lines = text.lines();
        let frame = lines.next().expect("the hex");
        let parts: String = lines.clone().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(parts, frame);
        assert!(text.contains("0000002d2b address 43 (with 1 escape byte)"), "{text}");
        assert!(text.contains("db2d2d69ae 0xDB2D69AE g_sync.p_ac_sum_lp (with 1 escape byte)"), "{text}");
        assert!(text.contains("c2c90000   value -100.5 W"), "{text}");
    }

    #[test]
    fn an_unknown_object_takes_bytes() {
        let frame = encode("WRITE", "0xDEADBEEF", Some("hex:0a 0b")).expect("a frame");
        assert!(frame.starts_with("2b0206deadbeef0a0b"), "{frame}");
    }
}
