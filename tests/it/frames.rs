//! Every frame that was ever published, against what others read in it.
//!
//! The last column of `fixtures/public_frames.csv` is how a plain parser reads the row, in words. The framer's items are
//! put into the same words here and must be the same, the frames whose length field lies included (`len 488/16`:
//! declared 488, real 16).

use rctscope::rct::registry::Registry;
use rctscope::rct::{Frame, Framer, Item, NonFrameKind, StreamEnd};
use std::fmt::Write as _;

const FRAMES: &str = include_str!("../../fixtures/public_frames.csv");

/// Bytes of a payload that the last column shows.
const SHOWN: usize = 12;

/// Rows that are no frames. The plain parser has no names for them: it calls them "short" or "outside", and takes
/// the noise of the bridge for a frame with command `f8` and a wrong CRC. The framer knows what they are.
const NON_FRAMES: &[(&str, NonFrameKind)] = &[
    ("2b3ce1", NonFrameKind::ProtocolSwitch),
    ("41542b0d", NonFrameKind::KeepAlive),
    ("2b2b2b0d2b2b2bf8781e78fe781e78fe781ef89e869e869e86e9", NonFrameKind::BridgeNoise),
    ("50f705ab", NonFrameKind::Bootloader),
];

const BOOTLOADER: [u8; 4] = [0x50, 0xf7, 0x05, 0xab];

pub(crate) struct Row {
    pub(crate) direction: String,
    pub(crate) hex: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) decode: String,
}

pub(crate) fn rows() -> Vec<Row> {
    let rows: Vec<_> = FRAMES
        .lines()
        .skip(1)
        .map(|line| {
            let fields = fields(line);
            assert_eq!(fields.len(), 5, "{line}");
            let [direction, hex, source, kind, decode] = [0, 1, 2, 3, 4].map(|at| fields[at].clone());
            Row { direction, hex, source, kind, decode }
        })
        .collect();
    assert!(rows.len() > 20, "the whole file");
    rows
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted, mut characters) = (vec![String::new()], false, line.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => fields.last_mut().expect("one").push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("one").push(other),
        }
    }
    fields
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// The items of a stream in the words of the last column.
fn read(stream: &[u8], chunk: usize) -> Vec<String> {
    let (mut framer, mut found) = (Framer::new(), Vec::new());
    for bytes in stream.chunks(chunk) {
        framer.push(bytes);
        while let Some(item) = framer.next_item() {
            found.push(words(&item));
        }
    }
    framer.finish(StreamEnd::Closed);
    while let Some(item) = framer.next_item() {
        found.push(words(&item));
    }
    found
}

fn words(item: &Item<'_>) -> String {
    match item {
        Item::Separator { .. } => "outside frame: 00".to_owned(),
        Item::NonFrame(bytes) => format!("{} {}", bytes.kind.name(), hex(bytes.raw)),
        Item::Frame(frame) => frame_in_words(frame),
    }
}

fn frame_in_words(frame: &Frame<'_>) -> String {
    let command = frame.command.0;
    if !frame.crc_ok() {
        let Some(read) = frame.crc_read else { return format!("cmd {command:02x} {}", frame.status.name()) };
        return format!("cmd {command:02x} CRC BAD (calc {:04x}, got {read:04x})", frame.crc_computed);
    }
    let name = Registry::builtin().get(frame.object_id).map_or("?", |object| &object.name);
    format!(
        "cmd {command:02x} oid {:08X} {name} len {}/{} data {} CRC ok",
        frame.object_id.0,
        frame.declared_length,
        frame.real_length,
        hex(&frame.payload[..frame.payload.len().min(SHOWN)]),
    )
}

fn lies(words: &str) -> bool {
    ["len 16/32", "len 8/24", "len 488/16", "len 488/8"].iter().any(|lie| words.contains(lie))
}

#[test]
fn every_published_frame_reads_as_others_read_it() {
    let mut seen = 0;
    for Row { hex, decode, .. } in rows() {
        let expected = match NON_FRAMES.iter().find(|(row, _)| *row == hex) {
            Some((_, kind)) => format!("{} {hex}", kind.name()),
            None => decode,
        };
        seen += usize::from(NON_FRAMES.iter().any(|(row, _)| *row == hex));
        for chunk in [usize::MAX, 1, 3] {
            assert_eq!(read(&bytes(&hex), chunk).join("; "), expected, "{hex} in pieces of {chunk}");
        }
    }
    assert_eq!(seen, NON_FRAMES.len(), "every row that is no frame");
}

/// Nothing that stands before or behind a published frame makes it disappear, or spoils it. One exception: a frame
/// whose length lies is measured up to the next start byte, so that what begins with another byte, and stands right
/// behind without a separator, is taken for a part of it.
#[test]
fn published_frames_in_one_stream_are_read_as_they_are_alone() {
    let rows: Vec<_> = rows().iter().map(|row| bytes(&row.hex)).collect();
    let frames = |items: Vec<String>| items.into_iter().filter(|item| item.ends_with("CRC ok")).collect::<Vec<_>>();
    for first in &rows {
        for second in &rows {
            if lies(&read(first, usize::MAX)[0]) && *second == BOOTLOADER {
                continue;
            }
            let expected = frames([read(first, usize::MAX), read(second, usize::MAX)].concat());
            let together = frames(read(&[&first[..], second].concat(), usize::MAX));
            assert_eq!(together, expected, "{} {}", hex(first), hex(second));
        }
    }
}
