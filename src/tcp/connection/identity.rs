//! Which connection a segment belongs to, when its two ends have had one before, and which end is the client.

use super::{Base, Connection, DecidedBy, Life, Relation};
use crate::endpoint::{Direction, Endpoint};
use crate::limits::STRAY_AFTER_CLOSE;
use crate::net::Segment;

impl Connection {
    /// Whether `segment`, which goes this way, belongs to this connection, or to the next one on the same ports.
    #[inline]
    pub(in crate::tcp) fn relation(&self, segment: &Segment<'_>, direction: Direction) -> Relation {
        match (segment.flags.syn() && !segment.flags.rst(), self.life.is_over()) {
            (true, true) => self.relation_of_late_syn(segment, direction),
            (true, false) => self.relation_of_syn(segment, direction),
            (false, true) => self.relation_after_close(segment, direction),
            (false, false) => Relation::Same,
        }
    }

    /// A SYN on a connection that is over opens the next one, even with the same number; only a SYN-ACK may be an
    /// old one sent again.
    fn relation_of_late_syn(&self, segment: &Segment<'_>, direction: Direction) -> Relation {
        if segment.flags.ack() && self.has_opened_with(segment, direction) {
            Relation::Stray
        } else {
            Relation::Successor
        }
    }

    fn relation_of_syn(&self, segment: &Segment<'_>, direction: Direction) -> Relation {
        let sender = self.senders[direction.index()];
        let same = match sender.base {
            _ if self.has_opened_with(segment, direction) => true,
            // Before data, the answer to our SYN may change its mind (SYN cookies, a server that restarted).
            Base::Syn => {
                segment.flags.ack() && self.half(direction).is_none() && self.is_answered_by(segment, direction)
            }
            Base::Acknowledged | Base::Announced => self.is_shortly_before_data(segment, direction),
            Base::Unknown if sender.seen => self.is_shortly_before_data(segment, direction),
            // The first packet of this side: the answer to a SYN, or a SYN of its own at the same time.
            Base::Unknown => !segment.flags.ack() || self.is_answered_by(segment, direction),
        };
        if same { Relation::Same } else { Relation::Successor }
    }

    fn has_opened_with(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        let known = self.senders[direction.index()].base != Base::Unknown;
        known && self.bases[direction.index()] == segment.seq.advanced(1)
    }

    /// Whether a SYN-ACK acknowledges the SYN of the other side (and the data in it, perhaps).
    fn is_answered_by(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        let other = self.opposite(direction).index();
        let ahead = segment.ack.distance_from(self.bases[other]);
        self.senders[other].base != Base::Syn || (0..=i32::from(u16::MAX)).contains(&ahead)
    }

    /// A SYN that the capture shows after the first data it opened.
    fn is_shortly_before_data(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        let ahead = self.bases[direction.index()].distance_from(segment.seq.advanced(1));
        self.packet_count < 16 && self.half(direction).is_some() && (0..=i32::from(u16::MAX)).contains(&ahead)
    }

    fn relation_after_close(&self, segment: &Segment<'_>, direction: Direction) -> Relation {
        if segment.wire_length() == 0 || segment.flags.rst() {
            return Relation::Stray;
        }
        let ahead = segment.seq.distance_from(self.ends[direction.index()]);
        let goes_on = self.life == Life::Reset && ahead >= 0;
        if goes_on || ahead.unsigned_abs() > STRAY_AFTER_CLOSE { Relation::Successor } else { Relation::Stray }
    }
}

/// Who is the client, who the server, and how that was decided.
pub(super) fn ends(segment: &Segment<'_>, server_ports: &[u16]) -> (Endpoint, Endpoint, DecidedBy) {
    let (src, dst) = (segment.src, segment.dst);
    let named = |end: Endpoint| server_ports.contains(&end.port);
    if segment.flags.syn() {
        let (client, server) = if segment.flags.ack() { (dst, src) } else { (src, dst) };
        return (client, server, DecidedBy::Handshake);
    }
    match (named(src), named(dst)) {
        (false, true) => (src, dst, DecidedBy::Port),
        (true, false) => (dst, src, DecidedBy::Port),
        _ if dst.port < src.port => (src, dst, DecidedBy::LowerPort),
        _ if src.port < dst.port => (dst, src, DecidedBy::LowerPort),
        _ => (src, dst, DecidedBy::FirstSender),
    }
}
