//! The objects of a made-up inverter and values they may well have.
//!
//! A few of the 900: enough for every data type. Values drift as those of a house in the evening do.

use super::frames::{Request, long_response, response, separated};
use super::random::Random;
use crate::object::ObjectId;
use crate::rct::Command;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The ids that stories name.
pub(super) mod id {
    use crate::object::ObjectId;

    pub(in crate::tools::synth) const BATTERY_SOC: ObjectId = ObjectId(0x9599_30bf);
    pub(in crate::tools::synth) const BATTERY_POWER: ObjectId = ObjectId(0x400f_015b);
    pub(in crate::tools::synth) const GRID_POWER: ObjectId = ObjectId(0x9161_7c58);
    pub(in crate::tools::synth) const LOAD_POWER: ObjectId = ObjectId(0x1ac8_7aa0);
    pub(in crate::tools::synth) const AC_POWER: ObjectId = ObjectId(0xdb2d_69ae);
    pub(in crate::tools::synth) const IS_GRID: ObjectId = ObjectId(0x97e2_03f9);
    pub(in crate::tools::synth) const FAULT_0: ObjectId = ObjectId(0x37f9_d5ca);
    pub(in crate::tools::synth) const BATTERY_VOLTAGE: ObjectId = ObjectId(0x65ee_d11b);
    pub(in crate::tools::synth) const BATTERY_TEMPERATURE: ObjectId = ObjectId(0x902a_fafb);
    pub(in crate::tools::synth) const BATTERY_STATUS: ObjectId = ObjectId(0x7176_5bd8);
    pub(in crate::tools::synth) const INVERTER_STATE: ObjectId = ObjectId(0x5f33_284e);
    pub(in crate::tools::synth) const ENERGY_DAY: ObjectId = ObjectId(0xbd55_905f);
    pub(in crate::tools::synth) const VOLTAGE_PHASE_3: ObjectId = ObjectId(0x2545_e22d);
    pub(in crate::tools::synth) const DISCHARGED_CHARGE: ObjectId = ObjectId(0x2bc1_e72b);
    pub(in crate::tools::synth) const ENERGY_LOAD_SUM: ObjectId = ObjectId(0x4be0_2bb7);
    pub(in crate::tools::synth) const DISPLAY_DIRECTION: ObjectId = ObjectId(0x67bf_3003);
    pub(in crate::tools::synth) const CURRENT_SLOW: ObjectId = ObjectId(0xb408_e40a);
    pub(in crate::tools::synth) const RESIDUAL_CURRENT: ObjectId = ObjectId(0x89ee_3eb5);
    pub(in crate::tools::synth) const STATE_SOURCE: ObjectId = ObjectId(0xc40d_5688);
    pub(in crate::tools::synth) const SWITCH_OFF_DELAY: ObjectId = ObjectId(0x2e0c_6220);
    pub(in crate::tools::synth) const SOC_MIN: ObjectId = ObjectId(0xce26_6f0f);
    pub(in crate::tools::synth) const COM_SERVICE: ObjectId = ObjectId(0x8fc8_9b10);
    pub(in crate::tools::synth) const PERIOD: ObjectId = ObjectId(0x9c8f_e559);
    pub(in crate::tools::synth) const SOFTWARE_VERSION: ObjectId = ObjectId(0xddd1_c2d0);
    pub(in crate::tools::synth) const LOAD_PROFILE: ObjectId = ObjectId(0x9dc9_27aa);
    pub(in crate::tools::synth) const WIFI_RESULT: ObjectId = ObjectId(0x8ca0_0014);
    pub(in crate::tools::synth) const COLDEST_CELL: ObjectId = ObjectId(0x0992_3c1e);
    pub(in crate::tools::synth) const PHASE_MARKER: ObjectId = ObjectId(0xa12e_9b43);
    pub(in crate::tools::synth) const STACK_CYCLES: ObjectId = ObjectId(0x0cfa_8bc4);
    pub(in crate::tools::synth) const STACK_VERSION: ObjectId = ObjectId(0x6388_556c);
    pub(in crate::tools::synth) const CELLS: ObjectId = ObjectId(0xf8c0_d255);
    pub(in crate::tools::synth) const CELL_STATISTICS: ObjectId = ObjectId(0x34a1_64e7);
    pub(in crate::tools::synth) const CELL_RESISTANCES: ObjectId = ObjectId(0x649b_10da);
    pub(in crate::tools::synth) const CELL_RESISTANCES_5: ObjectId = ObjectId(0x501a_162d);
    pub(in crate::tools::synth) const NET_SLAVE_DATA: ObjectId = ObjectId(0xc0a7_074f);
    pub(in crate::tools::synth) const NET_PACKAGE: ObjectId = ObjectId(0x3aa5_65fc);
    pub(in crate::tools::synth) const SOC_HISTORY: ObjectId = ObjectId(0x5293_b668);
    pub(in crate::tools::synth) const VOLTAGE_HISTORY: ObjectId = ObjectId(0x064e_4340);
    pub(in crate::tools::synth) const EVENTS: ObjectId = ObjectId(0x6f38_76bc);
}

/// What an object holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// A float that wanders around the first number, at most by the second.
    Float(f32, f32),
    /// As many bytes, big-endian, of this number.
    Integer(usize, i64),
    Text(&'static str),
    /// A history of values around the first number, at most by the second away from it.
    History(f32, f32),
    EventTable,
    CellStatus,
    CellStatistics,
    CellResistances,
    NetSlaveData,
    NetPackage,
}

use Content::{CellResistances, CellStatistics, CellStatus, EventTable, Float, History, Integer, Text};

/// Every object the device knows.
pub(super) static OBJECTS: [(ObjectId, Content); 63] = [
    (id::BATTERY_SOC, Float(0.3, 0.1)),
    (id::BATTERY_POWER, Float(-1500.0, 300.0)),
    (id::GRID_POWER, Float(400.0, 120.0)),
    (id::LOAD_POWER, Float(480.0, 150.0)),
    (id::AC_POWER, Float(-1100.0, 200.0)),
    (id::BATTERY_VOLTAGE, Float(262.0, 4.0)),
    (id::BATTERY_TEMPERATURE, Float(24.0, 2.0)),
    (id::ENERGY_DAY, Float(18_200.0, 900.0)),
    (id::VOLTAGE_PHASE_3, Float(231.0, 4.0)),
    (id::DISCHARGED_CHARGE, Float(9120.0, 10.0)),
    (id::CURRENT_SLOW, Float(-5.6, 1.0)),
    (id::RESIDUAL_CURRENT, Float(0.012, 0.004)),
    (id::SWITCH_OFF_DELAY, Float(60.0, 0.0)),
    (id::SOC_MIN, Float(0.07, 0.0)),
    (ObjectId(0xcf05_3085), Float(230.0, 4.0)),
    (ObjectId(0x54b4_684e), Float(229.0, 4.0)),
    (ObjectId(0x1c4a_665f), Float(50.0, 0.04)),
    (ObjectId(0x2196_1b58), Float(-5.7, 1.5)),
    (ObjectId(0x381b_8bf9), Float(0.98, 0.01)),
    (ObjectId(0x0a04_ca7f), Float(351.0, 3.0)),
    (ObjectId(0x0afd_d6cf), Float(-5.5, 2.0)),
    (ObjectId(0x0cb5_d21b), Float(310.0, 90.0)),
    (ObjectId(0x1097_0e9d), Float(412_000.0, 900.0)),
    (ObjectId(0x126a_bc86), Float(38_000.0, 400.0)),
    (ObjectId(0x147e_8e26), Float(-370.0, 90.0)),
    (ObjectId(0x226a_23a4), Float(402.0, 25.0)),
    (ObjectId(0x2415_0b85), Float(702.0, 4.0)),
    (ObjectId(0x26ef_fc2f), Float(2_120_000.0, 500.0)),
    (ObjectId(0x2788_928c), Float(160.0, 60.0)),
    (ObjectId(0x27be_51d9), Float(135.0, 70.0)),
    (ObjectId(0x2aac_caa7), Float(3.34, 0.03)),
    (ObjectId(0x2ae7_03f2), Float(9_800.0, 700.0)),
    (ObjectId(0x2f3c_1d7d), Float(7_400.0, 600.0)),
    (ObjectId(0x3a44_4fc6), Float(380.0, 80.0)),
    (ObjectId(0x03a3_9ca2), Float(150.0, 60.0)),
    (ObjectId(0x06a9_ffa2), Float(9_410.0, 10.0)),
    (ObjectId(0x0104_eb6a), Float(50.0, 0.04)),
    (id::IS_GRID, Integer(1, 1)),
    (id::DISPLAY_DIRECTION, Integer(1, 0)),
    (id::INVERTER_STATE, Integer(1, 13)),
    (id::ENERGY_LOAD_SUM, Float(7_410.0, 600.0)),
    (id::COM_SERVICE, Integer(1, 0)),
    (id::COLDEST_CELL, Integer(1, 17)),
    (id::WIFI_RESULT, Integer(1, -3)),
    (id::PHASE_MARKER, Integer(2, -1)),
    (id::STACK_CYCLES, Integer(2, 418)),
    (id::FAULT_0, Integer(4, 0)),
    (id::BATTERY_STATUS, Integer(4, 1032)),
    (id::STATE_SOURCE, Integer(4, 2)),
    (id::PERIOD, Integer(4, 30)),
    (id::STACK_VERSION, Integer(4, 5204)),
    (id::SOFTWARE_VERSION, Text("2.3.5687")),
    (id::LOAD_PROFILE, Text("0.4,0.4,0.3,0.3,0.5,1.1")),
    (id::CELLS, CellStatus),
    (id::CELL_STATISTICS, CellStatistics),
    (id::CELL_RESISTANCES, CellResistances),
    (id::CELL_RESISTANCES_5, CellResistances),
    (id::NET_SLAVE_DATA, Content::NetSlaveData),
    (id::NET_PACKAGE, Content::NetPackage),
    (id::SOC_HISTORY, History(0.5, 0.4)),
    (id::VOLTAGE_HISTORY, History(262.0, 6.0)),
    (ObjectId(0x0fa2_9566), History(405.0, 30.0)),
    (id::EVENTS, EventTable),
];

/// What an object holds; unknown ones hold nothing.
fn content(object_id: ObjectId) -> Option<Content> {
    OBJECTS.iter().find(|(id, _)| *id == object_id).map(|(_, content)| *content)
}

/// The device writes its wall clock as if it were UTC; its house is one hour ahead.
pub(super) fn wall_clock(ts: Timestamp) -> u32 {
    u32::try_from(ts.nanos() / 1_000_000_000 + 3600).unwrap_or(u32::MAX)
}

/// How many bytes a string takes, padding included.
const TEXT_BYTES: usize = 32;
/// Cells of a battery module.
const CELLS: usize = 24;
/// The step of `logger.minutes_*`.
const HISTORY_SECONDS: u32 = 300;

/// An inverter with a memory for what was written to it.
pub(super) struct Device {
    random: Random,
    /// How far each float has wandered, as a part of its reach: -1 to 1.
    wandered: BTreeMap<ObjectId, f32>,
    written: BTreeMap<ObjectId, Vec<u8>>,
    /// Rows in the next history or event table.
    pub rows: usize,
}

impl Device {
    pub(super) fn new(random: Random) -> Self {
        Self { random, wandered: BTreeMap::new(), written: BTreeMap::new(), rows: 48 }
    }

    /// What the device sends for a request, the `00` in front included.
    pub(super) fn answer(&mut self, request: &Request) -> Vec<u8> {
        let id = request.object_id;
        let plant = Command(request.command.0 & 0x40);
        match content(id) {
            Some(History(..) | EventTable) if request.command.is_write() => {
                let asked =
                    request.payload.get(..4).and_then(|time| time.try_into().ok()).map_or(0, u32::from_be_bytes);
                let table = self.table(id, asked, self.rows);
                separated(Command(Command::LONG_RESPONSE.0 | plant.0), request.address, id, &table)
            }
            _ => {
                if request.command.is_write() {
                    self.write(id, &request.payload);
                }
                let payload = self.payload(id);
                separated(Command(Command::RESPONSE.0 | plant.0), request.address, id, &payload)
            }
        }
    }

    /// A RESPONSE with the object's value, the `00` in front included.
    pub(super) fn response(&mut self, object_id: ObjectId) -> Vec<u8> {
        response(object_id, &self.payload(object_id))
    }

    /// A LONG_RESPONSE with `rows` rows before `asked`, the `00` in front included.
    pub(super) fn long_response(&mut self, object_id: ObjectId, asked: u32, rows: usize) -> Vec<u8> {
        long_response(object_id, &self.table(object_id, asked, rows))
    }

    /// Sets a value for good.
    pub(super) fn write(&mut self, object_id: ObjectId, payload: &[u8]) {
        self.written.insert(object_id, payload.to_vec());
    }

    /// The object's value as it is now.
    pub(super) fn payload(&mut self, object_id: ObjectId) -> Vec<u8> {
        if let Some(written) = self.written.get(&object_id) {
            return written.clone();
        }
        match content(object_id) {
            Some(Float(around, reach)) => self.wander(object_id, around, reach).to_be_bytes().to_vec(),
            Some(Integer(bytes, number)) => number.to_be_bytes()[8 - bytes..].to_vec(),
            Some(Text(text)) => text.bytes().chain(std::iter::repeat(0)).take(TEXT_BYTES).collect(),
            Some(CellStatus) => (0..CELLS).flat_map(|_| self.cell_status()).collect(),
            Some(CellStatistics) => self.cell_statistics(),
            Some(CellResistances) => (0..CELLS).flat_map(|_| [0, 220 + self.random.byte() % 32, 0, 0]).collect(),
            Some(Content::NetSlaveData) => self.net_slave_data(),
            Some(Content::NetPackage) => self.net_package(),
            Some(History(..) | EventTable) => 0u32.to_be_bytes().to_vec(),
            None => Vec::new(),
        }
    }

    /// The payload of a history or event table: the time asked for, then rows before it, newest first.
    pub(super) fn table(&mut self, object_id: ObjectId, asked: u32, rows: usize) -> Vec<u8> {
        let mut out = asked.to_be_bytes().to_vec();
        let mut time = asked.saturating_sub(1) / HISTORY_SECONDS * HISTORY_SECONDS;
        for _ in 0..rows {
            if let Some(History(around, reach)) = content(object_id) {
                out.extend(time.to_be_bytes());
                out.extend(self.wander(object_id, around, reach).to_be_bytes());
                time = time.saturating_sub(HISTORY_SECONDS);
            } else {
                out.extend(self.event(time).iter().flat_map(|element| element.to_be_bytes()));
                time = time.saturating_sub(60 + self.random.below(7200));
            }
        }
        out
    }

    /// A step of a walk that keeps to its range. Two decimals at most, as sensors have few digits.
    fn wander(&mut self, object_id: ObjectId, around: f32, reach: f32) -> f32 {
        let step = (self.random.fraction() - 0.5) * 0.25;
        let place = self.wandered.entry(object_id).or_insert(0.0);
        *place = (*place + step).clamp(-1.0, 1.0);
        let value = around + *place * reach;
        if reach >= 50.0 { value.round() } else { value }
    }

    fn cell_status(&mut self) -> [u8; 4] {
        let [low, high] = (3310 + u16::from(self.random.byte() % 32)).to_le_bytes();
        [21 + self.random.byte() % 4, low, high, 0]
    }

    fn cell_statistics(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for (lowest, reach) in [(3.02f32, 0.05f32), (3.55, 0.05), (11.0, 3.0), (33.0, 3.0)] {
            out.extend(self.random.below(24).to_le_bytes());
            out.extend((1_735_000_000 + self.random.below(6_000_000)).to_le_bytes());
            out.extend((lowest + self.random.fraction() * reach).to_le_bytes());
        }
        out
    }

    fn net_slave_data(&mut self) -> Vec<u8> {
        let mut out = 2u32.to_le_bytes().to_vec();
        out.extend(padded("south roof", 24));
        for value in [-1210.0 + self.random.fraction() * 50.0, -600.0, 0.5] {
            out.extend(value.to_le_bytes());
        }
        // No fault; battery supported and connected; state 4.
        out.extend([0, 0, 0b11, 4]);
        out.extend(0f32.to_le_bytes());
        out.extend(padded("2.3.5687", 16));
        out.extend(padded("SYNTH-000002", 16));
        out.extend(0xffff_ffff_u32.to_le_bytes());
        out.extend(5204u32.to_le_bytes());
        out.extend([0; 20]);
        out
    }

    fn net_package(&mut self) -> Vec<u8> {
        let mut out = 2u32.to_le_bytes().to_vec();
        out.extend([1, 0, 0, 0]);
        out.extend(0f32.to_le_bytes());
        out.extend((-1210.0 + self.random.fraction() * 50.0).to_le_bytes());
        out.extend(id::BATTERY_SOC.0.to_le_bytes());
        out.extend(0.5f32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(0.5f32.to_le_bytes());
        out.extend([0; 4]);
        out
    }

    /// A row of the event table: a parameter change, or a grid undervoltage that begins and ends.
    fn event(&mut self, time: u32) -> [u32; 5] {
        if self.random.one_in(3) {
            [0x73, time, id::SOC_MIN.0, 0.07f32.to_bits(), 0.1f32.to_bits()]
        } else {
            [0x0d + self.random.below(3), time, time + self.random.below(90), 0, 0]
        }
    }
}

fn padded(text: &str, length: usize) -> impl Iterator<Item = u8> + '_ {
    text.bytes().chain(std::iter::repeat(0)).take(length)
}
