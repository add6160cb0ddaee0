//! What the bytes of a frame themselves say of it: whether its checksum fits, and how long it claims to be and is.

use super::line::{Line, key};
use crate::line::Sighting;
use crate::rct::{Escaping, Frame, FrameStatus};

/// The same of a frame in a capture and of one alone.
pub(super) struct Verdict {
    crc_ok: bool,
    crc_read: Option<u16>,
    crc_computed: u16,
    declared_length: u16,
    real_length: u32,
    status: FrameStatus,
    escaping: Escaping,
}

impl Verdict {
    pub(super) fn write(&self, line: &mut Line) {
        line.bool(key!("crc_ok"), self.crc_ok);
        if let Some(crc) = self.crc_read {
            line.hex_number(key!("crc_read"), crc.to_be_bytes());
        }
        line.hex_number(key!("crc_computed"), self.crc_computed.to_be_bytes());
        line.count(key!("declared_length"), self.declared_length);
        line.count(key!("real_length"), self.real_length);
        line.plain(key!("status"), self.status.name());
        match self.escaping {
            Escaping::Full => {}
            Escaping::RawCrc => line.plain(key!("escaping"), "raw_crc"),
            Escaping::None => line.plain(key!("escaping"), "none"),
        }
    }
}

impl From<&Sighting> for Verdict {
    fn from(frame: &Sighting) -> Self {
        let &Sighting { crc_read, crc_computed, declared_length, real_length, status, escaping, .. } = frame;
        Self { crc_ok: frame.crc_ok(), crc_read, crc_computed, declared_length, real_length, status, escaping }
    }
}

impl From<&Frame<'_>> for Verdict {
    fn from(frame: &Frame<'_>) -> Self {
        let &Frame { crc_read, crc_computed, declared_length, real_length, status, escaping, .. } = frame;
        Self { crc_ok: frame.crc_ok(), crc_read, crc_computed, declared_length, real_length, status, escaping }
    }
}
