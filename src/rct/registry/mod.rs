//! The registry: what is known of every object, its enums, bits, events and structures.
//!
//! The tables are part of the program; a user may add objects or replace them, because another device may define
//! others. Knows no payloads: `rct::value` reads those with what is written here.

mod csv;
mod index;
mod load;
mod object;
mod search;
mod structure;

pub use object::{DataType, Flags, Object};
pub use search::parse_id;
pub use structure::{Element, EventType, FieldKind, StructField, Structure};

use crate::object::ObjectId;
use index::Index;
use rustc_hash::FxHashMap;
use std::fmt;
use std::num::NonZeroU16;
use std::sync::{Arc, LazyLock};

/// What is known of all objects.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    version: String,
    /// Sorted by name; those without a name are last, by id.
    objects: Vec<Object>,
    /// Places in `objects`.
    by_id: Index,
    /// Sorted by number.
    enums: FxHashMap<ObjectId, Vec<(u32, String)>>,
    /// Sorted by bit.
    bits: FxHashMap<ObjectId, Vec<(u8, String)>>,
    /// Sorted by code.
    events: Vec<EventType>,
    structures: Vec<Structure>,
}

/// Where an object stands in its registry: what is kept of each object can be found by it, without a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectPlace(NonZeroU16);

impl ObjectPlace {
    /// The place with this index among [`Registry::objects`]. None of the last ones, where there are more than 65,535.
    fn new(index: u32) -> Option<Self> {
        u16::try_from(index + 1).ok().and_then(NonZeroU16::new).map(Self)
    }

    /// Its index among [`Registry::objects`].
    #[inline]
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

static BUILTIN: LazyLock<Arc<Registry>> =
    LazyLock::new(|| Arc::new(load::builtin().unwrap_or_else(|error| panic!("built-in registry: {error}"))));

impl Registry {
    /// The registry that is part of the program. It is read once, in well under a millisecond.
    ///
    /// # Panics
    ///
    /// Never in a tested build: a test reads the same tables.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The same, for whoever keeps it beside others.
    pub fn shared() -> Arc<Self> {
        Arc::clone(&BUILTIN)
    }

    /// This registry with the objects of `csv` added, or put in the place of those with the same id.
    ///
    /// The first line names the columns: `object_id`, `name` and one of `type`, `request_type` and `response_type` are
    /// needed; `index`, `group`, `unit`, `label` and `flags` are welcome. Of an object that is known already, what the
    /// file has no column for stays as it is; an empty name or type too.
    pub fn with_overrides(&self, csv: &str) -> Result<Self, RegistryError> {
        load::with_overrides(self, csv)
    }

    /// The version of the tables: `1`, or `1+overrides` where the user changed them.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The object with this id.
    #[inline]
    pub fn get(&self, id: ObjectId) -> Option<&Object> {
        self.by_id.get(id).map(|place| &self.objects[place as usize])
    }

    /// The place of the object with this id.
    #[inline]
    pub fn place(&self, id: ObjectId) -> Option<ObjectPlace> {
        self.by_id.get(id).and_then(ObjectPlace::new)
    }

    /// The object with this name, written exactly so.
    pub fn by_name(&self, name: &str) -> Option<&Object> {
        let named = self.objects.partition_point(|object| !object.name.is_empty());
        let named = &self.objects[..named];
        named.binary_search_by(|object| object.name.as_str().cmp(name)).ok().map(|place| &named[place])
    }

    /// All objects, by name; those without a name are last.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &Object> {
        self.objects.iter()
    }

    /// The numbers of an enum object with their names, in ascending order; empty where none is known.
    pub fn enum_values(&self, id: ObjectId) -> &[(u32, String)] {
        self.enums.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The name of a number of an enum object.
    pub fn enum_label(&self, id: ObjectId, number: u32) -> Option<&str> {
        label(self.enum_values(id), &number)
    }

    /// The bits of a bit field with their names, the lowest first; empty where the object is no bit field.
    pub fn bits(&self, id: ObjectId) -> &[(u8, String)] {
        self.bits.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The name of a bit of a bit field.
    pub fn bit_label(&self, id: ObjectId, bit: u8) -> Option<&str> {
        label(self.bits(id), &bit)
    }

    /// What is known of an event code.
    pub fn event(&self, code: u32) -> Option<&EventType> {
        self.events.binary_search_by_key(&code, |event| event.code).ok().map(|place| &self.events[place])
    }

    /// All event types, by code.
    pub fn events(&self) -> &[EventType] {
        &self.events
    }

    /// The layout of a structured data type.
    pub fn structure(&self, data_type: DataType) -> Option<&Structure> {
        self.structures.iter().find(|structure| structure.data_type == data_type)
    }

    /// All layouts.
    pub fn structures(&self) -> &[Structure] {
        &self.structures
    }
}

fn label<'a, K: Ord>(labels: &'a [(K, String)], key: &K) -> Option<&'a str> {
    let place = labels.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
    Some(&labels[place].1)
}

/// Why a table of objects cannot be used: where, what is wrong, and what should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub cause: String,
    /// What was expected instead.
    pub expected: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; expected {}", self.line, self.cause, self.expected)
    }
}

impl std::error::Error for RegistryError {}

#[cfg(test)]
mod tests;
