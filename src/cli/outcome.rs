//! What the shell is told of a run.

/// How a run ended; [`code`](Self::code) is what the shell sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done. Finding anomalies is no failure.
    Done,
    /// A check that was asked for failed.
    CheckFailed,
    /// The arguments make no sense.
    WrongUsage,
    /// No input could be read.
    NothingRead,
    /// Some input could not be read, or not to its end.
    DoneInPart,
}

impl Outcome {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CheckFailed => 1,
            Self::WrongUsage => 2,
            Self::NothingRead => 3,
            Self::DoneInPart => 4,
        }
    }
}
