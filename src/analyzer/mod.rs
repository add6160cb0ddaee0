//! The only place that sees every stage: packets in, events out, in the order of time.
//!
//! ```text
//! packet → decoder → assembler → stream (framers) → sequence → lines → order → sink
//! ```
//!
//! | module | responsible for |
//! | --- | --- |
//! | `stream` | one connection: its two framers, and which packet each byte came from |
//! | `sequence` | frames reach the line in the order of the packets that completed them |
//! | `order` | events leave in the order of time, however late they were decided |
//! | `clock` | a time that never goes back |
//! | `report` | anomalies of captures and TCP, and the summaries |

mod clock;
mod order;
mod report;
mod sequence;
mod stream;
mod work;

use crate::anomaly::Code;
use crate::event::{Event, Sink, Summary};
use crate::limits;
use crate::net::{Decoded, Decoder};
use crate::packet::{Packet, PacketNumber};
use crate::rct::registry::Registry;
use crate::tcp::{Assembler, Overlap};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use work::Work;

/// The port of the protocol.
pub const DEFAULT_PORT: u16 = 8899;

/// How to analyze.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ports that carry the protocol, whatever is on them. On others it is recognised by its frames.
    pub ports: Vec<u16>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// What is known of objects.
    pub registry: Arc<Registry>,
    /// Whether frames and non-frames are handed to the sink, with their raw bytes.
    pub frames: bool,
    /// Which of two differing copies of a TCP byte counts.
    pub overlap: Overlap,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: vec![DEFAULT_PORT],
            timeout: limits::RESPONSE_TIMEOUT,
            registry: Arc::new(Registry::builtin().clone()),
            frames: true,
            overlap: Overlap::First,
        }
    }
}

/// Turns the packets of one session into events.
///
/// ```
/// use rctscope::analyzer::{Analyzer, Options};
/// use rctscope::event::{Event, Sink};
///
/// struct Count(u64);
/// impl Sink for Count {
///     type Error = std::convert::Infallible;
///     fn event(&mut self, event: Event<'_>) -> Result<(), Self::Error> {
///         if let Event::Exchange(_) = event {
///             self.0 += 1;
///         }
///         Ok(())
///     }
/// }
///
/// let mut count = Count(0);
/// let mut analyzer = Analyzer::new(Options::default());
/// // For every packet of a `capture::Reader`: `analyzer.packet(&packet, &mut count)?`.
/// analyzer.finish(true, &mut count)?;
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Debug)]
pub struct Analyzer {
    decoder: Decoder,
    assembler: Assembler,
    work: Work,
}

impl Analyzer {
    /// An analyzer that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let tcp = crate::tcp::Options { server_ports: options.ports.clone(), overlap: options.overlap };
        Self { decoder: Decoder::new(), assembler: Assembler::new(tcp), work: Work::new(options) }
    }

    /// Takes the next packet and hands out what is settled by it.
    pub fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) -> Result<(), S::Error> {
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
        work.release(drain.oldest_pending(), sink)
    }

    /// Takes something that the reader of the capture noticed.
    pub fn notice(&mut self, code: Code, packet: Option<PacketNumber>, ts: Option<Timestamp>, message: String) {
        self.work.notice(code, packet, ts, message);
    }

    /// The capture is over: hands out all that is left, the summary last. `complete`: the input was neither damaged
    /// nor cut.
    pub fn finish<S: Sink>(mut self, complete: bool, sink: &mut S) -> Result<Summary, S::Error> {
        self.work.take(&mut self.assembler.finish());
        self.work.report_decoder(&self.decoder);
        let summary = self.work.finish(complete, sink)?;
        sink.event(Event::Summary(&summary))?;
        Ok(summary)
    }
}
