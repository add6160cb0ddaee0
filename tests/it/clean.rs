//! A session in which nothing went wrong yields no warning and no error, whatever was asked in it.

use crate::film::{Film, Observed, analyze};
use rctscope::anomaly::{Code, Severity};
use rctscope::rct::Command;
use rctscope::rct::registry::{DataType, Object, Registry};
use rctscope::tools::synth::Scenario;

/// A value that a healthy device may send.
fn payload(object: &Object, registry: &Registry, turn: usize) -> Vec<u8> {
    let named = registry.enum_values(object.id).first().map_or(0, |(number, _)| *number);
    let float: f32 = match turn % 4 {
        // A battery may hold more than its rating; a share may have a sign.
        0 if object.flags.ratio => 1.04,
        1 if object.flags.ratio => -0.5,
        2 => 0.0,
        _ => 0.645,
    };
    match object.response_type {
        DataType::Bool => vec![1],
        DataType::Enum => vec![u8::try_from(named).unwrap_or(0)],
        DataType::Int8 | DataType::Uint8 => vec![0],
        DataType::Int16 | DataType::Uint16 => vec![0; 2],
        DataType::Int32 | DataType::Uint32 | DataType::Unknown => vec![0; 4],
        DataType::Float => float.to_be_bytes().to_vec(),
        DataType::String => b"text\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        DataType::Timeseries => [&[0x67, 0xd8, 0x8b, 0x50, 0x67, 0xd8, 0x8a, 0x24][..], &float.to_be_bytes()].concat(),
        DataType::EventTable => vec![0x67, 0xd8, 0x8b, 0x50],
        DataType::BatteryModuleStatus | DataType::BatteryModuleResistance => vec![0; 96],
        DataType::BatteryModuleStatistics => vec![0; 48],
        DataType::NetSlaveData => vec![0; 108],
        DataType::NetPackage => vec![0; 36],
    }
}

fn asked(object: &Object) -> (Command, &'static [u8]) {
    match object.response_type {
        DataType::Timeseries | DataType::EventTable => (Command::WRITE, &[0x67, 0xd8, 0x8b, 0x50]),
        _ => (Command::READ, &[]),
    }
}

fn answered(object: &Object) -> Command {
    let is_table = matches!(object.response_type, DataType::Timeseries | DataType::EventTable);
    if is_table { Command::LONG_RESPONSE } else { Command::RESPONSE }
}

fn is_clean(observed: &Observed) {
    let bad: Vec<_> = observed.anomalies.iter().filter(|anomaly| anomaly.code.severity() > Severity::Note).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn every_object_is_read_without_a_warning() {
    let registry = Registry::builtin();
    for turn in 0..4 {
        let mut film = Film::new(1);
        for (object, at) in registry.objects().zip((1_000..).step_by(200)) {
            let (command, question) = asked(object);
            film.request(at, 0, command, object.id, question);
            film.response(at + 60, 0, answered(object), object.id, &payload(object, registry, turn));
        }
        let observed = analyze(&film);
        assert_eq!(observed.summary.answered_count, u64::try_from(registry.objects().len()).expect("some 900"));
        is_clean(&observed);
    }
}

/// What a client still waits for when it leaves, or when the capture ends, went wrong nowhere.
#[test]
fn what_is_open_at_the_end_is_no_warning() {
    let soc = Registry::builtin().by_name("battery.soc").expect("in the registry").id;
    for leaves in [true, false] {
        let mut film = Film::new(2);
        film.request(1_000, 0, Command::READ, soc, &[]);
        film.response(1_050, 0, Command::RESPONSE, soc, &0.5f32.to_be_bytes());
        film.response(1_051, 1, Command::RESPONSE, soc, &0.5f32.to_be_bytes());
        film.request(2_000, 0, Command::READ, soc, &[]);
        if leaves {
            film.close(2_900, 0);
        }
        let observed = analyze(&film);
        assert_eq!((observed.summary.answered_count, observed.summary.open_count), (1, 1), "leaves: {leaves}");
        is_clean(&observed);
    }
}

/// The scenarios in which nothing goes wrong, one after the other and with many seeds.
#[test]
fn quiet_scenarios_are_quiet() {
    let quiet: Vec<_> = Scenario::ALL
        .iter()
        .filter(|scenario| scenario.anomalies().iter().all(|code| code.severity() == Severity::Note))
        .collect();
    assert!(quiet.len() >= 8, "{quiet:?}");
    for scenario in quiet {
        for seed in 100..120 {
            let observed = crate::film::analyze_file(&crate::film::synthesise(*scenario, seed));
            let bad = observed.anomalies.iter().find(|anomaly| anomaly.code.severity() > Severity::Note);
            assert!(bad.is_none(), "{scenario}, seed {seed}: {bad:?}");
        }
    }
}

/// The regular poll after a damaged or missing answer repeats nothing; asking again at once does.
#[test]
fn the_next_poll_of_a_series_is_no_retry() {
    let soc = Registry::builtin().by_name("battery.soc").expect("in the registry").id;
    // Milliseconds between the polls, how long after the poll that fails the next request comes, and whether it is a retry.
    let cases = [
        (10_000, 10_000, false),
        (10_000, 9_950, false),
        (10_000, 1_000, true),
        (2_000, 2_001, false),
        (2_000, 1_000, true),
        (300, 300, true),
    ];
    for (period, next, is_retry) in cases {
        for damaged in [true, false] {
            let mut film = Film::new(1);
            for at in [1_000, 1_000 + period, 1_000 + 2 * period] {
                film.request(at, 0, Command::READ, soc, &[]);
                film.response(at + 50, 0, Command::RESPONSE, soc, &0.5f32.to_be_bytes());
            }
            let fails = 1_000 + 3 * period;
            film.request(fails, 0, Command::READ, soc, &[]);
            if damaged {
                film.device_says(fails + 50, 0, &[0, 0x2b, 5, 8, 0x95, 0x99, 0x30, 0xbf, 0x3f, 0, 0, 0, 0xab, 0xcd]);
            }
            film.request(fails + next, 0, Command::READ, soc, &[]);
            film.response(fails + next + 50, 0, Command::RESPONSE, soc, &0.5f32.to_be_bytes());
            film.tick(fails + next + 20_000, 0);
            let retries = analyze(&film).anomalies.iter().filter(|anomaly| anomaly.code == Code::Retry).count();
            let case = format!("polls every {period} ms, again after {next} ms, damaged: {damaged}");
            assert_eq!(retries, usize::from(is_retry), "{case}");
        }
    }
}

/// A WRITE that nobody confirms says what the object held afterwards, as far as it was read in time.
#[test]
fn an_unconfirmed_write_tells_what_was_read() {
    let delay = Registry::builtin().by_name("power_mng.soc_min").expect("in the registry").id;
    let values = [0.1f32, 0.2].map(f32::to_be_bytes);
    for (read, expected) in [
        (None, "it was not read meanwhile"),
        (Some(&values[0]), "packet 6 shows the value written"),
        (Some(&values[1]), "packet 6 shows 0.2 instead"),
    ] {
        let mut film = Film::new(1);
        film.request(1_000, 0, Command::WRITE, delay, &values[0]);
        if let Some(read) = read {
            film.request(2_000, 0, Command::READ, delay, &[]);
            film.response(2_050, 0, Command::RESPONSE, delay, read);
        }
        film.tick(12_000, 0);
        let observed = analyze(&film);
        let told = observed.anomalies.iter().find(|anomaly| anomaly.code == Code::WriteUnconfirmed).expect(expected);
        assert!(told.message.ends_with(expected), "{}", told.message);
    }
}
