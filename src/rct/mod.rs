//! The protocol: frames out of bytes, and values out of frames.
//!
//! Knows escapes, checksums, commands, the registry of objects and the encoding of every data type. Knows no packets
//! and no connections: a stream is a sequence of bytes here.

mod candidate;
pub mod command;
pub mod crc;
mod declared;
pub mod encode;
pub mod frame;
pub mod framer;
mod hidden;
mod parse;
pub mod registry;
mod remainder;
mod scan;
mod stretch;
pub mod value;
mod verdict;
mod whole;

pub use command::Command;
pub use frame::{Escaping, Frame, FrameStatus, Item, NonFrame, NonFrameKind, WholeFrame};
pub use framer::{Framer, Items, Silence, StreamEnd};
