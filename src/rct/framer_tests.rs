//! The framer's invariants, held against random streams, and every shape of frame and non-frame that is known.

use super::*;
use crate::limits::FRAME_BYTES;
use crate::object::ObjectId;
use crate::rct::command::Command;
use crate::rct::encode;
use crate::rct::{Frame, FrameStatus};
use proptest::prelude::*;

/// An item without its borrow, to be compared.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    offset: u64,
    length: u64,
    what: String,
}

fn see(item: Item<'_>) -> Seen {
    match item {
        Item::Separator { offset } => Seen { offset, length: 1, what: "separator".into() },
        Item::NonFrame(item) => {
            Seen { offset: item.offset, length: item.length, what: format!("{} {:02x?}", item.kind.name(), item.raw) }
        }
        Item::Frame(frame) => Seen {
            offset: frame.offset,
            length: frame.raw.len() as u64,
            what: format!(
                "{} {} {} {:?} {:02x?}",
                frame.status.name(),
                frame.command,
                frame.object_id,
                frame.escaping,
                frame.payload
            ),
        },
    }
}

fn drain(framer: &mut Framer, seen: &mut Vec<Seen>) {
    while let Some(item) = framer.next_item() {
        seen.push(see(item));
    }
}

fn run<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let (mut framer, mut seen) = (Framer::new(), Vec::new());
    for chunk in chunks {
        framer.push(chunk);
        drain(&mut framer, &mut seen);
    }
    framer.finish(StreamEnd::Closed);
    drain(&mut framer, &mut seen);
    assert_eq!(framer.held(), 0);
    seen
}

/// The same, each item in full and lent from where it was pushed, or else all of them from the framer's own buffer.
/// Separators are left out.
fn run_in_full(chunks: &[Vec<u8>], gap_behind: Option<usize>, in_place: bool) -> Vec<String> {
    let (mut framer, mut seen) = (Framer::midstream(), Vec::new());
    let mut see = |item: &Item<'_>| {
        if !matches!(item, Item::Separator { .. }) {
            seen.push(format!("{item:02x?}"));
        }
    };
    for (at, chunk) in chunks.iter().enumerate() {
        if in_place {
            let mut items = framer.items(chunk);
            loop {
                while let Some(frame) = items.next_whole().map(Frame::from) {
                    see(&Item::Frame(frame));
                }
                let Some(item) = items.next() else { break };
                see(&item);
            }
        } else {
            framer.push(chunk);
        }
        if gap_behind == Some(at) {
            framer.gap(7);
        }
        while let Some(item) = framer.next_item() {
            see(&item);
        }
    }
    framer.finish(StreamEnd::Unseen);
    while let Some(item) = framer.next_item() {
        see(&item);
    }
    seen
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex"))
        .collect()
}

/// `what` of the items over `stream`, separators left out; the same for the stream whole and byte by byte.
fn check(stream: &str, expected: &[&str]) {
    let stream = hex(stream);
    let whole = run([&stream[..]]);
    assert_eq!(whole, run(stream.chunks(1)), "byte by byte");
    let found: Vec<&str> = whole
        .iter()
        .filter(|item| item.what != "separator")
        .map(|item| item.what.split(" [").next().expect("a word"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn whole_frames_with_and_without_separator() {
    check(
        "2b0104959930bf0d65 002b0508959930bf3e97b1919c86",
        &["ok READ 0x959930BF Full", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn escapes_in_the_object_id_are_not_counted() {
    check("2b0104db2d2d69ae55ab", &["ok READ 0xDB2D69AE Full"]);
}

#[test]
fn a_crc_sent_raw() {
    check("2b0104682cdda12bb0 2b0104959930bf0d65", &["ok READ 0x682CDDA1 RawCrc", "ok READ 0x959930BF Full"]);
}

#[test]
fn a_client_that_escapes_nothing() {
    check("2b0104db2d69ae55ab 2b0104959930bf0d65", &["ok READ 0xDB2D69AE None", "ok READ 0x959930BF Full"]);
}

#[test]
fn a_length_16_too_small_and_one_472_too_large() {
    check(
        "2b0600089247db996ac0a9826ac02d2bb83e5697096ac02a8c4211c0fbb86b",
        &["length_lie LONG_RESPONSE 0x9247DB99 Full"],
    );
    check(
        "2b0601e8cbdad3156ac0a7046ac02960000000043aa8 002b0508959930bf3e97b1919c86",
        &["length_lie LONG_RESPONSE 0xCBDAD315 Full", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn a_wrong_crc_costs_only_its_own_frame() {
    check(
        "2b0508959930bf3e97b1919c87 002b0508959930bf3e97b1919c86",
        &["crc_mismatch RESPONSE 0x959930BF Full", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn a_frame_cut_by_the_next_one() {
    check(
        "2b0508959930bf3e97 002b0508959930bf3e97b1919c86",
        &["truncated RESPONSE 0x959930BF Full", "ok RESPONSE 0x959930BF Full"],
    );
    check("2b05089599 002b0508959930bf3e97b1919c86", &["junk", "ok RESPONSE 0x959930BF Full"]);
}

#[test]
fn a_frame_cut_behind_an_escape_byte() {
    check(
        "2b0508959930bf2d2b0508959930bf3e97b1919c86",
        &["truncated RESPONSE 0x959930BF Full", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn another_clients_request_inside_a_payload_stays_inside() {
    check(
        "2b0524ebc62737505320362e302d2b0104959930bf0d65000000000000000000000000000000000083a0 002b0508959930bf3e97b1919c86",
        &["crc_mismatch RESPONSE 0xEBC62737 Full", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn known_non_frames() {
    check("41542b0d 2b0104959930bf0d65", &["keep_alive", "ok READ 0x959930BF Full"]);
    check("2b3ce12b0104959930bf0d65", &["protocol_switch", "ok READ 0x959930BF Full"]);
    check("50f705ab50f705ab", &["bootloader", "bootloader"]);
    check("2b2b2b0d2b2b2bf8 002b0508959930bf3e97b1919c86", &["bridge_noise", "ok RESPONSE 0x959930BF Full"]);
    check("2b2b2b0d2b2b2bf8781e78fe781e78fe781ef89e869e869e86e9", &["bridge_noise"]);
    check("2b2b0508959930bf3e97b1919c86", &["junk", "ok RESPONSE 0x959930BF Full"]);
    check("5060e7ca24e54960024b 002b0508959930bf3e97b1919c86", &["junk", "ok RESPONSE 0x959930BF Full"]);
}

#[test]
fn a_keep_alive_behind_a_cut_frame() {
    check("2b0104959930 41542b0d 2b0104959930bf0d65", &["junk", "keep_alive", "ok READ 0x959930BF Full"]);
}

#[test]
fn a_remainder_is_the_end_of_an_earlier_frame() {
    check(
        "2b0508959930bf3e97b1919c86 b1919c86 002b0508959930bf3e97b1919c86",
        &["ok RESPONSE 0x959930BF Full", "remainder", "ok RESPONSE 0x959930BF Full"],
    );
}

#[test]
fn what_the_capture_cut_is_nobodys_fault() {
    let mut framer = Framer::new();
    framer.push(&hex("2b0508959930bf3e"));
    framer.gap(5);
    let mut incomplete = Vec::new();
    let mut collect = |framer: &mut Framer| {
        while let Some(item) = framer.next_item() {
            incomplete.push(match item {
                Item::Frame(frame) => (frame.offset, frame.capture_incomplete),
                Item::NonFrame(item) => (item.offset, item.capture_incomplete),
                Item::Separator { offset } => (offset, false),
            });
        }
    };
    collect(&mut framer);
    framer.push(&hex("aabb 2b0508959930bf3e97b1919c86 aabb 2b0508959930bf3e97b1919c86"));
    collect(&mut framer);
    assert_eq!(incomplete, [(0, true), (8, true), (13, true), (15, false), (28, false), (30, false)]);
}

#[test]
fn silence_settles_a_length_that_is_too_large() {
    let mut framer = Framer::new();
    framer.push(&hex("2b0601e8cbdad3156ac0a7046ac02960000000043aa8"));
    assert_eq!(framer.next_item(), None);
    framer.settle(Silence::Pause);
    assert!(matches!(framer.next_item(), Some(Item::Frame(frame)) if frame.status == FrameStatus::LengthLie));
}

#[test]
fn silence_does_not_cut_a_frame_that_is_only_slow() {
    let mut framer = Framer::new();
    framer.push(&hex("2b0508959930bf3e97"));
    framer.settle(Silence::Pause);
    assert_eq!(framer.next_item(), None);
    framer.settle(Silence::Long);
    assert_eq!(framer.next_item(), None);
    framer.push(&hex("b1919c86"));
    assert!(matches!(framer.next_item(), Some(Item::Frame(frame)) if frame.status == FrameStatus::Ok));
}

/// An answer cut right behind an escape byte, and a whole one there: it was held for as long as nobody sent a start byte.
#[test]
fn long_silence_ends_a_cut_frame_that_a_right_one_stands_in() {
    let mut framer = Framer::new();
    framer.push(&hex("2b037a145293b6681840a2fc6b00002d 2b010491617c58480f cdba"));
    framer.settle(Silence::Pause);
    assert_eq!(framer.next_item(), None, "the rest may still come");
    framer.settle(Silence::Long);
    let mut seen = Vec::new();
    drain(&mut framer, &mut seen);
    let what: Vec<_> = seen.iter().map(|item| item.what.split(' ').next().expect("a word")).collect();
    assert_eq!(what, ["truncated", "ok", "junk"]);
}

/// Megabytes of zeros were once handed out one by one, each after a look at all the others.
#[test]
fn a_flood_of_zeros_is_junk_in_large_pieces() {
    let mut framer = Framer::new();
    framer.push(&vec![0; 4 << 20]);
    framer.finish(StreamEnd::Closed);
    let mut items = 0;
    while framer.next_item().is_some() {
        items += 1;
    }
    assert!(items < 200, "{items}");
}

/// Each of a million bytes was once looked at with all 64 KiB behind it: minutes, where it is less than a second.
#[test]
fn start_bytes_without_end_are_read_once() {
    let (unknown, wrong, right) = ("2b772d", "2b050495993030 1122 2d", "2b0104959930bf0d65 2d");
    for pieces in [unknown, wrong, right] {
        let mut framer = Framer::new();
        let piece = hex(pieces);
        for _ in 0..1_000_000 / piece.len() {
            framer.push(&piece);
            while framer.next_item().is_some() {}
            assert!(framer.held() <= 3 * FRAME_BYTES);
        }
    }
}

/// The same with silence behind every byte of a frame that never ends: in all of it a right one was looked for again.
#[test]
fn silence_again_and_again_costs_no_more_than_the_bytes_between() {
    let mut framer = Framer::new();
    framer.push(&hex("2b06ffff959930bf"));
    framer.push(&hex("2d2b06700011223344").repeat(7_000));
    for _ in 0..5_000 {
        framer.push(&[0x55]);
        for silence in [Silence::Pause, Silence::Long] {
            framer.settle(silence);
            assert_eq!(framer.next_item(), None);
        }
    }
}

/// A 64 KiB lying length repeated through the whole stream costs no more than the stream is long.
#[test]
fn held_bytes_are_bounded_and_nothing_is_read_twice() {
    let mut framer = Framer::new();
    let piece = hex("2b06fff095993030 2d2b03fff0 2d2b06fff0");
    for _ in 0..40_000 {
        framer.push(&piece);
        while framer.next_item().is_some() {}
        assert!(framer.held() <= FRAME_BYTES + piece.len());
    }
    framer.push(&[0x2b, 0x06, 0xff, 0xff]);
    for _ in 0..300_000 {
        framer.push(&[0x55]);
        while framer.next_item().is_some() {}
        assert!(framer.held() <= FRAME_BYTES + 4);
    }
}

prop_compose! {
    fn valid_frame()(
        command in prop::sample::select(vec![1u8, 2, 3, 5, 6, 8, 0x41, 0x42, 0x45, 0x46]),
        object_id in prop_oneof![any::<u32>(), Just(0x9599_30bf), Just(0x2b2d_2b2d)],
        address in any::<u32>(),
        payload in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(0x2b), 1 => Just(0x2d)], 0..60),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        encode::frame(&mut out, Command(command), Some(address), ObjectId(object_id), &payload);
        out
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => valid_frame(),
        2 => valid_frame().prop_map(|mut frame| { frame.insert(0, 0); frame }),
        2 => (valid_frame(), any::<prop::sample::Index>()).prop_map(|(mut frame, at)| { let n = at.index(frame.len()); frame.truncate(n); frame }),
        2 => (valid_frame(), any::<u8>()).prop_map(|(mut frame, wrong)| { frame[2] = wrong; frame }),
        1 => (valid_frame(), any::<u8>()).prop_map(|(mut frame, wrong)| { *frame.last_mut().expect("not empty") = wrong; frame }),
        1 => valid_frame().prop_map(|frame| frame.into_iter().filter(|byte| *byte != 0x2d).collect()),
        2 => (valid_frame(), any::<prop::sample::Index>(), valid_frame()).prop_map(|(mut cut, at, frame)| {
            cut.truncate(1 + at.index(cut.len()));
            [&cut[..], &[0x2d], &frame].concat()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..30),
        1 => prop::collection::vec(prop::sample::select(vec![0x2bu8, 0x2d, 0x00, 0x0d, 0x41, 0x54, 0x50, 0xf7, 0x05, 0xab, 0x3c, 0xe1, 0x01, 0x04, 0x06]), 0..20),
        1 => Just(b"AT+\r".to_vec()),
        1 => Just(vec![0x2b, 0x3c, 0xe1]),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

fn silence() -> impl Strategy<Value = Option<Silence>> {
    prop_oneof![2 => Just(None), 1 => Just(Some(Silence::Pause)), 2 => Just(Some(Silence::Long))]
}

fn cut(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
    at.sort_unstable();
    at.windows(2).map(|pair| stream[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn items_do_not_depend_on_the_chunks(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = run([&stream[..]]);
        let chunks = cut(&stream, &cuts);
        prop_assert_eq!(&run(chunks.iter().map(Vec::as_slice)), &whole);
        prop_assert_eq!(&run(stream.chunks(1)), &whole);
    }

    #[test]
    fn items_in_place_are_those_of_the_buffer(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        gap_behind in prop::option::of(0usize..12),
    ) {
        let chunks = cut(&stream, &cuts);
        prop_assert_eq!(run_in_full(&chunks, gap_behind, true), run_in_full(&chunks, gap_behind, false));
    }

    /// The framer remembers what it has read and found in bytes that are still held; reading them again at each look is its
    /// oracle.
    #[test]
    fn items_do_not_depend_on_what_is_remembered(
        stream in stream(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), silence()), 0..30),
    ) {
        let (cuts, silences): (Vec<_>, Vec<_>) = cuts.into_iter().unzip();
        let chunks = cut(&stream, &cuts);
        let run = |forget: bool| {
            let (mut framer, mut seen) = (Framer::new(), Vec::new());
            let mut drain = |framer: &mut Framer| {
                loop {
                    if forget {
                        framer.scan.forget();
                    }
                    let Some(item) = framer.next_item() else { break };
                    seen.push(format!("{item:02x?}"));
                }
                if forget {
                    framer.shrink();
                }
                seen.push(format!("{} held", framer.held()));
            };
            for (chunk, silence) in chunks.iter().zip(silences.iter().chain([&None])) {
                framer.push(chunk);
                drain(&mut framer);
                if let Some(silence) = silence {
                    framer.settle(*silence);
                    drain(&mut framer);
                }
            }
            framer.finish(StreamEnd::Closed);
            drain(&mut framer);
            seen
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn every_byte_belongs_to_one_item(stream in stream()) {
        let mut next = 0;
        for item in run([&stream[..]]) {
            prop_assert_eq!(item.offset, next);
            prop_assert!(item.length > 0);
            next += item.length;
        }
        prop_assert_eq!(next, stream.len() as u64);
    }

    #[test]
    fn a_valid_frame_survives_any_prefix(prefix in stream(), frame in valid_frame()) {
        let alone = run([&frame[..]]);
        prop_assert_eq!(alone.len(), 1);
        // A frame cut just before the last byte of its CRC, where that byte is 2b, is completed by the next start byte:
        // nothing in the bytes tells it from a whole one.
        let completed = run([&prefix[..], &[0x2b]]);
        let is_whole = |item: &Seen| item.what.starts_with("ok") || item.what.starts_with("length_lie");
        prop_assume!(!completed.iter().any(|item| is_whole(item) && item.offset + item.length > prefix.len() as u64));
        let stream = [&prefix[..], &frame[..]].concat();
        let found = run([&stream[..]]);
        prop_assert!(
            found.iter().any(|item| item.what == alone[0].what && item.offset + item.length == stream.len() as u64),
            "{:?}", found
        );
    }

    #[test]
    fn a_complete_frame_waits_for_nothing(frames in prop::collection::vec(valid_frame(), 1..6)) {
        let mut framer = Framer::new();
        for frame in frames {
            framer.push(&frame);
            let item = framer.next_item().map(see);
            prop_assert_eq!(item.map(|item| item.length), Some(frame.len() as u64));
            prop_assert_eq!(framer.held(), 0);
        }
    }
}

/// A pause inside or right behind noise does not turn its last bytes into junk; a frame that follows is none the worse.
#[test]
fn noise_with_a_pause_in_it_is_noise_all_through() {
    for noise in ["2b2b2b", "2b2b2b0d", "2b2b2b2b2b0d0d"] {
        let (mut framer, mut seen) = (Framer::new(), Vec::new());
        for bytes in [noise, "002b0508959930bf3e97b1919c86"] {
            framer.push(&hex(bytes));
            drain(&mut framer, &mut seen);
            for silence in [Silence::Pause, Silence::Long] {
                framer.settle(silence);
                drain(&mut framer, &mut seen);
            }
        }
        let kinds: Vec<_> = seen.iter().map(|item| item.what.split(' ').next().expect("a word")).collect();
        let (last, before) = kinds.split_last().expect("items");
        assert_eq!(*last, "ok", "{noise}: {kinds:?}");
        assert!(before.iter().all(|kind| ["bridge_noise", "separator"].contains(kind)), "{noise}: {kinds:?}");
    }
}
