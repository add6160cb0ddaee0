//! What every record says of an object, rendered once.

use super::line::{Line, key};
use crate::object::ObjectId;
use crate::rct::registry::Registry;
use rustc_hash::FxHashMap;

/// `,"object_id":"0x959930BF","object":"battery.soc"` for every object of a registry. Objects are named in every
/// line, and escaping a name anew each time costs more than finding it here.
#[derive(Debug)]
pub(super) struct Names(FxHashMap<ObjectId, Box<str>>);

impl Names {
    pub(super) fn new(registry: &Registry) -> Self {
        let render = |id: ObjectId, name: &str| {
            let mut line = Line::default();
            write_id(&mut line, id);
            line.raw(key!("object"));
            line.string(name);
            String::from_utf8_lossy(line.as_bytes()).into()
        };
        Self(registry.objects().map(|object| (object.id, render(object.id, &object.name))).collect())
    }

    /// The id, and the name where there is one.
    pub(super) fn write(&self, line: &mut Line, id: ObjectId) {
        match self.0.get(&id) {
            Some(rendered) => line.raw(rendered),
            None => write_id(line, id),
        }
    }
}

fn write_id(line: &mut Line, id: ObjectId) {
    line.raw(key!("object_id"));
    line.object_id(id);
}
