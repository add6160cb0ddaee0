//! What redaction did, and what it cannot promise, for people.

use crate::output::style::{grouped, wrap};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Objects named in the report.
const NAMED: usize = 6;
/// Columns of the first word of a line.
const INDENT: &str = "              ";

/// What was done to a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets read.
    pub packet_count: u64,
    /// Packets written.
    pub written_count: u64,
    /// IP addresses replaced.
    pub address_count: usize,
    /// MAC addresses made up.
    pub mac_count: usize,
    /// Distinct secret values replaced.
    pub value_count: usize,
    /// Frames that were changed, copies included.
    pub frame_count: u64,
    /// The objects they belong to.
    pub objects: BTreeSet<String>,
    /// Frames in which a value got another stand-in than elsewhere, so that the length stays.
    pub alone_count: u64,
    /// Frames that could not be made anew and were blanked, so that their CRC is wrong now.
    pub blanked_count: u64,
    /// Values found where no frame is.
    pub stray_count: u64,
    /// Frames, with a payload, of objects that the registry does not know.
    pub unknown_count: u64,
    /// Bytes that are no frame and stayed.
    pub junk_bytes: u64,
}

impl Report {
    /// Writes it, at most `width` columns wide.
    pub fn write(&self, name: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{name}: {} of {} packets", grouped(self.written_count), grouped(self.packet_count))?;
        let mut line = |head: &str, text: String| -> io::Result<()> {
            for (number, part) in wrap(&text, width.saturating_sub(INDENT.len())).iter().enumerate() {
                let head = if number == 0 { format!("  {head:<12}") } else { INDENT.to_owned() };
                writeln!(out, "{head}{part}")?;
            }
            Ok(())
        };
        line("replaced", format!("{} IP and {} MAC addresses", self.address_count, self.mac_count))?;
        if self.value_count > 0 {
            let mut named: Vec<&str> = self.objects.iter().take(NAMED).map(String::as_str).collect();
            if self.objects.len() > NAMED {
                named.push("others");
            }
            let (values, frames) = (self.value_count, grouped(self.frame_count));
            let values = if values == 1 { "1 secret value".to_owned() } else { format!("{values} secret values") };
            line("", format!("{values} in {frames} frames ({})", named.join(", ")))?;
        }
        line("made anew", "escapes, CRCs, TCP and IP checksums; what was wrong is still wrong".to_owned())?;
        line(
            "left out",
            format!(
                "{} packets that are not of the protocol; names, comments, options of the file",
                grouped(self.packet_count - self.written_count)
            ),
        )?;
        line("kept", "times, ports, lengths, all other values".to_owned())?;
        for (count, text) in [
            (self.alone_count, "frames got other stand-ins than their values have elsewhere, to keep their length"),
            (self.blanked_count, "frames could not be made anew: their payload is blanked and their CRC wrong"),
            (self.stray_count, "secret values stood outside of frames and were replaced too"),
        ] {
            if count > 0 {
                line("note", format!("{} {text}", grouped(count)))?;
            }
        }
        writeln!(out, "It cannot promise that nothing else tells whose device it is:")?;
        let mut doubt = |text: String| -> io::Result<()> {
            for (number, part) in wrap(&text, width.saturating_sub(4)).iter().enumerate() {
                writeln!(out, "  {} {part}", if number == 0 { "-" } else { " " })?;
            }
            Ok(())
        };
        doubt(
            "readings and the times at which they were taken are real, those in histories and event tables too".into(),
        )?;
        if self.unknown_count > 0 {
            doubt(format!(
                "{} frames are of objects that the registry does not know; they stayed as they were",
                grouped(self.unknown_count)
            ))?;
        }
        if self.junk_bytes > 0 {
            doubt(format!("{} bytes are no frames and could be anything; they stayed", grouped(self.junk_bytes)))?;
        }
        doubt("a device with objects of its own needs --registry FILE, with `secret` where it applies".into())
    }
}
