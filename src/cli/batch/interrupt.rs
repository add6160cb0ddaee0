//! Ctrl-C, and the other ways of asking a program to end: heard here, and looked at between packets.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody has asked.
static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on a first Ctrl-C only asks; a second one ends the program as usual.
pub(super) fn listen() {
    // Where it cannot be listened for, Ctrl-C ends the program at once: unfinished files have no names yet.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

pub(super) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
