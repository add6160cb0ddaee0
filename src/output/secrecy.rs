//! What is not shown where secrets are masked.
//!
//! A secret is the value of an object that the registry marks so. Its bytes can stand in more places than that value: in
//! what is no frame, and in a damaged frame that holds more than it should. Knows neither who asks nor how it is shown.

use crate::anomaly::{Anomaly, Code};
use crate::object::ObjectId;
use crate::rct::NonFrameKind;
use crate::rct::registry::{DataType, Registry};
use std::borrow::Cow;

/// Whether a frame may hold a secret: its object is one, it is damaged and its payload may go on with another frame, or it
/// is an event table that tells how one was changed.
#[inline(never)]
pub(super) fn may_hold_secret(registry: &Registry, id: ObjectId, crc_ok: bool, payload: &[u8]) -> bool {
    let Some(object) = registry.get(id) else { return !crc_ok };
    let fits = || object.response_type.size().is_some_and(|size| payload.len() <= size);
    let is_log = object.response_type == DataType::EventTable;
    object.flags.secret || (!crc_ok && !fits()) || (is_log && names_secret(registry, payload))
}

/// Whether the words of an event table name an object that is a secret: its values stand beside it.
fn names_secret(registry: &Registry, payload: &[u8]) -> bool {
    payload.chunks_exact(4).any(|word| {
        let id = ObjectId(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        registry.get(id).is_some_and(|object| object.flags.secret)
    })
}

/// Whether it is known what is in bytes that are no frame. In the tail of one there may well be a secret.
pub(crate) const fn is_known(kind: NonFrameKind) -> bool {
    matches!(
        kind,
        NonFrameKind::KeepAlive
            | NonFrameKind::ProtocolSwitch
            | NonFrameKind::BridgeNoise
            | NonFrameKind::Bootloader
            | NonFrameKind::Gap
    )
}

/// An anomaly without the bytes that its message quotes. No other message holds any, nor a secret value.
pub(super) fn without_bytes(anomaly: &Anomaly) -> Cow<'_, Anomaly> {
    match anomaly.message.split_once(':') {
        Some((message, _)) if anomaly.code == Code::Junk => {
            Cow::Owned(Anomaly { message: message.to_owned(), ..anomaly.clone() })
        }
        _ => Cow::Borrowed(anomaly),
    }
}
