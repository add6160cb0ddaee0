//! What is known of one object, and the names of data types and marks.
//!
//! Knows neither the table of all objects nor how a value of a type is read.

use crate::object::ObjectId;

/// The encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One byte, 0 or 1.
    Bool,
    /// One byte (or more) that stands for a name.
    Enum,
    /// 1 byte, signed.
    Int8,
    /// 1 byte, unsigned.
    Uint8,
    /// 2 bytes, signed.
    Int16,
    /// 2 bytes, unsigned.
    Uint16,
    /// 4 bytes, signed.
    Int32,
    /// 4 bytes, unsigned.
    Uint32,
    /// 4 bytes, IEEE 754.
    Float,
    /// Text padded with `00`.
    String,
    /// A history of the logger.
    Timeseries,
    /// The event table.
    EventTable,
    /// 24 cells.
    BatteryModuleStatus,
    /// 24 resistances.
    BatteryModuleResistance,
    /// 4 extremes.
    BatteryModuleStatistics,
    /// A packed structure.
    NetSlaveData,
    /// A packed structure.
    NetPackage,
    /// Not known.
    Unknown,
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its id.
    pub id: ObjectId,
    /// Its rank in the vendor's list, where known.
    pub index: Option<u16>,
    /// Its name, such as `battery.soc`.
    pub name: String,
    /// The first part of the name.
    pub group: String,
    /// How a WRITE of it is encoded.
    pub request_type: DataType,
    /// How a RESPONSE of it is encoded.
    pub response_type: DataType,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// What it is, in a few words; empty where only the name is known.
    pub label: String,
    /// What else is known.
    pub flags: Flags,
}

/// Marks of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent marks from the registry's flags column")]
pub struct Flags {
    /// Holds something to be masked before sharing.
    pub secret: bool,
    /// A write changes safety, grid code, firmware, network, service or power control.
    pub sensitive_write: bool,
    /// 0..1 on the wire, shown as percent whatever the unit says.
    pub ratio: bool,
    /// The integer is a unix time.
    pub unix_time: bool,
}

impl DataType {
    /// Whether it is a history or the event table: a WRITE to it is a question, and its answer has rows.
    pub const fn is_table(self) -> bool {
        matches!(self, Self::Timeseries | Self::EventTable)
    }

    /// Every data type.
    pub const ALL: [Self; 18] = [
        Self::Bool,
        Self::Enum,
        Self::Int8,
        Self::Uint8,
        Self::Int16,
        Self::Uint16,
        Self::Int32,
        Self::Uint32,
        Self::Float,
        Self::String,
        Self::Timeseries,
        Self::EventTable,
        Self::BatteryModuleStatus,
        Self::BatteryModuleResistance,
        Self::BatteryModuleStatistics,
        Self::NetSlaveData,
        Self::NetPackage,
        Self::Unknown,
    ];

    /// The name in tables and records: `uint16`, `event_table` …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Enum => "enum",
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int16 => "int16",
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Float => "float",
            Self::String => "string",
            Self::Timeseries => "timeseries",
            Self::EventTable => "event_table",
            Self::BatteryModuleStatus => "battery_module_status",
            Self::BatteryModuleResistance => "battery_module_resistance",
            Self::BatteryModuleStatistics => "battery_module_statistics",
            Self::NetSlaveData => "net_slave_data",
            Self::NetPackage => "net_package",
            Self::Unknown => "unknown",
        }
    }

    /// The data type with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data_type| data_type.name().eq_ignore_ascii_case(name))
    }

    /// Bytes of a value, where every value has as many.
    pub const fn size(self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::Enum | Self::Int8 | Self::Uint8 => 1,
            Self::Int16 | Self::Uint16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float => 4,
            Self::BatteryModuleStatus | Self::BatteryModuleResistance => 96,
            Self::BatteryModuleStatistics => 48,
            Self::NetSlaveData => 108,
            Self::NetPackage => 36,
            Self::String | Self::Timeseries | Self::EventTable | Self::Unknown => return None,
        })
    }

    /// Whether it is an integer with a sign.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32)
    }
}

impl Flags {
    /// The names of all marks, in their fixed order.
    pub const NAMES: [&'static str; 4] = ["secret", "sensitive_write", "ratio", "unix_time"];

    /// The names of those that are set, in their fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = [self.secret, self.sensitive_write, self.ratio, self.unix_time];
        Self::NAMES.into_iter().zip(set).filter_map(|(name, set)| set.then_some(name))
    }

    /// Sets the mark with this name; false when there is none.
    pub(super) fn set(&mut self, name: &str) -> bool {
        match name {
            "secret" => self.secret = true,
            "sensitive_write" => self.sensitive_write = true,
            "ratio" => self.ratio = true,
            "unix_time" => self.unix_time = true,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_their_names() {
        for data_type in DataType::ALL {
            assert_eq!(DataType::from_name(data_type.name()), Some(data_type));
        }
        assert_eq!(DataType::from_name("FLOAT"), Some(DataType::Float));
        assert_eq!(DataType::from_name("double"), None);
    }

    #[test]
    fn marks_are_set_by_their_names() {
        let mut flags = Flags::default();
        for name in Flags::NAMES {
            assert!(flags.set(name));
        }
        assert!(!flags.set("colour"));
        assert!(flags.names().eq(Flags::NAMES));
    }
}
