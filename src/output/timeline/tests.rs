//! Screens: hand-made events, and the text they become.

use super::{Timeline, TimelineOptions};
use crate::anomaly::Code;
use crate::endpoint::ConnectionId;
use crate::event::{Event, Sink, Summary};
use crate::line::{ExchangeStatus, Pairing, Sender};
use crate::object::ObjectId;
use crate::output::samples::{
    ACC, GRID, IS_GRID, Made, SOC, SOC_MIN, anomaly, device, feed, non_frame, range, read, request, unasked,
};
use crate::output::style::display_width;
use crate::rct::registry::Registry;
use crate::rct::{Command, FrameStatus, NonFrameKind};

fn float(value: f32) -> [u8; 4] {
    value.to_be_bytes()
}

fn screen(options: &TimelineOptions<'_>, events: &[Made]) -> String {
    let mut timeline = Timeline::new(Vec::new(), Registry::builtin(), options);
    feed(&mut timeline, events);
    timeline.event(Event::Summary(&Summary::default())).expect("a vector takes everything");
    String::from_utf8(timeline.into_inner()).expect("text")
}

fn check(width: usize, events: &[Made], expected: &str) {
    let found = screen(&TimelineOptions { width, ..TimelineOptions::default() }, events);
    assert_eq!(found, expected.trim_start_matches('\n'), "\n{found}");
}

/// Two clients at once, and all that comes of it.
fn evening() -> Vec<Made> {
    vec![
        read(3, 73, 30_995.0, GRID).answered(80, 33.3, &float(481.0)).into(),
        read(3, 73, 30_995.0, IS_GRID).answered(84, 52.3, &[1]).into(),
        read(1, 75, 31_012.0, SOC)
            .answered(89, 41.8, &float(0.298))
            .marked(3, Code::ForeignResponse)
            .marked(4, Code::ForeignResponse)
            .into(),
        read(1, 75, 31_012.0, ACC)
            .answered(101, 64.7, &[0xc4, 0xbc])
            .spoil(|_| ())
            .marked(7, Code::PayloadShort)
            .into(),
        anomaly(3, Code::ForeignResponse, 1, 31_028.3, 81, "g_sync.p_ac_grid_sum_lp reached connection 1").into(),
        anomaly(4, Code::ForeignResponse, 1, 31_047.3, 85, "power_mng.is_grid reached connection 1").into(),
        anomaly(7, Code::PayloadShort, 1, 31_076.7, 101, "payload has 2 of 4 bytes a float needs; CRC is valid").into(),
        unasked(Command::WRITE, 119, 36_299.0, ObjectId(0xDEAD_BEEF), &[0; 36]).marked(8, Code::DeviceWrite).into(),
        anomaly(8, Code::DeviceWrite, 1, 36_299.0, 119, "the device wrote 0xDEADBEEF").into(),
        read(3, 125, 38_995.0, GRID).answered(128, 33.3, &float(482.0)).into(),
        read(3, 125, 38_995.0, IS_GRID).answered(130, 71.3, &[1]).into(),
        read(1, 145, 41_012.0, GRID).marked(9, Code::Unanswered).into(),
        anomaly(9, Code::Unanswered, 1, 46_012.0, 145, "no answer within 5.0 s").into(),
        non_frame(NonFrameKind::KeepAlive, 2, 171, 46_012.5, 4).into(),
        read(1, 173, 46_013.0, GRID).answered(175, 45.0, &float(372.0)).marked(12, Code::Retry).into(),
        anomaly(12, Code::Retry, 1, 46_013.0, 173, "retry of packet 145, 5.0 s earlier").into(),
        read(1, 201, 51_012.0, SOC)
            .answered(203, 38.9, &float(0.3))
            .spoil(|frame| frame.status = FrameStatus::CrcMismatch)
            .marked(13, Code::CrcMismatch)
            .into(),
        anomaly(13, Code::CrcMismatch, 1, 51_050.9, 203, "CRC read 1157, calculated 9a02").into(),
        request(Command::WRITE, 3, 227, 52_200.0, SOC_MIN)
            .writes(&float(0.07))
            .answered(230, 70.3, &float(0.07))
            .into(),
        anomaly(16, Code::Gap, 1, 63_028.0, 312, "120 bytes are missing, client to device").into(),
    ]
}

#[test]
fn an_evening_at_80_columns() {
    check(
        80,
        &evening(),
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:06:30.995 3     73 R   g_sync.p_ac_grid_sum_lp    481.0 W              33.3
21:06:30.995 3     73 R   power_mng.is_grid          true                 52.3
21:06:31.012 1     75 R   battery.soc                29.8 %               41.8 !
                ! A3 A4 foreign_response: 2 answers for connection 3 came first
21:06:31.012 1     75 R   g_sync.p_acc_lp            2 of 4 bytes         64.7 ✗
                ✗ A7 payload_short: payload has 2 of 4 bytes a float needs; CRC
                  is valid
21:06:36.299 *    119 <W  0xDEADBEEF                 36 bytes                - ·
                · A8 device_write: the device wrote 0xDEADBEEF
21:06:38.995 3    125 R   (2 objects as at 21:06:30) 1 changed            71.3
21:06:41.012 1    145 R   g_sync.p_ac_grid_sum_lp    no answer               - ✗
                ✗ A9 unanswered: no answer within 5.0 s
21:06:46.012 2    171 --  AT+ keep-alive (portal)                            -
21:06:46.013 1    173 R   g_sync.p_ac_grid_sum_lp    372.0 W              45.0 ·
                · A12 retry: retry of packet 145, 5.0 s earlier
21:06:51.012 1    201 R   battery.soc                (30.0 %)?            38.9 ✗
                ✗ A13 crc_mismatch: CRC read 1157, calculated 9a02
21:06:52.200 3    227 W   power_mng.soc_min          = 7.0 %              70.3
21:07:03.028 1    312 --  A16 tcp.gap: 120 bytes are missing, client t…      - !
",
    );
}

#[test]
fn an_evening_at_120_columns() {
    check(
        120,
        &evening(),
        "
time (UTC)   conn     packets cmd    object                        value                rtt ms  flags
2025-03-17 UTC
21:06:30.995 3          73>80 READ   g_sync.p_ac_grid_sum_lp       481.0 W                33.3
21:06:30.995 3          73>84 READ   power_mng.is_grid             true                   52.3
21:06:31.012 1          75>89 READ   battery.soc                   29.8 %                 41.8  ! A3 A4 foreign_response
                  ! A3 A4 foreign_response: 2 answers for connection 3 came first
21:06:31.012 1         75>101 READ   g_sync.p_acc_lp               2 of 4 bytes           64.7  ✗ A7 payload_short
21:06:36.299 *            119 <WRITE 0xDEADBEEF                    36 bytes                  -  · A8 device_write
21:06:38.995 3            125 READ   (2 objects as at 21:06:30)    1 changed              71.3
21:06:41.012 1            145 READ   g_sync.p_ac_grid_sum_lp       no answer                 -  ✗ A9 unanswered
21:06:46.012 2            171 --     AT+ keep-alive (portal)                                 -
21:06:46.013 1        173>175 READ   g_sync.p_ac_grid_sum_lp       372.0 W                45.0  · A12 retry
21:06:51.012 1        201>203 READ   battery.soc                   (30.0 %)?              38.9  ✗ A13 crc_mismatch
21:06:52.200 3        227>230 WRITE  power_mng.soc_min             = 7.0 %                70.3
21:07:03.028 1            312 --     tcp.gap: 120 bytes are missing, client to device        -  ! A16 gap
",
    );
}

#[test]
fn an_evening_on_a_telephone() {
    check(
        50,
        &evening()[..6],
        "
time     c  cmd object             value
2025-03-17 UTC
21:06:30 3  R   g_sync.p…id_sum_lp 481.0 W
21:06:30 3  R   power_mng.is_grid  true
21:06:31 1  R   battery.soc        29.8 %        !
            ! A3 A4 foreign_response: 2 answers
              for connection 3 came first
21:06:31 1  R   g_sync.p_acc_lp    2 of 4 bytes  ✗
            ✗ A7 payload_short
",
    );
}

#[test]
fn nothing_is_folded_where_all_is_wanted() {
    let options = TimelineOptions { fold: false, ..TimelineOptions::default() };
    let text = screen(&options, &evening());
    assert!(!text.contains("as at"), "{text}");
    assert_eq!(text.lines().count(), screen(&TimelineOptions::default(), &evening()).lines().count() + 1);
}

#[test]
fn only_what_changed() {
    let options = TimelineOptions { changed: true, width: 80, ..TimelineOptions::default() };
    let text = screen(&options, &evening());
    let shown: Vec<&str> = text.lines().skip(2).filter(|line| !line.starts_with(' ')).map(|line| &line[26..]).collect();
    assert_eq!(
        shown,
        [
            "g_sync.p_ac_grid_sum_lp    481.0 W              33.3",
            "power_mng.is_grid          true                 52.3",
            "battery.soc                29.8 %               41.8 !",
            "g_sync.p_ac_grid_sum_lp    482.0 W              33.3",
            "g_sync.p_ac_grid_sum_lp    372.0 W              45.0 ·",
        ],
        "neither untrusted values nor the same ones again"
    );
}

#[test]
fn colour_adds_to_signs_and_changes_nothing_else() {
    for width in [50, 80, 120] {
        let plain = TimelineOptions { width, ..TimelineOptions::default() };
        let colored = screen(&TimelineOptions { color: true, ..plain }, &evening());
        let mut stripped = colored.clone();
        for code in ["\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_ne!(colored, stripped);
        assert_eq!(stripped, screen(&plain, &evening()));
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 0..250 {
        let text = screen(&TimelineOptions { width, ..TimelineOptions::default() }, &evening());
        for line in text.lines() {
            assert!(display_width(line) <= width.max(36), "{width}: {line}");
        }
    }
}

#[test]
fn an_answer_says_where_it_was_seen_and_how_sure_it_is() {
    let mut elsewhere = read(1, 10, 0.0, SOC).answered(12, 40.0, &float(0.3));
    let response = elsewhere.response.as_mut().expect("an answer");
    response.on_asking_connection = false;
    response.frame.connection = ConnectionId(2);
    response.pairing = Pairing::Tentative;
    check(
        80,
        &[elsewhere.into()],
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:06:00.000 1     10 R   battery.soc                30.0 %               40.0
                · the answer was seen on connection 2 only
                · that this is the answer to this request is a guess
",
    );
}

#[test]
fn the_other_side_of_a_foreign_response() {
    check(
        80,
        &[
            read(2, 10, 0.0, SOC).answered(12, 40.0, &float(0.3)).marked(1, Code::ForeignResponse).into(),
            anomaly(1, Code::ForeignResponse, 1, 40.1, 13, "battery.soc reached connection 1").into(),
        ],
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:06:00.000 2     10 R   battery.soc                30.0 %               40.0 !
                ! A1 foreign_response: connection 1 got it waiting for another
",
    );
}

#[test]
fn other_endings() {
    check(
        80,
        &[
            read(1, 10, 0.0, SOC).status(ExchangeStatus::Open).into(),
            request(Command::LONG_WRITE, 1, 11, 1.0, SOC_MIN)
                .writes(&float(0.1))
                .status(ExchangeStatus::Unconfirmed)
                .into(),
            request(Command(0x48), 1, 12, 2.0, SOC).answered(14, 40_000.0, &float(0.3)).into(),
            unasked(Command::RESPONSE, 16, 50_000.0, SOC, &float(0.5)).into(),
        ],
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:06:00.000 1     10 R   battery.soc                still open              -
21:06:00.001 1     11 LW  power_mng.soc_min          = 10.0 %                -
21:06:00.002 1     12 pRP battery.soc                30.0 %              40000
21:06:50.000 *     16 <A  battery.soc                50.0 %                  -
",
    );
}

#[test]
fn a_new_day_is_announced() {
    let evening = read(1, 10, 0.0, SOC).answered(12, 40.0, &float(0.3));
    let midnight = read(1, 20, 3.0 * 3_600_000.0, SOC).answered(22, 40.0, &float(0.3));
    check(
        80,
        &[evening.into(), midnight.into()],
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:06:00.000 1     10 R   battery.soc                30.0 %               40.0
2025-03-18 UTC
00:06:00.000 1     20 R   battery.soc                30.0 %               40.0
",
    );
}

#[test]
fn a_message_cannot_steer_the_terminal() {
    let text =
        screen(&TimelineOptions::default(), &[anomaly(1, Code::Junk, 1, 0.0, 5, "junk \u{1b}[2J\n\u{202e}gnp").into()]);
    assert!(text.contains(" frame.junk: junk \\u{1b}[2J\\n\\u{202e}gnp  "), "{text}");
}

#[test]
fn an_anomaly_is_shown_once_whichever_comes_first() {
    let junk = || non_frame(NonFrameKind::Junk, 1, 5, 0.0, 3);
    let report = || anomaly(1, Code::Junk, 1, 0.0, 5, "3 bytes");
    let raw_crc = || anomaly(2, Code::RawCrc, 1, 0.0, 7, "the client does not escape");
    let request = || read(1, 7, 0.0, SOC).answered(9, 40.0, &float(0.3)).marked(2, Code::RawCrc);
    let one =
        screen(&TimelineOptions::default(), &[junk().into(), report().into(), request().into(), raw_crc().into()]);
    let two =
        screen(&TimelineOptions::default(), &[report().into(), junk().into(), raw_crc().into(), request().into()]);
    assert_eq!(one, two);
    assert_eq!(one.lines().count(), 4, "{one}");
}

#[test]
fn rows_come_out_while_the_capture_goes_on() {
    let registry = Registry::builtin();
    let options = TimelineOptions::default();
    let mut timeline = Timeline::new(Vec::new(), registry, &options);
    feed(&mut timeline, &[read(1, 10, 0.0, SOC).answered(12, 40.0, &float(0.3)).into()]);
    feed(&mut timeline, &[non_frame(NonFrameKind::KeepAlive, 1, 20, 1_500.0, 4).into()]);
    assert_eq!(String::from_utf8_lossy(&timeline.screen.into_inner()).lines().count(), 3);
}

#[test]
fn what_waits_for_an_anomaly_that_never_comes_is_bounded() {
    let registry = Registry::builtin();
    let mut timeline =
        Timeline::new(std::io::sink(), registry, &TimelineOptions { changed: true, ..TimelineOptions::default() });
    for number in 0..20_000_u32 {
        let exchange = read(1, u64::from(number), 0.0, ObjectId(number)).answered(1, 1.0, &number.to_be_bytes());
        feed(&mut timeline, &[exchange.marked(u64::from(number), Code::Retry).into()]);
    }
    assert!(timeline.queue.is_bounded());
}

/// The analyzer names no exchange for a foreign answer, but the request that waited is in its evidence.
#[test]
fn a_foreign_response_stands_at_the_request_that_waited() {
    let mut foreign = anomaly(1, Code::ForeignResponse, 1, 30.0, 12, "came while connection 1 waited");
    foreign.evidence.push(range(10));
    check(
        80,
        &[
            read(2, 8, -20.0, GRID).answered(11, 49.9, &float(481.0)).into(),
            read(1, 10, 0.0, SOC).answered(14, 40.0, &float(0.3)).into(),
            foreign.into(),
        ],
        "
time (UTC)   c    pkt cmd object                     value              rtt ms
2025-03-17 UTC
21:05:59.980 2      8 R   g_sync.p_ac_grid_sum_lp    481.0 W              49.9
21:06:00.000 1     10 R   battery.soc                30.0 %               40.0 !
                ! A1 foreign_response: 1 answer for connection 2 came first
",
    );
}

#[test]
fn a_foreign_response_keeps_its_batch_in_view() {
    let round = |packet: u64, ms: f64| {
        [(GRID, 0), (SOC, 1)].map(|(object, place)| {
            let answer = packet + 2 + place;
            Made::from(read(1, packet + 10 * place, ms, object).answered(answer, 40.0, &float(0.3)))
        })
    };
    let mut foreign = anomaly(1, Code::ForeignResponse, 1, 5_030.0, 99, "");
    foreign.evidence.push(range(110));
    let text =
        screen(&TimelineOptions::default(), &[&round(1, 0.0)[..], &round(100, 5_000.0), &[foreign.into()]].concat());
    assert!(!text.contains("as at") && text.contains("! A1 foreign_response"), "{text}");
}

#[test]
fn what_the_device_sent_to_all_is_one_row() {
    let noise = |connection: u32, ms: f64| {
        let mut bytes = non_frame(NonFrameKind::BridgeNoise, connection, 5, ms, 8);
        bytes.sender = Sender::Device;
        bytes.src = device();
        bytes
    };
    let text = screen(
        &TimelineOptions::default(),
        &[noise(1, 0.0).into(), noise(2, 0.1).into(), noise(3, 0.2).into(), noise(1, 900.0).into()],
    );
    assert_eq!(text.matches("noise of the network bridge").count(), 2, "{text}");
}
