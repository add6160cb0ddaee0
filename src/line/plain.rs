//! An exchange of which there is nothing to say: an ordinary READ, and the ordinary answer to it on the same connection.
//!
//! Nearly all are so. It takes two fifths of the bytes of an [`Exchange`], which it becomes for whoever asks.

use super::exchange::{Exchange, ExchangeId, ExchangeStatus, Pairing, Response, Sender, SightingId};
use super::ordinary::Ordinary;
use crate::endpoint::Endpoint;
use smallvec::SmallVec;

/// What of such an exchange is not the same for all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainExchange {
    /// Its number.
    pub id: ExchangeId,
    /// The end of whoever asked.
    pub client: Endpoint,
    /// The inverter's end.
    pub device: Endpoint,
    /// The READ, by its number.
    pub request: (SightingId, Ordinary),
    /// The RESPONSE, by its number.
    pub response: (SightingId, Ordinary),
    /// From the request to the answer, in nanoseconds.
    pub response_time: i64,
    /// From when the line became free for the request, in nanoseconds.
    pub service_time: i64,
}

impl PlainExchange {
    /// All of it.
    pub fn exchange(&self) -> Exchange {
        let Self { client, device, .. } = *self;
        let ((asked, request), (answered, response)) = (&self.request, &self.response);
        let (on_asking_connection, copies, pairing) = (true, SmallVec::new(), Pairing::Certain);
        let frame = response.sighting(*answered, [device, client], Sender::Device);
        Exchange {
            id: self.id,
            ts: request.ts(),
            request: Some(request.sighting(*asked, [client, device], Sender::Client)),
            response: Some(Response { frame, on_asking_connection, copies, pairing }),
            status: ExchangeStatus::Answered,
            response_time: Some(self.response_time),
            service_time: Some(self.service_time),
            periodic: false,
            anomalies: Vec::new(),
        }
    }
}
