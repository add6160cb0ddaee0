//! Addresses of documentation in place of real ones, the same for the same.

use foldhash::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The blocks set aside for documentation (RFC 5737), and the large one for benchmarks (RFC 2544) behind them.
const BLOCKS: [([u8; 2], u32, u32); 4] =
    [([192, 0], 0x0200, 254), ([198, 51], 0x6400, 254), ([203, 0], 0x7100, 254), ([198, 18], 0, 65_534)];

/// Which address stands for which.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// All that occur: none of them is handed out.
    original: HashSet<IpAddr>,
    given: HashMap<IpAddr, IpAddr>,
    next: [u32; 2],
}

impl Addresses {
    /// Takes note of an address that occurs.
    pub(super) fn learn(&mut self, ip: IpAddr) {
        self.original.insert(ip);
    }

    /// The address that stands for this one.
    pub(super) fn of(&mut self, ip: IpAddr) -> IpAddr {
        if let Some(given) = self.given.get(&ip) {
            return *given;
        }
        loop {
            let fresh = match ip {
                IpAddr::V4(_) => IpAddr::V4(v4(Self::count(&mut self.next[0]))),
                IpAddr::V6(_) => IpAddr::V6(v6(Self::count(&mut self.next[1]))),
            };
            if !self.original.contains(&fresh) {
                self.given.insert(ip, fresh);
                return fresh;
            }
        }
    }

    pub(super) fn given_count(&self) -> usize {
        self.given.len()
    }

    fn count(next: &mut u32) -> u32 {
        *next = next.wrapping_add(1);
        *next
    }
}

/// The n-th address, from 1.
fn v4(number: u32) -> Ipv4Addr {
    let mut rest = number - 1;
    for ([a, b], base, size) in BLOCKS {
        if rest < size {
            let [_, _, c, d] = (base + rest + 1).to_be_bytes();
            return Ipv4Addr::new(a, b, c, d);
        }
        rest -= size;
    }
    // More hosts than any capture of an inverter has; what follows is private, and still not theirs.
    Ipv4Addr::from(0x0a00_0000 | (rest & 0x00ff_ffff))
}

fn v6(number: u32) -> Ipv6Addr {
    Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_is_replaced_by_the_same_and_never_by_one_that_occurs() {
        let mut addresses = Addresses::default();
        let ips: Vec<IpAddr> = ["192.0.2.2", "192.168.1.7", "192.0.2.1", "fe80::1", "2001:db8::1"]
            .map(|ip| ip.parse().expect("ip"))
            .to_vec();
        for ip in &ips {
            addresses.learn(*ip);
        }
        let given: Vec<String> = ips.iter().map(|ip| addresses.of(*ip).to_string()).collect();
        assert_eq!(given, ["192.0.2.3", "192.0.2.4", "192.0.2.5", "2001:db8::2", "2001:db8::3"]);
        assert_eq!(addresses.of(ips[1]).to_string(), "192.0.2.4");
    }

    #[test]
    fn blocks_follow_one_another() {
        for (number, expected) in
            [(1, "192.0.2.1"), (254, "192.0.2.254"), (255, "198.51.100.1"), (509, "203.0.113.1"), (763, "198.18.0.1")]
        {
            assert_eq!(v4(number).to_string(), expected);
        }
    }
}
