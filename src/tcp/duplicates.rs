//! Tells a packet that was captured twice from one that was sent twice.
//!
//! A capture of two interfaces, or of a mirror port that sees both sides of a router, holds packets twice. Nothing was
//! sent again then, and nothing is wrong with the network.

use super::log::{Log, Trail};
use crate::limits::{DUPLICATE_SPREAD, REMEMBERED_PACKETS, REMEMBERED_PACKETS_PER_DIRECTION};
use crate::net::{Fingerprint, Segment, Seq, TcpFlags};
use crate::time::Timestamp;

/// The packets seen lately, of all connections.
#[derive(Debug)]
pub(super) struct Sightings(Log<Sighting>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sighting {
    seq: Seq,
    ack: Seq,
    flags: TcpFlags,
    length: u32,
    ts: Timestamp,
    fingerprint: Fingerprint,
}

impl Sighting {
    #[inline]
    fn of(segment: &Segment<'_>) -> Self {
        Self {
            seq: segment.seq,
            ack: segment.ack,
            flags: segment.flags,
            length: segment.wire_length(),
            ts: segment.ts,
            fingerprint: segment.fingerprint,
        }
    }

    fn is_same_packet(&self, other: &Self) -> bool {
        let (a, b) = (&self.fingerprint, &other.fingerprint);
        let same_header = (self.seq, self.ack, self.flags, self.length, a.ip_id, a.checksum, a.ts_val)
            == (other.seq, other.ack, other.flags, other.length, b.ip_id, b.checksum, b.ts_val);
        let elsewhere = (a.ttl, a.path) != (b.ttl, b.path);
        same_header && (elsewhere || self.ts.nanos_since(other.ts).unsigned_abs() <= spread())
    }
}

fn spread() -> u64 {
    u64::try_from(DUPLICATE_SPREAD.as_nanos()).unwrap_or(u64::MAX)
}

impl Sightings {
    pub(super) const fn new() -> Self {
        Self(Log::new(REMEMBERED_PACKETS))
    }

    /// Whether the owner of `trail` has seen this very packet lately.
    pub(super) fn contains(&self, trail: Trail, segment: &Segment<'_>) -> bool {
        let sighting = Sighting::of(segment);
        self.0.walk(trail).take(REMEMBERED_PACKETS_PER_DIRECTION).any(|earlier| sighting.is_same_packet(earlier))
    }

    /// Remembers a packet.
    #[inline]
    pub(super) fn note(&mut self, trail: &mut Trail, segment: &Segment<'_>) {
        self.0.push(trail, Sighting::of(segment));
    }
}
