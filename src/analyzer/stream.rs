//! One TCP connection as the analyzer sees it, and what is found on it.

use super::found::Found;
use super::half::{Half, Way};
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::limits::UNPROVEN_ITEM_OVERHEAD;
use crate::tcp::{Connection, Notice};
use crate::time::Timestamp;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Ours: the port says so, or a frame has proved it.
    Rct,
    /// Not known yet; so many bytes have been looked at.
    Unknown(u64),
    /// Another one.
    Foreign,
}

/// A connection that may carry the protocol, or does.
#[derive(Debug)]
pub(super) struct Stream {
    id: ConnectionId,
    /// Whether the raw bytes of frames are kept.
    keep_raw: bool,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) midstream: bool,
    pub(super) first: Timestamp,
    pub(super) protocol: Protocol,
    /// Packets of both directions were captured, and the line has been told.
    pub(super) two_sided: bool,
    /// By [`Direction::index`]; made when data comes, since most connections of a flood never bring any.
    halves: Option<Box<[Half; 2]>>,
    /// What was found, and noticed, before the protocol was known.
    pub(super) unproven: Vec<Found>,
    /// What of that counts towards the bound.
    pub(super) unproven_bytes: usize,
    pub(super) notices: Vec<Notice>,
}

impl Stream {
    pub(super) fn new(connection: &Connection, protocol: Protocol, first: Timestamp, keep_raw: bool) -> Self {
        Self {
            id: connection.id(),
            keep_raw,
            client: connection.client(),
            server: connection.server(),
            midstream: connection.midstream(),
            first,
            protocol,
            two_sided: false,
            halves: None,
            unproven: Vec::new(),
            unproven_bytes: 0,
            notices: Vec::new(),
        }
    }

    pub(super) fn half(&mut self, direction: Direction) -> &mut Half {
        self.half_and_unproven(direction).0
    }

    /// The half, and what was found before the protocol was known.
    #[inline]
    pub(super) fn half_and_unproven(&mut self, direction: Direction) -> (&mut Half, &mut Vec<Found>) {
        if self.halves.is_none() {
            self.make_halves();
        }
        let halves = self.halves.as_mut().expect("both have been made");
        (&mut halves[direction.index()], &mut self.unproven)
    }

    #[cold]
    fn make_halves(&mut self) {
        let Self { id: connection, keep_raw, client, server, midstream, .. } = *self;
        let half = |direction, src, dst| Half::new(Way { connection, direction, src, dst, keep_raw }, midstream);
        let to_server = half(Direction::ToServer, client, server);
        self.halves = Some(Box::new([to_server, half(Direction::ToClient, server, client)]));
    }

    /// The half, if it has brought data.
    pub(super) fn half_with_data(&mut self, direction: Direction) -> Option<&mut Half> {
        self.halves.as_mut().map(|halves| &mut halves[direction.index()])
    }

    /// What its directions hold back, as it counts towards the bound.
    pub(super) fn unfinished(&self) -> usize {
        self.halves.iter().flat_map(|halves| halves.iter()).map(|half| half.unfinished).sum()
    }

    /// When its directions are to be looked at, those that are.
    pub(super) fn watched(&self) -> impl Iterator<Item = (Timestamp, ConnectionId, Direction)> {
        let halves = self.halves.iter().flat_map(|halves| halves.iter());
        halves.filter_map(Half::watch_entry)
    }

    /// The bytes that what was found before the protocol was known takes.
    pub(super) fn weigh_unproven(&self) -> usize {
        self.unproven.iter().map(|found| UNPROVEN_ITEM_OVERHEAD + found.weight()).sum()
    }

    /// Forgets all data, since the connection carries another protocol, and returns the stream as it was.
    pub(super) fn dismiss(&mut self) -> Self {
        let foreign = Self {
            protocol: Protocol::Foreign,
            halves: None,
            unproven: Vec::new(),
            unproven_bytes: 0,
            notices: Vec::new(),
            ..*self
        };
        std::mem::replace(self, foreign)
    }
}
