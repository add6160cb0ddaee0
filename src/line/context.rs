//! What every line of a session needs and none has for itself.

use super::memory::Memory;
use super::outcome::{LineId, Listener, Outbox};
use crate::rct::registry::Registry;
use crate::time::{Span, Timestamp};
use std::sync::Arc;

/// What a line needs from outside to do its work.
#[derive(Debug)]
pub(super) struct Context<L: ?Sized = dyn Listener> {
    pub(super) registry: Arc<Registry>,
    /// How long an answer is waited for.
    pub(super) timeout: Span,
    /// The line that is at work.
    pub(super) line: LineId,
    /// The latest time heard of.
    pub(super) now: Timestamp,
    /// Other connections are open that may get copies.
    pub(super) copying: bool,
    /// Room for what is remembered of long frames.
    pub(super) memory: Memory,
    pub(super) out: Outbox<L>,
}
