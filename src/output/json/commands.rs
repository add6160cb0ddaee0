//! What records say of a command, rendered once.

use super::line::{Line, key};
use crate::rct::Command;

/// `,"command":"READ"` for every command; an unknown one has its number for a name.
#[derive(Debug)]
pub(super) struct Commands(Box<[Box<[u8]>; 256]>);

impl Default for Commands {
    fn default() -> Self {
        let mut line = Line::default();
        Self(Box::new(std::array::from_fn(|code| {
            line.clear();
            line.display(key!("command"), Command(u8::try_from(code).unwrap_or_default()));
            line.as_bytes().into()
        })))
    }
}

impl Commands {
    #[inline]
    pub(super) fn of(&self, command: Command) -> &[u8] {
        &self.0[usize::from(command.0)]
    }
}
