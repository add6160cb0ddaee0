//! Screens: hand-made events, and the digest they become.

use super::{Digest, DigestOptions, InputFile};
use crate::anomaly::Code;
use crate::event::{Event, Sink, Summary};
use crate::output::samples::{ACC, GRID, IS_GRID, Made, SOC, anomaly, at, connection, feed, read};
use crate::output::style::display_width;
use crate::output::zone::Zone;
use crate::packet::PacketNumber;
use crate::rct::registry::Registry;

fn float(value: f32) -> [u8; 4] {
    value.to_be_bytes()
}

fn evening() -> Vec<Made> {
    let mut events: Vec<Made> = Vec::new();
    for (round, value) in [(0_u32, 430.0), (1, 388.0), (2, 372.0), (3, 304.0)] {
        let (packet, ms) = (u64::from(round) * 10 + 4, f64::from(round) * 10_000.0 + 11_012.0);
        events.push(read(1, packet, ms, GRID).answered(packet + 2, 83.5, &float(value)).into());
        events.push(read(1, packet, ms, IS_GRID).answered(packet + 4, 102.7, &[1]).into());
        events.push(read(3, packet + 5, ms + 500.0, SOC).answered(packet + 7, 41.8, &float(0.296)).into());
    }
    events.push(read(1, 101, 52_000.0, ACC).answered(103, 64.7, &[0xc4, 0xbc]).spoil(|_| ()).into());
    events.push(read(1, 105, 53_000.0, ACC).into());
    events.push(anomaly(3, Code::ForeignResponse, 1, 31_028.0, 81, "").into());
    events.push(anomaly(4, Code::ForeignResponse, 1, 31_047.0, 85, "").into());
    events.push(anomaly(7, Code::PayloadShort, 1, 52_064.7, 103, "").into());
    events.push(anomaly(9, Code::Unanswered, 1, 58_000.0, 105, "").into());
    events.push(anomaly(12, Code::Retry, 1, 58_001.0, 107, "").into());
    events.push(anomaly(13, Code::KeepAlive, 2, 59_000.0, 109, "").into());
    events.push(connection(1, false, [10, 9, 4, 1]).into());
    events.push(connection(2, true, [0, 0, 13, 0]).into());
    events.push(connection(3, false, [4, 4, 9, 0]).into());
    events
}

fn summary() -> Summary {
    Summary {
        packet_count: 383,
        segment_count: 383,
        first: Some(at(11_000.0)),
        last: Some(at(76_000.0)),
        last_packet: PacketNumber(383),
        complete: true,
        tcp_connection_count: 3,
        connection_count: 3,
        request_count: 14,
        answered_count: 12,
        damaged_count: 1,
        unanswered_count: 1,
        anomaly_count: 6,
        error_count: 2,
        warning_count: 2,
        note_count: 2,
        ..Summary::default()
    }
}

fn screen(change: impl FnOnce(&mut DigestOptions<'_>), events: &[Made], summary: &Summary) -> String {
    let mut digest = Digest::new(Registry::builtin(), false);
    feed(&mut digest, events);
    digest.event(Event::Summary(summary)).expect("never fails");
    let files = [InputFile { name: "evening.pcap".into(), bytes: Some(31_400) }];
    let mut options =
        DigestOptions { width: 80, color: false, plain: false, all: false, files: &files, zone: Zone::UTC };
    change(&mut options);
    let mut out = Vec::new();
    digest.render(&mut out, &options).expect("a vector takes everything");
    String::from_utf8(out).expect("text")
}

fn check(change: impl FnOnce(&mut DigestOptions<'_>), events: &[Made], summary: &Summary, expected: &str) {
    let found = screen(change, events, summary);
    assert_eq!(found, expected.trim_start_matches('\n'), "\n{found}");
}

#[test]
fn an_evening_at_80_columns() {
    check(
        |_| (),
        &evening(),
        &summary(),
        "
evening.pcap  383 packets  31 kB  2025-03-17 21:06:11 .. 21:07:16 UTC (65.0 s)
3 connections  14 requests  12 answered  1 damaged  1 unanswered  1 retried
2 errors  2 warnings  2 notes  Device: 192.0.2.20 (sends the responses)

Look here first
  1  From 21:06:31 on clients ask at the same time, and answers are copied to
     every connection: 2 came on connection 1 while it waited for another object
     (exchange.foreign_response, first A3).
  2  1 answer was cut short by the device itself, with a right checksum
     (value.payload_short, A7).
  3  1 of 14 requests was never answered; 1 request was repeated
     (exchange.unanswered, A9).

Connections
  c client           role   requests own foreign unanswered p50 ms p95 ms
  1 192.0.2.10:50001 client       10   9       4          1   83.4  102.2
  2 192.0.2.11:50002 portal        0   0      13          0      -      -
  3 192.0.2.12:50003 client        4   4       9          0   41.8   41.8

Response time, all connections (ms)
   32-64 4  █████████████████
  64-128 9  ████████████████████████████████████████
  min 41.8  p50 83.4  p90 102.2  p95 102.2  p99 102.2  max 102.7

Busiest objects
  object                  n ok   p50   p95  first → last      changed
  g_sync.p_ac_grid_sum_lp 4  4  83.5  83.5  430.0 W → 304.0 W       3
  battery.soc             4  4  41.8  41.8  29.6 % → 29.6 %         0
  power_mng.is_grid       4  4 102.7 102.7  true → true             0
  g_sync.p_acc_lp         2  0  64.7  64.7                          0

Anomalies
  ✗ error exchange.unanswered       1  first A9 at 21:06:58.000
  ✗ error value.payload_short       1  first A7 at 21:06:52.064
  ! warn  exchange.foreign_response 2  first A3 at 21:06:31.028
  · note  2 more kinds (--all)      2

Next
  rctscope explain evening.pcap A7
  rctscope timeline evening.pcap --severity error
  rctscope convert evening.pcap > records.jsonl
",
    );
}

#[test]
fn all_of_an_evening_at_120_columns_in_a_pipe() {
    check(
        |options| (options.width, options.plain, options.all) = (120, true, true),
        &evening(),
        &summary(),
        "
evening.pcap  383 packets  31 kB  2025-03-17 21:06:11 .. 21:07:16 UTC (65.0 s)
3 connections  14 requests  12 answered  1 damaged  1 unanswered  1 retried
2 errors  2 warnings  2 notes  Device: 192.0.2.20 (sends the responses)

Look here first
  1  From 21:06:31 on clients ask at the same time, and answers are copied to every connection: 2
     came on connection 1 while it waited for another object (exchange.foreign_response, first A3).
  2  1 answer was cut short by the device itself, with a right checksum (value.payload_short, A7).
  3  1 of 14 requests was never answered; 1 request was repeated (exchange.unanswered, A9).

Connections
  c client           role   requests own foreign unanswered p50 ms p95 ms
  1 192.0.2.10:50001 client       10   9       4          1   83.4  102.2
  2 192.0.2.11:50002 portal        0   0      13          0      -      -
  3 192.0.2.12:50003 client        4   4       9          0   41.8   41.8

Response time, all connections (ms)
   32-64 4  █████████████████
  64-128 9  ████████████████████████████████████████
  min 41.8  p50 83.4  p90 102.2  p95 102.2  p99 102.2  max 102.7

Objects
  object                  n ok   p50   p95  first → last      changed
  g_sync.p_ac_grid_sum_lp 4  4  83.5  83.5  430.0 W → 304.0 W       3
  battery.soc             4  4  41.8  41.8  29.6 % → 29.6 %         0
  power_mng.is_grid       4  4 102.7 102.7  true → true             0
  g_sync.p_acc_lp         2  0  64.7  64.7                          0

Anomalies
  ✗ error exchange.unanswered       1  first A9 at 21:06:58.000
  ✗ error value.payload_short       1  first A7 at 21:06:52.064
  ! warn  exchange.foreign_response 2  first A3 at 21:06:31.028
  · note  frame.keep_alive          1  first A13 at 21:06:59.000
  · note  exchange.retry            1  first A12 at 21:06:58.001
",
    );
}

#[test]
fn nothing_wrong() {
    check(
        |_| (),
        &[read(1, 4, 0.0, SOC).answered(6, 40.0, &float(0.3)).into(), connection(1, false, [1, 1, 0, 0]).into()],
        &Summary {
            request_count: 1,
            answered_count: 1,
            connection_count: 1,
            error_count: 0,
            warning_count: 0,
            ..summary()
        },
        "
evening.pcap  383 packets  31 kB  2025-03-17 21:06:11 .. 21:07:16 UTC (65.0 s)
1 connection  1 request  1 answered  1 damaged  1 unanswered
0 errors  0 warnings  2 notes  Device: 192.0.2.20 (sends the responses)

Nothing to look at first
  No error and no warning was found.

Connections
  c client           role   requests own foreign unanswered p50 ms p95 ms
  1 192.0.2.10:50001 client        1   1       0          0   40.0   40.0

Response time, all connections (ms)
  32-64 1  ████████████████████████████████████████
  min 40.0  p50 40.0  p90 40.0  p95 40.0  p99 40.0  max 40.0

Busiest objects
  object      n ok  p50  p95  first → last    changed
  battery.soc 1  1 40.0 40.0  30.0 % → 30.0 %       0

Next
  rctscope timeline evening.pcap
  rctscope convert evening.pcap > records.jsonl
",
    );
}

#[test]
fn another_protocol() {
    let summary = Summary {
        packet_count: 18_402,
        segment_count: 18_000,
        complete: true,
        other_ports: vec![(502, 1_234_567), (443, 999)],
        ..Summary::default()
    };
    check(
        |_| (),
        &[],
        &summary,
        "
evening.pcap  18,402 packets  31 kB
! 18,402 packets, none with port 8899 or frames of this protocol
  hint: other ports with most TCP data: 502 (1.2 MB), 443 (999 B); try --port
  502
",
    );
}

#[test]
fn no_tcp_at_all_and_no_packets_at_all() {
    let udp = Summary { packet_count: 12, complete: false, ..Summary::default() };
    check(
        |_| (),
        &[],
        &udp,
        "
evening.pcap  12 packets  31 kB
! the input is damaged or cut; what could be read is shown
! 12 packets, none of them TCP
",
    );
    assert_eq!(screen(|_| (), &[], &Summary::default()), "evening.pcap  0 packets  31 kB\n! no packets\n");
}

#[test]
fn standard_input_is_not_read_again() {
    let files = [InputFile { name: "-".into(), bytes: None }];
    let mut digest = Digest::new(Registry::builtin(), false);
    feed(&mut digest, &evening());
    digest.event(Event::Summary(&summary())).expect("never fails");
    let options = DigestOptions { width: 80, color: false, plain: false, all: false, files: &files, zone: Zone::UTC };
    let mut out = Vec::new();
    digest.render(&mut out, &options).expect("a vector takes everything");
    let text = String::from_utf8(out).expect("text");
    assert!(text.starts_with("-  383 packets  2025-03-17") && !text.contains("Next"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 40..200 {
        // What to type next is a whole command or nothing.
        let text = screen(|options| (options.width, options.plain) = (width, true), &evening(), &summary());
        assert!(text.lines().all(|line| display_width(line) <= width), "{width}\n{text}");
    }
}

#[test]
fn colour_changes_no_text() {
    let plain = screen(|_| (), &evening(), &summary());
    let mut colored = screen(|options| options.color = true, &evening(), &summary());
    assert_ne!(plain, colored);
    for code in ["\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"] {
        colored = colored.replace(code, "");
    }
    assert_eq!(plain, colored);
}
