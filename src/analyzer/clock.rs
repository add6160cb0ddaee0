//! A clock that never goes back, out of time stamps that do.

use crate::time::Timestamp;

/// Time stamps out of order by less than this are two packets that changed places, not a clock that was set.
const JITTER_NANOS: i64 = 1_000_000_000;

/// Follows the packets' time stamps. When they jump back, time goes on from where it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// What is added to a time stamp.
    shift: i64,
    /// The latest time so far; `None` before the first packet.
    now: Option<Timestamp>,
}

impl Clock {
    /// The time of the next packet.
    pub(super) fn read(&mut self, ts: Timestamp) -> Timestamp {
        let Some(now) = self.now else {
            self.now = Some(ts);
            return ts;
        };
        if self.shift == 0 && now <= ts && ts <= Timestamp::LATEST {
            self.now = Some(ts);
            return ts;
        }
        let mut time = Timestamp::from_nanos(ts.nanos().saturating_add(self.shift)).min(Timestamp::LATEST);
        let behind = now.nanos_since(time);
        if behind > JITTER_NANOS {
            self.shift = self.shift.saturating_add(behind);
            time = now;
        }
        self.now = Some(now.max(time));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_clock_set_back_goes_on_from_where_it_was() {
        let mut clock = Clock::default();
        let read: Vec<_> = [7200, 7201, 3601, 3602, 90_000].map(|s| clock.read(at(s))).to_vec();
        assert_eq!(read, [7200, 7201, 7201, 7202, 93_600].map(at));
    }

    #[test]
    fn two_packets_that_changed_places_stay_as_they_are() {
        let mut clock = Clock::default();
        let (first, second) = (Timestamp::from_nanos(5_000), Timestamp::from_nanos(4_000));
        assert_eq!((clock.read(first), clock.read(second)), (first, second));
    }
}
