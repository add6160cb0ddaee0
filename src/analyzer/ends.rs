//! Who the ends of each connection are: frames are told of by its number alone.

use crate::endpoint::{ConnectionId, Direction, Endpoint};
use rustc_hash::FxHashMap;

/// The ends of the connections that are open: the client's, then the server's, as far as TCP knows.
#[derive(Debug, Default)]
pub(super) struct Ends {
    all: FxHashMap<ConnectionId, [Endpoint; 2]>,
    /// Those asked for last: frames come in bursts, and an answer behind its request.
    recent: Option<(ConnectionId, [Endpoint; 2])>,
}

impl Ends {
    pub(super) fn insert(&mut self, id: ConnectionId, ends: [Endpoint; 2]) {
        self.all.insert(id, ends);
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.all.remove(&id);
        self.recent = None;
    }

    /// The sender and the receiver of what goes this way.
    #[inline]
    pub(super) fn of(&mut self, id: ConnectionId, direction: Direction) -> Option<[Endpoint; 2]> {
        let [client, server] = match self.recent {
            Some((recent, ends)) if recent == id => ends,
            _ => {
                let ends = *self.all.get(&id)?;
                self.recent = Some((id, ends));
                ends
            }
        };
        Some(match direction {
            Direction::ToServer => [client, server],
            Direction::ToClient => [server, client],
        })
    }
}
