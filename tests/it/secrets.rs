//! With `--mask-secrets` no command shows a secret, wherever its bytes stand: in a value, in a damaged frame, in what is
//! no frame at all, in a message, or in a place that was sent twice.

use crate::film::Film;
use crate::program::{Folder, run, run_with_input};
use rctscope::object::ObjectId;
use rctscope::rct::registry::Registry;
use rctscope::rct::{Command, encode};

/// Sixteen bytes, as the device pads texts; no four of them occur in any text of ours.
const SECRET: &[u8] = b"Zq7xWv9kJ4uPb2n\0";
/// So many bytes of it in a row are a leak.
const WINDOW: usize = 4;

fn object(name: &str) -> ObjectId {
    Registry::builtin().by_name(name).expect(name).id
}

fn frame(command: Command, object: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::frame(&mut bytes, command, None, object, payload);
    bytes
}

/// A session in which the secret stands wherever it can.
fn session() -> Film {
    let (password, power, network) = (object("wifi.password"), object("g_sync.p_acc_lp"), object("wifi.server_ip"));
    let answer = [&[0][..], &frame(Command::RESPONSE, password, SECRET)].concat();
    let mut film = Film::new(2);
    let mut at = 1_000;
    let mut ask = |film: &mut Film, object: ObjectId, answer: &[u8]| {
        film.request(at, 0, Command::READ, object, &[]);
        film.device_says(at + 50, 0, answer);
        film.device_says(at + 51, 1, answer);
        at += 1_000;
    };
    ask(&mut film, password, &answer);
    ask(&mut film, network, &[&[0][..], &frame(Command::RESPONSE, network, SECRET)].concat());
    // A wrong CRC, an end before its time, and one before the object id.
    let mut wrong = answer.clone();
    *wrong.last_mut().expect("bytes") ^= 0x55;
    ask(&mut film, password, &wrong);
    ask(&mut film, password, &[&answer[..18], &[0], &frame(Command::RESPONSE, power, &[0; 4])].concat());
    // The tail of an earlier answer in front of one, and one behind it.
    ask(&mut film, password, &[&answer[answer.len() - 9..], &answer].concat());
    ask(&mut film, password, &[&answer[..], &SECRET[2..13]].concat());
    // A frame with the secret inside a damaged answer for something else.
    let inner = frame(Command::WRITE, password, SECRET);
    let mut around = frame(Command::RESPONSE, power, &inner);
    *around.last_mut().expect("bytes") ^= 0x55;
    ask(&mut film, power, &around);
    let mut around = frame(Command::RESPONSE, power, SECRET);
    *around.last_mut().expect("bytes") ^= 0x55;
    ask(&mut film, power, &around);
    // A number that is a secret was changed.
    let events = object("logger.error_log_time_stamp");
    let row = [&[0, 0, 0, 0x73, 0x67, 0xd8, 0x8a, 0][..], &object("net.id").0.to_be_bytes(), &SECRET[..8]].concat();
    film.request(18_000, 0, Command::WRITE, events, &[0x67, 0xd8, 0x8b, 0x50]);
    film.response(18_050, 0, Command::LONG_RESPONSE, events, &[&[0x67, 0xd8, 0x8b, 0x50][..], &row].concat());
    film.request(18_500, 0, Command::WRITE, object("net.id"), &SECRET[..4]);
    // Bytes of nobody, from both sides.
    film.client_says(20_000, 0, SECRET);
    film.device_says(20_100, 0, &SECRET[1..12]);
    // Two hosts write it, in vain.
    film.request(21_000, 0, Command::WRITE, password, SECRET);
    film.request(22_000, 1, Command::WRITE, password, b"Zq7xWv9kJ4uPb2n!");
    // The same place of the stream with other content.
    film.request(30_000, 0, Command::READ, password, &[]);
    film.device_says_twice(30_050, 0, &answer, &[&answer[..9], &SECRET[3..15], &answer[21..]].concat());
    film.tick(40_000, 0);
    film
}

/// The first piece of the secret in a text: as it is, or as hex with or without blanks.
fn leak(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    SECRET[..15].windows(WINDOW).find_map(|window| {
        let plain = String::from_utf8_lossy(window).to_lowercase();
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        let number = u32::from_str_radix(&hex, 16).expect("four bytes").to_string();
        let holds =
            |line: &&str| line.contains(&plain) || line.contains(&number) || line.replace(' ', "").contains(&hex);
        let line = text.lines().find(holds);
        line.map(str::to_owned).or_else(|| dense.contains(&hex).then(|| hex.clone()))
    })
}

#[test]
fn masked_output_holds_no_secret() {
    let folder = Folder::new("masked");
    let file = folder.file("secrets.pcap", &session().file());
    let everything = "capture,exchange,anomaly,connection,summary,frame,nonframe,sample";
    let records = run(&["convert", "--records", everything, &file]).stdout;
    assert!(leak(&records).is_some(), "without the option it is there");
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["summary", &file],
        vec!["summary", "--all", &file],
        vec!["timeline", "--width", "300", &file],
        vec!["convert", "--records", everything, &file],
        vec!["writes", &file],
        vec!["writes", "--json", &file],
        vec!["unknown", &file],
        vec!["unknown", "--json", &file],
    ];
    let ids: Vec<String> = records
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter_map(|record| record["id"].as_str().map(str::to_owned))
        .collect();
    assert!(ids.len() > 40, "{ids:?}");
    commands.extend(ids.iter().map(|id| vec!["explain", &*file, &**id]));
    let mut codes = std::collections::BTreeSet::new();
    for mut command in commands {
        command.push("--mask-secrets");
        let run = run(&command);
        assert!(run.code == Some(0), "{command:?}: {}", run.stderr);
        let leaked = leak(&run.stdout).or_else(|| leak(&run.stderr));
        assert!(leaked.is_none(), "{command:?}: {leaked:?}\n{}", run.stdout);
        codes.extend(run.stdout.split_whitespace().filter(|word| word.starts_with("frame.")).map(str::to_owned));
    }
    for code in ["frame.crc_mismatch", "frame.truncated", "frame.junk", "frame.stuck_remainder"] {
        assert!(codes.contains(code), "the session shows {code}: {codes:?}");
    }
}

#[test]
fn masked_hex_holds_no_secret() {
    let frames = [&frame(Command::RESPONSE, object("wifi.password"), SECRET)[..], &SECRET[2..], &[0x0d]].concat();
    let hex: String = frames.iter().map(|byte| format!("{byte:02x}")).collect();
    for json in [&[][..], &["--json"]] {
        let words = [&["decode", "--mask-secrets"], json, &["-"]].concat();
        let run = run_with_input(&words, hex.as_bytes());
        let text = run.stdout;
        assert!(text.contains("wifi.password"), "{text}{}", run.stderr);
        assert!(leak(&text).is_none(), "{text}");
    }
}
