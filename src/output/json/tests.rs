//! Each record as a golden line made from hand-made events, and every line held against the schema.

use super::objects::Rendered;
use super::value::{Trust, ValueWriter};
use super::*;
use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::event::{ConnectionSummary, NonFrameSighting, Summary};
use crate::line::{Exchange, ExchangeId, ExchangeStatus, Ordinary, Pairing, Response, Sender, Sighting, SightingId};
use crate::object::ObjectId;
use crate::output::value_text;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::Object;
use crate::rct::value::{self, CellExtreme, CellStatus, EventRow, Field, FieldValue, Flag, Form, Point, Value};
use crate::rct::{Command, Escaping, FrameStatus, NonFrameKind};
use crate::tcp::CloseReason;
use line::Line;
use proptest::prelude::*;
use serde_json::Value as Json;
use smallvec::smallvec;
use std::collections::BTreeMap;

const START: i64 = 1_742_245_571_000_000_000;
const SOC: ObjectId = ObjectId(0x9599_30BF);
const UNKNOWN: ObjectId = ObjectId(0xDEAD_BEEF);

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(START + nanos)
}

fn end(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().expect("an address");
    Endpoint::new(address.ip(), address.port())
}

fn place(packet: u64, offset: u32, length: u32) -> ByteRange {
    ByteRange { packet: PacketNumber(packet), offset, length }
}

fn request() -> Sighting {
    Sighting {
        id: SightingId(1),
        src: end("192.0.2.10:52730"),
        dst: end("192.0.2.20:8899"),
        crc_read: Some(0x0d65),
        crc_computed: 0x0d65,
        raw: smallvec![0x2b, 0x01, 0x04, 0x95, 0x99, 0x30, 0xbf, 0x0d, 0x65],
        spans: smallvec![place(4, 54, 9)],
        ..Sighting::sample(Sender::Client, 1, Command::READ, SOC, at(12_000_000))
    }
}

fn answer() -> Sighting {
    Sighting {
        id: SightingId(2),
        ts: at(50_224_973),
        sender: Sender::Device,
        src: end("192.0.2.20:8899"),
        dst: end("192.0.2.10:52730"),
        command: Command::RESPONSE,
        declared_length: 8,
        real_length: 8,
        crc_read: Some(0xac11),
        crc_computed: 0xac11,
        payload: 0.296_f32.to_be_bytes().into_iter().collect(),
        raw: smallvec![0x2b, 0x05, 0x08],
        stream_offset: 1,
        stream_length: 13,
        spans: smallvec![place(6, 55, 13)],
        ..request()
    }
}

fn exchange() -> Exchange {
    Exchange {
        id: ExchangeId(1),
        ts: at(12_000_000),
        request: Some(request()),
        response: Some(Response {
            frame: answer(),
            on_asking_connection: true,
            copies: smallvec![ConnectionId(2)],
            pairing: Pairing::Certain,
        }),
        status: ExchangeStatus::Answered,
        response_time: Some(38_224_973),
        service_time: Some(38_000_000),
        periodic: false,
        anomalies: vec![],
    }
}

fn all() -> Records {
    Record::ALL.into_iter().collect()
}

/// What is written for `events`, as text.
fn written(records: Records, events: &[Event<'_>]) -> String {
    let mut json = JsonLines::new(Vec::new(), records, Registry::builtin());
    let start = Some(Timestamp::from_nanos(START));
    json.begin(&Origin { files: &["evening.pcap".to_owned()], start }).expect("memory");
    for &event in events {
        json.event(event).expect("memory");
    }
    String::from_utf8(json.into_inner().expect("memory")).expect("UTF-8")
}

/// The line of one event alone, held against the schema.
fn check(record: Record, event: Event<'_>, expected: &str) {
    let line = written([record].into_iter().collect(), &[event]);
    assert_eq!(line.trim_end(), expected.replace("\n    ", ""));
    conforms(&line);
}

#[test]
fn capture() {
    let line = written(Records::default(), &[]);
    assert_eq!(
        line,
        concat!(
            r#"{"type":"capture","ts":"2025-03-17T21:06:11.000000000Z","t":0.0,"schema_version":"1.0","tool":"rctscope "#,
            env!("CARGO_PKG_VERSION"),
            r#"","registry":"1","file":"evening.pcap"}"#,
            "\n"
        )
    );
    conforms(&line);
}

#[test]
fn a_capture_without_packets_has_no_time() {
    let mut json = JsonLines::new(Vec::new(), Records::default(), Registry::builtin());
    json.begin(&Origin { files: &["a".to_owned(), "b\"".to_owned()], start: None }).expect("memory");
    json.event(Event::Summary(&Summary::default())).expect("memory");
    let text = String::from_utf8(json.into_inner().expect("memory")).expect("UTF-8");
    assert!(text.starts_with(r#"{"type":"capture","schema_version""#), "{text}");
    assert!(text.contains(r#""file":"a","files":["a","b\""]}"#), "{text}");
    assert!(text.contains(r#"{"type":"summary","complete":false,"#), "{text}");
    conforms(&text);
}

#[test]
fn an_answered_exchange() {
    check(
        Record::Exchange,
        Event::Exchange(&exchange()),
        r#"{"type":"exchange","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"T1","conn":1,"device":"192.0.2.20",
    "client":"192.0.2.10:52730","command":"READ","object_id":"0x959930BF","object":"battery.soc","status":"answered",
    "request":{"packet":4,"offset":54,"length":9,"frame":"F1"},
    "response":{"ts":"2025-03-17T21:06:11.050224973Z","packet":6,"offset":55,"length":13,"command":"RESPONSE","crc_ok":true,"copies":[2],"frame":"F2"},
    "response_time_ms":38.224973,"service_time_ms":38.0,
    "value":{"type":"float","num":0.296,"unit":"%","ratio":true,"text":"29.6 %"},"anomalies":[]}"#,
    );
}

#[test]
fn a_damaged_exchange_whose_answer_came_on_another_connection() {
    let frame = Sighting { status: FrameStatus::CrcMismatch, connection: ConnectionId(3), ..answer() };
    let damaged = Exchange {
        response: Some(Response {
            frame,
            on_asking_connection: false,
            copies: smallvec![],
            pairing: Pairing::Tentative,
        }),
        status: ExchangeStatus::Damaged,
        service_time: None,
        anomalies: vec![(AnomalyId(7), Code::CrcMismatch), (AnomalyId(8), Code::LateResponse)],
        ..exchange()
    };
    check(
        Record::Exchange,
        Event::Exchange(&damaged),
        r#"{"type":"exchange","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"T1","conn":1,"device":"192.0.2.20",
    "client":"192.0.2.10:52730","command":"READ","object_id":"0x959930BF","object":"battery.soc","status":"damaged",
    "request":{"packet":4,"offset":54,"length":9,"frame":"F1"},
    "response":{"ts":"2025-03-17T21:06:11.050224973Z","packet":6,"offset":55,"length":13,"command":"RESPONSE","crc_ok":false,"conn":3,"copies":[],"frame":"F2"},
    "pairing":"tentative","response_time_ms":38.224973,
    "value":{"type":"float","num":0.296,"unit":"%","ratio":true,"text":"29.6 %","trusted":false},"anomalies":["A7","A8"]}"#,
    );
}

#[test]
fn a_write_without_a_response_and_an_unknown_object() {
    let write = Sighting { command: Command::WRITE, payload: 0.5_f32.to_be_bytes().into_iter().collect(), ..request() };
    let unconfirmed = Exchange {
        request: Some(write),
        response: None,
        status: ExchangeStatus::Unconfirmed,
        response_time: None,
        service_time: None,
        ..exchange()
    };
    check(
        Record::Exchange,
        Event::Exchange(&unconfirmed),
        r#"{"type":"exchange","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"T1","conn":1,"device":"192.0.2.20",
    "client":"192.0.2.10:52730","command":"WRITE","object_id":"0x959930BF","object":"battery.soc","status":"unconfirmed",
    "request":{"packet":4,"offset":54,"length":9,"frame":"F1",
    "value":{"type":"float","num":0.5,"unit":"%","ratio":true,"text":"50.0 %"}},"anomalies":[]}"#,
    );
    let unknown = Exchange {
        request: Some(Sighting { object_id: UNKNOWN, command: Command(0x2d), ..request() }),
        status: ExchangeStatus::Open,
        ..unconfirmed
    };
    check(
        Record::Exchange,
        Event::Exchange(&unknown),
        r#"{"type":"exchange","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"T1","conn":1,"device":"192.0.2.20",
    "client":"192.0.2.10:52730","command":"0x2D","object_id":"0xDEADBEEF","status":"open",
    "request":{"packet":4,"offset":54,"length":9,"frame":"F1"},"anomalies":[]}"#,
    );
}

#[test]
fn a_device_frame_nobody_asked_for() {
    let unsolicited = Exchange {
        ts: at(50_224_973),
        request: None,
        status: ExchangeStatus::Unsolicited,
        response_time: None,
        service_time: None,
        periodic: true,
        ..exchange()
    };
    check(
        Record::Exchange,
        Event::Exchange(&unsolicited),
        r#"{"type":"exchange","ts":"2025-03-17T21:06:11.050224973Z","t":0.050224973,"id":"T1","conn":1,"device":"192.0.2.20",
    "command":"RESPONSE","object_id":"0x959930BF","object":"battery.soc","status":"unsolicited",
    "response":{"ts":"2025-03-17T21:06:11.050224973Z","packet":6,"offset":55,"length":13,"command":"RESPONSE","crc_ok":true,"copies":[2],"frame":"F2"},
    "periodic":true,"value":{"type":"float","num":0.296,"unit":"%","ratio":true,"text":"29.6 %"},"anomalies":[]}"#,
    );
}

#[test]
fn frames() {
    check(
        Record::Frame,
        Event::Frame(&request()),
        r#"{"type":"frame","ts":"2025-03-17T21:06:11.012000000Z","t":0.012,"id":"F1","conn":1,"device":"192.0.2.20","from":"client",
    "src":"192.0.2.10:52730","dst":"192.0.2.20:8899","command":"READ","command_code":1,"object_id":"0x959930BF","object":"battery.soc",
    "payload_hex":"","crc_ok":true,"crc_read":"0x0D65","crc_computed":"0x0D65","declared_length":4,"real_length":4,"status":"ok",
    "raw_hex":"2b0104959930bf0d65","stream_offset":0,"stream_length":9,"packets":[4]}"#,
    );
    let broken = Sighting {
        address: Some(7),
        status: FrameStatus::Truncated,
        escaping: Escaping::RawCrc,
        capture_incomplete: true,
        crc_read: None,
        spans: smallvec![place(6, 55, 4), place(7, 54, 9)],
        copy_of: Some(SightingId(1)),
        ..answer()
    };
    check(
        Record::Frame,
        Event::Frame(&broken),
        r#"{"type":"frame","ts":"2025-03-17T21:06:11.050224973Z","t":0.050224973,"id":"F2","conn":1,"device":"192.0.2.20","from":"device",
    "src":"192.0.2.20:8899","dst":"192.0.2.10:52730","command":"RESPONSE","command_code":5,"object_id":"0x959930BF","object":"battery.soc",
    "address":7,"payload_hex":"3e978d50","value":{"type":"float","num":0.296,"unit":"%","ratio":true,"text":"29.6 %","trusted":false},
    "crc_ok":false,"crc_computed":"0xAC11","declared_length":8,"real_length":8,"status":"truncated","escaping":"raw_crc",
    "capture_incomplete":true,"raw_hex":"2b0508","stream_offset":1,"stream_length":13,"packets":[6,7],"copy_of":"F1"}"#,
    );
}

fn keep_alive() -> NonFrameSighting {
    NonFrameSighting {
        id: SightingId(9),
        ts: at(1_000_000_000),
        connection: ConnectionId(2),
        sender: Sender::Client,
        src: end("[2001:db8::7]:8899"),
        dst: end("[2001:db8::20]:50000"),
        kind: NonFrameKind::KeepAlive,
        capture_incomplete: false,
        clock: at(1_000_000_000),
        raw: smallvec![0x41, 0x54, 0x2b, 0x0d],
        stream_offset: 100,
        stream_length: 4,
        spans: smallvec![place(171, 54, 4)],
    }
}

#[test]
fn nonframes() {
    check(
        Record::Nonframe,
        Event::NonFrame(&keep_alive()),
        r#"{"type":"nonframe","ts":"2025-03-17T21:06:12.000000000Z","t":1.0,"id":"F9","conn":2,"device":"2001:db8::20","from":"client",
    "src":"[2001:db8::7]:8899","dst":"[2001:db8::20]:50000","kind":"keep_alive","raw_hex":"41542b0d",
    "stream_offset":100,"stream_length":4,"packets":[171]}"#,
    );
    let gap = NonFrameSighting {
        kind: NonFrameKind::Gap,
        capture_incomplete: true,
        raw: smallvec![],
        stream_length: 1460,
        spans: smallvec![],
        ..keep_alive()
    };
    check(
        Record::Nonframe,
        Event::NonFrame(&gap),
        r#"{"type":"nonframe","ts":"2025-03-17T21:06:12.000000000Z","t":1.0,"id":"F9","conn":2,"device":"2001:db8::20","from":"client",
    "src":"[2001:db8::7]:8899","dst":"[2001:db8::20]:50000","kind":"gap","capture_incomplete":true,
    "stream_offset":100,"stream_length":1460,"packets":[]}"#,
    );
}

fn anomaly() -> Anomaly {
    Anomaly {
        id: AnomalyId(7),
        code: Code::PayloadShort,
        ts: at(20_076_686_253),
        connection: Some(ConnectionId(1)),
        object_id: Some(SOC),
        message: "payload has 2 of 4 bytes".into(),
        evidence: smallvec![place(101, 55, 11)],
    }
}

#[test]
fn anomalies() {
    check(
        Record::Anomaly,
        Event::Anomaly(&anomaly()),
        r#"{"type":"anomaly","ts":"2025-03-17T21:06:31.076686253Z","t":20.076686253,"id":"A7","conn":1,"code":"value.payload_short",
    "severity":"error","object_id":"0x959930BF","object":"battery.soc","message":"payload has 2 of 4 bytes",
    "evidence":[{"packet":101,"offset":55,"length":11}]}"#,
    );
    let of_the_file = Anomaly {
        code: Code::TruncatedFile,
        connection: None,
        object_id: None,
        message: "stops in \"x\u{1b}\"".into(),
        evidence: smallvec![],
        ..anomaly()
    };
    check(
        Record::Anomaly,
        Event::Anomaly(&of_the_file),
        r#"{"type":"anomaly","ts":"2025-03-17T21:06:31.076686253Z","t":20.076686253,"id":"A7","code":"capture.truncated_file",
    "severity":"warning","message":"stops in \"x\u001b\"","evidence":[]}"#,
    );
}

fn connection() -> ConnectionSummary {
    ConnectionSummary {
        id: ConnectionId(3),
        first: at(12_400_000_000),
        last: at(60_901_000_000),
        packet_count: 131,
        client: end("192.0.2.11:40112"),
        device: end("192.0.2.20:8899"),
        roles_proven: true,
        opened_by: Some(Sender::Client),
        closed: CloseReason::Fin,
        portal: false,
        request_count: 24,
        own_count: 24,
        foreign_count: 25,
        unanswered_count: 0,
    }
}

#[test]
fn connections() {
    check(
        Record::Connection,
        Event::Connection(&connection()),
        r#"{"type":"connection","ts":"2025-03-17T21:07:11.901000000Z","t":60.901,"conn":3,"first_ts":"2025-03-17T21:06:23.400000000Z",
    "community_id":"1:M1UIUKFjP7dVEXI1cs5CIA0QH20=","client_ip":"192.0.2.11","client_port":40112,"device_ip":"192.0.2.20",
    "device_port":8899,"roles_proven":true,"role":"client","opened_by":"client","closed":"fin","packet_count":131,
    "request_count":24,"own_count":24,"foreign_count":25,"unanswered_count":0}"#,
    );
    let portal = ConnectionSummary {
        roles_proven: false,
        opened_by: None,
        closed: CloseReason::EndOfCapture,
        portal: true,
        ..connection()
    };
    let line = written([Record::Connection].into_iter().collect(), &[Event::Connection(&portal)]);
    assert!(line.contains(r#""roles_proven":false,"role":"portal","closed":"open","packet_count""#), "{line}");
    conforms(&line);
}

fn summary() -> Summary {
    Summary {
        packet_count: 383,
        first: Some(at(0)),
        last: Some(at(65_000_900_000)),
        complete: true,
        request_count: 53,
        other_ports: vec![(502, 9_114), (80, 3)],
        ..Summary::default()
    }
}

#[test]
fn the_summary_ends_a_session() {
    check(
        Record::Summary,
        Event::Summary(&summary()),
        r#"{"type":"summary","ts":"2025-03-17T21:07:16.000900000Z","t":65.0009,"first_ts":"2025-03-17T21:06:11.000000000Z",
    "last_ts":"2025-03-17T21:07:16.000900000Z","complete":true,"packet_count":383,"segment_count":0,"tcp_connection_count":0,
    "connection_count":0,"frame_count":0,"request_count":53,"answered_count":0,"damaged_count":0,"unanswered_count":0,
    "unconfirmed_count":0,"open_count":0,"unsolicited_count":0,"anomaly_count":0,"error_count":0,"warning_count":0,
    "note_count":0,"other_ports":[{"port":502,"byte_count":9114},{"port":80,"byte_count":3}]}"#,
    );
}

#[test]
fn a_sample_has_the_time_of_the_answer_and_waits_for_it() {
    let (first, second) = (exchange(), Exchange { id: ExchangeId(2), ts: at(20_000_000), ..exchange() });
    let later = Exchange { id: ExchangeId(3), ts: at(60_000_000), response: None, ..exchange() };
    let events = [Event::Exchange(&first), Event::Exchange(&second), Event::Exchange(&later)];
    let text = written([Record::Exchange, Record::Sample].into_iter().collect(), &events);
    let kinds: Vec<&str> = text.lines().map(|line| &line[9..15]).collect();
    assert_eq!(kinds, ["exchan", "exchan", "sample", "sample", "exchan"]);
    assert_eq!(
        text.lines().nth(2),
        Some(concat!(
            r#"{"type":"sample","ts":"2025-03-17T21:06:11.050224973Z","t":0.050224973,"conn":1,"device":"192.0.2.20","#,
            r#""object_id":"0x959930BF","object":"battery.soc","num":0.296,"unit":"%","ratio":true,"source":"T1"}"#
        ))
    );
    conforms(&text);
}

#[test]
fn what_is_not_trusted_is_no_sample() {
    let bad_crc = |exchange: Exchange| Exchange {
        response: exchange
            .response
            .map(|response| Response { frame: Sighting { status: FrameStatus::CrcMismatch, ..answer() }, ..response }),
        ..exchange
    };
    for exchange in [bad_crc(exchange()), Exchange { status: ExchangeStatus::Damaged, ..exchange() }] {
        let events = [Event::Exchange(&exchange), Event::Summary(&summary())];
        assert_eq!(written([Record::Sample].into_iter().collect(), &events), "");
    }
}

#[test]
fn rows_of_a_table_are_samples() {
    let mut payload = 1_742_245_200_u32.to_be_bytes().to_vec();
    for (time, value) in [(1_742_245_200_u32, 0.62_f32), (1_742_244_900, f32::NAN), (1_742_244_600, 0.61)] {
        payload.extend(time.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    let frame = Sighting {
        object_id: ObjectId(0x5293_B668),
        command: Command::LONG_RESPONSE,
        payload: payload.into_iter().collect(),
        ..answer()
    };
    let exchange =
        Exchange { response: exchange().response.map(|response| Response { frame, ..response }), ..exchange() };
    let text =
        written([Record::Sample].into_iter().collect(), &[Event::Exchange(&exchange), Event::Summary(&summary())]);
    assert_eq!(text.lines().count(), 2, "NaN has no sample: {text}");
    assert!(
        text.contains(r#""object":"logger.minutes_soc_log_ts","device_time":"2025-03-17T21:00:00","num":0.62"#),
        "{text}"
    );
    conforms(&text);
}

#[test]
fn an_empty_answer_is_an_empty_text_and_nothing_else() {
    let empty = |name: &str| Sighting {
        object_id: Registry::builtin().by_name(name).expect("an object").id,
        payload: smallvec![],
        ..answer()
    };
    let line = |frame| written([Record::Frame].into_iter().collect(), &[Event::Frame(&frame)]);
    assert!(line(empty("battery.bms_sn")).contains(r#""value":{"type":"string","str":"","text":"\"\""}"#));
    assert!(!line(empty("battery.soc")).contains("value"));
}

#[test]
fn a_bit_field_of_a_signed_object_is_signed() {
    let frame = Sighting {
        object_id: Registry::builtin().by_name("battery.status2").expect("an object").id,
        payload: smallvec![0x80, 0, 0, 1],
        ..answer()
    };
    let line = written([Record::Frame].into_iter().collect(), &[Event::Frame(&frame)]);
    assert!(line.contains(r#""value":{"type":"bits","num":-2147483647.0,"flags":[{"bit":0"#), "{line}");
    conforms(&line);
}

fn check_value(value: &Value<'_>, expected: &str) {
    let mut line = Line::default();
    ValueWriter::default().write(&mut line, "", value, None, Trust::Proven);
    let text = std::str::from_utf8(line.as_bytes()).expect("UTF-8");
    assert_eq!(text, expected);
    let json: Json = serde_json::from_str(text).expect("JSON");
    Schema::new().check(&json, "#/$defs/value", "value");
}

proptest! {
    /// Records write the digits and the unit of most numbers themselves.
    #[test]
    fn the_text_of_a_number_is_the_one_on_screens(bits: u32, near in -2e3_f32..2e3) {
        let mut line = Line::default();
        let unit = "\u{1b}\"/h";
        let odd = Object { unit: unit.to_owned(), ..Registry::builtin().by_name("battery.voltage").expect("an object").clone() };
        for object in [Some(&odd), Registry::builtin().by_name("battery.soc"), None] {
            let rendered = object.map(|object| Rendered::new(&mut line, Registry::builtin(), object));
            let numbers = [Value::Float(f32::from_bits(bits)), Value::Float(near), Value::Unsigned(bits)];
            for value in numbers.into_iter().chain([Value::Signed(bits.cast_signed())]) {
                line.clear();
                ValueWriter::default().write(&mut line, "", &value, rendered.as_ref(), Trust::Proven);
                let json: Json = serde_json::from_slice(line.as_bytes()).expect("JSON");
                let mut text = String::new();
                value_text::write(&mut text, &value, object);
                prop_assert_eq!(json["text"].as_str(), Some(text.as_str()));
            }
        }
    }
}

proptest! {
    /// Numbers are written without being made values of.
    #[test]
    fn a_number_is_written_as_its_value_is(number: u32, length in 0..6_usize) {
        let (registry, mut line) = (Registry::builtin(), Line::default());
        let payload = &[&number.to_be_bytes()[..], &[7; 2]].concat()[..length];
        let small = &number.to_be_bytes()[3..];
        for object in registry.objects() {
            let known = Rendered::new(&mut line, registry, object);
            for (payload, form) in [payload, small].into_iter().flat_map(|it| [(it, Form::Request), (it, Form::Response)]) {
                let mut writer = ValueWriter::default();
                line.clear();
                if writer.write_number(&mut line, (payload, form), &known, Trust::Proven) {
                    let written = line.as_bytes().to_vec();
                    line.clear();
                    let value = value::decode_value(registry, Some(object), form, payload).expect("a value");
                    writer.write(&mut line, line::key!("value"), &value, Some(&known), Trust::Proven);
                    prop_assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(line.as_bytes()));
                } else {
                    prop_assert!(line.len() == 0, "{}", object.name);
                }
            }
        }
    }

    /// What is plain is written as all else is.
    #[test]
    fn a_plain_exchange_is_written_as_any_exchange_is(
        object in 0..Registry::builtin().objects().count(),
        payload in proptest::collection::vec(any::<u8>(), 0..16),
        times in any::<[u32; 3]>(),
        numbers in any::<[u32; 3]>(),
    ) {
        let object = Registry::builtin().objects().nth(object).expect("one of them").id;
        let frame = |direction, command, payload: &[u8], nanos: i64| {
            Ordinary::sample((1, direction), command, object, payload, at(nanos))
        };
        let [asked, response_time, service_time] = times.map(i64::from);
        let [id, first, second] = numbers.map(u64::from);
        let plain = PlainExchange {
            id: ExchangeId(id),
            client: end("192.0.2.10:52730"),
            device: end("192.0.2.20:8899"),
            request: (SightingId(first), frame(Direction::ToServer, Command::READ, &[], asked)),
            response: (SightingId(second), frame(Direction::ToClient, Command::RESPONSE, &payload, asked + response_time)),
            response_time,
            service_time,
        };
        for masked in [false, true] {
            let [short, long] = [true, false].map(|short| {
                let mut json = JsonLines::new(Vec::new(), Records::default(), Registry::builtin());
                if masked {
                    json = json.masked();
                }
                let told = if short { json.plain(&plain) } else { json.event(Event::Exchange(&plain.exchange())) };
                told.expect("memory");
                String::from_utf8(json.into_inner().expect("memory")).expect("UTF-8")
            });
            prop_assert_eq!(short, long);
        }
    }
}

#[test]
fn values() {
    check_value(&Value::Bool(true), r#"{"type":"bool","bool":true,"text":"true"}"#);
    check_value(&Value::Unsigned(7), r#"{"type":"uint","num":7.0,"text":"7"}"#);
    check_value(&Value::Signed(-7), r#"{"type":"int","num":-7.0,"text":"-7"}"#);
    check_value(&Value::Float(f32::NAN), r#"{"type":"float","text":"NaN"}"#);
    check_value(&Value::Text("a\"\u{1b}".into()), r#"{"type":"string","str":"a\"\u001b","text":"a\"\\u{1b}"}"#);
    check_value(
        &Value::Enum { number: 1, label: Some("Master") },
        r#"{"type":"enum","num":1.0,"label":"Master","text":"Master"}"#,
    );
    check_value(
        &Value::Bits { number: 0x2001, flags: vec![Flag { bit: 0, label: None }, Flag { bit: 13, label: Some("x") }] },
        r#"{"type":"bits","num":8193.0,"flags":[{"bit":0},{"bit":13,"label":"x"}],"text":"bit 0, bit 13: x"}"#,
    );
    check_value(
        &Value::UnixTime(1_742_245_200),
        r#"{"type":"unix_time","num":1742245200.0,"device_time":"2025-03-17T21:00:00","text":"2025-03-17 21:00:00"}"#,
    );
    check_value(
        &Value::TimeSeries { queried: 60, points: vec![Point { device_time: 0, value: 0.5 }] },
        r#"{"type":"timeseries","queried":"1970-01-01T00:01:00","points":[{"device_time":"1970-01-01T00:00:00","num":0.5}],"text":"1 pt 1970-01-01 00:00"}"#,
    );
}

#[test]
fn compound_values() {
    let fields = || {
        vec![
            Field { name: "value".into(), value: FieldValue::Number(f64::from(0.3_f32)), unit: "W" },
            Field { name: "name".into(), value: FieldValue::Text("x".into()), unit: "" },
            Field { name: "object".into(), value: FieldValue::Object(SOC, Some("battery.soc")), unit: "" },
        ]
    };
    let rendered = r#"[{"name":"value","num":0.3,"unit":"W"},{"name":"name","str":"x"},{"name":"object","object_id":"0x959930BF","object":"battery.soc"}]"#;
    check_value(
        &Value::Structure(fields()),
        &format!(r#"{{"type":"structure","fields":{rendered},"text":"value 0.3 W, name x, object battery.soc"}}"#),
    );
    let row = EventRow { code: 115, event: Some("PRM_CHANGE"), device_time: 0, elements: [1, 2, 3], fields: fields() };
    check_value(
        &Value::EventTable { queried: 0, rows: vec![row] },
        &format!(
            r#"{{"type":"event_table","queried":"1970-01-01T00:00:00","rows":[{{"code":115,"event":"PRM_CHANGE","device_time":"1970-01-01T00:00:00","elements":[1,2,3],"fields":{rendered}}}],"text":"1 event 1970-01-01 00:00"}}"#
        ),
    );
    check_value(
        &Value::BatteryStatus(vec![CellStatus { temperature_c: 20, voltage_mv: 3300, cell_status: 0 }]),
        r#"{"type":"battery_module_status","cells":[{"temperature_c":20,"voltage_mv":3300,"cell_status":0}],"text":"1 cell 3.300 V 20 °C"}"#,
    );
    check_value(
        &Value::BatteryResistance(vec![1.5]),
        r#"{"type":"battery_module_resistance","cells":[{"resistance_mohm":1.5}],"text":"1 cell 1.50 mΩ"}"#,
    );
    let extreme = |device_time| CellExtreme { cell: 2, device_time, value: 3.5 };
    check_value(
        &Value::BatteryStatistics([extreme(0), extreme(60), extreme(0), extreme(0)]),
        concat!(
            r#"{"type":"battery_module_statistics","u_min":{"cell":2,"num":3.5},"#,
            r#""u_max":{"cell":2,"device_time":"1970-01-01T00:01:00","num":3.5},"#,
            r#""t_min":{"cell":2,"num":3.5},"t_max":{"cell":2,"num":3.5},"text":"3.500-3.500 V, 3.5-3.5 °C"}"#
        ),
    );
}

#[test]
fn only_chosen_records_are_written() {
    let (frame, exchange, summary) = (request(), exchange(), summary());
    let events = [Event::Frame(&frame), Event::Exchange(&exchange), Event::Summary(&summary)];
    let kinds = |records| {
        written(records, &events)
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).expect("JSON")["type"].to_string().replace('"', ""))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(kinds(Records::default()), "capture exchange summary");
    assert_eq!(kinds(all()), "capture frame exchange sample summary");
    assert_eq!(kinds([Record::Frame].into_iter().collect()), "frame");
    assert_eq!(kinds([].into_iter().collect()), "");
}

#[test]
fn lines_are_gathered_until_flushed() {
    #[derive(Debug, Default)]
    struct Pieces(Vec<usize>);
    impl io::Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut json = JsonLines::new(Pieces::default(), all(), Registry::builtin());
    let frame = answer();
    for _ in 0..300 {
        json.event(Event::Frame(&frame)).expect("memory");
    }
    assert_eq!(json.out.0.len(), 2, "written in large pieces");
    json.flush().expect("memory");
    assert_eq!(json.out.0.len(), 3);
}

/// Every line is a record of the schema, `type` and `ts` first.
fn conforms(lines: &str) {
    let schema = Schema::new();
    for line in lines.lines() {
        let json: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let kind = json["type"].as_str().expect("a type");
        assert!(line.starts_with(&format!(r#"{{"type":"{kind}""#)), "{line}");
        schema.check(&json, &format!("#/$defs/{kind}"), kind);
    }
}

/// As much of a JSON Schema validator as our schema needs. Stricter than the schema: a key it does not describe is an
/// error here.
struct Schema(Json);

impl Schema {
    fn new() -> Self {
        Self(serde_json::from_str(crate::output::schema::RECORDS).expect("the schema is JSON"))
    }

    fn resolve<'a>(&'a self, node: &'a Json) -> &'a Json {
        match node["$ref"].as_str() {
            Some(reference) => {
                self.0.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
            }
            None => node,
        }
    }

    fn check(&self, json: &Json, reference: &str, path: &str) {
        self.node(json, &serde_json::json!({ "$ref": reference }), path);
    }

    fn node(&self, json: &Json, node: &Json, path: &str) {
        let node = self.resolve(node);
        let fits = match node["type"].as_str().expect("every node has one type") {
            "string" => json.is_string(),
            "boolean" => json.is_boolean(),
            "integer" => json.is_u64() || json.is_i64(),
            "number" => json.is_f64(),
            "array" => json.is_array(),
            "object" => json.is_object(),
            other => panic!("{path}: {other}"),
        };
        assert!(fits, "{path}: {json}");
        if let Some(allowed) = node["enum"].as_array() {
            assert!(allowed.contains(json), "{path}: {json}");
        }
        if let Some(constant) = node.get("const") {
            assert_eq!(json, constant, "{path}");
        }
        for (i, item) in json.as_array().into_iter().flatten().enumerate() {
            self.node(item, &node["items"], &format!("{path}[{i}]"));
        }
        for (key, value) in json.as_object().into_iter().flatten() {
            let known = &node["properties"][key];
            assert!(!known.is_null(), "{path}.{key} is not in the schema");
            self.node(value, known, &format!("{path}.{key}"));
        }
        for key in node["required"].as_array().into_iter().flatten() {
            assert!(json.get(key.as_str().expect("a key")).is_some(), "{path} lacks {key}");
        }
    }

    /// The type of every key by its place, over all records: `value.points[].num` → `number`.
    fn types(&self, node: &Json, path: &str, types: &mut BTreeMap<String, Vec<String>>) {
        let node = self.resolve(node);
        types.entry(path.to_owned()).or_default().push(node["type"].as_str().expect("a type").to_owned());
        if node["items"].is_object() {
            self.types(&node["items"], &format!("{path}[]"), types);
        }
        for (key, value) in node["properties"].as_object().into_iter().flatten() {
            self.types(value, &format!("{path}.{key}"), types);
        }
    }
}

#[test]
fn no_key_has_two_types() {
    let schema = Schema::new();
    let mut types = BTreeMap::new();
    let kinds = schema.0["oneOf"].as_array().expect("a list of records");
    for kind in kinds {
        schema.types(kind, "", &mut types);
    }
    for (path, types) in &types {
        assert!(types.iter().all(|kind| *kind == types[0]), "{path}: {types:?}");
    }
    for record in Record::ALL {
        assert!(kinds.iter().any(|kind| kind["$ref"] == format!("#/$defs/{}", record.name())), "{}", record.name());
    }
}
