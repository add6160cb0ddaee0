//! What the assembler hands out: data in order, gaps, and notices.

use crate::endpoint::{ConnectionId, Direction};
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;

/// One thing the assembler has to say, in order.
#[derive(Clone, Copy, Debug)]
pub enum TcpEvent<'a> {
    /// A connection's first packet; `Assembler::connection` tells its ends.
    Opened(ConnectionId),
    /// The next bytes of one direction, or a hole in them.
    Chunk(Chunk<'a>),
    /// The connection is over; no event of it follows.
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// How it ended.
        reason: CloseReason,
        /// The packet that ended it (the last one read, for `EndOfCapture` and `Idle`).
        packet: PacketNumber,
        /// When.
        ts: Timestamp,
    },
    /// Something worth reporting that is not data.
    Notice(Notice),
}

/// A run of stream bytes that came out of one packet, or a hole. Chunks of one direction are gapless in `offset`.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Whose.
    pub connection: ConnectionId,
    /// Which way.
    pub direction: Direction,
    /// Stream offset of the first byte, from 0 for the first byte after the SYN or the first captured one.
    pub offset: u64,
    /// The bytes, or how many are missing.
    pub body: ChunkBody<'a>,
    /// The packet in which these bytes first appeared (that let the assembler give up, for a gap).
    pub packet: PacketNumber,
    /// When that packet was captured.
    pub ts: Timestamp,
    /// Where in that packet the first byte stands.
    pub packet_offset: u32,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug)]
pub enum ChunkBody<'a> {
    /// Bytes in order.
    Data(&'a [u8]),
    /// Bytes that were sent, as far as can be told, but never captured.
    Gap {
        /// How many.
        length: u64,
        /// Why they were given up.
        reason: GapReason,
    },
}

/// Why a hole was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The receiver acknowledged the bytes, so they were sent, but they are not in the capture.
    Acknowledged,
    /// Nothing moved for too long.
    Timeout,
    /// A bound of memory was reached.
    Limit,
    /// The connection or the capture ended.
    End,
    /// A packet was captured shorter than it was (snap length).
    Snapped,
    /// The stream goes on far ahead, and more than one segment says so.
    Jump,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Both sides sent FIN.
    Fin,
    /// RST.
    Reset,
    /// The same four-tuple was opened anew.
    PortReuse,
    /// Silent for too long.
    Idle,
    /// The table was full.
    Evicted,
    /// Still open when the capture ended.
    EndOfCapture,
}

/// Something worth reporting about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which connection.
    pub connection: ConnectionId,
    /// Which way the segment in question went.
    pub direction: Direction,
    /// What.
    pub kind: NoticeKind,
    /// When.
    pub ts: Timestamp,
    /// The bytes in question; of length 0 where it is the packet as a whole.
    pub evidence: ByteRange,
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The connection began before the capture.
    Midstream,
    /// Bytes sent again, same content.
    Retransmission,
    /// The same packet captured twice.
    DuplicatePacket,
    /// A segment came after a later one.
    OutOfOrder,
    /// Bytes sent again with different content; `evidence` is the later copy, which was dropped.
    OverlapConflict {
        /// Stream offset of the first differing byte.
        offset: u64,
        /// How many bytes differ, to the last differing one.
        length: u32,
        /// Where the copy that was kept stands.
        first: ByteRange,
    },
    /// RST that ended the connection.
    Reset,
    /// RST far outside the window, ignored.
    SuspiciousReset,
    /// Data after an accepted RST; the stream goes on.
    DataAfterReset,
    /// Data far ahead of the stream, dropped.
    OutOfWindow,
    /// Data behind the FIN, dropped.
    DataAfterFin,
    /// Data for a hole that had been given up, dropped.
    LateData,
    /// A wrong checksum in a direction that has shown good ones; its data was dropped.
    BadChecksum,
    /// The captured packet was cut by the snap length.
    TruncatedPacket,
    /// Out-of-order bytes were given up because there were too many.
    BufferLimit,
    /// The connection was dropped because there were too many.
    Evicted,
    /// A keep-alive probe (its byte is no data).
    KeepAlive,
}
