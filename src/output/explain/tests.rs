use super::*;
use crate::anomaly::{Anomaly, AnomalyId};
use crate::endpoint::ConnectionId;
use crate::event::{Event, Sink as _};
use crate::line::ExchangeId;
use crate::output::samples;
use crate::output::zone::Zone;
use crate::rct::registry::Registry;

fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a Vec takes all");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_list_has_a_line_for_each_code_and_fits() {
    for width in [80, 120] {
        let text = written(|out| list(out, Code::ALL, Style::default(), width));
        assert_eq!(text.lines().count(), Code::ALL.len());
        assert!(text.lines().all(|line| style::display_width(line) <= width));
    }
}

#[test]
fn a_page_has_its_parts_and_fits() {
    let text = written(|out| write_page(out, Code::Junk, Style::default(), 80));
    for part in
        ["frame.junk  ", "warning", "Fires    ", "Means    ", "Client   ", "Set-up   ", "anomalies/frame.junk.near:"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(text.lines().all(|line| style::display_width(line) <= 80), "{text}");
}

#[test]
fn targets_are_read() {
    for (text, expected) in [
        ("A7", Some(Target::Anomaly(AnomalyId(7)))),
        ("t12", Some(Target::Exchange(ExchangeId(12)))),
        ("A", None),
        ("A+7", None),
        ("B7", None),
        ("", None),
        ("É7", None),
    ] {
        assert_eq!(Target::parse(text), expected, "{text}");
    }
}

/// An answer of two of four bytes, another client's request shortly before, and the anomaly that it is.
fn cut_answer() -> (Dossier, Vec<crate::line::Exchange>) {
    let mut exchange = samples::read(1, 75, 1000.0, samples::ACC).answered(101, 64.686, &[0xc4, 0xbc]).spoil(|frame| {
        frame.raw.extend_from_slice(&[0x2b, 5, 6, 0x40, 0x0f, 1, 0x5b, 0xc4, 0xbc, 0xb3, 0]);
        (frame.declared_length, frame.real_length, frame.crc_read) = (6, 6, Some(0xb300));
    });
    let anomaly = Anomaly {
        id: AnomalyId(7),
        code: Code::PayloadShort,
        ts: exchange.response.as_ref().expect("an answer").frame.ts,
        connection: Some(ConnectionId(1)),
        object_id: Some(samples::ACC),
        message: "2 of 4 bytes; the CRC is valid, so the device itself cut the answer".to_owned(),
        evidence: exchange.response.as_ref().expect("an answer").frame.spans.iter().copied().collect(),
    };
    exchange.anomalies.push((anomaly.id, anomaly.code));
    let other = samples::read(3, 73, 983.0, samples::SOC).answered(89, 70.0, &0.3_f32.to_be_bytes());
    let mut locate = Locate::new(Target::Anomaly(AnomalyId(7)));
    let Ok(()) = locate.event(Event::Exchange(&exchange));
    let Ok(()) = locate.event(Event::Anomaly(&anomaly));
    assert!(locate.is_found());
    (locate.dossier(), vec![exchange, other])
}

#[test]
fn one_anomaly_explained() {
    let (mut dossier, exchanges) = cut_answer();
    for exchange in &exchanges {
        let Ok(()) = dossier.event(Event::Exchange(exchange));
    }
    let Ok(()) = dossier.event(Event::Frame(&exchanges[0].response.as_ref().expect("an answer").frame));
    let options = ScreenOptions {
        width: 80,
        style: Style::default(),
        zone: Zone::UTC,
        file: "evening.pcap",
        mask_secrets: false,
    };
    let text = written(|out| render(&dossier, &[], Registry::builtin(), out, &options));
    let screen = "\
A7  value.payload_short                                                    error
2 of 4 bytes; the CRC is valid, so the device itself cut the answer

  when     2025-03-17 21:06:01.064 UTC
  object   g_sync.p_acc_lp  0x400F015B  float  W  \"Battery power\"
  asked    connection 1, packet 75, bytes 54-62   READ by 192.0.2.10:50001
  answer   connection 1, packet 101, bytes 54-62   RESPONSE after 64.7 ms

  2b 05 06 40 0f 01 5b c4 bc b3 00
  |  |  |  |---------| |---| |---|
  |  |  |  |           |     '- CRC b300, fits
  |  |  |  |           '- value 2 of 4 bytes
  |  |  |  '- object 0x400F015B g_sync.p_acc_lp
  |  |  '- length 6 = 4 (object) + 2; a float has 4
  |  '- RESPONSE
  '- start

Why      The device was asked something else while it was answering. It cuts the
         answer there and computes the CRC over what is left, so the frame looks
         whole.
Near it   -81.7 ms  connection 3 asks battery.soc (READ, packet 73)
          -11.7 ms  connection 3 gets battery.soc (RESPONSE, packet 89)
Do       Client: Compare the length with the type, drop the value, and ask
         again.
         Set-up: Let one program poll and share its readings.

Open     wireshark -r evening.pcap -g 101
More     rctscope explain value.payload_short
         rctscope timeline evening.pcap --anomaly value.payload_short
";
    assert_eq!(text, screen, "\n{text}");
}
