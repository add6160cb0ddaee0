//! Comma-separated values: quoted fields, doubled quotes, either line end, line numbers for errors.
//!
//! Knows nothing of what the fields mean.

use super::RegistryError;
use std::borrow::Cow;

/// Reads the records of a text, one after the other.
pub(super) struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`; a byte order mark is skipped.
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }

    /// Puts the fields of the next record in place of those in `fields`. Empty lines are skipped.
    ///
    /// Returns the number of the record's first line, from 1; `None` at the end.
    pub(super) fn next_record(&mut self, fields: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>, RegistryError> {
        fields.clear();
        while self.skip_line_end() {}
        if self.rest.is_empty() {
            return Ok(None);
        }
        let first_line = self.line;
        loop {
            fields.push(self.field()?);
            if self.rest.as_bytes().first() == Some(&b',') {
                self.rest = &self.rest[1..];
            } else if self.rest.is_empty() || self.skip_line_end() {
                return Ok(Some(first_line));
            } else {
                return Err(self.error("text behind a closing quote", "a comma or the end of the line"));
            }
        }
    }

    /// Looks at bytes, here and below: searching for characters costs three times as much, and reading the built-in tables
    /// is most of what the program does before its first packet.
    fn skip_line_end(&mut self) -> bool {
        let length = match self.rest.as_bytes() {
            [b'\n', ..] | [b'\r'] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return false,
        };
        self.rest = &self.rest[length..];
        self.line += 1;
        true
    }

    fn field(&mut self) -> Result<Cow<'a, str>, RegistryError> {
        let bytes = self.rest.as_bytes();
        if bytes.first() == Some(&b'"') {
            self.rest = &self.rest[1..];
            return self.quoted();
        }
        let end = bytes.iter().position(|byte| matches!(byte, b',' | b'\n' | b'"')).unwrap_or(bytes.len());
        if bytes.get(end) == Some(&b'"') {
            return Err(
                self.error("a quote inside a field", "quotes around the whole field, and `\"\"` for one inside")
            );
        }
        let field = &self.rest[..end];
        self.rest = &self.rest[end..];
        Ok(Cow::Borrowed(if field.as_bytes().last() == Some(&b'\r') { &field[..end - 1] } else { field }))
    }

    /// The rest of a field whose opening quote was read.
    fn quoted(&mut self) -> Result<Cow<'a, str>, RegistryError> {
        let mut field = Cow::Borrowed("");
        loop {
            let Some(end) = self.rest.bytes().position(|byte| byte == b'"') else {
                return Err(self.error("a quoted field has no end", "a closing quote"));
            };
            let (piece, rest) = (&self.rest[..end], &self.rest[end + 1..]);
            self.line += piece.bytes().filter(|&byte| byte == b'\n').count();
            self.rest = rest;
            field += piece;
            if rest.as_bytes().first() != Some(&b'"') {
                return Ok(field);
            }
            field += "\"";
            self.rest = &rest[1..];
        }
    }

    fn error(&self, cause: &str, expected: &str) -> RegistryError {
        RegistryError { line: self.line, cause: cause.into(), expected: expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, RegistryError> {
        let (mut reader, mut fields, mut records) = (Reader::new(text), Vec::new(), Vec::new());
        while let Some(line) = reader.next_record(&mut fields)? {
            records.push((line, fields.iter().map(|field| field.clone().into_owned()).collect()));
        }
        Ok(records)
    }

    #[test]
    fn records() {
        for (text, expected) in [
            ("", vec![]),
            ("a,b", vec![(1, vec!["a", "b"])]),
            ("\u{feff}a,b\r\n,\r\n", vec![(1, vec!["a", "b"]), (2, vec!["", ""])]),
            ("a\n\n\nb\n", vec![(1, vec!["a"]), (4, vec!["b"])]),
            ("\"a,\"\"b\"\"\nc\",d\ne", vec![(1, vec!["a,\"b\"\nc", "d"]), (3, vec!["e"])]),
            ("\"\",\"\"\"\"", vec![(1, vec!["", "\""])]),
            ("\"a\"\r", vec![(1, vec!["a"])]),
        ] {
            let expected: Vec<(usize, Vec<String>)> =
                expected.into_iter().map(|(n, fields)| (n, fields.into_iter().map(String::from).collect())).collect();
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_placed() {
        for (text, line) in [("a\n\"b", 2), ("\"a\"b", 1), ("a\nb\nc\"d\"", 3), ("\"x\n\n\"y", 3)] {
            assert_eq!(read(text).expect_err(text).line, line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a,\"\r\n é]{0,6}", 1..4), 0..4)) {
            let quote = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let lines: Vec<String> = rows.iter().map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",")).collect();
            let read: Vec<_> = read(&lines.join("\n")).unwrap().into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_text_makes_it_fail_badly(text in "[a,\"\r\n]{0,20}") {
            let _ = read(&text);
        }
    }
}
