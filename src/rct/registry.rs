//! The registry: what is known of every object, its enums, bits, events and structures.

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
