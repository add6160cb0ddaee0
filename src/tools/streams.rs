//! The engine of `rctscope streams`: what every TCP connection carried, whatever protocol it speaks.
//!
//! Knows TCP events and the two forms of the report, and nothing of how a stream comes about.

use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::output::time_text::Rfc3339;
use crate::tcp::{ChunkBody, NoticeKind, TcpEvent};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Gaps of one direction that are told; a hostile capture could have any number.
const GAPS: usize = 65_536;

/// The ends of a connection, and how they were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who opened it.
    pub client: Endpoint,
    /// Who was connected to.
    pub server: Endpoint,
    /// How that was decided, in a word.
    pub decided_by: &'static str,
    /// Whether it began before the capture.
    pub midstream: bool,
    /// Its first packet's time.
    pub first: Timestamp,
}

/// How connections are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people.
    Text,
    /// A `stream` record of `schema/records-1.0.json`.
    Json,
}

/// Takes the bytes of a stream, to keep them somewhere: connection, direction, bytes.
pub type Dump<'a> = dyn FnMut(ConnectionId, Direction, &[u8]) -> io::Result<()> + 'a;

/// Reports each connection when it ends. A connection takes some 300 bytes until then, and 16 more for every gap.
pub struct Streams<'a, W> {
    out: W,
    format: Format,
    dump: Option<&'a mut Dump<'a>>,
    start: Option<Timestamp>,
    open: FxHashMap<ConnectionId, [Half; 2]>,
    clock: Rfc3339,
}

impl<W: std::fmt::Debug> std::fmt::Debug for Streams<'_, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").field("format", &self.format).field("open", &self.open.len()).finish_non_exhaustive()
    }
}

/// One direction.
#[derive(Clone, Default)]
struct Half {
    bytes: u64,
    sha256: Sha256,
    gaps: Vec<(u64, u64)>,
    gap_count: u64,
    conflict_count: u64,
    retransmission_count: u64,
    duplicate_count: u64,
}

impl<'a, W: Write> Streams<'a, W> {
    /// Reports to `out`, and hands all bytes to `dump`.
    pub fn new(out: W, format: Format, dump: Option<&'a mut Dump<'a>>) -> Self {
        Self { out, format, dump, start: None, open: FxHashMap::default(), clock: Rfc3339::default() }
    }

    /// Tells a packet's time. That of the first one is where `t` counts from.
    pub fn packet_at(&mut self, ts: Timestamp) {
        self.start.get_or_insert(ts);
    }

    /// Takes the next event. Returns the connection that ended with it, which is now to be [reported](Self::report).
    pub fn event(&mut self, event: &TcpEvent<'_>) -> io::Result<Option<ConnectionId>> {
        match event {
            TcpEvent::Opened(_) => {}
            TcpEvent::Chunk(chunk) => {
                let half = self.half(chunk.connection, chunk.direction);
                match chunk.body {
                    ChunkBody::Data(data) => {
                        half.bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
                        half.sha256.update(data);
                        if let Some(dump) = &mut self.dump {
                            dump(chunk.connection, chunk.direction, data)?;
                        }
                    }
                    ChunkBody::Gap { length, .. } => half.gap(chunk.offset, length),
                }
            }
            TcpEvent::Notice(notice) => {
                let half = self.half(notice.connection, notice.direction);
                match notice.kind {
                    NoticeKind::OverlapConflict { .. } => half.conflict_count += 1,
                    NoticeKind::Retransmission => half.retransmission_count += 1,
                    NoticeKind::DuplicatePacket => half.duplicate_count += 1,
                    _ => {}
                }
            }
            TcpEvent::Closed { connection, .. } => return Ok(Some(*connection)),
        }
        Ok(None)
    }

    /// Reports a connection that has ended.
    pub fn report(&mut self, connection: ConnectionId, ends: &Ends) -> io::Result<()> {
        let halves = self.open.remove(&connection).unwrap_or_default();
        match self.format {
            Format::Text => self.line(connection, ends, &halves),
            Format::Json => self.record(connection, ends, halves),
        }
    }

    /// Writes what has been gathered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn half(&mut self, connection: ConnectionId, direction: Direction) -> &mut Half {
        &mut self.open.entry(connection).or_default()[direction.index()]
    }

    fn line(&mut self, connection: ConnectionId, ends: &Ends, [to_server, to_client]: &[Half; 2]) -> io::Result<()> {
        let Ends { client, server, .. } = ends;
        write!(self.out, "{connection}  {client} > {server}  {} bytes", to_server.bytes)?;
        to_server.trouble(&mut self.out)?;
        write!(self.out, "  < {} bytes", to_client.bytes)?;
        to_client.trouble(&mut self.out)?;
        writeln!(self.out, "{}", if ends.midstream { "  began before the capture" } else { "" })
    }

    fn record(&mut self, connection: ConnectionId, ends: &Ends, [to_server, to_client]: [Half; 2]) -> io::Result<()> {
        write!(self.out, r#"{{"type":"stream","ts":"{}""#, self.clock.text(ends.first))?;
        if let Some(start) = self.start {
            let nanos = ends.first.nanos_since(start);
            let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
            let fraction = format!("{:09}", nanos % 1_000_000_000);
            let kept = fraction.trim_end_matches('0').len().max(1);
            write!(self.out, r#","t":{sign}{}.{}"#, nanos / 1_000_000_000, &fraction[..kept])?;
        }
        write!(self.out, r#","conn":{connection},"client":"{}","server":"{}""#, ends.client, ends.server)?;
        write!(self.out, r#","decided_by":"{}","midstream":{}"#, ends.decided_by, ends.midstream)?;
        writeln!(self.out, r#","to_server":{},"to_client":{}}}"#, to_server.json(), to_client.json())
    }
}

impl Half {
    fn gap(&mut self, offset: u64, length: u64) {
        if let Some((first, so_far)) = self.gaps.last_mut()
            && *first + *so_far == offset
        {
            // Two holes without a byte between them are one.
            *so_far += length;
            return;
        }
        self.gap_count += 1;
        if self.gaps.len() < GAPS {
            self.gaps.push((offset, length));
        }
    }

    fn trouble(&self, out: &mut impl Write) -> io::Result<()> {
        for (count, what) in [
            (self.gap_count, "missing"),
            (self.conflict_count, "in conflict"),
            (self.retransmission_count, "sent again"),
            (self.duplicate_count, "captured twice"),
        ] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        Ok(())
    }

    fn json(self) -> Json {
        let mut hash = String::with_capacity(64);
        for byte in self.sha256.finalize() {
            let _ = write!(hash, "{byte:02x}");
        }
        let gap = |(offset, length): (u64, u64)| json!({ "offset": offset, "length": length });
        json!({
            "bytes": self.bytes,
            "sha256": hash,
            "gaps": self.gaps.into_iter().map(gap).collect::<Vec<_>>(),
            "conflict_count": self.conflict_count,
            "retransmission_count": self.retransmission_count,
            "duplicate_count": self.duplicate_count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{ByteRange, PacketNumber};
    use crate::tcp::{Chunk, CloseReason, GapReason, Notice};

    const CONNECTION: ConnectionId = ConnectionId(1);

    fn chunk(direction: Direction, offset: u64, body: ChunkBody<'_>) -> TcpEvent<'_> {
        let (packet, ts) = (PacketNumber(1), Timestamp::default());
        TcpEvent::Chunk(Chunk { connection: CONNECTION, direction, offset, body, packet, ts, packet_offset: 54 })
    }

    fn report(format: Format) -> (String, Vec<u8>) {
        let gap = |length| ChunkBody::Gap { length, reason: GapReason::End };
        let notice = Notice {
            connection: CONNECTION,
            direction: Direction::ToClient,
            kind: NoticeKind::Retransmission,
            ts: Timestamp::default(),
            evidence: ByteRange { packet: PacketNumber(1), offset: 0, length: 0 },
        };
        let events = [
            TcpEvent::Opened(CONNECTION),
            chunk(Direction::ToServer, 0, ChunkBody::Data(b"ab")),
            chunk(Direction::ToServer, 2, gap(5)),
            chunk(Direction::ToServer, 7, gap(1)),
            chunk(Direction::ToServer, 8, ChunkBody::Data(b"c")),
            TcpEvent::Notice(notice),
            TcpEvent::Closed {
                connection: CONNECTION,
                reason: CloseReason::Fin,
                packet: PacketNumber(9),
                ts: Timestamp::default(),
            },
        ];
        let ends = Ends {
            client: Endpoint::new("192.0.2.1".parse().expect("v4"), 40000),
            server: Endpoint::new("192.0.2.20".parse().expect("v4"), 8899),
            decided_by: "handshake",
            midstream: false,
            first: Timestamp::from_nanos(1_500_000_000),
        };
        let mut dumped = Vec::new();
        let mut dump = |_: ConnectionId, _: Direction, bytes: &[u8]| {
            dumped.extend_from_slice(bytes);
            Ok(())
        };
        let mut out = Vec::new();
        let mut streams = Streams::new(&mut out, format, Some(&mut dump));
        streams.packet_at(Timestamp::default());
        for event in &events {
            if let Some(closed) = streams.event(event).expect("memory") {
                streams.report(closed, &ends).expect("memory");
            }
        }
        drop(streams);
        (String::from_utf8(out).expect("UTF-8"), dumped)
    }

    #[test]
    fn a_record() {
        let (text, dumped) = report(Format::Json);
        assert_eq!(dumped, b"abc");
        let record: Json = serde_json::from_str(&text).expect("JSON");
        assert!(
            text.starts_with(r#"{"type":"stream","ts":"1970-01-01T00:00:01.500000000Z","t":1.5,"conn":1,"client":"#)
        );
        assert_eq!(
            record["to_server"],
            json!({
                "bytes": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "gaps": [{ "offset": 2, "length": 6 }],
                "conflict_count": 0,
                "retransmission_count": 0,
                "duplicate_count": 0,
            })
        );
        assert_eq!(record["to_client"]["retransmission_count"], 1);
        assert_eq!(record["to_client"]["sha256"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_line() {
        let (text, _) = report(Format::Text);
        assert_eq!(text, "1  192.0.2.1:40000 > 192.0.2.20:8899  3 bytes, 1 missing  < 0 bytes, 1 sent again\n");
    }
}
