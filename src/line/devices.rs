//! The lines of all devices: which of them an endpoint belongs to, and which are worth keeping.
//!
//! Knows endpoints, not what is said. A device without connections is at rest; of those, only the latest are kept, so that
//! a capture that tells of more and more devices takes no more and more memory.

use super::device::DeviceLine;
use crate::endpoint::Endpoint;
use crate::limits::DEVICES_AT_REST;
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::{Index, IndexMut};

/// The lines, each in a place that it keeps until it is forgotten.
#[derive(Debug, Default)]
pub(super) struct Devices {
    all: Vec<Device>,
    /// Places of those that were forgotten.
    free: Vec<usize>,
    /// By the endpoint a device listens on.
    by_endpoint: HashMap<Endpoint, usize>,
    /// The first of a host: a device that dials out is the one that listens there.
    by_host: HashMap<IpAddr, usize>,
    /// Those at rest, by when they came to it.
    at_rest: BTreeMap<u64, usize>,
    /// How often a line has come to rest.
    rests: u64,
}

#[derive(Debug, Default)]
struct Device {
    line: DeviceLine,
    /// Where it is; no address only when it is forgotten.
    host: Option<IpAddr>,
    /// Where it listens, as far as is known.
    endpoint: Option<Endpoint>,
    /// When it came to rest, if it has.
    rest: Option<u64>,
}

impl Devices {
    /// How many places there are, those of forgotten devices included.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether a device is known to listen there.
    pub(super) fn listens(&self, endpoint: Endpoint) -> bool {
        self.by_endpoint.contains_key(&endpoint)
    }

    /// The line of a device that gets a connection, a new one if need be. One that dials out belongs to the line it listens
    /// on.
    pub(super) fn find(&mut self, device: Endpoint, listening: bool) -> usize {
        let place = self.known(device, listening).unwrap_or_else(|| self.add());
        let found = &mut self.all[place];
        found.host = Some(device.ip);
        if let Some(rest) = found.rest.take() {
            self.at_rest.remove(&rest);
        }
        if listening {
            found.endpoint = Some(device);
            self.by_endpoint.insert(device, place);
        }
        self.by_host.entry(device.ip).or_insert(place);
        place
    }

    fn known(&self, device: Endpoint, listening: bool) -> Option<usize> {
        let first = self.by_host.get(&device.ip).copied();
        if !listening {
            return first;
        }
        // One that was seen to dial out only may be the one that listens here.
        let is_it = |place: &usize| self.all[*place].endpoint.is_none();
        self.by_endpoint.get(&device).copied().or_else(|| first.filter(is_it))
    }

    fn add(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.all.push(Device::default());
            self.all.len() - 1
        })
    }

    /// A line has lost its last connection. Returns one that is to be forgotten, if too many have.
    pub(super) fn rest(&mut self, place: usize) -> Option<usize> {
        self.rests += 1;
        if let Some(before) = self.all[place].rest.replace(self.rests) {
            self.at_rest.remove(&before);
        }
        self.at_rest.insert(self.rests, place);
        if self.at_rest.len() <= DEVICES_AT_REST {
            return None;
        }
        self.oldest_at_rest()
    }

    /// The one that has been without a connection for longest.
    pub(super) fn oldest_at_rest(&self) -> Option<usize> {
        self.at_rest.first_key_value().map(|(_, oldest)| *oldest)
    }

    /// Forgets a line of which all has been told. Its place is given to another one.
    pub(super) fn forget(&mut self, place: usize) {
        let Device { host, endpoint, rest, .. } = std::mem::take(&mut self.all[place]);
        rest.map(|rest| self.at_rest.remove(&rest));
        endpoint.map(|endpoint| self.by_endpoint.remove(&endpoint));
        if let Some(host) = host
            && self.by_host.get(&host) == Some(&place)
        {
            self.by_host.remove(&host);
        }
        self.free.push(place);
    }
}

impl Index<usize> for Devices {
    type Output = DeviceLine;

    #[inline]
    fn index(&self, place: usize) -> &DeviceLine {
        &self.all[place].line
    }
}

impl IndexMut<usize> for Devices {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut DeviceLine {
        &mut self.all[place].line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::colliding;
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    /// A port of one of very many hosts.
    fn endpoint(host: u32, port: u16) -> Endpoint {
        Endpoint::new(IpAddr::from(host.to_be_bytes()), port)
    }

    #[test]
    fn one_that_dials_out_is_the_one_that_listens_there() {
        let mut devices = Devices::default();
        let dialer = devices.find(endpoint(1, 50_000), false);
        assert_eq!(devices.find(endpoint(1, 8899), true), dialer);
        assert_eq!(devices.find(endpoint(1, 50_001), false), dialer);
        let another = devices.find(endpoint(1, 8900), true);
        assert_ne!(another, dialer);
        assert_eq!(devices.find(endpoint(1, 8900), true), another);
        assert_eq!(devices.find(endpoint(1, 50_002), false), dialer, "the first of the host");
        assert!(devices.listens(endpoint(1, 8900)) && !devices.listens(endpoint(1, 50_000)));
    }

    #[test]
    fn one_that_is_forgotten_is_another_one_when_it_comes_again() {
        let mut devices = Devices::default();
        let [first, second] = [8899, 8900].map(|port| devices.find(endpoint(1, port), true));
        devices[first].in_bootloader = true;
        assert_eq!(devices.rest(first), None);
        devices.forget(first);
        assert!(!devices.listens(endpoint(1, 8899)) && devices.listens(endpoint(1, 8900)));
        let again = devices.find(endpoint(1, 8899), true);
        assert_eq!((again, devices[again].in_bootloader), (first, false), "in the same place, and nothing known");
        assert_eq!(devices.find(endpoint(1, 8900), true), second);
    }

    /// Devices whose ends were made for it took as long to find as there were of them.
    #[test]
    fn ends_that_are_made_to_collide_do_not() {
        let devices = Devices::default();
        for ends in colliding() {
            let endpoints: HashSet<_> = ends.iter().map(|end| devices.by_endpoint.hasher().hash_one(end)).collect();
            let hosts: HashSet<_> = ends.iter().map(|end| devices.by_host.hasher().hash_one(end.ip)).collect();
            assert_eq!((endpoints.len(), hosts.len()), (ends.len(), ends.len()));
        }
    }

    /// However many come and go, those that rest are the latest, and places are used again.
    #[test]
    fn only_the_latest_are_kept_at_rest() {
        let mut devices = Devices::default();
        let busy = devices.find(endpoint(0, 8899), true);
        let regular = devices.find(endpoint(1, 8899), true);
        let most = u32::try_from(DEVICES_AT_REST).expect("few");
        for host in 2..3 * most {
            assert_eq!(devices.find(endpoint(1, 8899), true), regular, "it comes again before it is forgotten");
            devices.rest(regular);
            let place = devices.find(endpoint(host, 8899), true);
            if let Some(oldest) = devices.rest(place) {
                assert!(oldest != busy && oldest != regular && oldest != place);
                devices.forget(oldest);
            }
            assert!(devices.at_rest.len() <= DEVICES_AT_REST);
            assert!(devices.by_endpoint.len() <= DEVICES_AT_REST + 1 && devices.by_host.len() <= DEVICES_AT_REST + 1);
        }
        assert_eq!(devices.len(), DEVICES_AT_REST + 2);
        assert!(devices.listens(endpoint(3 * most - 1, 8899)) && !devices.listens(endpoint(2, 8899)));
        assert!(devices.listens(endpoint(0, 8899)), "one with a connection is never forgotten");
    }
}
