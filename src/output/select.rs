//! Lets through the events that were asked for, on their way to any other sink.
//!
//! Knows events. How a selection is typed, and what names and times in it mean, is resolved before.
//!
//! The totals always pass, and always speak of the whole session.

use crate::anomaly::{Anomaly, AnomalyId, Code, Severity};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::event::{ConnectionSummary, Event, NonFrameSighting, Sink};
use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::line::{Exchange, ExchangeStatus, PlainExchange, Sighting};
use crate::object::ObjectId;
use crate::rct::Command;
use crate::time::Timestamp;
use foldhash::HashMap;
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::IpAddr;

/// Objects whose last value is remembered. Real devices have a thousand; a hostile capture could name any number.
const REMEMBERED_OBJECTS: usize = 65_536;

/// What is asked for. Everything that is given must hold; of several in one list, one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// On these connections; on any, when empty.
    pub connections: Vec<ConnectionPick>,
    /// With these devices; with any, when empty.
    pub devices: Vec<IpAddr>,
    /// About these objects; `None` for any.
    pub objects: Option<FxHashSet<ObjectId>>,
    /// With these commands; with any, when empty.
    pub commands: Vec<Command>,
    /// Exchanges that ended so; in any way, when empty.
    pub statuses: Vec<ExchangeStatus>,
    /// Anomalies with these codes, and exchanges that have one; anything, when empty.
    pub anomalies: Vec<Code>,
    /// Anomalies at least as bad as this, and exchanges that have one.
    pub severity: Option<Severity>,
    /// Exchanges whose value is not the object's last one.
    pub changed: bool,
}

/// How a connection can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionPick {
    /// By its number.
    Number(ConnectionId),
    /// By the address of either end.
    Address(IpAddr),
    /// By either end.
    End(Endpoint),
}

impl Selection {
    fn in_time(&self, ts: Timestamp) -> bool {
        self.since.is_none_or(|since| ts >= since) && self.until.is_none_or(|until| ts < until)
    }

    fn on_connection(&self, id: ConnectionId, ends: Option<[Endpoint; 2]>) -> bool {
        let ends = ends.as_ref().map_or(&[][..], |ends| ends);
        self.connections.is_empty()
            || self.connections.iter().any(|pick| match pick {
                ConnectionPick::Number(number) => *number == id,
                ConnectionPick::Address(ip) => ends.iter().any(|end| end.ip == *ip),
                ConnectionPick::End(picked) => ends.contains(picked),
            })
    }

    fn with_device(&self, device: IpAddr) -> bool {
        self.devices.is_empty() || self.devices.contains(&device)
    }

    fn about(&self, object: ObjectId) -> bool {
        self.objects.as_ref().is_none_or(|objects| objects.contains(&object))
    }

    fn with_command(&self, command: Command) -> bool {
        self.commands.is_empty() || self.commands.contains(&command)
    }

    fn is_about_anomalies(&self) -> bool {
        self.severity.is_some() || !self.anomalies.is_empty()
    }

    /// Something is asked for that frames do not have.
    fn is_about_exchanges(&self) -> bool {
        self.changed || !self.statuses.is_empty()
    }

    /// Something is asked for that an anomaly has only through its exchange.
    fn ties_anomalies_to_exchanges(&self) -> bool {
        self.is_about_exchanges() || !self.commands.is_empty()
    }

    fn with_code(&self, code: Code) -> bool {
        (self.anomalies.is_empty() || self.anomalies.contains(&code))
            && self.severity.is_none_or(|severity| code.severity() >= severity)
    }

    fn exchange(&self, exchange: &Exchange) -> bool {
        let lead = exchange.lead();
        self.in_time(exchange.ts)
            && self.on_connection(lead.connection, Some([lead.src, lead.dst]))
            && self.with_device(lead.device().ip)
            && self.about(lead.object_id)
            && self.with_command(lead.command)
            && (self.statuses.is_empty() || self.statuses.contains(&exchange.status))
            && (!self.is_about_anomalies() || exchange.anomalies.iter().any(|(_, code)| self.with_code(*code)))
    }

    fn frame(&self, frame: &Sighting) -> bool {
        !self.is_about_exchanges()
            && !self.is_about_anomalies()
            && self.in_time(frame.ts)
            && self.on_connection(frame.connection, Some([frame.src, frame.dst]))
            && self.with_device(frame.device().ip)
            && self.about(frame.object_id)
            && self.with_command(frame.command)
    }

    fn nonframe(&self, found: &NonFrameSighting) -> bool {
        !self.is_about_exchanges()
            && !self.is_about_anomalies()
            && self.objects.is_none()
            && self.commands.is_empty()
            && self.in_time(found.ts)
            && self.on_connection(found.connection, Some([found.src, found.dst]))
            && (self.devices.is_empty() || [found.src.ip, found.dst.ip].into_iter().any(|ip| self.with_device(ip)))
    }

    fn connection(&self, connection: &ConnectionSummary) -> bool {
        self.since.is_none_or(|since| connection.last >= since)
            && self.until.is_none_or(|until| connection.first < until)
            && self.on_connection(connection.id, Some([connection.client, connection.device]))
            && self.with_device(connection.device.ip)
    }
}

/// A sink that hands the selected events to another one.
#[derive(Debug)]
pub struct Select<S> {
    selection: Selection,
    /// Everything is asked for.
    all: bool,
    inner: S,
    /// Ends of the connections seen, kept only where anomalies have to be placed by them.
    ends: FxHashMap<ConnectionId, [Endpoint; 2]>,
    /// Anomalies of selected exchanges that have not come by yet.
    awaited: FxHashSet<AnomalyId>,
    /// What each object's last trusted payload is known by.
    last_values: HashMap<(IpAddr, ObjectId, Option<u32>), Fingerprint>,
    fingerprints: Fingerprints,
}

impl<S> Select<S> {
    /// Hands what `selection` selects to `inner`.
    pub fn new(selection: Selection, inner: S) -> Self {
        Self {
            all: selection == Selection::default(),
            selection,
            inner,
            ends: FxHashMap::default(),
            awaited: FxHashSet::default(),
            last_values: HashMap::default(),
            fingerprints: Fingerprints::default(),
        }
    }

    /// The sink behind.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Gives the sink behind back.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn selects(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Frame(frame) => {
                self.learn(frame);
                self.selection.frame(frame)
            }
            Event::NonFrame(found) => self.selection.nonframe(found),
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Anomaly(anomaly) => self.anomaly(anomaly),
            Event::Connection(connection) => {
                self.ends.remove(&connection.id);
                self.selection.connection(connection)
            }
            Event::Summary(_) => true,
        }
    }

    fn learn(&mut self, frame: &Sighting) {
        if !self.selection.connections.is_empty() || !self.selection.devices.is_empty() {
            let device = frame.device();
            let client = if device == frame.src { frame.dst } else { frame.src };
            self.ends.insert(frame.connection, [device, client]);
        }
    }

    fn exchange(&mut self, exchange: &Exchange) -> bool {
        exchange.request.iter().for_each(|request| self.learn(request));
        exchange.response.iter().for_each(|response| self.learn(&response.frame));
        // Every value is remembered, also of exchanges that are not asked for.
        let changed = !self.selection.changed || self.is_new_value(exchange);
        let selected = self.selection.exchange(exchange) && changed;
        if selected && self.selection.ties_anomalies_to_exchanges() {
            self.awaited.extend(exchange.anomalies.iter().map(|(id, _)| *id));
        }
        selected
    }

    fn is_new_value(&mut self, exchange: &Exchange) -> bool {
        let Some(response) = exchange.response.as_ref().filter(|response| response.frame.crc_ok()) else {
            return false;
        };
        let frame = &response.frame;
        let value = self.fingerprints.of(&frame.payload);
        if self.last_values.len() >= REMEMBERED_OBJECTS {
            self.last_values.clear();
        }
        self.last_values.insert((frame.device().ip, frame.object_id, frame.address), value) != Some(value)
    }

    fn anomaly(&mut self, anomaly: &Anomaly) -> bool {
        let selection = &self.selection;
        if selection.ties_anomalies_to_exchanges() && !self.awaited.remove(&anomaly.id) {
            return false;
        }
        let ends = anomaly.connection.and_then(|id| self.ends.get(&id).copied());
        let placed = match anomaly.connection {
            Some(id) => selection.on_connection(id, ends),
            None => selection.connections.is_empty(),
        };
        let device = selection.devices.is_empty() || ends.is_some_and(|[device, _]| selection.with_device(device.ip));
        let object = selection.objects.is_none() || anomaly.object_id.is_some_and(|id| selection.about(id));
        placed && device && object && selection.in_time(anomaly.ts) && selection.with_code(anomaly.code)
    }
}

impl<S: Sink> Sink for Select<S> {
    type Error = S::Error;

    fn event(&mut self, event: Event<'_>) -> Result<(), S::Error> {
        if self.all || self.selects(&event) { self.inner.event(event) } else { Ok(()) }
    }

    fn plain(&mut self, exchange: &PlainExchange) -> Result<(), S::Error> {
        if self.all { self.inner.plain(exchange) } else { self.event(Event::Exchange(&exchange.exchange())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Summary;
    use crate::line::{ExchangeId, Pairing, Response, Sender, SightingId};
    use crate::packet::{ByteRange, PacketNumber};
    use smallvec::smallvec;
    use std::hash::BuildHasher as _;

    const SOC: ObjectId = ObjectId(0x9599_30BF);
    const DEVICE: &str = "192.0.2.20:8899";

    fn end(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an address");
        Endpoint::new(address.ip(), address.port())
    }

    fn frame(connection: u32, ts: i64, command: Command, payload: &[u8]) -> Sighting {
        let client = end(&format!("192.0.2.1{connection}:5000{connection}"));
        let sender = if command.is_response() { Sender::Device } else { Sender::Client };
        let (src, dst) = if sender == Sender::Device { (end(DEVICE), client) } else { (client, end(DEVICE)) };
        Sighting {
            id: SightingId(1),
            src,
            dst,
            payload: payload.iter().copied().collect(),
            spans: smallvec![ByteRange { packet: PacketNumber(1), offset: 54, length: 9 }],
            ..Sighting::sample(sender, connection, command, SOC, Timestamp::from_nanos(ts))
        }
    }

    fn exchange(id: u64, ts: i64, value: u8, anomalies: &[(u64, Code)]) -> Exchange {
        Exchange {
            id: ExchangeId(id),
            ts: Timestamp::from_nanos(ts),
            request: Some(frame(1, ts, Command::READ, &[])),
            response: Some(Response {
                frame: frame(1, ts + 1, Command::RESPONSE, &[value]),
                on_asking_connection: true,
                copies: smallvec![],
                pairing: Pairing::Certain,
            }),
            status: ExchangeStatus::Answered,
            response_time: Some(1),
            service_time: None,
            periodic: false,
            anomalies: anomalies.iter().map(|&(id, code)| (AnomalyId(id), code)).collect(),
        }
    }

    fn anomaly(id: u64, ts: i64, code: Code) -> Anomaly {
        Anomaly {
            id: AnomalyId(id),
            code,
            ts: Timestamp::from_nanos(ts),
            connection: Some(ConnectionId(1)),
            object_id: Some(SOC),
            message: String::new(),
            evidence: smallvec![],
        }
    }

    /// Writes down what passes: `F` and `T` with the time, `A` with the id.
    #[derive(Default)]
    struct Names(Vec<String>);

    impl Sink for Names {
        type Error = std::convert::Infallible;

        fn event(&mut self, event: Event<'_>) -> Result<(), Self::Error> {
            self.0.push(match event {
                Event::Frame(frame) => format!("F@{}", frame.ts.nanos()),
                Event::Exchange(exchange) => exchange.id.to_string(),
                Event::Anomaly(anomaly) => anomaly.id.to_string(),
                Event::Summary(_) => "sum".into(),
                _ => "?".into(),
            });
            Ok(())
        }
    }

    /// A session of five exchanges on two connections, three with anomalies, and one anomaly of the file.
    fn check(selection: Selection, expected: &str) {
        let (first, second) = (frame(1, 10, Command::READ, &[]), frame(2, 30, Command::WRITE, &[1]));
        let plain = exchange(1, 10, 5, &[]);
        let bad = exchange(2, 20, 5, &[(1, Code::PayloadShort)]);
        let odd = exchange(3, 30, 6, &[(2, Code::Retry), (3, Code::CrcMismatch)]);
        let unanswered = Exchange {
            response: None,
            status: ExchangeStatus::Unanswered,
            ..exchange(4, 40, 0, &[(4, Code::Unanswered)])
        };
        let other = Exchange {
            request: Some(frame(2, 50, Command::WRITE, &[1])),
            response: None,
            status: ExchangeStatus::Unconfirmed,
            ..exchange(5, 50, 0, &[])
        };
        let of_file = Anomaly { connection: None, object_id: None, ..anomaly(5, 60, Code::TruncatedFile) };
        let (a1, a2) = (anomaly(1, 21, Code::PayloadShort), anomaly(2, 31, Code::Retry));
        let (a3, a4) = (anomaly(3, 32, Code::CrcMismatch), anomaly(4, 45, Code::Unanswered));
        let summary = Summary::default();
        let mut select = Select::new(selection, Names::default());
        for event in [
            Event::Frame(&first),
            Event::Exchange(&plain),
            Event::Exchange(&bad),
            Event::Anomaly(&a1),
            Event::Frame(&second),
            Event::Exchange(&odd),
            Event::Anomaly(&a2),
            Event::Anomaly(&a3),
            Event::Exchange(&unanswered),
            Event::Anomaly(&a4),
            Event::Exchange(&other),
            Event::Anomaly(&of_file),
            Event::Summary(&summary),
        ] {
            select.event(event).expect("infallible");
        }
        assert_eq!(select.into_inner().0.join(" "), expected);
    }

    /// `FxHasher` has the same hash for both payloads: what is multiplied with the bytes behind is zero.
    #[test]
    fn a_value_that_is_made_to_collide_with_the_last_one_has_changed() {
        let collide = |behind: u8| [&0x243f_6a88_85a3_08d3_u64.to_le_bytes()[..], &[behind; 8]].concat();
        let fx = [0, 1].map(|behind| rustc_hash::FxBuildHasher.hash_one(collide(behind)));
        assert_eq!(fx[0], fx[1], "they do collide");
        let mut select = Select::new(Selection { changed: true, ..Selection::default() }, Names::default());
        for (id, behind) in [(1, 0), (2, 0), (3, 1)] {
            let frame = frame(1, 1, Command::RESPONSE, &collide(behind));
            let mut exchange = exchange(id, 0, 0, &[]);
            exchange.response.as_mut().expect("an answer").frame = frame;
            select.event(Event::Exchange(&exchange)).expect("infallible");
        }
        assert_eq!(select.into_inner().0.join(" "), "T1 T3");
    }

    #[test]
    fn nothing_asked_for_is_everything() {
        check(Selection::default(), "F@10 T1 T2 A1 F@30 T3 A2 A3 T4 A4 T5 A5 sum");
    }

    #[test]
    fn times_are_from_and_before() {
        let at = |ts| Some(Timestamp::from_nanos(ts));
        check(Selection { since: at(20), until: at(31), ..Selection::default() }, "T2 A1 F@30 T3 sum");
    }

    #[test]
    fn connections_and_devices() {
        for pick in [
            ConnectionPick::Number(ConnectionId(2)),
            ConnectionPick::Address(end("192.0.2.12:1").ip),
            ConnectionPick::End(end("192.0.2.12:50002")),
        ] {
            check(Selection { connections: vec![pick], ..Selection::default() }, "F@30 T5 sum");
        }
        let devices = vec![end(DEVICE).ip];
        check(Selection { devices, ..Selection::default() }, "F@10 T1 T2 A1 F@30 T3 A2 A3 T4 A4 T5 sum");
        check(Selection { devices: vec![end("192.0.2.11:1").ip], ..Selection::default() }, "sum");
    }

    #[test]
    fn objects_and_commands() {
        let objects = |id| Some([id].into_iter().collect());
        check(Selection { objects: objects(SOC), ..Selection::default() }, "F@10 T1 T2 A1 F@30 T3 A2 A3 T4 A4 T5 sum");
        check(Selection { objects: objects(ObjectId(1)), ..Selection::default() }, "sum");
        check(Selection { commands: vec![Command::WRITE], ..Selection::default() }, "F@30 T5 sum");
        check(Selection { commands: vec![Command::READ], ..Selection::default() }, "F@10 T1 T2 A1 T3 A2 A3 T4 A4 sum");
    }

    #[test]
    fn statuses_bring_the_anomalies_of_their_exchanges() {
        let statuses = vec![ExchangeStatus::Unanswered];
        check(Selection { statuses, ..Selection::default() }, "T4 A4 sum");
    }

    #[test]
    fn anomalies_bring_their_exchanges() {
        check(Selection { anomalies: vec![Code::Retry], ..Selection::default() }, "T3 A2 sum");
        check(Selection { severity: Some(Severity::Error), ..Selection::default() }, "T2 A1 T3 A3 T4 A4 sum");
        check(
            Selection { severity: Some(Severity::Warning), anomalies: vec![Code::Retry], ..Selection::default() },
            "sum",
        );
    }

    #[test]
    fn only_what_has_changed() {
        check(Selection { changed: true, ..Selection::default() }, "T1 T3 A2 A3 sum");
    }
}
