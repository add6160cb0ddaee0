//! Community ID version 1: the name of a connection that other network tools give it too.
//!
//! Follows the specification at <https://github.com/corelight/community-id-spec>, with seed 0, for TCP.

use crate::endpoint::{ConnectionKey, Endpoint};
use sha1::{Digest, Sha1};
use std::net::IpAddr;

const SEED: u16 = 0;
const TCP: u8 = 6;

/// `1:` and the base64 of a SHA-1 over the ordered ends: `1:M1UIUKFjP7dVEXI1cs5CIA0QH20=`.
pub(super) fn community_id(a: Endpoint, b: Endpoint) -> String {
    // The specification orders by address, then port, as `ConnectionKey` does.
    let key = ConnectionKey::new(a, b);
    let mut hash = Sha1::new();
    hash.update(SEED.to_be_bytes());
    update_with_ip(&mut hash, key.low().ip);
    update_with_ip(&mut hash, key.high().ip);
    hash.update([TCP, 0]);
    hash.update(key.low().port.to_be_bytes());
    hash.update(key.high().port.to_be_bytes());
    format!("1:{}", base64(&hash.finalize()))
}

fn update_with_ip(hash: &mut Sha1, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => hash.update(ip.octets()),
        IpAddr::V6(ip) => hash.update(ip.octets()),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = bits >> (18 - 6 * place) & 63;
            let padding = place > group.len();
            text.push(if padding { '=' } else { char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_remainder() {
        for (bytes, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }

    /// Made with the reference implementation (Python package `communityid` 1.5).
    #[test]
    fn as_the_reference_implementation_has_it() {
        for (a, b, expected) in [
            ("192.0.2.11:40112", "192.0.2.20:8899", "1:M1UIUKFjP7dVEXI1cs5CIA0QH20="),
            ("128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            ("203.0.113.7:8899", "192.0.2.20:51000", "1:eZVxJrp2g7YQeG2XsEvW0RsNdZU="),
            ("10.0.0.1:40000", "10.0.0.1:8899", "1:T+y/I4A4v4XZM1DcFd7pUCj5xz8="),
            ("10.0.0.1:8899", "10.0.0.1:8899", "1:v3XIlrk40d/OyJ9y/9qbVpQ7hSY="),
            ("[2001:db8::2]:40000", "[2001:db8::1]:8899", "1:g029vEJRKV5WlZR7Btx6l2vkyuc="),
            ("[fe80::1]:1", "[::1]:65535", "1:iiZVwazXA3xZAMLhAbFj2WSYGnU="),
        ] {
            let end = |text: &str| {
                let address: std::net::SocketAddr = text.parse().expect("an address");
                Endpoint::new(address.ip(), address.port())
            };
            assert_eq!(community_id(end(a), end(b)), expected);
            assert_eq!(community_id(end(b), end(a)), expected);
        }
    }
}
