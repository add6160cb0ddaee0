//! What records say of an object, rendered once.
#![expect(clippy::inline_always, reason = "a call costs more than to append a piece")]

use super::buffer::Piece;
use super::line::{Line, key};
use crate::object::ObjectId;
use crate::output::value_text;
use crate::rct::registry::{DataType, Object, ObjectPlace, Registry};
use crate::rct::value::Form;
use rustc_hash::FxHashMap;

/// The objects of a registry. They are named in every line, and escaping a name anew each time costs more than finding
/// it here.
#[derive(Debug)]
pub(super) struct Objects<'r> {
    rendered: Vec<Rendered<'r>>,
    places: FxHashMap<ObjectId, usize>,
}

/// An object, and the pieces of lines that depend on nothing else.
///
/// The objects of a registry are far more than the nearest cache holds. So what nearly every record needs of one is in front,
/// in one line of the cache, the name in the next one, and in the one after that where it is long.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Rendered<'r> {
    id: ObjectId,
    types: [DataType; 2],
    readings: [Reading; 2],
    pub(super) ratio: bool,
    unit: Piece<24>,
    text_end: Piece<24>,
    name: Piece<96>,
    pub(super) object: &'r Object,
    whole: Texts,
}

/// The same pieces where they are longer.
#[derive(Debug)]
struct Texts {
    /// `,"object_id":"0x959930BF","object":"battery.soc"`
    name: Box<[u8]>,
    /// `,"unit":"%","ratio":true`, `,"unit":"W"`, or nothing.
    unit: Box<[u8]>,
    /// What ends the text of a number: ` W"`
    text_end: Box<[u8]>,
}

/// What the number that a value is stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Float,
    /// Itself, and no ratio.
    Whole,
    /// Seconds of the device's clock.
    Moment,
    /// It has a name, or its bits have; or it is no number.
    Other,
}

impl Reading {
    /// As `value::decode_value` reads it.
    fn of(registry: &Registry, object: &Object, data_type: DataType) -> Self {
        let has_names = !registry.enum_values(object.id).is_empty();
        match data_type {
            DataType::Float => Self::Float,
            _ if !registry.bits(object.id).is_empty() || object.flags.ratio => Self::Other,
            DataType::Uint32 if object.flags.unix_time => Self::Moment,
            DataType::Uint8
            | DataType::Uint16
            | DataType::Uint32
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
                if !object.flags.unix_time && !has_names =>
            {
                Self::Whole
            }
            _ => Self::Other,
        }
    }
}

impl<'r> Objects<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        let mut line = Line::default();
        let rendered: Vec<_> = registry.objects().map(|object| Rendered::new(&mut line, registry, object)).collect();
        let places = rendered.iter().enumerate().map(|(at, known)| (known.object.id, at)).collect();
        Self { rendered, places }
    }

    /// The object of a frame, where that is looked up already.
    #[inline]
    pub(super) fn of(&self, id: ObjectId, place: Option<ObjectPlace>) -> Option<&Rendered<'r>> {
        let known = place.and_then(|place| self.rendered.get(place.index()));
        // Who has analyzed with another registry has other places.
        known.filter(|known| known.id == id).or_else(|| self.get(id))
    }

    /// The object with this id.
    pub(super) fn get(&self, id: ObjectId) -> Option<&Rendered<'r>> {
        self.rendered.get(*self.places.get(&id)?)
    }
}

/// The id of an object, and its name where it is known.
pub(super) fn write_object(line: &mut Line, known: Option<&Rendered<'_>>, id: ObjectId) {
    match known {
        Some(known) => known.write_name(line),
        None => line.object_id(key!("object_id"), id),
    }
}

impl<'r> Rendered<'r> {
    pub(super) fn new(scratch: &mut Line, registry: &Registry, object: &'r Object) -> Self {
        let mut piece = |write: &dyn Fn(&mut Line)| -> Box<[u8]> {
            scratch.clear();
            write(scratch);
            scratch.as_bytes().into()
        };
        let name = piece(&|line| {
            line.object_id(key!("object_id"), object.id);
            line.string(key!("object"), &object.name);
        });
        let unit = piece(&|line| {
            if object.flags.ratio {
                line.raw(r#","unit":"%","ratio":true"#);
            } else if !object.unit.is_empty() {
                line.string(key!("unit"), &object.unit);
            }
        });
        let text_end = piece(&|line| {
            let mut unit = String::new();
            value_text::unit_of(&mut unit, object);
            line.string("", &unit);
        });
        // Without the quote that it begins with.
        let text_end: Box<[u8]> = text_end.strip_prefix(b"\"").unwrap_or_default().into();
        let types = [Form::Request, Form::Response].map(|form| form.data_type(object));
        Self {
            object,
            id: object.id,
            types,
            readings: types.map(|data_type| Reading::of(registry, object, data_type)),
            ratio: object.flags.ratio,
            unit: (&*unit).into(),
            text_end: (&*text_end).into(),
            name: (&*name).into(),
            whole: Texts { name, unit, text_end },
        }
    }

    /// The id and the name.
    #[inline(always)]
    fn write_name(&self, line: &mut Line) {
        if !line.piece(&self.name) {
            line.rendered(&self.whole.name);
        }
    }

    /// What a number is measured in, and whether it is a ratio; nothing where neither is known.
    #[inline(always)]
    pub(super) fn write_unit(&self, line: &mut Line) {
        if !line.piece(&self.unit) {
            line.rendered(&self.whole.unit);
        }
    }

    /// What ends the text of a number: the unit and a quote.
    #[inline(always)]
    pub(super) fn write_text_end(&self, line: &mut Line) {
        if !line.piece(&self.text_end) {
            line.rendered(&self.whole.text_end);
        }
    }

    /// See [`Form::data_type`].
    #[inline]
    pub(super) const fn data_type(&self, form: Form) -> DataType {
        self.types[form as usize]
    }

    /// What the number stands for that a value of that type is.
    #[inline]
    pub(super) const fn reading(&self, form: Form) -> Reading {
        self.readings[form as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_another_registry_misleads_nobody() {
        let (registry, mut line) = (Registry::builtin(), Line::default());
        let objects = Objects::new(registry);
        let [soc, power] =
            ["battery.soc", "g_sync.p_ac_load_sum_lp"].map(|name| registry.by_name(name).expect("one").id);
        for place in [None, registry.place(soc), registry.place(power)] {
            let found = objects.of(soc, place).expect("an object");
            assert_eq!(found.object.id, soc, "{place:?}");
        }
        assert_eq!(Rendered::new(&mut line, registry, registry.get(soc).expect("one")).id, soc);
    }

    #[test]
    fn names_and_units_may_be_of_any_length() {
        for length in [0, 1, 8, 60, 61, 200] {
            let (name, unit) = ("n".repeat(length + 1), "u".repeat(length));
            let csv = format!("object_id,name,type,unit\n0x00000001,{name},FLOAT,{unit}\n");
            let registry = Registry::default().with_overrides(&csv).expect("a table");
            let (mut line, id) = (Line::default(), ObjectId(1));
            let objects = Objects::new(&registry);
            let known = objects.of(id, registry.place(id)).expect("it is there");
            write_object(&mut line, Some(known), id);
            known.write_unit(&mut line);
            known.write_text_end(&mut line);
            let (key, blank) = if length == 0 { (String::new(), "") } else { (format!(r#","unit":"{unit}""#), " ") };
            let expected = format!(r#","object_id":"0x00000001","object":"{name}"{key}{blank}{unit}""#);
            assert_eq!(String::from_utf8_lossy(line.as_bytes()), expected);
        }
    }
}
