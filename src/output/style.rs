//! Text for a terminal: colours, signs, display width, cutting to a width, and making strange text harmless.
//!
//! Knows characters and columns. Knows nothing of what the text says.

use super::value_text::visible;
use crate::anomaly::Severity;
use std::borrow::Cow;
use std::fmt;

/// A colour. It only ever underlines what a sign or a word already says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Errors.
    Red,
    /// Warnings.
    Yellow,
    /// Notes.
    Blue,
    /// Headings.
    Bold,
    /// What matters less.
    Dim,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Bold => "1",
            Self::Dim => "2",
        }
    }
}

/// The colour of a severity.
pub const fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Red,
        Severity::Warning => Ink::Yellow,
        Severity::Note => Ink::Blue,
    }
}

/// The sign of a severity, one column wide: `✗`, `!` or `·`.
pub const fn sign(severity: Severity) -> char {
    match severity {
        Severity::Error => '✗',
        Severity::Warning => '!',
        Severity::Note => '·',
    }
}

/// Whether colours are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Write ANSI colours.
    pub color: bool,
}

impl Style {
    /// `text` in `ink`, or as it is where colours are off.
    pub const fn paint<T: fmt::Display>(self, ink: Ink, text: T) -> Painted<T> {
        Painted { ink: if self.color { Some(ink) } else { None }, text }
    }
}

/// Text in a colour; made by [`Style::paint`]. Format widths do not apply to it: fit and pad the text first.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    ink: Option<Ink>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ink {
            Some(ink) => write!(f, "\x1b[{}m{}\x1b[0m", ink.code(), self.text),
            None => self.text.fmt(f),
        }
    }
}

/// Characters of two columns: East Asian wide and full-width forms, and emoji. Ranges, ends included.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x2329, 0x232a),
    (0x23e9, 0x23ec),
    (0x25fd, 0x25fe),
    (0x2614, 0x2615),
    (0x26a1, 0x26a1),
    (0x2705, 0x2705),
    (0x274c, 0x274c),
    (0x2753, 0x2757),
    (0x2795, 0x2797),
    (0x2b1b, 0x2b1c),
    (0x2e80, 0x303e),
    (0x3041, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x1_f300, 0x1_f64f),
    (0x1_f680, 0x1_f6ff),
    (0x1_f900, 0x1_faff),
    (0x2_0000, 0x3_fffd),
];

/// Characters that take no column of their own: combining marks, joiners, variation selectors. Ranges, ends included.
const ZERO: &[(u32, u32)] = &[
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x0610, 0x061a),
    (0x064b, 0x065f),
    (0x0e31, 0x0e31),
    (0x0e34, 0x0e3a),
    (0x0e47, 0x0e4e),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xfeff, 0xfeff),
];

fn within(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let behind = ranges.partition_point(|(first, _)| *first <= c);
    behind > 0 && ranges[behind - 1].1 >= c
}

/// Columns of one character, for text that went through [`escape`]. Unusual scripts may be off by a column, which
/// costs a ragged line and nothing else.
pub fn char_width(c: char) -> usize {
    match c {
        ' '..='~' => 1,
        _ if within(ZERO, c) => 0,
        _ if within(WIDE, c) => 2,
        _ => 1,
    }
}

/// Columns of a text.
pub fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Stands where text was cut out.
const ELLIPSIS: char = '…';

/// The longest beginning of `text` that fits `width` columns.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        used += char_width(c);
        (used > width).then_some(at)
    });
    &text[..end.unwrap_or(text.len())]
}

/// The longest end of `text` that fits `width` columns and begins with no combining mark.
fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        used += char_width(c);
        if used > width {
            break;
        }
        if char_width(c) > 0 {
            start = at;
        }
    }
    &text[start..]
}

/// `text` in at most `width` columns; what is too long loses its end.
pub fn fit_end(text: &str, width: usize) -> Cow<'_, str> {
    if display_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else { return Cow::Borrowed("") };
    Cow::Owned(format!("{}{ELLIPSIS}", head(text, room)))
}

/// `text` in at most `width` columns; what is too long loses its middle, because both ends of a name carry meaning.
pub fn fit_middle(text: &str, width: usize) -> Cow<'_, str> {
    if display_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else { return Cow::Borrowed("") };
    let front = room / 2;
    Cow::Owned(format!("{}{ELLIPSIS}{}", head(text, front), tail(text, room - front)))
}

/// Appends `text`, then blanks up to `width` columns.
pub fn push_left(line: &mut String, text: &str, width: usize) {
    line.push_str(text);
    push_blanks(line, width.saturating_sub(display_width(text)));
}

/// Appends blanks, then `text`, so that it ends at `width` columns.
pub fn push_right(line: &mut String, text: &str, width: usize) {
    push_blanks(line, width.saturating_sub(display_width(text)));
    line.push_str(text);
}

/// Appends `count` blanks.
pub fn push_blanks(line: &mut String, count: usize) {
    line.extend(std::iter::repeat_n(' ', count));
}

/// `text` without anything a terminal obeys: what [`visible`] does, for nothing where there is nothing to do.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    visible(&mut safe, text);
    Cow::Owned(safe)
}

/// Breaks `text` between words into lines of at most `width` columns. A word that is longer stands alone and sticks out:
/// it is a name or a path, and half of one is of no use.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if display_width(line) + 1 + display_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A count with its thousands set apart: `18,402`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_only_where_wanted() {
        let painted = |color| Style { color }.paint(Ink::Red, sign(Severity::Error)).to_string();
        assert_eq!(painted(false), "✗");
        assert_eq!(painted(true), "\x1b[31m✗\x1b[0m");
    }

    #[test]
    fn tables_of_widths_are_sorted_and_apart() {
        for table in [WIDE, ZERO] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn widths() {
        for (text, width) in [
            ("", 0),
            ("battery.soc", 11),
            ("30 °C", 5),
            ("✗!·█…→", 6),
            ("電池", 4),
            ("e\u{301}", 1),
            ("⚡", 2),
            ("Ω", 1),
        ] {
            assert_eq!(display_width(text), width, "{text}");
        }
    }

    #[test]
    fn cutting() {
        for (text, width, end, middle) in [
            ("battery.soc", 11, "battery.soc", "battery.soc"),
            ("battery.soc", 10, "battery.s…", "batt…y.soc"),
            ("battery.soc", 2, "b…", "…c"),
            ("battery.soc", 1, "…", "…"),
            ("battery.soc", 0, "", ""),
            ("電池電池", 5, "電池…", "電…池"),
            ("電池電池", 4, "電…", "…池"),
            ("dc_conv.dc_conv_struct[0].p_dc", 27, "dc_conv.dc_conv_struct[0].…", "dc_conv.dc_co…truct[0].p_dc"),
        ] {
            assert_eq!(fit_end(text, width), end, "{text} to {width}");
            assert_eq!(fit_middle(text, width), middle, "{text} to {width}");
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        for (text, safe) in [
            ("Grüße", "Grüße"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\t\r", "a\\nb\\t\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{7f}\0", "\\u{7f}\\u{0}"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }

    #[test]
    fn wrapping() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 4), ["a", "verylongword", "b"]);
        assert!(wrap("  ", 4).is_empty());
    }

    #[test]
    fn grouping() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (18402, "18,402"), (1_204_331, "1,204,331")] {
            assert_eq!(grouped(count), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_fitted_is_too_wide(text in "\\PC*", width in 0_usize..40) {
            prop_assert!(display_width(&fit_end(&text, width)) <= width);
            prop_assert!(display_width(&fit_middle(&text, width)) <= width);
        }

        #[test]
        fn nothing_escaped_steers_a_terminal(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(char::is_control));
        }
    }
}
