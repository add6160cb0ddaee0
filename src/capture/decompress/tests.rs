//! Packed captures: whole, in several members, cut, flipped.

use super::super::testing::*;
use super::super::{Compression, Reader};
use crate::anomaly::Code;
use proptest::prelude::*;
use std::io::Write;

fn pcap(count: u32) -> Vec<u8> {
    let mut file = pcap_header(Little, MICROS, 1);
    let mut state = 7u32;
    for second in 0..count {
        // Bytes that pack badly, so that a packed file has some length.
        let data: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(state >> 24).unwrap()
        })
        .take(100)
        .collect();
        file.extend(pcap_record(Little, second, 0, &data));
    }
    file
}

fn pack(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(bytes).unwrap();
            gzip.finish().unwrap()
        }
        Compression::Zstd => ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest),
        Compression::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
            let mut lz4 = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            lz4.write_all(bytes).unwrap();
            lz4.finish().unwrap()
        }
        Compression::Xz => xz(bytes),
    }
}

/// An xz stream whose only block holds its bytes as they are.
fn xz(bytes: &[u8]) -> Vec<u8> {
    let checked = |bytes: &[u8]| {
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes);
        [bytes, &crc.to_le_bytes()].concat()
    };
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let number = |mut value: usize| {
        let mut digits = Vec::new();
        while value >= 0x80 {
            digits.push(u8::try_from(value % 0x80).unwrap() | 0x80);
            value /= 0x80;
        }
        digits.push(u8::try_from(value).unwrap());
        digits
    };
    let no_check = [0, 0];
    let mut block = checked(&[2, 0, 0x21, 1, 0x10, 0, 0, 0]);
    for (n, chunk) in bytes.chunks(0x1_0000).enumerate() {
        let length = u16::try_from(chunk.len() - 1).unwrap().to_be_bytes();
        block.extend([&[if n == 0 { 1 } else { 2 }], length.as_slice(), chunk].concat());
    }
    block.push(0);
    let index = checked(&padded([vec![0, 1], number(block.len()), number(bytes.len())].concat()));
    let words = u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes();
    let footer = checked(&[words.as_slice(), &no_check].concat());
    let (crc, fields) = (&footer[6..], &footer[..6]);
    [b"\xfd7zXZ\0", checked(&no_check).as_slice(), &padded(block), &index, crc, fields, b"YZ"].concat()
}

const ALL: [Compression; 4] = [Compression::Gzip, Compression::Zstd, Compression::Lz4, Compression::Xz];

#[test]
fn packed_files_read_as_plain_ones() {
    let file = pcap(100);
    let plain = read(&file).unwrap();
    for compression in ALL {
        let packed = pack(compression, &file);
        assert_eq!(read(&packed).unwrap(), plain, "{compression}");
        assert_eq!(read_from(Pieces::new(&packed, &[1, 7, 100])).unwrap(), plain, "{compression}");
        let mut reader = Reader::new(Box::new(std::io::Cursor::new(packed.clone()))).unwrap();
        assert_eq!(reader.format().to_string(), format!("pcap, {compression}"));
        while reader.next_packet().unwrap().is_some() {}
        assert_eq!(reader.bytes_read(), u64::try_from(packed.len()).unwrap());
    }
}

#[test]
fn all_members_are_read_whatever_lies_between() {
    let file = pcap(100);
    let plain = read(&file).unwrap();
    let (start, end) = file.split_at(5000);
    let note = [0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, b'n', b'o', b't', b'e'];
    for first in ALL {
        for second in ALL {
            for between in [&[][..], &[0; 512], &note] {
                let packed = [pack(first, start), between.to_vec(), pack(second, end)].concat();
                assert_eq!(read(&packed).unwrap(), plain, "{first}, {second}, {between:x?}");
            }
        }
        let noted = [note.to_vec(), pack(first, &file)].concat();
        assert_eq!(read(&noted).unwrap(), plain, "{first}");
    }
}

#[test]
fn a_cut_packed_file_gives_the_packets_before_the_cut() {
    // More than one block of each format, less than zstd's window.
    let file = pcap(3000);
    let plain = read(&file).unwrap();
    for compression in ALL {
        let packed = pack(compression, &file);
        let got = read(&packed[..packed.len() * 9 / 10]).unwrap();
        assert!(plain.packets.starts_with(&got.packets));
        assert!(got.packets.len() > 1000, "{compression}: {}", got.packets.len());
        assert_eq!(got.notices.len(), 1);
        assert_eq!(got.notices[0].code(), Code::TruncatedFile);
        assert!(got.messages()[0].starts_with(&format!("the {compression} data ends too soon; its content stops ")));
        assert!(!got.complete);

        let got = read(&packed[..packed.len() - 1]).unwrap();
        assert_eq!((got.packets.len(), got.complete), (3000, false), "{compression} without its last byte");
        let error = read(&packed[..10]).unwrap_err();
        assert_eq!(error.to_string(), format!("damaged {compression} data: ends too soon"));
    }
}

#[test]
fn something_else_behind_packed_data_is_told() {
    for compression in ALL {
        let got = read(&[pack(compression, &pcap(10)), b"and more".to_vec()].concat()).unwrap();
        assert_eq!((got.packets.len(), got.complete), (10, false));
        assert_eq!(got.notices[0].code(), Code::CorruptRecord);
        assert!(got.messages()[0].contains("something else stands behind"), "{:?}", got.messages());
    }
}

#[test]
fn packed_files_that_hold_no_capture_are_named() {
    for compression in ALL {
        let message = |bytes: &[u8]| read(&pack(compression, bytes)).unwrap_err().to_string();
        assert_eq!(
            message(b"{\"a\": 1}"),
            format!("no capture file inside the {compression} data (starts with \"{{\"a\": 1}}\", JSON)")
        );
        assert_eq!(message(b""), format!("nothing is inside the {compression} data"));
    }
}

proptest! {
    #[test]
    fn damage_never_breaks_unpacking(
        kind in 0..4usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut packed = pack(ALL[kind], &pcap(60));
        for (at, value) in flips {
            let at = at.index(packed.len());
            packed[at] = value;
        }
        let _ = read(&packed);
        let _ = read(&packed[..cut.index(packed.len())]);
    }
}
