//! Names of inputs out of a list, one a line or with a zero byte behind each.

use super::Found;
use crate::cli::args::InputArgs;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a list that are read: the names of some million files.
const MOST_BYTES: u64 = 1 << 30;

/// The names in the list that `args` names; none without one.
pub(super) fn read(args: &InputArgs, found: &mut Found) -> Vec<PathBuf> {
    let Some(list) = &args.files_from else { return Vec::new() };
    match bytes(args, list) {
        Ok(bytes) => names(&bytes, if args.null { 0 } else { b'\n' }),
        Err(error) => {
            found.fail(list, &error);
            Vec::new()
        }
    }
}

fn bytes(args: &InputArgs, list: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if list.as_os_str() != "-" {
        File::open(list)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    } else if args.files.iter().any(|file| file.as_os_str() == "-") {
        return Err(io::Error::other("standard input cannot be the list and a capture"));
    } else {
        io::stdin().take(MOST_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn names(bytes: &[u8], end: u8) -> Vec<PathBuf> {
    let names = bytes.split(|byte| *byte == end).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(os_string(name.to_vec()))).collect()
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    // Lists made by programs of this system end their lines with both.
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes)).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_a_line_or_a_zero_byte_behind_each() {
        let check = |bytes: &[u8], end, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(names(bytes, end), expected);
        };
        check(b"a.pcap\nb c.pcap\n\nd.pcap", b'\n', &["a.pcap", "b c.pcap", "d.pcap"]);
        check(b"a\nb\0c\0", 0, &["a\nb", "c"]);
        check(b"", b'\n', &[]);
    }
}
