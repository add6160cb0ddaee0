use super::*;
use crate::anomaly::AnomalyId;
use crate::output::explain::Excerpt;
use crate::output::samples::{self, SOC_MIN, at, range};
use crate::output::style::Style;
use crate::output::zone::Zone;
use crate::rct::Command;

fn view() -> Writes<'static> {
    let mut writes = Writes::new(Registry::builtin(), false);
    let (old, new) = (0.07_f32.to_be_bytes(), 0.2_f32.to_be_bytes());
    let read = |packet, ms, payload: &[u8]| samples::read(1, packet, ms, SOC_MIN).answered(packet + 1, 60.0, payload);
    let write = |connection, packet, ms, payload: &[u8]| {
        samples::request(Command::WRITE, connection, packet, ms, SOC_MIN)
            .status(ExchangeStatus::Unconfirmed)
            .writes(payload)
    };
    let exchanges = [
        read(1, 0.0, &old),
        write(1, 3, 1000.0, &new),
        read(5, 2000.0, &new),
        write(2, 7, 3000.0, &old),
        read(9, 4000.0, &new),
    ];
    for exchange in &exchanges {
        let Ok(()) = writes.event(Event::Exchange(exchange));
    }
    let Ok(()) = writes.event(Event::Anomaly(&conflict()));
    writes
}

fn conflict() -> Anomaly {
    Anomaly {
        id: AnomalyId(3),
        code: Code::OverlapConflict,
        ts: at(5000.0),
        connection: Some(ConnectionId(1)),
        object_id: None,
        message: "2 bytes sent again with other content".to_owned(),
        evidence: [range(12), range(11)].into_iter().collect(),
    }
}

fn text(writes: &Writes<'_>) -> String {
    let mut out = Vec::new();
    let options = WritesOptions { width: 100, style: Style::default(), zone: Zone::UTC };
    writes.text(&excerpts(), &mut out, &options).expect("a Vec takes all");
    String::from_utf8(out).expect("text")
}

fn records(writes: &Writes<'_>) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    writes.json(&excerpts(), &mut out).expect("a Vec takes all");
    let text = String::from_utf8(out).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn excerpts() -> [Excerpt; 2] {
    [Excerpt { range: range(12), bytes: vec![1, 2] }, Excerpt { range: range(11), bytes: vec![1, 3] }]
}

#[test]
fn who_wrote_what_in_place_of_what() {
    let text = text(&view());
    let screen = "  time (UTC)   who              object               old → new                        result
! 21:06:01.000 192.0.2.10:50001 power_mng.soc_min    7.0 % → 20.0 %                   took effect
! 21:06:03.000 192.0.2.11:50002 power_mng.soc_min    20.0 % → 7.0 %                   20.0 % instead

2 writes, 2 to sensitive objects (!)

Several hosts write different values
  power_mng.soc_min: 192.0.2.10 (1), 192.0.2.11 (1)

The same place in a stream, two contents
  A3  21:06:05.000  connection 1  2 bytes sent again with other content
      first  packet 11       01 03
      again  packet 12       01 02
";
    assert_eq!(text, screen, "\n{text}");
}

#[test]
fn records_say_the_same() {
    let records = records(&view());
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["old"], "7.0 %");
    assert_eq!((&records[0]["effect"], &records[1]["effect"]), (&"seen".into(), &"not_seen".into()));
    assert_eq!(records[2]["hosts"][1]["host"], "192.0.2.11");
    assert_eq!((&records[3]["first_hex"], &records[3]["again_packet"]), (&"0103".into(), &12.into()));
}

/// Texts of 3,000 bytes, of which nothing but the last ones differ: they are cut, but not taken for one another.
#[test]
fn long_texts_are_cut_and_compared_whole() {
    let schedule = ObjectId(0x011f_41db);
    let payload = |end: &str| format!("{}{end}", "ä".repeat(1_499)).into_bytes();
    let read = |packet, ms, end| samples::read(1, packet, ms, schedule).answered(packet + 1, 60.0, &payload(end));
    let write = |packet, ms, end| {
        let request = samples::request(Command::LONG_WRITE, 1, packet, ms, schedule);
        request.status(ExchangeStatus::Unconfirmed).writes(&payload(end))
    };
    let mut writes = Writes::new(Registry::builtin(), false);
    for exchange in [
        read(1, 0.0, "10"),
        write(3, 1000.0, "11"),
        read(5, 2000.0, "11"),
        write(7, 3000.0, "12"),
        read(9, 4000.0, "13"),
    ] {
        let Ok(()) = writes.event(Event::Exchange(&exchange));
    }
    let records = records(&writes);
    let cut = serde_json::Value::from(format!("{}… (3000 bytes)", "ä".repeat(TEXT / 2)));
    assert_eq!((&records[0]["old"], &records[0]["new"], &records[1]["shown_later"]), (&cut, &cut, &cut));
    assert_eq!((&records[0]["effect"], &records[1]["effect"]), (&"seen".into(), &"not_seen".into()));
}

#[test]
fn what_is_not_listed_is_counted() {
    let mut writes = Writes::with_most(Registry::builtin(), false, 2);
    for packet in 1..=3 {
        let request = samples::request(Command::WRITE, 1, packet, 0.0, SOC_MIN);
        let exchange = request.status(ExchangeStatus::Unconfirmed).writes(&0.2_f32.to_be_bytes());
        let Ok(()) = writes.event(Event::Exchange(&exchange));
    }
    for _ in 0..4 {
        let Ok(()) = writes.event(Event::Anomaly(&conflict()));
    }
    let text = text(&writes);
    assert!(text.contains("(!)\n1 more is not listed\n") && text.ends_with("\n2 more are not listed\n"), "\n{text}");
    let left_out = serde_json::json!({ "type": "left_out", "write_count": 1, "conflict_count": 2 });
    assert_eq!((records(&writes).len(), records(&writes).last()), (5, Some(&left_out)));
    assert!(records(&view()).iter().all(|record| record["type"] != "left_out"));
}
