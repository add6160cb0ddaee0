//! What every exchange says of its connection, rendered once for as long as it is spoken of.

use super::buffer::Piece;
use super::line::{Line, key};
use crate::endpoint::{ConnectionId, Endpoint};
use std::net::IpAddr;

/// Connections remembered. They are told apart by the last digits of their numbers: those that are busy at one time
/// have numbers that are close to one another.
const SLOTS: usize = 64;

/// `,"conn":1,"device":"192.0.2.20","client":"192.0.2.10:52730"` of the connections spoken of last: twelve numbers that
/// would be written again in every line.
#[derive(Debug)]
pub(super) struct Ends([Rendered; SLOTS]);

#[derive(Debug, Default)]
struct Rendered {
    of: Option<Key>,
    json: Piece<ENDS>,
}

/// More than nearly all of them are long. What is longer, as with IPv6 addresses of which no digit is left out, is rendered
/// each time.
const ENDS: usize = 128;

type Key = (ConnectionId, IpAddr, Option<Endpoint>);

impl Default for Ends {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Rendered::default()))
    }
}

impl Ends {
    /// The connection, the device, and the client where it is known.
    pub(super) fn write(&mut self, line: &mut Line, id: ConnectionId, device: IpAddr, client: Option<Endpoint>) {
        let slot = &mut self.0[usize::try_from(id.0).unwrap_or(0) % SLOTS];
        let is_kept = slot.of.as_ref().is_some_and(|of| of.0 == id && of.1 == device && of.2 == client);
        if !is_kept || !line.piece(&slot.json) {
            slot.render(line, (id, device, client));
        }
    }
}

impl Rendered {
    /// Appends what it keeps.
    #[cold]
    fn render(&mut self, line: &mut Line, key: Key) {
        let (id, device, client) = key;
        let start = line.len();
        line.count(key!("conn"), id.0);
        line.ip(key!("device"), device);
        if let Some(client) = client {
            line.endpoint(key!("client"), client);
        }
        self.json = line.as_bytes()[start..].into();
        self.of = Some(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_taken_by_another_connection_is_rendered_anew() {
        let device: IpAddr = "192.0.2.20".parse().expect("an address");
        let client = Endpoint::new("192.0.2.10".parse().expect("an address"), 52_730);
        let (mut ends, mut line) = (Ends::default(), Line::default());
        let wanted = [(1, Some(client)), (1, Some(client)), (65, None), (1, None), (1, Some(client))];
        for (number, client) in wanted {
            ends.write(&mut line, ConnectionId(number), device, client);
        }
        let known = r#","conn":1,"device":"192.0.2.20","client":"192.0.2.10:52730""#;
        let expected =
            [known, known, r#","conn":65,"device":"192.0.2.20""#, r#","conn":1,"device":"192.0.2.20""#, known];
        assert_eq!(std::str::from_utf8(line.as_bytes()), Ok(expected.concat().as_str()));
    }
}
