//! What the program says and how it ends, for every kind of input that a user may give it.

use crate::program::{Folder, Run, repository, run, run_with_input, says, started};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

const EVENING: &str = "fixtures/evening.pcap";

fn evening() -> Vec<u8> {
    fs::read(repository().join(EVENING)).expect("the fixture")
}

/// The header of a pcap file with microseconds and this link type.
fn header(link_type: u32) -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(262_144_u32.to_le_bytes());
    bytes.extend(link_type.to_le_bytes());
    bytes
}

/// A record of a pcap file.
fn record(bytes: &mut Vec<u8>, seconds: u32, packet: &[u8]) {
    let length = u32::try_from(packet.len()).expect("small").to_le_bytes();
    bytes.extend(seconds.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(length);
    bytes.extend(length);
    bytes.extend(packet);
}

/// As [`says`], and nothing at all where nothing is expected.
#[track_caller]
fn check(found: &Run, code: i32, stdout: &[&str], stderr: &[&str]) {
    says(found, code, stdout, stderr);
    assert!(!stdout.is_empty() || found.stdout.is_empty(), "{}", found.stdout);
    assert!(!stderr.is_empty() || found.stderr.is_empty(), "{}", found.stderr);
}

#[test]
fn what_is_no_capture_is_named() {
    let folder = Folder::new("no-capture");
    for (name, content, code, says) in [
        ("x.zip", &b"PK\x03\x04\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaaa"[..], 3, &["zip", "hint: "][..]),
        ("notes.txt", b"Tuesday: the inverter said 30 % again. Why?\n", 3, &["not a capture", "text"]),
        ("x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", 3, &["not a capture", "PNG"]),
        ("empty.pcap", b"", 3, &["empty"]),
        ("short.pcap", b"\xd4\xc3\xb2\xa1", 3, &["error: "]),
    ] {
        let path = folder.file(name, content);
        let found = run(&[&path]);
        check(&found, code, &[], says);
        assert!(found.stderr.starts_with(&format!("error: {path}: ")), "{}", found.stderr);
    }
}

#[test]
fn a_header_alone_is_an_empty_capture() {
    let folder = Folder::new("header");
    check(&run(&[&folder.file("a.pcap", &header(1))]), 0, &["0 packets"], &[]);
}

#[test]
fn names_that_are_not_there() {
    check(&run(&["none.pcap"]), 3, &[], &["error: none.pcap: no such file"]);
    let found = run(&["none.pcap", EVENING]);
    check(&found, 4, &["354 packets"], &["error: none.pcap: no such file"]);
    check(&run(&["tmieline", EVENING]), 2, &[], &["timeline"]);
    check(&run(&["timeline"]), 2, &[], &["FILE"]);
    check(&run(&["timeline", EVENING, "--colour"]), 2, &[], &["--color"]);
    check(&run(&["timeline", EVENING, "--object", "battery.sox"]), 2, &[], &["hint: did you mean battery.so"]);
    check(&run(&["timeline", EVENING, "--since", "teatime"]), 2, &[], &["--since teatime", "hint: "]);
    check(&run(&["synth", "breakfast"]), 2, &[], &["--list"]);
    check(&run(&["--help"]), 0, &["timeline", "Exit codes"], &[]);
    check(&run(&["--version"]), 0, &["rctscope "], &[]);
}

#[test]
fn folders_are_walked() {
    let folder = Folder::new("folder");
    check(&run(&[&folder.path("")]), 3, &[], &["no captures there", "hint: "]);
    folder.file("day/evening.pcap", &evening());
    folder.file("day/notes.txt", b"Tuesday: the inverter said 30 % again. Why?\n");
    check(&run(&[&folder.path("")]), 0, &["354 packets"], &["note: ", "notes.txt", "skipped"]);
    for number in 10..24 {
        folder.file(&format!("day/{number}.jpg"), &[number; 9]);
    }
    let found = run(&[&folder.path("")]);
    check(&found, 0, &["354 packets"], &["10.jpg", "19.jpg", "note: 5 more files are no captures; skipped"]);
    assert_eq!(found.stderr.lines().count(), 11, "{}", found.stderr);
}

#[test]
fn a_file_given_twice_is_read_once() {
    check(&run(&[EVENING, EVENING]), 0, &["354 packets"], &["the same file as", "read once"]);
}

#[test]
fn other_traffic_is_told_with_its_ports() {
    let folder = Folder::new("other");
    let mut bytes = header(1);
    // Ethernet, IPv4, UDP to port 53, nothing in it.
    let mut udp = vec![2; 12];
    udp.extend([8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    udp.extend([4, 0, 0, 53, 0, 8, 0, 0]);
    (0..3).for_each(|second| record(&mut bytes, second, &udp));
    check(&run(&[&folder.file("udp.pcap", &bytes)]), 0, &["3 packets, none of them TCP"], &[]);

    let mixed = folder.path("mixed.pcap");
    check(&run(&["synth", "mixed-ports", "-o", &mixed]), 0, &[], &["packets"]);
    check(&run(&[&mixed]), 0, &["Devices: "], &[]);
}

#[test]
fn a_link_type_that_cannot_be_read_is_named() {
    let folder = Folder::new("link");
    let mut bytes = header(189);
    (0..3).for_each(|second| record(&mut bytes, second, &[0; 64]));
    let found = run(&[&folder.file("usb.pcap", &bytes)]);
    check(&found, 0, &["link type 189 cannot be read; 3 packets skipped", "hint: "], &[]);
}

#[test]
fn a_cut_file_is_read_as_far_as_it_goes() {
    let folder = Folder::new("cut");
    let bytes = evening();
    let found = run(&[&folder.file("cut.pcap", &bytes[..bytes.len() / 2])]);
    check(&found, 4, &["the input is damaged or cut", "Connections"], &["warning: ", "cut.pcap"]);
}

#[cfg(unix)]
#[test]
fn devices_and_pipes() {
    if fs::metadata("/dev/null").is_ok_and(|null| !null.is_file()) {
        check(&run(&["/dev/null"]), 3, &[], &["/dev/null: ", "empty"]);
    }
    let folder = Folder::new("fifo");
    let fifo = folder.path("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    if made.is_ok_and(|status| status.success()) {
        let target = fifo.clone();
        let writer = std::thread::spawn(move || fs::write(target, evening()));
        check(&run(&[&fifo]), 0, &["354 packets"], &[]);
        writer.join().expect("the writer ends").expect("written");
    }
}

#[test]
fn standard_input_plain_and_compressed() {
    check(&run_with_input(&["timeline", "-"], &evening()), 0, &["battery.soc"], &[]);
    let mut gzip = Vec::new();
    gzip.extend(b"\x1f\x8b\x08\0\0\0\0\0\0\xff");
    // Stored, not compressed: blocks of at most 65,535 bytes.
    let bytes = evening();
    let length = u16::try_from(bytes.len()).expect("one block");
    gzip.push(1);
    gzip.extend(length.to_le_bytes());
    gzip.extend((!length).to_le_bytes());
    gzip.extend(&bytes);
    gzip.extend(crc32(&bytes).to_le_bytes());
    gzip.extend(u32::from(length).to_le_bytes());
    check(&run_with_input(&["timeline", "-"], &gzip), 0, &["battery.soc"], &[]);
    check(&run_with_input(&["-"], b""), 3, &[], &["error: -: ", "empty"]);
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 })
    })
}

#[test]
fn who_has_seen_enough_is_no_error() {
    let mut child = started(&["timeline", EVENING, "--no-fold"]);
    drop(child.stdin.take());
    let mut line = String::new();
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().expect("piped"));
    stdout.read_line(&mut line).expect("a line");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(stderr, "");
}

#[test]
fn rows_of_a_live_capture_come_as_soon_as_they_are_settled() {
    let bytes = evening();
    let mut child = started(&["timeline", "-"]);
    let mut stdin = child.stdin.take().expect("piped");
    // Half an hour of patience would be needed for what comes only at the end: the input stays open.
    stdin.write_all(&bytes[..bytes.len() / 2]).expect("written");
    stdin.flush().expect("written");
    let mut rows = BufReader::new(child.stdout.take().expect("piped")).lines();
    let row = rows.by_ref().map(|line| line.expect("text")).find(|line| line.contains("battery.soc"));
    assert!(row.is_some_and(|row| row.starts_with("21:06:11.012")));
    drop(stdin);
    assert!(rows.count() > 10);
    assert_eq!(child.wait().expect("it ends").code(), Some(4), "the input was cut");
}

#[test]
fn files_are_one_session_unless_told_otherwise() {
    let folder = Folder::new("joined");
    let bytes = evening();
    // Cut between two records, near the middle.
    let mut at = 24;
    while at < bytes.len() / 2 {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four"));
        at += 16 + usize::try_from(length).expect("small");
    }
    let first = folder.file("a.pcap", &bytes[..at]);
    let second = folder.file("b.pcap", &[&bytes[..24], &bytes[at..]].concat());
    let whole = run(&["timeline", EVENING]).stdout;
    assert_eq!(run(&["timeline", &first, &second]).stdout, whole);
    assert_eq!(run(&["timeline", &second, &first]).stdout, whole, "in the order of time, not of arguments");
    let parts = run(&["timeline", "--no-join", &first, &second]);
    assert_ne!(parts.stdout, whole);
    assert_eq!(parts.stdout.matches("time (UTC)").count(), 2);
}

#[test]
fn secrets_are_masked_everywhere() {
    let folder = Folder::new("secrets");
    let file = folder.path("all.pcap");
    // `net.slave_data` is not a secret, `inverter_sn` is: a capture of one is made by hand.
    let hex = run(&["encode", "RESPONSE", "inverter_sn", "109AB1234567890"]);
    check(&hex, 0, &["2b05"], &[]);
    for words in [&["decode"][..], &["decode", "--json"]] {
        let words: Vec<&str> = words.iter().copied().chain(["--mask-secrets", hex.stdout.trim()]).collect();
        let found = run(&words);
        check(&found, 0, &["(masked)"], &[]);
        assert!(!found.stdout.contains("109AB") && !found.stdout.contains("313039"), "{}", found.stdout);
    }
    check(&run(&["synth", "all-types", "-o", &file]), 0, &[], &["packets"]);
    let secret = "2.3.5687";
    let registry = folder.file("own.csv", registry_with_secret_version().as_bytes());
    let all = "capture,exchange,anomaly,connection,summary,frame,nonframe,sample";
    for words in
        [&["timeline", "--width", "200"][..], &["summary", "--all"], &["convert", "--records", all], &["convert"]]
    {
        let open: Vec<&str> = words.iter().copied().chain(["--registry", &registry, &file]).collect();
        assert!(run(&open).stdout.contains(secret), "{words:?} has something to mask");
        let masked: Vec<&str> = open.iter().copied().chain(["--mask-secrets"]).collect();
        let found = run(&masked);
        check(&found, 0, &["(masked)"], &[]);
        assert!(!found.stdout.contains(secret) && !found.stdout.contains("322e332e35363837"), "{}", found.stdout);
    }
}

/// The firmware's version as a secret, in the columns of the built-in registry.
fn registry_with_secret_version() -> String {
    let csv = fs::read_to_string(repository().join("src/rct/registry/objects.csv")).expect("the registry");
    let mut lines = csv.lines();
    let header = lines.find(|line| line.starts_with("id,") || line.starts_with("object_id,")).expect("a header");
    let line = lines.find(|line| line.to_ascii_uppercase().starts_with("0XDDD1C2D0")).expect("the version");
    let line = line.strip_suffix(",").map_or_else(|| format!("{line} secret"), |line| format!("{line},secret"));
    format!("{header}\n{line}\n")
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new("normal");
    let normal = folder.path("normal.pcap");
    check(&run(&["synth", "normal", "-o", &normal]), 0, &[], &["packets"]);
    check(&run(&["synth", "normal", "-o", &normal]), 2, &[], &["exists already", "--force"]);
    check(&run(&["synth", "normal", "-o", &normal, "--force"]), 0, &[], &["packets"]);
    assert_eq!(run(&["timeline", EVENING]).code, Some(0), "anomalies are no failure");
}

#[test]
fn the_copy_that_counts_can_be_chosen() {
    let folder = Folder::new("overlap");
    let file = folder.path("injection.pcap");
    check(&run(&["synth", "injection", "-o", &file]), 0, &[], &["packets"]);
    for which in ["first", "last"] {
        check(&run(&["timeline", "--overlap", which, &file]), 0, &["overlap_conflict"], &[]);
    }
    check(&run(&["timeline", "--overlap", "middle", &file]), 2, &[], &["first, last"]);
}

#[test]
fn width_and_colour() {
    let widest = |words: &[&str]| run(words).stdout.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!((100..=120).contains(&widest(&["timeline", EVENING])), "a pipe is 120 columns wide");
    assert!((70..=80).contains(&widest(&["timeline", EVENING, "--width", "80"])));
    assert!((40..=60).contains(&widest(&["timeline", EVENING, "--width", "60"])));
    assert!(!run(&["timeline", EVENING]).stdout.contains('\u{1b}'));
    assert!(run(&["timeline", EVENING, "--color", "always"]).stdout.contains("\u{1b}[31m"));
}

/// The hex of conflicting bytes and the times of unknown objects stood out.
#[test]
fn no_screen_is_wider_than_asked() {
    let (conflict, unknown) = ("fixtures/anomalies/tcp.overlap_conflict", "fixtures/types/unknown");
    let files = [EVENING.to_owned(), format!("{conflict}/capture.pcapng"), format!("{unknown}/capture.pcapng")];
    for file in &files {
        for screen in ["summary", "timeline", "writes", "unknown"] {
            for width in [60, 80, 100] {
                let shown = run(&[screen, file, "--width", &width.to_string()]).stdout;
                let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > width).collect();
                assert!(wide.is_empty() && !shown.is_empty(), "{screen} {file} --width {width}: {wide:#?}");
            }
        }
    }
}

#[test]
fn hex_that_is_none() {
    check(&run(&["decode", "zz"]), 2, &[], &["`zz`", "hint: "]);
    check(&run_with_input(&["decode", "-"], b" \n"), 2, &[], &["no bytes there"]);
    check(&run_with_input(&["decode", "-"], b"2b01 0495 9930 bf0d 65\n"), 0, &["READ battery.soc"], &[]);
    check(&run(&["decode", "2b", "3c", "e1"]), 0, &["switch to this protocol"], &[]);
}

#[test]
fn bulk_is_as_large_as_asked() {
    let folder = Folder::new("bulk");
    let file = folder.path("bulk.pcap");
    check(&run(&["synth", "bulk", "--megabytes", "1", "--mixed", "-o", &file]), 0, &[], &["packets"]);
    assert!((1_000_000..1_100_000).contains(&fs::metadata(&file).expect("the file").len()));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("permission");
    let path = folder.file("a.pcap", &evening());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    // The superuser may read everything.
    if fs::File::open(&path).is_err() {
        check(&run(&[&path]), 3, &[], &["may not be read (permission denied)"]);
    }
}

#[test]
fn a_full_disk_is_told() {
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = crate::program::rctscope().args(["timeline", EVENING]).stdout(Stdio::from(full)).output();
        let found = Run::from(output.expect("the program starts"));
        check(&found, 4, &[], &["error: the output cannot be written"]);
    }
}
