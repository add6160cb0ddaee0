//! One frame whose payload holds something secret: which bytes of it, and the frame with others in their place.
//!
//! The new frame is as long as the old one on the wire. Its CRC fits its new bytes if it fitted the old ones, and is off
//! by the same bits if it was off.

use super::values::{ValueId, Values, runs};
use crate::line::Sighting;
use crate::object::ObjectId;
use crate::rct::crc::checksum;
use crate::rct::encode::{ESCAPE, START, escape};
use crate::rct::registry::{DataType, FieldKind, Registry};
use crate::rct::{Command, Escaping};
use std::ops::Range;

/// The code of the event that says that a parameter was changed: object, old value, new value.
const PARAMETER_CHANGED: u32 = 0x73;
/// Bytes of a row of the event table, and of what stands in front of the first one.
const ROW: [usize; 2] = [4, 20];

/// The parts of a payload that are secret, by the object it belongs to.
pub(super) fn secret_parts(
    registry: &Registry,
    object: ObjectId,
    is_response: bool,
    payload: &[u8],
) -> Vec<Range<usize>> {
    let Some(object) = registry.get(object) else { return Vec::new() };
    let data_type = if is_response { object.response_type } else { object.request_type };
    if data_type == DataType::EventTable && is_response {
        return changed_secrets(registry, payload);
    }
    if !object.flags.secret {
        return Vec::new();
    }
    let structured = registry.structure(data_type).map(|structure| {
        let telling = structure.fields.iter().filter_map(|field| Some((field.offset, telling_size(field.kind)?)));
        telling.filter_map(|(at, size)| Some(at..(at + size).min(payload.len())).filter(|part| !part.is_empty()))
    });
    match structured {
        Some(parts) => parts.collect(),
        None => std::iter::once(0..payload.len()).collect(),
    }
}

/// The fields of a structure that can tell whose it is: numbers of networks, names and bytes without a known meaning.
/// Measurements, states and bits are no more telling than those of other objects.
const fn telling_size(kind: FieldKind) -> Option<usize> {
    match kind {
        FieldKind::U32Le | FieldKind::ObjectValue => Some(4),
        FieldKind::Text(size) | FieldKind::Bytes(size) => Some(size),
        _ => None,
    }
}

/// Old and new values of secret objects in an event table.
fn changed_secrets(registry: &Registry, payload: &[u8]) -> Vec<Range<usize>> {
    let [head, row] = ROW;
    let word =
        |at: usize| payload.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).map(|b| u32::from_be_bytes(*b));
    let rows = (head..payload.len()).step_by(row);
    let is_secret = |at: &usize| {
        word(*at) == Some(PARAMETER_CHANGED)
            && word(*at + 8).and_then(|id| registry.get(ObjectId(id))).is_some_and(|object| object.flags.secret)
    };
    rows.filter(is_secret).map(|at| (at + 12).min(payload.len())..(at + row).min(payload.len())).collect()
}

/// A frame that holds something secret.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) raw: Vec<u8>,
    /// Unescaped, from the command to the end of the payload.
    covered: Vec<u8>,
    /// Where in `covered` the payload begins.
    payload_at: usize,
    /// What the CRC is off by; `None` where it was cut off.
    crc_off: Option<u16>,
    escaping: Escaping,
    /// Runs of `covered`, and which value each of them is.
    pub(super) secrets: Vec<(Range<usize>, ValueId)>,
    /// Its bytes on the wire cannot be made from its parts: it is blanked instead.
    pub(super) is_odd: bool,
}

impl Body {
    pub(super) fn new(frame: &Sighting, parts: &[Range<usize>], values: &mut Values) -> Self {
        let mut covered = vec![frame.command.0];
        covered.extend_from_slice(&frame.declared_length.to_be_bytes()[2 - frame.command.length_bytes()..]);
        covered.extend(frame.address.into_iter().flat_map(u32::to_be_bytes));
        covered.extend(frame.object_id.0.to_be_bytes());
        let payload_at = covered.len();
        covered.extend_from_slice(&frame.payload);
        let mut secrets = Vec::new();
        for part in parts {
            for run in runs(&frame.payload[part.clone()], part.start) {
                let id = values.learn(&frame.payload[run.clone()]);
                secrets.push((run.start + payload_at..run.end + payload_at, id));
            }
        }
        let mut body = Self {
            raw: frame.raw.to_vec(),
            payload_at,
            crc_off: frame.crc_read.map(|crc| crc ^ checksum(&covered)),
            covered,
            escaping: frame.escaping,
            secrets,
            is_odd: false,
        };
        let made = body.bytes(&body.covered.clone());
        body.is_odd = !body.raw.starts_with(&made) || (body.crc_off.is_some() && made.len() != body.raw.len());
        body
    }

    /// Adds known values that stand in the payload, whatever object it belongs to.
    pub(super) fn known_values(frame: &Sighting, values: &Values) -> Vec<Range<usize>> {
        values.find(&frame.payload).into_iter().map(|(range, _)| range).collect()
    }

    /// The last of its values.
    pub(super) fn last_value(&self) -> Option<ValueId> {
        self.secrets.iter().map(|(_, id)| *id).max()
    }

    /// The frame with stand-ins, or `None` where it does not come out as long as it was.
    pub(super) fn redacted(&self, values: &Values) -> Option<Vec<u8>> {
        self.with(|id| values.stand_in(id).to_vec())
    }

    /// The frame with stand-ins of its own.
    pub(super) fn redacted_alone(&self, salt: u32) -> Option<Vec<u8>> {
        let value = |range: &Range<usize>, id| super::values::stand_in(&self.covered[range.clone()], id, salt);
        let mut covered = self.covered.clone();
        for (range, id) in &self.secrets {
            covered[range.clone()].copy_from_slice(&value(range, *id));
        }
        self.finished(&covered)
    }

    fn with(&self, stand_in: impl Fn(ValueId) -> Vec<u8>) -> Option<Vec<u8>> {
        let mut covered = self.covered.clone();
        for (range, id) in &self.secrets {
            covered.get_mut(range.clone())?.copy_from_slice(&stand_in(*id));
        }
        self.finished(&covered)
    }

    fn finished(&self, covered: &[u8]) -> Option<Vec<u8>> {
        let mut made = self.bytes(covered);
        if self.crc_off.is_none() {
            // An escape byte, or a byte of a CRC, behind which the frame was cut.
            made.extend(self.raw.get(made.len()..)?);
        }
        (made.len() == self.raw.len()).then_some(made)
    }

    fn bytes(&self, covered: &[u8]) -> Vec<u8> {
        let mut out = vec![START];
        let crc = self.crc_off.map(|off| (checksum(covered) ^ off).to_be_bytes());
        match self.escaping {
            Escaping::None => out.extend(covered),
            _ => escape(&mut out, covered),
        }
        match (crc, self.escaping) {
            (Some(crc), Escaping::Full) => escape(&mut out, &crc),
            (Some(crc), _) => out.extend(crc),
            (None, _) => {}
        }
        if self.escaping != Escaping::Full
            && crc.is_some_and(|crc| special(&crc) != special(&self.raw[self.raw.len() - 2..]))
        {
            // Its sender would not be known by it any more: refused by its length.
            out.push(0);
        }
        out
    }

    /// The raw frame with every byte of its payload blanked that starts or escapes nothing.
    pub(super) fn blanked(&self) -> Vec<u8> {
        let mut raw = self.raw.clone();
        let (mut unescaped, mut escaped) = (0, false);
        let end = raw.len() - if self.crc_off.is_some() { 2.min(raw.len()) } else { 0 };
        for byte in &mut raw[1..end.max(1)] {
            if *byte == ESCAPE && !escaped && self.escaping != Escaping::None {
                escaped = true;
                continue;
            }
            escaped = false;
            if unescaped >= self.payload_at && !matches!(*byte, 0 | START | ESCAPE) {
                *byte = b'x';
            }
            unescaped += 1;
        }
        raw
    }
}

fn special(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| matches!(**byte, START | ESCAPE)).count()
}

/// Whether a frame is an answer, as far as its values are concerned.
pub(super) const fn is_response(command: Command) -> bool {
    !command.is_write()
}
