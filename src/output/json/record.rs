//! Each kind of record, key by key. `schema/records-1.0.json` says the same in a form for programs; a test holds the two
//! together.

use super::community_id::community_id;
use super::ends::Ends;
use super::line::{Line, Scale, key};
use super::names::Names;
use super::value::{Trust, ValueWriter};
use super::{Origin, SCHEMA_VERSION};
use crate::anomaly::Anomaly;
use crate::event::{ConnectionSummary, NonFrameSighting, Summary};
use crate::line::{Exchange, Pairing, Response, Sender, Sighting};
use crate::output::{TOOL, secrecy};
use crate::packet::ByteRange;
use crate::rct::registry::Registry;
use crate::rct::value::{self, Decoded, Form};
use crate::rct::{Command, Escaping, NonFrameKind};
use crate::tcp::CloseReason;
use std::borrow::Cow;

/// Appends records to a line buffer.
#[derive(Debug)]
pub(super) struct Recorder<'r> {
    pub(super) registry: &'r Registry,
    /// What objects marked `secret` hold is not told.
    pub(super) mask_secrets: bool,
    pub(super) names: Names,
    ends: Ends,
    pub(super) line: Line,
    pub(super) values: ValueWriter,
}

impl<'r> Recorder<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        let (line, values) = (Line::default(), ValueWriter::default());
        let (names, ends) = (Names::new(registry), Ends::default());
        Self { registry, mask_secrets: false, names, ends, line, values }
    }

    /// Whether what a frame holds is not to be told.
    pub(super) fn masks(&self, frame: &Sighting) -> bool {
        self.mask_secrets && secrecy::may_hold_secret(self.registry, frame.object_id, frame.crc_ok(), &frame.payload)
    }

    pub(super) fn capture(&mut self, origin: &Origin<'_>) {
        let line = &mut self.line;
        line.begin(r#"{"type":"capture""#, origin.start);
        line.raw(key!("schema_version"));
        line.plain(SCHEMA_VERSION);
        line.raw(key!("tool"));
        line.plain(TOOL);
        line.raw(key!("registry"));
        line.string(self.registry.version());
        if let Some(file) = origin.files.first() {
            line.raw(key!("file"));
            line.string(file);
        }
        if origin.files.len() > 1 {
            line.raw(key!("files"));
            line.list(origin.files, |line, file| line.string(file));
        }
        line.end();
    }

    pub(super) fn frame(&mut self, frame: &Sighting) {
        let masked = self.masks(frame);
        let line = &mut self.line;
        line.begin(r#"{"type":"frame""#, Some(frame.ts));
        line.raw(key!("id"));
        line.id(b'F', frame.id.0);
        ends(line, frame.connection.0, frame.sender, [frame.src, frame.dst]);
        line.raw(key!("command"));
        command(line, frame.command);
        line.raw(key!("command_code"));
        line.integer(frame.command.0);
        self.names.write(line, frame.object_id);
        if let Some(address) = frame.address {
            line.raw(key!("address"));
            line.integer(address);
        }
        if !masked {
            line.raw(key!("payload_hex"));
            line.hex(&frame.payload);
        }
        self.value(frame);
        let line = &mut self.line;
        line.raw(key!("crc_ok"));
        line.bool(frame.crc_ok());
        if let Some(crc) = frame.crc_read {
            line.raw(key!("crc_read"));
            line.hex_number(crc.to_be_bytes());
        }
        line.raw(key!("crc_computed"));
        line.hex_number(frame.crc_computed.to_be_bytes());
        line.raw(key!("declared_length"));
        line.count(frame.declared_length);
        line.raw(key!("real_length"));
        line.count(frame.real_length);
        line.raw(key!("status"));
        line.plain(frame.status.name());
        if let Some(escaping) = unusual_escaping(frame.escaping) {
            line.raw(key!("escaping"));
            line.plain(escaping);
        }
        if frame.capture_incomplete {
            line.raw(r#","capture_incomplete":true"#);
        }
        if !masked {
            line.raw(key!("raw_hex"));
            line.hex(&frame.raw);
        }
        stretch(line, frame.stream_offset, u64::from(frame.stream_length), &frame.spans);
        if let Some(first) = frame.copy_of {
            line.raw(key!("copy_of"));
            line.id(b'F', first.0);
        }
        line.end();
    }

    pub(super) fn nonframe(&mut self, found: &NonFrameSighting) {
        let line = &mut self.line;
        line.begin(r#"{"type":"nonframe""#, Some(found.ts));
        line.raw(key!("id"));
        line.id(b'F', found.id.0);
        ends(line, found.connection.0, found.sender, [found.src, found.dst]);
        line.raw(key!("kind"));
        line.plain(found.kind.name());
        if found.capture_incomplete {
            line.raw(r#","capture_incomplete":true"#);
        }
        if found.kind != NonFrameKind::Gap && (secrecy::is_known(found.kind) || !self.mask_secrets) {
            line.raw(key!("raw_hex"));
            line.hex(&found.raw);
        }
        stretch(line, found.stream_offset, found.stream_length, &found.spans);
        line.end();
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (lead, line) = (exchange.lead(), &mut self.line);
        line.begin(r#"{"type":"exchange""#, Some(exchange.ts));
        line.raw(key!("id"));
        line.id(b'T', exchange.id.0);
        let client = exchange.request.as_ref().map(|request| request.src);
        self.ends.write(line, lead.connection, lead.device().ip, client);
        line.raw(key!("command"));
        command(line, lead.command);
        self.names.write(line, lead.object_id);
        line.raw(key!("status"));
        line.plain(exchange.status.name());
        if let Some(request) = &exchange.request {
            self.request(request);
        }
        if let Some(response) = &exchange.response {
            self.response(response, lead);
        }
        let line = &mut self.line;
        for (key, nanos) in
            [(key!("response_time_ms"), exchange.response_time), (key!("service_time_ms"), exchange.service_time)]
        {
            if let Some(nanos) = nanos {
                line.raw(key);
                line.decimal(nanos, Scale::Milliseconds);
            }
        }
        if exchange.periodic {
            line.raw(r#","periodic":true"#);
        }
        if let Some(response) = &exchange.response {
            self.value(&response.frame);
        }
        let line = &mut self.line;
        line.raw(key!("anomalies"));
        line.list(&exchange.anomalies, |line, (id, _)| line.id(b'A', id.0));
        line.end();
    }

    /// What was asked, and for a WRITE what was to be set.
    fn request(&mut self, request: &Sighting) {
        self.line.raw(key!("request"));
        self.line.place(request.place());
        self.line.raw(key!("frame"));
        self.line.id(b'F', request.id.0);
        self.value(request);
        self.line.raw("}");
    }

    fn response(&mut self, response: &Response, lead: &Sighting) {
        let (frame, line) = (&response.frame, &mut self.line);
        line.raw(r#","response":{"ts":"#);
        line.moment(frame.ts);
        line.raw(key!("packet"));
        line.bare_place(frame.place());
        line.raw(key!("command"));
        command(line, frame.command);
        line.raw(key!("crc_ok"));
        line.bool(frame.crc_ok());
        if frame.connection != lead.connection {
            line.raw(key!("conn"));
            line.count(frame.connection.0);
        }
        line.raw(key!("copies"));
        line.list(&response.copies, |line, connection| line.count(connection.0));
        line.raw(key!("frame"));
        line.id(b'F', frame.id.0);
        line.raw("}");
        if response.pairing == Pairing::Tentative {
            line.raw(r#","pairing":"tentative""#);
        }
    }

    pub(super) fn anomaly(&mut self, anomaly: &Anomaly) {
        let line = &mut self.line;
        line.begin(r#"{"type":"anomaly""#, Some(anomaly.ts));
        line.raw(key!("id"));
        line.id(b'A', anomaly.id.0);
        if let Some(connection) = anomaly.connection {
            line.raw(key!("conn"));
            line.count(connection.0);
        }
        line.raw(key!("code"));
        line.plain(anomaly.code.name());
        line.raw(key!("severity"));
        line.plain(anomaly.code.severity().name());
        if let Some(id) = anomaly.object_id {
            self.names.write(line, id);
        }
        line.raw(key!("message"));
        let told = if self.mask_secrets { secrecy::without_bytes(anomaly) } else { Cow::Borrowed(anomaly) };
        line.string(&told.message);
        line.raw(key!("evidence"));
        line.list(&anomaly.evidence, |line, &place| {
            line.place(place);
            line.raw("}");
        });
        line.end();
    }

    pub(super) fn connection(&mut self, connection: &ConnectionSummary) {
        let line = &mut self.line;
        line.begin(r#"{"type":"connection""#, Some(connection.last));
        line.raw(key!("conn"));
        line.count(connection.id.0);
        line.raw(key!("first_ts"));
        line.moment(connection.first);
        line.raw(key!("community_id"));
        line.plain(&community_id(connection.client, connection.device));
        for (ip, port, end) in [
            (key!("client_ip"), key!("client_port"), connection.client),
            (key!("device_ip"), key!("device_port"), connection.device),
        ] {
            line.raw(ip);
            line.ip(end.ip);
            line.raw(port);
            line.count(end.port);
        }
        line.raw(key!("roles_proven"));
        line.bool(connection.roles_proven);
        line.raw(key!("role"));
        line.plain(if connection.portal { "portal" } else { "client" });
        if let Some(side) = connection.opened_by {
            line.raw(key!("opened_by"));
            line.plain(side.name());
        }
        line.raw(key!("closed"));
        line.plain(close_name(connection.closed));
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
                line.raw(key);
                line.moment(ts);
            }
        }
        line.raw(key!("complete"));
        line.bool(summary.complete);
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
        line.raw(key!("other_ports"));
        line.list(&summary.other_ports, |line, &(port, bytes)| {
            line.raw("{\"port\":");
            line.count(port);
            line.raw(key!("byte_count"));
            line.count(bytes);
            line.raw("}");
        });
        line.end();
    }

    /// The value in a frame, where it carries one that can be read at all.
    fn value(&mut self, frame: &Sighting) {
        // A READ asks for a value and carries none; in an answer, no bytes can be a value: an empty text.
        if !frame.command.is_response() && !frame.command.is_write() {
            return;
        }
        let object = self.registry.get(frame.object_id);
        let Some(value) = decoded(self.registry, frame).value else { return };
        let trust = if frame.crc_ok() { Trust::Proven } else { Trust::Untrusted };
        self.line.raw(key!("value"));
        if self.masks(frame) {
            return ValueWriter::write_masked(&mut self.line, &value);
        }
        self.values.write(&mut self.line, &value, object, trust);
    }
}

/// The payload of a frame as a value.
pub(super) fn decoded<'a>(registry: &'a Registry, frame: &'a Sighting) -> Decoded<'a> {
    let form = if frame.command.is_response() { Form::Response } else { Form::Request };
    value::decode(registry, registry.get(frame.object_id), form, &frame.payload)
}

/// The name of a command, or its number where it has none.
fn command(line: &mut Line, command: Command) {
    match command.name() {
        Some(name) => line.plain(name),
        None => line.display(command),
    }
}

/// Connection, device, sender and both ends of a frame or what stands in its place.
fn ends(line: &mut Line, connection: u32, sender: Sender, [src, dst]: [crate::endpoint::Endpoint; 2]) {
    line.raw(key!("conn"));
    line.count(connection);
    line.raw(key!("device"));
    line.ip(if sender == Sender::Client { dst.ip } else { src.ip });
    line.raw(key!("from"));
    line.plain(sender.name());
    line.raw(key!("src"));
    line.endpoint(src);
    line.raw(key!("dst"));
    line.endpoint(dst);
}

fn stretch(line: &mut Line, offset: u64, length: u64, spans: &[ByteRange]) {
    line.raw(key!("stream_offset"));
    line.count(offset);
    line.raw(key!("stream_length"));
    line.count(length);
    line.raw(key!("packets"));
    line.packets(spans);
}

fn counts(line: &mut Line, counts: &[(&str, u64)]) {
    for (key, count) in counts {
        line.raw(key);
        line.integer(*count);
    }
}

pub(super) const fn unusual_escaping(escaping: Escaping) -> Option<&'static str> {
    match escaping {
        Escaping::Full => None,
        Escaping::RawCrc => Some("raw_crc"),
        Escaping::None => Some("none"),
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
