//! `--fail-on`: an exit code for scripts that are to stop when a capture shows something bad.

use super::args::SeverityArg;
use super::outcome::Outcome;
use crate::anomaly::Severity;
use crate::event::{Event, Sink};
use crate::line::PlainExchange;

/// Passes events on, and remembers whether an anomaly was as bad as it must not be. Behind a selection, so that what is
/// not shown does not count.
pub(super) struct FailOn<S> {
    inner: S,
    limit: Option<Severity>,
    met: bool,
}

impl<S> FailOn<S> {
    pub(super) const fn new(limit: Option<SeverityArg>, inner: S) -> Self {
        let limit = match limit {
            Some(SeverityArg::Note) => Some(Severity::Note),
            Some(SeverityArg::Warning) => Some(Severity::Warning),
            Some(SeverityArg::Error) => Some(Severity::Error),
            None => None,
        };
        Self { inner, limit, met: false }
    }

    /// The sink inside, and whether the limit was met.
    pub(super) fn into_parts(self) -> (S, bool) {
        (self.inner, self.met)
    }
}

impl<S: Sink> Sink for FailOn<S> {
    type Error = S::Error;

    fn event(&mut self, event: Event<'_>) -> Result<(), S::Error> {
        if let Event::Anomaly(anomaly) = event {
            self.met |= self.limit.is_some_and(|limit| anomaly.code.severity() >= limit);
        }
        self.inner.event(event)
    }

    fn plain(&mut self, exchange: &PlainExchange) -> Result<(), S::Error> {
        self.inner.plain(exchange)
    }
}

/// The outcome of a run in which the limit was met, or not. What could not be read is worse than what was found.
pub(super) const fn outcome(outcome: Outcome, met: bool) -> Outcome {
    match outcome {
        Outcome::Done if met => Outcome::CheckFailed,
        other => other,
    }
}
