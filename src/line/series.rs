//! Histories and the event table: answers that end too soon, or that answer another question.
//!
//! A table cut inside a row is seen from its own bytes (`values`). One cut between two rows looks whole; that it was
//! cut is known only from its neighbours and from what else went on.

use super::context::Context;
use super::exchange::Sighting;
use super::outcome::About;
use super::request::{Given, Kind, Request};
use super::requests::Requests;
use super::slab::At;
use crate::anomaly::{AnomalyId, Code};
use crate::rct::registry::Object;
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Bytes of a row of a history.
pub(super) const TIMESERIES_ROW: usize = 8;
/// Bytes of a row of the event table.
pub(super) const EVENT_ROW: usize = 20;

/// Bytes in front of the rows: the time that was asked for.
const HEAD: usize = 4;

/// Neighbours remembered of each kind of table.
const NEIGHBOURS: usize = 8;

/// Kinds of tables remembered per line: some ten in the registry, more with a user's own.
const KINDS: usize = 256;

/// A table has far fewer rows than its neighbours when it has at most one in so many of theirs.
const FAR_FEWER: usize = 2;

/// The number of rows of the last tables of each kind.
#[derive(Debug, Default)]
pub(super) struct Series {
    rows: FxHashMap<String, VecDeque<usize>>,
}

impl Series {
    /// The median of the neighbours, if there are any.
    fn usual(&self, kind: &str) -> Option<usize> {
        let mut rows: Vec<usize> = self.rows.get(kind)?.iter().copied().collect();
        rows.sort_unstable();
        rows.get(rows.len() / 2).copied()
    }

    fn remember(&mut self, kind: String, rows: usize) {
        if self.rows.len() >= KINDS {
            self.rows.clear();
        }
        let neighbours = self.rows.entry(kind).or_default();
        if neighbours.len() == NEIGHBOURS {
            neighbours.pop_front();
        }
        neighbours.push_back(rows);
    }

    /// A table of whole rows, but far fewer than its own length field says, or than usual while another client was
    /// asking. Usual is what the last tables of the kind had; the end of a history has few rows too, so that alone is
    /// no sign.
    pub(super) fn cut(
        &mut self,
        frame: &Sighting,
        subject: At,
        row_bytes: usize,
        requests: &Requests,
        context: &mut Context,
    ) -> Option<(AnomalyId, Code)> {
        let body = frame.payload.len().checked_sub(HEAD)?;
        if !body.is_multiple_of(row_bytes) {
            return None;
        }
        let rows = body / row_bytes;
        let declared = usize::from(frame.declared_length).saturating_sub(frame.command.id_bytes() + HEAD) / row_bytes;
        let kind = kind(context.registry.get(frame.object_id)?);
        if is_far_fewer(rows, declared) {
            let message = format!("{rows} rows where the length field says {declared}");
            return Some(context.out.anomaly(Code::SeriesCut, About::frame(frame), message));
        }
        let usual = self.usual(&kind).unwrap_or(0);
        if is_far_fewer(rows, usual)
            && let Some(other) = interrupted_by(frame, subject, requests)
        {
            let message = format!("{rows} rows where {usual} are usual; {} asked meanwhile", other.src);
            let about = About::frame(frame).and(&other.spans);
            return Some(context.out.anomaly(Code::SeriesCut, about, message));
        }
        self.remember(kind, rows);
        None
    }
}

/// The first request of another connection after the one that `frame` answers.
fn interrupted_by<'a>(frame: &Sighting, subject: At, requests: &'a Requests) -> Option<&'a Sighting> {
    let asked = requests.open_for(subject).next()?;
    let mut others = requests.iter().filter(|other| is_between(other, asked, frame.clock));
    others.next().map(Request::frame)
}

/// The answer to a question about a table repeats the time asked for. Where another open question has that time,
/// the two answers were taken for each other, which is not the device's doing.
pub(super) fn mismatched(
    asked: &Request,
    given: &Given,
    requests: &Requests,
    context: &mut Context,
) -> Option<(AnomalyId, Code)> {
    let (request, answer) = (asked.frame(), given.first());
    if request.payload.len() != HEAD || !answer.crc_ok() {
        return None;
    }
    let subject = asked.subject;
    let asked = time(&request.payload)?;
    let echoed = time(&answer.payload)?;
    let others = |other: &Request| {
        other.subject == subject && other.kind == Kind::Query && time(&other.frame().payload) == Some(echoed)
    };
    if asked == echoed || requests.iter().any(others) {
        return None;
    }
    let message = format!("asked for the time {asked}, answered for {echoed}");
    Some(context.out.anomaly(Code::SeriesMismatch, About::frame(answer).and(&request.spans), message))
}

fn is_far_fewer(rows: usize, usual: usize) -> bool {
    rows < usual && rows.saturating_mul(FAR_FEWER) <= usual
}

fn is_between(other: &Request, asked: &Request, until: Timestamp) -> bool {
    other.connection != asked.connection && other.handle.id > asked.handle.id && other.clock <= until
}

fn time(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Tables that have about as many rows: those of one resolution, `minutes` of `logger.minutes_soc_log_ts`.
fn kind(object: &Object) -> String {
    let within_group = object.name.split_once('.').map_or(&*object.name, |(_, name)| name);
    within_group.split('_').next().unwrap_or(within_group).to_owned()
}
