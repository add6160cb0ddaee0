//! Holds the catalogue, its explain pages and its fixtures together: for every code a capture that shows it and one
//! that comes close and must not, both made by code and kept as fixtures (see `corpus`).

use rctscope::analyzer::{Analyzer, Options};
use rctscope::anomaly::Code;
use rctscope::capture::{Session, Source};
use rctscope::event::{Event, Sink};
use rctscope::output::pages;
use rctscope::tools::synth::cases::{self, Variant};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Cursor;

#[derive(Default)]
struct Codes(BTreeSet<Code>);

impl Sink for Codes {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        if let Event::Anomaly(anomaly) = event {
            assert!(!anomaly.message.is_empty() && !anomaly.message.ends_with('.'), "{}", anomaly.message);
            self.0.insert(anomaly.code);
        }
        Ok(())
    }
}

/// The codes that the analyzer reports of a capture.
fn found_in(name: &str, file: &[u8]) -> BTreeSet<Code> {
    let bytes = file.to_vec();
    let open = move || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn std::io::Read + Send>);
    let mut session = Session::new(vec![Source { name: name.to_owned(), open: Box::new(open), reopenable: true }]);
    let (mut analyzer, mut codes) = (Analyzer::new(Options::default()), Codes::default());
    while let Some(packet) = session.next_packet() {
        analyzer.packet(&packet, &mut codes).expect("cannot fail");
    }
    for notice in session.take_notices() {
        analyzer.notice(notice.code(), notice.packet, notice.ts, notice.message.clone());
    }
    analyzer.finish(session.complete(), &mut codes).expect("cannot fail");
    codes.0
}

fn names(codes: &BTreeSet<Code>) -> String {
    codes.iter().map(|code| code.name()).collect::<Vec<_>>().join(" ")
}

/// For each code: what else its fixture shows, and all that its near miss shows.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("capture.truncated_file", "", ""),
    ("capture.snaplen_cut", "", ""),
    ("capture.clock_backwards", "", ""),
    ("capture.packets_dropped", "", ""),
    ("capture.unsupported_link_type", "", ""),
    ("capture.corrupt_record", "", ""),
    ("tcp.midstream", "", ""),
    ("tcp.gap", "", ""),
    ("tcp.retransmission", "", ""),
    ("tcp.overlap_conflict", "tcp.retransmission", "tcp.retransmission"),
    ("tcp.one_sided", "", ""),
    ("tcp.reset", "", ""),
    ("tcp.suspicious_reset", "", ""),
    ("tcp.data_after_reset", "", ""),
    ("tcp.stray_segment", "", ""),
    ("tcp.bad_checksum", "", "tcp.retransmission"),
    ("tcp.limit", "tcp.gap", "frame.junk"),
    ("frame.crc_mismatch", "", "frame.length_lie"),
    ("frame.length_lie", "", ""),
    ("frame.truncated", "exchange.retry", ""),
    ("frame.unknown_command", "exchange.unsolicited", "exchange.unsolicited"),
    ("frame.junk", "", ""),
    ("frame.stuck_remainder", "", "exchange.foreign_response"),
    ("frame.raw_crc", "", ""),
    ("frame.bad_escape", "", ""),
    ("frame.bridge_noise", "", "frame.junk"),
    ("frame.bootloader", "", ""),
    ("frame.keep_alive", "", ""),
    ("frame.protocol_switch", "", ""),
    ("exchange.unanswered", "", ""),
    ("exchange.retry", "exchange.unanswered", ""),
    ("exchange.late_response", "", ""),
    ("exchange.duplicate_response", "", ""),
    ("exchange.foreign_response", "", ""),
    ("exchange.unsolicited", "", ""),
    ("exchange.echo", "", ""),
    ("exchange.device_write", "value.secret", ""),
    ("exchange.wrong_command", "", ""),
    ("exchange.write_unconfirmed", "", ""),
    ("exchange.competing_writes", "", ""),
    ("exchange.sensitive_write", "", ""),
    ("exchange.overload", "exchange.unanswered exchange.retry", ""),
    ("exchange.too_many_clients", "", ""),
    ("value.payload_short", "", ""),
    ("value.payload_long", "", ""),
    ("value.malformed_write", "", ""),
    ("value.foreign_payload", "frame.crc_mismatch", "frame.crc_mismatch"),
    ("value.series_cut", "frame.length_lie", ""),
    ("value.series_mismatch", "", ""),
    ("value.series_disorder", "", ""),
    ("value.unknown_object", "", ""),
    ("value.unknown_enum", "", ""),
    ("value.unknown_bit", "", ""),
    ("value.not_finite", "", ""),
    ("value.out_of_range", "", "value.ratio_exceeded"),
    ("value.ratio_exceeded", "", ""),
    ("value.string_tail", "", ""),
    ("value.secret", "", ""),
];

#[test]
fn every_code_is_shown_by_its_fixture_and_not_by_its_near_miss() {
    let mut table = String::new();
    for code in Code::ALL {
        let [mut shows, near] =
            Variant::ALL.map(|variant| found_in(&cases::file_name(*code, variant), &cases::file(*code, variant)));
        if !shows.remove(code) {
            let _ = writeln!(table, "{code} is not found in its own fixture");
        }
        if near.contains(code) {
            let _ = writeln!(table, "{code} is found in its near miss");
        }
        let _ = writeln!(table, "    ({:?}, {:?}, {:?}),", code.name(), names(&shows), names(&near));
    }
    let mut expected = String::new();
    for (code, also, near) in EXPECTED {
        let _ = writeln!(expected, "    ({code:?}, {also:?}, {near:?}),");
    }
    assert!(table == expected, "\n{table}");
}

#[test]
fn every_code_has_a_whole_page() {
    for code in Code::ALL {
        let page = pages::page(*code);
        for (part, text) in [
            ("fires", page.fires),
            ("means", page.means),
            ("client", page.client),
            ("set-up", page.setup),
            ("shows", page.shows),
            ("near", page.near),
        ] {
            assert!(text.len() > 7, "{code}: no {part}");
            assert!(text.ends_with('.'), "{code}: {part} is no sentence");
        }
    }
}
