//! One serial line behind a hub: which answer belongs to which request, across all connections of a device.
//!
//! The device has one line. The hub puts the requests of all its clients on it, one after the other, and copies every
//! byte of the device to all of them. So an answer is one event with several sightings (`copies`), it may answer a
//! request made on another connection (`device`, `answers`), and which end of a connection is the device is seen from
//! what it sends (`roles`).
//!
//! Knows frames and their times. Knows neither captures nor TCP.

mod answers;
mod asked;
mod contests;
mod context;
mod copies;
mod device;
mod devices;
pub mod exchange;
mod fate;
mod lines;
mod load;
mod member;
mod members;
mod memory;
mod nature;
mod noise;
mod ordinary;
mod outcome;
mod plain;
mod request;
mod requests;
mod roles;
mod secrets;
mod sensitive;
mod series;
mod shortcut;
mod slab;
mod subject;
mod trace;
mod values;
mod waiting;
mod writes;

pub use exchange::{Exchange, ExchangeId, ExchangeStatus, Pairing, Response, Sender, Sighting, SightingId};
pub use lines::{Addressee, Closing, Lines, Opening};
pub use member::Counts;
pub use noise::NonFrameSeen;
pub use ordinary::Ordinary;
pub use outcome::{LineId, Listener};
pub use plain::PlainExchange;
