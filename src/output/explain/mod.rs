//! The explain screens: a page of the catalogue, the list of all codes, and one thing of a capture with its bytes.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `anatomy` | the bytes of a frame with a word to each of its parts |
//! | `places` | whether places in packets overlap |
//! | `dossier` | what the events tell of one anomaly, exchange or frame, and of what happened near it |
//! | `render` | the screen made of a dossier |
//!
//! Knows events, the registry and the pages. Knows neither files nor terminals: names and width are given.

mod anatomy;
mod dossier;
mod places;
mod render;
#[cfg(test)]
mod tests;

pub use anatomy::hex_line;
pub use dossier::{Dossier, Locate, Target};
pub use render::{Excerpt, ScreenOptions, render};

use super::pages::{Page, page};
use super::style::{self, Ink, Style};
use crate::anomaly::{Code, Severity};
use std::io;

/// The column where texts begin.
const INDENT: usize = 9;
/// Lines no longer than this are read with ease, however wide the terminal is.
const MOST_COLUMNS: usize = 100;

/// Writes the codes with their severity and their rule in one line each.
pub fn list(out: &mut dyn io::Write, codes: &[Code], style: Style, width: usize) -> io::Result<()> {
    let longest = codes.iter().map(|code| code.name().len()).max().unwrap_or(0);
    for code in codes {
        let mut line = String::new();
        style::push_left(&mut line, code.severity().name(), 8);
        style::push_left(&mut line, code.name(), longest + 2);
        let rule = style::fit_end(code.fires_when(), width.saturating_sub(longest + 10)).into_owned();
        let (severity, rest) = line.split_at(8);
        writeln!(out, "{}{rest}{rule}", style.paint(style::ink(code.severity()), severity))?;
    }
    Ok(())
}

/// Writes the page of a code.
pub fn write_page(out: &mut dyn io::Write, code: Code, style: Style, width: usize) -> io::Result<()> {
    let Page { fires, means, client, setup, shows, near } = page(code);
    heading(out, code.name(), code.severity(), style, width)?;
    writeln!(out)?;
    paragraph(out, "Fires", fires, style, width)?;
    paragraph(out, "Means", means, style, width)?;
    paragraph(out, "Client", client, style, width)?;
    paragraph(out, "Set-up", setup, style, width)?;
    paragraph(
        out,
        "Fixture",
        &format!("fixtures/anomalies/{}: {}", folder_name(code, ""), sentence(shows)),
        style,
        width,
    )?;
    paragraph(
        out,
        "Near",
        &format!("fixtures/anomalies/{}: {}", folder_name(code, ".near"), sentence(near)),
        style,
        width,
    )
}

fn folder_name(code: Code, variant: &str) -> String {
    format!("{code}{variant}")
}

/// A sentence behind a colon.
fn sentence(text: &str) -> &str {
    text.trim()
}

/// `CODE` at the left, its severity at the right.
fn heading(out: &mut dyn io::Write, title: &str, severity: Severity, style: Style, width: usize) -> io::Result<()> {
    let room = width.min(MOST_COLUMNS).saturating_sub(style::display_width(title));
    let mut blanks = String::new();
    style::push_blanks(&mut blanks, room.saturating_sub(severity.name().len()).max(2));
    writeln!(out, "{}{blanks}{}", style.paint(Ink::Bold, title), style.paint(style::ink(severity), severity.name()))
}

/// A word in the first column and a text behind it, broken to the width.
fn paragraph(out: &mut dyn io::Write, name: &str, text: &str, style: Style, width: usize) -> io::Result<()> {
    let lines = style::wrap(text, width.min(MOST_COLUMNS).saturating_sub(INDENT).max(20));
    for (number, line) in lines.iter().enumerate() {
        let mut label = String::new();
        style::push_left(&mut label, if number == 0 { name } else { "" }, INDENT);
        writeln!(out, "{}{line}", style.paint(Ink::Bold, label))?;
    }
    Ok(())
}
