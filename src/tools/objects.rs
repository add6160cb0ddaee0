//! `rctscope objects`: the registry as a table, as JSON lines, or one object with all that is known of it.

use crate::rct::registry::{DataType, Object, Registry, StructField};
use std::fmt;
use std::io::{self, Write};

/// What to list, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// A name, a pattern or an id; all objects without one.
    pub pattern: Option<&'a str>,
    /// How to write it.
    pub format: Format,
}

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, in lines of at most so many characters. One object asked for by name or id is shown in detail.
    Text {
        /// Characters a line; fewer than 60 count as 60.
        width: usize,
    },
    /// A JSON object a line.
    Json,
}

/// Why nothing was listed.
#[derive(Debug)]
pub enum ObjectsError {
    /// No object matches; perhaps the second was meant.
    NoMatch(String, Option<String>),
    /// The output could not be written.
    Io(io::Error),
}

impl fmt::Display for ObjectsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch(pattern, Some(near)) => write!(f, "no object matches `{pattern}`; did you mean `{near}`?"),
            Self::NoMatch(pattern, None) => write!(f, "no object matches `{pattern}`; try `*{pattern}*`"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ObjectsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoMatch(..) => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for ObjectsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the objects that were asked for, by name.
pub fn run(registry: &Registry, request: &Request<'_>, out: &mut dyn Write) -> Result<(), ObjectsError> {
    let pattern = request.pattern.unwrap_or("*");
    let objects = registry.glob(pattern);
    if objects.is_empty() {
        let near = registry.suggest(pattern).map(|object| object.name.clone());
        return Err(ObjectsError::NoMatch(pattern.to_owned(), near));
    }
    match request.format {
        Format::Json => objects.iter().try_for_each(|object| json(registry, object, out))?,
        Format::Text { width } => match objects.as_slice() {
            &[object] if !pattern.contains(['*', '?']) => detail(registry, object, out)?,
            objects => table(objects, width, out)?,
        },
    }
    Ok(())
}

/// Characters of a cell of the table, `…` in the middle where text was left out: both ends of a name carry meaning.
fn cell(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text:<width$}");
    }
    let head = width.saturating_sub(1) / 2;
    let tail = width.saturating_sub(1) - head;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// The marks of an object in four columns, explained below the table.
fn marks(object: &Object) -> String {
    let flags = object.flags;
    [(flags.secret, 's'), (flags.sensitive_write, 'w'), (flags.ratio, '%'), (flags.unix_time, 't')]
        .into_iter()
        .map(|(set, mark)| if set { mark } else { '.' })
        .collect()
}

/// The widths of the columns of a table that are not always the same.
struct Widths {
    name: usize,
    data_type: usize,
    unit: usize,
    label: usize,
}

impl Widths {
    /// Columns are as wide as their longest cell. Where that is too much, long types are cut first, then names and
    /// labels so that both keep about half of what is left.
    fn new(objects: &[&Object], width: usize) -> Self {
        let longest = |text: fn(&Object) -> &str, head: &str| {
            objects.iter().map(|object| text(object).chars().count()).max().unwrap_or(0).max(head.len())
        };
        let data_type = longest(|object| object.response_type.name(), "type").min(11);
        let unit = longest(|object| &object.unit, "unit");
        // What is left of the line after the id, the marks, and the blanks between.
        let rest = width.max(60).saturating_sub(10 + data_type + unit + 4 + 5);
        let (name, label) = (longest(|object| &object.name, "name"), longest(|object| &object.label, "label"));
        let name = name.min((rest * 11 / 20).max(rest.saturating_sub(label)));
        Self { name, data_type, unit, label: rest - name }
    }
}

fn table(objects: &[&Object], width: usize, out: &mut dyn Write) -> io::Result<()> {
    let widths = Widths::new(objects, width);
    let mut line = |id: &str, name: &str, data_type: &str, unit: &str, marks: &str, label: &str| {
        let (name, label) = (cell(name, widths.name), cell(label, widths.label));
        let (data_type, unit) = (cell(data_type, widths.data_type), cell(unit, widths.unit));
        let line = format!("{id:<10} {name} {data_type} {unit} {marks:<4} {label}");
        writeln!(out, "{}", line.trim_end())
    };
    line("id", "name", "type", "unit", "", "label")?;
    for object in objects {
        let data_type = object.response_type.name();
        line(&object.id.to_string(), &object.name, data_type, &object.unit, &marks(object), &object.label)?;
    }
    let count = objects.len();
    writeln!(out, "{count} {}", if count == 1 { "object" } else { "objects" })?;
    writeln!(out, "s secret   w a write is sensitive   % ratio 0..1, shown as percent   t unix time")
}

fn detail(registry: &Registry, object: &Object, out: &mut dyn Write) -> io::Result<()> {
    let name = if object.name.is_empty() { "(no name known)" } else { &object.name };
    writeln!(out, "{}  {name}", object.id)?;
    let mut line = |what: &str, text: &str| {
        if text.is_empty() { Ok(()) } else { writeln!(out, "  {what:<8} {text}") }
    };
    line("label", &object.label)?;
    line("group", &object.group)?;
    line("type", &type_text(object))?;
    line("unit", &object.unit)?;
    line("flags", &object.flags.names().map(flag_text).collect::<Vec<_>>().join("; "))?;
    line("index", &object.index.map(|index| format!("{index} in the vendor's list")).unwrap_or_default())?;
    for (number, label) in registry.enum_values(object.id) {
        line("value", &format!("{number:>3}  {label}"))?;
    }
    for (bit, label) in registry.bits(object.id) {
        line("bit", &format!("{bit:>3}  {label}"))?;
    }
    fields(registry, object.response_type, out)?;
    if object.response_type == DataType::EventTable {
        events(registry, out)?;
    }
    Ok(())
}

fn type_text(object: &Object) -> String {
    let size = |data_type: DataType| match data_type.size() {
        Some(1) => format!("{}, 1 byte", data_type.name()),
        Some(size) => format!("{}, {size} bytes", data_type.name()),
        None => data_type.name().to_owned(),
    };
    if object.request_type == object.response_type {
        size(object.response_type)
    } else {
        format!("{}; written as {}", size(object.response_type), size(object.request_type))
    }
}

fn flag_text(name: &str) -> &str {
    match name {
        "secret" => "secret: mask before sharing",
        "sensitive_write" => "sensitive_write: a write changes safety, network or power control",
        "ratio" => "ratio: 0..1 on the wire, shown as percent",
        "unix_time" => "unix_time: seconds since 1970 on the device's clock",
        other => other,
    }
}

fn fields(registry: &Registry, data_type: DataType, out: &mut dyn Write) -> io::Result<()> {
    let Some(structure) = registry.structure(data_type) else { return Ok(()) };
    for field in &structure.fields {
        let (kind, unit) = (field.kind.describe(), &field.unit);
        let doubt = if field.documented { "" } else { "(inferred)" };
        let line = format!("  field  {:>4}  {:<24} {kind:<22} {unit:<9} {doubt}", field.offset, field.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn events(registry: &Registry, out: &mut dyn Write) -> io::Result<()> {
    for event in registry.events() {
        let line = format!("  event  0x{:02X}  {}  {}", event.code, event.label, event.mnemonic);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes an object as one line of JSON. What is not known is absent.
fn json(registry: &Registry, object: &Object, out: &mut dyn Write) -> io::Result<()> {
    let mut keys = vec![text_key("type", "object"), text_key("object_id", &object.id.to_string())];
    keys.push(text_key("object", &object.name));
    keys.push(text_key("group", &object.group));
    keys.push(text_key("request_type", object.request_type.name()));
    keys.push(text_key("response_type", object.response_type.name()));
    keys.push(text_key("unit", &object.unit));
    keys.push(text_key("label", &object.label));
    keys.push(object.index.map(|index| format!("\"index\":{index}")));
    keys.push(list_key("marks", object.flags.names().map(quoted)));
    let labelled = |key: &str, number: u32, label: &str| format!("{{\"{key}\":{number},\"label\":{}}}", quoted(label));
    let values = registry.enum_values(object.id).iter();
    keys.push(list_key("values", values.map(|(number, label)| labelled("num", *number, label))));
    let bits = registry.bits(object.id).iter();
    keys.push(list_key("bits", bits.map(|(bit, label)| labelled("bit", (*bit).into(), label))));
    let fields = registry.structure(object.response_type).map_or(&[][..], |structure| &structure.fields);
    keys.push(list_key("fields", fields.iter().map(field_json)));
    writeln!(out, "{{{}}}", keys.into_iter().flatten().collect::<Vec<_>>().join(","))
}

fn field_json(field: &StructField) -> String {
    let keys = [
        Some(format!("\"offset\":{}", field.offset)),
        text_key("name", &field.name),
        text_key("encoding", &field.kind.describe()),
        text_key("unit", &field.unit),
        Some(format!("\"documented\":{}", field.documented)),
    ];
    format!("{{{}}}", keys.into_iter().flatten().collect::<Vec<_>>().join(","))
}

/// A key with a text, or nothing when the text is empty.
fn text_key(key: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("\"{key}\":{}", quoted(text)))
}

/// A key with a list, or nothing when the list is empty.
fn list_key(key: &str, items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| format!("\"{key}\":[{}]", items.join(",")))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pattern: Option<&str>, format: Format) -> Result<String, String> {
        let mut out = Vec::new();
        run(Registry::builtin(), &Request { pattern, format }, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn cells() {
        for (text, width, expected) in [
            ("soc", 5, "soc  "),
            ("soc", 3, "soc"),
            ("battery_module_status", 11, "batte…tatus"),
            ("größer", 4, "g…er"),
            ("abc", 1, "…"),
        ] {
            assert_eq!(cell(text, width), expected);
        }
    }

    #[test]
    fn a_table_keeps_to_its_width() {
        for width in [0, 60, 80, 120] {
            let text = list(None, Format::Text { width }).expect("objects");
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.max(80)), "{width}: {widest:?}");
            assert_eq!(text.lines().count(), 901 + 3);
        }
    }

    #[test]
    fn a_pattern_gives_a_table() {
        let text = list(Some("power_mng.soc_m*"), Format::Text { width: 80 }).expect("objects");
        let expected = "\
id         name                     type  unit      label
0x97997C93 power_mng.soc_max        float %    .w%. State of char…t, upper bound
0xCE266F0F power_mng.soc_min        float %    .w%. State of char…t, lower bound
0x8EBF9574 power_mng.soc_min_island float %    .w%. State of char… bound, island
3 objects
s secret   w a write is sensitive   % ratio 0..1, shown as percent   t unix time
";
        assert_eq!(text, expected);
    }

    #[test]
    fn one_object_is_shown_in_detail() {
        let by_name = list(Some("nsm.apm"), Format::Text { width: 80 }).expect("an object");
        assert_eq!(list(Some("0x7232F7AF"), Format::Text { width: 80 }).as_ref(), Ok(&by_name));
        let expected = "\
0x7232F7AF  nsm.apm
  label    Active power control mode
  group    nsm
  type     enum, 1 byte
  flags    sensitive_write: a write changes safety, network or power control
  index    408 in the vendor's list
  value      0  Off
  value      1  P(f) control
";
        assert_eq!(by_name, expected);
    }

    #[test]
    fn json_lines_can_be_read() {
        let text = list(None, Format::Json).expect("objects");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 901);
        assert!(text.lines().all(|line| line.starts_with("{\"type\":\"object\",\"object_id\":\"0x")));
        let package = lines.iter().find(|line| line["object"] == "net.package").expect("listed");
        assert_eq!(package["fields"][5]["encoding"], "object id, little-endian");
    }

    #[test]
    fn a_slip_is_answered_with_the_name_that_was_meant() {
        let error = list(Some("battery.sock"), Format::Json).expect_err("no such object");
        assert_eq!(error, "no object matches `battery.sock`; did you mean `battery.soc`?");
        assert!(list(Some("nothing*like*it"), Format::Json).is_err());
    }
}
