//! The layout of structured payloads and the meaning of event rows.
//!
//! Knows how they are described in tables. Knows no payloads.

use super::DataType;

/// The layout of a structured payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The data type it is the layout of.
    pub data_type: DataType,
    /// Its fields, in order of their offsets; a bit follows the byte it belongs to.
    pub fields: Vec<StructField>,
    /// Bytes of the whole.
    pub size: usize,
}

/// A field of a [`Structure`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructField {
    /// Bytes before it.
    pub offset: usize,
    /// How it is encoded.
    pub kind: FieldKind,
    /// Its name.
    pub name: String,
    /// Its unit; `ratio` for a number 0..1, `unix_time` for seconds since 1970, empty where it has none.
    pub unit: String,
    /// Documented by the vendor, rather than inferred from payloads.
    pub documented: bool,
}

/// How a field of a structure is encoded. Integers and floats are little-endian unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 1 byte.
    U8,
    /// 2 bytes.
    U16Le,
    /// 2 bytes, big-endian.
    U16Be,
    /// 4 bytes.
    U32Le,
    /// 4 bytes, IEEE 754.
    F32Le,
    /// 4 bytes, the id of an object.
    ObjectId,
    /// 4 bytes, a value of the object named before it.
    ObjectValue,
    /// One bit of the byte at this offset, 0 the lowest.
    Bit(u8),
    /// Text padded with `00`.
    Text(usize),
    /// Bytes without a known meaning.
    Bytes(usize),
}

impl FieldKind {
    /// The kind written as `kind` in a table, for a field called `name`.
    pub(super) fn parse(kind: &str, name: &str) -> Option<Self> {
        let sized = |prefix: &str| kind.strip_prefix(prefix)?.strip_suffix(']')?.parse().ok();
        Some(match kind {
            "u8" => Self::U8,
            "u16le" => Self::U16Le,
            "u16be" => Self::U16Be,
            "u32le" if name == "object_id" => Self::ObjectId,
            "u32le" => Self::U32Le,
            "f32le" => Self::F32Le,
            "bytes[4]" if name == "object_value" => Self::ObjectValue,
            _ => {
                if let Some(bit) = kind.strip_prefix("bit") {
                    Self::Bit(bit.parse().ok().filter(|&bit| bit < 8)?)
                } else if let Some(size) = sized("char[") {
                    Self::Text(size)
                } else {
                    Self::Bytes(sized("bytes[")?)
                }
            }
        })
    }

    /// Bytes it takes; 1 for a bit, though it shares that byte.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::Bit(_) => 1,
            Self::U16Le | Self::U16Be => 2,
            Self::U32Le | Self::F32Le | Self::ObjectId | Self::ObjectValue => 4,
            Self::Text(size) | Self::Bytes(size) => size,
        }
    }

    /// What it is called for people.
    pub fn describe(self) -> String {
        match self {
            Self::U8 => "u8".into(),
            Self::U16Le => "u16 little-endian".into(),
            Self::U16Be => "u16 big-endian".into(),
            Self::U32Le => "u32 little-endian".into(),
            Self::F32Le => "float little-endian".into(),
            Self::ObjectId => "object id, little-endian".into(),
            Self::ObjectValue => "value of that object".into(),
            Self::Bit(bit) => format!("bit {bit}"),
            Self::Text(size) => format!("text, {size} bytes"),
            Self::Bytes(size) => format!("{size} bytes"),
        }
    }
}

/// What is known of an event code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    /// The code.
    pub code: u32,
    /// The vendor's name, such as `PRM_CHANGE`; empty where only the fault list has it.
    pub mnemonic: String,
    /// What happened, in a few words.
    pub label: String,
    /// The meaning of the second, third and fourth element.
    pub elements: [Element; 3],
    /// Where sources disagree; empty where they do not.
    pub note: String,
}

/// The meaning of an element of an event row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// When it ended, unix time.
    EndTime,
    /// The object that was changed.
    Object,
    /// A measurement.
    Float,
    /// A number with a meaning of its own.
    Code,
    /// The value before, encoded by the object's type.
    RawOld,
    /// The value after, encoded by the object's type.
    RawNew,
    /// The software version before.
    VersionOld,
    /// The software version after.
    VersionNew,
    /// Not known.
    Unknown,
    /// Always zero.
    Unused,
}

impl Element {
    /// The element called `name` in a table.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "end_time" => Self::EndTime,
            "object_id" => Self::Object,
            "float" => Self::Float,
            "code" => Self::Code,
            "raw_old" => Self::RawOld,
            "raw_new" => Self::RawNew,
            "version_old" => Self::VersionOld,
            "version_new" => Self::VersionNew,
            "unknown" => Self::Unknown,
            "unused" => Self::Unused,
            _ => return None,
        })
    }
}
