//! Bytes that are no frames: what they mean for the dialogue.

use super::context::Context;
use super::device::DeviceLine;
use super::exchange::{Sender, SightingId};
use super::outcome::{About, Outbox};
use super::slab::At;
use crate::anomaly::Code;
use crate::endpoint::{ConnectionId, Endpoint};
use crate::packet::ByteRange;
use crate::rct::NonFrameKind;
use crate::time::Timestamp;

/// How a burst of noise begins.
const NOISE: &[u8] = &[0x2b, 0x2b, 0x2b];

/// So many bytes of junk are written out in a message.
const SHOWN: usize = 16;

/// Bytes that are no frame, as the lines see them.
#[derive(Clone, Copy, Debug)]
pub struct NonFrameSeen<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// The sender's end.
    pub src: Endpoint,
    /// The receiver's end.
    pub dst: Endpoint,
    /// When.
    pub ts: Timestamp,
    /// The same moment on a clock that never goes back.
    pub clock: Timestamp,
    /// What.
    pub kind: NonFrameKind,
    /// Left over from what the capture lost.
    pub capture_incomplete: bool,
    /// The bytes.
    pub raw: &'a [u8],
    /// Where they stand.
    pub spans: &'a [ByteRange],
}

impl DeviceLine {
    /// Bytes that are no frame, on one of the line's connections.
    pub(super) fn non_frame(&mut self, member: At, seen: &NonFrameSeen<'_>, sender: Sender, context: &mut Context) {
        if seen.kind == NonFrameKind::KeepAlive
            && let Some(member) = self.members.get_mut(member)
        {
            member.counts.portal = true;
        }
        if sender == Sender::Client || seen.kind == NonFrameKind::Gap {
            return report(seen, &mut context.out);
        }
        if !seen.capture_incomplete && matches!(seen.kind, NonFrameKind::Stub | NonFrameKind::Junk) {
            self.blame_broken_answer(member);
        }
        let identity = self.copies.bytes_identity(seen.kind, seen.raw);
        if let Some(place) = self.find_copy(identity, None, member, seen.clock) {
            return self.seen_again(place, member, false);
        }
        if context.copying {
            self.copies.remember(identity, SightingId(0), seen.connection, seen.clock);
        }
        // The bootloader announces itself twice a second until the firmware runs again: one event.
        let again = seen.kind == NonFrameKind::Bootloader && std::mem::replace(&mut self.in_bootloader, true);
        if !again {
            report(seen, &mut context.out);
        }
    }
}

/// The anomaly that such bytes are.
pub(super) fn report(seen: &NonFrameSeen<'_>, out: &mut Outbox) {
    if seen.capture_incomplete {
        return;
    }
    let (code, message) = match seen.kind {
        NonFrameKind::Gap => return,
        NonFrameKind::KeepAlive => (Code::KeepAlive, "keep-alive of the vendor's server".into()),
        NonFrameKind::ProtocolSwitch => (Code::ProtocolSwitch, "the app switches to this protocol".into()),
        NonFrameKind::BridgeNoise => (Code::BridgeNoise, format!("{} bytes of noise from the bridge", seen.raw.len())),
        NonFrameKind::Bootloader => (Code::Bootloader, "the bootloader is running: the device restarts".into()),
        NonFrameKind::Remainder => {
            (Code::StuckRemainder, format!("{} bytes that ended an earlier answer, again", seen.raw.len()))
        }
        NonFrameKind::Stub => (Code::Truncated, format!("cut after {} bytes, before its object id", seen.raw.len())),
        NonFrameKind::Junk => (Code::Junk, junk(seen.raw)),
    };
    for burst in bursts(seen) {
        out.anomaly(code, About::bytes(seen.ts, seen.clock, seen.connection, burst), message.clone());
    }
}

/// The packets of what is reported at once. Noise that begins anew in another packet is another burst.
fn bursts<'a>(seen: &NonFrameSeen<'a>) -> Vec<&'a [ByteRange]> {
    let mut starts = vec![0];
    let mut at = 0;
    for (n, span) in seen.spans.iter().enumerate() {
        if n > 0 && seen.kind == NonFrameKind::BridgeNoise && seen.raw[at..].starts_with(NOISE) {
            starts.push(n);
        }
        at += span.length as usize;
    }
    let ends = starts.iter().skip(1).copied().chain([seen.spans.len()]);
    starts.iter().zip(ends).map(|(start, end)| &seen.spans[*start..end]).collect()
}

fn junk(raw: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut message = format!("{} bytes that are none of the known ones:", raw.len());
    for byte in &raw[..raw.len().min(SHOWN)] {
        _ = write!(message, " {byte:02x}");
    }
    if raw.len() > SHOWN {
        message.push_str(" …");
    }
    message
}
