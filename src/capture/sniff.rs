//! What a file is, by its first bytes.
//!
//! Only looks; reads nothing itself.

use super::error::Error;
use super::format::{Compression, Container};
use super::pcap::{self, Pcap};
use super::pcapng::{self, PcapNg, SectionHeader};

/// Bytes worth having before a file is said to be no capture: some kinds only show at their 257th byte.
pub(super) const NAMING_BYTES: usize = 512;

/// The decoder of a container.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decoder {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl Decoder {
    pub(super) const fn container(self) -> Container {
        match self {
            Self::Pcap(pcap) if pcap.is_modified() => Container::ModifiedPcap,
            Self::Pcap(_) => Container::Pcap,
            Self::PcapNg(_) => Container::PcapNg,
        }
    }

    /// The decoder for uncompressed data that starts with `data`. That is all of it when it is shorter than
    /// [`NAMING_BYTES`].
    pub(super) fn of(data: &[u8], compression: Option<Compression>) -> Result<Self, Error> {
        let short = |what, needs| Error::TooShort { what, needs, has: data.len() };
        let Some(&magic) = data.first_chunk::<4>() else {
            return Err(if data.is_empty() { Error::Empty { compression } } else { unknown(data, compression) });
        };
        if pcap::is_magic(magic) {
            return Pcap::from_header(data)
                .map(Self::Pcap)
                .ok_or_else(|| short("the header of a pcap file", pcap::HEADER));
        }
        if magic != pcapng::MAGIC {
            return Err(unknown(data, compression));
        }
        if data.len() < pcapng::SECTION_HEADER {
            return Err(short("the header of a pcapng file", pcapng::SECTION_HEADER));
        }
        match SectionHeader::from_block(data) {
            Some(header) if header.is_supported() => Ok(Self::PcapNg(PcapNg::new(header))),
            Some(header) => Err(Error::UnsupportedVersion { major: header.major, minor: header.minor }),
            None => Err(unknown(data, compression)),
        }
    }
}

/// The error for something that is no capture.
fn unknown(data: &[u8], compression: Option<Compression>) -> Error {
    let known = KNOWN.iter().find(|known| data.get(known.at..).is_some_and(|data| data.starts_with(known.magic)));
    let (shown, what, hint) = match known {
        Some(known) => (known.magic, Some(known.what), known.hint),
        // Text first: some of it would pass for a header of ERF, which has no magic.
        None => match text(data) {
            Some(what) => (data, Some(what), Some("captures are written by `tcpdump -w` or Wireshark")),
            None if is_erf(data) => (data, Some("probably an ERF capture"), CONVERT),
            None if data.len() < pcap::HEADER => {
                return Error::TooShort { what: "the header", needs: pcap::HEADER, has: data.len() };
            }
            None => (data, None, None),
        },
    };
    Error::NotACapture { starts: starts(shown), what, hint, compression }
}

/// A kind of file that is no capture of ours, by its magic.
struct Known {
    at: usize,
    magic: &'static [u8],
    what: &'static str,
    hint: Option<&'static str>,
}

const fn known(magic: &'static [u8], what: &'static str, hint: Option<&'static str>) -> Known {
    Known { at: 0, magic, what, hint }
}

const UNZIP: Option<&str> = Some("unpack it first; .gz, .zst, .lz4 and .xz are read directly");
const CONVERT: Option<&str> = Some("convert it with Wireshark's editcap");

const KNOWN: &[Known] = &[
    known(b"PK\x03\x04", "a zip archive", UNZIP),
    known(b"PK\x05\x06", "an empty zip archive", None),
    known(b"BZh", "bzip2 data", UNZIP),
    known(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNZIP),
    known(b"Rar!\x1a\x07", "a RAR archive", UNZIP),
    known(b"\x1f\x9d", "data of compress(1)", UNZIP),
    known(b"LZIP", "lzip data", UNZIP),
    known(b"\x1f\x8b", "gzip data", None),
    known(b"\x28\xb5\x2f\xfd", "zstd data", None),
    known(b"\x04\x22\x4d\x18", "lz4 data", None),
    known(b"\xfd7zXZ\x00", "xz data", None),
    Known { at: 257, magic: b"ustar", what: "a tar archive", hint: UNZIP },
    known(b"snoop\0\0\0", "a snoop capture", CONVERT),
    known(b"btsnoop\0", "a Bluetooth snoop capture", None),
    known(b"GMBU", "a Network Monitor capture", CONVERT),
    known(b"RTSS", "a Network Monitor capture", CONVERT),
    known(b"TRSNIFF data", "a Sniffer capture", CONVERT),
    known(b"XCP\0", "a NetXRay capture", CONVERT),
    known(b"\x01\0\0\0", "perhaps a pcapng file without its section header", None),
    known(b"\x89PNG\r\n\x1a\n", "a PNG image", None),
    known(b"\xff\xd8\xff", "a JPEG image", None),
    known(b"GIF8", "a GIF image", None),
    known(b"%PDF", "a PDF document", None),
    known(b"\x7fELF", "a program", None),
    known(b"MZ", "a Windows program", None),
    known(b"SQLite format 3\0", "an SQLite database", None),
    known(b"\xff\xfe", "text in UTF-16", None),
    known(b"\xfe\xff", "text in UTF-16", None),
];

/// ERF has no magic: a record header must make sense, and so must the time of the next one.
fn is_erf(data: &[u8]) -> bool {
    let record = |at: usize| -> Option<(u64, usize)> {
        let header: &[u8; 16] = data.get(at..)?.first_chunk()?;
        let [time, rest] = [header.first_chunk::<8>()?, header[8..].first_chunk::<8>()?];
        let [kind, _, high, low, ..] = *rest;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // The upper half of the time counts seconds: 1990 to 2100.
        let time = u64::from_le_bytes(*time);
        ((1..=48).contains(&(kind & 0x7f)) && length >= 16 && (631_152_000..4_102_444_800).contains(&(time >> 32)))
            .then_some((time, length))
    };
    match record(0) {
        Some((first, length)) => match record(length) {
            Some((second, _)) => second >= first,
            None => data.len() <= length,
        },
        None => false,
    }
}

/// Names text; `None` when it is none.
fn text(data: &[u8]) -> Option<&'static str> {
    let shown = match std::str::from_utf8(data) {
        Ok(text) => text,
        // The cut may go through a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&data[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if shown.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}')) {
        return None;
    }
    Some(match shown.trim_start_matches('\u{feff}').trim_start().chars().next()? {
        '{' | '[' => "JSON",
        '<' => "XML or HTML",
        _ => "text",
    })
}

/// The first bytes, as text where they are, else in hex.
fn starts(data: &[u8]) -> String {
    let shown = &data[..data.len().min(8)];
    let letters = shown.iter().take_while(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
    if letters >= 2 || letters == shown.len() {
        return format!("\"{}\"", String::from_utf8_lossy(&shown[..letters]));
    }
    let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.join(" ")
}
