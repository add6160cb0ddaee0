//! One serial line behind a hub: which answer belongs to which request, across all connections of a device.
//!
//! Knows frames and their times. Knows neither captures nor TCP.

pub mod exchange;

pub use exchange::{Exchange, ExchangeId, ExchangeStatus, Pairing, Response, Sender, Sighting, SightingId};
