//! `rctscope decode`: frames out of pasted hex, every byte named and every value read.
//!
//! Takes the bytes as one direction of a connection, whichever. Knows neither the terminal nor where the text came
//! from.

use super::hex;
use crate::output::anatomy::{Drawing, findings, form, worst};
use crate::output::json::Alone;
use crate::output::secrecy;
use crate::output::style::{self, Ink};
use crate::rct::value::decode;
use crate::rct::{Frame, Framer, Item, NonFrame, NonFrameKind, StreamEnd};
use std::io::{self, Write};

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Why nothing was decoded.
#[derive(Debug)]
pub enum DecodeError {
    /// The text is no hex.
    Hex(hex::HexError),
    /// There are no bytes in the text.
    Empty,
    /// The output could not be written.
    Io(io::Error),
}

impl From<io::Error> for DecodeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes what the bytes in `text` are. The drawing's registry and secrets hold for JSON, too.
pub fn run(text: &str, drawing: &Drawing<'_>, format: Format, out: &mut dyn Write) -> Result<(), DecodeError> {
    let bytes = hex::parse(text).map_err(DecodeError::Hex)?;
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let mut framer = Framer::new();
    framer.push(&bytes);
    framer.finish(StreamEnd::Closed);
    let mut page = Page { drawing, out, count: 0, separator: false };
    let mut json = Alone::new(drawing.registry, drawing.mask_secrets);
    while let Some(item) = framer.next_item() {
        match (item, format) {
            (Item::Frame(frame), Format::Text) => page.frame(&frame)?,
            (Item::NonFrame(found), Format::Text) => page.nonframe(&found)?,
            (Item::Frame(frame), Format::Json) => json.frame(page.out, &frame)?,
            (Item::NonFrame(found), Format::Json) => json.nonframe(page.out, &found)?,
            (Item::Separator { .. }, _) => page.separator = true,
        }
    }
    Ok(())
}

/// The text for people.
struct Page<'a, 'd> {
    drawing: &'a Drawing<'d>,
    out: &'a mut dyn Write,
    /// Things written so far.
    count: usize,
    /// A separator stands in front of the next thing.
    separator: bool,
}

impl Page<'_, '_> {
    fn frame(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let registry = self.drawing.registry;
        let object = registry.get(frame.object_id);
        let decoded = decode(registry, object, form(frame), frame.payload);
        let sign = match worst(&findings(frame, object, &decoded)) {
            Some(severity) => self.drawing.style.paint(style::ink(severity), style::sign(severity)).to_string(),
            None => "✓".to_owned(),
        };
        let name = object.map_or_else(|| frame.object_id.to_string(), |object| object.name.clone());
        let title = format!("{} {}", frame.command, style::escape(&name));
        self.title(&sign, frame.offset, frame.raw.len(), &title)?;
        if std::mem::take(&mut self.separator) {
            writeln!(self.out, "  00           the zero that the device sends in front")?;
        }
        self.drawing.frame(self.out, frame)
    }

    fn nonframe(&mut self, found: &NonFrame<'_>) -> io::Result<()> {
        self.separator = false;
        let sign = if found.kind == NonFrameKind::Junk || found.kind == NonFrameKind::Stub { "!" } else { "·" };
        self.title(sign, found.offset, found.raw.len(), "no frame")?;
        let hex = found.raw.chunks(16).take(16).map(|row| {
            let row: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            row.join(" ")
        });
        let hidden = self.drawing.mask_secrets && !secrecy::is_known(found.kind);
        for row in hex.filter(|_| !hidden) {
            writeln!(self.out, "  {row}")?;
        }
        for line in style::wrap(meaning(found.kind), self.drawing.width.saturating_sub(2)) {
            writeln!(self.out, "  {line}")?;
        }
        Ok(())
    }

    fn title(&mut self, sign: &str, offset: u64, length: usize, what: &str) -> io::Result<()> {
        if self.count > 0 {
            writeln!(self.out)?;
        }
        self.count += 1;
        let last = offset.saturating_add(u64::try_from(length).unwrap_or(0)).saturating_sub(1);
        let place = if last > offset { format!("bytes {offset}-{last}") } else { format!("byte {offset}") };
        writeln!(self.out, "{sign} {}   {place}", self.drawing.style.paint(Ink::Bold, what))
    }
}

/// What bytes are that are no frame.
const fn meaning(kind: NonFrameKind) -> &'static str {
    match kind {
        NonFrameKind::KeepAlive => "keep-alive of the vendor's server (AT+ and a carriage return)",
        NonFrameKind::ProtocolSwitch => "the app's switch to this protocol: exactly these three bytes, no CRC",
        NonFrameKind::BridgeNoise => "AT-mode noise of the network bridge",
        NonFrameKind::Bootloader => "the device's bootloader announces itself",
        NonFrameKind::Remainder => "the tail of an earlier frame",
        NonFrameKind::Stub => "the beginning of a frame, cut before its object id was complete",
        NonFrameKind::Junk => "nothing known; a frame begins with 2b, its command and its length",
        NonFrameKind::Gap => "missing bytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::Style;
    use crate::rct::registry::Registry;
    use proptest::prelude::*;

    fn decoded(text: &str, format: Format) -> String {
        let drawing =
            Drawing { registry: Registry::builtin(), width: 80, style: Style { color: false }, mask_secrets: false };
        let mut out = Vec::new();
        run(text, &drawing, format, &mut out).expect("hex");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn every_byte_is_named() {
        let expected = "\
✓ RESPONSE battery.soc   bytes 1-13
  00           the zero that the device sends in front
  2b           start
  05           command  RESPONSE
  08           length   8 = 4 (object) + 4 (value)
  95 99 30 bf  object   battery.soc (0x959930BF): Battery state of charge
  3e 98 ad ac  value    29.8 % (float)
  11 57        CRC      right
";
        assert_eq!(decoded("002b0508959930bf3e98adac1157", Format::Text), expected);
    }

    #[test]
    fn several_in_one_paste() {
        let text = decoded("2b0104959930bf0d65 41542b0d 2b0506400f015bc4bcb300 2b3ce1", Format::Text);
        for part in [
            "✓ READ battery.soc   bytes 0-8",
            "· no frame   bytes 9-12\n  41 54 2b 0d\n",
            "✗ RESPONSE g_sync.p_acc_lp   bytes 13-23",
            "  c4 bc        value    2 of 4 bytes (float)",
            "  ✗ value.payload_short: 2 of 4 bytes under a right CRC",
            "· no frame   bytes 24-26",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }

    #[test]
    fn escapes_stay_with_the_byte_they_protect() {
        // 0xDB2D69AE has an escape byte in its id.
        let text = decoded("2b0104db2d2d69ae55ab", Format::Text);
        assert!(text.contains("  db 2d 2d 69 ae  object   g_sync.p_ac_sum_lp"), "{text}");
    }

    #[test]
    fn both_checksums_of_a_wrong_one() {
        let text = decoded("2b0508959930bf3e98adac1158", Format::Text);
        assert!(text.contains("value    (29.8 %)?"), "{text}");
        assert!(text.contains("CRC      1158 is wrong: 1157 by the bytes before it"), "{text}");
    }

    #[test]
    fn records_are_those_of_convert_without_the_capture() {
        let line = decoded("2b0508959930bf3e98adac1157", Format::Json);
        let record: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(record["type"], "frame");
        assert_eq!(record["object"], "battery.soc");
        assert_eq!(record["value"]["text"], "29.8 %");
        assert_eq!(record["crc_ok"], true);
    }

    proptest! {
        #[test]
        fn all_bytes_are_shown_within_the_width(bytes in prop::collection::vec(prop::sample::select(
            vec![0x2b, 0x2d, 0x05, 0x08, 0x06, 0x45, 0, 0x95, 0x99, 0x30, 0xbf, 0x0d, 0x65, 0x41, 0x54]), 1..120))
        {
            let text = decoded(&hex::to_hex(&bytes), Format::Text);
            for line in text.lines() {
                prop_assert!(style::display_width(line) <= 80, "{}", line);
            }
        }
    }
}
