//! Captures out of any bytes: what a fuzzer turns, until something unheard of happens on the line.
//!
//! The bytes are read as a script of frames and mishaps, so that checksums and sequence numbers are right where the script
//! does not want them wrong. Every input gives a capture.

use super::START;
use super::device::OBJECTS;
use super::wire::{ACK, FIN, PSH, RST, SYN, SYN_OPTIONS, Station, TcpPacket};
use crate::net::Seq;
use crate::rct::{Command, encode};
use crate::time::Timestamp;
use crate::tools::container::{Format, Writer};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Connections of the one device.
const CONNECTIONS: u8 = 4;
/// Bytes of a step before its payload: who, when, command, object, mishaps, length.
const STEP: usize = 6;
/// The most payload of one step.
const PAYLOAD: u8 = 64;

/// Commands by the low bits of their byte; the rest are taken as they are, known or not.
const COMMANDS: [Command; 8] = [
    Command::READ,
    Command::RESPONSE,
    Command::WRITE,
    Command::LONG_RESPONSE,
    Command::READ_PERIODICALLY,
    Command::LONG_WRITE,
    Command(0x41),
    Command(0x45),
];

/// What goes wrong with a step, bit by bit.
struct Mishaps(u8);

impl Mishaps {
    const WRONG_CRC: u8 = 0x01;
    const UNCAPTURED: u8 = 0x02;
    const SENT_TWICE: u8 = 0x04;
    const CUT: u8 = 0x08;
    const SWAPPED: u8 = 0x10;
    const WRONG_LENGTH: u8 = 0x20;
    const NO_FRAME: u8 = 0x40;
    const CONTROL: u8 = 0x80;

    const fn has(&self, mishap: u8) -> bool {
        self.0 & mishap != 0
    }
}

/// Writes the capture that `script` describes.
pub fn scripted(script: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let mut stage = Stage { writer: Writer::new(out, Format::Pcap), now: START, ends: [[Seq(0x7fff_ff00); 2]; 4] };
    let mut rest = script;
    while let [who, when, command, object, mishaps, length, behind @ ..] = rest {
        debug_assert_eq!(rest.len() - behind.len(), STEP);
        let (payload, next) = behind.split_at(usize::from(length % PAYLOAD).min(behind.len()));
        rest = next;
        stage.now = stage.now.saturating_add(Duration::from_micros(100) * u32::from(*when) * u32::from(*when));
        let mishaps = Mishaps(*mishaps);
        if mishaps.has(Mishaps::CONTROL) {
            stage.control(*who, *command)?;
        } else {
            let bytes = frame(*command, *object, &mishaps, payload);
            stage.say(*who, &bytes, &mishaps)?;
        }
    }
    stage.writer.finish()
}

/// The bytes of a step.
fn frame(command: u8, object: u8, mishaps: &Mishaps, payload: &[u8]) -> Vec<u8> {
    if mishaps.has(Mishaps::NO_FRAME) {
        return payload.to_vec();
    }
    let object_id = OBJECTS[usize::from(object) % OBJECTS.len()].0;
    let command = match command {
        0xc0.. => Command(command),
        _ => COMMANDS[usize::from(command) % COMMANDS.len()],
    };
    let mut bytes = Vec::new();
    encode::frame(&mut bytes, command, Some(1), object_id, payload);
    if mishaps.has(Mishaps::WRONG_LENGTH)
        && let Some(length) = bytes.get_mut(2)
    {
        *length = length.wrapping_add(object);
    }
    if mishaps.has(Mishaps::WRONG_CRC)
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 0x55;
    }
    bytes
}

struct Stage<'a> {
    writer: Writer<'a>,
    now: Timestamp,
    /// The next number of client and device, by connection.
    ends: [[Seq; 2]; CONNECTIONS as usize],
}

impl Stage<'_> {
    /// A client says something, or the device to one connection or to all.
    fn say(&mut self, who: u8, bytes: &[u8], mishaps: &Mishaps) -> io::Result<()> {
        let connection = who % CONNECTIONS;
        match who / CONNECTIONS % 4 {
            0 => self.send(connection, 0, bytes, mishaps),
            1 => self.send(connection, 1, bytes, mishaps),
            _ => {
                // The mishap happens to the copy on one connection.
                for other in 0..CONNECTIONS {
                    let fate = if other == connection { mishaps } else { &Mishaps(0) };
                    self.send(other, 1, bytes, fate)?;
                }
                Ok(())
            }
        }
    }

    fn send(&mut self, connection: u8, from: usize, bytes: &[u8], mishaps: &Mishaps) -> io::Result<()> {
        let start = self.ends[usize::from(connection)][from];
        let (first, second) = bytes.split_at(if mishaps.has(Mishaps::CUT) { bytes.len() / 2 } else { bytes.len() });
        let behind = start.advanced(u32::try_from(first.len()).unwrap_or(0));
        let mut pieces = vec![(start, first)];
        if !second.is_empty() {
            pieces.push((behind, second));
        }
        if mishaps.has(Mishaps::SWAPPED) {
            pieces.reverse();
        }
        if mishaps.has(Mishaps::UNCAPTURED) {
            pieces.remove(0);
        }
        if mishaps.has(Mishaps::SENT_TWICE) {
            pieces.extend_from_within(..);
        }
        for (seq, piece) in pieces {
            self.emit(connection, from, seq, PSH | ACK, piece)?;
        }
        self.ends[usize::from(connection)][from] = start.advanced(u32::try_from(bytes.len()).unwrap_or(0));
        Ok(())
    }

    /// SYN, FIN or RST.
    fn control(&mut self, who: u8, which: u8) -> io::Result<()> {
        let (connection, from) = (who % CONNECTIONS, usize::from(who / CONNECTIONS % 2));
        let flags = [SYN, SYN | ACK, FIN | ACK, RST, RST | ACK][usize::from(which) % 5];
        let seq = self.ends[usize::from(connection)][from];
        self.emit(connection, from, seq, flags, &[])?;
        if flags & (SYN | FIN) != 0 {
            self.ends[usize::from(connection)][from] = seq.advanced(1);
        }
        Ok(())
    }

    fn emit(&mut self, connection: u8, from: usize, seq: Seq, flags: u8, payload: &[u8]) -> io::Result<()> {
        let client = Station::new(10 + connection, Ipv4Addr::new(192, 0, 2, 10 + connection), 50_000);
        let device = Station::new(20, Ipv4Addr::new(192, 0, 2, 20), 8899);
        let (src, dst) = if from == 0 { (client, device) } else { (device, client) };
        let ack = self.ends[usize::from(connection)][1 - from];
        let options: &[u8] = if flags & SYN == 0 { &[] } else { &SYN_OPTIONS };
        let mut data = Vec::with_capacity(60 + payload.len());
        let ip_id = u16::try_from(self.writer.packet_count() % 65_536).unwrap_or(0);
        TcpPacket { src, dst, seq, ack, flags, window: 0x4000, options, ip_id, payload }.append(&mut data);
        self.now = self.now.saturating_add(Duration::from_micros(20));
        self.writer.packet(self.now, &data)
    }
}
