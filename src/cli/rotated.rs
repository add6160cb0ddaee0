//! Which files of a folder are one capture, cut into pieces by whoever recorded it. Judged by their names alone: it numbers
//! them, `x.pcap`, `x.pcap1`, `x.pcap2` (tcpdump) or `x_00001_20250317210611.pcap` (dumpcap). Names that hold nothing
//! but a time (`tcpdump -G`) may as well be captures of their own, and count as such.

use std::path::{Path, PathBuf};

const EXTENSIONS: [&str; 3] = [".pcapng", ".pcap", ".cap"];
const COMPRESSIONS: [&str; 4] = [".gz", ".zst", ".lz4", ".xz"];

/// What all pieces of the capture to which the file at `path` would belong have in common; `None` for a name that is no
/// piece's.
pub(super) fn set_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let compression = COMPRESSIONS.iter().find(|compression| name.ends_with(**compression)).map_or("", |found| found);
    let name = name.strip_suffix(compression)?;
    let (stem, extension, number) =
        EXTENSIONS.iter().find_map(|extension| name.rsplit_once(extension).map(|(a, b)| (a, *extension, b)))?;
    if !is_number(number) {
        return None;
    }
    let stem = numbered_stem(stem).filter(|_| number.is_empty()).unwrap_or(stem);
    Some(path.with_file_name(format!("{stem}{extension}{compression}")))
}

/// `x` of `x_00001_20250317210611`.
fn numbered_stem(stem: &str) -> Option<&str> {
    let (rest, time) = stem.rsplit_once('_')?;
    let (stem, number) = rest.rsplit_once('_')?;
    (number.len() >= 5 && is_number(number) && time.len() == 14 && is_number(time)).then_some(stem)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_known_by_their_names() {
        for (name, set) in [
            ("d/x.pcap", Some("d/x.pcap")),
            ("d/x.pcap1", Some("d/x.pcap")),
            ("d/x.pcap007", Some("d/x.pcap")),
            ("d/x.pcapng3", Some("d/x.pcapng")),
            ("d/x.pcap1.gz", Some("d/x.pcap.gz")),
            ("d/x_00001_20250317210611.pcapng", Some("d/x.pcapng")),
            ("d/x_00001_20250317210611.pcapng.zst", Some("d/x.pcapng.zst")),
            ("d/x_1_20250317210611.pcap", Some("d/x_1_20250317210611.pcap")),
            ("d/x_2025-03-17_21:06:11.pcap", Some("d/x_2025-03-17_21:06:11.pcap")),
            ("d/x.pcap.txt", None),
            ("d/notes.txt", None),
        ] {
            assert_eq!(set_of(Path::new(name)), set.map(PathBuf::from), "{name}");
        }
    }
}
