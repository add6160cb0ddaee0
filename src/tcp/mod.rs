//! From segments to streams: connections, order, gaps, and what went wrong on the way.
//!
//! Knows sequence numbers and nothing of what the bytes mean.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `assembler` | the machine: one segment in, events out; clocks and bounds |
//! | `drain` | the events of one segment, handed out one at a time |
//! | `table` | finding connections; the least recently used one |
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
mod outbox;
mod pieces;
mod run;
mod table;
#[cfg(test)]
mod tests;

pub use assembler::{Assembler, Options, Overlap};
pub use connection::{Connection, DecidedBy, DirectionStats};
pub use drain::Drain;
pub use event::{Chunk, ChunkBody, CloseReason, GapReason, Notice, NoticeKind, TcpEvent};
