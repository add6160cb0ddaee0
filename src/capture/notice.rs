//! What is wrong with a capture file, told beside its packets.
//!
//! Knows the kinds and how they are counted, not when they happen.

use crate::anomaly::Code;
use crate::limits;
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use std::fmt;

/// Something about a capture file that its reader should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is.
    pub kind: NoticeKind,
    /// Which input of the session, counted from 0 in the order given; 0 for a reader on its own.
    pub source: usize,
    /// The first byte in question, in the uncompressed file. For a total, the first of the cases.
    pub offset: u64,
    /// The packet it is about, or the last one before it; `None` before the first.
    pub packet: Option<PacketNumber>,
    /// That packet's time.
    pub ts: Option<Timestamp>,
    /// What happened, in a sentence without a full stop and without the file's name.
    pub message: String,
}

impl Notice {
    /// Its code in the catalogue.
    pub const fn code(&self) -> Code {
        match self.kind {
            NoticeKind::TruncatedFile => Code::TruncatedFile,
            NoticeKind::PacketsDropped => Code::PacketsDropped,
            NoticeKind::ClockBackwards => Code::ClockBackwards,
            NoticeKind::CorruptRecord
            | NoticeKind::CorruptCompression
            | NoticeKind::UnknownInterface
            | NoticeKind::OddFraction
            | NoticeKind::OddOption => Code::CorruptRecord,
        }
    }
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The file, or its compressed data, ends inside a record.
    TruncatedFile,
    /// A record makes no sense: it was skipped, or nothing behind it can be found.
    CorruptRecord,
    /// The compressed data makes no sense; nothing behind can be unpacked.
    CorruptCompression,
    /// Packets of an interface that the file does not describe were skipped; a total, at the end.
    UnknownInterface,
    /// Times with a fraction of a second or more were carried over; a total, at the end.
    OddFraction,
    /// Options that cannot be read were passed over; a total, at the end.
    OddOption,
    /// The file says that packets were dropped in capturing; a total, at the end.
    PacketsDropped,
    /// A packet's time is before its predecessor's on the same interface; the largest step of each interface, at the
    /// end of its section.
    ClockBackwards,
}

impl NoticeKind {
    const COUNT: usize = 8;

    /// Something of the file is missing or cannot be had.
    const fn is_damage(self) -> bool {
        matches!(self, Self::TruncatedFile | Self::CorruptRecord | Self::CorruptCompression | Self::UnknownInterface)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// Where in a capture something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) packet: Option<(PacketNumber, Timestamp)>,
}

/// The notices of one file, not yet taken. A hostile file makes no more of them than [`limits::NOTICES_PER_KIND`].
#[derive(Debug, Default)]
pub(super) struct Log {
    notices: Vec<Notice>,
    counts: [u64; NoticeKind::COUNT],
    damaged: bool,
}

impl Log {
    pub(super) fn report(&mut self, kind: NoticeKind, place: Place, message: fmt::Arguments<'_>) {
        self.damaged |= kind.is_damage();
        let count = &mut self.counts[kind.index()];
        *count += 1;
        if *count < limits::NOTICES_PER_KIND {
            self.push(kind, place, message.to_string());
        } else if *count == limits::NOTICES_PER_KIND {
            self.push(kind, place, format!("{message}; more of this kind follow and are not shown"));
        }
    }

    fn push(&mut self, kind: NoticeKind, place: Place, message: String) {
        let (packet, ts) = place.packet.unzip();
        self.notices.push(Notice { kind, source: 0, offset: place.offset, packet, ts, message });
    }

    pub(super) fn take(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.notices.is_empty()
    }

    /// Something was missing or could not be had.
    pub(super) const fn damaged(&self) -> bool {
        self.damaged
    }
}

/// A count of like cases, told once at the end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) first: Place,
}

impl Tally {
    pub(super) fn add(&mut self, count: u64, place: Place) {
        if self.count == 0 {
            self.first = place;
        }
        self.count = self.count.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_notices_is_cut_and_says_so() {
        let mut log = Log::default();
        for n in 0..10 * limits::NOTICES_PER_KIND {
            log.report(NoticeKind::CorruptRecord, Place { offset: n, packet: None }, format_args!("bad"));
        }
        log.report(NoticeKind::OddOption, Place::default(), format_args!("odd"));
        let notices = log.take();
        let cut = notices.len() - 2;
        assert_eq!(u64::try_from(cut + 1), Ok(limits::NOTICES_PER_KIND));
        assert_eq!(notices[cut].message, "bad; more of this kind follow and are not shown");
        assert_eq!(notices[cut + 1].message, "odd");
        assert!(log.damaged() && log.take().is_empty());
    }
}
