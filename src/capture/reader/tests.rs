//! Whole files through the reader: every container, and every way to be wrong.

use super::super::testing::*;
use super::*;
use crate::anomaly::Code;
use proptest::prelude::*;

/// Three packets of pcapng with all that a section can have.
fn rich_pcapng(endian: Endian) -> Vec<u8> {
    let microseconds = 1_700_000_000_123_456;
    [
        section(endian),
        interface(endian, 1, 0, &option(endian, 2, b"eth0")),
        enhanced(endian, 0, microseconds, b"first", &[]),
        interface(endian, 101, 60, &[option(endian, 9, &[9]), option(endian, 0, &[])].concat()),
        enhanced(endian, 1, 1_700_000_000_123_456_789, b"second packet", &option(endian, 4, &endian.u64(17))),
        block(endian, 4, &[0; 8]),
        block(endian, 3, &[endian.u32(200).as_slice(), &[7; 200]].concat()),
        block(endian, 5, &[[0; 12].as_slice(), &option(endian, 5, &endian.u64(3))].concat()),
    ]
    .concat()
}

fn pcap(endian: Endian, magic: u32) -> Vec<u8> {
    [
        pcap_header(endian, magic, 1),
        pcap_record(endian, 1_700_000_000, 123_456, b"first"),
        pcap_record(endian, 1_700_000_001, 0, b""),
        pcap_record(endian, 1_700_000_002, 5, &[9; 300]),
    ]
    .concat()
}

#[test]
fn pcap_in_every_order_and_resolution() {
    for (endian, magic, tick) in [(Little, MICROS, 1000), (Big, MICROS, 1000), (Little, NANOS, 1), (Big, NANOS, 1)] {
        let got = read(&pcap(endian, magic)).unwrap();
        let times: Vec<i64> = got.packets.iter().map(|packet| packet.nanos).collect();
        let second = 1_000_000_000;
        let expected =
            [1_700_000_000 * second + 123_456 * tick, 1_700_000_001 * second, 1_700_000_002 * second + 5 * tick];
        assert_eq!(times, expected, "{endian:?} {magic:#x}");
        assert_eq!(got.packets[2].data, [9; 300]);
        assert_eq!(got.packets[2].number, 3);
        assert!(got.complete && got.notices.is_empty());
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    for endian in [Little, Big] {
        let mut file = pcap_header(endian, MODIFIED, 1);
        for data in [b"abc".as_slice(), b"", b"defgh"] {
            let record = pcap_record(endian, 7, 8, data);
            file.extend([&record[..16], &[3, 0, 0, 0, 8, 0, 0, 0], data].concat());
        }
        let got = read(&file).unwrap();
        let packets: Vec<_> = got.packets.iter().map(|packet| (packet.nanos, packet.data.as_slice())).collect();
        let time = 7_000_008_000;
        assert_eq!(packets, [(time, b"abc".as_slice()), (time, b""), (time, b"defgh")]);
        assert!(got.complete);
    }
}

#[test]
fn lengths_that_lie_stop_nothing() {
    let mut file = pcap_header(Little, MICROS, 1);
    for original in [0, 2, 5, 9, u32::MAX] {
        let mut record = pcap_record(Little, 1, 0, b"abcde");
        record[12..16].copy_from_slice(&original.to_le_bytes());
        file.extend(record);
    }
    let got = read(&file).unwrap();
    let lengths: Vec<_> = got.packets.iter().map(|packet| packet.original_length).collect();
    assert_eq!(lengths, [5, 5, 5, 9, u32::MAX]);
    assert!(got.complete && got.notices.is_empty());
}

#[test]
fn a_fraction_of_more_than_a_second_is_carried() {
    let file = [pcap_header(Little, MICROS, 1), pcap_record(Little, 10, 2_500_000, b"x")].concat();
    let got = read(&file).unwrap();
    assert_eq!(got.packets[0].nanos, 12_500_000_000);
    assert_eq!(got.messages(), ["1 packet with a fraction of a second or more, carried over"]);
    assert!(got.complete);
}

#[test]
fn link_types_lose_the_bits_above() {
    let file = [pcap_header(Little, MICROS, 0x5400_0071), pcap_record(Little, 1, 0, b"x")].concat();
    assert_eq!(read(&file).unwrap().packets[0].link_type, 0x71);
}

#[test]
fn pcapng_in_both_orders() {
    for endian in [Little, Big] {
        let got = read(&rich_pcapng(endian)).unwrap();
        let packets: Vec<_> = got
            .packets
            .iter()
            .map(|packet| (packet.nanos, packet.link_type, packet.interface, packet.original_length, packet.data.len()))
            .collect();
        let last = 1_700_000_000_123_456_789;
        assert_eq!(packets, [(last - 789, 1, 0, 5, 5), (last, 101, 1, 13, 13), (last, 1, 0, 200, 200)]);
        assert_eq!(got.messages(), ["20 packets dropped by the capturing program"]);
        assert_eq!(got.notices[0].code(), Code::PacketsDropped);
        assert!(got.complete);
    }
}

#[test]
fn sections_have_their_own_interfaces_and_byte_order() {
    let file = [rich_pcapng(Little), section(Big), interface(Big, 113, 0, &[]), enhanced(Big, 0, 7, b"last", &[])];
    let got = read(&file.concat()).unwrap();
    let last = got.packets.last().unwrap();
    assert_eq!((last.link_type, last.interface, last.nanos), (113, 2, 7000));
}

#[test]
fn simple_packets_end_with_the_snap_length() {
    for (snap, original, captured) in [(0, 57, 57), (60, 57, 57), (50, 57, 50), (60, 1514, 60), (0, 1514, 60)] {
        let body = [Big.u32(original).as_slice(), &[1; 57], &[0; 3]].concat();
        let file = [section(Big), interface(Big, 1, snap, &[]), block(Big, 3, &body)].concat();
        let got = read(&file).unwrap();
        assert_eq!((got.packets[0].data.len(), got.packets[0].original_length), (captured, original));
    }
}

#[test]
fn obsolete_packet_blocks() {
    for endian in [Little, Big] {
        let drops = |count: u16| [endian.u16(0), endian.u16(count)].concat();
        let rest = [1u32, 2, 3, 60].map(|field| endian.u32(field)).concat();
        let packet = |count| block(endian, 2, &[drops(count).as_slice(), &rest, b"abc\0"].concat());
        let file =
            [section(endian), interface(endian, 1, 0, &[]), packet(5), packet(u16::MAX), packet(0), packet(2)].concat();
        let got = read(&file).unwrap();
        let first = &got.packets[0];
        assert_eq!((first.nanos, first.data.as_slice(), first.original_length), (4_294_967_298_000, &b"abc"[..], 60));
        assert_eq!(got.messages(), ["7 packets dropped by the capturing program"]);
    }
}

#[test]
fn packets_of_unknown_interfaces_are_skipped_and_counted() {
    let packet = |interface| enhanced(Little, interface, 0, b"x", &[]);
    let file = [section(Little), interface(Little, 1, 0, &[]), packet(1), packet(0), packet(7), packet(u32::MAX)];
    let got = read(&file.concat()).unwrap();
    assert_eq!(got.packets.len(), 1);
    assert_eq!(got.messages(), ["3 packets of an interface that the file does not describe, skipped"]);
    assert_eq!((got.notices[0].offset, got.notices[0].packet), (48, None));
    assert!(!got.complete);
}

#[test]
fn options_that_make_no_sense_lose_no_packet() {
    let whole = enhanced(Little, 0, 1, b"x", &[]);
    for options in [
        option(Little, 4, &[1]),
        [Little.u16(4), Little.u16(4000)].concat(),
        [option(Little, 1, b"\xff\xfe"), vec![9]].concat(),
        vec![0xff; 4],
    ] {
        let file = [section(Little), interface(Little, 1, 0, &options), enhanced(Little, 0, 1, b"x", &options)];
        let got = read(&[file.concat(), whole.clone()].concat()).unwrap();
        assert_eq!(got.packets.len(), 2, "{options:x?}");
        assert!(got.complete);
    }
}

#[test]
fn a_block_whose_packet_does_not_fit_is_skipped() {
    let mut bad = enhanced(Little, 0, 1, b"abcd", &[]);
    bad[20..24].copy_from_slice(&9u32.to_le_bytes());
    let good = enhanced(Little, 0, 2, b"efgh", &[]);
    let got = read(&[section(Little), interface(Little, 1, 0, &[]), bad, good].concat()).unwrap();
    assert_eq!(got.packets.len(), 1);
    assert_eq!(got.messages(), ["corrupt at byte 48 (a packet of 9 bytes in a block with room for 4)"]);
    assert!(!got.complete);
}

#[test]
fn a_block_with_two_lengths_is_read_by_the_first() {
    let mut bad = enhanced(Little, 0, 1, b"abcd", &[]);
    let end = bad.len() - 4;
    bad[end] += 4;
    let good = enhanced(Little, 0, 2, b"efgh", &[]);
    let got = read(&[section(Little), interface(Little, 1, 0, &[]), bad, good].concat()).unwrap();
    assert_eq!(got.packets.len(), 2);
    assert_eq!(got.messages(), ["corrupt at byte 48 (a block whose two lengths differ)"]);
}

#[test]
fn lost_framing_ends_the_file_with_its_place() {
    let pcap_start = [pcap_header(Little, MICROS, 1), pcap_record(Little, 1, 0, b"abc")].concat();
    let mut huge = pcap_record(Little, 1, 0, b"abc");
    huge[8..12].copy_from_slice(&[0xff; 4]);
    let ng_start = [section(Little), interface(Little, 1, 0, &[]), enhanced(Little, 0, 2, b"efgh", &[])].concat();
    let ng = |length: u32| [Little.u32(6), Little.u32(length), Little.u32(0), Little.u32(length)].concat();
    for (start, bad, message) in [
        (&pcap_start, huge, "corrupt at byte 43 (a packet of 4294967295 bytes)"),
        (&ng_start, ng(0), "corrupt at byte 84 (a block of 0 bytes)"),
        (&ng_start, ng(8), "corrupt at byte 84 (a block of 8 bytes)"),
        (&ng_start, ng(35), "corrupt at byte 84 (a block of 35 bytes)"),
        (&ng_start, ng(0xffff_fff0), "corrupt at byte 84 (a block of 4294967280 bytes)"),
    ] {
        let got = read(&[start.as_slice(), &bad, &[0; 100]].concat()).unwrap();
        assert_eq!(got.packets.len(), 1);
        assert_eq!(got.messages(), [message]);
        assert_eq!(got.notices[0].code(), Code::CorruptRecord);
        assert_eq!(got.notices[0].packet, Some(PacketNumber(1)));
        assert!(!got.complete);
    }
}

#[test]
fn a_file_cut_anywhere_says_what_is_missing() {
    let file = pcap(Little, MICROS);
    for (length, message) in [
        (file.len() - 1, "stops in the middle of packet 3 (needs 300 bytes, has 299)"),
        (file.len() - 300, "stops in the middle of packet 3 (needs 300 bytes, has 0)"),
        (file.len() - 306, "stops in the middle of the header of packet 3 (needs 16 bytes, has 10)"),
    ] {
        let got = read(&file[..length]).unwrap();
        assert_eq!(got.messages(), [message]);
        assert_eq!(got.notices[0].code(), Code::TruncatedFile);
        assert_eq!((got.packets.len(), got.complete), (2, false));
    }
    let file = [section(Little), interface(Little, 1, 0, &[]), enhanced(Little, 0, 2, b"efgh", &[])].concat();
    let got = read(&file[..file.len() - 1]).unwrap();
    assert_eq!(got.messages(), ["stops in the middle of packet 1 (needs 28 bytes, has 27)"]);
    let got = read(&file[..50]).unwrap();
    assert_eq!(got.messages(), ["stops in the middle of a block (needs 12 bytes, has 2)"]);
}

#[test]
fn long_blocks_that_nobody_reads_pass_through() {
    let length = 3 * limits::READ_BUFFER_BYTES;
    let start = [section(Little), interface(Little, 1, 0, &[])].concat();
    let secrets = block(Little, 0x0a, &vec![0; length]);
    let packet = enhanced(Little, 0, 2, b"efgh", &[]);
    let got = read(&[start.as_slice(), &secrets, &packet].concat()).unwrap();
    assert_eq!((got.packets.len(), got.notices.len(), got.complete), (1, 0, true));
    let got = read(&[start.as_slice(), &secrets[..length]].concat()).unwrap();
    assert_eq!(got.messages(), ["stops in the middle of a block (needs 786444 bytes, has 786432)"]);
}

#[test]
fn long_packets_make_the_buffer_grow() {
    let data: Vec<u8> = (0..2 * limits::READ_BUFFER_BYTES).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let records = [pcap_record(Big, 1, 0, &data), pcap_record(Big, 1, 0, b"end")];
    let got = read(&[pcap_header(Big, MICROS, 1), records.concat()].concat()).unwrap();
    assert_eq!(got.packets[0].data, data);
    assert_eq!(got.packets[1].data, b"end");
}

#[test]
fn files_glued_together_are_read_on() {
    let file = [pcap(Little, MICROS), pcap(Big, NANOS), pcap(Big, MODIFIED)[..24].to_vec()].concat();
    let got = read(&file).unwrap();
    assert_eq!(got.packets.len(), 6);
    assert_eq!(got.packets[3].nanos, 1_700_000_000_000_123_456);
    assert_eq!((got.packets[0].interface, got.packets[5].interface), (0, 1));
    assert!(got.complete);
}

#[test]
fn the_clock_is_watched_per_interface() {
    let packet = |interface, ticks| enhanced(Little, interface, ticks, b"x", &[]);
    let file = [
        section(Little),
        interface(Little, 1, 0, &[]),
        interface(Little, 1, 0, &[]),
        packet(0, 5_000_000),
        packet(1, 1_000_000),
        packet(0, 4_000_000),
        packet(1, 2_000_000),
        packet(0, 4_500_000),
        packet(0, 2_000_000),
        packet(0, 1_900_000),
    ];
    let got = read(&file.concat()).unwrap();
    assert_eq!(got.messages(), ["the clock goes back by 2.500000000 s"]);
    assert_eq!(got.notices[0].packet, Some(PacketNumber(6)));
    assert_eq!(got.notices[0].code(), Code::ClockBackwards);
    assert!(got.complete);
}

#[test]
fn numbers_can_start_anywhere() {
    let input = std::io::Cursor::new(pcap(Little, MICROS));
    let mut reader = Reader::new(Box::new(input)).unwrap().with_first_number(PacketNumber(41));
    assert_eq!(reader.next_packet().unwrap().unwrap().number, PacketNumber(41));
    assert_eq!(reader.next_packet().unwrap().unwrap().number, PacketNumber(42));
}

#[test]
fn what_is_no_capture_is_named() {
    let erf =
        |seconds: u8| [&[0, 0, 0, 0, seconds, 0, 0, 0x60], [2u8, 4, 0, 20, 0, 0, 0, 4].as_slice(), b"data"].concat();
    for (file, message) in [
        (b"".to_vec(), "the file is empty"),
        (
            b"\xd4\xc3\xb2\xa1\x02".to_vec(),
            "too short for a capture file (the header of a pcap file needs 24 bytes, has 5)",
        ),
        (
            section(Big)[..20].to_vec(),
            "too short for a capture file (the header of a pcapng file needs 28 bytes, has 20)",
        ),
        (vec![1, 2, 3], "too short for a capture file (the header needs 24 bytes, has 3)"),
        (b"PK\x03\x04............".to_vec(), "not a capture file (starts with \"PK\", a zip archive)"),
        (b"BZh91AY&SY......".to_vec(), "not a capture file (starts with \"BZh\", bzip2 data)"),
        (b"\x89PNG\r\n\x1a\n....".to_vec(), "not a capture file (starts with 89 50 4e 47 0d 0a 1a 0a, a PNG image)"),
        (b"  {\"type\": 1}".to_vec(), "not a capture file (starts with \"  {\"type\", JSON)"),
        ("Größe\n".into(), "not a capture file (starts with \"Gr\", text)"),
        (b"snoop\0\0\0\0\0\0\x02".to_vec(), "not a capture file (starts with \"snoop\", a snoop capture)"),
        (
            [erf(0), erf(1)].concat(),
            "not a capture file (starts with 00 00 00 00 00 00 00 60, probably an ERF capture)",
        ),
        (vec![0; 100], "not a capture file (starts with 00 00 00 00 00 00 00 00)"),
        ([[1; 257].as_slice(), b"ustar"].concat(), "not a capture file (starts with \"ustar\", a tar archive)"),
    ] {
        let error = read(&file).unwrap_err();
        assert_eq!(error.to_string(), message);
        let error = read_from(Pieces::new(&file, &[1])).unwrap_err();
        assert_eq!(error.to_string(), message, "byte by byte");
    }
    let mut future = section(Little);
    future[12] = 2;
    assert_eq!(read(&future).unwrap_err().to_string(), "pcapng version 2.0 cannot be read");
}

/// Fails after its bytes.
struct Failing(std::io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(room)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn reading_that_fails_is_an_error_once_and_then_the_end() {
    let file = pcap(Little, MICROS);
    let mut reader = Reader::new(Box::new(Failing(std::io::Cursor::new(file)))).unwrap();
    for _ in 0..3 {
        assert!(reader.next_packet().unwrap().is_some());
    }
    assert_eq!(reader.next_packet().unwrap_err().to_string(), "the disk is gone");
    assert!(reader.next_packet().unwrap().is_none());
    assert!(!reader.complete());
    let error = Reader::new(Box::new(Failing(std::io::Cursor::new(Vec::new())))).unwrap_err();
    assert_eq!(error.to_string(), "the disk is gone");
}

/// Gives one byte at a time and counts them.
struct Drip {
    bytes: std::io::Cursor<Vec<u8>>,
    given: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Read for Drip {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.given.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.bytes.read(&mut room[..1])
    }
}

#[test]
fn a_packet_waits_for_no_byte_behind_it() {
    let header = |file: &[u8], length: usize| file[..length].to_vec();
    let pcap_file = pcap(Big, MICROS);
    let records = vec![21, 16, 316];
    let ng = [section(Big), interface(Big, 1, 0, &[])].concat();
    let packet = enhanced(Big, 0, 2, b"efgh", &[]);
    let ng_file = [ng.as_slice(), &packet, &packet].concat();
    for (file, start, records) in
        [(pcap_file.clone(), header(&pcap_file, 24), records), (ng_file, ng, vec![packet.len(), packet.len()])]
    {
        let given = std::sync::Arc::default();
        let input = Drip { bytes: std::io::Cursor::new(file), given: std::sync::Arc::clone(&given) };
        let mut reader = Reader::new(Box::new(input)).unwrap();
        let mut end = start.len();
        for record in records {
            end += record;
            assert!(reader.next_packet().unwrap().is_some());
            assert_eq!(given.load(std::sync::atomic::Ordering::Relaxed), end);
        }
    }
}

/// A capture, and where each of its packets ends in it.
#[derive(Clone, Debug)]
struct Made {
    file: Vec<u8>,
    ends: Vec<usize>,
}

impl Made {
    fn push(&mut self, record: &[u8], is_packet: bool) {
        self.file.extend(record);
        if is_packet {
            self.ends.push(self.file.len());
        }
    }

    /// How many packets are there as a whole before byte `at`.
    fn whole_before(&self, at: usize) -> usize {
        self.ends.iter().filter(|end| **end <= at).count()
    }
}

/// A few packets in any of the containers.
fn captures() -> impl Strategy<Value = Made> {
    let data = prop::collection::vec(any::<u8>(), 0..80);
    let packets = prop::collection::vec((any::<u32>(), 0..3_000_000u32, data), 0..12);
    (packets, 0..6usize).prop_map(|(packets, kind)| {
        let endian = if kind % 2 == 0 { Little } else { Big };
        let mut made = Made { file: Vec::new(), ends: Vec::new() };
        if kind < 4 {
            made.push(&pcap_header(endian, if kind < 2 { MICROS } else { NANOS }, 1), false);
        } else {
            made.push(&[section(endian), interface(endian, 1, 0, &[]), interface(endian, 113, 0, &[])].concat(), false);
        }
        for (seconds, fraction, data) in packets {
            if kind < 4 {
                made.push(&pcap_record(endian, seconds, fraction, &data), true);
            } else {
                // Every third is of an interface that is not there.
                let drops = option(endian, 4, &endian.u64(1));
                let ticks = u64::from(seconds) << 20 | u64::from(fraction);
                made.push(&enhanced(endian, fraction % 3, ticks, &data, &drops), fraction % 3 < 2);
            }
        }
        made
    })
}

/// The outcome of a reader whose buffer is as small as `capacity`, so that it is compacted and grows all the time.
fn read_pieces(file: &[u8], sizes: &[usize], capacity: usize) -> Option<Outcome> {
    let mut reader = Reader::with_buffer(Box::new(Pieces::new(file, sizes)), capacity, 0, &Windows::default()).ok()?;
    let (mut packets, mut notices) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_packet().unwrap() {
        packets.push(Owned::from(packet));
        notices.extend(reader.take_notices());
    }
    notices.extend(reader.take_notices());
    Some(Outcome { packets, notices, complete: reader.complete() })
}

proptest! {
    #[test]
    fn how_the_bytes_come_does_not_matter(
        made in captures(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1..100usize, 1..8),
        capacity in 1..200usize,
    ) {
        let mut file = [made.file, rich_pcapng(Big)].concat();
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        let whole = read(&file).ok();
        prop_assert_eq!(read_pieces(&file, &sizes, capacity), whole);
    }

    #[test]
    fn a_cut_keeps_the_whole_packets_before_it(made in captures(), at in any::<prop::sample::Index>()) {
        let whole = read(&made.file).unwrap();
        prop_assert_eq!(whole.packets.len(), made.ends.len());
        let cut = at.index(made.file.len());
        match read(&made.file[..cut]) {
            Ok(got) => prop_assert_eq!(&got.packets, &whole.packets[..made.whole_before(cut)]),
            Err(_) => prop_assert!(cut < 28),
        }
    }

    #[test]
    fn a_flipped_byte_spares_the_packets_before_it(
        made in captures(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let whole = read(&made.file).unwrap();
        let at = at.index(made.file.len());
        let mut file = made.file.clone();
        file[at] ^= flip;
        match read(&file) {
            // A header decides about all that follows.
            Ok(_) if at < 68 && made.whole_before(at) == 0 => {}
            Ok(got) => prop_assert!(got.packets.starts_with(&whole.packets[..made.whole_before(at)])),
            Err(_) => prop_assert!(at < 28),
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400), start in 0..8usize) {
        let ng = [section(Little), interface(Little, 1, 0, &[])].concat();
        let starts = [
            Vec::new(),
            pcap_header(Little, MICROS, 1),
            pcap_header(Big, MODIFIED, 1),
            section(Big),
            ng,
            vec![0x1f, 0x8b, 8],
            vec![0x28, 0xb5, 0x2f, 0xfd],
            vec![0xfd, b'7', b'z', b'X', b'Z', 0],
        ];
        let _ = read(&[starts[start].as_slice(), &bytes].concat());
    }
}
