use super::super::{Value, decode};
use super::*;
use proptest::prelude::*;

fn encode(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let registry = Registry::builtin();
    let object = registry.by_name(name).expect(name);
    encode_value(registry, object, text, Form::Request).map_err(|error| error.to_string())
}

#[test]
fn values() {
    for (name, text, expected) in [
        ("power_mng.soc_min", "0.07", &[0x3d, 0x8f, 0x5c, 0x29][..]),
        ("power_mng.soc_min", "7 %", &[0x3d, 0x8f, 0x5c, 0x29]),
        ("power_mng.soc_min", " 100% ", &[0x3f, 0x80, 0, 0]),
        ("battery.voltage", "393.125 V", &[0x43, 0xc4, 0x90, 0]),
        ("battery.voltage", "-0.5", &[0xbf, 0, 0, 0]),
        ("power_mng.use_grid_power_enable", "true", &[1]),
        ("power_mng.use_grid_power_enable", "OFF", &[0]),
        ("nsm.apm", "p(f) control", &[1]),
        ("nsm.apm", "1", &[1]),
        ("nsm.apm", "0xff", &[0xff]),
        ("net.index", "-128", &[0x80]),
        ("display_struct.brightness", "255", &[0xff]),
        ("rb485.phase_marker", "-21617", &[0xab, 0x8f]),
        ("adc.u_ref_1_5v[0]", "41194", &[0xa0, 0xea]),
        ("fault[0].flt", "0xFAADDF0A", &[0xfa, 0xad, 0xdf, 0x0a]),
        ("logger.minutes_soc_log_ts", "2025-10-09T08:53:20", &[0x68, 0xe7, 0x78, 0]),
        ("logger.minutes_soc_log_ts", "1760000000", &[0x68, 0xe7, 0x78, 0]),
        ("wifi.password", "ü b", "ü b\0".as_bytes()),
        ("wifi.password", "", &[0]),
        ("wifi.password", "hex:", &[]),
        ("wifi.password", "hex:2B 2d", &[0x2b, 0x2d]),
        ("net.package", "hex:00", &[0]),
        ("battery.soc", "hex:7fc00000", &[0x7f, 0xc0, 0, 0]),
    ] {
        assert_eq!(encode(name, text).as_deref(), Ok(expected), "{name} {text}");
    }
}

#[test]
fn what_is_no_value_is_told_with_what_would_be() {
    for (name, text, expected) in [
        ("power_mng.soc_min", "7", "`7 %`"),
        ("power_mng.soc_min", "-1 %", "0 to 1"),
        ("power_mng.soc_min", "NaN", "0 to 1"),
        ("power_mng.soc_min", "much", "0 to 1"),
        ("battery.voltage", "393 A", "a number in V"),
        ("battery.voltage", "1e40", "fits a 32-bit float"),
        ("battery.voltage", "inf", "fits a 32-bit float"),
        ("power_mng.use_grid_power_enable", "2", "true or false"),
        ("nsm.apm", "sometimes", "0 (Off), 1 (P(f) control)"),
        ("nsm.apm", "256", "0 (Off), 1 (P(f) control)"),
        ("net.index", "128", "from -128 to 127"),
        ("display_struct.brightness", "-1", "from 0 to 255"),
        ("fault[0].flt", "4294967296", "from 0 to 4294967295"),
        ("fault[0].flt", "0x1FFFFFFFF", "from 0 to 4294967295"),
        ("logger.minutes_soc_log_ts", "2025-10-09T08:53:20+02:00", "without a time zone"),
        ("logger.minutes_soc_log_ts", "2147483648", "up to 2147483647"),
        ("wifi.password", "a\0b", "NUL"),
        ("wifi.password", "hex:0", "pairs of hex digits"),
        ("wifi.password", "hex:0g", "pairs of hex digits"),
        ("net.package", "1", "`hex:`"),
    ] {
        let error = encode(name, text).expect_err(text);
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
}

#[test]
fn a_series_can_be_given_as_a_response_in_bytes_only() {
    let registry = Registry::builtin();
    let object = registry.by_name("logger.minutes_soc_log_ts").expect("known");
    assert!(encode_value(registry, object, "1760000000", Form::Response).is_err());
}

proptest! {
    #[test]
    fn floats_and_integers_are_read_back(float in -1e30f32..1e30, signed: i16, unsigned: u32) {
        let registry = Registry::builtin();
        for (name, text, value) in [
            ("battery.voltage", float.to_string(), Value::Float(float)),
            ("rb485.phase_marker", signed.to_string(), Value::Signed(signed.into())),
            ("common_control_bits", format!("{unsigned:#x}"), Value::Unsigned(unsigned)),
        ] {
            let payload = encode(name, &text).unwrap();
            prop_assert_eq!(decode(registry, registry.by_name(name), Form::Request, &payload).value, Some(value));
        }
    }

    #[test]
    fn no_text_makes_it_fail_badly(text in any::<String>(), place in 0usize..901) {
        let registry = Registry::builtin();
        let object = registry.objects().nth(place).unwrap();
        let _ = encode_value(registry, object, &text, Form::Request);
    }
}
