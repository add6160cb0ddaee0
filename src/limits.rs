//! Every bound of memory and patience, in one place. Reaching one is an event, never silence and never a crash.
//!
//! Where a number is arbitrary it says so: it was chosen to be far above what real captures hold and far below what
//! hurts.

use std::time::Duration;

/// Bytes of one capture record (packet or pcapng block that is read). Real packets end at 64 KiB, offloaded ones at
/// 512 KiB; above this the length field is taken for corrupt.
pub const RECORD_BYTES: usize = 16 << 20;

/// The reader's buffer before a longer record makes it grow: large enough to make system calls cheap, small enough
/// to stay in the cache.
pub const READ_BUFFER_BYTES: usize = 256 << 10;

/// The buffer of one more file when many are read at once, and of a first look at one.
pub const SMALL_READ_BUFFER_BYTES: usize = 16 << 10;

/// Files of a session that are read with a full buffer; those open beyond it get a small one.
pub const FULL_READ_BUFFERS: usize = 4;

/// Memory that unpacking may take for what was unpacked before (zstd's window, xz's dictionary): what their
/// strongest ordinary settings need.
pub const UNPACK_WINDOW_BYTES: u32 = 128 << 20;

/// The same for all files that are read at once, as those are whose times overlap; beyond, one more is not read. Four of
/// the largest, some 60 of those that xz writes unless told otherwise, and more of zstd's.
pub const UNPACK_WINDOWS_BYTES_TOTAL: u64 = 512 << 20;

/// Interfaces of one pcapng section; packets of those beyond are skipped as unknown. Arbitrary.
pub const INTERFACES: usize = 65_536;

/// Notices of one kind about one file; further ones are not told. Arbitrary.
pub const NOTICES_PER_KIND: u64 = 100;

/// How often the files of a session may take turns before it is forgotten which file the oldest packets are from.
pub const FILE_RUNS: usize = 1 << 18;

/// TCP connections kept at once; beyond, the one silent for longest is dropped and reported.
///
/// One that carries data takes up to 4.5 KiB, so that a flood of them takes 300 MB.
pub const CONNECTIONS: usize = 65_536;

/// A connection silent for this long is over.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long a closed connection is remembered, so that its stray last packets open no new one.
pub const TOMBSTONE: Duration = Duration::from_secs(60);

/// Out-of-order bytes held per direction before its oldest hole is given up.
pub const PENDING_BYTES_PER_DIRECTION: usize = 4 << 20;

/// Out-of-order bytes held by all connections together.
pub const PENDING_BYTES_TOTAL: usize = 128 << 20;

/// What one held piece costs beside its bytes; charged to the two budgets above, so that a flood of one-byte pieces
/// is bounded too.
pub const PENDING_PIECE_OVERHEAD: usize = 64;

/// Delivered bytes remembered, by all connections together, so that a later copy of them can be compared: as many as 8
/// directions have ([`HISTORY_BYTES_PER_DIRECTION`]), while a bridge serves five clients or so, who send little themselves.
/// Retransmissions come within seconds. More would not stay in a processor's cache: all of it is written again and again.
pub const HISTORY_BYTES: usize = 512 << 10;

/// Delivered bytes of one direction that a later copy is compared with.
pub const HISTORY_BYTES_PER_DIRECTION: u64 = 64 << 10;

/// Packets remembered, by all connections together, to tell a packet captured twice from one sent twice: as many as 32
/// connections look through ([`REMEMBERED_PACKETS_PER_DIRECTION`]).
pub const REMEMBERED_PACKETS: usize = 4 << 10;

/// Packets of one direction among which a duplicate is looked for.
pub const REMEMBERED_PACKETS_PER_DIRECTION: usize = 64;

/// Two captures of one packet on one path are at most this far apart: a sender waits longer before it repeats.
pub const DUPLICATE_SPREAD: Duration = Duration::from_millis(50);

/// A segment further ahead than this (or twice the receive window) is a stray until a second one agrees with it.
pub const STRAY_DISTANCE: u64 = 16 << 20;

/// An acknowledged hole is given up after this time or this many packets of its connection: captures of several
/// queues show an acknowledgment before the data it is for, but not by as much.
pub const ACKNOWLEDGED_HOLE: Duration = Duration::from_secs(1);

/// See [`ACKNOWLEDGED_HOLE`].
pub const ACKNOWLEDGED_HOLE_PACKETS: u64 = 64;

/// A hole that nobody acknowledges is given up after this time.
pub const HOLE_PATIENCE: Duration = Duration::from_secs(30);

/// The same where only one direction was captured, so that no acknowledgment can be seen.
pub const ONE_SIDED_HOLE_PATIENCE: Duration = Duration::from_secs(5);

/// Without a handshake the first data is held this long: an earlier segment may come after it.
pub const PREROLL: Duration = Duration::from_millis(200);

/// Without a handshake the first data is held until there are this many segments.
pub const PREROLL_SEGMENTS: u32 = 3;

/// How long a reset connection may show that it lives on before it is closed.
pub const RESET_LINGER: Duration = Duration::from_secs(1);

/// Data on a closed connection's ports within this distance of its end is a stray of it, not a new connection.
pub const STRAY_AFTER_CLOSE: u32 = 1 << 20;

/// Datagrams waiting for fragments.
pub const FRAGMENTED_DATAGRAMS: usize = 1024;

/// How long a datagram waits for its fragments, in capture time.
pub const FRAGMENT_PATIENCE: Duration = Duration::from_secs(30);

/// IP headers inside one another (tunnels) before a packet is given up as hostile.
pub const NESTED_IP_HEADERS: usize = 8;

/// Bytes of one unescaped frame: 2 of header, 65,535 of declared length, 2 of CRC, and room for a lie.
pub const FRAME_BYTES: usize = 66 << 10;

/// Bytes of frames that do not go on yet, held by all connections together. Beyond, those of a connection that holds more
/// than [`UNFINISHED_FRAME_BYTES`] are handed out as they are.
pub const UNFINISHED_BYTES_TOTAL: usize = 64 << 20;

/// What a piece of such a frame, as much of it as a packet brings, costs beside its bytes: where each came from is kept.
/// Charged to the budget above, so that a flood of one-byte pieces is bounded too.
pub const UNFINISHED_PIECE_OVERHEAD: usize = 64;

/// What a connection may hold of a frame in any case: most frames are shorter.
pub const UNFINISHED_FRAME_BYTES: usize = 1 << 10;

/// Bytes of frames and of what is none that wait for their turn at one place; beyond, the first goes on. Arbitrary.
pub const WAITING_BYTES: usize = 32 << 20;

/// Steps that a packet, or the end of a capture, brings in one go; the rest follows when they have been taken. So many that
/// it takes an attack, so few that they take a few megabytes.
pub const STEPS_AT_ONCE: usize = 16_384;

/// A right frame inside one that goes on and on is handed out after this time. The outer one may still end: a segment that
/// was lost on its way comes again within that, as [`HOLE_PATIENCE`] has it.
pub const FRAME_PATIENCE: Duration = HOLE_PATIENCE;

/// Bytes of a connection on an unknown port that are looked at before it is taken for another protocol.
pub const PROBE_BYTES: u64 = 16 << 10;

/// What has been found on connections whose protocol is not known yet, of all of them together. Beyond, one that brings
/// more is taken for another protocol, unless it has shown a right frame: ours does so with the first that is whole.
pub const UNPROVEN_BYTES_TOTAL: usize = 64 << 20;

/// What one thing found costs beside its bytes; charged to the budget above, so that a flood of short ones is bounded too.
pub const UNPROVEN_ITEM_OVERHEAD: usize = 256;

/// Pieces of one frame that an anomaly names as evidence: the first ones, and the one that completed it. Arbitrary.
pub const EVIDENCE_SPANS: usize = 512;

/// Connections of one device on which copies of an answer are looked for and waited for. A bridge serves five or so; more is
/// an attack.
pub const COPIES: usize = 64;

/// Devices without a connection of which is kept what is known; beyond, the one that has been without for longest is
/// forgotten. Some 4 KB each; arbitrary.
pub const DEVICES_AT_REST: usize = 4096;

/// Bytes of one packet that are handed on at a time. More than that come only in packets that were offloaded, up to
/// 512 KiB, or made up, up to [`RECORD_BYTES`]: these come in parts, so that [`STEPS_AT_ONCE`] holds for them, too.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Bytes of the last answers and WRITEs that are kept whole to compare later ones with, by the lines of all devices together.
/// Beyond, of one more is kept how long it was and a hash. All objects of a device take some 200 KB; arbitrary.
pub const REMEMBERED_BYTES_TOTAL: usize = 32 << 20;

/// What one of them costs beside its bytes and its pieces; charged to the budget above. One that is as short as most, and came
/// in one piece, costs nothing: it takes no room of its own.
pub const REMEMBERED_FRAME_OVERHEAD: usize = 128;

/// Objects of which the lines of all devices together know something: all that 290 devices have, some 300 bytes each.
/// Beyond, one that gets to know more than [`REMEMBERED_OBJECTS_PER_DEVICE`] forgets the others, and of those without a
/// connection the one that has been so for longest is forgotten.
pub const REMEMBERED_OBJECTS_TOTAL: usize = 1 << 18;

/// Objects that a device may have in any case: they take as much as the device itself.
pub const REMEMBERED_OBJECTS_PER_DEVICE: usize = 16;

/// Requests open on one device's line.
pub const OPEN_REQUESTS: usize = 4096;

/// Bytes of open requests that are longer than most, on the lines of all devices together; beyond, the oldest requests on the
/// line of one more are told as they stand. Arbitrary: clients write texts of 64 bytes, one at a time.
pub const OPEN_REQUEST_BYTES_TOTAL: usize = 32 << 20;

/// How long a request is waited for, unless the user says otherwise.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
