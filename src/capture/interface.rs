//! The interfaces of a capture: what is needed to read their packets, and what goes wrong on each.

use super::notice::{Log, NoticeKind, Place, Tally};
use crate::limits;
use crate::packet::{LinkType, PacketNumber};
use crate::time::Timestamp;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// How many nanoseconds one tick of an interface's clock has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// Ticks of a nanosecond or longer: `ticks * factor`.
    Multiply(i128),
    /// Shorter ticks: `ticks / divisor`.
    Divide(i128),
    /// Ticks of 2^-n seconds.
    Shift(u32),
}

impl Resolution {
    /// pcapng's, unless an interface says otherwise.
    pub(super) const MICROSECONDS: Self = Self::Multiply(1000);

    /// The resolution of an `if_tsresol` option: 10^-n, or 2^-n with the highest bit set.
    pub(super) const fn from_option(value: u8) -> Self {
        let exponent = value & 0x7f;
        if value & 0x80 != 0 {
            return Self::Shift(exponent as u32);
        }
        match exponent {
            0..=9 => Self::Multiply(10i128.pow(9 - exponent as u32)),
            // 10^20 ticks are more than 64 bits can count: all such times are 0, and no power overflows.
            10..=29 => Self::Divide(10i128.pow(exponent as u32 - 9)),
            _ => Self::Divide(10i128.pow(20)),
        }
    }

    /// The time `ticks` after the epoch, `offset` seconds later; clamped to what a time stamp holds.
    pub(super) fn time(self, ticks: u64, offset: i64) -> Timestamp {
        let ticks = i128::from(ticks);
        let nanos = match self {
            Self::Multiply(factor) => ticks * factor,
            Self::Divide(divisor) => ticks / divisor,
            Self::Shift(bits) => (ticks * NANOS_PER_SECOND) >> bits,
        };
        let nanos = nanos + i128::from(offset) * NANOS_PER_SECOND;
        let saturated = i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX });
        Timestamp::from_nanos(saturated).clamp(Timestamp::EARLIEST, Timestamp::LATEST)
    }
}

/// One interface of the current section.
#[derive(Debug)]
pub(super) struct Interface {
    /// Its number, counted through all sections and files.
    pub(super) number: u32,
    pub(super) link_type: LinkType,
    /// Bytes kept of a packet, where a packet does not tell itself; 0 is all of them.
    pub(super) snap_length: u32,
    pub(super) resolution: Resolution,
    /// Seconds to add to every time.
    pub(super) time_offset: i64,
    /// Packets dropped, as its last statistics say.
    pub(super) dropped: u64,
    clock: Clock,
}

impl Interface {
    pub(super) const fn new(link_type: LinkType) -> Self {
        Self {
            number: 0,
            link_type,
            snap_length: 0,
            resolution: Resolution::MICROSECONDS,
            time_offset: 0,
            dropped: 0,
            clock: Clock { last: None, worst: None },
        }
    }
}

/// Watches the times of one interface's packets.
#[derive(Debug)]
struct Clock {
    last: Option<Timestamp>,
    /// The largest step back in nanoseconds, and where. Above zero.
    worst: Option<(i64, Place)>,
}

impl Clock {
    fn tick(&mut self, ts: Timestamp, place: Place) {
        if let Some(last) = self.last.replace(ts)
            && ts < last
        {
            let step = last.nanos_since(ts);
            if self.worst.is_none_or(|(worst, _)| step > worst) {
                self.worst = Some((step, place));
            }
        }
    }
}

/// All that a reader keeps about a file beside its bytes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Those of the current section.
    interfaces: Vec<Interface>,
    /// The number of the next interface to appear.
    pub(super) next_interface: u32,
    /// Where the record in hand stands, and the last packet handed out before it.
    pub(super) place: Place,
    /// The time of the last packet record.
    pub(super) last_time: Timestamp,
    pub(super) log: Log,
    pub(super) odd_fractions: Tally,
    pub(super) odd_options: Tally,
    pub(super) unknown_interfaces: Tally,
    /// By what packets say themselves, and by the last statistics of interfaces of earlier sections.
    pub(super) dropped: Tally,
}

impl Ledger {
    /// The ledger of a file whose interfaces are numbered from `first_interface` on.
    pub(super) fn new(first_interface: u32) -> Self {
        Self { next_interface: first_interface, ..Self::default() }
    }

    /// Adds an interface to the current section. One beyond [`limits::INTERFACES`] stays unknown.
    pub(super) fn add_interface(&mut self, mut interface: Interface) {
        if self.interfaces.len() < limits::INTERFACES {
            interface.number = self.next_interface;
            self.next_interface = self.next_interface.saturating_add(1);
            self.interfaces.push(interface);
        }
    }

    pub(super) fn interface(&self, index: usize) -> Option<&Interface> {
        self.interfaces.get(index)
    }

    pub(super) fn interface_mut(&mut self, index: usize) -> Option<&mut Interface> {
        self.interfaces.get_mut(index)
    }

    /// Reports a record that makes no sense.
    pub(super) fn corrupt(&mut self, message: std::fmt::Arguments<'_>) {
        let at = self.place.offset;
        self.log.report(NoticeKind::CorruptRecord, self.place, format_args!("corrupt at byte {at} ({message})"));
    }

    /// Takes note that the packet just handed out had a time with a fraction of a second or more.
    #[cold]
    pub(super) fn odd_fraction(&mut self) {
        self.odd_fractions.add(1, self.place);
    }

    /// Takes note that a packet is handed out, and gives what its interface has to say about it.
    #[inline]
    pub(super) fn hand_out(&mut self, index: usize, number: PacketNumber, ts: Timestamp) -> (u32, LinkType) {
        self.place.packet = Some((number, ts));
        match self.interfaces.get_mut(index) {
            Some(interface) => {
                interface.clock.tick(ts, self.place);
                (interface.number, interface.link_type)
            }
            None => (0, LinkType(0)),
        }
    }

    /// The interfaces so far are those of a section that is over.
    pub(super) fn end_section(&mut self) {
        for interface in std::mem::take(&mut self.interfaces) {
            if interface.dropped > 0 {
                self.dropped.add(interface.dropped, self.place);
            }
            if let Some((step, place)) = interface.clock.worst {
                let (seconds, nanos) = (step / 1_000_000_000, step % 1_000_000_000);
                self.log.report(
                    NoticeKind::ClockBackwards,
                    place,
                    format_args!("the clock goes back by {seconds}.{nanos:09} s"),
                );
            }
        }
    }

    /// The file is over: tells the totals.
    pub(super) fn end_file(&mut self) {
        self.end_section();
        let Self { log, unknown_interfaces, odd_fractions, odd_options, dropped, .. } = self;
        let packets = |tally: &Tally| if tally.count == 1 { "packet" } else { "packets" };
        let mut total = |tally: &Tally, kind, message: std::fmt::Arguments<'_>| {
            if tally.count > 0 {
                log.report(kind, tally.first, format_args!("{} {message}", tally.count));
            }
        };
        total(
            unknown_interfaces,
            NoticeKind::UnknownInterface,
            format_args!("{} of an interface that the file does not describe, skipped", packets(unknown_interfaces)),
        );
        total(
            odd_fractions,
            NoticeKind::OddFraction,
            format_args!("{} with a fraction of a second or more, carried over", packets(odd_fractions)),
        );
        let blocks = if odd_options.count == 1 { "block" } else { "blocks" };
        total(
            odd_options,
            NoticeKind::OddOption,
            format_args!("{blocks} with options that cannot be read, passed over"),
        );
        total(
            dropped,
            NoticeKind::PacketsDropped,
            format_args!("{} dropped by the capturing program", packets(dropped)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_every_resolution() {
        let (ms, us, ns) = (3, 6, 9);
        let second = 1_700_000_000;
        for (option, ticks, offset, nanos) in [
            (us, 1_700_000_000_123_456, 0, 1_700_000_000_123_456_000),
            (ms, 1_700_000_000_123, 0, 1_700_000_000_123_000_000),
            (ns, 1_700_000_000_123_456_789, 0, 1_700_000_000_123_456_789),
            (0, second, 0, 1_700_000_000_000_000_000),
            (12, 1_700_000_000_123_456, 0, 1_700_000_000_123),
            (us, 123_456, 1_700_000_000, 1_700_000_000_123_456_000),
            (us, 1_700_000_100_123_456, -100, 1_700_000_000_123_456_000),
            (0x8a, (second << 10) + 512, 0, 1_700_000_000_500_000_000),
            (0xa0, (second << 32) + (1 << 31), 0, 1_700_000_000_500_000_000),
            (0x80, second, 0, 1_700_000_000_000_000_000),
            (0xff, u64::MAX, 0, 0),
            (0x7f, u64::MAX, 0, 0),
            (29, u64::MAX, 0, 0),
            (us, u64::MAX, 0, Timestamp::LATEST.nanos()),
            (0, u64::MAX, i64::MAX, Timestamp::LATEST.nanos()),
            (us, 0, i64::MIN, Timestamp::EARLIEST.nanos()),
        ] {
            let got = Resolution::from_option(option).time(ticks, offset).nanos();
            assert_eq!(got, nanos, "if_tsresol {option:#x}, {ticks} ticks, offset {offset}");
        }
    }
}
