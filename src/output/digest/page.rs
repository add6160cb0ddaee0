//! Where the digest is written: titles, parts in a row, texts that are broken between words.

use super::DigestOptions;
use crate::output::style::{self, Ink, Style, grouped};
use std::io::{self, Write};

/// Sentences are not spread over a wide terminal.
const TEXT_MOST: usize = 100;
/// Where and how to write: what every section needs.
pub(super) struct Page<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) width: usize,
    pub(super) style: Style,
    pub(super) options: &'a DigestOptions<'a>,
}

impl Page<'_> {
    /// An empty line and the title of a section.
    pub(super) fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.style.paint(Ink::Bold, title))
    }
}

/// Parts two blanks apart, broken between parts where the line is full.
pub(super) fn flow(page: &mut Page<'_>, parts: &[String]) -> io::Result<()> {
    let mut line = String::new();
    for part in parts {
        let needed = style::display_width(&line) + 2 + style::display_width(part);
        if !line.is_empty() && needed > page.width {
            writeln!(page.out, "{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(part);
    }
    // A part that is wider than the line alone is broken between its words.
    if style::display_width(&line) > page.width {
        return style::wrap(&line, page.width).iter().try_for_each(|line| writeln!(page.out, "{line}"));
    }
    writeln!(page.out, "{line}")
}

/// A text broken between words; `lead` stands in front of its first line, blanks in front of the others.
pub(super) fn paragraph(page: &mut Page<'_>, lead: &str, text: &str) -> io::Result<()> {
    let indent = style::display_width(lead);
    let lines = style::wrap(text, page.width.min(TEXT_MOST).saturating_sub(indent));
    for (place, line) in lines.iter().enumerate() {
        if place == 0 {
            writeln!(page.out, "{lead}{line}")?;
        } else {
            writeln!(page.out, "{:indent$}{line}", "")?;
        }
    }
    Ok(())
}

/// `1 packet`, `18,402 packets`
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}
