//! Hard cases of reassembly, by name, and random segments against an obviously right model.

use super::*;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::limits;
use crate::net::{Fingerprint, Segment, Seq, TcpFlags};
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const PSH: u8 = 0x18;

/// The client's first byte has this number, the server's [`SERVER`].
const CLIENT: u32 = 1_001;
const SERVER: u32 = 5_001;

/// An assembler, the packets pushed so far, and what came out of it.
struct Bench {
    assembler: Assembler,
    packets: u64,
    nanos: i64,
    src_port: u16,
    streams: BTreeMap<(u32, usize), Vec<u8>>,
    gaps: Vec<(u32, usize, u64, u64, GapReason)>,
    notices: Vec<NoticeKind>,
    closed: Vec<(u32, CloseReason)>,
}

/// What differs from an ordinary segment.
#[derive(Clone, Copy)]
struct Extra {
    missing: u32,
    ip_id: Option<u16>,
    path: u32,
}

const PLAIN: Extra = Extra { missing: 0, ip_id: None, path: 0 };

const LAST: Options = Options { server_ports: Vec::new(), overlap: Overlap::Last };

impl Bench {
    fn new() -> Self {
        Self::with(Options { server_ports: vec![8899], ..Options::default() })
    }

    fn with(options: Options) -> Self {
        Self {
            assembler: Assembler::new(options),
            packets: 0,
            nanos: 0,
            src_port: 40_000,
            streams: BTreeMap::new(),
            gaps: Vec::new(),
            notices: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn opened() -> Self {
        let mut bench = Self::new();
        bench.handshake(CLIENT - 1, SERVER - 1);
        bench
    }

    fn handshake(&mut self, client: u32, server: u32) {
        self.client(client, 0, SYN, b"");
        self.server(server, client.wrapping_add(1), SYN | ACK, b"");
        self.client(client.wrapping_add(1), server.wrapping_add(1), ACK, b"");
    }

    fn client(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) {
        self.push(Direction::ToServer, seq, ack, flags, payload, PLAIN);
    }

    fn server(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) {
        self.push(Direction::ToClient, seq, ack, flags, payload, PLAIN);
    }

    fn push(&mut self, direction: Direction, seq: u32, ack: u32, flags: u8, payload: &[u8], extra: Extra) {
        self.packets += 1;
        self.nanos += 1_000_000;
        let client = Endpoint::new(Ipv4Addr::new(10, 0, 0, 1).into(), self.src_port);
        let server = Endpoint::new(Ipv4Addr::new(10, 0, 0, 2).into(), 8899);
        let (src, dst) = match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let ip_id = extra.ip_id.unwrap_or_else(|| u16::try_from(self.packets % 60_000).expect("small"));
        let segment = Segment {
            packet: PacketNumber(self.packets),
            ts: Timestamp::from_nanos(self.nanos),
            src,
            dst,
            seq: Seq(seq),
            ack: Seq(ack),
            flags: TcpFlags(flags),
            window: 8_192,
            window_scale: None,
            payload,
            payload_offset: 54,
            missing: extra.missing,
            fingerprint: Fingerprint { ip_id, checksum: 0, ts_val: None, ttl: 64, path: extra.path },
            checksummed: None,
        };
        let mut drain = self.assembler.push(&segment);
        while let Some(event) = drain.next() {
            note(event, &mut self.streams, &mut self.gaps, &mut self.notices, &mut self.closed);
        }
    }

    /// Lets time pass without a segment.
    fn wait(&mut self, nanos: i64) {
        self.packets += 1;
        self.nanos += nanos;
        let mut drain = self.assembler.tick(PacketNumber(self.packets), Timestamp::from_nanos(self.nanos));
        while let Some(event) = drain.next() {
            note(event, &mut self.streams, &mut self.gaps, &mut self.notices, &mut self.closed);
        }
    }

    fn finish(mut self) -> Self {
        let mut drain = self.assembler.finish();
        while let Some(event) = drain.next() {
            note(event, &mut self.streams, &mut self.gaps, &mut self.notices, &mut self.closed);
        }
        drop(drain);
        self
    }

    fn text(&self, connection: u32, direction: Direction) -> String {
        let bytes = self.streams.get(&(connection, direction.index())).map_or(&[][..], |bytes| bytes);
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn to_server(&self) -> String {
        self.text(1, Direction::ToServer)
    }

    fn to_client(&self) -> String {
        self.text(1, Direction::ToClient)
    }

    /// Offset, length and reason of the gaps of connection 1 towards the server.
    fn gaps(&self) -> Vec<(u64, u64, GapReason)> {
        self.gaps
            .iter()
            .filter(|gap| (gap.0, gap.1) == (1, 0))
            .map(|&(_, _, offset, length, reason)| (offset, length, reason))
            .collect()
    }

    fn stats(&self) -> DirectionStats {
        self.assembler.connection(ConnectionId(1)).expect("a connection").stats(Direction::ToServer)
    }

    fn has(&self, kind: NoticeKind) -> bool {
        self.notices.contains(&kind)
    }

    fn conflicts(&self) -> Vec<(u64, u32, u64)> {
        let conflict = |kind: &NoticeKind| match *kind {
            NoticeKind::OverlapConflict { offset, length, first } => Some((offset, length, first.packet.0)),
            _ => None,
        };
        self.notices.iter().filter_map(conflict).collect()
    }
}

/// Keeps an event, and holds that chunks of one direction are gapless in offset.
fn note(
    event: TcpEvent<'_>,
    streams: &mut BTreeMap<(u32, usize), Vec<u8>>,
    gaps: &mut Vec<(u32, usize, u64, u64, GapReason)>,
    notices: &mut Vec<NoticeKind>,
    closed: &mut Vec<(u32, CloseReason)>,
) {
    match event {
        TcpEvent::Opened(_) => {}
        TcpEvent::Closed { connection, reason, .. } => closed.push((connection.0, reason)),
        TcpEvent::Notice(notice) => notices.push(notice.kind),
        TcpEvent::Chunk(chunk) => {
            let key = (chunk.connection.0, chunk.direction.index());
            assert!(closed.iter().all(|(connection, _)| *connection != key.0), "data after the end");
            let stream = streams.entry(key).or_default();
            let missing: u64 = gaps.iter().filter(|gap| (gap.0, gap.1) == key).map(|gap| gap.3).sum();
            assert_eq!(chunk.offset, u64::try_from(stream.len()).expect("small") + missing);
            match chunk.body {
                ChunkBody::Data(bytes) => stream.extend_from_slice(bytes),
                ChunkBody::Gap { length, reason } => gaps.push((key.0, key.1, chunk.offset, length, reason)),
            }
        }
    }
}

#[test]
fn an_ordinary_connection() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"request");
    bench.server(SERVER, CLIENT + 7, PSH, b"answer");
    bench.client(CLIENT + 7, SERVER + 6, FIN | ACK, b"");
    bench.server(SERVER + 6, CLIENT + 8, FIN | ACK, b"");
    assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("request", "answer"));
    assert_eq!(bench.closed, [(1, CloseReason::Fin)]);
    assert_eq!(bench.notices, []);
    let connection = bench.assembler.connection(ConnectionId(1)).expect("still there while Closed is handled");
    assert_eq!((connection.client().port, connection.server().port), (40_000, 8899));
    assert_eq!((connection.decided_by(), connection.midstream()), (DecidedBy::Handshake, false));
    assert_eq!(connection.packet_count(), 7);
    assert_eq!(connection.stats(Direction::ToServer).bytes, 7);
}

#[test]
fn an_ack_before_the_data_that_fills_the_hole_makes_no_gap() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    bench.server(SERVER, CLIENT + 9, ACK, b"");
    assert_eq!(bench.assembler.oldest_pending(), Some(PacketNumber(5)));
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.assembler.oldest_pending(), None);
    assert_eq!(bench.to_server(), "aaabbbccc");
    assert_eq!(bench.notices, [NoticeKind::OutOfOrder]);
    assert_eq!(bench.gaps(), []);
}

#[test]
fn an_ack_just_before_its_data_makes_no_gap_however_old_the_stream_is() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.wait(40_000_000_000);
    bench.server(SERVER, CLIENT + 6, ACK, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.gaps(), []);
}

#[test]
fn an_acknowledged_hole_is_given_up_after_a_second_even_if_its_connection_is_silent() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    bench.server(SERVER, CLIENT + 9, ACK, b"");
    bench.wait(990_000_000);
    assert_eq!(bench.to_server(), "aaa");
    bench.wait(10_000_000);
    assert_eq!(bench.to_server(), "aaaccc");
    assert_eq!(bench.gaps(), [(3, 3, GapReason::Acknowledged)]);
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert!(bench.has(NoticeKind::LateData));
    assert_eq!(bench.to_server(), "aaaccc");
}

#[test]
fn an_acknowledged_hole_is_given_up_after_64_packets_of_its_connection() {
    let mut bench = Bench::opened();
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.server(SERVER, CLIENT + 6, ACK, b"");
    for _ in 0..63 {
        bench.server(SERVER, CLIENT + 6, ACK, b"");
    }
    assert_eq!(bench.to_server(), "");
    bench.server(SERVER, CLIENT + 6, ACK, b"");
    assert_eq!(bench.to_server(), "bbb");
}

#[test]
fn a_hole_nobody_acknowledges_is_given_up_after_30_seconds() {
    let mut bench = Bench::opened();
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(29_000_000_000);
    assert_eq!(bench.to_server(), "");
    bench.wait(1_000_000_000);
    assert_eq!(bench.gaps(), [(0, 3, GapReason::Timeout)]);
}

#[test]
fn a_hole_of_a_one_sided_capture_is_given_up_after_5_seconds() {
    let mut bench = Bench::new();
    bench.client(CLIENT - 1, 0, SYN, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(4_900_000_000);
    assert_eq!(bench.to_server(), "");
    bench.wait(100_000_000);
    assert_eq!(bench.to_server(), "bbb");
}

#[test]
fn a_hole_at_the_end_of_the_capture_does_not_cost_the_tail() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    let bench = bench.finish();
    assert_eq!(bench.to_server(), "aaaccc");
    assert_eq!(bench.gaps(), [(3, 3, GapReason::End)]);
    assert_eq!(bench.closed, [(1, CloseReason::EndOfCapture)]);
}

#[test]
fn acknowledged_data_that_was_never_captured_is_a_gap_at_the_end() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.server(SERVER, CLIENT + 20, PSH, b"answer to what was lost");
    bench.wait(1_000_000_000);
    assert_eq!(bench.gaps(), [(3, 17, GapReason::Acknowledged)]);
    // One more than was sent only means that the FIN was not captured.
    bench.server(SERVER + 23, CLIENT + 21, ACK, b"");
    assert_eq!(bench.finish().gaps().len(), 1);
}

#[test]
fn sequence_numbers_wrap() {
    for isn in [u32::MAX, u32::MAX - 1, u32::MAX - 3, 0] {
        let mut bench = Bench::new();
        bench.handshake(isn, isn);
        let first = isn.wrapping_add(1);
        bench.client(first, first, PSH, b"aaa");
        bench.client(first.wrapping_add(6), first, PSH, b"ccc");
        bench.client(first.wrapping_add(3), first, PSH, b"bbb");
        assert_eq!(bench.to_server(), "aaabbbccc", "{isn}");
        assert_eq!(bench.gaps(), []);
    }
}

#[test]
fn the_same_bytes_again_are_a_retransmission() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaabbb");
    bench.wait(200_000_000);
    bench.client(CLIENT, SERVER, PSH, b"aaabbb");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbbccc");
    assert_eq!(bench.to_server(), "aaabbbccc");
    assert_eq!(bench.notices, [NoticeKind::Retransmission, NoticeKind::Retransmission]);
    assert_eq!(bench.stats().retransmission_count, 2);
}

#[test]
fn other_bytes_for_delivered_ones_are_a_conflict_and_change_nothing() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaabbb");
    bench.client(CLIENT, SERVER, PSH, b"aXabYb");
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.conflicts(), [(1, 4, 4)]);
    assert_eq!(bench.stats().conflict_count, 1);
}

#[test]
fn other_bytes_for_pending_ones_are_a_conflict_and_the_first_win() {
    for (overlap, expected) in [(Overlap::First, "aaabbbcc"), (Overlap::Last, "aaaXXXXc")] {
        let mut bench = Bench::with(Options { overlap, ..Options::default() });
        bench.handshake(CLIENT - 1, SERVER - 1);
        bench.client(CLIENT + 3, SERVER, PSH, b"bbbcc");
        bench.client(CLIENT + 3, SERVER, PSH, b"XXXX");
        bench.client(CLIENT, SERVER, PSH, b"aaa");
        assert_eq!(bench.to_server(), expected);
        assert_eq!(bench.conflicts(), [(3, 4, 4)]);
    }
}

#[test]
fn a_keep_alive_is_no_data_and_no_conflict() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 2, SERVER, ACK, b"\0");
    bench.client(CLIENT + 2, SERVER, ACK, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.notices, [NoticeKind::KeepAlive, NoticeKind::KeepAlive]);
}

#[test]
fn a_zero_window_probe_is_data_once() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 3, SERVER, ACK, b"b");
    bench.client(CLIENT + 3, SERVER, PSH, b"bcd");
    assert_eq!(bench.to_server(), "aaabcd");
}

#[test]
fn a_packet_captured_twice_is_no_retransmission() {
    let mut bench = Bench::opened();
    for (path, pause) in [(0, 0), (7, 400_000_000)] {
        let extra = Extra { ip_id: Some(77), ..PLAIN };
        let seq = CLIENT + 3 * path / 7;
        bench.push(Direction::ToServer, seq, SERVER, PSH, b"aaa", extra);
        bench.wait(pause);
        bench.push(Direction::ToServer, seq, SERVER, PSH, b"aaa", Extra { path, ..extra });
    }
    assert_eq!(bench.to_server(), "aaaaaa");
    assert_eq!(bench.notices, [NoticeKind::DuplicatePacket, NoticeKind::DuplicatePacket]);
    assert_eq!((bench.stats().duplicate_count, bench.stats().retransmission_count), (2, 0));
}

#[test]
fn a_byte_captured_twice_is_no_keep_alive() {
    let mut bench = Bench::opened();
    for _ in 0..2 {
        bench.push(Direction::ToServer, CLIENT, SERVER, PSH, b"a", Extra { ip_id: Some(77), ..PLAIN });
    }
    assert_eq!(bench.notices, [NoticeKind::DuplicatePacket]);
}

#[test]
fn without_a_handshake_an_earlier_segment_may_follow() {
    let mut bench = Bench::new();
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.assembler.oldest_pending(), Some(PacketNumber(1)));
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    assert_eq!(bench.to_server(), "");
    bench.server(SERVER, CLIENT + 6, ACK, b"");
    assert_eq!(bench.to_server(), "aaabbb");
    assert!(bench.has(NoticeKind::Midstream));
    let connection = bench.assembler.connection(ConnectionId(1)).expect("a connection");
    assert_eq!((connection.decided_by(), connection.midstream()), (DecidedBy::Port, true));
}

#[test]
fn the_pre_roll_ends_by_count_by_time_and_by_the_end() {
    let mut bench = Bench::new();
    for number in 0..3 {
        bench.client(CLIENT + number, SERVER, PSH, b"a");
    }
    assert_eq!(bench.to_server(), "aaa");

    let mut bench = Bench::new();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.wait(200_000_000);
    assert_eq!(bench.to_server(), "aaa");

    let mut bench = Bench::new();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    assert_eq!(bench.finish().to_server(), "aaa");
}

#[test]
fn the_first_packet_of_the_capture_is_a_keep_alive() {
    for garbage in [&b""[..], b"\0"] {
        let mut bench = Bench::new();
        bench.client(CLIENT - 1, SERVER, ACK, garbage);
        bench.client(CLIENT, SERVER, PSH, b"aaa");
        bench.server(SERVER, CLIENT + 3, PSH, b"bbb");
        assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaa", "bbb"));
        assert_eq!(bench.gaps(), []);
    }
}

#[test]
fn without_a_handshake_an_acknowledgment_tells_the_first_byte() {
    let mut bench = Bench::new();
    bench.server(SERVER, CLIENT, PSH, b"bbb");
    bench.client(CLIENT + 3, SERVER + 3, PSH, b"ccc");
    bench.server(SERVER + 3, CLIENT + 6, ACK, b"");
    bench.wait(1_000_000_000);
    assert_eq!(bench.gaps(), [(0, 3, GapReason::Acknowledged)]);
    assert_eq!(bench.to_server(), "ccc");
}

#[test]
fn handshakes_of_all_kinds_open_one_connection() {
    let cases: &[&[(Direction, u32, u32, u8)]] = &[
        // SYN and SYN-ACK sent again.
        &[
            (Direction::ToServer, CLIENT - 1, 0, SYN),
            (Direction::ToServer, CLIENT - 1, 0, SYN),
            (Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK),
            (Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK),
        ],
        // The SYN-ACK captured first.
        &[(Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK), (Direction::ToServer, CLIENT - 1, 0, SYN)],
        // Only the SYN-ACK captured.
        &[(Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK)],
        // Both open at once.
        &[
            (Direction::ToServer, CLIENT - 1, 0, SYN),
            (Direction::ToClient, SERVER - 1, 0, SYN),
            (Direction::ToServer, CLIENT - 1, SERVER, SYN | ACK),
            (Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK),
        ],
        // The answer changes its mind.
        &[
            (Direction::ToServer, CLIENT - 1, 0, SYN),
            (Direction::ToClient, 77_777, CLIENT, SYN | ACK),
            (Direction::ToClient, SERVER - 1, CLIENT, SYN | ACK),
        ],
    ];
    for case in cases {
        let mut bench = Bench::new();
        for &(direction, seq, ack, flags) in *case {
            bench.push(direction, seq, ack, flags, b"", PLAIN);
        }
        bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
        bench.client(CLIENT, SERVER, PSH, b"aaa");
        bench.server(SERVER, CLIENT + 6, PSH, b"ccc");
        assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaabbb", "ccc"));
        assert_eq!(bench.assembler.connection_count(), 1);
        assert_eq!(bench.assembler.connection(ConnectionId(1)).map(Connection::decided_by), Some(DecidedBy::Handshake));
    }
}

#[test]
fn data_in_a_syn_is_the_first_data_even_when_it_is_rejected() {
    let mut bench = Bench::new();
    bench.client(CLIENT - 1, 0, SYN, b"aaa");
    bench.server(SERVER - 1, CLIENT, SYN | ACK, b"");
    bench.client(CLIENT, SERVER, PSH, b"aaabbb");
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.conflicts(), []);
}

#[test]
fn a_fin_before_the_data_waits_for_it() {
    let mut bench = Bench::opened();
    bench.client(CLIENT + 3, SERVER, FIN | ACK, b"");
    bench.server(SERVER, CLIENT, FIN | ACK, b"");
    assert_eq!(bench.closed, []);
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    assert_eq!(bench.to_server(), "aaa");
    assert_eq!(bench.closed, [(1, CloseReason::Fin)]);
}

#[test]
fn the_other_side_may_go_on_after_a_fin_and_data_behind_it_is_dropped() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, FIN | PSH, b"aaa");
    bench.server(SERVER, CLIENT + 4, PSH, b"bbb");
    bench.client(CLIENT + 3, SERVER + 3, PSH, b"XXX");
    bench.server(SERVER + 3, CLIENT + 4, FIN | PSH, b"ccc");
    assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaa", "bbbccc"));
    assert!(bench.has(NoticeKind::DataAfterFin));
    assert_eq!(bench.closed, [(1, CloseReason::Fin)]);
}

#[test]
fn a_reset_ends_the_connection_and_its_payload_is_no_data() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.server(SERVER, CLIENT + 3, RST | ACK, b"go away");
    assert_eq!(bench.notices, [NoticeKind::Reset]);
    bench.wait(1_000_000_000);
    assert_eq!(bench.closed, [(1, CloseReason::Reset)]);
    assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaa", ""));
}

#[test]
fn a_reset_far_outside_the_window_is_ignored() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 1_000_000, SERVER, RST, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(2_000_000_000);
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.notices, [NoticeKind::SuspiciousReset]);
    assert_eq!(bench.closed, []);
}

#[test]
fn a_connection_that_goes_on_after_a_reset_is_kept() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 3, SERVER, RST | ACK, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(2_000_000_000);
    bench.server(SERVER, CLIENT + 6, PSH, b"ccc");
    assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaabbb", "ccc"));
    assert!(bench.has(NoticeKind::DataAfterReset));
    assert_eq!((bench.closed.len(), bench.assembler.connection_count()), (0, 1));
}

#[test]
fn a_connection_reset_by_one_side_and_then_the_other_is_closed_at_the_end_of_the_capture() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 3, SERVER, RST | ACK, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.server(SERVER, CLIENT + 6, RST | ACK, b"");
    assert_eq!(bench.finish().closed, [(1, CloseReason::Reset)]);
}

#[test]
fn a_connection_that_goes_on_and_is_reset_again_is_closed_by_that_a_second_later() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 3, SERVER, RST | ACK, b"");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(500_000_000);
    bench.client(CLIENT + 6, SERVER, RST | ACK, b"");
    // The first one has been decided long before: it lived on. The second one has not been yet.
    bench.wait(600_000_000);
    assert_eq!(bench.closed, []);
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    bench.client(CLIENT + 9, SERVER, RST | ACK, b"");
    assert_eq!(bench.to_server(), "aaabbbccc");
    let drain = bench.assembler.tick(PacketNumber(12), Timestamp::from_nanos(2_109_000_000));
    assert_eq!(closed_by_reset(drain), [(1, 11, 1_109_000_000)]);
}

#[test]
fn at_the_end_of_the_capture_each_connection_is_closed_by_its_own_last_reset() {
    let mut bench = Bench::new();
    let ports = [40_001, 40_002, 40_003];
    for port in ports {
        bench.src_port = port;
        bench.handshake(CLIENT - 1, SERVER - 1);
        bench.client(CLIENT, SERVER, PSH, b"aaa");
    }
    for port in [40_003, 40_001, 40_002] {
        bench.src_port = port;
        bench.client(CLIENT + 3, SERVER, RST | ACK, b"");
    }
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.client(CLIENT + 6, SERVER, RST | ACK, b"");
    let closed = closed_by_reset(bench.assembler.finish());
    assert_eq!(closed, [(1, 14, 14_000_000), (2, 17, 17_000_000), (3, 13, 13_000_000)]);
}

/// The connections that are closed by a reset: its packet, and its time.
fn closed_by_reset(mut drain: Drain<'_>) -> Vec<(u32, u64, i64)> {
    let mut closed = Vec::new();
    while let Some(event) = drain.next() {
        if let TcpEvent::Closed { connection, reason: CloseReason::Reset, packet, ts } = event {
            closed.push((connection.0, packet.0, ts.nanos()));
        }
    }
    closed
}

#[test]
fn data_long_after_a_reset_is_not_lost() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 3, SERVER, RST | ACK, b"");
    bench.wait(10_000_000_000);
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    let bench = bench.finish();
    assert_eq!(bench.text(1, Direction::ToServer), "aaa");
    assert_eq!(bench.text(2, Direction::ToServer), "bbb");
}

#[test]
fn a_refused_connection_is_over_at_once() {
    let mut bench = Bench::new();
    bench.client(CLIENT - 1, 0, SYN, b"");
    bench.server(0, CLIENT, RST | ACK, b"");
    assert_eq!(bench.closed, [(1, CloseReason::Reset)]);
}

#[test]
fn ports_used_again_are_another_connection() {
    // Whether the old one was closed, and the new one's first numbers. Without a handshake only a distance can tell.
    for (closed, isn, handshake) in
        [(true, 90_000, true), (false, 90_000, true), (true, CLIENT - 1, true), (true, 900_000_000, false)]
    {
        let mut bench = Bench::opened();
        bench.client(CLIENT, SERVER, PSH, b"old");
        if closed {
            bench.server(SERVER, CLIENT + 3, FIN | ACK, b"");
            bench.client(CLIENT + 3, SERVER + 1, FIN | ACK, b"");
            // Strays of the old one open nothing.
            bench.server(SERVER + 1, CLIENT + 4, ACK, b"");
            bench.client(CLIENT, SERVER + 1, PSH, b"old");
        }
        if handshake {
            bench.handshake(isn, isn);
        }
        bench.client(isn.wrapping_add(1), isn.wrapping_add(1), PSH, b"new");
        bench.server(isn.wrapping_add(1), isn.wrapping_add(4), PSH, b"answer");
        let case = format!("{closed} {isn} {handshake}");
        assert_eq!(bench.assembler.connection_count(), 2, "{case}");
        assert_eq!(bench.text(1, Direction::ToServer), "old", "{case}");
        assert_eq!(bench.text(2, Direction::ToServer), "new", "{case}");
        assert_eq!(bench.text(2, Direction::ToClient), "answer", "{case}");
        let reason = if closed { CloseReason::Fin } else { CloseReason::PortReuse };
        assert_eq!(bench.closed, [(1, reason)], "{case}");
    }
}

#[test]
fn after_a_minute_a_tombstone_is_forgotten() {
    let mut bench = Bench::opened();
    bench.server(SERVER, CLIENT, FIN | ACK, b"");
    bench.client(CLIENT, SERVER + 1, FIN | ACK, b"");
    bench.wait(61_000_000_000);
    bench.client(CLIENT + 1, SERVER + 1, PSH, b"aaa");
    assert_eq!(bench.assembler.connection_count(), 2);
}

#[test]
fn a_silent_connection_is_over_after_two_hours() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    for _ in 0..119 {
        bench.wait(60_000_000_000);
    }
    assert_eq!(bench.closed, []);
    bench.wait(60_000_000_000);
    assert_eq!(bench.closed, [(1, CloseReason::Idle)]);
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.finish().text(2, Direction::ToServer), "bbb", "it was not dead after all");
}

#[test]
fn days_of_silence_of_the_whole_capture_end_no_connection() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.wait(172_800_000_000_000);
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.to_server(), "aaabbb");
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let mut bench = Bench::opened();
    bench.wait(100_000_000_000);
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.wait(-90_000_000_000);
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.gaps(), []);
}

#[test]
fn a_snapped_packet_is_a_gap_that_a_retransmission_may_fill() {
    let snapped = Extra { missing: 3, ..PLAIN };
    let mut bench = Bench::opened();
    bench.push(Direction::ToServer, CLIENT, SERVER, PSH, b"aaa", snapped);
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.to_server(), "aaabbbccc");
    assert!(bench.has(NoticeKind::TruncatedPacket));

    let mut bench = Bench::opened();
    bench.push(Direction::ToServer, CLIENT, SERVER, PSH, b"aaa", snapped);
    bench.push(Direction::ToServer, CLIENT + 6, SERVER, PSH, b"ccc", snapped);
    let bench = bench.finish();
    assert_eq!(bench.to_server(), "aaaccc");
    assert_eq!(bench.gaps(), [(3, 3, GapReason::Snapped), (9, 3, GapReason::Snapped)]);
}

#[test]
fn a_stray_two_gigabytes_ahead_is_dropped_and_costs_nothing() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    for distance in [i32::MAX.unsigned_abs(), 1 << 31, (1 << 31) + 99, 1 << 30] {
        bench.client(CLIENT.wrapping_add(distance), SERVER, PSH, b"XXX");
    }
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    let bench = bench.finish();
    assert_eq!(bench.to_server(), "aaabbb");
    assert_eq!(bench.notices, [NoticeKind::OutOfWindow; 4]);
    assert_eq!(bench.gaps(), []);
}

#[test]
fn a_stream_that_goes_on_far_ahead_is_followed_once_a_second_segment_agrees() {
    let far = CLIENT + (20 << 20);
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(far, SERVER, PSH, b"bbb");
    bench.client(far + 3, SERVER, PSH, b"ccc");
    assert_eq!(bench.to_server(), "aaaccc");
    assert_eq!(bench.gaps(), [(3, (20 << 20), GapReason::Jump)]);
}

#[test]
fn a_hole_that_never_fills_does_not_hold_more_than_its_budget() {
    let mut bench = Bench::opened();
    let piece = vec![b'x'; 1_400];
    let mut peak = 0;
    for number in 0..4_000 {
        bench.client(CLIENT + 1 + number * 1_400, SERVER, PSH, &piece);
        peak = peak.max(bench.assembler.held_cost());
    }
    assert!(peak <= limits::PENDING_BYTES_PER_DIRECTION, "{peak}");
    assert!(peak > limits::PENDING_BYTES_PER_DIRECTION / 2, "{peak}");
    assert_eq!(bench.gaps(), [(0, 1, GapReason::Limit)]);
    assert!(bench.has(NoticeKind::BufferLimit));
    assert_eq!(bench.to_server().len(), 4_000 * 1_400);
}

#[test]
fn single_bytes_behind_holes_are_charged_for_what_they_really_cost() {
    let mut bench = Bench::opened();
    for number in 0..70_000 {
        bench.client(CLIENT + 1 + number * 2, SERVER, PSH, b"x");
    }
    assert!(bench.assembler.held_cost() <= limits::PENDING_BYTES_PER_DIRECTION);
    assert!(bench.assembler.held_packets().len() < 70_000);
}

#[test]
fn a_piece_sent_again_and_again_is_accounted_for_once_where_the_last_copy_counts() {
    let mut bench = Bench::with(LAST);
    bench.handshake(CLIENT - 1, SERVER - 1);
    for _ in 0..1_000 {
        bench.client(CLIENT + 1, SERVER, PSH, b"xx");
        assert_eq!(bench.assembler.held_packets(), [PacketNumber(bench.packets)]);
    }
}

#[test]
fn a_packet_of_which_a_part_was_replaced_is_still_the_one_held_longest() {
    let mut bench = Bench::with(LAST);
    bench.handshake(CLIENT - 1, SERVER - 1);
    bench.client(CLIENT + 1, SERVER, PSH, b"aaaaaa");
    bench.client(CLIENT + 3, SERVER, PSH, b"bb");
    assert_eq!(bench.assembler.oldest_pending(), Some(PacketNumber(4)));
    bench.client(CLIENT + 1, SERVER, PSH, b"cc");
    assert_eq!(bench.assembler.oldest_pending(), Some(PacketNumber(4)));
    bench.client(CLIENT + 5, SERVER, PSH, b"dd");
    assert_eq!(bench.assembler.oldest_pending(), Some(PacketNumber(5)));
    bench.client(CLIENT, SERVER, PSH, b"e");
    assert_eq!((bench.to_server().as_str(), bench.assembler.oldest_pending()), ("eccbbdd", None));
}

#[test]
fn many_connections_with_holes_stay_within_the_common_budget() {
    let mut bench = Bench::new();
    let piece = vec![b'x'; 60_000];
    for port in 1_000..1_080 {
        bench.src_port = port;
        bench.handshake(CLIENT - 1, SERVER - 1);
        for number in 0..65 {
            bench.client(CLIENT + 1 + number * 60_000, SERVER, PSH, &piece);
        }
        // What was handed out is of no interest here.
        bench.streams.clear();
        bench.gaps.clear();
        assert!(bench.assembler.held_cost() <= limits::PENDING_BYTES_TOTAL);
        if bench.has(NoticeKind::BufferLimit) {
            return;
        }
    }
    panic!("the budget was never reached");
}

#[test]
fn a_flood_of_syns_is_bounded_and_small() {
    let mut assembler = Assembler::new(Options::default());
    let mut evicted = 0;
    let flood = u32::try_from(limits::CONNECTIONS).expect("small") + 1_000;
    for number in 0..flood {
        let segment = syn(number);
        let mut drain = assembler.push(&segment);
        while let Some(event) = drain.next() {
            evicted += u32::from(matches!(event, TcpEvent::Closed { reason: CloseReason::Evicted, .. }));
        }
    }
    assert_eq!(assembler.connection_count(), flood);
    assert_eq!(evicted, 1_000);
    assert!(assembler.connection(ConnectionId(1)).is_none() && assembler.connection(ConnectionId(1_001)).is_some());
    // Two hash tables that may be half empty, with a control byte an entry.
    let tables = 2 * (size_of::<(u64, u32)>() + 1 + size_of::<(u32, u32)>() + 1);
    assert!(size_of::<Connection>() + tables <= 200, "{} + {tables}", size_of::<Connection>());
    // One byte more, and the allocator takes 448 for it.
    assert!(size_of::<half::Half>() <= 384, "{}", size_of::<half::Half>());
}

fn syn(number: u32) -> Segment<'static> {
    let src = Endpoint::new(Ipv4Addr::from(0x0a00_0000 + number).into(), 40_000);
    let dst = Endpoint::new(Ipv4Addr::new(192, 0, 2, 1).into(), 8899);
    Segment {
        packet: PacketNumber(u64::from(number) + 1),
        ts: Timestamp::from_nanos(i64::from(number)),
        src,
        dst,
        seq: Seq(number),
        ack: Seq(0),
        flags: TcpFlags(SYN),
        window: 1_024,
        window_scale: None,
        payload: b"",
        payload_offset: 54,
        missing: 0,
        fingerprint: Fingerprint { ip_id: 0, checksum: 0, ts_val: None, ttl: 64, path: 0 },
        checksummed: None,
    }
}

#[test]
fn an_ignored_connection_gives_nothing_but_its_end() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.client(CLIENT + 6, SERVER, PSH, b"ccc");
    bench.assembler.ignore(ConnectionId(1));
    assert_eq!((bench.assembler.held_cost(), bench.assembler.oldest_pending()), (0, None));
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.client(CLIENT, SERVER, PSH, b"XXX");
    bench.client(CLIENT + 9, SERVER, FIN | ACK, b"");
    assert_eq!(bench.to_server(), "aaa");
    assert_eq!((bench.notices.len(), bench.closed.len()), (0, 0));
    bench.server(SERVER, CLIENT + 10, FIN | ACK, b"");
    assert_eq!(bench.closed, [(1, CloseReason::Fin)]);
    assert_eq!(bench.assembler.connection(ConnectionId(1)).map(Connection::carried_bytes), Some(12));
    bench.handshake(90_000, 90_000);
    assert_eq!(bench.assembler.connection_count(), 2);
}

#[test]
fn ports_of_an_ignored_connection_used_again_are_followed() {
    let mut bench = Bench::opened();
    bench.client(CLIENT, SERVER, PSH, b"aaa");
    bench.assembler.ignore(ConnectionId(1));
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    bench.handshake(90_000, 90_000);
    bench.client(90_001, 90_001, PSH, b"new");
    assert_eq!(bench.text(2, Direction::ToServer), "new");
    assert_eq!(bench.closed, [(1, CloseReason::PortReuse)]);
}

#[test]
fn a_drain_dropped_early_loses_nothing() {
    let mut bench = Bench::new();
    bench.client(CLIENT - 1, 0, SYN, b"");
    {
        let payload = b"aaa".to_vec();
        let segment = Segment { payload: &payload, seq: Seq(CLIENT), flags: TcpFlags(PSH), ..bench_segment() };
        let _ = bench.assembler.push(&segment);
    }
    bench.client(CLIENT + 3, SERVER, PSH, b"bbb");
    assert_eq!(bench.to_server(), "aaabbb");
}

#[test]
fn a_payload_in_step_that_the_drain_was_not_asked_for_comes_first_next_time() {
    let mut bench = Bench::new();
    bench.handshake(CLIENT - 1, SERVER - 1);
    bench.client(CLIENT, SERVER, PSH | ACK, b"x");
    bench.server(SERVER, CLIENT + 1, PSH | ACK, b"y");
    let segment = |seq, payload| {
        let (seq, ack, flags) = (Seq(seq), Seq(SERVER + 1), TcpFlags(PSH | ACK));
        Segment { seq, ack, flags, payload, ..bench_segment() }
    };
    let segments = [segment(CLIENT + 1, b"aaa".as_slice()), segment(CLIENT + 4, b"bbb")];
    let mut drain = bench.assembler.push(&segments[0]);
    let chunk = drain.take_payload().expect("it goes the short way");
    assert!(drain.is_empty(), "that was all");
    drop(drain);
    note(TcpEvent::Chunk(chunk), &mut bench.streams, &mut bench.gaps, &mut bench.notices, &mut bench.closed);
    drop(bench.assembler.push(&segments[1]));
    bench.client(CLIENT + 7, SERVER + 1, PSH | ACK, b"ccc");
    assert_eq!(bench.to_server(), "xaaabbbccc");
}

/// The next segment of a bench's client.
fn bench_segment() -> Segment<'static> {
    let client = Endpoint::new(Ipv4Addr::new(10, 0, 0, 1).into(), 40_000);
    let server = Endpoint::new(Ipv4Addr::new(10, 0, 0, 2).into(), 8899);
    Segment { src: client, dst: server, ts: Timestamp::from_nanos(1_500_000), ..syn(1) }
}

#[test]
fn a_connection_to_itself_has_one_stream() {
    let mut bench = Bench::new();
    let end = Endpoint::new(Ipv4Addr::LOCALHOST.into(), 8899);
    let mut take = |seq, ack, flags, payload: &'static [u8]| {
        let segment =
            Segment { src: end, dst: end, seq: Seq(seq), ack: Seq(ack), flags: TcpFlags(flags), payload, ..syn(1) };
        let mut drain = bench.assembler.push(&segment);
        while let Some(event) = drain.next() {
            note(event, &mut bench.streams, &mut bench.gaps, &mut bench.notices, &mut bench.closed);
        }
    };
    take(CLIENT - 1, 0, SYN, b"");
    take(CLIENT - 1, CLIENT, SYN | ACK, b"");
    take(CLIENT, CLIENT, PSH, b"aaa");
    take(CLIENT + 3, CLIENT + 3, FIN | ACK, b"");
    assert_eq!((bench.to_server().as_str(), bench.to_client().as_str()), ("aaa", ""));
    assert_eq!(bench.closed, [(1, CloseReason::Fin)]);
}

/// Random segments of one direction against the obviously right model: a map from offsets to the byte that came first,
/// or to the one that came last as long as it was not handed out.
fn model_check(
    overlap: Overlap,
    isn: u32,
    length: usize,
    segments: Vec<(usize, usize, u8)>,
) -> Result<(), TestCaseError> {
    let mut bench = Bench::with(Options { overlap, ..Options::default() });
    bench.handshake(isn, SERVER - 1);
    let mut model: BTreeMap<usize, u8> = BTreeMap::new();
    for (start, size, variant) in segments {
        let start = start % length;
        let size = size.min(length - start);
        // Most copies agree; some do not.
        let byte = |offset: usize| u8::try_from(offset % 251).expect("small").wrapping_add(u8::from(variant == 0));
        let bytes: Vec<u8> = (start..start + size).map(byte).collect();
        let highest = model.last_key_value().map_or(0, |(offset, _)| offset + 1);
        if size == 0 || (size == 1 && start + 1 == highest) {
            // No data, or a keep-alive.
            continue;
        }
        let delivered = bench.streams.get(&(1, 0)).map_or(0, Vec::len);
        for (offset, byte) in (start..).zip(&bytes) {
            let held = model.entry(offset).or_insert(*byte);
            if overlap == Overlap::Last && offset >= delivered {
                *held = *byte;
            }
        }
        let seq = isn.wrapping_add(1).wrapping_add(u32::try_from(start).expect("small"));
        bench.client(seq, SERVER, PSH, &bytes);
        let in_order = model.keys().zip(0..).take_while(|(offset, expected)| **offset == *expected).count();
        let delivered = bench.streams.get(&(1, 0)).map_or(0, Vec::len);
        prop_assert_eq!(delivered, in_order, "all that is in order, at once");
        accounts_agree(&bench)?;
    }
    let mut gaps: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    for &offset in model.keys() {
        if offset > next {
            gaps.push((u64::try_from(next).expect("small"), u64::try_from(offset - next).expect("small")));
        }
        next = offset + 1;
    }
    let bench = bench.finish();
    let got = bench.streams.get(&(1, 0)).cloned().unwrap_or_default();
    prop_assert_eq!(got, model.into_values().collect::<Vec<_>>());
    prop_assert_eq!(bench.gaps().iter().map(|gap| (gap.0, gap.1)).collect::<Vec<_>>(), gaps);
    prop_assert_eq!((bench.assembler.held_cost(), bench.assembler.oldest_pending()), (0, None));
    Ok(())
}

/// The common account of what is held says what those who hold say.
fn accounts_agree(bench: &Bench) -> Result<(), TestCaseError> {
    let assembler = &bench.assembler;
    let (packets, cost) = assembler.in_pieces();
    prop_assert_eq!(assembler.oldest_pending(), packets.first().copied());
    prop_assert_eq!((assembler.held_packets(), assembler.held_cost()), (packets, cost));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn loss_reordering_duplication_overlap_and_wrap_match_the_model(
        overlap in prop_oneof![Just(Overlap::First), Just(Overlap::Last)],
        isn in prop_oneof![Just(u32::MAX), u32::MAX - 300..=u32::MAX, any::<u32>()],
        length in 1_usize..400,
        segments in prop::collection::vec((0_usize..400, 0_usize..60, 0_u8..8), 0..60),
    ) {
        model_check(overlap, isn, length, segments)?;
    }

    #[test]
    fn the_short_way_leads_where_the_long_one_does(
        opened in any::<bool>(),
        segments in prop::collection::vec(
            (any::<bool>(), -20_i32..20, -20_i32..20, 0_u8..24, 0_usize..6, 0_i64..40),
            0..120,
        ),
    ) {
        let mut benches = [Bench::new(), Bench::new()];
        benches[1].assembler.go_the_long_way();
        for bench in &mut benches {
            if opened {
                bench.handshake(CLIENT - 1, SERVER - 1);
            }
            // What each side has sent: most segments go on there, and most acknowledge all of the other's.
            let mut sent = [CLIENT, SERVER];
            for &(from_client, ahead, behind, kind, size, millis) in &segments {
                let direction = if from_client { Direction::ToServer } else { Direction::ToClient };
                let (own, other) = (direction.index(), direction.reversed().index());
                let seq = sent[own].wrapping_add_signed(if ahead < 12 { 0 } else { ahead - 16 });
                let ack = sent[other].wrapping_add_signed(behind.min(3) - 3);
                let (flags, missing) = match kind {
                    0 => (PSH | FIN, 0),
                    1 => (RST, 0),
                    2 => (SYN | ACK, 0),
                    3 => (ACK, 2),
                    4..12 => (ACK, 0),
                    _ => (PSH, 0),
                };
                bench.nanos += millis * millis * 1_000_000;
                bench.push(direction, seq, ack, flags, &[kind; 6][..size], Extra { missing, ..PLAIN });
                sent[own] = sent[own].max(seq.wrapping_add(u32::try_from(size).expect("small")));
            }
        }
        let [short, long] = benches.map(Bench::finish);
        prop_assert_eq!(&short.streams, &long.streams);
        prop_assert_eq!(&short.gaps, &long.gaps);
        prop_assert_eq!(&short.notices, &long.notices);
        prop_assert_eq!(&short.closed, &long.closed);
    }

    #[test]
    fn no_segments_make_it_panic(
        segments in prop::collection::vec(
            (any::<bool>(), any::<u32>(), any::<u32>(), any::<u8>(), 0_usize..5, 0_u32..3, -5_i64..2_000),
            0..200,
        ),
        near in any::<bool>(),
        last in any::<bool>(),
    ) {
        let mut bench = if last { Bench::with(LAST) } else { Bench::new() };
        for (from_client, seq, ack, flags, size, missing, millis) in segments {
            let direction = if from_client { Direction::ToServer } else { Direction::ToClient };
            // Segments that have nothing to do with one another reach other places than those of one connection.
            let (seq, ack) = if near { (seq % 64, ack % 64) } else { (seq, ack) };
            bench.nanos += millis * 1_000_000;
            bench.push(direction, seq, ack, flags, &[7; 5][..size], Extra { missing, ..PLAIN });
            accounts_agree(&bench)?;
        }
        let bench = bench.finish();
        prop_assert_eq!((bench.assembler.held_cost(), bench.assembler.oldest_pending()), (0, None));
        prop_assert_eq!(u32::try_from(bench.closed.len()).expect("small"), bench.assembler.connection_count());
    }
}
