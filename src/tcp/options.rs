//! How an assembler works.

/// How an assembler works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Ports of servers, to tell the ends of a connection apart whose handshake was not captured.
    pub server_ports: Vec<u16>,
    /// Which copy of a byte counts.
    pub overlap: Overlap,
}

/// Which copy of a byte counts when two differ. Bytes that were handed out stay as they are in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// The one that came first, as most receivers see it.
    #[default]
    First,
    /// The one that came last.
    Last,
}
