//! What comes of taking a packet apart.

use super::segment::Segment;
use crate::packet::LinkType;

/// What was found in a packet.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// A fragment of a datagram whose other parts are still to come.
    FragmentHeld,
    /// Something other than TCP.
    NotTcp,
    /// The link type is not in our table.
    UnsupportedLinkType(LinkType),
    /// An encrypted 802.11 frame.
    Protected,
    /// The captured bytes end inside a header.
    Cut(Layer),
    /// A header makes no sense.
    Malformed(Layer),
}

/// Where decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Below IP.
    Link,
    /// IP, with its extension headers and tunnels.
    Ip,
    /// TCP.
    Tcp,
}
