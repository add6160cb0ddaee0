//! What became of each input, and of each session: the lines of `files.jsonl` and of the state file.
//!
//! docs/batch.md describes both. Knows no files.

use serde_json::Value;
use std::fmt::Write as _;

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Read to its end.
    Converted,
    /// Damaged or cut, and read as far as that goes.
    Partly,
    /// It could not be read, or its output not be written.
    Failed,
    /// Something else.
    NotACapture,
    /// The same as another input, and left out.
    Copy,
}

impl Status {
    const ALL: [Self; 5] = [Self::Converted, Self::Partly, Self::Failed, Self::NotACapture, Self::Copy];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Converted => "converted",
            Self::Partly => "partly",
            Self::Failed => "failed",
            Self::NotACapture => "not_a_capture",
            Self::Copy => "copy",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A line of `files.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileRecord {
    pub(super) file: String,
    pub(super) status: Status,
    pub(super) output: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) packet_count: Option<u64>,
    /// Of the session; told for its first file only, so that sums are right.
    pub(super) exchange_count: Option<u64>,
    pub(super) anomaly_count: Option<u64>,
    pub(super) message: Option<String>,
}

/// An input as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) file: String,
    pub(super) bytes: u64,
    /// Seconds and nanoseconds since 1970; text, since it has more digits than numbers in JSON keep.
    pub(super) modified: String,
}

/// A line of the state file: a session that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitRecord {
    /// Where the output is, or would be.
    pub(super) output: String,
    /// Its size; `None` where none was written, because nothing could be read.
    pub(super) output_bytes: Option<u64>,
    pub(super) inputs: Vec<Stamp>,
    /// A digest of the options.
    pub(super) options: String,
    /// The program and its version.
    pub(super) tool: String,
    /// Whether `--fail-on` was met.
    pub(super) met: bool,
    pub(super) files: Vec<FileRecord>,
}

/// An object in the making. Writing to a string cannot fail.
struct Object(String);

impl Object {
    fn new(kind: &str) -> Self {
        Self(format!("{{\"type\":\"{kind}\""))
    }

    fn text(mut self, key: &str, value: &str) -> Self {
        let _ = write!(self.0, ",\"{key}\":{}", Value::from(value));
        self
    }

    fn number(mut self, key: &str, value: Option<u64>) -> Self {
        if let Some(value) = value {
            let _ = write!(self.0, ",\"{key}\":{value}");
        }
        self
    }

    fn raw(mut self, key: &str, json: &str) -> Self {
        let _ = write!(self.0, ",\"{key}\":{json}");
        self
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

impl FileRecord {
    pub(super) fn json(&self) -> String {
        let mut object = Object::new("file").text("file", &self.file).text("status", self.status.name());
        if let Some(output) = &self.output {
            object = object.text("output", output);
        }
        object = object
            .number("bytes", self.bytes)
            .number("packet_count", self.packet_count)
            .number("exchange_count", self.exchange_count)
            .number("anomaly_count", self.anomaly_count);
        if let Some(message) = &self.message {
            object = object.text("message", message);
        }
        object.end()
    }

    fn parse(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key| value.get(key).and_then(Value::as_u64);
        Some(Self {
            file: text("file")?,
            status: Status::from_name(value.get("status")?.as_str()?)?,
            output: text("output"),
            bytes: number("bytes"),
            packet_count: number("packet_count"),
            exchange_count: number("exchange_count"),
            anomaly_count: number("anomaly_count"),
            message: text("message"),
        })
    }
}

impl Stamp {
    fn json(&self) -> String {
        let object = Object::new("input").text("file", &self.file).number("bytes", Some(self.bytes));
        object.text("modified", &self.modified).end()
    }

    fn parse(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self { file: text("file")?, bytes: value.get("bytes")?.as_u64()?, modified: text("modified")? })
    }
}

impl UnitRecord {
    pub(super) fn json(&self) -> String {
        Object::new("unit")
            .text("output", &self.output)
            .number("output_bytes", self.output_bytes)
            .text("options", &self.options)
            .text("tool", &self.tool)
            .raw("fail_on_met", if self.met { "true" } else { "false" })
            .raw("inputs", &list(self.inputs.iter().map(Stamp::json)))
            .raw("files", &list(self.files.iter().map(FileRecord::json)))
            .end()
    }

    /// The record in a line; `None` for one that was cut, or is of another kind.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let items = |key| value.get(key).and_then(Value::as_array);
        Some(Self {
            output: text("output")?,
            output_bytes: value.get("output_bytes").and_then(Value::as_u64),
            inputs: items("inputs")?.iter().map(Stamp::parse).collect::<Option<_>>()?,
            options: text("options")?,
            tool: text("tool")?,
            met: value.get("fail_on_met")?.as_bool()?,
            files: items("files")?.iter().map(FileRecord::parse).collect::<Option<_>>()?,
        })
    }

    /// Whether it need not be tried again: what cannot be read may be readable the next time.
    pub(super) fn is_done(&self) -> bool {
        self.files.iter().all(|file| file.status != Status::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> UnitRecord {
        let file = FileRecord {
            file: "a \"b\"\n\u{1b}.pcap".into(),
            status: Status::Partly,
            output: Some("a.jsonl".into()),
            bytes: Some(1),
            packet_count: Some(2),
            exchange_count: None,
            anomaly_count: Some(u64::MAX),
            message: None,
        };
        let stamp = Stamp { file: "a".into(), bytes: 1, modified: "1742245571.012000000".into() };
        UnitRecord {
            output: "a.jsonl".into(),
            output_bytes: None,
            inputs: vec![stamp.clone(), stamp],
            options: "00".into(),
            tool: "rctscope 0".into(),
            met: true,
            files: vec![file],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(UnitRecord::parse(&record().json()), Some(record()));
        let whole = UnitRecord { output_bytes: Some(7), files: Vec::new(), ..record() };
        assert_eq!(UnitRecord::parse(&whole.json()), Some(whole));
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.name()), Some(status));
        }
    }

    #[test]
    fn a_line_that_was_cut_is_none() {
        let line = record().json();
        for end in 0..line.len() {
            assert_eq!(UnitRecord::parse(&line[..end]), None, "{end}");
        }
    }
}
