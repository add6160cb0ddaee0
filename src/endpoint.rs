//! Ends of a TCP connection, and the names of a connection and its two directions.

mod by_connection;

pub(crate) use by_connection::ByConnection;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

/// One end of a connection: address and port.
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub ip: IpAddr,
    /// TCP port.
    pub port: u16,
}

impl Endpoint {
    /// An end from its address and port.
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip, port }
    }
}

impl fmt::Display for Endpoint {
    /// `192.0.2.1:8899`, `[2001:db8::1]:8899`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Endpoint {
    /// The port first: the ends of a connection differ in it nearly always, and it is compared at once.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && self.ip == other.ip
    }
}

impl Hash for Endpoint {
    /// Packed into as few words as the address has: the derived hash costs three times as much on the hot path.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.ip {
            IpAddr::V4(ip) => state.write_u64(u64::from(u32::from(ip)) << 16 | u64::from(self.port)),
            IpAddr::V6(ip) => {
                let bits = u128::from(ip);
                #[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
                let (high, low) = ((bits >> 64) as u64, bits as u64);
                state.write_u64(high);
                state.write_u64(low);
                // Folded into the address, a port would be undone by the right address, whatever the hasher.
                state.write_u16(self.port);
            }
        }
    }
}

/// The unordered pair of ends that names a TCP connection: both directions have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey {
    low: Endpoint,
    high: Endpoint,
}

impl ConnectionKey {
    /// The key of the connection between `a` and `b`, in whichever order.
    pub fn new(a: Endpoint, b: Endpoint) -> Self {
        if a <= b { Self { low: a, high: b } } else { Self { low: b, high: a } }
    }

    /// The smaller of the two ends.
    pub const fn low(&self) -> Endpoint {
        self.low
    }

    /// The greater of the two ends.
    pub const fn high(&self) -> Endpoint {
        self.high
    }
}

/// A connection's number in the session, from 1, in the order of first packets.
///
/// A four-tuple used again after its connection ended is a new connection with a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which way data flows, seen from TCP. Says nothing of which end is the inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the end that opened the connection.
    ToServer,
    /// To the end that opened the connection.
    ToClient,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// 0 or 1, to index a pair of things kept per direction.
    pub const fn index(self) -> usize {
        match self {
            Self::ToServer => 0,
            Self::ToClient => 1,
        }
    }
}

/// Ends as an attacker chooses them, of two makes: those to which a hasher without a secret gives one hash, and those whose
/// addresses undo their ports.
#[cfg(test)]
pub(crate) fn colliding() -> [Vec<Endpoint>; 2] {
    use rustc_hash::FxBuildHasher;
    use std::hash::BuildHasher as _;

    /// What rustc-hash multiplies by.
    const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
    let end = |high: u64, low: u64, port| {
        Endpoint::new(IpAddr::from((u128::from(high) << 64 | u128::from(low)).to_be_bytes()), port)
    };
    let highs = (0..1_000).map(|number| 0x2001_0db8_0000_0000 + number);
    let without_secret: Vec<_> =
        highs.map(|high| end(high, 0u64.wrapping_sub(high.wrapping_mul(FACTOR)), 40_000)).collect();
    let first = FxBuildHasher.hash_one(without_secret[0]);
    assert!(without_secret.iter().all(|end| FxBuildHasher.hash_one(end) == first), "they do collide");
    let undone = (0..1_000).map(|port| end(0x2001_0db8_0000_0000, u64::from(port) << 48, port)).collect();
    [without_secret, undone]
}
