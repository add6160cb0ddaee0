//! What did not go as it should below the protocol.

use crate::anomaly::Code;
use crate::endpoint::ConnectionId;
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use smallvec::SmallVec;

/// An anomaly of the capture or of TCP.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) code: Code,
    pub(super) ts: Timestamp,
    pub(super) clock: Timestamp,
    /// The packet that showed it.
    pub(super) packet: PacketNumber,
    pub(super) connection: Option<ConnectionId>,
    pub(super) evidence: SmallVec<[ByteRange; 2]>,
    pub(super) message: String,
    /// Worth a word only when a request waits on the connection.
    pub(super) only_if_waiting: bool,
}
