//! Whose answers were carried to a connection: what a client saw while it waited for something else.
//!
//! Knows who asked and who got copies. Knows nothing of rows.

use crate::endpoint::ConnectionId;
use crate::line::Exchange;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::{BTreeSet, VecDeque};

/// Answers remembered; a line answers some twenty a second, and a request is waited for some seconds.
const ANSWERS: usize = 1024;

#[derive(Debug)]
struct Answer {
    ts: Timestamp,
    /// Who asked; `None` where nobody did.
    asked: Option<ConnectionId>,
    /// Who got it.
    on: SmallVec<[ConnectionId; 4]>,
}

/// The latest answers of all lines.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// At most [`ANSWERS`].
    answers: VecDeque<Answer>,
}

impl Carried {
    /// Remembers the answer of an exchange.
    pub(super) fn push(&mut self, exchange: &Exchange) {
        let Some(response) = &exchange.response else { return };
        if self.answers.len() >= ANSWERS {
            self.answers.pop_front();
        }
        let mut on = response.copies.clone();
        on.push(response.frame.connection);
        let asked = exchange.request.as_ref().map(|request| request.connection);
        self.answers.push_back(Answer { ts: response.frame.ts, asked, on });
    }

    /// Who had asked for the answers that `connection` got between `from` and `until` without having asked for them.
    pub(super) fn owners(
        &self,
        connection: ConnectionId,
        from: Timestamp,
        until: Timestamp,
    ) -> BTreeSet<Option<ConnectionId>> {
        self.answers
            .iter()
            .filter(|answer| answer.asked != Some(connection) && answer.on.contains(&connection))
            .filter(|answer| from <= answer.ts && answer.ts <= until)
            .map(|answer| answer.asked)
            .collect()
    }
}
