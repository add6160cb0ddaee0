//! Sessions of several made files.

use super::super::testing::*;
use super::*;
use proptest::prelude::*;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A pcap of one packet for each time in seconds, its bytes naming file and place.
fn pcap(name: u8, seconds: &[u32]) -> Vec<u8> {
    let mut file = pcap_header(Little, MICROS, 1);
    for (place, second) in (0u8..).zip(seconds) {
        file.extend(pcap_record(Little, *second, 0, &[name, place]));
    }
    file
}

fn source(name: &str, bytes: Vec<u8>) -> Source {
    Source { name: name.to_owned(), open: Box::new(move || Ok(Box::new(Cursor::new(bytes.clone())))), reopenable: true }
}

fn pipe(name: &str, bytes: Vec<u8>) -> Source {
    let mut once = Some(bytes);
    let open = Box::new(move || match once.take() {
        Some(bytes) => Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>),
        None => Err(io::Error::other("opened twice")),
    });
    Source { name: name.to_owned(), open, reopenable: false }
}

fn packets(session: &mut Session) -> Vec<Owned> {
    let mut packets = Vec::new();
    while let Some(packet) = session.next_packet() {
        packets.push(Owned::from(packet));
    }
    packets
}

fn data(packets: &[Owned]) -> Vec<[u8; 2]> {
    packets.iter().map(|packet| [packet.data[0], packet.data[1]]).collect()
}

#[test]
fn files_come_in_the_order_of_their_times() {
    let files = [pcap(0, &[30, 31]), pcap(1, &[10, 12]), pcap(2, &[20])];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut session = Session::new(order.map(|n: usize| source(&n.to_string(), files[n].clone())).into());
        let got = packets(&mut session);
        assert_eq!(data(&got), [[1, 0], [1, 1], [2, 0], [0, 0], [0, 1]]);
        assert_eq!(got.iter().map(|packet| packet.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(got.iter().map(|packet| packet.interface).collect::<Vec<_>>(), [0, 0, 1, 2, 2]);
        let spans: Vec<_> = session.spans().into_iter().map(|span| (span.name, span.first.0, span.count)).collect();
        assert_eq!(spans, [("1".to_owned(), 1, 2), ("2".to_owned(), 3, 1), ("0".to_owned(), 4, 2)]);
        assert!(session.complete() && session.take_errors().is_empty());
    }
}

#[test]
fn overlapping_files_are_merged_and_every_packet_is_found_again() {
    let sources = vec![source("a", pcap(0, &[10, 20, 30, 25, 40])), pipe("b", pcap(1, &[15, 20, 26, 50]))];
    let mut session = Session::new(sources);
    let got = packets(&mut session);
    // The step back within the first file stays where it is.
    let expected = [[0, 0], [1, 0], [0, 1], [1, 1], [1, 2], [0, 2], [0, 3], [0, 4], [1, 3]];
    assert_eq!(data(&got), expected);
    for (packet, [source, place]) in got.iter().zip(expected) {
        let number = PacketNumber(u64::from(place) + 1);
        let location = Location { source: usize::from(source), number };
        assert_eq!(session.locate(PacketNumber(packet.number)), Some(location));
    }
    assert_eq!(session.locate(PacketNumber(0)), None);
    assert_eq!(session.locate(PacketNumber(10)), None);
    let notices = session.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].source, notices[0].packet), (0, Some(PacketNumber(7))));
}

#[test]
fn packets_of_one_time_come_in_the_order_of_their_files() {
    let (early, late) = (pcap(0, &[10, 20, 20]), pcap(1, &[20, 21]));
    for reversed in [false, true] {
        let mut sources = vec![source("early", early.clone()), source("late", late.clone())];
        if reversed {
            sources.reverse();
        }
        assert_eq!(data(&packets(&mut Session::new(sources))), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]);
    }
}

#[test]
fn files_that_together_need_too_much_to_be_unpacked_are_read_as_far_as_there_is_room() {
    // A zstd frame that asks for a window of 128 MiB, and holds its bytes as they are.
    let packed = |plain: Vec<u8>| {
        let block = u32::try_from(plain.len()).unwrap() << 3 | 1;
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3], &block.to_le_bytes()[..3], &plain[..]].concat()
    };
    let mut sources: Vec<_> = (0..5).map(|name| source("packed", packed(pcap(name, &[10, 20])))).collect();
    sources.push(source("plain", pcap(5, &[15])));
    sources.push(source("later", packed(pcap(6, &[30]))));
    let mut session = Session::new(sources);
    let names: Vec<u8> = data(&packets(&mut session)).into_iter().map(|[name, _]| name).collect();
    assert_eq!(names, [0, 1, 2, 3, 5, 0, 1, 2, 3, 6]);
    let errors = session.take_errors();
    assert_eq!(errors.iter().map(|error| error.source).collect::<Vec<_>>(), [4]);
    assert_eq!(
        errors[0].to_string(),
        "packed: unpacking zstd needs 128 MiB of memory, and files read at the same time leave less of 512 MiB"
    );
    assert!(errors[0].error.hint().is_some() && !session.complete());
}

#[test]
fn sources_that_cannot_be_read_leave_the_others_alone() {
    let missing = || Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
    let sources = vec![
        source("text", b"just some text".to_vec()),
        Source { name: "missing".to_owned(), open: Box::new(missing), reopenable: true },
        source("empty", pcap(3, &[])),
        source("cut", pcap(4, &[1, 2])[..50].to_vec()),
        source("good", pcap(5, &[1, 2])),
    ];
    let mut session = Session::new(sources);
    assert_eq!(data(&packets(&mut session)), [[4, 0], [5, 0], [5, 1]]);
    let errors: Vec<String> = session.take_errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors, ["text: not a capture file (starts with \"just som\", text)", "missing: no such file"]);
    let notices = session.take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].source, notices[0].packet), (3, Some(PacketNumber(1))));
    let reports: Vec<_> =
        session.files().map(|file| (file.format.is_some(), file.packet_count, file.complete)).collect();
    assert_eq!(reports, [(false, 0, true), (false, 0, false), (true, 0, true), (true, 1, false), (true, 2, true)]);
    assert!(!session.complete());
    assert!(session.next_packet().is_none());
}

#[test]
fn one_source_is_opened_once_and_only_when_asked() {
    let mut session = Session::new(vec![pipe("-", pcap(0, &[5, 4]))]);
    assert_eq!(session.bytes_read(), 0);
    assert_eq!(data(&packets(&mut session)), [[0, 0], [0, 1]]);
    assert_eq!(session.bytes_read(), 24 + 2 * 18);
    assert!(session.take_errors().is_empty());
    assert!(Session::new(Vec::new()).next_packet().is_none());
}

/// Counts how many of its kind are open.
struct Counted(Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_rotated_set_has_one_file_open() {
    let open = Arc::new(AtomicUsize::new(0));
    let sources = (0..50u32).rev().map(|n| {
        let (bytes, open) = (pcap(0, &[n * 10, n * 10 + 9]), Arc::clone(&open));
        let counted = move || {
            open.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Counted(Cursor::new(bytes.clone()), Arc::clone(&open))) as Box<dyn Read + Send>)
        };
        Source { name: n.to_string(), open: Box::new(counted), reopenable: true }
    });
    let mut session = Session::new(sources.collect());
    let mut count = 0;
    while session.next_packet().is_some() {
        count += 1;
        assert_eq!(open.load(Ordering::Relaxed), 1);
    }
    assert_eq!((count, open.load(Ordering::Relaxed)), (100, 0));
    assert!(session.locate(PacketNumber(100)).is_some());
}

proptest! {
    /// Sorted files merge into one sorted stream that has all packets, each where `locate` says.
    #[test]
    fn merging_loses_nothing(files in prop::collection::vec(prop::collection::vec(0..60u32, 0..12), 0..6)) {
        let sorted = files.iter().map(|times| {
            let mut times = times.clone();
            times.sort_unstable();
            times
        });
        let sources = (0u8..).zip(sorted).map(|(name, times)| source("", pcap(name, &times)));
        let mut session = Session::new(sources.collect());
        let got = packets(&mut session);
        prop_assert!(got.is_sorted_by_key(|packet| packet.nanos));
        prop_assert_eq!(got.len(), files.iter().map(Vec::len).sum::<usize>());
        let spans = session.spans();
        prop_assert_eq!(spans.iter().map(|span| span.count).sum::<u64>(), u64::try_from(got.len()).unwrap());
        for packet in &got {
            let location = session.locate(PacketNumber(packet.number)).unwrap();
            let expected = (usize::from(packet.data[0]), u64::from(packet.data[1]) + 1);
            prop_assert_eq!((location.source, location.number.0), expected);
        }
        prop_assert!(session.complete());
    }
}
