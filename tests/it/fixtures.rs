//! `redact` and `fixture` as their users type them.

use crate::program::{Folder, rctscope, repository, run, says};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

const EVENING: &str = "fixtures/evening.pcap";

#[test]
fn a_capture_is_redacted_into_another_file_only() {
    let folder = Folder::new("redact");
    let out = folder.path("out.pcapng");
    says(&run(&["redact", EVENING, "-o", &out]), 0, &[], &["354 of 354 packets", "4 IP and 4 MAC", "cannot promise"]);
    says(&run(&[&out]), 0, &["3 connections", "54 requests", "value.payload_short"], &[]);
    says(&run(&["redact", EVENING, "-o", &out]), 2, &[], &["exists already", "--force"]);
    says(&run(&["redact", "-", "-o", &folder.path("x")]), 2, &[], &["has to be read several times"]);
    says(&run(&["redact", "none.pcap", "-o", &folder.path("x")]), 3, &[], &["none.pcap: no such file"]);
    let copy = folder.file("copy.pcap", &fs::read(repository().join(EVENING)).expect("the fixture"));
    says(&run(&["redact", &copy, "-o", &copy, "--force"]), 2, &[], &["is the capture itself"]);
}

/// A fixture of the evening's answer that was cut short.
fn short_float(folder: &Folder) -> String {
    let made = run(&["fixture", "new", EVENING, "A2", "--name", "short-float", "--dir", &folder.path("")]);
    says(
        &made,
        0,
        &["55 packets (3 connections), 7 exchanges, redacted", "1 value.payload_short, 1 exchange damaged"],
        &[],
    );
    folder.path("short-float")
}

#[test]
fn a_fixture_is_made_verified_changed_and_updated() {
    let folder = Folder::new("fixture");
    let fixture = short_float(&folder);
    says(
        &run(&["fixture", "verify", &fixture]),
        0,
        &["ok ", "2 checks, ", "24 re-chunkings agree", "1 passed, 0 failed"],
        &[],
    );

    let (toml, expected) = (format!("{fixture}/fixture.toml"), format!("{fixture}/expected.jsonl"));
    let manifest = fs::read_to_string(&toml).expect("the manifest");
    fs::write(&toml, manifest.replacen("value.payload_short\"", "frame.truncated\"", 3)).expect("written");
    let found = run(&["fixture", "verify", &fixture]);
    says(
        &found,
        1,
        &["FAIL", "check 1: expected 1 anomaly with code frame.truncated", "got 0", "0 passed, 1 failed"],
        &[],
    );
    fs::write(&toml, manifest.replace("count", "cuont")).expect("written");
    says(&run(&["fixture", "verify", &fixture]), 1, &["check 1, cuont: unknown"], &[]);
    fs::write(&toml, &manifest).expect("written");

    let records = fs::read_to_string(&expected).expect("the records");
    fs::write(&expected, records.replacen("\"status\":\"answered\"", "\"status\":\"open\"", 1)).expect("written");
    let found = run(&["fixture", "verify", &fixture]);
    says(&found, 1, &["exchange T1: status expected \"open\", got \"answered\"", "--diff"], &[]);
    let refused = rctscope().args(["fixture", "verify", "--update", &fixture]).env("CI", "true").output();
    says(&refused.expect("it starts").into(), 2, &[], &["--update: not where CI is set"]);
    let updated = rctscope().args(["fixture", "verify", "--update", &fixture]).env_remove("CI").output();
    says(&updated.expect("it starts").into(), 0, &["new ", "status expected \"open\", got \"answered\""], &[]);
    assert_eq!(fs::read_to_string(&expected).expect("the records"), records);
}

#[test]
fn what_cannot_be_made_is_told() {
    let folder = Folder::new("unmade");
    let dir = folder.path("");
    let new = |words: &[&str]| run(&[&["fixture", "new", EVENING, "--dir", &dir, "--name", "x"], words].concat());
    says(&new(&[]), 2, &[], &["which part of the capture?", "an ID such as A7"]);
    says(&new(&["A99"]), 2, &[], &["has no A99"]);
    says(&new(&["B7"]), 2, &[], &["names nothing in a capture"]);
    says(&new(&["--since", "+500"]), 2, &[], &["nothing of the protocol"]);
    says(&new(&["--connection", "1", "--since", "+20", "--until", "+30"]), 0, &["1 connection)"], &[]);
    says(&new(&["A2"]), 2, &[], &["exists already", "--force"]);
    says(&run(&["fixture", "verify", &folder.path("nothing")]), 2, &[], &["no such file"]);
    says(&run(&["fixture", "verify", "src"]), 2, &[], &["no fixture there", "fixture.toml"]);
    says(&run(&["fixture", "list", "fixtures/quirks"]), 0, &["quirks/raw-crc"], &[]);
}

#[cfg(unix)]
#[test]
fn another_parser_is_held_against_the_fixtures() {
    let shell = "sh fixtures/adapters/shell_adapter.sh";
    let words = ["fixture", "verify", "quirks/escape-in-the-crc", "quirks/length-472-too-large", "--command", shell];
    let found = run(&words);
    says(
        &found,
        1,
        &["ok    quirks/escape-in-the-crc", "FAIL  quirks/length-472-too-large", "lost: LONG_RESPONSE 0x5293B668"],
        &[],
    );
    says(&found, 1, &["1 of 2 fixtures right; 4 of 6 frames, 0 invented"], &[]);
    let table = run(&[&words[..], &["--markdown"]].concat());
    says(&table, 1, &["| quirks | 1 of 2 |", "2 of 4 frames lost |"], &[]);
    let records = run(&[&words[..], &["--json"]].concat());
    for line in records.stdout.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
}

#[cfg(unix)]
#[test]
fn a_parser_that_hangs_dies_or_talks_nonsense_is_told() {
    for (command, expected) in [
        ("sleep 60", "no answer within 100ms"),
        ("exit 3", "the parser ended"),
        ("yes", "no JSON: y"),
        ("read -r line; echo '{\"frames\":7}'", "`frames` is no list"),
    ] {
        let words = ["fixture", "verify", "quirks/raw-crc", "--patience", "100ms", "--command"];
        // What is one program is given as it is: a shell around it would outlive it.
        let command = match command {
            "sleep 60" | "yes" => command.to_owned(),
            other => format!("sh -c \"{}\"", other.replace('"', "\\\"").replace('$', "\\$")),
        };
        says(&run(&[&words[..], &[&command]].concat()), 1, &["FAIL", expected], &[]);
    }
}

/// A device that ends with its test.
struct Device(Child, String);

impl Device {
    fn start(fixture: &str, words: &[&str]) -> Self {
        let mut child = rctscope()
            .args(["fixture", "replay", fixture, "--listen", "127.0.0.1:0"])
            .args(words)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.split("listening on ").nth(1).and_then(|rest| rest.split(',').next());
        Self(child, address.expect(&line).to_owned())
    }

    fn ask(stream: &mut TcpStream, request: &[u8], length: usize) -> Vec<u8> {
        let mut answer = vec![0; length];
        stream.write_all(request).expect("sent");
        stream.read_exact(&mut answer).expect("an answer");
        answer
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.1).expect("a device");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("set");
        stream
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const READ_POWER: [u8; 9] = [0x2b, 0x01, 0x04, 0x40, 0x0f, 0x01, 0x5b, 0x58, 0xb4];
const READ_SOC: [u8; 9] = [0x2b, 0x01, 0x04, 0x95, 0x99, 0x30, 0xbf, 0x0d, 0x65];

#[test]
fn a_device_answers_out_of_a_fixture() {
    let folder = Folder::new("replay");
    let fixture = short_float(&folder);
    let device = Device::start(&fixture, &["--delays", "none", "--after-last", "repeat"]);
    let client = run(&["fixture", "replay", &fixture, "--connect", &device.1, "--delays", "none"]);
    says(&client, 0, &["ok   battery.soc", "as recorded", "7 requests, 0 answered otherwise"], &[]);
    let recorded = [0, 0x2b, 5, 8, 0x95, 0x99, 0x30, 0xbf, 0x3e, 0x9c, 0xdb, 0xf4, 0xb4, 0x95];
    assert_eq!(Device::ask(&mut device.connect(), &READ_SOC, 14), recorded, "the last one again");
}

#[test]
fn what_comes_after_the_last_answer_is_said_beforehand() {
    let folder = Folder::new("after-last");
    let fixture = short_float(&folder);
    let closing = Device::start(&fixture, &["--delays", "none", "--after-last", "close", "--hub"]);
    let (mut first, mut second) = (closing.connect(), closing.connect());
    let answer = Device::ask(&mut second, &READ_POWER, 12);
    let mut copy = vec![0; 12];
    first.read_exact(&mut copy).expect("a copy");
    assert_eq!(copy, answer, "the bridge copies");
    Device::ask(&mut first, &READ_SOC, 14);
    first.write_all(&READ_SOC).expect("sent");
    assert_eq!(first.read(&mut [0]).expect("closed"), 0);
    let unknown = run(&["fixture", "replay", &fixture, "--listen", "nowhere"]);
    says(&unknown, 2, &[], &["--listen nowhere", "hint: "]);
}
