//! From segments to streams: connections, order, gaps, and what went wrong on the way.
//!
//! Knows sequence numbers and nothing of what the bytes mean.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `assembler` | the machine: what a segment does to the connections; clocks and bounds |
//! | `drain` | segments in, and the events of each out, one at a time |
//! | `table`, `slot` | finding connections; the least recently used one |
//! | `connection` | one connection: its ends, handshake, reset, and what becomes of a port used again |
//! | `half` | one direction: order, gaps, retransmissions |
//! | `pieces` | the bytes of one direction that came before their turn |
//! | `history`, `duplicates` | what has been seen, to judge what is seen again |

mod assembler;
pub mod connection;
mod drain;
mod duplicates;
pub mod event;
mod flow;
mod half;
mod held;
mod history;
mod log;
mod options;
mod outbox;
mod pieces;
mod run;
mod slot;
mod table;
#[cfg(test)]
mod tests;

pub use assembler::Assembler;
pub use connection::{Connection, DecidedBy, DirectionStats};
pub use drain::Drain;
pub use event::{Chunk, ChunkBody, CloseReason, GapReason, Notice, NoticeKind, TcpEvent};
pub use options::{Options, Overlap};
