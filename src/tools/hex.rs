//! Bytes out of hex, in whatever form it was copied.
//!
//! Takes pairs of digits with or without separators, `0x2b, 0x01`, `\x2b\x01`, the bytes literals of Python, and the dumps of
//! hexdump -C, xxd, tcpdump -X and Wireshark. Knows nothing of what the bytes mean.

use std::fmt::{self, Write as _};

/// Why a text is no hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexError {
    /// The line, from 1.
    pub line: usize,
    /// What stands there that should not.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was found may be anything, so it is escaped.
        write!(f, "line {}: `{}`; expected {}", self.line, self.found.escape_debug(), self.expected)
    }
}

impl std::error::Error for HexError {}

/// `bytes` as pairs of small hex digits, nothing between them.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes written in `text`.
pub fn parse(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::new();
    // Where the dump that a line may belong to began in `bytes`; offsets count from there.
    let mut dump_start = None;
    for (n, line) in text.lines().enumerate() {
        let line_number = n + 1;
        let error = |(found, expected): (&str, &'static str)| {
            let found = found.chars().take(20).collect();
            HexError { line: line_number, found, expected }
        };
        let line = line.trim();
        if let Some(literal) = python_literal(line) {
            push_python(&mut bytes, literal).map_err(error)?;
            continue;
        }
        if line == "*" && dump_start.is_some() {
            return Err(error(("*", "every line; have `hexdump -v` make the dump")));
        }
        match dump_line(line, bytes.len() - dump_start.unwrap_or(bytes.len())) {
            Some(digits) => {
                dump_start.get_or_insert(bytes.len());
                push_pairs(&mut bytes, digits).map_err(error)?;
            }
            None => push_pairs(&mut bytes, line).map_err(error)?,
        }
    }
    Ok(bytes)
}

/// The hex of a line of a dump; `None` when the line is none. Its offset must be `expected`, which plain hex is not
/// likely to say by accident.
fn dump_line(line: &str, expected: usize) -> Option<&str> {
    let digits = line.strip_prefix("0x").unwrap_or(line);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let (offset, rest) = digits.split_at(end);
    if offset.len() < 4 || usize::from_str_radix(offset, 16).ok()? != expected {
        return None;
    }
    if rest.is_empty() {
        // The last line of a hexdump is an offset alone.
        return (expected > 0).then_some("");
    }
    let rest = rest.strip_prefix(": ").or_else(|| rest.strip_prefix("  "))?.trim_start();
    let end = match rest.find('|') {
        Some(bar) => bar,
        // Without bars, two blanks stand before the text.
        None => rest.find("  ").unwrap_or(rest.len()),
    };
    Some(&rest[..end])
}

/// Appends pairs of hex digits. Blanks, colons, commas, dashes, `0x` and `\x` between them say nothing.
fn push_pairs<'a>(bytes: &mut Vec<u8>, text: &'a str) -> Result<(), (&'a str, &'static str)> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ':', ',', ';', '-', '\u{a0}']);
        let digits = ["0x", "0X", "\\x"].iter().find_map(|prefix| rest.strip_prefix(prefix)).unwrap_or(rest);
        if digits.is_empty() && rest.is_empty() {
            return Ok(());
        }
        let Some(byte) = pair(digits) else { return Err((rest, "pairs of hex digits")) };
        bytes.push(byte);
        rest = &digits[2..];
    }
}

/// The byte of the two hex digits that `text` begins with.
fn pair(text: &str) -> Option<u8> {
    let pair = text.get(..2)?;
    // `from_str_radix` would take a sign.
    pair.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

/// What stands between the quotes of `b'...'`.
fn python_literal(line: &str) -> Option<&str> {
    let quoted = line.strip_prefix('b')?;
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    quoted.strip_prefix(quote)?.strip_suffix(quote)
}

/// Appends the bytes of the inside of a Python literal, where printable bytes stand for themselves.
fn push_python<'a>(bytes: &mut Vec<u8>, text: &'a str) -> Result<(), (&'a str, &'static str)> {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let here = rest;
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            bytes.push(u8::try_from(c).ok().filter(u8::is_ascii).ok_or((here, "ASCII inside `b'...'`"))?);
            continue;
        }
        let escape = rest.bytes().next().unwrap_or(0);
        let plain = match escape {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'\\' | b'\'' | b'"' => Some(escape),
            _ => None,
        };
        let hex = || pair(rest.strip_prefix('x')?);
        let (byte, length) = match plain {
            Some(byte) => (byte, 1),
            None => (hex().ok_or((here, "an escape that Python prints, such as `\\x2b`"))?, 3),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const READ: [u8; 9] = [0x2b, 0x01, 0x04, 0x95, 0x99, 0x30, 0xbf, 0x0d, 0x65];

    #[test]
    fn every_form_of_the_same_bytes() {
        for text in [
            "2b0104959930bf0d65",
            "2B 01 04 95 99 30 BF 0D 65",
            "2b:01:04:95:99:30:bf:0d:65\n",
            "2b-01-04-95-99-30-bf-0d-65",
            "0x2b, 0x01, 0x04, 0x95, 0x99, 0x30, 0xbf, 0x0d, 0x65",
            "0x2b0104959930bf0d65",
            r"\x2b\x01\x04\x95\x99\x30\xbf\x0d\x65",
            r"b'+\x01\x04\x95\x990\xbf\re'",
            "b\"+\\x01\\x04\\x95\\x990\\xbf\\re\"",
            "2b01 0495\r\n9930 bf0d\r\n65\r\n",
            "00000000  2b 01 04 95 99 30 bf 0d  65                       |+....0..e|\n00000009\n",
            "00000000: 2b01 0495 9930 bf0d 65                   +....0..e\n",
            "0000   2b 01 04 95 99 30 bf 0d 65                        +....0..e\n",
            "\t0x0000:  2b01 0495 9930 bf0d 65                   +....0..e\n",
            "00000000: 2b01 0495  +...\n00000004: 9930 bf0d  .0..\n00000008: 65       e\n",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(&READ[..]), "{text}");
        }
    }

    #[test]
    fn plain_hex_that_begins_with_zeros_is_no_dump() {
        assert_eq!(parse("0000 2b01"), Ok(vec![0, 0, 0x2b, 1]));
        assert_eq!(parse("00000000"), Ok(vec![0; 4]));
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_hex_is_shown() {
        for (text, line, found) in [
            ("2b 0", 1, "0"),
            ("2b\nxy", 2, "xy"),
            ("2bé", 1, "é"),
            ("0x", 1, "0x"),
            ("+1", 1, "+1"),
            (r"b'\q'", 1, r"\q"),
            ("b'é'", 1, "é"),
            (r"b'\x+1'", 1, r"\x+1"),
            ("00000000  00 00  |..|\n*\n", 2, "*"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.line, error.found.as_str()), (line, found), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail_badly(text in "[0-9a-fx\\\\b'\" |:*\né]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn hex_is_read_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(parse(&to_hex(&bytes)), Ok(bytes));
        }
    }
}
