//! Every scenario redacted: nothing of it left that should not be, everything else as it was.

use super::*;
use crate::capture::Reader;
use crate::event::{Event, Sink};
use crate::net::Seq;
use crate::object::ObjectId;
use crate::rct::{Command, encode};
use crate::tools::synth::{self, Scenario};
use crate::tools::wire::{Station, TcpPacket};
use proptest::prelude::*;
use std::io::Cursor;
use std::net::Ipv4Addr;

/// What happened, without what redaction may change.
#[derive(Default, PartialEq, Debug)]
struct Story {
    lines: Vec<String>,
}

impl Sink for Story {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        self.lines.push(match event {
            Event::Frame(frame) => format!(
                "{} {} {} {:?} {:?} {} {} {:?} {} {} {:?}",
                frame.id,
                frame.ts.nanos(),
                frame.command,
                frame.status,
                frame.escaping,
                frame.object_id,
                frame.payload.len(),
                frame.sender,
                frame.stream_offset,
                frame.stream_length,
                frame.copy_of
            ),
            Event::NonFrame(found) => format!("{} {:?} {}", found.id, found.kind, found.stream_offset),
            Event::Exchange(exchange) => format!(
                "{} {} {:?} {:?} {:?}",
                exchange.id,
                exchange.ts.nanos(),
                exchange.status,
                exchange.response_time,
                exchange.anomalies
            ),
            Event::Anomaly(anomaly) => {
                format!("{} {} {:?} {}", anomaly.id, anomaly.code, anomaly.object_id, anomaly.ts.nanos())
            }
            Event::Connection(_) | Event::Summary(_) => return Ok(()),
        });
        Ok(())
    }
}

#[expect(clippy::type_complexity, reason = "that of `Packets`")]
fn packets(file: Vec<u8>) -> impl FnMut(&mut dyn FnMut(&Packet<'_>) -> io::Result<()>) -> io::Result<()> {
    move |each| {
        let mut reader = Reader::new(Box::new(Cursor::new(file.clone()))).map_err(io::Error::other)?;
        while let Some(packet) = reader.next_packet().map_err(io::Error::other)? {
            each(&packet)?;
        }
        Ok(())
    }
}

fn story(file: &[u8]) -> Story {
    let mut story = Story::default();
    analyze(&mut packets(file.to_vec()), &Options::default(), &mut story, |_| {}).expect("memory");
    story
}

fn redacted(file: &[u8]) -> (Vec<u8>, Report) {
    let mut out = Vec::new();
    let report = redact(&mut packets(file.to_vec()), &Options::default(), Format::Pcapng, &mut out).expect("memory");
    (out, report)
}

/// Every secret value of a capture, by its objects, and every address.
#[derive(Default)]
struct Secrets(Vec<Vec<u8>>);

impl Sink for Secrets {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        if let Event::Frame(frame) = event {
            let registry = crate::rct::registry::Registry::builtin();
            if registry.get(frame.object_id).is_some_and(|object| object.flags.secret) {
                let text = frame.payload.split(|byte| *byte == 0).filter(|run| run.len() > 3);
                self.0.extend(text.map(<[u8]>::to_vec));
            }
        }
        Ok(())
    }
}

fn has(file: &[u8], bytes: &[u8]) -> bool {
    file.windows(bytes.len()).any(|window| window == bytes)
}

/// Floats of structures stay; a run of their bytes is no secret.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
}

fn check(name: &str, file: &[u8]) {
    let (new, report) = redacted(file);
    let (before, after) = (story(file), story(&new));
    for (old, new) in before.lines.iter().zip(&after.lines) {
        assert_eq!(old, new, "{name}");
    }
    assert_eq!(before.lines.len(), after.lines.len(), "{name}");
    assert_eq!((report.blanked_count, report.alone_count), (0, 0), "{name}");
    let mut secrets = Secrets::default();
    let mut ips = Vec::new();
    packets(file.to_vec())(&mut |packet| {
        let mut decoder = Decoder::new();
        if let Decoded::Segment(segment) = decoder.decode(packet) {
            ips.extend([segment.src.ip, segment.dst.ip]);
        }
        Ok(())
    })
    .expect("memory");
    analyze(&mut packets(file.to_vec()), &Options::default(), &mut secrets, |_| {}).expect("memory");
    for secret in secrets.0.iter().filter(|secret| is_text(secret)) {
        assert!(!has(&new, secret), "{name}: {}", String::from_utf8_lossy(secret));
    }
    for ip in ips {
        let bytes = match ip {
            std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
            std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        assert!(!has(&new, &bytes) && !has(&new, ip.to_string().as_bytes()), "{name}: {ip}");
    }
    sums_are_right(name, file, &new);
}

/// Every checksum is right that was right, or that could not be checked.
fn sums_are_right(name: &str, old: &[u8], new: &[u8]) {
    let wrong = |file: &[u8]| {
        let (mut decoder, mut wrong) = (Decoder::new(), 0);
        packets(file.to_vec())(&mut |packet| {
            if let Decoded::Segment(segment) = decoder.decode(packet) {
                wrong += u32::from(segment.checksum_ok() == Some(false));
                // Of an IPv4 header: its words add up to all ones.
                if packet.data[12..14] == [8, 0] {
                    assert_eq!(crate::tools::wire::checksum(&packet.data[14..34], 0), 0, "{name}");
                }
            }
            Ok(())
        })
        .expect("memory");
        wrong
    };
    assert!(wrong(new) <= wrong(old), "{name}");
}

#[test]
fn every_scenario_tells_the_same_story() {
    for scenario in Scenario::ALL {
        for seed in 1..4 {
            let mut file = Vec::new();
            synth::write(*scenario, seed, &mut file).expect("memory");
            check(&format!("{scenario}, seed {seed}"), &file);
        }
    }
}

#[test]
fn every_case_of_the_catalogue_tells_the_same_story() {
    use crate::tools::synth::cases::{self, Variant};
    for code in crate::anomaly::Code::ALL {
        if code.name().starts_with("capture.") || code.name() == "tcp.limit" {
            continue;
        }
        for variant in Variant::ALL {
            check(&cases::file_name(*code, variant), &cases::file(*code, variant));
        }
    }
}

const PASSWORD: ObjectId = ObjectId(0x14c0_e627);
const SERIAL: ObjectId = ObjectId(0x7924_abd9);
const PROFILE: ObjectId = ObjectId(0x9dc9_27aa);

/// A house that is nobody's, with addresses and secrets of its own.
struct House {
    out: Vec<u8>,
    packets: Vec<Vec<u8>>,
    seq: [u32; 2],
}

impl House {
    fn new() -> Self {
        Self { out: Vec::new(), packets: Vec::new(), seq: [u32::MAX - 60, 7] }
    }

    fn stations() -> [Station; 2] {
        let station = |mac: u8, host, port| Station {
            mac: [0x00, 0x1b, 0x63, 0x84, 0x45, mac],
            ..Station::new(mac, Ipv4Addr::new(192, 168, 178, host), port)
        };
        [station(0xa1, 31, 51_022), station(0xa2, 90, 8899)]
    }

    /// One end (0 the client) sends bytes, as segments of this size.
    fn send(&mut self, from: usize, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size) {
            self.segment(from, self.seq[from], piece);
            self.seq[from] = self.seq[from].wrapping_add(u32::try_from(piece.len()).expect("small"));
        }
    }

    fn segment(&mut self, from: usize, seq: u32, payload: &[u8]) {
        let ends = Self::stations();
        let mut data = Vec::new();
        let (src, dst, ack) = (ends[from], ends[1 - from], Seq(self.seq[1 - from]));
        TcpPacket { src, dst, seq: Seq(seq), ack, flags: 0x18, window: 900, options: &[], ip_id: 1, payload }
            .append(&mut data);
        self.packets.push(data);
    }

    fn file(mut self) -> Vec<u8> {
        let mut writer = Writer::new(&mut self.out, Format::Pcap);
        for (number, data) in self.packets.iter().enumerate() {
            let ts = synth::START.saturating_add(std::time::Duration::from_millis(10 * number as u64));
            writer.packet(ts, data).expect("memory");
        }
        writer.finish().expect("memory");
        self.out
    }
}

fn frame(command: Command, object: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode::frame(&mut out, command, None, object, payload);
    out
}

#[test]
fn secrets_are_found_wherever_they_stand() {
    let (password, serial) = (b"+corr-ct h+rse--", b"0437K30B1234");
    let mut house = House::new();
    house.send(0, &frame(Command::READ, PASSWORD, &[]), 99);
    // Cut in the middle of the value, and of an escape.
    house.send(1, &frame(Command::RESPONSE, PASSWORD, &[&password[..], &[0; 16]].concat()), 7);
    house.send(0, &frame(Command::WRITE, PASSWORD, password), 5);
    house.send(0, &frame(Command::READ, SERIAL, &[]), 99);
    let answer = frame(Command::RESPONSE, SERIAL, serial);
    // Sent, and sent again together with what is behind it.
    let seq = house.seq[1];
    house.send(1, &answer, 99);
    house.segment(1, seq, &answer);
    // A wrong CRC; a value cut short; a value in an object that is not marked.
    let mut wrong = answer.clone();
    *wrong.last_mut().expect("not empty") ^= 0x11;
    house.send(1, &wrong, 9);
    house.send(1, &frame(Command::RESPONSE, SERIAL, &serial[..7]), 99);
    house.send(1, &frame(Command::RESPONSE, PROFILE, b"house of 0437K30B1234, north"), 99);
    // The tail of an answer in front of the next one.
    house.send(1, &[&answer[10..], &frame(Command::RESPONSE, SERIAL, serial)[..]].concat(), 99);
    let file = house.file();
    check("house", &file);
    let (new, report) = redacted(&file);
    assert!(has(&file, serial) && has(&file, &[192, 168, 178]) && has(&file, b"corr"), "there is something to hide");
    for secret in
        [&password[..], b"corr", b"ct h", b"0437K30", b"30B1234", &[0, 0x1b, 0x63, 0x84, 0x45], &[192, 168, 178]]
    {
        assert!(!has(&new, secret), "{}", String::from_utf8_lossy(secret));
    }
    assert_eq!(report.objects.iter().map(String::as_str).collect::<Vec<_>>(), ["inverter_sn", "wifi.password"]);
    // The same value is the same everywhere: in the marked object, with the wrong CRC, in the other object.
    let mut values = Secrets::default();
    analyze(&mut packets(new.clone()), &Options::default(), &mut values, |_| {}).expect("memory");
    let serials: Vec<_> = values.0.iter().filter(|value| value.len() == serial.len()).collect();
    assert!(serials.len() >= 3 && serials.windows(2).all(|pair| pair[0] == pair[1]), "{serials:?}");
    assert!(has(&new, &[b"house of ", &serials[0][..], b", north"].concat()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever was sent, nothing that was told of it changes. Blanked junk may fall together, or apart.
    #[test]
    fn any_traffic_tells_the_same_story(script in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut file = Vec::new();
        synth::scripted(&script, &mut file).expect("memory");
        let (new, report) = redacted(&file);
        if report.blanked_count == 0 && !story(&file).lines.iter().any(|line| line.contains(" Junk ")) {
            prop_assert_eq!(story(&file).lines, story(&new).lines);
        }
    }
}
