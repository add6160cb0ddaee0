//! From packets to steps: the first half of an analyzer.

use super::Options;
use super::step::Step;
use super::work::Work;
use crate::anomaly::Code;
use crate::net::{Decoded, Decoder};
use crate::packet::{Packet, PacketNumber};
use crate::tcp::Assembler;
use crate::time::Timestamp;

/// The first half of an [`Analyzer`](super::Analyzer): packets in, steps out.
#[derive(Debug)]
pub struct Collector {
    decoder: Decoder,
    assembler: Assembler,
    work: Work,
    rest: Rest,
}

/// What the last call has left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    #[default]
    Nothing,
    /// More of what the packet has brought.
    Packet,
    /// More of what the end has brought, and the end itself.
    End { complete: bool },
}

impl Collector {
    /// A collector that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let tcp = crate::tcp::Options { server_ports: options.ports.clone(), overlap: options.overlap };
        let (decoder, assembler, work) = (Decoder::new(), Assembler::new(tcp), Work::new(options));
        Self { decoder, assembler, work, rest: Rest::Nothing }
    }

    /// Takes the next packet. Where it brings very much, [`Collector::resume`] goes on with it.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        while self.resume() {}
        let Self { decoder, assembler, work, rest } = self;
        work.begin(packet);
        let decoded = decoder.decode(packet);
        let mut drain = match &decoded {
            Decoded::Segment(segment) => {
                work.count_segment();
                assembler.push(segment)
            }
            _ => assembler.tick(packet.number, packet.ts),
        };
        work.take(&mut drain);
        if drain.is_empty() {
            work.release(drain.oldest_pending());
        } else {
            work.pause(drain.oldest_pending());
            *rest = Rest::Packet;
        }
    }

    /// Goes on with what the last packet, or the end, has brought, if that was too much for one go: the steps so far are to
    /// be taken before. False when nothing is left.
    #[inline]
    pub fn resume(&mut self) -> bool {
        let is_left = self.rest != Rest::Nothing;
        if is_left {
            self.take_rest();
        }
        is_left
    }

    #[cold]
    fn take_rest(&mut self) {
        self.work.go_on();
        let mut drain = self.assembler.rest();
        self.work.take(&mut drain);
        let pending = drain.oldest_pending();
        if !drain.is_empty() {
            return self.work.pause(pending);
        }
        drop(drain);
        match std::mem::take(&mut self.rest) {
            Rest::Nothing => {}
            Rest::Packet => self.work.release(pending),
            Rest::End { complete } => self.end(complete),
        }
    }

    /// Takes something that the reader of the capture noticed.
    pub fn notice(&mut self, code: Code, packet: Option<PacketNumber>, ts: Option<Timestamp>, message: String) {
        self.work.notice(code, packet, ts, message);
    }

    /// The capture is over: no packet follows. `complete`: the input was neither damaged nor cut. [`Collector::resume`] goes
    /// on with it until nothing is left.
    pub fn finish(&mut self, complete: bool) {
        while self.resume() {}
        self.work.go_on();
        drop(self.assembler.finish());
        self.rest = Rest::End { complete };
        self.resume();
    }

    fn end(&mut self, complete: bool) {
        self.work.report_decoder(&self.decoder);
        self.work.end(complete);
    }

    /// The steps so far, for the caller to take; they are kept until then.
    pub fn steps(&mut self) -> &mut Vec<Step> {
        &mut self.work.steps
    }
}
