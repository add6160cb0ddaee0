//! Tables as text into a [`Registry`].
//!
//! Knows the columns of every table and what may stand in them. Reads no files: the text comes from the program itself
//! or from the caller.

use super::csv::Reader;
use super::index::Index;
use super::{DataType, Element, EventType, FieldKind, Flags, Object, Registry, RegistryError, StructField, Structure};
use super::{parse_id, search};
use crate::object::ObjectId;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::borrow::Cow;
use std::collections::hash_map::Entry;

/// The version of the built-in tables; changes with them.
const VERSION: &str = "1";

/// Bytes a line of a table of objects has on average, or some fewer: how many lines to make room for.
const ROW_BYTES: usize = 96;

const OBJECTS: &str = include_str!("objects.csv");
const ENUMS: &str = include_str!("enums.csv");
const BITS: &str = include_str!("bits.csv");
const EVENTS: &str = include_str!("events.csv");
const STRUCTS: &str = include_str!("structs.csv");

/// The registry of the built-in tables.
pub(super) fn builtin() -> Result<Registry, RegistryError> {
    let mut registry = Registry {
        version: VERSION.into(),
        enums: labels(ENUMS)?,
        bits: labels(BITS)?,
        events: events(EVENTS)?,
        structures: structures(STRUCTS)?,
        ..Registry::default()
    };
    let objects = objects(OBJECTS, &registry)?;
    registry.put(objects)?;
    Ok(registry)
}

/// `known` with the objects of `csv` added or replaced.
pub(super) fn with_overrides(known: &Registry, csv: &str) -> Result<Registry, RegistryError> {
    let mut registry = known.clone();
    registry.put(objects(csv, known)?)?;
    if !registry.version.ends_with("+overrides") {
        registry.version += "+overrides";
    }
    Ok(registry)
}

impl Registry {
    /// Adds objects, or puts them in the place of those with the same id.
    fn put(&mut self, Table { objects, lines }: Table) -> Result<(), RegistryError> {
        self.objects.reserve(objects.len());
        for object in objects {
            match self.by_id.get(object.id) {
                Some(place) => self.objects[place as usize] = object,
                None => self.objects.push(object),
            }
        }
        // The built-in table is in this order already, which makes it cheap.
        self.objects.sort_unstable_by(|a, b| {
            (a.name.is_empty(), a.name.as_str(), a.id).cmp(&(b.name.is_empty(), b.name.as_str(), b.id))
        });
        self.by_id = Index::new(self.objects.iter().map(|object| object.id));
        let twice = |pair: &&[Object]| pair[0].name == pair[1].name && !pair[0].name.is_empty();
        let Some([a, b]) = self.objects.windows(2).find(twice) else { return Ok(()) };
        let line = lines.get(&b.id).max(lines.get(&a.id)).copied().unwrap_or(1);
        let cause = format!("{} and {} are both called `{}`", a.id, b.id, a.name);
        Err(error(line, cause, "a name of its own for each object"))
    }
}

/// The columns of a table of objects.
#[derive(Clone, Copy)]
enum Column {
    ObjectId,
    Index,
    Name,
    Group,
    Type,
    RequestType,
    ResponseType,
    Unit,
    Label,
    Flags,
}

const COLUMNS: [&str; 10] =
    ["object_id", "index", "name", "group", "type", "request_type", "response_type", "unit", "label", "flags"];

/// Where each column stands, from the header line.
struct Header {
    places: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Header {
    fn read(fields: &[Cow<'_, str>], line: usize) -> Result<Self, RegistryError> {
        let mut header = Self { places: [None; COLUMNS.len()], width: fields.len() };
        for (place, field) in fields.iter().enumerate() {
            let field = field.trim();
            let Some(column) = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(field)) else {
                return Err(error(line, format!("no column is called `{field}`"), columns()));
            };
            if header.places[column].replace(place).is_some() {
                return Err(error(line, format!("the column `{field}` stands there twice"), "each column once"));
            }
        }
        let missing = |column: Column| header.places[column as usize].is_none();
        if missing(Column::ObjectId) || missing(Column::Name) {
            return Err(error(line, "the first line names no `object_id` or no `name`", columns()));
        }
        if missing(Column::Type) && missing(Column::RequestType) && missing(Column::ResponseType) {
            return Err(error(line, "the first line names no `type`", columns()));
        }
        Ok(header)
    }
}

fn columns() -> String {
    format!("a first line with some of these: {}", COLUMNS.join(","))
}

fn error(line: usize, cause: impl Into<String>, expected: impl Into<String>) -> RegistryError {
    RegistryError { line, cause: cause.into(), expected: expected.into() }
}

/// The objects of a table, and the line each of them stands in.
struct Table {
    objects: Vec<Object>,
    lines: FxHashMap<ObjectId, usize>,
}

/// Reads a table of objects, `known` telling what is not said of those it knows.
fn objects(csv: &str, known: &Registry) -> Result<Table, RegistryError> {
    let (mut reader, mut fields) = (Reader::new(csv), Vec::new());
    let Some(line) = reader.next_record(&mut fields)? else {
        return Err(error(1, "the table is empty", columns()));
    };
    let header = Header::read(&fields, line)?;
    let rows = csv.len() / ROW_BYTES;
    let mut objects = Vec::with_capacity(rows);
    let mut lines = FxHashMap::with_capacity_and_hasher(rows, FxBuildHasher);
    while let Some(line) = reader.next_record(&mut fields)? {
        let object = Row { header: &header, fields: &fields, line }.object(known)?;
        match lines.entry(object.id) {
            Entry::Occupied(first) => {
                let cause = format!("{} was described in line {} already", object.id, first.get());
                return Err(error(line, cause, "one line an object"));
            }
            Entry::Vacant(entry) => entry.insert(line),
        };
        objects.push(object);
    }
    Ok(Table { objects, lines })
}

/// A line of a table of objects.
struct Row<'a> {
    header: &'a Header,
    fields: &'a [Cow<'a, str>],
    line: usize,
}

impl Row<'_> {
    fn object(&self, known: &Registry) -> Result<Object, RegistryError> {
        if self.fields.len() != self.header.width {
            let cause = format!("{} fields", self.fields.len());
            return Err(error(self.line, cause, format!("{}, as in the first line", self.header.width)));
        }
        let id = self.get(Column::ObjectId).unwrap_or_default();
        let id = parse_id(id).ok_or_else(|| {
            error(self.line, format!("`{id}` is no object id"), "up to 8 hex digits behind 0x, such as 0x959930BF")
        })?;
        let known = known.get(id);
        let name = self.filled(Column::Name).or(known.map(|known| known.name.as_str())).unwrap_or_default();
        let (request_type, response_type) = self.types(known)?;
        let text = |column, known: Option<&String>| {
            self.get(column).or(known.map(String::as_str)).unwrap_or_default().to_owned()
        };
        let group = match self.filled(Column::Group).or(known.map(|known| known.group.as_str())) {
            Some(group) => group,
            None => group_of(name),
        };
        Ok(Object {
            id,
            index: self.index(known)?,
            name: name.to_owned(),
            group: group.to_owned(),
            request_type,
            response_type,
            unit: text(Column::Unit, known.map(|known| &known.unit)),
            label: text(Column::Label, known.map(|known| &known.label)),
            flags: self.flags(known)?,
        })
    }

    /// What stands in a column; `None` when the table has no such column.
    fn get(&self, column: Column) -> Option<&str> {
        self.header.places[column as usize].map(|place| self.fields[place].trim_ascii())
    }

    /// What stands in a column, if anything does.
    fn filled(&self, column: Column) -> Option<&str> {
        self.get(column).filter(|text| !text.is_empty())
    }

    /// How requests and responses are encoded; one stands for both where only one is said.
    fn types(&self, known: Option<&Object>) -> Result<(DataType, DataType), RegistryError> {
        let both = self.data_type(Column::Type)?;
        let request = self.data_type(Column::RequestType)?.or(both);
        let response = match self.get(Column::ResponseType) {
            text if text == self.get(Column::RequestType) => request,
            _ => self.data_type(Column::ResponseType)?.or(both),
        };
        let types = match (request.or(response), response.or(request)) {
            (Some(request), Some(response)) => Some((request, response)),
            _ => known.map(|known| (known.request_type, known.response_type)),
        };
        types.ok_or_else(|| error(self.line, "no type is given", types_expected()))
    }

    fn data_type(&self, column: Column) -> Result<Option<DataType>, RegistryError> {
        let Some(name) = self.filled(column) else { return Ok(None) };
        match DataType::from_name(name) {
            Some(data_type) => Ok(Some(data_type)),
            None => Err(error(self.line, format!("`{name}` is no type"), types_expected())),
        }
    }

    fn index(&self, known: Option<&Object>) -> Result<Option<u16>, RegistryError> {
        match self.get(Column::Index) {
            None => Ok(known.and_then(|known| known.index)),
            Some("") => Ok(None),
            Some(index) => number(index, self.line, "index").map(Some),
        }
    }

    fn flags(&self, known: Option<&Object>) -> Result<Flags, RegistryError> {
        let Some(names) = self.get(Column::Flags) else {
            return Ok(known.map_or_else(Flags::default, |known| known.flags));
        };
        let mut flags = Flags::default();
        for name in names.split_whitespace() {
            if !flags.set(name) {
                let expected = format!("some of {}, separated by blanks", Flags::NAMES.join(", "));
                return Err(error(self.line, format!("`{name}` is no flag"), expected));
            }
        }
        Ok(flags)
    }
}

fn types_expected() -> String {
    format!("one of {}", DataType::ALL.map(DataType::name).join(", "))
}

/// The first part of a name without its number; the vendor's list calls the rest `others`.
fn group_of(name: &str) -> &str {
    match name.split_once('.') {
        Some((group, _)) => group.split('[').next().unwrap_or(group),
        None => "others",
    }
}

fn number<T: std::str::FromStr>(text: &str, line: usize, what: &str) -> Result<T, RegistryError> {
    text.parse().map_err(|_| error(line, format!("`{text}` is no {what}"), "a small decimal number"))
}

/// Calls `take` with every line of a built-in table.
fn each_row<const N: usize>(
    csv: &str,
    mut take: impl FnMut([&str; N], usize) -> Result<(), RegistryError>,
) -> Result<(), RegistryError> {
    let (mut reader, mut fields) = (Reader::new(csv), Vec::new());
    reader.next_record(&mut fields)?;
    while let Some(line) = reader.next_record(&mut fields)? {
        let Ok(row): Result<&[Cow<'_, str>; N], _> = fields.as_slice().try_into() else {
            return Err(error(line, format!("{} fields", fields.len()), N.to_string()));
        };
        take(row.each_ref().map(AsRef::as_ref), line)?;
    }
    Ok(())
}

/// A table of labels by object and number.
fn labels<K: Ord + std::str::FromStr>(csv: &str) -> Result<FxHashMap<ObjectId, Vec<(K, String)>>, RegistryError> {
    let mut labels: FxHashMap<ObjectId, Vec<(K, String)>> = FxHashMap::default();
    each_row(csv, |[id, key, label], line| {
        let id = parse_id(id).ok_or_else(|| error(line, format!("`{id}` is no object id"), "0x959930BF"))?;
        labels.entry(id).or_default().push((number(key, line, "number")?, label.to_owned()));
        Ok(())
    })?;
    for labels in labels.values_mut() {
        labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    Ok(labels)
}

fn events(csv: &str) -> Result<Vec<EventType>, RegistryError> {
    let mut events = Vec::new();
    each_row(csv, |[code, mnemonic, _kind, second, third, fourth, label, note], line| {
        let element = |name: &str| {
            Element::from_name(name).ok_or_else(|| error(line, format!("`{name}` is no element"), "a known meaning"))
        };
        let code = search::parse_hex(code).ok_or_else(|| error(line, format!("`{code}` is no code"), "0x73"))?;
        events.push(EventType {
            code,
            mnemonic: mnemonic.to_owned(),
            label: label.to_owned(),
            elements: [element(second)?, element(third)?, element(fourth)?],
            note: note.to_owned(),
        });
        Ok(())
    })?;
    events.sort_unstable_by_key(|event| event.code);
    Ok(events)
}

fn structures(csv: &str) -> Result<Vec<Structure>, RegistryError> {
    let mut structures: Vec<Structure> = Vec::new();
    each_row(csv, |[structure, offset, kind, name, unit, confidence], line| {
        let data_type = DataType::from_name(structure)
            .ok_or_else(|| error(line, format!("`{structure}` is no type"), types_expected()))?;
        let kind = FieldKind::parse(kind, name)
            .ok_or_else(|| error(line, format!("`{kind}` is no encoding"), "u8, u16le, u32le, f32le, char[n] …"))?;
        let offset = number(offset, line, "offset")?;
        let documented = confidence == "documented";
        let field = StructField { offset, kind, name: name.to_owned(), unit: unit.to_owned(), documented };
        match structures.last_mut() {
            Some(last) if last.data_type == data_type => last.fields.push(field),
            _ => structures.push(Structure { data_type, fields: vec![field], size: 0 }),
        }
        Ok(())
    })?;
    for structure in &mut structures {
        structure.size = structure.fields.iter().map(|field| field.offset + field.kind.size()).max().unwrap_or(0);
    }
    Ok(structures)
}
