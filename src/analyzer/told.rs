//! Events that belong to nobody yet: they can wait, and go from one thread to another.

use crate::anomaly::Anomaly;
use crate::event::{ConnectionSummary, Event, NonFrameSighting, Sink, Summary};
use crate::line::{Exchange, PlainExchange, Sighting};

/// An [`Event`] that owns what it is about.
#[derive(Clone, Debug)]
pub enum Told {
    /// See [`Event::Frame`].
    Frame(Box<Sighting>),
    /// See [`Event::NonFrame`].
    NonFrame(Box<NonFrameSighting>),
    /// See [`Event::Exchange`].
    Exchange(Box<Exchange>),
    /// See [`Sink::plain`].
    Plain(Box<PlainExchange>),
    /// See [`Event::Anomaly`].
    Anomaly(Box<Anomaly>),
    /// See [`Event::Connection`].
    Connection(Box<ConnectionSummary>),
    /// See [`Event::Summary`].
    Summary(Box<Summary>),
}

impl Told {
    /// Hands the event to a sink.
    #[inline]
    pub fn tell<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.event(match self {
            Self::Plain(exchange) => return sink.plain(exchange),
            Self::Frame(frame) => Event::Frame(frame),
            Self::NonFrame(bytes) => Event::NonFrame(bytes),
            Self::Exchange(exchange) => Event::Exchange(exchange),
            Self::Anomaly(anomaly) => Event::Anomaly(anomaly),
            Self::Connection(connection) => Event::Connection(connection),
            Self::Summary(summary) => Event::Summary(summary),
        })
    }
}
