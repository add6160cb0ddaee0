//! The fixtures of this project: for every anomaly, data type, command and quirk of the protocol one, and every frame
//! that was ever published. All are made by the code below and kept as files under `fixtures`.
//!
//! After a change, `cargo test --test it -- --ignored write_the_corpus` writes them anew; look at the difference.

use crate::frames;
use crate::program::repository;
use crate::quirks::quirks;
use rctscope::analyzer::Options;
use rctscope::anomaly::Code;
use rctscope::capture::Reader;
use rctscope::object::ObjectId;
use rctscope::output::pages;
use rctscope::rct::command::Command;
use rctscope::rct::encode;
use rctscope::rct::registry::{DataType, Registry};
use rctscope::tools::container::{Format, Writer};
use rctscope::tools::fixture::author::{self, Request, Subject};
use rctscope::tools::fixture::check::Check;
use rctscope::tools::fixture::cut::Piece;
use rctscope::tools::fixture::manifest::{Manifest, Origin};
use rctscope::tools::fixture::verify::{Detail, verify};
use rctscope::tools::fixture::{CAPTURES, CHUNKS, EXPECTED, Files, LARGEST, MANIFEST, records};
use rctscope::tools::synth::cases::{self, Speaker, Variant, dialogue};
use rctscope::tools::synth::{self, START, Scenario};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

pub(crate) const CLIENT: Speaker = Speaker::Client(0);
pub(crate) const OTHER: Speaker = Speaker::Client(1);
pub(crate) const DEVICE: Speaker = Speaker::Device;

/// What is said, when, and by whom.
pub(crate) type Lines = Vec<(u64, Speaker, Vec<u8>)>;

/// A fixture by its name, and under which name its capture stands.
pub(crate) struct Made {
    name: String,
    files: Files,
    capture: &'static str,
}

pub(crate) fn manifest(title: &str, kind: &str, note: &str) -> Manifest {
    Manifest {
        title: title.trim_end_matches('.').to_owned(),
        tags: Vec::new(),
        licence: "CC0-1.0".to_owned(),
        origin: Origin { kind: kind.to_owned(), tool: "rctscope".to_owned(), redacted: false, note: note.to_owned() },
        checks: Vec::new(),
    }
}

/// A fixture of a capture, with `checks` in front of those that hold everything that is in it.
pub(crate) fn make(
    name: &str,
    mut manifest: Manifest,
    mut checks: Vec<Check>,
    capture: Vec<u8>,
    file: &'static str,
) -> Made {
    let reading = records::read(&capture, &Options::default()).expect(name);
    for check in author::checks_of(&reading) {
        if checks.iter().all(|known| (&known.kind, &known.conditions) != (&check.kind, &check.conditions)) {
            checks.push(check);
        }
    }
    manifest.tags = author::tags(&reading);
    manifest.checks = checks;
    let files = author::of_capture(capture, &Options::default(), &manifest, true).expect(name);
    Made { name: name.to_owned(), files, capture: file }
}

/// The same packets as pcapng.
fn pcapng(file: Vec<u8>) -> Vec<u8> {
    let mut reader = Reader::new(Box::new(Cursor::new(file))).expect("a capture");
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, Format::Pcapng);
    while let Some(packet) = reader.next_packet().expect("memory") {
        writer.cut_packet(packet.ts, packet.data, packet.original_length).expect("memory");
    }
    writer.finish().expect("memory");
    out
}

/// Two for every code; only that of `tcp.limit` has to fill a buffer of megabytes, and is made in memory alone.
fn anomalies() -> Vec<Made> {
    let mut made = Vec::new();
    for code in Code::ALL.iter().filter(|code| **code != Code::Limit) {
        let page = pages::page(*code);
        for (variant, suffix, title, count) in
            [(Variant::Shows, "", page.shows, None), (Variant::Near, ".near", page.near, Some(0))]
        {
            let (file, capture) = (cases::file(*code, variant), cases::file_name(*code, variant));
            // Where the file itself is the point, it stays as it is.
            let is_about_files = code.name().starts_with("capture.");
            let (file, capture) = match is_about_files {
                true if capture.ends_with("pcapng") => (file, CAPTURES[0]),
                true => (file, CAPTURES[1]),
                false => (pcapng(file), CAPTURES[0]),
            };
            let mut checks = Vec::new();
            if let Some(count) = count {
                checks.push(Check::new("anomaly", &[("code", json!(code.name()))], count));
            }
            let manifest = manifest(title, "synthetic", "");
            made.push(make(&format!("anomalies/{code}{suffix}"), manifest, checks, file, capture));
        }
    }
    made
}

/// The stories of `rctscope synth`, seed 1, as much of each as a fixture may have; those with long tables without exact
/// records.
fn scenarios() -> Vec<Made> {
    // The evening is a file of its own, for the README.
    Scenario::ALL.iter().filter(|scenario| **scenario != Scenario::Evening).map(|scenario| story(*scenario)).collect()
}

fn story(scenario: Scenario) -> Made {
    let mut file = Vec::new();
    synth::write_as(scenario, 1, Format::Pcapng, &mut file).expect("memory");
    let fitting = |capture: Vec<u8>, how_much: &str, exact: bool| {
        let note = format!("{how_much}rctscope synth {scenario} --seed 1");
        let manifest = manifest(scenario.description(), "synthetic", &note);
        let mut made = make(&format!("scenarios/{scenario}"), manifest, Vec::new(), capture, CAPTURES[0]);
        made.files.expected = made.files.expected.filter(|_| exact);
        let shows = |code: &Code| made.files.manifest.contains(code.name());
        (size(&made.files) <= LARGEST && scenario.anomalies().iter().all(shows)).then_some(made)
    };
    let piece = |exact| (1..40).rev().find_map(|part| fitting(beginning(&file, part)?, "the beginning of ", exact));
    fitting(file.clone(), "", true)
        .or_else(|| piece(true))
        .or_else(|| fitting(file.clone(), "", false))
        .or_else(|| piece(false))
        .unwrap_or_else(|| panic!("no piece of {scenario} is small enough"))
}

/// So many fortieths of a capture.
fn beginning(file: &[u8], part: u64) -> Option<Vec<u8>> {
    let mut show = |each: &mut dyn FnMut(&rctscope::packet::Packet<'_>) -> std::io::Result<()>| {
        let mut reader = Reader::new(Box::new(Cursor::new(file.to_vec()))).map_err(std::io::Error::other)?;
        while let Some(packet) = reader.next_packet().map_err(std::io::Error::other)? {
            each(&packet)?;
        }
        Ok(())
    };
    let until = Some(START.saturating_add(Duration::from_secs(3 * part)));
    let subject = Subject::Piece(Piece { until, ..Piece::default() });
    let request = Request { subject, title: None, redacted: false, origin: Origin::default(), exact: false };
    author::author(&mut show, &Options::default(), &request).ok().map(|made| made.files.capture)
}

fn size(files: &Files) -> usize {
    files.capture.len() + files.chunks.len() + files.manifest.len() + files.expected.as_ref().map_or(0, String::len)
}

pub(crate) fn frame(command: Command, object: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut out = if command.is_response() { vec![0] } else { Vec::new() };
    let address = command.is_plant().then_some(0x002b_2d02);
    encode::frame(&mut out, command, address, object, payload);
    out
}

pub(crate) fn id(name: &str) -> ObjectId {
    Registry::builtin().by_name(name).unwrap_or_else(|| panic!("no object {name}")).id
}

pub(crate) fn read(object: ObjectId) -> Vec<u8> {
    frame(Command::READ, object, &[])
}

/// A value of each type, as the device sends it.
pub(crate) fn payload(data_type: DataType) -> Vec<u8> {
    let asked = 1_742_245_200_u32;
    match data_type {
        DataType::Bool => vec![1],
        DataType::Enum => vec![2],
        DataType::Int8 => vec![0xfe],
        DataType::Uint8 => vec![0xc8],
        DataType::Int16 => (-1_234_i16).to_be_bytes().to_vec(),
        DataType::Uint16 => 54_321_u16.to_be_bytes().to_vec(),
        DataType::Int32 => (-123_456_789_i32).to_be_bytes().to_vec(),
        DataType::Uint32 => 4_123_456_789_u32.to_be_bytes().to_vec(),
        DataType::Float => (-1_580.25_f32).to_be_bytes().to_vec(),
        DataType::String => b"house\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        DataType::Timeseries => {
            let points = (0..6_u8).flat_map(|n| {
                let time = (asked - 300 * u32::from(n)).to_be_bytes();
                [time, (0.5 - f32::from(n) / 64.0).to_be_bytes()].concat()
            });
            asked.to_be_bytes().into_iter().chain(points).collect()
        }
        DataType::EventTable => {
            let changed = [0x73, asked - 60, id("power_mng.soc_min").0, 0.07_f32.to_bits(), 0.2_f32.to_bits()];
            let fault = [0x0d, asked - 7_200, asked - 7_100, 0, 0];
            [asked].into_iter().chain(changed).chain(fault).flat_map(u32::to_be_bytes).collect()
        }
        DataType::BatteryModuleStatus => (0..24_u8).flat_map(|n| [20 + n % 4, 0xe4 + n % 3, 0x0c, 0]).collect(),
        DataType::BatteryModuleResistance => (0..24_u8).flat_map(|n| [1, n, 0, 0]).collect(),
        DataType::BatteryModuleStatistics => [(3, 3.1_f32), (7, 3.6), (0, 4.0), (23, 38.5)]
            .into_iter()
            .flat_map(|(cell, value): (u32, f32)| {
                [cell.to_le_bytes(), (asked - cell).to_le_bytes(), value.to_le_bytes()].concat()
            })
            .collect(),
        DataType::NetSlaveData => {
            let mut bytes = vec![0; 108];
            bytes[..4].copy_from_slice(&7_u32.to_le_bytes());
            bytes[4..9].copy_from_slice(b"roof2");
            bytes[28..32].copy_from_slice(&1_250.5_f32.to_le_bytes());
            bytes[36..40].copy_from_slice(&0.75_f32.to_le_bytes());
            bytes[48..56].copy_from_slice(b"2.3.5685");
            bytes[64..72].copy_from_slice(b"EXAMPLE1");
            bytes
        }
        DataType::NetPackage => {
            let mut bytes = vec![0; 36];
            bytes[..4].copy_from_slice(&7_u32.to_le_bytes());
            bytes[12..16].copy_from_slice(&640.0_f32.to_le_bytes());
            bytes[28..32].copy_from_slice(&0.5_f32.to_le_bytes());
            bytes
        }
        DataType::Unknown => vec![0xde, 0xad, 0xbe, 0xef],
    }
}

/// A question and an answer for every data type.
fn types() -> Vec<Made> {
    DataType::ALL
        .into_iter()
        .map(|data_type| {
            let of_type = |object: &&rctscope::rct::registry::Object| object.response_type == data_type;
            let plain = Registry::builtin()
                .objects()
                .filter(of_type)
                .find(|object| !object.flags.secret && !object.flags.unix_time);
            let object = plain.or_else(|| Registry::builtin().objects().find(of_type));
            let (object, name) = object
                .map_or((ObjectId(0xdead_beef), "an object that no table knows".to_owned()), |object| {
                    (object.id, object.name.clone())
                });
            let is_table = matches!(data_type, DataType::Timeseries | DataType::EventTable);
            let (asks, answers) = if is_table {
                (frame(Command::WRITE, object, &1_742_245_200_u32.to_be_bytes()), Command::LONG_RESPONSE)
            } else {
                (read(object), Command::RESPONSE)
            };
            let capture = dialogue(1, &[(10, CLIENT, asks), (70, DEVICE, frame(answers, object, &payload(data_type)))]);
            let title = format!("A value of type {}: {name}", data_type.name());
            make(
                &format!("types/{}", data_type.name()),
                manifest(&title, "synthetic", ""),
                Vec::new(),
                capture,
                CAPTURES[0],
            )
        })
        .collect()
}

/// Every command in use, an unknown one, and the switch that is no frame.
fn commands() -> Vec<Made> {
    let (soc, history, delay) = (id("battery.soc"), id("logger.minutes_soc_log_ts"), id("power_mng.soc_min"));
    let (value, asked) = (0.3_f32.to_be_bytes(), 1_742_245_200_u32.to_be_bytes());
    let table = payload(DataType::Timeseries);
    let plant = |command: Command| Command(command.0 | 0x40);
    let (r, w, lw, a, la, rp) = (
        Command::READ,
        Command::WRITE,
        Command::LONG_WRITE,
        Command::RESPONSE,
        Command::LONG_RESPONSE,
        Command::READ_PERIODICALLY,
    );
    let long_text = [b'x'; 280];
    let text = id("bat_mng_struct.profile_load");
    let mut made = Vec::new();
    let mut add = |name: &str, title: &str, lines: &[(u64, Speaker, Vec<u8>)]| {
        let manifest = manifest(title, "synthetic", "");
        made.push(make(&format!("commands/{name}"), manifest, Vec::new(), dialogue(1, lines), CAPTURES[0]));
    };
    for (plant_bit, prefix, with) in
        [(false, "", ""), (true, "plant_", ", with the address of a plant before the object id")]
    {
        let c = |command: Command| if plant_bit { plant(command) } else { command };
        let name = |name: &str| format!("{prefix}{name}");
        add(
            &name("read"),
            &format!("READ and its RESPONSE{with}"),
            &[(10, CLIENT, frame(c(r), soc, &[])), (70, DEVICE, frame(c(a), soc, &value))],
        );
        add(
            &name("write"),
            &format!("WRITE, confirmed by a RESPONSE{with}"),
            &[(10, CLIENT, frame(c(w), delay, &value)), (70, DEVICE, frame(c(a), delay, &value))],
        );
        add(
            &name("long_write"),
            &format!("LONG_WRITE: two bytes of length{with}"),
            &[(10, CLIENT, frame(c(lw), text, &long_text)), (70, DEVICE, frame(c(a), text, &long_text[..40]))],
        );
        add(
            &name("response"),
            &format!("A RESPONSE that nobody asked for{with}"),
            &[(70, DEVICE, frame(c(a), soc, &value))],
        );
        add(
            &name("long_response"),
            &format!("WRITE of a time to a history, and its LONG_RESPONSE: two bytes of length{with}"),
            &[(10, CLIENT, frame(c(w), history, &asked)), (70, DEVICE, frame(c(la), history, &table))],
        );
        add(
            &name("read_periodically"),
            &format!("READ_PERIODICALLY: a RESPONSE at once, and again and again{with}"),
            &[
                (10, CLIENT, frame(c(rp), soc, &[])),
                (70, DEVICE, frame(c(a), soc, &value)),
                (2_070, DEVICE, frame(c(a), soc, &value)),
                (4_070, DEVICE, frame(c(a), soc, &value)),
            ],
        );
    }
    let switch = [&[0x2b, 0x3c, 0xe1][..], &read(soc)].concat();
    add(
        "extension",
        "EXTENSION: three bytes that are no frame, glued to a READ",
        &[(10, CLIENT, switch), (70, DEVICE, frame(a, soc, &value))],
    );
    add(
        "unknown",
        "Commands 0x04 and 0x2d, which nobody uses, between a READ and its RESPONSE",
        &[
            (10, CLIENT, [frame(Command(4), soc, &[]), frame(Command(0x2d), soc, &[]), read(soc)].concat()),
            (70, DEVICE, frame(a, soc, &value)),
        ],
    );
    made
}

/// Every frame that was published, alone, as it was printed.
fn published() -> Vec<Made> {
    (1..)
        .zip(frames::rows())
        .map(|(number, row)| {
            let speaker = if row.direction.starts_with("device") { DEVICE } else { CLIENT };
            let capture = dialogue(1, &[(10, speaker, frames::bytes(&row.hex))]);
            let title = published_title(&capture, &row.kind);
            let mut manifest = manifest(&title, "published", &format!("as published in {}", row.source));
            manifest.origin.redacted = row.kind.contains("anonymised");
            make(&format!("published/{number:02}"), manifest, Vec::new(), capture, CAPTURES[0])
        })
        .collect()
}

/// `LONG_RESPONSE of logger.minutes_ebat_log_ts, which declares 488 bytes and has 16 (real)`.
fn published_title(capture: &[u8], kind: &str) -> String {
    let reading = records::read(capture, &Options::default()).expect("a capture");
    let described = reading.records.iter().find_map(|record| {
        let word = |key: &str| record[key].as_str().unwrap_or_default();
        match word("type") {
            "frame" => Some(match word("status") {
                "length_lie" => format!(
                    "{} of {}, which declares {} bytes and has {}",
                    word("command"),
                    word("object"),
                    record["declared_length"],
                    record["real_length"]
                ),
                "ok" => format!("{} of {}", word("command"), word("object")),
                damage => format!("{} of {}, {damage}", word("command"), word("object")),
            }),
            "nonframe" => Some(format!("No frame: {}", word("kind"))),
            _ => None,
        }
    });
    format!("{} ({kind})", described.unwrap_or_else(|| "A separator alone".to_owned()))
}

fn corpus() -> Vec<Made> {
    [anomalies(), commands(), published(), quirks(), scenarios(), types()].into_iter().flatten().collect()
}

fn parts(made: &Made) -> Vec<(&'static str, Vec<u8>)> {
    let Files { manifest, capture, chunks, expected } = &made.files;
    let mut parts = vec![
        (MANIFEST, manifest.clone().into_bytes()),
        (made.capture, capture.clone()),
        (CHUNKS, chunks.clone().into_bytes()),
    ];
    parts.extend(expected.as_ref().map(|expected| (EXPECTED, expected.clone().into_bytes())));
    parts
}

#[test]
#[ignore = "writes into the source tree"]
fn write_the_corpus() {
    let top = repository().join("fixtures");
    for group in ["anomalies", "commands", "published", "quirks", "scenarios", "types"] {
        let _ = fs::remove_dir_all(top.join(group));
    }
    for made in corpus() {
        let folder = top.join(&made.name);
        fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in parts(&made) {
            fs::write(folder.join(name), bytes).expect("written");
        }
    }
    fs::write(top.join("README.md"), index()).expect("written");
}

fn index() -> String {
    let listed = crate::program::run(&["fixture", "list", "fixtures", "--markdown"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    listed.stdout
}

fn folders(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.join(MANIFEST).is_file() {
            let name = entry.strip_prefix(repository().join("fixtures")).expect("inside");
            found.insert(name.to_str().expect("UTF-8").replace('\\', "/"));
        } else if entry.is_dir() {
            folders(&entry, found);
        }
    }
}

#[test]
fn the_corpus_is_what_the_code_makes() {
    let mut kept = BTreeSet::new();
    folders(&repository().join("fixtures"), &mut kept);
    let mut problems = Vec::new();
    for made in corpus() {
        let folder = repository().join("fixtures").join(&made.name);
        assert!(size(&made.files) <= LARGEST, "{} has {} bytes", made.name, size(&made.files));
        if !kept.remove(&made.name) {
            problems.push(format!("{} is not there", made.name));
            continue;
        }
        for (name, bytes) in parts(&made) {
            if fs::read(folder.join(name)).ok() != Some(bytes) {
                problems.push(format!("{}/{name} differs", made.name));
            }
        }
    }
    problems.extend(kept.into_iter().map(|name| format!("{name} is made by nobody")));
    assert!(
        problems.is_empty(),
        "`cargo test --test it -- --ignored write_the_corpus` writes it anew:\n{}",
        problems.join("\n")
    );
    assert_eq!(fs::read_to_string(repository().join("fixtures/README.md")).ok(), Some(index()), "the index");
}

#[test]
fn every_fixture_is_right() {
    for made in corpus() {
        let verdict = verify(&made.files, &Options::default(), Detail::First);
        assert_eq!(verdict.failures, Vec::<String>::new(), "{}", made.name);
    }
}

/// The same value, but not the same.
fn other(value: &serde_json::Value) -> Option<serde_json::Value> {
    Some(match value {
        serde_json::Value::String(text) => json!(format!("{text}x")),
        serde_json::Value::Bool(truth) => json!(!truth),
        serde_json::Value::Number(number) => {
            let number = number.as_f64()?;
            // To the greatest numbers one more is nothing.
            json!(if (number + 1.0).to_bits() == number.to_bits() { 0.5 } else { number + 1.0 })
        }
        _ => return None,
    })
}

/// Every version of a record in which one value is another, or is missing.
fn mutants(record: &serde_json::Value) -> Vec<serde_json::Value> {
    let mut mutants = Vec::new();
    match record {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let mut without = fields.clone();
                without.remove(key);
                mutants.push(without.into());
                for changed in mutants_of(value) {
                    let mut with = fields.clone();
                    with.insert(key.clone(), changed);
                    mutants.push(with.into());
                }
            }
        }
        serde_json::Value::Array(members) => {
            for (at, value) in members.iter().enumerate() {
                let mut without = members.clone();
                without.remove(at);
                mutants.push(without.into());
                for changed in mutants_of(value) {
                    let mut with = members.clone();
                    with[at] = changed;
                    mutants.push(with.into());
                }
            }
        }
        _ => {}
    }
    mutants
}

fn mutants_of(value: &serde_json::Value) -> Vec<serde_json::Value> {
    other(value).map_or_else(|| mutants(value), |changed| vec![changed])
}

fn noticed(files: &Files, name: &str, change: &dyn std::fmt::Display) {
    let verdict = verify(files, &Options::default(), Detail::First);
    assert!(!verdict.failures.is_empty(), "{name}: nobody notices {change}");
}

/// All lines but one, which is changed in every possible way (`None` takes it away).
fn each_line(text: &str, mut check: impl FnMut(String, &str)) {
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let with = |changed: Option<String>| {
            let before = lines[..at].iter().map(|line| (*line).to_owned());
            let after = lines[at + 1..].iter().map(|line| (*line).to_owned());
            before.chain(changed).chain(after).fold(String::new(), |text, line| text + &line + "\n")
        };
        check(with(None), line);
        let record = serde_json::from_str(line).expect("JSON");
        for changed in mutants(&record) {
            let changed = changed.to_string();
            check(with(Some(changed.clone())), &changed);
        }
    }
}

/// Changes everything that a fixture expects, one thing at a time; how many changes that were.
fn every_change_is_noticed(made: &Made) -> usize {
    let (files, mut changes) = (&made.files, 0);
    each_line(&files.chunks, |chunks, change| {
        noticed(&Files { chunks, ..files.clone() }, &made.name, &change);
        changes += 1;
    });
    each_line(files.expected.as_deref().unwrap_or_default(), |expected, change| {
        noticed(&Files { expected: Some(expected), ..files.clone() }, &made.name, &change);
        changes += 1;
    });
    changes
}

/// Whatever is expected is really looked at: change any of it, and the fixture fails.
#[test]
fn a_change_of_any_expectation_is_noticed() {
    let small = quirks().into_iter().filter(|made| made.files.expected.as_ref().is_some_and(|text| text.len() < 6_000));
    let changes: usize = small.take(4).map(|made| every_change_is_noticed(&made)).sum();
    assert!(changes > 100, "{changes}");
}

/// The same for all fixtures but those with many records: `cargo test --test it -- --ignored any_expectation`
#[test]
#[ignore = "takes many minutes"]
fn a_change_of_any_expectation_of_the_corpus_is_noticed() {
    let all = corpus();
    let is_small = |made: &&Made| made.files.expected.as_ref().is_some_and(|expected| expected.len() < 6_000);
    let small: Vec<_> = all.iter().filter(is_small).collect();
    let (first, second) = small.split_at(small.len() / 2);
    let count = |part: &[&Made]| part.iter().map(|made| every_change_is_noticed(made)).sum::<usize>();
    let changes = std::thread::scope(|scope| {
        let other = scope.spawn(|| count(second));
        count(first) + other.join().expect("noticed")
    });
    println!("{changes} changes in {} of {} fixtures, all noticed", small.len(), all.len());
}

#[test]
fn a_change_of_any_check_is_noticed() {
    let all: Vec<_> = [anomalies(), commands(), quirks(), types()].into_iter().flatten().collect();
    for made in all {
        let manifest = Manifest::parse(&made.files.manifest).expect("valid");
        // The exact records stay out: the checks have to notice by themselves.
        let files = Files { expected: None, ..made.files.clone() };
        let with = |at: usize, check: Check| {
            let mut changed = manifest.clone();
            changed.checks[at] = check;
            Files { manifest: changed.render(), ..files.clone() }
        };
        for (at, check) in manifest.checks.iter().enumerate() {
            let rctscope::tools::fixture::check::Count::Exactly(count) = check.count else { panic!("{check:?}") };
            for wrong in [count + 1, count.wrapping_sub(1)].into_iter().filter(|wrong| *wrong < 1_000) {
                let changed = Check { count: rctscope::tools::fixture::check::Count::Exactly(wrong), ..check.clone() };
                noticed(&with(at, changed), &made.name, &format!("count {wrong} of check {}", at + 1));
            }
            for kind in
                ["frame", "nonframe", "exchange", "anomaly", "summary"].into_iter().filter(|kind| **kind != check.kind)
            {
                let changed = Check { kind: kind.to_owned(), ..check.clone() };
                noticed(&with(at, changed), &made.name, &format!("type {kind} of check {}", at + 1));
            }
            for pair in 0..check.conditions.len() {
                let mut changed = check.clone();
                changed.conditions[pair].1 = other(&changed.conditions[pair].1).expect("a scalar");
                noticed(&with(at, changed), &made.name, &format!("where {pair} of check {}", at + 1));
            }
        }
    }
}
