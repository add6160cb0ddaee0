//! Cases of the capture itself: files that are cut, that lie about time, or that hold what cannot be read.

use super::Variant;
use super::scene::{A, Scene, capture_file, from_device, payload, pcap};
use crate::anomaly::Code;
use crate::time::Timestamp;
use crate::tools::container::Format;
use crate::tools::synth::device::id;
use crate::tools::synth::network::Captured;

/// The header of a pcap file, and of each of its records.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// Where the link type stands in the header of a file.
const LINK_TYPE: usize = 20;

pub(super) fn file(code: Code, variant: Variant) -> Vec<u8> {
    let shows = variant == Variant::Shows;
    match code {
        Code::TruncatedFile => truncated(shows),
        Code::SnaplenCut => snaplen(shows),
        Code::ClockBackwards => clock(shows),
        Code::PacketsDropped => dropped(shows),
        Code::UnsupportedLinkType => link_type(shows),
        _ => corrupt(shows),
    }
}

/// One READ and its answer.
fn plain() -> Vec<Captured> {
    let soc = 0.298_f32.to_be_bytes();
    Scene::new(1).read(10, A, id::BATTERY_SOC).answer(60, id::BATTERY_SOC, &soc).close(200).packets()
}

/// The last record lacks its last ten bytes; or the capture ends in the middle of the session, after a whole record.
fn truncated(shows: bool) -> Vec<u8> {
    let mut packets = plain();
    if !shows {
        packets.truncate(packets.len() - 2);
    }
    let mut file = pcap(&packets);
    if shows {
        file.truncate(file.len() - 10);
    }
    file
}

/// The answer lacks its last four bytes; or only what pads short packets to 60 bytes is missing.
fn snaplen(shows: bool) -> Vec<u8> {
    let packets = plain();
    let mut file = pcap(&[]);
    for packet in &packets {
        let full = packet.data.len();
        let is_answer = from_device(packet) && !payload(packet).is_empty();
        let kept = match (shows, is_answer) {
            (true, true) => full - 4,
            (false, _) if payload(packet).is_empty() => full.min(58),
            _ => full,
        };
        let record = pcap(&[Captured { ts: packet.ts, data: packet.data[..kept].to_vec() }]);
        let mut record = record[FILE_HEADER..].to_vec();
        record[12..16].copy_from_slice(&u32::try_from(full).unwrap_or(0).to_le_bytes());
        file.extend(record);
    }
    file
}

/// From the answer on the clock stands ten seconds earlier; or two packets have the same time.
fn clock(shows: bool) -> Vec<u8> {
    let mut packets = plain();
    let answer = packets.iter().position(|packet| from_device(packet) && !payload(packet).is_empty()).unwrap_or(0);
    if shows {
        for packet in &mut packets[answer..] {
            packet.ts = Timestamp::from_nanos(packet.ts.nanos() - 10_000_000_000);
        }
    } else {
        packets[answer].ts = packets[answer - 1].ts;
    }
    pcap(&packets)
}

/// pcapng with a statistics block that counts five dropped packets; or none.
fn dropped(shows: bool) -> Vec<u8> {
    let mut file = capture_file(&plain(), Format::Pcapng);
    let count: u64 = if shows { 5 } else { 0 };
    let mut body = Vec::new();
    // Interface 0, time stamp, option 5 (isb_ifdrop) of eight bytes, end of options.
    body.extend([0; 12]);
    body.extend([5, 0, 8, 0]);
    body.extend(count.to_le_bytes());
    body.extend([0; 4]);
    let total = u32::try_from(body.len() + 12).unwrap_or(0).to_le_bytes();
    file.extend(5_u32.to_le_bytes());
    file.extend(total);
    file.extend(body);
    file.extend(total);
    file
}

/// USB, which nothing is known of; or IP without a link layer, which is rare and read.
fn link_type(shows: bool) -> Vec<u8> {
    let mut packets = plain();
    if !shows {
        for packet in &mut packets {
            packet.data.drain(..14);
        }
    }
    let mut file = pcap(&packets);
    let link_type: u32 = if shows { 189 } else { 101 };
    file[LINK_TYPE..LINK_TYPE + 4].copy_from_slice(&link_type.to_le_bytes());
    file
}

/// A record claims two billion bytes; or none at all, which is odd and allowed.
fn corrupt(shows: bool) -> Vec<u8> {
    let packets = plain();
    let mut file = pcap(&packets);
    let mut record = vec![0; RECORD_HEADER];
    // The time of the record before it, so that the clock is no matter.
    let last = FILE_HEADER + packets.iter().rev().skip(1).map(|p| p.data.len() + RECORD_HEADER).sum::<usize>();
    record[..8].copy_from_slice(&file[last..last + 8]);
    if shows {
        record[8..].fill(0x7f);
    }
    file.splice(last..last, record);
    file
}
