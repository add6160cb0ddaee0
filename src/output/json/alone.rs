//! Records of frames that come from no capture: without time, connection and packets.
//!
//! Knows frames. Knows nothing of where they were found.

use super::line::{Line, key};
use super::objects::{Objects, write_object};
use super::value::{Trust, ValueWriter};
use super::verdict::Verdict;
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
    objects: Objects<'r>,
    line: Line,
    values: ValueWriter,
}

impl<'r> Alone<'r> {
    /// A writer that names the objects of `registry`, and hides what those marked `secret` hold where it is told to.
    pub fn new(registry: &'r Registry, mask_secrets: bool) -> Self {
        Self {
            registry,
            mask_secrets,
            objects: Objects::new(registry),
            line: Line::default(),
            values: ValueWriter::default(),
        }
    }

    /// One line for a frame.
    pub fn frame(&mut self, out: &mut dyn io::Write, frame: &Frame<'_>) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.begin(r#"{"type":"frame""#, None);
        line.display(key!("command"), frame.command);
        line.integer(key!("command_code"), frame.command.0);
        write_object(line, self.objects.get(frame.object_id), frame.object_id);
        if let Some(address) = frame.address {
            line.integer(key!("address"), address);
        }
        let hidden = self.mask_secrets
            && secrecy::may_hold_secret(self.registry, frame.object_id, frame.crc_ok(), frame.payload);
        if !hidden {
            line.hex(key!("payload_hex"), frame.payload);
        }
        self.value(frame, hidden);
        let line = &mut self.line;
        Verdict::from(frame).write(line);
        self.end(frame.raw, frame.offset, hidden);
        out.write_all(self.line.as_bytes())
    }

    /// One line for bytes that are no frame.
    pub fn nonframe(&mut self, out: &mut dyn io::Write, found: &NonFrame<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.begin(r#"{"type":"nonframe""#, None);
        self.line.plain(key!("kind"), found.kind.name());
        self.end(found.raw, found.offset, self.mask_secrets && !secrecy::is_known(found.kind));
        out.write_all(self.line.as_bytes())
    }

    /// The value, and the codes of what is wrong.
    fn value(&mut self, frame: &Frame<'_>, hidden: bool) {
        let known = self.objects.get(frame.object_id);
        let object = known.map(|known| known.object);
        let decoded = decode(self.registry, object, form(frame), frame.payload);
        if let Some(value) = &decoded.value {
            let trust = if frame.crc_ok() { Trust::Proven } else { Trust::Untrusted };
            if hidden {
                ValueWriter::write_masked(&mut self.line, key!("value"), value);
            } else {
                self.values.write(&mut self.line, key!("value"), value, known, trust);
            }
        }
        self.line.list(key!("codes"), findings(frame, object, &decoded), |line, (code, _)| line.plain("", code.name()));
    }

    fn end(&mut self, raw: &[u8], offset: u64, hidden: bool) {
        let line = &mut self.line;
        if !hidden {
            line.hex(key!("raw_hex"), raw);
        }
        line.count(key!("stream_offset"), offset);
        line.integer(key!("stream_length"), raw.len());
        line.end();
    }
}
