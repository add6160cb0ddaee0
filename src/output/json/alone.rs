//! Records of frames that come from no capture: without time, connection and packets.
//!
//! Knows frames. Knows nothing of where they were found.

use super::line::{Line, key};
use super::names::Names;
use super::record::unusual_escaping;
use super::value::{Trust, ValueWriter};
use crate::output::anatomy::{findings, form};
use crate::output::secrecy;
use crate::rct::registry::Registry;
use crate::rct::value::decode;
use crate::rct::{Frame, NonFrame};
use std::io;

/// Writes frames as the records `frame` and `nonframe`, as far as their keys apply.
#[derive(Debug)]
pub struct Alone<'r> {
    registry: &'r Registry,
    mask_secrets: bool,
    names: Names,
    line: Line,
    values: ValueWriter,
}

impl<'r> Alone<'r> {
    /// A writer that names the objects of `registry`, and hides what those marked `secret` hold where it is told to.
    pub fn new(registry: &'r Registry, mask_secrets: bool) -> Self {
        Self {
            registry,
            mask_secrets,
            names: Names::new(registry),
            line: Line::default(),
            values: ValueWriter::default(),
        }
    }

    /// One line for a frame.
    pub fn frame(&mut self, out: &mut dyn io::Write, frame: &Frame<'_>) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.begin(r#"{"type":"frame""#, None);
        line.raw(key!("command"));
        line.display(frame.command);
        line.raw(key!("command_code"));
        line.integer(frame.command.0);
        self.names.write(line, frame.object_id);
        if let Some(address) = frame.address {
            line.raw(key!("address"));
            line.integer(address);
        }
        let hidden = self.mask_secrets
            && secrecy::may_hold_secret(self.registry, frame.object_id, frame.crc_ok(), frame.payload);
        if !hidden {
            line.raw(key!("payload_hex"));
            line.hex(frame.payload);
        }
        self.value(frame, hidden);
        let line = &mut self.line;
        line.raw(key!("crc_ok"));
        line.bool(frame.crc_ok());
        if let Some(crc) = frame.crc_read {
            line.raw(key!("crc_read"));
            line.hex_number(crc.to_be_bytes());
        }
        line.raw(key!("crc_computed"));
        line.hex_number(frame.crc_computed.to_be_bytes());
        line.raw(key!("declared_length"));
        line.count(frame.declared_length);
        line.raw(key!("real_length"));
        line.count(frame.real_length);
        line.raw(key!("status"));
        line.plain(frame.status.name());
        if let Some(escaping) = unusual_escaping(frame.escaping) {
            line.raw(key!("escaping"));
            line.plain(escaping);
        }
        self.end(frame.raw, frame.offset, hidden);
        out.write_all(self.line.as_bytes())
    }

    /// One line for bytes that are no frame.
    pub fn nonframe(&mut self, out: &mut dyn io::Write, found: &NonFrame<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.begin(r#"{"type":"nonframe""#, None);
        self.line.raw(key!("kind"));
        self.line.plain(found.kind.name());
        self.end(found.raw, found.offset, self.mask_secrets && !secrecy::is_known(found.kind));
        out.write_all(self.line.as_bytes())
    }

    /// The value, and the codes of what is wrong.
    fn value(&mut self, frame: &Frame<'_>, hidden: bool) {
        let object = self.registry.get(frame.object_id);
        let decoded = decode(self.registry, object, form(frame), frame.payload);
        if let Some(value) = &decoded.value {
            self.line.raw(key!("value"));
            let trust = if frame.crc_ok() { Trust::Proven } else { Trust::Untrusted };
            if hidden {
                ValueWriter::write_masked(&mut self.line, value);
            } else {
                self.values.write(&mut self.line, value, object, trust);
            }
        }
        self.line.raw(key!("codes"));
        self.line.list(findings(frame, object, &decoded), |line, (code, _)| line.plain(code.name()));
    }

    fn end(&mut self, raw: &[u8], offset: u64, hidden: bool) {
        let line = &mut self.line;
        if !hidden {
            line.raw(key!("raw_hex"));
            line.hex(raw);
        }
        line.raw(key!("stream_offset"));
        line.count(offset);
        line.raw(key!("stream_length"));
        line.integer(raw.len());
        line.end();
    }
}
