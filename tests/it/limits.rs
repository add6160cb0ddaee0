//! Bounds that only a whole capture reaches: what is beyond one is told. The others are held where they live (`capture`,
//! `net`, `tcp`, `rct`), and in `fixtures/anomalies/tcp.limit.pcap`.

use crate::film::{Film, analyze, analyze_file, analyze_file_with};
use rctscope::analyzer::{Collector, Options};
use rctscope::anomaly::{Code, Severity};
use rctscope::capture::Reader;
use rctscope::limits;
use rctscope::line::{Exchange, ExchangeStatus};
use rctscope::object::ObjectId;
use rctscope::rct::{Command, encode};
use rctscope::tools::synth::{Hostile, hostile};
use std::io::Cursor;

/// More requests open than are kept: the oldest are told as they stand, and none is lost.
#[test]
fn beyond_the_open_requests_the_oldest_are_told_as_open() {
    let mut film = Film::new(1);
    let beyond = 50;
    let count = limits::OPEN_REQUESTS + beyond;
    for n in 0..count {
        let id = ObjectId(u32::try_from(n).expect("few") << 8 | 1);
        film.request(1_000 + u64::try_from(n).expect("few") / 10, 0, Command::READ, id, &[]);
    }
    film.tick(20_000, 0);
    let observed = analyze(&film);
    assert_eq!(observed.exchanges.len(), count);
    let open = |status| observed.exchanges.iter().filter(|exchange| exchange.status == status).count();
    assert_eq!((open(ExchangeStatus::Open), open(ExchangeStatus::Unanswered)), (beyond, limits::OPEN_REQUESTS));
    assert!(observed.exchanges[..beyond].iter().all(|exchange| exchange.status == ExchangeStatus::Open));
}

/// More long answers to remember than there is room for: what comes later is told from them all the same, but what they said
/// is not known any more.
#[test]
fn a_long_answer_beyond_the_bound_is_known_by_its_length_and_hash() {
    let schedule = ObjectId(0x011f_41db);
    let [first, other] = [b'a', b'b'].map(|letter| vec![letter; 60_000]);
    let told = |others: usize, second: &[u8]| {
        let mut film = Film::new(1);
        film.request(1_000, 0, Command::READ, schedule, &[]);
        film.response(1_100, 0, Command::LONG_RESPONSE, schedule, &first);
        film.response(1_200, 0, Command::LONG_RESPONSE, schedule, second);
        film.request(2_000, 0, Command::WRITE, schedule, b"none");
        film.tick(9_000, 0);
        let mut capture = Vec::new();
        hostile(Hostile::AnswerFlood, u32::try_from(others).expect("few"), &mut capture).expect("a Vec takes all");
        capture.extend(&film.file()[24..]);
        let mut told = analyze_file(&capture).anomalies;
        told.retain(|anomaly| matches!(anomaly.code, Code::DuplicateResponse | Code::SensitiveWrite));
        told
    };
    // Each takes some more than its bytes, and what is left in the end is not enough for one more.
    let room = limits::REMEMBERED_BYTES_TOTAL / 60_000;
    for (others, old) in [(0, "\"aaa"), (room - 10, "\"aaa"), (room, "60000 bytes; ")] {
        let (same, differs) = (told(others, &first), told(others, &other));
        assert_eq!((same.len(), differs.len()), (1, 2), "beside {others} others");
        assert_eq!((same[0].code, differs[0].code), (Code::SensitiveWrite, Code::DuplicateResponse));
        assert!(same[0].message.contains(&format!("in place of {old}")), "beside {others} others: {}", same[0].message);
    }
}

/// More long requests open than there is room for: the oldest are told as they stand, and none is lost.
#[test]
fn beyond_the_bytes_of_open_requests_the_oldest_are_told_as_open() {
    let mut film = Film::new(1);
    let written = vec![0x55; 60_000];
    let count = limits::OPEN_REQUEST_BYTES_TOTAL / written.len() + 7;
    for n in 0..count {
        let id = ObjectId(u32::try_from(n).expect("few") << 8 | 1);
        film.request(1_000 + u64::try_from(n).expect("few"), 0, Command::LONG_WRITE, id, &written);
    }
    film.tick(20_000, 0);
    let observed = analyze(&film);
    assert_eq!(observed.exchanges.len(), count);
    let is_open = |exchange: &Exchange| exchange.status == ExchangeStatus::Open;
    let (beyond, kept) = observed.exchanges.split_at(observed.exchanges.iter().filter(|told| is_open(told)).count());
    assert!(beyond.iter().all(is_open) && !kept.iter().any(is_open), "the oldest are open");
    let size = |exchange: &Exchange| exchange.lead().payload.len() + exchange.lead().raw.len();
    let bytes: usize = kept.iter().map(size).sum();
    assert!(bytes <= limits::OPEN_REQUEST_BYTES_TOTAL);
    assert!(bytes + size(&beyond[0]) > limits::OPEN_REQUEST_BYTES_TOTAL, "no more than had to be");
}

/// What a file tells of itself, and how many packets come out of it.
fn read(file: Vec<u8>) -> Result<(u64, Vec<(Code, String)>), String> {
    let mut reader = Reader::new(Box::new(Cursor::new(file))).map_err(|error| error.to_string())?;
    let mut count = 0;
    while let Some(_packet) = reader.next_packet().map_err(|error| error.to_string())? {
        count += 1;
    }
    Ok((count, reader.take_notices().into_iter().map(|notice| (notice.code(), notice.message)).collect()))
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).expect("small").to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

#[test]
fn packets_of_interfaces_beyond_the_bound_are_counted() {
    let mut file = block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    for _ in 0..=limits::INTERFACES {
        file.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
    }
    for interface in [0, limits::INTERFACES - 1, limits::INTERFACES] {
        let interface = u32::try_from(interface).expect("small").to_le_bytes();
        file.extend(block(6, &[&interface[..], &[0; 8], &[4, 0, 0, 0, 4, 0, 0, 0], &[0; 4]].concat()));
    }
    let (count, notices) = read(file).expect("a capture");
    assert_eq!(count, 2);
    assert!(notices.iter().any(|(code, _)| *code == Code::CorruptRecord), "{notices:?}");
}

/// Packed data that wants 256 MiB to be unpacked does not get it.
#[test]
fn a_window_beyond_the_bound_is_refused() {
    // A frame without a checksum, a window of 2^28 bytes, and a last block of 24 raw bytes: a pcap header.
    let mut file = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 24 << 3 | 1, 0, 0];
    file.extend([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let refused = read(file.clone());
    let told = refused.as_ref().err().is_some()
        || refused.as_ref().is_ok_and(|(_, notices)| notices.iter().any(|(code, _)| *code == Code::CorruptRecord));
    assert!(told, "{refused:?}");
    file[5] = 10 << 3;
    assert_eq!(read(file), Ok((0, Vec::new())), "a window of 1 MiB is fine");
}

/// More unfinished frames than there is room for: those that are too long are given up and told, with nobody to blame.
#[test]
fn unfinished_frames_beyond_the_bound_are_given_up() {
    // Each holds 44 segments and the beginning of a frame.
    let room = limits::UNFINISHED_BYTES_TOTAL / (44 * 1_460 + 4 + 45 * limits::UNFINISHED_PIECE_OVERHEAD);
    let connections = room + 10;
    let mut file = Vec::new();
    let count = u32::try_from(connections).expect("few");
    hostile(Hostile::HeldFrames, count, &mut file).expect("a Vec takes all");
    let observed = analyze_file(&file);
    let limits = observed.anomalies.iter().filter(|anomaly| anomaly.code == Code::Limit).count();
    assert_eq!(limits, connections - room);
    let blamed = observed.anomalies.iter().find(|anomaly| anomaly.code.severity() == Severity::Error);
    assert_eq!(blamed.filter(|anomaly| anomaly.code != Code::Truncated), None);
}

/// More found on connections of an unknown protocol than there is room for: whoever brings more is taken for another one, but
/// whoever begins with a right frame is not.
#[test]
fn a_connection_that_adds_to_too_much_of_an_unknown_protocol_is_not_followed() {
    let switches = [0x2b, 0x3c, 0xe1].repeat(250);
    let mut film = Film::new(2);
    film.client_says(1_000, 0, &switches);
    for connection in [0, 1] {
        film.request(2_000, connection, Command::READ, ObjectId(0x9599_30bf), &[]);
    }
    let room = limits::UNPROVEN_BYTES_TOTAL / (250 * (limits::UNPROVEN_ITEM_OVERHEAD + 3));
    for (others, followed) in [(0, 2), (room - 1, 2), (room, 1), (room + 10, 1)] {
        let mut capture = Vec::new();
        hostile(Hostile::UnprovenFlood, u32::try_from(others).expect("few"), &mut capture).expect("a Vec takes all");
        capture.extend(&film.file()[24..]);
        let observed = analyze_file_with(&capture, Options { ports: vec![1], ..Options::default() });
        assert_eq!(observed.exchanges.len(), followed, "after {others} others");
    }
}

/// An answer cut right behind an escape byte, a whole one there, and then a byte of neither every four seconds: nothing shows
/// where the cut one ends, and its sender is never silent for long. The whole one was told when its connection ended.
#[test]
fn a_right_frame_inside_one_that_goes_on_and_on_is_told_in_time() {
    let mut film = Film::new(2);
    let (hidden, polled) = (ObjectId(0x9161_7c58), ObjectId(0x9599_30bf));
    let cut = b"\x2b\x06\x7a\x14\x52\x93\xb6\x68\x18\x40\xa2\xfc\x6b\x00\x00\x2d";
    let mut right = Vec::new();
    encode::frame(&mut right, Command::RESPONSE, None, hidden, &[0x43, 0xc6, 0, 0]);
    film.device_says(1_000, 1, &[&cut[..], &right].concat());
    for second in 2..60 {
        film.request(second * 1_000, 0, Command::READ, polled, &[]);
        film.response(second * 1_000 + 200, 0, Command::RESPONSE, polled, &[0x3f, 0, 0, 0]);
        if second % 4 == 0 {
            film.device_says(second * 1_000 + 400, 1, b"\x55");
        }
    }
    let observed = analyze(&film);
    let told = observed.exchanges.iter().position(|exchange| exchange.lead().object_id == hidden).expect("is told");
    let at = observed.exchanges[told].lead().clock;
    let before = observed.exchanges[..told].iter().map(|exchange| exchange.lead().clock).max().expect("some");
    assert!(before.since(at) <= limits::FRAME_PATIENCE, "{:?}", before.since(at));
}

/// Two requests for one object and three answers, each copied to another connection. Which connections get copies becomes
/// known with the first copy, in between: the first answer was lost, and the others went to the wrong requests.
#[test]
fn an_answer_more_than_was_asked_for_is_told() {
    let soc = ObjectId(0x9599_30bf);
    let mut film = Film::new(2);
    let values = [0.5_f32, 0.51, 0.52].map(f32::to_be_bytes);
    film.request(1_000, 0, Command::READ, soc, &[]);
    film.request(1_000, 0, Command::READ, soc, &[]);
    for (value, at) in values.iter().zip([1_050, 1_100, 1_150]) {
        film.response(at, 0, Command::RESPONSE, soc, value);
        film.response(at, 1, Command::RESPONSE, soc, value);
    }
    film.tick(9_000, 0);
    let observed = analyze(&film);
    let told: Vec<_> = observed
        .exchanges
        .iter()
        .filter_map(|exchange| Some((exchange.request.is_some(), exchange.response.as_ref()?.frame.payload.to_vec())))
        .collect();
    assert_eq!(told, [(true, values[0].to_vec()), (true, values[1].to_vec()), (false, values[2].to_vec())]);
    assert!(!observed.anomalies.is_empty(), "something is wrong there");
}

/// How many steps a capture comes to, and how many of them come at once at most.
fn steps_of(file: Vec<u8>) -> (usize, usize) {
    let mut reader = Reader::new(Box::new(Cursor::new(file))).expect("a capture");
    let mut collector = Collector::new(Options::default());
    let (mut steps, mut most) = (0, 0);
    let mut take = |collector: &mut Collector| {
        loop {
            most = most.max(collector.steps().len());
            steps += collector.steps().drain(..).count();
            if !collector.resume() {
                break;
            }
        }
    };
    while let Some(packet) = reader.next_packet().expect("readable") {
        collector.packet(&packet);
        take(&mut collector);
    }
    collector.finish(true);
    take(&mut collector);
    (steps, most)
}

/// What the end of a capture brings at once is handed out a part at a time, and is all there.
#[test]
fn very_much_at_the_end_is_handed_out_in_parts() {
    let mut file = Vec::new();
    hostile(Hostile::StubFlood, 200_000, &mut file).expect("a Vec takes all");
    let (steps, most) = steps_of(file);
    assert!(steps > 90_000 && most < 2 * limits::STEPS_AT_ONCE, "{steps} steps, {most} at once");
}

/// A packet of a megabyte came to all its steps at once.
#[test]
fn a_packet_too_long_is_handed_out_in_parts() {
    let mut file = Vec::new();
    hostile(Hostile::LongPackets, 1_000_000, &mut file).expect("a Vec takes all");
    let (steps, most) = steps_of(file);
    assert!(steps > 490_000 && most < limits::STEPS_AT_ONCE + limits::CHUNK_BYTES, "{steps} steps, {most} at once");
}
