//! More than a line can carry: requests that pile up, and more clients than the bridge has room for.

use super::context::Context;
use super::exchange::Sighting;
use super::outcome::{About, Outbox};
use super::request::{Handle, Request};
use super::requests::Requests;
use crate::anomaly::Code;
use crate::time::Timestamp;
use std::time::Duration;

/// So many requests waiting are a backlog. The line takes 30 to 100 ms for an answer, so whoever asks now waits for
/// one to two seconds, which is where the first clients give up.
pub(super) const BACKLOG: usize = 16;

/// A backlog that lasts so long is no burst: one go of up to 64 requests, the most that clients are known to send, has
/// shrunk below [`BACKLOG`] by then.
const SUSTAINED: Duration = Duration::from_secs(5);

/// Answers that must have come meanwhile: a device that answers nothing is gone, not overloaded.
const ALIVE: u32 = 5;

/// Connections the bridge takes.
const CONNECTIONS: usize = 5;

/// How the line has been doing.
#[derive(Debug, Default)]
pub(super) struct Load {
    backlog: Option<Backlog>,
    crowded: bool,
}

/// Requests that have been piling up without a break.
#[derive(Debug)]
struct Backlog {
    since: Timestamp,
    asked: u32,
    answered: u32,
    told: bool,
}

impl Load {
    /// An answer came.
    pub(super) fn answered(&mut self) {
        if let Some(backlog) = &mut self.backlog {
            backlog.answered += 1;
        }
    }

    /// Fewer requests wait than would be a backlog.
    #[inline]
    pub(super) fn eased(&mut self) {
        self.backlog = None;
    }

    /// Takes note of a request that has just joined the line. A backlog is told once until it has gone.
    pub(super) fn asked(&mut self, requests: &mut Requests, handle: Handle, context: &mut Context) {
        if requests.owed() < BACKLOG {
            return self.eased();
        }
        let Some(frame) = requests.get(handle).map(Request::frame) else { return };
        let fresh = Backlog { since: frame.clock, asked: 0, answered: 0, told: false };
        let backlog = self.backlog.get_or_insert(fresh);
        backlog.asked += 1;
        let lasts = frame.clock.since(backlog.since);
        if backlog.told || lasts < SUSTAINED || backlog.answered < ALIVE {
            return;
        }
        backlog.told = true;
        let message = format!(
            "{BACKLOG} or more requests have been waiting for {:.1} s; {} were asked meanwhile and {} answered",
            lasts.as_secs_f64(),
            backlog.asked,
            backlog.answered
        );
        let overload = context.out.anomaly(Code::Overload, About::frame(frame), message);
        requests.change(handle, |request| request.exchange.anomalies.push(overload));
    }

    /// Takes note of a connection that has just joined with a frame, as one of `count`. Told once until there are fewer again.
    pub(super) fn joined(&mut self, count: usize, frame: &Sighting, out: &mut Outbox) {
        let crowded = count > CONNECTIONS;
        if crowded && !self.crowded {
            let message = format!("{count} connections at a time; the bridge takes about {CONNECTIONS}");
            out.anomaly(Code::TooManyClients, About::frame(frame), message);
        }
        self.crowded = crowded;
    }
}
