//! Each kind of record, key by key. `schema/records-1.0.json` says the same in a form for programs; a test holds the two
//! together.
#![expect(clippy::inline_always, reason = "constants have to be seen as such")]

use super::commands::Commands;
use super::community_id::community_id;
use super::ends::Ends;
use super::line::{Line, Scale, id, key};
use super::objects::{Objects, Rendered, write_object};
use super::value::{Trust, ValueWriter};
use super::verdict::Verdict;
use super::{Origin, SCHEMA_VERSION};
use crate::anomaly::Anomaly;
use crate::event::{ConnectionSummary, NonFrameSighting, Summary};
use crate::line::{Exchange, Pairing, PlainExchange, Response, Sender, Sighting, SightingId};
use crate::object::ObjectId;
use crate::output::digits::Odometer;
use crate::output::{TOOL, secrecy};
use crate::packet::ByteRange;
use crate::rct::registry::{Object, ObjectPlace, Registry};
use crate::rct::value::{self, Form, Value};
use crate::rct::{Command, NonFrameKind};
use crate::tcp::CloseReason;
use crate::time::Timestamp;
use std::borrow::Cow;

/// How nearly everything is answered, up to the number of the frame that does it.
const ANSWERED_PLAINLY: &str = r#","command":"RESPONSE","crc_ok":true,"copies":[],"frame":"F"#;

/// How nearly every exchange ends.
const END_WITHOUT_ANOMALIES: &str = concat!(r#","anomalies":[]}"#, "\n");

/// The numbers that grow a little from exchange to exchange.
#[derive(Debug, Default)]
struct Counts {
    exchange: Odometer,
    request: FrameCounts,
    response: FrameCounts,
}

#[derive(Debug, Default)]
struct FrameCounts {
    packet: Odometer,
    frame: Odometer,
}

/// What a frame carries, and what says what that is.
#[derive(Clone, Copy)]
pub(super) struct Cargo<'a> {
    object_id: ObjectId,
    known: Option<ObjectPlace>,
    form: Form,
    crc_ok: bool,
    payload: &'a [u8],
}

impl<'a> Cargo<'a> {
    #[inline]
    pub(super) fn of(frame: &'a Sighting) -> Self {
        Self {
            object_id: frame.object_id,
            known: frame.known,
            form: if frame.command.is_response() { Form::Response } else { Form::Request },
            crc_ok: frame.crc_ok(),
            payload: &frame.payload,
        }
    }
}

/// Appends records to a line buffer.
#[derive(Debug)]
pub(super) struct Recorder<'r> {
    pub(super) registry: &'r Registry,
    /// What objects marked `secret` hold is not told.
    pub(super) mask_secrets: bool,
    pub(super) objects: Objects<'r>,
    ends: Ends,
    commands: Commands,
    counts: Counts,
    pub(super) line: Line,
    pub(super) values: ValueWriter,
}

impl<'r> Recorder<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        let (line, values) = (Line::default(), ValueWriter::default());
        let (objects, ends) = (Objects::new(registry), Ends::default());
        Self {
            registry,
            mask_secrets: false,
            objects,
            ends,
            commands: Commands::default(),
            counts: Counts::default(),
            line,
            values,
        }
    }

    /// Whether what a frame holds is not to be told.
    #[inline]
    pub(super) fn masks(&self, cargo: Cargo<'_>) -> bool {
        self.mask_secrets && secrecy::may_hold_secret(self.registry, cargo.object_id, cargo.crc_ok, cargo.payload)
    }

    /// The object of a frame.
    #[inline]
    pub(super) fn object(&self, cargo: Cargo<'_>) -> Option<&Rendered<'r>> {
        self.objects.of(cargo.object_id, cargo.known)
    }

    pub(super) fn capture(&mut self, origin: &Origin<'_>) {
        let line = &mut self.line;
        line.begin(r#"{"type":"capture""#, origin.start);
        line.plain(key!("schema_version"), SCHEMA_VERSION);
        line.plain(key!("tool"), TOOL);
        line.string(key!("registry"), self.registry.version());
        if let Some(file) = origin.files.first() {
            line.string(key!("file"), file);
        }
        if origin.files.len() > 1 {
            line.list(key!("files"), origin.files, |line, file| line.string("", file));
        }
        line.end();
    }

    pub(super) fn frame(&mut self, frame: &Sighting) {
        let masked = self.masks(Cargo::of(frame));
        let line = &mut self.line;
        line.begin(r#"{"type":"frame""#, Some(frame.ts));
        line.id(id!("id", 'F'), frame.id.0);
        ends(line, frame.connection.0, frame.sender, [frame.src, frame.dst]);
        line.short(self.commands.of(frame.command));
        line.integer(key!("command_code"), frame.command.0);
        write_object(line, self.objects.of(frame.object_id, frame.known), frame.object_id);
        if let Some(address) = frame.address {
            line.integer(key!("address"), address);
        }
        if !masked {
            line.hex(key!("payload_hex"), &frame.payload);
        }
        self.value(frame);
        let line = &mut self.line;
        Verdict::from(frame).write(line);
        if frame.capture_incomplete {
            line.raw(r#","capture_incomplete":true"#);
        }
        if !masked {
            line.hex(key!("raw_hex"), &frame.raw);
        }
        stretch(line, frame.stream_offset, u64::from(frame.stream_length), &frame.spans);
        if let Some(first) = frame.copy_of {
            line.id(id!("copy_of", 'F'), first.0);
        }
        line.end();
    }

    pub(super) fn nonframe(&mut self, found: &NonFrameSighting) {
        let line = &mut self.line;
        line.begin(r#"{"type":"nonframe""#, Some(found.ts));
        line.id(id!("id", 'F'), found.id.0);
        ends(line, found.connection.0, found.sender, [found.src, found.dst]);
        line.plain(key!("kind"), found.kind.name());
        if found.capture_incomplete {
            line.raw(r#","capture_incomplete":true"#);
        }
        if found.kind != NonFrameKind::Gap && (secrecy::is_known(found.kind) || !self.mask_secrets) {
            line.hex(key!("raw_hex"), &found.raw);
        }
        stretch(line, found.stream_offset, found.stream_length, &found.spans);
        line.end();
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (lead, line) = (exchange.lead(), &mut self.line);
        line.begin(r#"{"type":"exchange""#, Some(exchange.ts));
        line.next_id(id!("id", 'T'), exchange.id.0, &mut self.counts.exchange);
        let client = exchange.request.as_ref().map(|request| request.src);
        self.ends.write(line, lead.connection, lead.device().ip, client);
        line.short(self.commands.of(lead.command));
        write_object(line, self.objects.of(lead.object_id, lead.known), lead.object_id);
        line.plain(key!("status"), exchange.status.name());
        if let Some(request) = &exchange.request {
            self.request(concat!(key!("request"), "{\"packet\":"), request.place(), request.id);
            self.value(request);
            self.line.raw("}");
        }
        if let Some(response) = &exchange.response {
            self.response(response, lead);
        }
        let line = &mut self.line;
        for (key, nanos) in
            [(key!("response_time_ms"), exchange.response_time), (key!("service_time_ms"), exchange.service_time)]
        {
            if let Some(nanos) = nanos {
                line.decimal(key, nanos, Scale::Milliseconds);
            }
        }
        if exchange.periodic {
            line.raw(r#","periodic":true"#);
        }
        if let Some(response) = &exchange.response {
            self.value(&response.frame);
        }
        let line = &mut self.line;
        if exchange.anomalies.is_empty() {
            return line.raw(END_WITHOUT_ANOMALIES);
        }
        line.list(key!("anomalies"), &exchange.anomalies, |line, (id, _)| line.id("\"A", id.0));
        line.end();
    }

    /// The same as [`Self::exchange`] where there is nothing to say of it: the shortest way, which nearly all go.
    pub(super) fn plain(&mut self, exchange: &PlainExchange) {
        let ((asked, request), (answered, response)) = (&exchange.request, &exchange.response);
        let line = &mut self.line;
        line.begin(r#"{"type":"exchange""#, Some(request.ts()));
        line.next_id(id!("id", 'T'), exchange.id.0, &mut self.counts.exchange);
        self.ends.write(line, request.connection(), exchange.device.ip, Some(exchange.client));
        line.raw(r#","command":"READ""#);
        let object_id = request.object_id();
        write_object(line, self.objects.of(object_id, request.known()), object_id);
        self.request(r#","status":"answered","request":{"packet":"#, request.place(), *asked);
        self.answer(r#"},"response":{"ts":"#, response.ts(), response.place());
        let line = &mut self.line;
        line.next_id(ANSWERED_PLAINLY, answered.0, &mut self.counts.response.frame);
        line.decimal(r#"},"response_time_ms":"#, exchange.response_time, Scale::Milliseconds);
        line.decimal(key!("service_time_ms"), exchange.service_time, Scale::Milliseconds);
        self.carried_value(Cargo {
            object_id: response.object_id(),
            known: response.known(),
            form: Form::Response,
            crc_ok: true,
            payload: response.payload(),
        });
        self.line.raw(END_WITHOUT_ANOMALIES);
    }

    /// Where something was asked. `front`: with what is before. What was to be set by it may follow, and the end.
    #[inline(always)]
    fn request(&mut self, front: &str, place: ByteRange, id: SightingId) {
        let (line, odometers) = (&mut self.line, &mut self.counts.request);
        line.next_place(front, place, &mut odometers.packet);
        line.next_id(id!("frame", 'F'), id.0, &mut odometers.frame);
    }

    /// When and where it was answered. `front`: with what is before. How follows.
    #[inline(always)]
    fn answer(&mut self, front: &str, ts: Timestamp, place: ByteRange) {
        self.line.moment(front, ts);
        self.line.next_place(key!("packet"), place, &mut self.counts.response.packet);
    }

    fn response(&mut self, response: &Response, lead: &Sighting) {
        let frame = &response.frame;
        self.answer(r#","response":{"ts":"#, frame.ts, frame.place());
        let (line, odometer) = (&mut self.line, &mut self.counts.response.frame);
        let alone = frame.connection == lead.connection && response.copies.is_empty();
        if frame.command == Command::RESPONSE && frame.crc_ok() && alone {
            line.next_id(ANSWERED_PLAINLY, frame.id.0, odometer);
        } else {
            line.short(self.commands.of(frame.command));
            line.bool(key!("crc_ok"), frame.crc_ok());
            if frame.connection != lead.connection {
                line.count(key!("conn"), frame.connection.0);
            }
            line.list(key!("copies"), &response.copies, |line, connection| line.count("", connection.0));
            line.next_id(id!("frame", 'F'), frame.id.0, odometer);
        }
        line.raw("}");
        if response.pairing == Pairing::Tentative {
            line.raw(r#","pairing":"tentative""#);
        }
    }

    pub(super) fn anomaly(&mut self, anomaly: &Anomaly) {
        let line = &mut self.line;
        line.begin(r#"{"type":"anomaly""#, Some(anomaly.ts));
        line.id(id!("id", 'A'), anomaly.id.0);
        if let Some(connection) = anomaly.connection {
            line.count(key!("conn"), connection.0);
        }
        line.plain(key!("code"), anomaly.code.name());
        line.plain(key!("severity"), anomaly.code.severity().name());
        if let Some(id) = anomaly.object_id {
            write_object(line, self.objects.get(id), id);
        }
        let told = if self.mask_secrets { secrecy::without_bytes(anomaly) } else { Cow::Borrowed(anomaly) };
        line.string(key!("message"), &told.message);
        line.list(key!("evidence"), &anomaly.evidence, |line, &place| {
            line.place("{\"packet\":", place);
            line.raw("}");
        });
        line.end();
    }

    pub(super) fn connection(&mut self, connection: &ConnectionSummary) {
        let line = &mut self.line;
        line.begin(r#"{"type":"connection""#, Some(connection.last));
        line.count(key!("conn"), connection.id.0);
        line.moment(key!("first_ts"), connection.first);
        line.plain(key!("community_id"), &community_id(connection.client, connection.device));
        for (ip, port, end) in [
            (key!("client_ip"), key!("client_port"), connection.client),
            (key!("device_ip"), key!("device_port"), connection.device),
        ] {
            line.ip(ip, end.ip);
            line.count(port, end.port);
        }
        line.bool(key!("roles_proven"), connection.roles_proven);
        line.plain(key!("role"), if connection.portal { "portal" } else { "client" });
        if let Some(side) = connection.opened_by {
            line.plain(key!("opened_by"), side.name());
        }
        line.plain(key!("closed"), close_name(connection.closed));
        counts(
            line,
            &[
                (key!("packet_count"), connection.packet_count),
                (key!("request_count"), connection.request_count),
                (key!("own_count"), connection.own_count),
                (key!("foreign_count"), connection.foreign_count),
                (key!("unanswered_count"), connection.unanswered_count),
            ],
        );
        line.end();
    }

    pub(super) fn summary(&mut self, summary: &Summary) {
        let line = &mut self.line;
        line.begin(r#"{"type":"summary""#, summary.last);
        for (key, ts) in [(key!("first_ts"), summary.first), (key!("last_ts"), summary.last)] {
            if let Some(ts) = ts {
                line.moment(key, ts);
            }
        }
        line.bool(key!("complete"), summary.complete);
        counts(
            line,
            &[
                (key!("packet_count"), summary.packet_count),
                (key!("segment_count"), summary.segment_count),
                (key!("tcp_connection_count"), summary.tcp_connection_count),
                (key!("connection_count"), summary.connection_count),
                (key!("frame_count"), summary.frame_count),
                (key!("request_count"), summary.request_count),
                (key!("answered_count"), summary.answered_count),
                (key!("damaged_count"), summary.damaged_count),
                (key!("unanswered_count"), summary.unanswered_count),
                (key!("unconfirmed_count"), summary.unconfirmed_count),
                (key!("open_count"), summary.open_count),
                (key!("unsolicited_count"), summary.unsolicited_count),
                (key!("anomaly_count"), summary.anomaly_count),
                (key!("error_count"), summary.error_count),
                (key!("warning_count"), summary.warning_count),
                (key!("note_count"), summary.note_count),
            ],
        );
        line.list(key!("other_ports"), &summary.other_ports, |line, &(port, bytes)| {
            line.count("{\"port\":", port);
            line.count(key!("byte_count"), bytes);
            line.raw("}");
        });
        line.end();
    }

    /// The value in a frame, where it carries one that can be read at all.
    #[inline]
    fn value(&mut self, frame: &Sighting) {
        // A READ asks for a value and carries none; in an answer, no bytes can be a value: an empty text.
        if frame.command.is_response() || frame.command.is_write() {
            self.carried_value(Cargo::of(frame));
        }
    }

    #[inline(never)]
    fn carried_value(&mut self, cargo: Cargo<'_>) {
        // The field itself, so that the others can be borrowed beside it.
        let known = self.objects.of(cargo.object_id, cargo.known);
        let trust = if cargo.crc_ok { Trust::Proven } else { Trust::Untrusted };
        if let Some(known) = known
            && !self.masks(cargo)
            && self.values.write_number(&mut self.line, (cargo.payload, cargo.form), known, trust)
        {
            // Most values are this, and the shortest way to it shows.
            return;
        }
        let Some(value) = decoded(self.registry, known.map(|known| known.object), cargo) else { return };
        if self.masks(cargo) {
            return ValueWriter::write_masked(&mut self.line, key!("value"), &value);
        }
        self.values.write(&mut self.line, key!("value"), &value, known, trust);
    }
}

/// What a frame carries, as a value.
#[inline]
pub(super) fn decoded<'a>(registry: &'a Registry, object: Option<&'a Object>, cargo: Cargo<'a>) -> Option<Value<'a>> {
    value::decode_value(registry, object, cargo.form, cargo.payload)
}

/// Connection, device, sender and both ends of a frame or what stands in its place.
fn ends(line: &mut Line, connection: u32, sender: Sender, [src, dst]: [crate::endpoint::Endpoint; 2]) {
    line.count(key!("conn"), connection);
    line.ip(key!("device"), if sender == Sender::Client { dst.ip } else { src.ip });
    line.plain(key!("from"), sender.name());
    line.endpoint(key!("src"), src);
    line.endpoint(key!("dst"), dst);
}

fn stretch(line: &mut Line, offset: u64, length: u64, spans: &[ByteRange]) {
    line.count(key!("stream_offset"), offset);
    line.count(key!("stream_length"), length);
    line.packets(key!("packets"), spans);
}

fn counts(line: &mut Line, counts: &[(&str, u64)]) {
    for (key, count) in counts {
        line.count(key, *count);
    }
}

const fn close_name(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Fin => "fin",
        CloseReason::Reset => "reset",
        CloseReason::PortReuse => "port_reuse",
        CloseReason::Idle => "idle",
        CloseReason::Evicted => "evicted",
        CloseReason::EndOfCapture => "open",
    }
}
