//! Which end of a connection is the device. Neither the port nor the SYN says so: what is sent does.

use super::exchange::Sender;
use crate::endpoint::Endpoint;
use crate::object::ObjectId;
use crate::rct::Command;

/// Networked inverters send WRITEs of it by themselves.
pub(super) const NET_PACKAGE: ObjectId = ObjectId(0x3aa5_65fc);

/// What is known of the two ends of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    device: Option<Endpoint>,
    proven: bool,
}

impl Roles {
    /// The device's end, if known.
    pub(super) fn device(&self) -> Option<Endpoint> {
        self.device
    }

    /// Whether a RESPONSE has proven it.
    pub(super) fn proven(&self) -> bool {
        self.proven
    }

    /// Who sends from an end, as far as known.
    pub(super) fn sender(&self, src: Endpoint) -> Sender {
        if self.device == Some(src) { Sender::Device } else { Sender::Client }
    }

    /// Learns from a frame that `src` sent to `dst`, and says who sent it.
    ///
    /// A RESPONSE proves the device. Until one is seen, `src_is_known_device` (another connection has proven it) and
    /// the command decide: only clients READ, except that a device echoes READs, which it does only after one.
    pub(super) fn learn(
        &mut self,
        command: Command,
        object_id: ObjectId,
        crc_ok: bool,
        src: Endpoint,
        dst: Endpoint,
        src_is_known_device: bool,
    ) -> Sender {
        if self.proven {
            // From here on nothing is learned any more.
            return self.sender(src);
        }
        if command.is_response() && (crc_ok || self.device.is_none()) {
            self.proven = crc_ok;
            self.device = Some(src);
        }
        let device = *self.device.get_or_insert_with(|| {
            if src_is_known_device || (command.is_write() && object_id == NET_PACKAGE) { src } else { dst }
        });
        if device == src { Sender::Device } else { Sender::Client }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn end(host: u8, port: u16) -> Endpoint {
        Endpoint::new(Ipv4Addr::new(192, 0, 2, host).into(), port)
    }

    fn learn(roles: &mut Roles, command: Command, src: Endpoint, dst: Endpoint) -> Sender {
        roles.learn(command, ObjectId(1), true, src, dst, false)
    }

    #[test]
    fn a_device_that_dials_out_is_found_by_what_it_sends() {
        let (device, server) = (end(20, 3580), end(7, 8899));
        let mut roles = Roles::default();
        assert_eq!(learn(&mut roles, Command::READ, server, device), Sender::Client);
        assert_eq!(learn(&mut roles, Command::RESPONSE, device, server), Sender::Device);
        assert!(roles.proven());
    }

    #[test]
    fn an_echo_seen_first_is_put_right_by_the_answer() {
        let (device, client) = (end(20, 8899), end(10, 50000));
        let mut roles = Roles::default();
        assert_eq!(learn(&mut roles, Command::READ, device, client), Sender::Client);
        assert_eq!(learn(&mut roles, Command::RESPONSE, device, client), Sender::Device);
        assert_eq!(learn(&mut roles, Command::READ, device, client), Sender::Device);
        assert_eq!(learn(&mut roles, Command::READ, client, device), Sender::Client);
    }

    #[test]
    fn a_response_from_the_other_end_does_not_turn_what_is_proven() {
        let (device, client) = (end(20, 8899), end(10, 50000));
        let mut roles = Roles::default();
        learn(&mut roles, Command::RESPONSE, device, client);
        assert_eq!(learn(&mut roles, Command::RESPONSE, client, device), Sender::Client);
        assert_eq!(roles.device(), Some(device));
    }
}
