use super::*;
use std::collections::HashSet;

#[test]
fn the_built_in_tables_hold_together() {
    let registry = load::builtin().expect("readable tables");
    assert_eq!(registry.objects().len(), 901);
    assert_eq!(registry.objects().map(|object| object.id).collect::<HashSet<_>>().len(), 901);
    let named: Vec<&Object> = registry.objects().filter(|object| !object.name.is_empty()).collect();
    assert_eq!(named.len(), 897);
    assert_eq!(named.iter().map(|object| &object.name).collect::<HashSet<_>>().len(), 897);
    assert!(named.is_sorted_by_key(|object| &object.name));
    for object in registry.objects() {
        assert!(!object.name.is_empty() || object.label.is_empty(), "{} has a label and no name", object.id);
        check_object(object);
    }
    let mut ranked: Vec<&Object> = registry.objects().filter(|object| object.index.is_some()).collect();
    ranked.sort_by_key(|object| object.id);
    assert!(ranked.iter().enumerate().all(|(rank, object)| object.index.map(usize::from) == Some(rank)));
}

fn check_object(object: &Object) {
    use DataType::{EventTable, Float, Int32, Timeseries, Uint32};
    let Object { request_type, response_type, flags, .. } = *object;
    let may_differ = [(Int32, Timeseries), (Int32, EventTable)];
    assert!(request_type == response_type || may_differ.contains(&(request_type, response_type)), "{}", object.name);
    assert!(!flags.ratio || matches!(response_type, Float | Timeseries), "{}", object.name);
    assert!(!flags.ratio || ["", "%"].contains(&object.unit.as_str()), "{}", object.name);
    assert!(object.unit != "%" || flags.ratio, "{}", object.name);
    assert!(!flags.unix_time || matches!(request_type, Int32 | Uint32), "{}", object.name);
    let hidden = ["_sn", "password", "ssid"].iter().any(|end| object.name.ends_with(end));
    assert!(!hidden || flags.secret, "{}", object.name);
}

#[test]
fn enums_and_bits_belong_to_objects_that_can_hold_them() {
    let registry = Registry::builtin();
    let width = |id: &ObjectId| {
        let object = registry.get(*id).unwrap_or_else(|| panic!("{id} is no object"));
        (object.response_type, 8 * object.response_type.size().expect("an integer"))
    };
    for (id, values) in &registry.enums {
        let (data_type, width) = width(id);
        assert!(matches!(data_type, DataType::Enum | DataType::Uint8 | DataType::Uint16 | DataType::Uint32), "{id}");
        assert!(values.iter().all(|(value, _)| u64::from(*value) < 1 << width), "{id}");
        assert!(values.is_sorted_by(|(a, _), (b, _)| a < b), "{id} has a value twice");
    }
    for (id, bits) in &registry.bits {
        let (data_type, width) = width(id);
        assert!(!matches!(data_type, DataType::Enum | DataType::Bool | DataType::Float), "{id}");
        assert!(bits.iter().all(|(bit, _)| usize::from(*bit) < width), "{id}");
        assert!(bits.is_sorted_by(|(a, _), (b, _)| a < b), "{id} has a bit twice");
    }
    assert_eq!(registry.enums.values().map(Vec::len).sum::<usize>(), 94);
    assert_eq!(registry.bits.values().map(Vec::len).sum::<usize>(), 177);
}

#[test]
fn every_event_below_128_is_the_fault_bit_of_its_number() {
    let registry = Registry::builtin();
    assert!(registry.events().iter().map(|event| event.code).eq(0..=0x81));
    for event in &registry.events()[..128] {
        let word = registry.by_name(&format!("fault[{}].flt", event.code / 32)).expect("a fault word");
        let bit = u8::try_from(event.code % 32).expect("a bit");
        assert_eq!(registry.bit_label(word.id, bit), Some(event.label.as_str()), "{:#04x}", event.code);
    }
    let change = registry.event(0x73).expect("known");
    assert_eq!(change.mnemonic, "PRM_CHANGE");
    assert_eq!(change.elements, [Element::Object, Element::RawOld, Element::RawNew]);
    assert_eq!(registry.event(0x82), None);
}

#[test]
fn structures_have_no_holes_and_the_size_of_their_type() {
    let registry = Registry::builtin();
    assert_eq!(registry.structures().len(), 5);
    for structure in registry.structures() {
        let mut end = 0;
        let mut names = HashSet::new();
        for field in &structure.fields {
            let start = if matches!(field.kind, FieldKind::Bit(_)) { end - 1 } else { end };
            assert_eq!(field.offset, start, "{} of {:?}", field.name, structure.data_type);
            end = field.offset + field.kind.size();
            assert!(names.insert(&field.name), "{} twice", field.name);
        }
        assert_eq!(end, structure.size);
        assert_eq!(Some(structure.size), structure.data_type.size());
        assert!(registry.objects().any(|object| object.response_type == structure.data_type));
    }
}

#[test]
fn objects_are_found() {
    let registry = Registry::builtin();
    let soc = registry.by_name("battery.soc").expect("known");
    assert_eq!(soc.id, ObjectId(0x9599_30bf));
    assert_eq!(registry.get(soc.id), Some(soc));
    assert_eq!(registry.find("0x959930bf"), Some(soc));
    assert_eq!(registry.find("battery.soc"), Some(soc));
    assert_eq!(registry.get(ObjectId(0xdead_beef)), None);
    assert_eq!(registry.by_name(""), None);
    assert_eq!(registry.by_name("battery"), None);
    assert_eq!(registry.enum_label(ObjectId(0x5f33_284e), 13), Some("Feeding in"));
    assert_eq!(registry.enum_label(ObjectId(0x5f33_284e), 14), None);
    assert_eq!(registry.version(), "1");
}

#[test]
fn patterns_find_names_and_ids() {
    let names =
        |pattern| Registry::builtin().glob(pattern).into_iter().map(|object| object.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names("fault[?].flt"), ["fault[0].flt", "fault[1].flt", "fault[2].flt", "fault[3].flt"]);
    assert_eq!(names("0x959930BF"), ["battery.soc"]);
    assert_eq!(names("959930bf"), ["battery.soc"]);
    assert_eq!(names("BATTERY.SOC"), ["battery.soc"]);
    assert_eq!(names("no.such.object"), [""; 0]);
    assert_eq!(names("*").len(), 901);
}

#[test]
fn a_user_adds_and_replaces_objects() {
    let csv = "name,object_id,type,unit\nmy.own[0].power,0xDEADBEEF,float,kW\n,0x959930BF,,ppm\n";
    let registry = Registry::builtin().with_overrides(csv).expect("a good table");
    let own = registry.by_name("my.own[0].power").expect("added");
    assert_eq!((own.id, own.group.as_str(), own.unit.as_str()), (ObjectId(0xdead_beef), "my", "kW"));
    assert_eq!((own.request_type, own.response_type), (DataType::Float, DataType::Float));
    // Columns that are not there leave a known object as it is.
    let soc = registry.get(ObjectId(0x9599_30bf)).expect("still there");
    assert_eq!((soc.name.as_str(), soc.unit.as_str(), soc.flags.ratio), ("battery.soc", "ppm", true));
    assert_eq!(registry.objects().len(), 902);
    assert_eq!(registry.version(), "1+overrides");
    assert_eq!(Registry::builtin().objects().len(), 901);
}

#[test]
fn a_renamed_object_is_found_by_its_new_name_only() {
    let registry = Registry::builtin().with_overrides("object_id,name,type\n0x959930BF,a.soc,float").expect("good");
    assert_eq!(registry.by_name("a.soc").map(|object| object.id), Some(ObjectId(0x9599_30bf)));
    assert_eq!(registry.by_name("battery.soc"), None);
    assert_eq!(registry.by_name("fault[0].flt").map(|object| object.name.as_str()), Some("fault[0].flt"));
}

#[test]
fn what_is_wrong_with_a_table_is_told_with_its_line() {
    for (csv, line, cause) in [
        ("", 1, "the table is empty"),
        ("object_id,name\n", 1, "names no `type`"),
        ("object_id,type\n", 1, "no `name`"),
        ("object_id,name,tpye\n", 1, "no column is called `tpye`"),
        ("object_id,name,type,type\n", 1, "twice"),
        ("object_id,name,type\n\n0x1,a,flaot\n", 3, "`flaot` is no type"),
        ("object_id,name,type\n0x1,a,\n", 2, "no type is given"),
        ("object_id,name,type\n1,a,float\n", 2, "`1` is no object id"),
        ("object_id,name,type\n0x1,a\n", 2, "2 fields"),
        ("object_id,name,type\n0x1,a,float\n0x2,b,float\n0x00000001,c,float\n", 4, "in line 2 already"),
        ("object_id,name,type,flags\n0x1,a,float,secret hidden\n", 2, "`hidden` is no flag"),
        ("object_id,name,type,index\n0x1,a,float,70000\n", 2, "`70000` is no index"),
        ("object_id,name,type\n0x1,\"a,float\n", 2, "no end"),
        ("object_id,name,type\n0x2,a,float\n0x1,battery.soc,float\n", 3, "both called `battery.soc`"),
    ] {
        let error = Registry::builtin().with_overrides(csv).expect_err(csv);
        assert!(error.line == line && error.cause.contains(cause), "{csv:?}: {error}");
        assert!(!error.expected.is_empty());
    }
}
