//! Numbers out of bytes.
//!
//! Knows sizes and byte orders alone. Nothing here fails: who calls has counted the bytes.

/// The big-endian number in up to four bytes; of longer ones, in the first four.
#[inline]
pub(super) fn be(bytes: &[u8]) -> u32 {
    if let Some(four) = bytes.first_chunk() {
        return u32::from_be_bytes(*four);
    }
    bytes.iter().take(4).fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// The little-endian number in up to four bytes; of longer ones, in the first four.
pub(super) fn le(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// The lowest `size` bytes of `number` as an integer with a sign.
pub(super) fn signed(number: u32, size: usize) -> i32 {
    let unused = match size {
        1 => 24,
        2 => 16,
        _ => 0,
    };
    (number << unused).cast_signed() >> unused
}

/// The part of a text before its first `00`, and whether anything but `00` follows.
pub(super) fn text(bytes: &[u8]) -> (&[u8], bool) {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (text, tail) = bytes.split_at(end);
    (text, tail.iter().any(|&byte| byte != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!((be(&[]), be(&[1]), be(&[1, 2]), be(&[1, 2, 3, 4])), (0, 1, 0x0102, 0x0102_0304));
        assert_eq!((le(&[]), le(&[1]), le(&[1, 2]), le(&[1, 2, 3, 4])), (0, 1, 0x0201, 0x0403_0201));
        assert_eq!(be(&[1, 2, 3, 4, 5]), 0x0102_0304);
        assert_eq!(le(&[1, 2, 3, 4, 5]), 0x0403_0201);
        assert_eq!((signed(0xff, 1), signed(0x7f, 1), signed(0x8000, 2), signed(u32::MAX, 4)), (-1, 127, -32768, -1));
    }

    #[test]
    fn texts() {
        for (bytes, expected) in [
            (&b""[..], (&b""[..], false)),
            (b"ab", (b"ab", false)),
            (b"ab\0\0", (b"ab", false)),
            (b"ab\0c", (b"ab", true)),
            (b"\0\0\x01", (b"", true)),
        ] {
            assert_eq!(text(bytes), expected);
        }
    }
}
