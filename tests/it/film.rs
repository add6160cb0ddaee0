//! Captures of a few lines: connections of one device, what is said on them and when; and all that the analyzer makes of
//! one.

use etherparse::PacketBuilder;
use rctscope::analyzer::{Analyzer, Options};
use rctscope::anomaly::Anomaly;
use rctscope::capture::Reader;
use rctscope::event::{Event, Sink, Summary};
use rctscope::line::Exchange;
use rctscope::object::ObjectId;
use rctscope::rct::{Command, encode};
use rctscope::time::Timestamp;
use rctscope::tools::container::{Format, Writer};
use rctscope::tools::synth::{self, Scenario};
use std::convert::Infallible;
use std::io::Cursor;

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 0x10;
const PSH: u8 = 8;

/// A capture in the making. Times are milliseconds, and have to be given in order; connections are numbered from 0.
pub(crate) struct Film {
    packets: Vec<(u64, Vec<u8>)>,
    /// The next sequence numbers of the client and of the device, by connection.
    next: Vec<[u32; 2]>,
}

impl Film {
    /// With so many connections to one device, opened at time 0.
    pub(crate) fn new(connections: usize) -> Self {
        let mut film = Self { packets: Vec::new(), next: vec![[1_000, 5_000]; connections] };
        for connection in 0..connections {
            film.packet(0, connection, true, SYN, &[]);
            film.packet(0, connection, false, SYN | ACK, &[]);
            film.packet(0, connection, true, ACK, &[]);
        }
        film
    }

    pub(crate) fn request(&mut self, at: u64, connection: usize, command: Command, object: ObjectId, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode::frame(&mut bytes, command, None, object, payload);
        self.client_says(at, connection, &bytes);
    }

    pub(crate) fn response(&mut self, at: u64, connection: usize, command: Command, object: ObjectId, payload: &[u8]) {
        let mut bytes = vec![0];
        encode::frame(&mut bytes, command, None, object, payload);
        self.device_says(at, connection, &bytes);
    }

    /// Bytes as they are.
    pub(crate) fn client_says(&mut self, at: u64, connection: usize, bytes: &[u8]) {
        self.packet(at, connection, true, PSH | ACK, bytes);
    }

    /// Bytes as they are.
    pub(crate) fn device_says(&mut self, at: u64, connection: usize, bytes: &[u8]) {
        self.packet(at, connection, false, PSH | ACK, bytes);
    }

    /// Bytes, and others in the same place of the stream.
    pub(crate) fn device_says_twice(&mut self, at: u64, connection: usize, bytes: &[u8], again: &[u8]) {
        let before = self.next[connection];
        self.packet(at, connection, false, PSH | ACK, bytes);
        let after = std::mem::replace(&mut self.next[connection], before);
        self.packet(at, connection, false, PSH | ACK, again);
        self.next[connection] = after;
    }

    /// The client closes its connection.
    pub(crate) fn close(&mut self, at: u64, connection: usize) {
        self.packet(at, connection, true, FIN | ACK, &[]);
        self.packet(at, connection, false, FIN | ACK, &[]);
        self.packet(at, connection, true, ACK, &[]);
    }

    /// A packet with nothing in it: time passes.
    pub(crate) fn tick(&mut self, at: u64, connection: usize) {
        self.packet(at, connection, true, ACK, &[]);
    }

    fn packet(&mut self, at: u64, connection: usize, to_device: bool, flags: u8, payload: &[u8]) {
        assert!(self.packets.last().is_none_or(|(before, _)| *before <= at), "{at} ms is before what was said last");
        let client = ([192, 0, 2, 100 + u8::try_from(connection).expect("few")], 50_000);
        let device = ([192, 0, 2, 20], 8899);
        let ((from, from_port), (to, to_port)) = if to_device { (client, device) } else { (device, client) };
        let [mine, theirs] = if to_device { [0, 1] } else { [1, 0] };
        let ends = &mut self.next[connection];
        let mut tcp = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4(from, to, 64)
            .tcp(from_port, to_port, ends[mine], 0xffff);
        if flags & SYN != 0 {
            tcp = tcp.syn();
        }
        if flags & FIN != 0 {
            tcp = tcp.fin();
        }
        if flags & ACK != 0 {
            tcp = tcp.ack(ends[theirs]);
        }
        let mut bytes = Vec::new();
        tcp.write(&mut bytes, payload).expect("a Vec takes all");
        ends[mine] += u32::try_from(payload.len()).expect("small") + u32::from(flags & (SYN | FIN) != 0);
        self.packets.push((at, bytes));
    }

    /// As a file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, Format::Pcap);
        for (at, bytes) in &self.packets {
            let at = i64::try_from(*at).expect("small") * 1_000_000;
            writer.packet(Timestamp::from_nanos(synth::START.nanos() + at), bytes).expect("a Vec takes all");
        }
        writer.finish().expect("a Vec takes all");
        file
    }
}

/// What the analyzer made of a capture.
#[derive(Default)]
pub(crate) struct Observed {
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) summary: Summary,
}

impl Sink for Observed {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Anomaly(anomaly) => self.anomalies.push(anomaly.clone()),
            Event::Exchange(exchange) => self.exchanges.push(exchange.clone()),
            Event::Frame(_) | Event::NonFrame(_) | Event::Connection(_) | Event::Summary(_) => {}
        }
        Ok(())
    }
}

pub(crate) fn analyze(film: &Film) -> Observed {
    analyze_file(&film.file())
}

pub(crate) fn analyze_file(file: &[u8]) -> Observed {
    analyze_file_with(file, Options::default())
}

pub(crate) fn analyze_file_with(file: &[u8], options: Options) -> Observed {
    let mut reader = Reader::new(Box::new(Cursor::new(file.to_vec()))).expect("a capture");
    let (mut analyzer, mut observed) = (Analyzer::new(options), Observed::default());
    while let Some(packet) = reader.next_packet().expect("memory") {
        let Ok(()) = analyzer.packet(&packet, &mut observed);
    }
    let Ok(summary) = analyzer.finish(reader.complete(), &mut observed);
    observed.summary = summary;
    observed
}

pub(crate) fn synthesise(scenario: Scenario, seed: u64) -> Vec<u8> {
    let mut file = Vec::new();
    synth::write(scenario, seed, &mut file).expect("a Vec takes all");
    file
}
