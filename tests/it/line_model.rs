//! The dialogue against a model that knows whose answer each one is.
//!
//! Devices with some clients each are played through: clients poll at their own pace, the device serves one request after
//! the other, every answer is copied to all connections, and now and then one is lost and asked for again. The packets go
//! through the whole analyzer, which sees only bytes and times; what it makes of them is compared with what happened.

use crate::random::Random;
use etherparse::PacketBuilder;
use rctscope::analyzer::{Analyzer, Options};
use rctscope::anomaly::{Code, Severity};
use rctscope::endpoint::ConnectionId;
use rctscope::event::{Event, Sink};
use rctscope::line::{Exchange, ExchangeStatus};
use rctscope::object::ObjectId;
use rctscope::packet::{LinkType, Packet, PacketNumber};
use rctscope::rct::{Command, encode};
use rctscope::time::Timestamp;
use rctscope::tools::container::{Format, Writer};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::fs::File;

/// Floats whose values have no range.
const OBJECTS: [u32; 12] = [
    0x400f_015b,
    0x9161_7c58,
    0x1ac8_7aa0,
    0xdb2d_69ae,
    0x65ee_d11b,
    0x902a_fafb,
    0xbd55_905f,
    0x2545_e22d,
    0xb408_e40a,
    0xcf05_3085,
    0x54b4_684e,
    0x2196_1b58,
];

/// Nobody asks for this one.
const OTHER: u32 = 0x6ff4_bd55;

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
/// How long a client waits before it asks again.
const PATIENCE: u64 = SECOND;
/// Nothing is lost before this. Until then only one client asks, and that its answers are copied shows what kind of
/// device this is.
const WARM: u64 = SECOND + 500 * MILLI;
/// Nothing new is asked after this.
const ASKING: u64 = 8 * SECOND;
/// The capture goes on until every request is answered or has timed out.
const END: u64 = 18 * SECOND;
/// Where the payload of a TCP packet without options stands.
const PAYLOAD: usize = 54;
/// A client does not count as waiting when it asked so shortly before an answer for another was sent: they crossed.
const CROSSED: u64 = MILLI;

/// What a play is about.
#[derive(Clone, Copy, Debug)]
struct Setting {
    devices: usize,
    /// The most clients of a device.
    clients: u64,
    /// Of a hundred requests so many get no answer.
    lost: u64,
    /// Clients of a device ask for the same objects.
    shared: bool,
    /// An object always has the same value, so that copies and later answers are the same bytes.
    constant: bool,
    /// The most READs in one go.
    batch: u64,
    /// Of a hundred requests so many are sent back by the device before it answers.
    echoed: u64,
    /// Of a hundred requests so many get an answer for another object instead, which the client takes for its own.
    swapped: u64,
    /// How long the device takes for an answer, in microseconds.
    takes: (u64, u64),
}

/// One request, and what the model knows of it.
#[derive(Clone, Debug)]
struct Asked {
    connection: usize,
    object: u32,
    at: u64,
    /// Where it stands in the capture.
    place: (PacketNumber, u32),
    /// The packets with its answer, one for each connection; empty when it got none.
    answers: Vec<PacketNumber>,
    /// Repeats one that got no answer.
    retries: Option<usize>,
}

/// Bytes on their way.
struct Sent {
    at: u64,
    connection: usize,
    to_device: bool,
    bytes: Vec<u8>,
    what: What,
}

enum What {
    Open,
    Nothing,
    /// Requests, and where each starts in the payload.
    Requests(Vec<(usize, usize)>),
    /// The answer to a request.
    Answer(usize),
    /// What the device sent instead of an answer, or before it.
    Other,
}

/// A connection and its client.
struct Client {
    objects: Vec<u32>,
    /// What it waits for: requests.
    waiting: Vec<usize>,
    /// Counts its rounds, so that a time-out knows whether it is still about this one.
    round: u64,
    tries: u32,
}

enum Act {
    Ask,
    GiveUp(u64),
    Receive(usize),
    /// An answer for another object than the request's.
    Swallow(usize),
}

/// One device and its clients being played. Connections and requests are numbered through all devices.
struct Play<'a> {
    random: &'a mut Random,
    setting: Setting,
    first: usize,
    clients: Vec<Client>,
    agenda: BTreeMap<(u64, u64), (usize, Act)>,
    entries: u64,
    line_free: u64,
    asked: &'a mut Vec<Asked>,
    sent: &'a mut Vec<Sent>,
}

impl Play<'_> {
    fn plan(&mut self, at: u64, client: usize, act: Act) {
        self.agenda.insert((at, self.entries), (client, act));
        self.entries += 1;
    }

    fn run(&mut self) {
        for client in 0..self.clients.len() {
            let at = if client == 0 { SECOND } else { WARM + self.random.of(0, 300) * MILLI };
            self.plan(at, client, Act::Ask);
        }
        while let Some(((now, _), (client, act))) = self.agenda.pop_first() {
            match act {
                Act::Ask if now < ASKING => self.ask(now, client),
                Act::Ask => {}
                Act::GiveUp(round) => self.give_up(now, client, round),
                Act::Receive(request) => self.receive(now, client, request),
                Act::Swallow(request) => self.swallow(now, client, request),
            }
        }
    }

    fn ask(&mut self, now: u64, client: usize) {
        let count = self.random.of(1, self.setting.batch);
        let mut objects = self.clients[client].objects.clone();
        while objects.len() > usize::try_from(count).expect("small") {
            objects.remove(self.random.below(objects.len()));
        }
        self.clients[client].tries = 0;
        // What it has just given up and asks for again at once is repeated, too.
        let given_up = std::mem::take(&mut self.clients[client].waiting);
        let repeated = |object| given_up.iter().copied().find(|request| self.asked[*request].object == object);
        let requests: Vec<_> = objects.into_iter().map(|object| (object, repeated(object))).collect();
        self.request(now, client, &requests);
    }

    fn request(&mut self, now: u64, client: usize, requests: &[(u32, Option<usize>)]) {
        let (mut bytes, mut places, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for (object, retries) in requests {
            let number = self.asked.len();
            places.push((number, bytes.len()));
            encode::frame(&mut bytes, Command::READ, None, ObjectId(*object), &[]);
            let place = (PacketNumber(0), 0);
            let connection = self.first + client;
            let (object, retries) = (*object, *retries);
            self.asked.push(Asked { connection, object, at: now, place, answers: Vec::new(), retries });
            waiting.push(number);
            let lost = now >= WARM && self.random.percent(self.setting.lost);
            if self.random.percent(self.setting.echoed) {
                self.echo(now, object);
            }
            if !lost {
                self.answer(now, number);
            }
        }
        let connection = self.first + client;
        self.sent.push(Sent { at: now, connection, to_device: true, bytes, what: What::Requests(places) });
        self.clients[client].waiting = waiting;
        self.clients[client].round += 1;
        let round = self.clients[client].round;
        self.plan(now + PATIENCE, client, Act::GiveUp(round));
    }

    /// The device sends a request back.
    fn echo(&mut self, now: u64, object: u32) {
        self.line_free = self.line_free.max(now) + self.random.of(1_000, 20_000) * MICRO;
        let mut bytes = Vec::new();
        encode::frame(&mut bytes, Command::READ, None, ObjectId(object), &[]);
        for connection in self.first..self.first + self.clients.len() {
            let (bytes, at) = (bytes.clone(), self.line_free);
            self.sent.push(Sent { at, connection, to_device: false, bytes, what: What::Other });
        }
    }

    /// The device serves a request that came at `now`, and the hub copies the answer to all.
    fn answer(&mut self, now: u64, request: usize) {
        let (shortest, longest) = self.setting.takes;
        self.line_free = self.line_free.max(now) + self.random.of(shortest, longest) * MICRO;
        let object = self.asked[request].object;
        let swapped = now >= WARM && self.random.percent(self.setting.swapped);
        let value = if self.setting.constant { object >> 20 } else { u32::try_from(request).expect("few") + 1 };
        let mut bytes = vec![0];
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let payload = (value as f32).to_be_bytes();
        let said = if swapped { OTHER } else { object };
        encode::frame(&mut bytes, Command::RESPONSE, None, ObjectId(said), &payload);
        let mut order: Vec<_> = (0..self.clients.len()).collect();
        let mut at = self.line_free;
        while !order.is_empty() {
            let client = order.remove(self.random.below(order.len()));
            let connection = self.first + client;
            let (what, act) = if swapped {
                (What::Other, Act::Swallow(request))
            } else {
                (What::Answer(request), Act::Receive(request))
            };
            self.sent.push(Sent { at, connection, to_device: false, bytes: bytes.clone(), what });
            self.plan(at, client, act);
            at += self.random.of(100, 500) * MICRO;
        }
    }

    /// A client takes the first answer for an object as its own: it cannot know better.
    fn receive(&mut self, now: u64, client: usize, answer: usize) {
        let object = self.asked[answer].object;
        let asked = &self.asked;
        let waiting = &mut self.clients[client].waiting;
        let Some(at) = waiting.iter().position(|request| asked[*request].object == object && asked[*request].at < now)
        else {
            return;
        };
        waiting.remove(at);
        self.go_on(now, client);
    }

    /// A client takes the first frame it gets for the answer to its request.
    fn swallow(&mut self, now: u64, client: usize, request: usize) {
        self.clients[client].waiting.retain(|waiting| *waiting != request);
        self.go_on(now, client);
    }

    /// Asks anew when everything has been answered.
    fn go_on(&mut self, now: u64, client: usize) {
        if self.clients[client].waiting.is_empty() {
            self.clients[client].round += 1;
            // Whoever takes others' answers for its own asks more than the line can answer, if it does not pause.
            let longest = if self.setting.shared { 2_000_000 } else { 400_000 };
            // A client of a fast device is fast, too.
            let longest = if self.setting.takes.0 < 10_000 { 8_000 } else { longest };
            let pause = self.random.of(longest / 200, longest) * MICRO;
            self.plan(now + pause, client, Act::Ask);
        }
    }

    fn give_up(&mut self, now: u64, client: usize, round: u64) {
        if self.clients[client].round != round {
            return;
        }
        self.clients[client].tries += 1;
        let waiting = self.clients[client].waiting.clone();
        if self.clients[client].tries > 2 {
            self.plan(now + 100 * MILLI, client, Act::Ask);
            return;
        }
        let again: Vec<_> = waiting.iter().map(|request| (self.asked[*request].object, Some(*request))).collect();
        self.request(now, client, &again);
    }
}

/// A capture, and the truth about it.
struct Truth {
    packets: Vec<(Timestamp, Vec<u8>)>,
    asked: Vec<Asked>,
    /// Which request a packet answers.
    answer_of: HashMap<PacketNumber, usize>,
    /// The connections of each one's device.
    siblings: Vec<std::ops::Range<usize>>,
    sighting_count: usize,
}

fn play(setting: Setting, seed: u64) -> Truth {
    let mut random = Random(seed);
    let (mut asked, mut sent, mut siblings) = (Vec::new(), Vec::new(), Vec::new());
    let mut hosts = Vec::new();
    for device in 0..setting.devices {
        let first = siblings.len();
        let count = usize::try_from(random.of(1, setting.clients)).expect("few");
        siblings.extend(std::iter::repeat_n(first..first + count, count));
        let own = OBJECTS.len() / count;
        let clients = (0..count).map(|client| {
            hosts.push((device, client));
            let objects =
                if setting.shared { &OBJECTS[..3] } else { &OBJECTS[own * client..own * client + own.min(4)] };
            Client { objects: objects.to_vec(), waiting: Vec::new(), round: 0, tries: 0 }
        });
        let clients = clients.collect();
        Play {
            random: &mut random,
            setting,
            first,
            clients,
            agenda: BTreeMap::new(),
            entries: 0,
            line_free: 0,
            asked: &mut asked,
            sent: &mut sent,
        }
        .run();
    }
    for connection in 0..siblings.len() {
        let at = u64::try_from(connection).expect("few") * MILLI;
        sent.push(Sent { at, connection, to_device: true, bytes: Vec::new(), what: What::Open });
        for tick in 1..END / SECOND {
            let at = tick * SECOND + at + 7 * MICRO;
            sent.push(Sent { at, connection, to_device: true, bytes: Vec::new(), what: What::Nothing });
        }
    }
    sent.sort_by_key(|sent| sent.at);
    film(sent, asked, siblings, &hosts)
}

/// Turns what was sent into packets.
fn film(
    sent: Vec<Sent>,
    mut asked: Vec<Asked>,
    siblings: Vec<std::ops::Range<usize>>,
    hosts: &[(usize, usize)],
) -> Truth {
    let (mut packets, mut answer_of, mut sighting_count) = (Vec::new(), HashMap::new(), 0);
    let mut numbers = vec![[1_000u32, 5_000]; hosts.len()];
    for Sent { at, connection, to_device, bytes, what } in sent {
        let (device, client) = hosts[connection];
        let ends = &mut numbers[connection];
        let steps: &[(bool, u8, &[u8])] = match what {
            What::Open => &[(true, 2, &[]), (false, 0x12, &[]), (true, 0x10, &[])],
            _ => &[(to_device, 0x18, &bytes)],
        };
        for (to_device, flags, payload) in steps {
            let [mine, theirs] = if *to_device { [0, 1] } else { [1, 0] };
            packets.push((at, packet(device, client, *to_device, *flags, [ends[mine], ends[theirs]], payload)));
            ends[mine] += u32::from(flags & 2 != 0) + u32::try_from(payload.len()).expect("small");
        }
        let number = PacketNumber(u64::try_from(packets.len()).expect("few"));
        match what {
            What::Requests(places) => {
                sighting_count += places.len();
                for (request, offset) in places {
                    asked[request].place = (number, u32::try_from(PAYLOAD + offset).expect("small"));
                }
            }
            What::Answer(request) => {
                sighting_count += 1;
                answer_of.insert(number, request);
                asked[request].answers.push(number);
            }
            What::Other => sighting_count += 1,
            What::Open | What::Nothing => {}
        }
    }
    let packets = packets
        .into_iter()
        .map(|(at, bytes)| {
            (Timestamp::from_nanos(1_742_245_571_000_000_000 + i64::try_from(at).expect("small")), bytes)
        })
        .collect();
    Truth { packets, asked, answer_of, siblings, sighting_count }
}

fn packet(device: usize, client: usize, to_device: bool, flags: u8, [seq, ack]: [u32; 2], payload: &[u8]) -> Vec<u8> {
    let number = |index: usize| u8::try_from(index).expect("few");
    let device = ([192, 0, 2, 20 + number(device)], 8899);
    let client = ([192, 0, 2, 100 + number(client)], 50_000 + u16::from(device.0[3]));
    let ((from, from_port), (to, to_port)) = if to_device { (client, device) } else { (device, client) };
    let mut tcp = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4(from, to, 64)
        .tcp(from_port, to_port, seq, 0xffff);
    if flags & 0x02 != 0 {
        tcp = tcp.syn();
    }
    if flags & 0x10 != 0 {
        tcp = tcp.ack(ack);
    }
    let mut out = Vec::new();
    tcp.write(&mut out, payload).expect("a Vec takes all");
    out
}

/// What the analyzer made of it.
#[derive(Default)]
struct Found {
    exchanges: Vec<Exchange>,
    /// Code, connection and the packet that is the first evidence.
    anomalies: Vec<(Code, Option<ConnectionId>, PacketNumber, String)>,
    /// How many answers for itself each connection is said to have got.
    own: Vec<(ConnectionId, u64)>,
    frames: usize,
    last: Timestamp,
}

impl Found {
    fn in_time(&mut self, ts: Timestamp) {
        assert!(self.last <= ts, "events are sorted by time");
        self.last = ts;
    }
}

impl Sink for Found {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Frame(frame) => {
                self.in_time(frame.ts);
                self.frames += 1;
            }
            Event::Exchange(exchange) => {
                self.in_time(exchange.ts);
                self.exchanges.push(exchange.clone());
            }
            Event::Anomaly(anomaly) => {
                let packet = anomaly.evidence.first().map_or(PacketNumber(0), |evidence| evidence.packet);
                self.anomalies.push((anomaly.code, anomaly.connection, packet, anomaly.message.clone()));
            }
            Event::Connection(connection) => self.own.push((connection.id, connection.own_count)),
            Event::NonFrame(_) | Event::Summary(_) => {}
        }
        Ok(())
    }
}

fn analyze(truth: &Truth) -> Found {
    let (mut analyzer, mut found) = (Analyzer::new(Options::default()), Found::default());
    for (number, (ts, data)) in (1..).zip(&truth.packets) {
        let original_length = u32::try_from(data.len()).expect("small");
        let number = PacketNumber(number);
        let packet = Packet { number, ts: *ts, link_type: LinkType(1), interface: 0, original_length, data };
        let Ok(()) = analyzer.packet(&packet, &mut found);
    }
    let Ok(_) = analyzer.finish(true, &mut found);
    found
}

/// What holds whatever was lost: everything is told, nothing twice, and no answer goes where it cannot belong. Returns
/// the exchange of each request.
fn sound<'a>(truth: &Truth, found: &'a Found) -> Vec<&'a Exchange> {
    assert_eq!(found.frames, truth.sighting_count, "every frame is told");
    let (mut by_place, mut answered) = (HashMap::new(), HashSet::new());
    for exchange in &found.exchanges {
        if let Some(request) = &exchange.request {
            let place = request.place();
            let before = by_place.insert((place.packet, place.offset), exchange);
            assert!(before.is_none(), "{} has two exchanges", exchange.id);
        }
        let Some(response) = &exchange.response else { continue };
        if !response.frame.command.is_response() || response.frame.object_id == ObjectId(OTHER) {
            assert!(exchange.request.is_none(), "{}: packet {}", exchange.id, response.frame.packet());
            continue;
        }
        let answer = truth.answer_of[&response.frame.packet()];
        assert!(answered.insert(answer), "the answer of packet {} has two exchanges", response.frame.packet());
        if let Some(request) = &exchange.request {
            assert_eq!(request.object_id, response.frame.object_id);
            assert!(request.ts < response.frame.ts, "{}: the answer comes behind its request", exchange.id);
        }
    }
    // One that several could have had was not counted.
    for (id, own) in &found.own {
        let is_own = |exchange: &&Exchange| {
            exchange.request.as_ref().is_some_and(|request| request.connection == *id)
                && exchange.response.as_ref().is_some_and(|response| response.on_asking_connection)
        };
        assert_eq!(found.exchanges.iter().filter(is_own).count() as u64, *own, "own answers of connection {id}");
    }
    let given = truth.asked.iter().filter(|asked| !asked.answers.is_empty()).count();
    assert_eq!(answered.len(), given, "every answer is in some exchange");
    truth.asked.iter().map(|asked| by_place[&asked.place]).collect()
}

/// Checks that each request has the answer that the model gave it.
fn exact(truth: &Truth, exchanges: &[&Exchange]) {
    for (asked, exchange) in truth.asked.iter().zip(exchanges) {
        let packet = asked.place.0;
        let Some(response) = &exchange.response else {
            assert!(asked.answers.is_empty(), "the request of packet {packet} was answered by {:?}", asked.answers);
            assert_eq!(exchange.status, ExchangeStatus::Unanswered, "the request of packet {packet}");
            continue;
        };
        assert_eq!(exchange.status, ExchangeStatus::Answered, "the request of packet {packet}");
        let answer = response.frame.packet();
        assert!(asked.answers.contains(&answer), "packet {packet}: {answer} and not one of {:?}", asked.answers);
        assert!(response.on_asking_connection, "packet {packet}: {answer}");
        let copies: HashSet<_> = response.copies.iter().map(|ConnectionId(id)| *id as usize - 1).collect();
        let others: HashSet<_> = truth.siblings[asked.connection].clone().filter(|n| *n != asked.connection).collect();
        // Which device a connection belongs to is known when its client has spoken.
        let spoken = |other: &&usize| {
            truth.asked.iter().any(|asked| asked.connection == **other && asked.place.0 < response.frame.packet())
        };
        assert!(copies.is_subset(&others), "packet {packet}: copies on {copies:?}");
        assert!(
            others.iter().filter(spoken).all(|other| copies.contains(other)),
            "packet {packet}: copies on {copies:?}"
        );
    }
}

/// Whether the client of `connection`, who takes any answer for its object as its own, was waiting for something else when `packet` came with the answer to `answer`.
fn disturbs(truth: &Truth, connection: usize, packet: PacketNumber, answer: usize) -> bool {
    let answered = &truth.asked[answer];
    let first = answered.answers[0];
    let sent = truth.time(first);
    let waits = |asked: &&Asked| {
        let served = |(at, answer): (&PacketNumber, &usize)| {
            (asked.place.0..packet).contains(at)
                && truth.asked[*answer].object == asked.object
                && truth.connection_of(*at) == Some(connection)
        };
        asked.connection == connection && asked.place.0 < packet && !truth.answer_of.iter().any(served)
    };
    let waiting: Vec<_> = truth.asked.iter().filter(waits).collect();
    waiting.iter().any(|asked| asked.at + CROSSED < sent) && waiting.iter().all(|asked| asked.object != answered.object)
}

impl Truth {
    /// Whether what a client asked last before `packet` got no answer until then, and was asked neither long ago nor while
    /// the answer in `packet` was on its way.
    fn still_waits(&self, connection: usize, packet: PacketNumber, answer: usize) -> bool {
        let before = |asked: &&Asked| asked.connection == connection && asked.place.0 < packet;
        let Some(last) = self.asked.iter().filter(before).map(|asked| asked.place.0).max() else { return false };
        self.asked.iter().filter(|asked| asked.place.0 == last).all(|asked| {
            let sent = self.time(self.asked[answer].answers[0]);
            (asked.at + CROSSED + 1..asked.at + 4 * SECOND).contains(&sent)
                && asked.answers.iter().all(|at| *at > packet)
        })
    }

    /// When a packet was captured, from the first one on.
    fn time(&self, packet: PacketNumber) -> u64 {
        let at = |index: usize| self.packets[index].0.nanos();
        u64::try_from(at(usize::try_from(packet.0).expect("few") - 1) - at(0)).expect("later")
    }

    /// The connection that a packet with an answer went to.
    fn connection_of(&self, packet: PacketNumber) -> Option<usize> {
        let answer = self.answer_of.get(&packet)?;
        let data = &self.packets[usize::try_from(packet.0).ok()? - 1].1;
        let siblings = self.siblings[self.asked[*answer].connection].clone();
        Some(siblings.start + usize::from(data[33] - 100))
    }
}

/// Checks that nothing is reported but what happened.
fn quiet(truth: &Truth, found: &Found, allowed: &[Code]) {
    for (code, connection, packet, message) in &found.anomalies {
        if code.severity() == Severity::Note || allowed.contains(code) {
            continue;
        }
        assert_eq!(*code, Code::ForeignResponse, "packet {packet}: {message}");
        let connection = usize::try_from(connection.expect("it arrived on one").0).expect("few") - 1;
        let answer = truth.answer_of[packet];
        assert!(disturbs(truth, connection, *packet, answer), "packet {packet}: {message}");
    }
}

const SEEDS: std::ops::Range<u64> = 0..60;

fn each(setting: Setting, check: impl Fn(&Truth, &Found) + std::panic::RefUnwindSafe) {
    for seed in SEEDS {
        let truth = play(setting, seed);
        assert!(truth.asked.len() > 5, "{} requests", truth.asked.len());
        let outcome = std::panic::catch_unwind(|| check(&truth, &analyze(&truth)));
        if outcome.is_err() {
            let path = std::env::temp_dir().join(format!("rctscope-line-model-{seed}.pcap"));
            let mut file = File::create(&path).expect("a temporary file");
            let mut writer = Writer::new(&mut file, Format::Pcap);
            for (ts, data) in &truth.packets {
                writer.packet(*ts, data).expect("room for it");
            }
            writer.finish().expect("room for it");
            panic!("{setting:?}, seed {seed}: see {}", path.display());
        }
    }
}

const ALONE: Setting = Setting {
    devices: 1,
    clients: 1,
    lost: 0,
    shared: false,
    constant: false,
    batch: 4,
    echoed: 0,
    swapped: 0,
    takes: (30_000, 100_000),
};

#[test]
fn one_client_gets_its_answers() {
    each(ALONE, |truth, found| {
        exact(truth, &sound(truth, found));
        quiet(truth, found, &[]);
    });
}

#[test]
fn clients_with_objects_of_their_own_get_their_answers() {
    for constant in [false, true] {
        each(Setting { clients: 4, constant, ..ALONE }, |truth, found| {
            exact(truth, &sound(truth, found));
            quiet(truth, found, &[]);
        });
    }
}

#[test]
fn clients_that_ask_the_same_get_their_answers_in_turn() {
    for constant in [false, true] {
        each(Setting { clients: 4, shared: true, constant, batch: 3, ..ALONE }, |truth, found| {
            exact(truth, &sound(truth, found));
            quiet(truth, found, &[]);
        });
    }
}

#[test]
fn devices_side_by_side_do_not_mix() {
    each(Setting { devices: 3, clients: 3, ..ALONE }, |truth, found| {
        exact(truth, &sound(truth, found));
        quiet(truth, found, &[]);
    });
}

/// One client at a time, so that nobody else could have been meant.
#[test]
fn what_gets_no_answer_is_unanswered_and_asked_again() {
    for (clients, batch) in [(1, 1), (1, 4), (4, 1), (4, 3)] {
        each(Setting { clients, batch, lost: 15, ..ALONE }, |truth, found| {
            exact(truth, &sound(truth, found));
            quiet(truth, found, &[Code::Unanswered, Code::Overload]);
            let told = |code| found.anomalies.iter().filter(|(found, ..)| *found == code).count();
            let lost = truth.asked.iter().filter(|asked| asked.answers.is_empty()).count();
            let retries = truth.asked.iter().filter(|asked| asked.retries.is_some()).count();
            assert_eq!((told(Code::Unanswered), told(Code::Retry)), (lost, retries), "unanswered, retries");
        });
    }
}

/// Who of two that asked the same got no answer cannot be told; that one of them did not, can.
#[test]
fn whatever_is_lost_every_request_is_told_and_every_answer_given() {
    for constant in [false, true] {
        each(
            Setting { devices: 2, clients: 4, lost: 20, shared: true, constant, batch: 3, ..ALONE },
            |truth, found| {
                let exchanges = sound(truth, found);
                let answered = exchanges.iter().filter(|exchange| exchange.response.is_some()).count();
                let given = truth.asked.iter().filter(|asked| !asked.answers.is_empty()).count();
                assert_eq!(answered, given, "every answer belongs to a request");
            },
        );
    }
}

/// An echo holds the object id that its client waits for, and is no answer.
#[test]
fn an_echo_answers_nothing_and_gives_nobody_peace() {
    for (clients, lost) in [(1, 0), (4, 0), (4, 15)] {
        each(Setting { clients, lost, echoed: 50, ..ALONE }, |truth, found| {
            exact(truth, &sound(truth, found));
            quiet(truth, found, &[Code::Unanswered, Code::Overload]);
            // Whoever has seen an echo waits on, and every answer for another disturbs it.
            for (packet, answer) in &truth.answer_of {
                let Some(connection) = truth.connection_of(*packet) else { continue };
                let told =
                    found.anomalies.iter().any(|(code, _, at, _)| *code == Code::ForeignResponse && at == packet);
                let waits = || truth.still_waits(connection, *packet, *answer);
                let quiet = told || !waits() || !disturbs(truth, connection, *packet, *answer);
                assert!(quiet, "packet {packet} disturbed connection {connection}");
            }
        });
    }
}

/// A client that takes whatever comes for its answer has given up what it asked for, even 2 ms later.
#[test]
fn a_fast_client_that_is_lied_to_gets_its_later_answers() {
    for takes in [(1_500, 4_000), (30_000, 100_000)] {
        each(Setting { batch: 1, swapped: 10, takes, ..ALONE }, |truth, found| {
            exact(truth, &sound(truth, found));
            quiet(truth, found, &[Code::Unanswered, Code::ForeignResponse, Code::Overload]);
        });
    }
}
