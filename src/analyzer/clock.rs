//! A clock that never goes back, out of time stamps that do.

use crate::packet::PacketNumber;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Time stamps out of order by less than this are two packets that changed places, not a clock that was set.
const JITTER_NANOS: i64 = 1_000_000_000;

/// How many times that the clock was set back are remembered: more than lie between a packet and the one that lets its bytes
/// through. Arbitrary.
const TURNS: usize = 1 << 10;

/// Follows the packets' time stamps. When they jump back, time goes on from where it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    /// What is added to a time stamp.
    shift: i64,
    /// From which packet on something else was added, and what had been before it.
    turns: VecDeque<(PacketNumber, i64)>,
    /// The latest time so far; `None` before the first packet.
    now: Option<Timestamp>,
}

impl Clock {
    /// The time of the next packet.
    #[inline]
    pub(super) fn read(&mut self, packet: PacketNumber, ts: Timestamp) -> Timestamp {
        let Some(now) = self.now else {
            self.now = Some(ts);
            return ts;
        };
        if self.shift == 0 && now <= ts && ts <= Timestamp::LATEST {
            self.now = Some(ts);
            return ts;
        }
        self.read_shifted(packet, ts, now)
    }

    fn read_shifted(&mut self, packet: PacketNumber, ts: Timestamp, now: Timestamp) -> Timestamp {
        let mut time = shifted(ts, self.shift);
        let behind = now.nanos_since(time);
        if behind > JITTER_NANOS {
            if self.turns.len() == TURNS {
                self.turns.pop_front();
            }
            self.turns.push_back((packet, self.shift));
            self.shift = self.shift.saturating_add(behind);
            time = now;
        }
        self.now = Some(now.max(time));
        time
    }

    /// The time of an earlier packet, as [`Self::read`] told it then.
    pub(super) fn of(&self, packet: PacketNumber, ts: Timestamp) -> Timestamp {
        let turned = self.turns.partition_point(|(from, _)| *from <= packet);
        shifted(ts, self.turns.get(turned).map_or(self.shift, |(_, before)| *before))
    }
}

fn shifted(ts: Timestamp, shift: i64) -> Timestamp {
    Timestamp::from_nanos(ts.nanos().saturating_add(shift)).min(Timestamp::LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_clock_set_back_goes_on_from_where_it_was() {
        let mut clock = Clock::default();
        let read: Vec<_> = [7200, 7201, 3601, 3602, 90_000].map(|s| clock.read(PacketNumber(1), at(s))).to_vec();
        assert_eq!(read, [7200, 7201, 7201, 7202, 93_600].map(at));
    }

    #[test]
    fn two_packets_that_changed_places_stay_as_they_are() {
        let mut clock = Clock::default();
        let (first, second) = (Timestamp::from_nanos(5_000), Timestamp::from_nanos(4_000));
        assert_eq!((clock.read(PacketNumber(1), first), clock.read(PacketNumber(2), second)), (first, second));
    }

    proptest! {
        #[test]
        fn the_time_of_an_earlier_packet_is_what_was_told_of_it(stamps in prop::collection::vec(-20_000_i64..20_000, 1..60)) {
            let mut clock = Clock::default();
            let packets = || (1..).map(PacketNumber).zip(stamps.iter().map(|ms| Timestamp::from_nanos(ms * 1_000_000)));
            let told: Vec<_> = packets().map(|(packet, ts)| clock.read(packet, ts)).collect();
            let again: Vec<_> = packets().map(|(packet, ts)| clock.of(packet, ts)).collect();
            prop_assert_eq!(told, again);
        }
    }
}
