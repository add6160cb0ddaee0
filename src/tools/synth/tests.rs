//! The made-up captures read back by the plainest of readers, written here from the description of the protocol.

use super::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

fn capture(scenario: Scenario, seed: u64) -> (Vec<u8>, Stats) {
    let mut out = Vec::new();
    let stats = write(scenario, seed, &mut out).expect("a Vec takes all");
    (out, stats)
}

/// The first eight bytes of the SHA-256, in hex.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// Whoever changes a line of this table breaks the promise of `rctscope synth`: the same bytes for the same seed.
const PINNED: &[(&str, &str)] = &[
    ("evening", "6b166d1175c99faf"),
    ("normal", "e67e708e639ff698"),
    ("all-types", "c2d663ecd0fa3ed3"),
    ("write", "67173c8b7f8f820c"),
    ("plant", "f444c789a92bd7c5"),
    ("periodic", "9a4b3fbfb92c5ac3"),
    ("escape-heavy", "65278f35ce596d5b"),
    ("long-response", "fef7ebe489694161"),
    ("interrupted-table", "60251f2a47ad5b7f"),
    ("length-byte", "82119203be610e81"),
    ("two-clients", "84db80adfaa31edf"),
    ("portal", "9bee5c24c05b111e"),
    ("master", "a4598e73247c60fb"),
    ("crowd", "c4a6e565b24487e0"),
    ("reconnect", "2f9e0f4db454b515"),
    ("unanswered-retry", "7395a06c30837a6c"),
    ("net-package", "b178f7adc4e8548d"),
    ("duplicate-answer", "e4d5a32f5c77df71"),
    ("echo", "bb98218d8ba5b0f2"),
    ("mixed-ports", "be4e01e795fb1df5"),
    ("cut-answer", "890155de74170d2f"),
    ("bad-crc", "f3c4e5b3b53a957f"),
    ("foreign-payload", "c9d93126b8366b30"),
    ("stuck-remainder", "4a60cd6c1fc32f18"),
    ("raw-crc", "241bb3141e9904eb"),
    ("no-escape", "b4a8ea4e1a918a6f"),
    ("bridge-noise", "7850479a38c1bfd5"),
    ("bootloader", "02012d08fd00d30b"),
    ("gap", "18a6ab58ce6304dd"),
    ("reorder", "64fbe930b247c8df"),
    ("retransmit", "a4c1e916e4be4298"),
    ("injection", "6a2a9d757d5d1e8b"),
];

#[test]
fn the_bytes_of_every_scenario_stay_as_they_are() {
    let made: Vec<_> =
        Scenario::ALL.iter().map(|scenario| (scenario.name(), fingerprint(&capture(*scenario, 1).0))).collect();
    let made: Vec<_> = made.iter().map(|(name, hash)| (*name, hash.as_str())).collect();
    assert_eq!(made, PINNED);
}

#[test]
fn the_bytes_of_bulk_stay_as_they_are() {
    for (mixed, pinned) in [(false, "7a070d6784b0a8f2"), (true, "7fa53da1a401b0ae")] {
        let mut out = Vec::new();
        let stats = bulk(Bulk { bytes: 1_000_000, mixed, ..Bulk::default() }, &mut out).expect("a Vec takes all");
        assert_eq!(stats.byte_count, u64::try_from(out.len()).expect("small"));
        assert_eq!(fingerprint(&out), pinned, "mixed: {mixed}");
    }
}

#[test]
fn another_seed_gives_other_bytes_and_the_same_story() {
    for scenario in Scenario::ALL {
        let ((one, stats_one), (two, stats_two)) = (capture(*scenario, 1), capture(*scenario, 2));
        assert_ne!(one, two, "{scenario}");
        assert_eq!(stats_one.request_count, stats_two.request_count, "{scenario}");
        assert_eq!(stats_one.answer_count, stats_two.answer_count, "{scenario}");
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: HashSet<_> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
    assert_eq!(names.len(), Scenario::ALL.len());
    for scenario in Scenario::ALL {
        assert_eq!(Scenario::from_name(scenario.name()), Some(*scenario));
        assert!(!scenario.description().is_empty());
    }
    assert_eq!(Scenario::from_name("Normal"), None);
}

/// Time in nanoseconds and bytes of each packet of a pcap file, which must be right to its last byte.
fn packets(file: &[u8]) -> Vec<(u64, &[u8])> {
    let field = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((field(0), field(20)), (0xa1b2_3c4d, 1));
    let (mut at, mut packets) = (24, Vec::new());
    while at < file.len() {
        let (seconds, nanos, length) = (field(at), field(at + 4), field(at + 8));
        assert!(nanos < 1_000_000_000 && length == field(at + 12));
        let end = at + 16 + usize::try_from(length).expect("small");
        packets.push((u64::from(seconds) * 1_000_000_000 + u64::from(nanos), &file[at + 16..end]));
        at = end;
    }
    packets
}

/// A TCP segment, as far as it is looked at here.
struct Segment<'a> {
    ends: Way,
    seq: u32,
    flags: u8,
    payload: &'a [u8],
}

/// The segment in a packet, if it is TCP, its checksum verified by the letter of the RFC.
fn segment(packet: &[u8]) -> Option<Segment<'_>> {
    let be16 = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let (addresses, protocol, tcp) = match be16(12) {
        0x0800 => (&packet[26..34], packet[23], &packet[34..14 + be16(16)]),
        0x86dd => (&packet[22..54], packet[20], &packet[54..54 + be16(18)]),
        _ => return None,
    };
    if protocol != 6 {
        return None;
    }
    let length = u32::try_from(tcp.len()).expect("small").to_be_bytes();
    let summed = [addresses, &length, &[0, 0, 0, 6], tcp].concat();
    let sum = summed.chunks(2).fold(0u32, |sum, word| {
        let sum = sum + (u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)));
        (sum & 0xffff) + (sum >> 16)
    });
    assert_eq!(sum, 0xffff, "TCP checksum");
    let (from, to) = addresses.split_at(addresses.len() / 2);
    Some(Segment {
        ends: ([from, &tcp[0..2]].concat(), [to, &tcp[2..4]].concat()),
        seq: u32::from_be_bytes(tcp[4..8].try_into().expect("four bytes")),
        flags: tcp[13],
        payload: &tcp[usize::from(tcp[12] >> 4) * 4..],
    })
}

/// Address and port of the sender, and of the receiver.
type Way = (Vec<u8>, Vec<u8>);

/// The first sequence number, and the bytes that have come so far.
type Begun = (u32, Vec<Option<u8>>);

/// The data of every direction of every connection that the capture saw begin, put in order by sequence number alone.
fn streams(file: &[u8]) -> Vec<Vec<u8>> {
    let mut finished = Vec::new();
    let mut open: BTreeMap<Way, Begun> = BTreeMap::new();
    for segment in packets(file).into_iter().filter_map(|(_, packet)| segment(packet)) {
        if segment.flags & wire::SYN != 0 {
            finished.extend(open.insert(segment.ends, (segment.seq, Vec::new())));
            continue;
        }
        let (first, bytes) = open.get_mut(&segment.ends).expect("a connection that was opened");
        let offset = usize::try_from(segment.seq.wrapping_sub(*first).wrapping_sub(1)).expect("small");
        for (place, byte) in (offset..).zip(segment.payload) {
            bytes.resize(bytes.len().max(place + 1), None);
            bytes[place].get_or_insert(*byte);
        }
    }
    finished.extend(open.into_values());
    finished.into_iter().map(|(_, bytes)| bytes.into_iter().map(|byte| byte.expect("no gap")).collect()).collect()
}

/// CRC-16 bit by bit.
fn crc(body: &[u8]) -> u16 {
    let padding = [0];
    body.iter().chain(&padding[..body.len() % 2]).fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}

/// Reads frames as the description has them, in a stream that holds nothing else: how many, and how many of them with
/// a wrong CRC.
fn read_frames(stream: &[u8]) -> (u64, u64) {
    let mut bytes = stream.iter().copied().peekable();
    let (mut count, mut wrong) = (0, 0);
    while bytes.next_if_eq(&0).is_some() || bytes.peek().is_some() {
        assert_eq!(bytes.next(), Some(0x2b), "a start byte");
        let mut unescaped = std::iter::from_fn(|| match bytes.next()? {
            0x2d => bytes.next(),
            0x2b => panic!("a start byte inside a frame"),
            byte => Some(byte),
        });
        let mut take = |count: usize| -> Vec<u8> {
            let taken: Vec<u8> = unescaped.by_ref().take(count).collect();
            assert_eq!(taken.len(), count, "a whole frame");
            taken
        };
        let mut body = take(1);
        let length = take(if matches!(body[0] & 0x3f, 3 | 6) { 2 } else { 1 });
        let rest = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        body.extend(length);
        body.extend(take(rest));
        wrong += u64::from(take(2) != crc(&body).to_be_bytes());
        count += 1;
    }
    (count, wrong)
}

#[test]
fn every_frame_of_a_clean_stream_decodes() {
    let clean = [
        "normal",
        "all-types",
        "write",
        "plant",
        "periodic",
        "escape-heavy",
        "long-response",
        "two-clients",
        "reconnect",
        "unanswered-retry",
        "net-package",
        "duplicate-answer",
        "echo",
        "reorder",
        "retransmit",
    ];
    // Damage that the plain reader can step over, and how much of it there is.
    let damaged = [("bad-crc", 3), ("foreign-payload", 4), ("injection", 0)];
    for (name, bad) in clean.map(|name| (name, 0)).into_iter().chain(damaged) {
        for seed in 1..4 {
            let (file, stats) = capture(Scenario::from_name(name).expect(name), seed);
            let (count, wrong) = streams(&file)
                .iter()
                .map(|stream| read_frames(stream))
                .fold((0, 0), |(count, wrong), (more, bad)| (count + more, wrong + bad));
            assert_eq!((count, wrong), (stats.sighting_count, bad), "{name}, seed {seed}");
        }
    }
}

#[test]
fn every_scenario_is_a_sound_capture() {
    for scenario in Scenario::ALL {
        let (file, stats) = capture(*scenario, 7);
        let packets = packets(&file);
        assert_eq!(stats.packet_count, u64::try_from(packets.len()).expect("small"), "{scenario}");
        assert_eq!(stats.byte_count, u64::try_from(file.len()).expect("small"), "{scenario}");
        assert!(packets.is_sorted_by_key(|(ts, _)| *ts), "{scenario}");
        assert!(packets[0].0 - u64::try_from(START.nanos()).expect("after 1970") < 1_000_000_000, "{scenario}");
        let syns = packets.iter().filter_map(|(_, packet)| segment(packet)).filter(|s| s.flags == wire::SYN).count();
        assert!(u64::try_from(syns).expect("small") >= stats.connection_count, "{scenario}");
    }
}

#[test]
fn pcapng_holds_the_same_packets() {
    let (pcap, _) = capture(Scenario::Normal, 1);
    let mut pcapng = Vec::new();
    write_as(Scenario::Normal, 1, Format::Pcapng, &mut pcapng).expect("a Vec takes all");
    let mut at = 28 + 32;
    for (ts, packet) in packets(&pcap) {
        let field = |offset: usize| u32::from_le_bytes(pcapng[at + offset..at + offset + 4].try_into().expect("four"));
        assert_eq!(u64::from(field(12)) << 32 | u64::from(field(16)), ts);
        assert_eq!(&pcapng[at + 28..at + 28 + packet.len()], packet);
        at += usize::try_from(field(4)).expect("small");
    }
    assert_eq!(at, pcapng.len());
}

#[test]
fn a_writer_that_fails_is_no_panic() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert_eq!(write(Scenario::Normal, 1, &mut Full).map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    let failed = bulk(Bulk { connections: 0, ..Bulk::default() }, &mut Full);
    assert_eq!(failed.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
}
