//! What is known of a connection when it ends.

use super::trouble::Trouble;
use crate::anomaly::Code;
use crate::endpoint::{ConnectionId, Endpoint};
use crate::packet::{ByteRange, PacketNumber};
use crate::tcp::CloseReason;
use crate::time::Timestamp;
use smallvec::smallvec;

/// A connection that has ended, as TCP saw it.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) id: ConnectionId,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) opened_seen: bool,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) packet_count: u64,
    /// Segments sent again with the same content.
    pub(super) retransmission_count: u64,
    /// Only packets of the end `.0` were captured.
    pub(super) only_from: Option<Endpoint>,
    pub(super) reason: CloseReason,
    /// The packet that ended it, and when that came.
    pub(super) packet: PacketNumber,
    pub(super) ts: Timestamp,
}

impl Closed {
    /// Trouble that is told of the connection as a whole.
    pub(super) fn trouble(&self, code: Code, clock: Timestamp, message: String) -> Trouble {
        Trouble {
            code,
            ts: self.ts,
            clock,
            packet: self.packet,
            connection: Some(self.id),
            evidence: smallvec![ByteRange { packet: self.packet, offset: 0, length: 0 }],
            message,
            only_if_waiting: false,
        }
    }
}
