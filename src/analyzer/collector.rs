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
}

impl Collector {
    /// A collector that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let tcp = crate::tcp::Options { server_ports: options.ports.clone(), overlap: options.overlap };
        Self { decoder: Decoder::new(), assembler: Assembler::new(tcp), work: Work::new(options) }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let Self { decoder, assembler, work } = self;
        work.begin(packet);
        let decoded = decoder.decode(packet);
        let mut drain = match &decoded {
            Decoded::Segment(segment) => {
                work.count_segment(segment);
                assembler.push(segment)
            }
            _ => assembler.tick(packet.number, packet.ts),
        };
        work.take(&mut drain);
        work.release(drain.oldest_pending());
    }

    /// Takes something that the reader of the capture noticed.
    pub fn notice(&mut self, code: Code, packet: Option<PacketNumber>, ts: Option<Timestamp>, message: String) {
        self.work.notice(code, packet, ts, message);
    }

    /// The capture is over: no packet follows. `complete`: the input was neither damaged nor cut.
    pub fn finish(&mut self, complete: bool) {
        self.work.begin_end();
        self.work.take(&mut self.assembler.finish());
        self.work.report_decoder(&self.decoder);
        self.work.end(complete);
    }

    /// The steps so far, for the caller to take; they are kept until then.
    pub fn steps(&mut self) -> &mut Vec<Step> {
        &mut self.work.steps
    }
}
