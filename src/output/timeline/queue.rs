//! Rows that wait: for their anomalies, for the rest of their batch, for answers that were copied to them.
//!
//! Keeps the order in which rows came. Knows which row an anomaly belongs to; knows nothing of what rows say.

use super::row::{Kind, Mark, Row, Told, Visibility, reports};
use crate::anomaly::{Anomaly, AnomalyId};
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Rows held back at most. Arbitrary: a busy capture holds back a few dozen.
const ROWS: usize = 4096;
/// Anomalies that are known to belong to a row and have not been heard of yet, at most.
const ANNOUNCED: usize = 4 * ROWS;
/// Rows among which the one is looked for that an anomaly shows: more than a line has open at a time.
const LOOK_BACK: usize = 512;
/// How long a row waits for an anomaly it announces; where somebody filters anomalies out, they never come.
const PATIENCE: Duration = Duration::from_secs(15);

/// The rows not printed yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// At most [`ROWS`], in the order in which they came.
    rows: VecDeque<Row>,
    /// The number of the first of `rows`.
    first: u64,
    /// Rows by the anomalies they announced or stand for.
    owners: BTreeMap<AnomalyId, u64>,
    /// The time of the latest event.
    now: Timestamp,
}

impl Queue {
    /// Takes note of how far the events are.
    pub(super) fn advance(&mut self, ts: Timestamp) {
        self.now = self.now.max(ts);
    }

    /// Adds a row and gives its number.
    pub(super) fn push(&mut self, row: Row) -> u64 {
        let number = self.first + u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        for mark in &row.marks {
            self.owners.insert(mark.id, number);
            if self.owners.len() > ANNOUNCED {
                self.owners.pop_first();
            }
        }
        self.rows.push_back(row);
        number
    }

    /// The time of the latest event.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// A row that is still here.
    pub(super) fn get(&self, number: u64) -> Option<&Row> {
        self.rows.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// A row that is still here, to be changed.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Gives an anomaly to the row that announced it, or to the bytes it is about. False when there is no such row.
    pub(super) fn tell(&mut self, anomaly: &Anomaly) -> bool {
        if let Some(owner) = self.owners.remove(&anomaly.id) {
            // The owner may have been printed meanwhile: then it has named the anomaly, and that is enough.
            if let Some(row) = self.get_mut(owner) {
                for mark in row.marks.iter_mut().filter(|mark| mark.id == anomaly.id) {
                    mark.told = Some(Told::new(anomaly));
                }
            }
            return true;
        }
        self.tell_bytes(anomaly) || self.tell_shown(anomaly)
    }

    /// Gives an anomaly to the bytes it reports.
    fn tell_bytes(&mut self, anomaly: &Anomaly) -> bool {
        let now = anomaly.ts;
        let bytes = self.rows.iter_mut().rev().take_while(|row| row.ts == now).find(|row| {
            row.connection == anomaly.connection
                && matches!(row.kind, Kind::NonFrame(kind, ..) if reports(anomaly.code, kind))
        });
        bytes.is_some_and(|row| {
            row.marks.push(Mark::new(anomaly));
            true
        })
    }

    /// Gives an anomaly to the exchange that its evidence shows: a foreign answer, to the request that waited.
    fn tell_shown(&mut self, anomaly: &Anomaly) -> bool {
        let shown = self.rows.iter_mut().rev().take(LOOK_BACK).find(|row| row.is_shown_by(anomaly));
        shown.is_some_and(|row| {
            row.marks.push(Mark::new(anomaly));
            true
        })
    }

    /// Takes over anomalies that came before the row they belong to, so that none is shown twice.
    pub(super) fn claim(&mut self, row: &mut Row) {
        for mark in &mut row.marks {
            let Some(alone) = self.owners.get(&mark.id).copied() else { continue };
            if let Some(early) = self.get_mut(alone).filter(|early| matches!(early.kind, Kind::Anomaly)) {
                mark.told = early.marks.first_mut().and_then(|mark| mark.told.take());
                early.visibility = Visibility::Hidden;
            }
        }
        let Kind::NonFrame(kind, ..) = row.kind else { return };
        for early in self.rows.iter_mut().rev().take_while(|early| early.ts == row.ts) {
            let same = matches!(early.kind, Kind::Anomaly) && early.connection == row.connection;
            if same && early.visibility == Visibility::Shown && early.marks.iter().any(|mark| reports(mark.code, kind))
            {
                row.marks.append(&mut early.marks);
                early.visibility = Visibility::Hidden;
                return;
            }
        }
    }

    /// Whether a row is a copy, on another connection, of one that is still here.
    pub(super) fn has_copied(&self, row: &Row) -> bool {
        self.rows.iter().rev().take(LOOK_BACK).any(|earlier| row.is_copy_of(earlier))
    }

    /// The next row that nothing can be added to any more, hidden ones included.
    pub(super) fn next_ready(&mut self) -> Option<Row> {
        let row = self.rows.front()?;
        (self.rows.len() > ROWS || self.is_complete(row)).then(|| self.pop()).flatten()
    }

    /// The next row, complete or not.
    pub(super) fn pop(&mut self) -> Option<Row> {
        let row = self.rows.pop_front()?;
        self.first += 1;
        // Told anomalies will not come again; the others stay known, so that they get no row of their own.
        for mark in row.marks.iter().filter(|mark| mark.told.is_some()) {
            self.owners.remove(&mark.id);
        }
        Some(row)
    }

    /// Whether every bound holds.
    #[cfg(test)]
    pub(super) fn is_bounded(&self) -> bool {
        self.rows.len() <= ROWS + 1 && self.owners.len() <= ANNOUNCED
    }

    fn is_complete(&self, row: &Row) -> bool {
        let told = row.marks.iter().all(|mark| mark.told.is_some());
        row.visibility != Visibility::Undecided
            && self.now > row.until
            && (told || self.now > row.until.saturating_add(PATIENCE))
    }
}
