//! The TCP streams of a capture, whatever protocol they carry: how many bytes, which are missing, and a fingerprint.
//!
//! Knows nothing of frames. How a time is written is the business of `output`, where bytes are stored of the caller.

use crate::capture::Session;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::net::{Decoded, Decoder};
use crate::tcp::{Assembler, Chunk, ChunkBody, CloseReason, DecidedBy, DirectionStats, Drain, Options, TcpEvent};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// One TCP connection, told when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its number.
    pub id: ConnectionId,
    /// When it ended, or the last packet's time where it did not.
    pub ts: Timestamp,
    /// How it ended.
    pub closed: CloseReason,
    /// The end that opened it.
    pub client: Endpoint,
    /// The end that was connected to.
    pub server: Endpoint,
    /// How the two were told apart.
    pub decided_by: DecidedBy,
    /// Whether it began before the capture.
    pub midstream: bool,
    /// The time of its first packet.
    pub first: Timestamp,
    /// Its packets, both directions.
    pub packet_count: u64,
    /// From client to server.
    pub to_server: StreamSide,
    /// From server to client.
    pub to_client: StreamSide,
}

/// One direction of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSide {
    /// SHA-256 of the bytes, gaps left out.
    pub sha256: [u8; 32],
    /// Missing bytes as stream offset and length, in order. Adjacent ones are one.
    pub gaps: Vec<(u64, u64)>,
    /// What else happened.
    pub stats: DirectionStats,
}

/// What [`run`] hands out.
#[derive(Clone, Copy, Debug)]
pub enum StreamEvent<'a> {
    /// The next bytes of one direction. Those of one direction come in order; gaps between them are left out.
    Data {
        /// The connection.
        id: ConnectionId,
        /// Sender.
        src: Endpoint,
        /// Receiver.
        dst: Endpoint,
        /// Which way.
        direction: Direction,
        /// Stream offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A connection is over.
    Over(&'a Stream),
}

/// Reads a session to its end and hands out all streams. Stops at the first error of `handle`.
pub fn run<E>(
    session: &mut Session,
    options: Options,
    mut handle: impl FnMut(StreamEvent<'_>) -> Result<(), E>,
) -> Result<Decoder, E> {
    let mut decoder = Decoder::new();
    let mut assembler = Assembler::new(options);
    let mut open = Open::default();
    while let Some(packet) = session.next_packet() {
        let drain = match decoder.decode(&packet) {
            Decoded::Segment(segment) => {
                open.collect(assembler.push(&segment), &mut handle)?;
                continue;
            }
            _ => assembler.tick(packet.number, packet.ts),
        };
        open.collect(drain, &mut handle)?;
    }
    open.collect(assembler.finish(), &mut handle)?;
    Ok(decoder)
}

/// The connections that are not over yet.
#[derive(Default)]
struct Open(FxHashMap<ConnectionId, Growing>);

struct Growing {
    client: Endpoint,
    server: Endpoint,
    sides: [GrowingSide; 2],
}

#[derive(Default)]
struct GrowingSide {
    hash: Sha256,
    gaps: Vec<(u64, u64)>,
}

impl Open {
    fn collect<E>(
        &mut self,
        mut drain: Drain<'_>,
        handle: &mut impl FnMut(StreamEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(event) = drain.next() {
            match event {
                TcpEvent::Opened(id) => self.open(id, &drain),
                TcpEvent::Chunk(chunk) => {
                    if let Some(data) = self.grow(&chunk) {
                        handle(data)?;
                    }
                }
                TcpEvent::Closed { connection, reason, ts, .. } => {
                    if let Some(stream) = self.close(connection, reason, ts, &drain) {
                        handle(StreamEvent::Over(&stream))?;
                    }
                }
                TcpEvent::Notice(_) => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, id: ConnectionId, drain: &Drain<'_>) {
        if let Some(connection) = drain.connection(id) {
            let (client, server) = (connection.client(), connection.server());
            self.0.insert(id, Growing { client, server, sides: Default::default() });
        }
    }

    fn grow<'a>(&mut self, chunk: &Chunk<'a>) -> Option<StreamEvent<'a>> {
        let growing = self.0.get_mut(&chunk.connection)?;
        let (client, server) = (growing.client, growing.server);
        let (src, dst) = match chunk.direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let side = &mut growing.sides[chunk.direction.index()];
        match chunk.body {
            ChunkBody::Data(bytes) => {
                side.hash.update(bytes);
                let (id, direction, offset) = (chunk.connection, chunk.direction, chunk.offset);
                Some(StreamEvent::Data { id, src, dst, direction, offset, bytes })
            }
            ChunkBody::Gap { length, .. } => {
                side.miss(chunk.offset, length);
                None
            }
        }
    }

    fn close(&mut self, id: ConnectionId, closed: CloseReason, ts: Timestamp, drain: &Drain<'_>) -> Option<Stream> {
        let connection = drain.connection(id)?;
        let [to_server, to_client] = self.0.remove(&id)?.sides;
        Some(Stream {
            id,
            ts,
            closed,
            client: connection.client(),
            server: connection.server(),
            decided_by: connection.decided_by(),
            midstream: connection.midstream(),
            first: connection.first(),
            packet_count: connection.packet_count(),
            to_server: to_server.finish(connection.stats(Direction::ToServer)),
            to_client: to_client.finish(connection.stats(Direction::ToClient)),
        })
    }
}

impl GrowingSide {
    fn miss(&mut self, offset: u64, length: u64) {
        match self.gaps.last_mut() {
            Some((start, missing)) if *start + *missing == offset => *missing += length,
            _ => self.gaps.push((offset, length)),
        }
    }

    fn finish(self, stats: DirectionStats) -> StreamSide {
        StreamSide { sha256: self.hash.finalize().into(), gaps: self.gaps, stats }
    }
}

/// The name of a file for one direction of a connection: `1.192.0.2.1-52730_192.0.2.20-8899.to_server.bin`.
pub fn file_name(id: ConnectionId, client: Endpoint, server: Endpoint, direction: Direction) -> String {
    let direction = match direction {
        Direction::ToServer => "to_server",
        Direction::ToClient => "to_client",
    };
    let name = format!("{id}.{}-{}_{}-{}.{direction}.bin", client.ip, client.port, server.ip, server.port);
    // The colons of IPv6 are not allowed in file names everywhere.
    name.replace(':', "-")
}

impl Stream {
    /// The `stream` record as one JSON line without its end. `ts` and `first` are its times as they are to be written.
    pub fn json_line(&self, ts: &str, first: &str) -> String {
        let mut line = String::with_capacity(512);
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            r#"{{"type":"stream","ts":"{ts}","ts_first":"{first}","conn":{},"client":"{}","server":"{}","#,
            self.id, self.client, self.server
        );
        let _ = write!(
            line,
            r#""decided_by":"{}","midstream":{},"closed":"{}","packet_count":{},"to_server":"#,
            self.decided_by.name(),
            self.midstream,
            closed_name(self.closed),
            self.packet_count
        );
        self.to_server.write_json(&mut line);
        line.push_str(r#","to_client":"#);
        self.to_client.write_json(&mut line);
        line.push('}');
        line
    }

    /// The connection in a table of 80 columns below [`TABLE_HEADER`]; ends too long for it get a line of their own.
    pub fn table_row(&self) -> String {
        let (client, server) = (self.client.to_string(), self.server.to_string());
        let mut row = format!("{:>5} ", self.id.0);
        if client.len() <= END_WIDTH && server.len() <= END_WIDTH {
            let _ = write!(row, "{client:<END_WIDTH$} {server:<END_WIDTH$}");
        } else {
            let _ = write!(row, "{client} {server}\n{:49}", "");
        }
        let gaps = self.to_server.gaps.len() + self.to_client.gaps.len();
        let sides = [self.to_server.stats, self.to_client.stats];
        let again: u64 = sides.iter().map(|stats| stats.retransmission_count).sum();
        let _ = write!(row, " {:>9} {:>9} {gaps:>4} {again:>5}", sides[0].bytes, sides[1].bytes);
        row
    }
}

/// Wide enough for any IPv4 address with a port.
const END_WIDTH: usize = 21;

/// The header over [`Stream::table_row`].
pub const TABLE_HEADER: &str = " conn client                server                to server to client gaps again";

impl StreamSide {
    fn write_json(&self, line: &mut String) {
        let _ = write!(line, r#"{{"bytes":{},"sha256":""#, self.stats.bytes);
        for byte in self.sha256 {
            let _ = write!(line, "{byte:02x}");
        }
        line.push_str(r#"","gaps":["#);
        for (index, (offset, length)) in self.gaps.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(line, r#"{comma}{{"offset":{offset},"length":{length}}}"#);
        }
        let stats = &self.stats;
        let _ = write!(
            line,
            r#"],"conflict_count":{},"retransmission_count":{},"duplicate_count":{},"out_of_order_count":{}}}"#,
            stats.conflict_count, stats.retransmission_count, stats.duplicate_count, stats.out_of_order_count
        );
    }
}

/// The name in records.
const fn closed_name(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Fin => "fin",
        CloseReason::Reset => "reset",
        CloseReason::PortReuse => "port_reuse",
        CloseReason::Idle => "idle",
        CloseReason::Evicted => "evicted",
        CloseReason::EndOfCapture => "end_of_capture",
    }
}
