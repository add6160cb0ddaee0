//! Trouble of the capture and of TCP is told, and connections that have ended are.

use super::closed::Closed;
use super::step::{Kind, Step};
use super::stream::Protocol;
use super::trouble::Trouble;
use super::work::Work;
use crate::anomaly::Code;
use crate::endpoint::{ConnectionId, Direction};
use crate::net::Decoder;
use crate::packet::{ByteRange, PacketNumber};
use crate::tcp::{Chunk, ChunkBody, CloseReason, Connection, DecidedBy, GapReason, Notice, NoticeKind};
use crate::time::Timestamp;

/// Ports named in the summary.
const PORTS_SHOWN: usize = 5;

/// Notices kept of a connection whose protocol is not known yet.
const NOTICES_KEPT: usize = 16;

impl Work {
    fn report(
        &mut self,
        code: Code,
        ts: Timestamp,
        connection: Option<ConnectionId>,
        evidence: impl IntoIterator<Item = ByteRange>,
        message: impl Into<String>,
    ) {
        let (clock, packet) = (self.now, self.packet);
        let (evidence, message) = (evidence.into_iter().collect(), message.into());
        // The end of a connection hurts whoever waits on it.
        let only_if_waiting = code == Code::Reset;
        let trouble = Trouble { code, ts, clock, packet, connection, evidence, message, only_if_waiting };
        self.steps.push(Step(Kind::Trouble(Box::new(trouble))));
    }

    /// Something that the reader of the capture noticed.
    pub(super) fn notice(&mut self, code: Code, packet: Option<PacketNumber>, ts: Option<Timestamp>, message: String) {
        let evidence = packet.map(|packet| ByteRange { packet, offset: 0, length: 0 });
        self.report(code, ts.unwrap_or(self.ts), None, evidence, message);
    }

    /// Packets that could not be read, by link type.
    pub(super) fn report_decoder(&mut self, decoder: &Decoder) {
        let unsupported: Vec<_> = decoder.unsupported_link_types().collect();
        for (link_type, count) in unsupported {
            let message = format!("link type {} cannot be read; {count} packets skipped", link_type.0);
            self.report(Code::UnsupportedLinkType, self.ts, None, None, message);
        }
    }

    /// Something about a connection. Of other protocols nothing is reported.
    pub(super) fn tcp_notice(&mut self, notice: &Notice) {
        let Some(stream) = self.streams.get_mut(notice.connection) else { return };
        match stream.protocol {
            Protocol::Rct => {}
            Protocol::Unknown(_) => {
                if stream.notices.len() < NOTICES_KEPT {
                    stream.notices.push(*notice);
                }
                return;
            }
            Protocol::Foreign => return,
        }
        let at = notice.evidence;
        let (code, message, also) = match notice.kind {
            NoticeKind::Midstream => (Code::Midstream, "began before the capture".into(), None),
            NoticeKind::OverlapConflict { length, first, .. } => {
                let message = format!("{length} bytes sent again with other content; the first copy counts");
                (Code::OverlapConflict, message, Some(first))
            }
            NoticeKind::Reset => (Code::Reset, "reset while a request was waiting".into(), None),
            NoticeKind::SuspiciousReset => (Code::SuspiciousReset, "RST outside the window, ignored".into(), None),
            NoticeKind::DataAfterReset => (Code::DataAfterReset, "data after an RST; the stream goes on".into(), None),
            NoticeKind::OutOfWindow => (Code::StraySegment, "far ahead of the stream, dropped".into(), None),
            NoticeKind::DataAfterFin => (Code::StraySegment, "behind the end of the stream, dropped".into(), None),
            NoticeKind::LateData => (Code::StraySegment, "for a hole that had been given up, dropped".into(), None),
            NoticeKind::BadChecksum => (Code::BadChecksum, "wrong TCP checksum, dropped".into(), None),
            NoticeKind::BufferLimit => (Code::Limit, "too many bytes out of order; a hole was given up".into(), None),
            NoticeKind::Evicted => (Code::Limit, "too many connections; this one was dropped".into(), None),
            _ => return,
        };
        self.report(code, notice.ts, Some(notice.connection), [at].into_iter().chain(also), message);
    }

    /// There is no room for the frame that a connection does not finish.
    pub(super) fn full(&mut self, id: ConnectionId) {
        let message = "too many bytes of unfinished frames; the one of this connection was given up";
        let at = ByteRange { packet: self.packet, offset: 0, length: 0 };
        self.report(Code::Limit, self.ts, Some(id), [at], message);
    }

    /// Bytes that were never captured.
    pub(super) fn gap(&mut self, chunk: &Chunk<'_>) {
        let ChunkBody::Gap { length, reason } = chunk.body else { return };
        let Some(stream) = self.streams.get(chunk.connection).filter(|s| s.protocol == Protocol::Rct) else { return };
        let from = if chunk.direction == Direction::ToServer { stream.client } else { stream.server };
        if reason == GapReason::Snapped {
            self.snapped_count += 1;
            return;
        }
        let message = format!("{length} bytes from {from} at stream offset {} are not in the capture", chunk.offset);
        let at = ByteRange { packet: chunk.packet, offset: chunk.packet_offset, length: 0 };
        self.report(Code::Gap, self.ts, Some(chunk.connection), [at], message);
    }

    /// A connection has ended. What follows from it waits for the frames before it.
    pub(super) fn closed(&mut self, connection: &Connection, reason: CloseReason) {
        let id = connection.id();
        let Some(stream) = self.streams.get(id) else { return };
        if stream.protocol != Protocol::Rct {
            let port = connection.server().port;
            *self.other_ports.entry(port).or_default() += connection.carried_bytes();
            return;
        }
        let stats = [Direction::ToServer, Direction::ToClient].map(|direction| connection.stats(direction));
        let only_from = match [Direction::ToServer, Direction::ToClient].map(|way| connection.has_sent(way)) {
            [true, false] => Some(connection.client()),
            [false, true] => Some(connection.server()),
            _ => None,
        };
        self.put_closed(Closed {
            id,
            client: connection.client(),
            server: connection.server(),
            opened_seen: connection.decided_by() == DecidedBy::Handshake,
            first: connection.first(),
            last: connection.last(),
            packet_count: connection.packet_count(),
            retransmission_count: stats.iter().map(|stats| stats.retransmission_count).sum(),
            only_from,
            reason,
            packet: self.packet,
            ts: self.ts,
        });
    }

    /// What is told of other protocols, and of packets that were cut.
    pub(super) fn summarize(&mut self) {
        if self.snapped_count > 0 {
            let message =
                format!("{} packets of the protocol were captured shorter than they were", self.snapped_count);
            self.report(Code::SnaplenCut, self.ts, None, None, message);
        }
        let mut ports: Vec<_> = self.other_ports.drain().filter(|(_, bytes)| *bytes > 0).collect();
        ports.sort_by_key(|(port, bytes)| (std::cmp::Reverse(*bytes), *port));
        ports.truncate(PORTS_SHOWN);
        self.totals.other_ports = ports;
    }
}
