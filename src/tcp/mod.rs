//! From segments to streams: connections, order, gaps, and what went wrong on the way.
//!
//! Knows sequence numbers and nothing of what the bytes mean.

pub mod event;

pub use event::{Chunk, ChunkBody, CloseReason, GapReason, Notice, NoticeKind, TcpEvent};
