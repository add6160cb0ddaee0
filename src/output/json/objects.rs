//! What records say of an object, rendered once.

use super::buffer::Piece;
use super::commands::Commands;
use super::line::{Line, key};
use crate::line::ExchangeStatus;
use crate::object::ObjectId;
use crate::output::value_text;
use crate::rct::Command;
use crate::rct::registry::{DataType, Object, ObjectPlace, Registry};
use crate::rct::value::Form;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// The objects of a registry. They are named in every line, and escaping a name anew each time costs more than finding
/// it here.
#[derive(Debug)]
pub(super) struct Objects<'r> {
    rendered: Vec<Rendered<'r>>,
    places: FxHashMap<ObjectId, usize>,
}

/// An object, and the pieces of lines that depend on nothing else.
#[derive(Debug)]
pub(super) struct Rendered<'r> {
    pub(super) object: &'r Object,
    /// Of the object, what nearly all records need: what else it is stands elsewhere, and takes longer to be had.
    id: ObjectId,
    types: [DataType; 2],
    readings: [Reading; 2],
    pub(super) ratio: bool,
    /// `,"object_id":"0x959930BF","object":"battery.soc"`
    name: Box<[u8]>,
    /// `,"unit":"%","ratio":true`, `,"unit":"W"`, or nothing.
    pub(super) unit: Tag,
    /// What ends the text of a number: ` W"`
    pub(super) text_end: Tag,
    head: Head,
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

/// A few bytes, kept where they are mentioned as a rule: what nearly every line needs of an object stands together.
type Tag = SmallVec<[u8; 24]>;

/// What was said last of an exchange about the object: `,"command":"READ","object_id":"0x959930BF","object":"battery.soc",
/// "status":"answered"`. Nearly always it is the same again.
#[derive(Debug, Default)]
struct Head {
    of: Option<(Command, ExchangeStatus)>,
    json: Piece,
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

    /// What was asked of an object (see [`Self::of`]), its id and name, and how it ended.
    #[inline]
    pub(super) fn write_head(
        &mut self,
        line: &mut Line,
        (id, place): (ObjectId, Option<ObjectPlace>),
        commands: &Commands,
        of: (Command, ExchangeStatus),
    ) {
        if let Some(Rendered { head, .. }) = self.of(id, place)
            && head.of == Some(of)
        {
            return line.piece(&head.json);
        }
        self.render_head(line, id, commands, of);
    }

    /// Appends what it keeps.
    #[cold]
    fn render_head(&mut self, line: &mut Line, id: ObjectId, commands: &Commands, of: (Command, ExchangeStatus)) {
        let start = line.len();
        line.short(commands.of(of.0));
        let known = self.places.get(&id).and_then(|place| self.rendered.get_mut(*place));
        write_object(line, known.as_deref(), id);
        line.plain(key!("status"), of.1.name());
        if let Some(known) = known {
            known.head = Head { of: Some(of), json: line.as_bytes()[start..].into() };
        }
    }
}

/// The id of an object, and its name where it is known.
pub(super) fn write_object(line: &mut Line, known: Option<&Rendered<'_>>, id: ObjectId) {
    match known {
        Some(known) => line.rendered(&known.name),
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
        let text_end = Tag::from_slice(text_end.strip_prefix(b"\"").unwrap_or_default());
        let types = [Form::Request, Form::Response].map(|form| form.data_type(object));
        Self {
            object,
            id: object.id,
            types,
            readings: types.map(|data_type| Reading::of(registry, object, data_type)),
            ratio: object.flags.ratio,
            name,
            unit: Tag::from_slice(&unit),
            text_end,
            head: Head::default(),
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
    fn another_command_or_status_is_rendered_anew() {
        let (objects, commands) = (&mut Objects::new(Registry::builtin()), Commands::default());
        let unknown = ObjectId(0xDEAD_BEEF);
        let soc = Registry::builtin().by_name("battery.soc").expect("an object").id;
        let (read, write) = (Command::READ, Command::WRITE);
        let (answered, open) = (ExchangeStatus::Answered, ExchangeStatus::Open);
        for (command, id, status) in [
            (read, soc, answered),
            (read, soc, answered),
            (write, soc, answered),
            (write, unknown, answered),
            (write, soc, open),
            (read, soc, answered),
        ] {
            let mut line = Line::default();
            objects.write_head(&mut line, (id, None), &commands, (command, status));
            let name = if id == soc { r#","object":"battery.soc""# } else { "" };
            let status = status.name();
            let expected = format!(r#","command":"{command}","object_id":"{id}"{name},"status":"{status}""#);
            assert_eq!(String::from_utf8_lossy(line.as_bytes()), expected);
        }
    }
}
