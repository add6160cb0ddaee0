//! Many captures at once: what is written where, what is said of it, and that a run that was ended can go on.

use crate::program::{Folder, Run, rctscope, repository, run, run_with_input};
use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The scenarios, twenty of them, in folders; among them a file that was cut, and one that is no capture.
fn captures(folder: &Folder) -> String {
    for seed in 1..=5 {
        for scenario in ["evening", "portal", "gap", "two-clients"] {
            let path = folder.path(&format!("in/{scenario}/{seed}.pcap"));
            fs::create_dir_all(Path::new(&path).parent().expect("a parent")).expect("a folder");
            assert_eq!(run(&["synth", scenario, "--seed", &seed.to_string(), "-o", &path]).code, Some(0));
        }
    }
    let whole = fs::read(repository().join("fixtures/evening.pcap")).expect("the fixture");
    folder.file("in/gap/cut.pcap", &whole[..9_000]);
    folder.file("in/notes.txt", b"Tuesday: the inverter said 30 % again. Why?\n");
    folder.path("in")
}

/// All files of a folder with what they hold. The state names times, so it is checked elsewhere.
fn content(folder: &str) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, root, found);
            } else {
                let name = entry.strip_prefix(root).expect("below").to_string_lossy().into_owned();
                found.insert(name, fs::read(entry).expect("a file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new(folder), Path::new(folder), &mut found);
    found
}

fn names(folder: &str) -> Vec<String> {
    content(folder).into_keys().collect()
}

/// Files in the making.
fn drafts(folder: &str) -> usize {
    names(folder).iter().filter(|name| Path::new(name).extension().is_some_and(|end| end == "part")).count()
}

#[track_caller]
fn check(found: &Run, code: i32, says: &[&str]) {
    assert_eq!(found.code, Some(code), "{}", found.stderr);
    assert_eq!(found.stdout, "");
    for part in says {
        assert!(found.stderr.contains(part), "{part}\n{}", found.stderr);
    }
}

#[test]
fn the_output_does_not_depend_on_the_number_of_jobs() {
    let folder = Folder::new("batch-jobs");
    let input = captures(&folder);
    let mut first = None;
    for (name, jobs) in [("one", &["--jobs", "1"][..]), ("four", &["--jobs", "4"]), ("as-many", &[])] {
        let output = folder.path(name);
        let words: Vec<&str> = ["convert", &input, "-o", &output].into_iter().chain(jobs.iter().copied()).collect();
        check(&run(&words), 4, &["done: 20 converted, 1 partly, 0 failed, 1 other file; "]);
        let content = content(&output);
        assert_eq!(content.len(), 23);
        let first = first.get_or_insert_with(|| content.clone());
        assert!(*first == content, "{jobs:?}");
    }
    let evening = first.expect("some").remove("evening/1.jsonl").expect("an output");
    let alone = run(&["convert", &format!("{input}/evening/1.pcap")]).stdout;
    assert_eq!(String::from_utf8(evening).expect("UTF-8"), alone);
}

#[test]
fn what_became_of_each_input() {
    let folder = Folder::new("batch-status");
    let evening = fs::read(repository().join("fixtures/evening.pcap")).expect("the fixture");
    folder.file("in/a.pcap", &evening);
    folder.file("in/copy.pcap", &evening);
    folder.file("in/cut.pcap", &evening[..9_000]);
    folder.file("in/x.zip", b"PK\x03\x04\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaaa");
    let (input, output, none) = (folder.path("in"), folder.path("out"), folder.path("none.pcap"));
    let found = run(&["convert", &input, &none, "-o", &output]);
    check(&found, 4, &["done: 1 converted, 1 partly, 1 failed, 1 other file, 1 copy; 75 exchanges, 27 anomalies"]);
    let status = String::from_utf8(content(&output).remove("files.jsonl").expect("there")).expect("UTF-8");
    let expected = [
        r#"{"type":"file","file":"IN/a.pcap","status":"converted","output":"a.jsonl","bytes":29603,"packet_count":354,"exchange_count":54,"anomaly_count":20}"#,
        r#"{"type":"file","file":"IN/cut.pcap","status":"partly","output":"cut.jsonl","bytes":9000,"packet_count":111,"exchange_count":21,"anomaly_count":7,"message":"stops in the middle of packet 112 (needs 60 bytes, has 33)"}"#,
        r#"{"type":"file","file":"IN/x.zip","status":"not_a_capture","bytes":30,"message":"not a capture file (starts with \"PK\", a zip archive)"}"#,
        r#"{"type":"file","file":"NONE","status":"failed","message":"no such file"}"#,
        r#"{"type":"file","file":"IN/copy.pcap","status":"copy","message":"the same content as IN/a.pcap; read once"}"#,
    ];
    let status = status.replace(&input, "IN").replace(&none, "NONE");
    assert_eq!(status.lines().collect::<Vec<_>>(), expected);
}

/// A capture cut into pieces between two packets, as whoever rotates files does it.
fn rotated(capture: &[u8], packets_each: usize) -> Vec<Vec<u8>> {
    let (header, mut rest) = capture.split_at(24);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let mut end = 0;
        for _ in 0..packets_each {
            let Some(length) = rest.get(end + 8..end + 12) else { break };
            let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
            end += 16 + usize::try_from(length).expect("a packet");
        }
        let (piece, behind) = rest.split_at(end);
        pieces.push([header, piece].concat());
        rest = behind;
    }
    pieces
}

#[test]
fn the_files_of_a_rotated_capture_are_one_session() {
    let folder = Folder::new("batch-rotated");
    let evening = fs::read(repository().join("fixtures/evening.pcap")).expect("the fixture");
    for (n, piece) in rotated(&evening, 100).iter().enumerate() {
        let number = if n == 0 { String::new() } else { n.to_string() };
        folder.file(&format!("in/ring.pcap{number}"), piece);
    }
    let (input, output) = (folder.path("in"), folder.path("out"));
    check(&run(&["convert", &input, "-o", &output]), 0, &["done: 4 converted, 0 partly, 0 failed; 54 exchanges, 20"]);
    assert_eq!(names(&output), [".rctscope-state.jsonl", "files.jsonl", "ring.jsonl"]);
    let records = |text: String| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let session = String::from_utf8(content(&output).remove("ring.jsonl").expect("there")).expect("UTF-8");
    assert_eq!(records(session), records(run(&["convert", "fixtures/evening.pcap"]).stdout));
}

#[test]
fn nothing_is_overwritten_and_options_count() {
    let folder = Folder::new("batch-again");
    let input = captures(&folder);
    let output = folder.path("out");
    let convert = |more: &[&str]| {
        run(&["convert", &input, "-o", &output].iter().copied().chain(more.iter().copied()).collect::<Vec<_>>())
    };
    check(&convert(&[]), 4, &["done: 20 converted"]);
    let first = content(&output);
    check(&convert(&[]), 2, &["holds an earlier conversion", "--resume", "--force"]);
    check(&convert(&["--resume"]), 4, &["skipped 22 done", "0 to do", "done: 20 converted, 1 partly, 0 failed"]);
    assert!(content(&output) == first);
    // A changed input, an output that is gone and one that was cut are done again.
    let changed = folder.path("in/evening/1.pcap");
    assert_eq!(run(&["synth", "evening", "--seed", "9", "-o", &changed, "--force"]).code, Some(0));
    fs::remove_file(folder.path("out/gap/2.jsonl")).expect("removed");
    fs::write(folder.path("out/portal/3.jsonl"), "{}").expect("written");
    folder.file("out/portal/.3.jsonl.12345.part", b"half");
    check(&convert(&["--resume"]), 4, &["skipped 19 done", "3 to do"]);
    let second = content(&output);
    let different: Vec<&String> = first.keys().filter(|name| first[*name] != second[*name]).collect();
    assert_eq!(different, [".rctscope-state.jsonl", "evening/1.jsonl", "files.jsonl"]);
    assert_eq!(first.len(), second.len(), "what was half-written is gone");
    check(&convert(&["--resume", "--records", "summary"]), 4, &["skipped 0 done"]);
    check(&convert(&["--force"]), 4, &["done: 20 converted"]);
    let third = content(&output);
    assert!(second.iter().all(|(name, bytes)| third[name] == *bytes));
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let folder = Folder::new("batch-theirs");
    let input = captures(&folder);
    folder.file("out/gap/1.jsonl", b"mine");
    let output = folder.path("out");
    for resume in [&[][..], &["--resume"]] {
        let words: Vec<&str> = ["convert", &input, "-o", &output].into_iter().chain(resume.iter().copied()).collect();
        check(&run(&words), 2, &["gap/1.jsonl: exists already", "--force"]);
    }
    assert_eq!(names(&output), ["gap/1.jsonl"]);
    let file = folder.file("x", b"");
    check(&run(&["convert", &input, "-o", &file]), 2, &["is a file"]);
    check(&run(&["convert", &input, "-o", &folder.path("all.jsonl")]), 2, &["several sessions go into a folder"]);
}

#[test]
fn the_output_may_lie_among_the_captures() {
    let folder = Folder::new("batch-inside");
    let input = captures(&folder);
    let output = folder.path("in/out");
    check(&run(&["convert", &input, "-o", &output]), 4, &["done: 20 converted"]);
    let first = content(&output);
    check(&run(&["convert", &input, "-o", &output, "--resume"]), 4, &["skipped 22 done", "0 to do"]);
    assert!(content(&output) == first);
}

#[test]
fn named_files_are_one_session_in_one_file() {
    let folder = Folder::new("batch-named");
    let input = captures(&folder);
    let files = [1, 2].map(|seed| format!("{input}/evening/{seed}.pcap"));
    let (output, apart) = (folder.path("out/"), folder.path("apart/"));
    check(&run(&["convert", &files[0], &files[1], "-o", &output]), 0, &["done: 2 converted"]);
    assert_eq!(names(&output), [".rctscope-state.jsonl", "1.jsonl", "files.jsonl"]);
    let status = String::from_utf8(content(&output).remove("files.jsonl").expect("there")).expect("UTF-8");
    assert_eq!(status.matches(r#""output":"1.jsonl""#).count(), 2, "{status}");
    assert_eq!(status.matches("exchange_count").count(), 1, "sums are right: {status}");
    check(&run(&["convert", "--no-join", &files[0], &files[1], "-o", &apart]), 0, &["done: 2 converted"]);
    assert_eq!(names(&apart), [".rctscope-state.jsonl", "1.jsonl", "2.jsonl", "files.jsonl"]);
}

#[test]
fn names_from_a_list() {
    let folder = Folder::new("batch-list");
    let input = captures(&folder);
    let list = format!("{input}/gap/1.pcap\n{input}/gap/2.pcap\n");
    let output = folder.path("out");
    let found = run_with_input(&["convert", "--files-from", "-", "-o", &output], list.as_bytes());
    check(&found, 0, &["done: 2 converted"]);
    let ends: Vec<String> =
        names(&output).iter().map(|name| name.rsplit('/').next().unwrap_or("").to_owned()).collect();
    assert_eq!(ends.iter().filter(|name| ["1.jsonl", "2.jsonl"].contains(&name.as_str())).count(), 2, "{ends:?}");
    let found = run_with_input(&["timeline", "-0", "--files-from", "-"], list.replace('\n', "\0").as_bytes());
    assert_eq!((found.code, found.stdout.matches("time (UTC)").count()), (Some(0), 2), "{}", found.stderr);
    assert_eq!(run_with_input(&["timeline", "--files-from", "-", "-"], b"").code, Some(3));
}

#[test]
fn the_plan_is_what_convert_does() {
    let folder = Folder::new("batch-plan");
    let input = captures(&folder);
    let output = folder.path("out");
    check(&run(&["convert", &input, "-o", &output]), 4, &[]);
    let plan = run(&["plan", &input]);
    assert_eq!((plan.code, plan.stdout.lines().count()), (Some(0), 21), "{}", plan.stderr);
    let content = content(&output);
    for line in plan.stdout.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let words: Vec<&str> = ["convert"].into_iter().chain(columns[2..].iter().copied()).collect();
        assert_eq!(run(&words).stdout.as_bytes(), content[columns[0]], "{line}");
        assert_eq!(columns[1], fs::metadata(columns[2]).expect("a file").len().to_string());
    }
    let json = run(&["plan", &input, "--json", "--format", "csv"]).stdout;
    assert!(json.starts_with(r#"{"type":"unit","output":"evening/1.csv","bytes":"#), "{json}");
}

/// What a job of a Slurm array does, one after the other.
#[cfg(unix)]
#[test]
fn an_array_of_jobs_writes_the_same() {
    let folder = Folder::new("batch-array");
    let input = captures(&folder);
    let (whole, output) = (folder.path("whole"), folder.path("out"));
    check(&run(&["convert", &input, "-o", &whole]), 4, &[]);
    let plan = run(&["plan", &input]).stdout;
    let file = folder.file("plan.tsv", plan.as_bytes());
    let program = Path::new(env!("CARGO_BIN_EXE_rctscope")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    for number in 1..=plan.lines().count() {
        let mut job = Command::new("bash");
        job.arg(repository().join("examples/slurm.sh")).args([&file, &output]).stderr(Stdio::null());
        let ended = job.env("PATH", &path).env("SLURM_ARRAY_TASK_ID", number.to_string()).status().expect("bash");
        assert!(matches!(ended.code(), Some(0 | 4)), "{ended}");
    }
    let mut expected = content(&whole);
    expected.retain(|name, _| name != "files.jsonl" && name != ".rctscope-state.jsonl");
    assert!(content(&output) == expected);
}

#[test]
fn other_formats() {
    let folder = Folder::new("batch-formats");
    let input = captures(&folder);
    for (format, ending, starts) in [("csv", "csv", "ts,t,conn,"), ("influx", "lp", "rct,device=")] {
        let output = folder.path(format);
        check(&run(&["convert", &input, "-o", &output, "--format", format]), 4, &["done: 20 converted"]);
        let name = format!("evening/1.{ending}");
        let text = String::from_utf8(content(&output).remove(&name).expect("there")).expect("UTF-8");
        assert!(text.starts_with(starts), "{text}");
        assert_eq!(run(&["convert", "--format", format, &format!("{input}/evening/1.pcap")]).stdout, text);
    }
    let two = [format!("{input}/evening/1.pcap"), format!("{input}/evening/2.pcap")];
    let table = run(&["convert", "--no-join", "--format", "csv", &two[0], &two[1]]).stdout;
    assert_eq!(table.matches("ts,t,conn").count(), 1, "one head");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Result<Vec<_>, _> = reader.records().collect();
    assert_eq!(rows.expect("rows").len(), 108);
    let found = run(&["convert", "--format", "csv", "--records", "sample", &two[0]]);
    check(&found, 2, &["--records", "hint: "]);
}

/// Kills `times` runs at a random moment each, lets another one go on, and compares with one that was left alone. Says how
/// many it could kill: some may be over before.
fn kill(folder: &Folder, input: &str, times: usize) -> usize {
    let (whole, output) = (folder.path("whole"), folder.path("killed"));
    let begun = Instant::now();
    check(&run(&["convert", input, "-o", &whole, "--jobs", "2"]), 4, &[]);
    let mut span = begun.elapsed();
    let expected = content(&whole);
    let (mut killed, mut skipped, mut halves) = (Vec::new(), 0, 0);
    for _ in 0..4 * times {
        if killed.len() == times {
            break;
        }
        let share = RandomState::new().build_hasher().finish() % 1_000;
        let begun = Instant::now();
        let mut child = converting(input, &output, "2").spawn().expect("the program starts");
        std::thread::sleep(span * u32::try_from(share).expect("small") / 1_000);
        if child.try_wait().expect("a status").is_none() {
            killed.push(begun.elapsed().as_millis());
        } else {
            // The machine has less to do than it had; this one was not killed.
            span = span * 3 / 4;
        }
        // On Unix this is SIGKILL.
        let _ = child.kill();
        child.wait().expect("it ends");
        if Path::new(&output).exists() {
            halves += drafts(&output);
        }
        let found = Run::from(converting(input, &output, "3").output().expect("the program starts"));
        check(&found, 4, &["done: "]);
        skipped += skipped_files(&found.stderr);
        compare(&content(&output), &expected);
        fs::remove_dir_all(&output).expect("removed");
    }
    println!("killed after {killed:?} ms; {halves} outputs half-written, {skipped} files not done again");
    killed.len()
}

fn converting(input: &str, output: &str, jobs: &str) -> Command {
    let mut command = rctscope();
    command.args(["convert", input, "-o", output, "--jobs", jobs, "--resume"]).stderr(Stdio::piped());
    command
}

/// The number in `skipped 412 done`.
fn skipped_files(stderr: &str) -> u32 {
    let number = |line: &str| line.strip_prefix("skipped ")?.split(' ').next()?.parse().ok();
    stderr.lines().find_map(number).unwrap_or(0)
}

#[track_caller]
fn compare(found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in found {
        assert!(expected[name] == *bytes, "{name} is different");
    }
}

#[test]
fn a_run_that_was_killed_goes_on() {
    let folder = Folder::new("batch-kill");
    let input = captures(&folder);
    assert!(kill(&folder, &input, 4) > 0);
}

/// `cargo test --test it -- --ignored --nocapture killed_at_any_moment`
#[test]
#[ignore = "takes a minute"]
fn killed_at_any_moment() {
    let folder = Folder::new("batch-kill-much");
    let input = captures(&folder);
    for number in 0..24 {
        let seed = number.to_string();
        let (path, size) = (folder.path(&format!("in/bulk/{number}.pcap")), (1 + number % 3).to_string());
        fs::create_dir_all(folder.path("in/bulk")).expect("a folder");
        let made = run(&["synth", "bulk", "--seed", &seed, "--megabytes", &size, "-o", &path]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
    }
    assert_eq!(kill(&folder, &input, 20), 20);
}

#[cfg(unix)]
#[test]
fn control_c_leaves_nothing_half_written() {
    let folder = Folder::new("batch-interrupt");
    let input = captures(&folder);
    fs::create_dir_all(folder.path("in/bulk")).expect("a folder");
    for seed in 1..=4 {
        let path = folder.path(&format!("in/bulk/{seed}.pcap"));
        run(&["synth", "bulk", "--seed", &seed.to_string(), "--megabytes", "8", "-o", &path]);
    }
    let output = folder.path("out");
    let mut command = rctscope();
    command.args(["convert", &input, "-o", &output, "--jobs", "2"]).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let patience = Instant::now();
    // Something has been begun when the state file is there.
    while !Path::new(&folder.path("out/.rctscope-state.jsonl")).exists() && patience.elapsed() < Duration::from_secs(20)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let found = Run::from(child.wait_with_output().expect("it ends"));
    check(&found, 4, &["interrupted: ", " of 26 done; --resume goes on"]);
    assert_eq!(drafts(&output), 0, "{:?}", names(&output));
    assert!(!Path::new(&folder.path("out/files.jsonl")).exists(), "it is for a run that is over");
    check(&run(&["convert", &input, "-o", &output, "--resume"]), 4, &["done: 24 converted, 1 partly"]);
    let whole = folder.path("whole");
    check(&run(&["convert", &input, "-o", &whole]), 4, &["done: 24 converted"]);
    assert!(content(&output) == content(&whole));
}
