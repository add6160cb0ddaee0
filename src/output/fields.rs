//! Small JSON records of screens that have a `--json` form: a line each, keys in a fixed order, absent when unknown.
//!
//! The records of `convert` are made in `json`, which is built for speed; these are few.

use super::time_text::Rfc3339;
use crate::time::Timestamp;
use std::fmt::{self, Write as _};
use std::io;

/// Bytes in hex, without blanks.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A record in the making.
#[derive(Debug)]
pub(super) struct Fields(String);

impl Fields {
    pub(super) fn new(kind: &str) -> Self {
        Self(format!("{{\"type\":\"{kind}\""))
    }

    /// A text of any content.
    pub(super) fn text(self, key: &str, text: impl fmt::Display) -> Self {
        let quoted = serde_json::Value::from(text.to_string());
        self.raw(key, quoted)
    }

    /// A text, where there is one.
    pub(super) fn maybe(self, key: &str, text: Option<impl fmt::Display>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    /// A number, `true`, or anything else that is JSON as it stands.
    pub(super) fn raw(mut self, key: &str, json: impl fmt::Display) -> Self {
        // Writing into a string cannot fail.
        let _ = write!(self.0, ",\"{key}\":{json}");
        self
    }

    /// A moment.
    pub(super) fn time(self, key: &str, ts: Timestamp) -> Self {
        let text = Rfc3339::default().text(ts).to_owned();
        self.text(key, text)
    }

    /// Bytes in hex.
    pub(super) fn hex(self, key: &str, bytes: &[u8]) -> Self {
        self.text(key, hex(bytes))
    }

    pub(super) fn write(mut self, out: &mut dyn io::Write) -> io::Result<()> {
        self.0.push_str("}\n");
        out.write_all(self.0.as_bytes())
    }
}
