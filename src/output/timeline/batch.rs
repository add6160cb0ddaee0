//! Folding of repeated polling: which requests belong to one batch, and whether that batch was shown before.
//!
//! Knows who asked what and when. Knows neither values nor columns.
//!
//! A batch is a run of requests on one connection. It ends at a pause, or where an object is asked for again: some
//! clients send a batch in one segment, others wait for each answer before the next request, and both poll in rounds.

use crate::endpoint::ConnectionId;
use crate::object::ObjectId;
use crate::rct::Command;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A pause of this length ends a batch. Arbitrary: far above an answer's time, and below the pause of any poller that
/// pauses at all.
const PAUSE: Duration = Duration::from_secs(1);
/// Requests in one batch; more are not held back.
const REQUESTS: usize = 64;
/// Batches open at once, one a connection; beyond, the oldest is closed.
const OPEN: usize = 64;
/// Different batches remembered for each connection: clients poll some objects in every round and others in every tenth.
const REMEMBERED: usize = 8;
/// Connections whose batches are remembered; beyond, those of the oldest connection are forgotten.
const CONNECTIONS: usize = 256;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) command: Command,
    pub(super) address: Option<u32>,
    pub(super) object_id: ObjectId,
}

/// A request, as far as folding cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) connection: ConnectionId,
    pub(super) asked: Asked,
    /// The row it stands in.
    pub(super) row: u64,
    /// When it was made.
    pub(super) ts: Timestamp,
    /// When its answer came, or `ts`.
    pub(super) until: Timestamp,
    /// Answered, and nothing about it that has to be shown.
    pub(super) plain: bool,
}

/// A batch that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// Its rows, in order.
    pub(super) rows: Vec<u64>,
    /// When an equal batch was last shown, where this one can be folded into a reference to that one.
    pub(super) as_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Open {
    connection: ConnectionId,
    asked: Vec<Asked>,
    rows: Vec<u64>,
    first: Timestamp,
    until: Timestamp,
    plain: bool,
}

#[derive(Debug)]
struct Shown {
    asked: Vec<Asked>,
    at: Timestamp,
}

/// The batches of all connections.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// At most [`OPEN`], in the order of their first request.
    open: Vec<Open>,
    /// At most [`CONNECTIONS`], at most [`REMEMBERED`] each, the one shown last at the end.
    shown: BTreeMap<ConnectionId, Vec<Shown>>,
}

impl Batches {
    /// Takes a request; gives the batch that this one ended, if it did.
    pub(super) fn push(&mut self, request: &Request) -> Option<Closed> {
        let continued = self.open.iter().position(|open| open.connection == request.connection);
        let closed = match continued {
            Some(place) if self.open[place].takes(request) => {
                self.open[place].push(request);
                return None;
            }
            Some(place) => Some(self.close(place)),
            None if self.open.len() >= OPEN => Some(self.close(0)),
            None => None,
        };
        self.open.push(Open::new(request));
        closed
    }

    /// A batch that ended because nothing followed until `now`. To be called until it gives none.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Closed> {
        let due = self.open.iter().position(|open| now > open.until.saturating_add(PAUSE))?;
        Some(self.close(due))
    }

    /// Forgets a connection that ended; gives its open batch.
    pub(super) fn end(&mut self, connection: ConnectionId) -> Option<Closed> {
        let place = self.open.iter().position(|open| open.connection == connection);
        let closed = place.map(|place| self.close(place));
        self.shown.remove(&connection);
        closed
    }

    /// Whatever is still open. To be called until it gives none.
    pub(super) fn next_open(&mut self) -> Option<Closed> {
        if self.open.is_empty() { None } else { Some(self.close(0)) }
    }

    fn close(&mut self, place: usize) -> Closed {
        let batch = self.open.remove(place);
        let shown = self.shown.entry(batch.connection).or_default();
        let before = shown.iter().position(|shown| shown.asked == batch.asked);
        // Folding a single row would save nothing and hide its value.
        let as_at = before.filter(|_| batch.plain && batch.rows.len() > 1).map(|place| shown[place].at);
        if as_at.is_none() {
            if let Some(place) = before {
                shown.remove(place);
            } else if shown.len() >= REMEMBERED {
                shown.remove(0);
            }
            shown.push(Shown { asked: batch.asked, at: batch.first });
        }
        if self.shown.len() > CONNECTIONS {
            self.shown.pop_first();
        }
        Closed { rows: batch.rows, as_at }
    }
}

impl Open {
    fn new(request: &Request) -> Self {
        Self {
            connection: request.connection,
            asked: vec![request.asked],
            rows: vec![request.row],
            first: request.ts,
            until: request.until,
            plain: request.plain,
        }
    }

    fn takes(&self, request: &Request) -> bool {
        self.asked.len() < REQUESTS
            && request.ts <= self.until.saturating_add(PAUSE)
            && !self.asked.contains(&request.asked)
    }

    fn push(&mut self, request: &Request) {
        self.asked.push(request.asked);
        self.rows.push(request.row);
        self.until = self.until.max(request.until);
        self.plain &= request.plain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(connection: u32, object: u32, row: u64, ms: i64, plain: bool) -> Request {
        let ts = Timestamp::from_nanos(ms * 1_000_000);
        Request {
            connection: ConnectionId(connection),
            asked: Asked { command: Command::READ, address: None, object_id: ObjectId(object) },
            row,
            ts,
            until: ts.saturating_add(Duration::from_millis(60)),
            plain,
        }
    }

    /// Feeds `(connection, object, ms, plain)`, ends the capture, and says what became of each batch.
    fn check(requests: &[(u32, u32, i64, bool)], expected: &[(&[u64], Option<i64>)]) {
        let mut batches = Batches::default();
        let mut closed = Vec::new();
        for (row, &(connection, object, ms, plain)) in (0..).zip(requests) {
            let request = request(connection, object, row, ms, plain);
            closed.extend(std::iter::from_fn(|| batches.next_due(request.ts)));
            closed.extend(batches.push(&request));
        }
        closed.extend(std::iter::from_fn(|| batches.next_open()));
        let found: Vec<_> =
            closed.iter().map(|batch| (&*batch.rows, batch.as_at.map(|at| at.nanos() / 1_000_000))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_batch_equal_to_one_shown_before_folds() {
        check(
            &[(1, 7, 0, true), (1, 8, 0, true), (1, 7, 5000, true), (1, 8, 5000, true)],
            &[(&[0, 1], None), (&[2, 3], Some(0))],
        );
    }

    #[test]
    fn the_reference_is_to_what_is_on_the_screen() {
        let round = |ms| [(1, 7, ms, true), (1, 8, ms, true)];
        check(
            &[round(0), round(5000), round(10_000)].concat(),
            &[(&[0, 1], None), (&[2, 3], Some(0)), (&[4, 5], Some(0))],
        );
    }

    #[test]
    fn a_client_that_never_pauses_polls_in_rounds_too() {
        check(
            &[(1, 7, 0, true), (1, 8, 100, true), (1, 7, 200, true), (1, 8, 300, true), (1, 7, 400, true)],
            &[(&[0, 1], None), (&[2, 3], Some(0)), (&[4], None)],
        );
    }

    #[test]
    fn an_anomaly_keeps_a_batch_in_view() {
        check(
            &[(1, 7, 0, true), (1, 8, 0, true), (1, 7, 5000, true), (1, 8, 5000, false)],
            &[(&[0, 1], None), (&[2, 3], None)],
        );
    }

    #[test]
    fn a_rare_batch_in_between_does_not_unfold_the_frequent_one() {
        let round = |ms, first| [(1, first, ms, true), (1, first + 1, ms, true)];
        check(
            &[round(0, 7), round(3000, 1), round(6000, 7)].concat(),
            &[(&[0, 1], None), (&[2, 3], None), (&[4, 5], Some(0))],
        );
    }

    #[test]
    fn connections_do_not_share_batches_and_single_rows_stay() {
        check(
            &[(1, 7, 0, true), (2, 7, 0, true), (1, 7, 5000, true), (2, 8, 5000, true)],
            &[(&[0], None), (&[1], None), (&[2], None), (&[3], None)],
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut batches = Batches::default();
        for row in 0..10_000_u32 {
            batches.push(&request(row, row, u64::from(row), 0, true));
        }
        while batches.next_open().is_some() {}
        for row in 0..1_000_u32 {
            batches.push(&request(1, row, u64::from(row), i64::from(row) * 5_000, true));
        }
        assert!(batches.open.len() <= OPEN && batches.shown.len() <= CONNECTIONS);
        assert!(batches.shown.values().all(|shown| shown.len() <= REMEMBERED));
    }
}
