use super::super::{CellExtreme, CellStatus, Decoded, Field, FieldValue, Point};
use super::*;
use Problem::{
    Denormal, Long, NotFinite, OutOfRange, RatioExceeded, SeriesDisorder, Short, StringTail, UnknownBit, UnknownEnum,
};
use proptest::prelude::*;

fn response<'a>(name: &str, payload: &'a [u8]) -> Decoded<'a> {
    let registry = Registry::builtin();
    decode(registry, Some(registry.by_name(name).expect(name)), Form::Response, payload)
}

fn hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("a byte")).collect()
}

fn check(name: &str, payload: &str, value: Option<Value<'_>>, problems: &[Problem]) {
    let payload = hex(payload);
    assert_eq!(response(name, &payload), Decoded { value, problems: problems.to_vec() }, "{name} {payload:02x?}");
}

#[test]
fn scalars() {
    check("battery.soc", "3f253356", Some(Value::Float(0.645_314_6)), &[]);
    check("battery.voltage", "43c49000", Some(Value::Float(393.125)), &[]);
    check("display_struct.brightness", "ff", Some(Value::Unsigned(255)), &[]);
    check("net.index", "80", Some(Value::Signed(-128)), &[]);
    check("rb485.phase_marker", "ab8f", Some(Value::Signed(-21617)), &[]);
    check("adc.u_ref_1_5v[1]", "a0ea", Some(Value::Unsigned(41194)), &[]);
    check("io_board.io1_polarity", "01", Some(Value::Bool(true)), &[]);
    check("flash_rtc.time_stamp", "68e77800", Some(Value::UnixTime(1_760_000_000)), &[]);
    check("wifi.connect_service_timestamp", "68e77800", Some(Value::UnixTime(1_760_000_000)), &[]);
    check("wifi.connect_service_timestamp", "ffffffff", Some(Value::Signed(-1)), &[]);
}

#[test]
fn sizes() {
    check("battery.soc", "", None, &[Short { needed: 4, found: 0 }]);
    check("battery.soc", "3f80", None, &[Short { needed: 4, found: 2 }]);
    check("battery.soc", "3f80000000", Some(Value::Float(1.0)), &[Long { needed: 4, found: 5 }]);
    check("adc.u_ref_1_5v[1]", "a0", None, &[Short { needed: 2, found: 1 }]);
    check("nsm.apm", "", None, &[Short { needed: 1, found: 0 }]);
    check("io_board.io1_polarity", "0001", Some(Value::Bool(true)), &[Long { needed: 1, found: 2 }]);
    let label = Some("P(f) control");
    check("nsm.apm", "0001", Some(Value::Enum { number: 1, label }), &[Long { needed: 1, found: 2 }]);
    check("nsm.apm", "0100000000", Some(Value::Enum { number: 1, label }), &[Long { needed: 1, found: 5 }]);
}

#[test]
fn numbers_with_names() {
    check("prim_sm.state", "0d", Some(Value::Enum { number: 13, label: Some("Feeding in") }), &[]);
    check("prim_sm.state", "ff", Some(Value::Enum { number: 255, label: None }), &[UnknownEnum(255)]);
    check("io_board.io1_polarity", "2b", Some(Value::Bool(true)), &[UnknownEnum(0x2b)]);
    // No name of this enum is known, so a missing one is no news.
    check("nsm.q_u_sel", "07", Some(Value::Enum { number: 7, label: None }), &[]);
}

#[test]
fn bit_fields() {
    check("fault[0].flt", "00000000", Some(Value::Bits { number: 0, flags: vec![] }), &[]);
    let flags = vec![Flag { bit: 13, label: Some("Grid undervoltage, phase 1") }];
    check("fault[0].flt", "00002000", Some(Value::Bits { number: 0x2000, flags }), &[]);
    let flags = vec![Flag { bit: 3, label: Some("Calibration, high voltage") }, Flag { bit: 31, label: None }];
    check("battery.status2", "80000008", Some(Value::Bits { number: 0x8000_0008, flags }), &[UnknownBit(31)]);
}

#[test]
fn floats_that_are_no_ordinary_numbers() {
    check("battery.soc", "7f800000", Some(Value::Float(f32::INFINITY)), &[NotFinite]);
    check("battery.soc", "00000001", Some(Value::Float(1e-45)), &[Denormal]);
    check("battery.soc", "80000000", Some(Value::Float(-0.0)), &[]);
    check("battery.soc", "3f800001", Some(Value::Float(1.000_000_1)), &[RatioExceeded]);
    check("battery.soc", "bf800000", Some(Value::Float(-1.0)), &[RatioExceeded]);
    check("battery.soc", "40000000", Some(Value::Float(2.0)), &[RatioExceeded]);
    check("battery.soc", "40000001", Some(Value::Float(2.000_000_2)), &[OutOfRange]);
    check("battery.soc", "42810000", Some(Value::Float(64.5)), &[OutOfRange]);
    check("battery.voltage", "bf800000", Some(Value::Float(-1.0)), &[]);
    let nan = hex("7fc00000");
    let decoded = response("battery.soc", &nan);
    assert!(matches!(decoded.value, Some(Value::Float(number)) if number.is_nan()));
    assert_eq!(decoded.problems, [NotFinite]);
}

#[test]
fn texts() {
    check("android_description", "505320362e3020424133 4c000000", Some(Value::Text("PS 6.0 BA3L".into())), &[]);
    check("android_description", "5053", Some(Value::Text("PS".into())), &[]);
    check("android_description", "", Some(Value::Text("".into())), &[]);
    check("android_description", "50000062", Some(Value::Text("P".into())), &[StringTail]);
    check("android_description", "50ff51", Some(Value::Text("P\u{fffd}Q".into())), &[]);
}

#[test]
fn the_form_decides_the_type() {
    let registry = Registry::builtin();
    let object = registry.by_name("logger.minutes_soc_log_ts");
    let payload = hex("68e77800");
    let decoded = decode(registry, object, Form::Request, &payload);
    assert_eq!(decoded.value, Some(Value::UnixTime(1_760_000_000)));
    let decoded = decode(registry, object, Form::Response, &payload);
    assert_eq!(decoded.value, Some(Value::TimeSeries { queried: 1_760_000_000, points: vec![] }));
    assert_eq!(decode(registry, None, Form::Response, &payload), Decoded::default());
}

#[test]
fn histories() {
    // Captured from a device, cut after the second point.
    let name = "logger.minutes_egrid_load_log_ts";
    let points =
        vec![Point { device_time: 0x6ac0_2d2b, value: -8.995_26e-5 }, Point { device_time: 0x6ac0_2a8c, value: 0.0 }];
    let payload = hex("6ac0a982 6ac02d2b b8bca584 6ac02a8c 00000000");
    let decoded = response(name, &payload);
    let Some(Value::TimeSeries { queried: 0x6ac0_a982, points: found }) = decoded.value else { panic!("{decoded:?}") };
    assert_eq!(found.len(), points.len());
    assert!(found.iter().zip(&points).all(|(a, b)| a.device_time == b.device_time));
    assert_eq!(decoded.problems, []);

    let series = |points: &[(u32, f32)]| {
        let point = |&(device_time, value): &(u32, f32)| Point { device_time, value };
        Some(Value::TimeSeries { queried: 9, points: points.iter().map(point).collect() })
    };
    check(name, "000000", None, &[Short { needed: 4, found: 3 }]);
    check(name, "00000009", series(&[]), &[]);
    check(name, "00000009 0000", series(&[]), &[Short { needed: 12, found: 6 }]);
    let short = Short { needed: 20, found: 16 };
    check(name, "00000009 00000007 3f800000 00000005", series(&[(7, 1.0)]), &[short]);
    check(name, "00000009 00000007 3f800000 00000007 00000000", series(&[(7, 1.0), (7, 0.0)]), &[]);
    let disordered = series(&[(7, 1.0), (8, f32::INFINITY)]);
    check(name, "00000009 00000007 3f800000 00000008 7f800000", disordered, &[NotFinite, SeriesDisorder]);
    // A problem of many points is told once.
    let soc = series(&[(7, 2.0), (6, 2.0)]);
    check("logger.minutes_soc_log_ts", "00000009 00000007 40000000 00000006 40000000", soc, &[RatioExceeded]);
}

/// The names, values and units of an event's fields, in a line.
fn event(row: &str) -> (Option<String>, String, Vec<Problem>) {
    let payload = hex(&format!("00000009 {row}"));
    let decoded = response("logger.error_log_time_stamp", &payload);
    let Some(Value::EventTable { queried: 9, rows }) = decoded.value else { panic!("{row}") };
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    (row.event.map(str::to_owned), shown(&row.fields), decoded.problems)
}

fn shown(fields: &[Field<'_>]) -> String {
    let field = |field: &Field<'_>| {
        let value = match &field.value {
            FieldValue::Number(number) => number.to_string(),
            FieldValue::Text(text) => format!("'{text}'"),
            FieldValue::Object(id, name) => name.map_or_else(|| id.to_string(), str::to_owned),
        };
        format!("{} {value} {}", field.name, field.unit).trim_end().to_owned()
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

#[test]
fn events_by_their_meaning() {
    for (row, name, fields) in [
        (
            "0000004f 00000005 00000007 43660000 00000000",
            "Switch-on condition, lowest voltage, phase 1",
            "end_time 7 unix_time, value 230",
        ),
        (
            "00000072 00000005 00000007 00000003 00000002",
            "Battery internal error",
            "end_time 7 unix_time, detail_code 3, element4 2",
        ),
        (
            "00000077 00000005 00000001 00001639 00001645",
            "Software update",
            "element2 1, version_old 5689, version_new 5701",
        ),
        ("00000000 00000005 00000001 00000002 00000003", "Processor trap", "element2 1, element3 2, element4 3"),
        // Parameter changes: float with a ratio, signed, enum, unknown object, a float that is none.
        (
            "00000073 00000005 ce266f0f 3d8f5c29 3f000000",
            "Parameter value changed",
            "object power_mng.soc_min, old 0.07000000029802322 ratio, new 0.5 ratio",
        ),
        (
            "00000073 00000005 07367b64 0000ffff 00000001",
            "Parameter value changed",
            "object rb485.phase_marker, old -1, new 1",
        ),
        ("00000073 00000005 7232f7af 00000000 00000009", "Parameter value changed", "object nsm.apm, old 'Off', new 9"),
        (
            "00000073 00000005 deadbeef 00000000 ffffffff",
            "Parameter value changed",
            "object 0xDEADBEEF, old 0, new 4294967295",
        ),
        (
            "00000073 00000005 ce266f0f 7fc00000 3f000000",
            "Parameter value changed",
            "object power_mng.soc_min, old '0x7FC00000', new 0.5 ratio",
        ),
    ] {
        let (event, found, problems) = event(row);
        assert_eq!((event.as_deref(), found.as_str()), (Some(name), fields));
        assert_eq!(problems, []);
    }
}

#[test]
fn an_event_nobody_knows_keeps_its_elements() {
    let (name, fields, problems) = event("00000099 00000005 00000001 00000002 00000003");
    assert_eq!((name, fields.as_str()), (None, "element2 1, element3 2, element4 3"));
    assert_eq!(problems, [UnknownEnum(0x99)]);
}

#[test]
fn battery_modules() {
    let cell = CellStatus { temperature_c: 24, voltage_mv: 3291, cell_status: 1 };
    check("battery.cells[4]", &"18db0c01".repeat(24), Some(Value::BatteryStatus(vec![cell; 24])), &[]);
    let short = Short { needed: 96, found: 6 };
    check("battery.cells[4]", "18db0c01 18db", Some(Value::BatteryStatus(vec![cell])), &[short]);
    let long = Long { needed: 96, found: 97 };
    check("battery.cells[4]", &("18db0c01".repeat(24) + "18"), Some(Value::BatteryStatus(vec![cell; 24])), &[long]);
    check("battery.cells[4]", "18", None, &[Short { needed: 96, found: 1 }]);
    check("battery.cells_resist[5]", &"02240000".repeat(24), Some(Value::BatteryResistance(vec![2.140_625; 24])), &[]);

    let extreme = "12000000 270f7f68 713d3a40";
    let expected = CellExtreme { cell: 18, device_time: 0x687f_0f27, value: 2.91 };
    check("battery.cells_stat[3]", &extreme.repeat(4), Some(Value::BatteryStatistics([expected; 4])), &[]);
    check("battery.cells_stat[3]", &extreme.repeat(3), None, &[Short { needed: 48, found: 36 }]);
}

#[test]
fn texts_where_the_cells_of_a_second_tower_should_be() {
    let name = "battery_placeholder[0].cells[2]";
    check(name, "44424836000000", Some(Value::Text("DBH6".into())), &[]);
    check(name, "", Some(Value::Text("".into())), &[Short { needed: 96, found: 0 }]);
    check(name, "00", None, &[Short { needed: 96, found: 1 }]);
    // A status of 96 bytes is one, whatever it looks like.
    let cell = CellStatus { temperature_c: 0x41, voltage_mv: 0x4141, cell_status: 0x41 };
    check(name, &"41".repeat(96), Some(Value::BatteryStatus(vec![cell; 24])), &[]);
}

#[test]
fn structures() {
    let payload = hex("3ef0ebb7 0100 0000 9fbbdfc1 148f2444 0cbb9aac 2eafe53e 01000000 60b37a3f 00000000");
    let decoded = response("net.package", &payload);
    assert_eq!(decoded.problems, []);
    let Some(Value::Structure(fields)) = decoded.value else { panic!("a structure") };
    let expected = "net_id 3085692990, unknown_4 1, unknown_6 0, unknown_8 -27.966611862182617, \
                    power 658.235595703125 W, object_id 0xAC9ABB0C, object_value 1055239982, unknown_24 1, \
                    soc 0.9792995452880859 ratio, unknown_32 0";
    assert_eq!(shown(&fields), expected);

    check("net.package", "01", None, &[Short { needed: 36, found: 1 }]);
}

#[test]
fn slave_data_ends_where_the_specification_or_the_devices_end_it() {
    let mut payload = [0; 108];
    payload[4..8].copy_from_slice(b"WR 1");
    payload[42] = 0b1010;
    for size in [104, 108] {
        let decoded = response("net.slave_data", &payload[..size]);
        assert_eq!(decoded.problems, [], "{size}");
        let Some(Value::Structure(fields)) = decoded.value else { panic!("a structure") };
        let text = shown(&fields);
        assert!(text.contains("name 'WR 1', ac_power 0 W"), "{text}");
        assert!(text.contains("equipment 10, battery_supported 0, battery_connected 1, dc_supported 0"), "{text}");
        assert!(!text.contains("reserved"), "{text}");
    }
    let decoded = response("net.slave_data", &payload[..103]);
    assert_eq!(decoded.problems, [Short { needed: 108, found: 103 }]);
}

#[test]
fn a_named_object_gives_its_value_a_type() {
    // battery.soc, 0.5
    let payload = hex("00000000 0000 0000 00000000 00000000 bf309995 0000003f 00000000 00000000 00000000");
    let decoded = response("net.package", &payload);
    let Some(Value::Structure(fields)) = decoded.value else { panic!("a structure") };
    let text = shown(&fields);
    assert!(text.contains("object_id battery.soc, object_value 0.5 ratio"), "{text}");
}

proptest! {
    #[test]
    fn no_payload_makes_it_fail_badly(payload in prop::collection::vec(any::<u8>(), 0..130), place in 0usize..901) {
        let registry = Registry::builtin();
        let object = registry.objects().nth(place);
        for form in [Form::Request, Form::Response] {
            let decoded = decode(registry, object, form, &payload);
            prop_assert!(decoded.value.is_some() || !decoded.problems.is_empty());
            // By their text, as NaN equals nothing.
            let alone = decode_value(registry, object, form, &payload);
            prop_assert_eq!(format!("{alone:?}"), format!("{:?}", decoded.value));
        }
        let _ = super::super::candidates(&payload);
    }
}
