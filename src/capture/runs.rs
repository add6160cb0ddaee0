//! Which file of a session a packet is from.
//!
//! Keeps one entry for each time the files take turns, not for each packet.

use crate::limits;
use crate::packet::PacketNumber;
use std::collections::VecDeque;

/// A packet's place in the file it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Which input of the session, counted from 0 in the order given.
    pub source: usize,
    /// Its number within that file, from 1: what Wireshark shows.
    pub number: PacketNumber,
}

/// Packets of one file that follow one another in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The session number of the first of them.
    pub(super) first: PacketNumber,
    /// Where that one stands.
    pub(super) location: Location,
}

/// The runs of a session, ascending by `first`.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
}

impl Runs {
    /// Packet `number`, the one after the last, is at `location`.
    pub(super) fn push(&mut self, number: PacketNumber, location: Location) {
        if self.runs.back().is_some_and(|run| run.location.source == location.source) {
            return;
        }
        // Files that take turns at every packet would fill the memory; old packets are no longer asked for.
        if self.runs.len() >= limits::FILE_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(Run { first: number, location });
    }

    /// Where packet `number` stands; `None` when it is too long ago or not yet there. The last run is taken to go on.
    pub(super) fn locate(&self, number: PacketNumber) -> Option<Location> {
        let after = self.runs.partition_point(|run| run.first <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let within = run.location.number.0 + (number.0 - run.first.0);
        Some(Location { source: run.location.source, number: PacketNumber(within) })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }
}
