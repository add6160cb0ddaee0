//! The only place that sees every stage: packets in, events out, in the order of time.
//!
//! ```text
//! packet → decoder → assembler → stream (framers) → sequence → step → lines → order → event → sink
//!          ╰────────────────── collector ─────────────────╯        ╰─── teller ───╯
//! ```
//!
//! It has two halves, and all that goes from the first to the second are steps, and nothing comes back from the sink: so
//! all three may work in threads of their own, and what comes out is the same.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `collector`, `work` | packets to steps |
//! | `stream`, `half` | one connection, and each of its directions: a framer, and which packet each byte came from |
//! | `sequence`, `release` | frames reach the line in the order of the packets that completed them |
//! | `step`; `found`, `closed`, `trouble` | what goes from one half to the other |
//! | `teller` | steps to events |
//! | `told` | an event that waits for its sink |
//! | `order` | events leave in the order of time, however late they were decided |
//! | `clock` | a time that never goes back |
//! | `report` | tells of trouble of captures and TCP, and of connections that have ended |

mod clock;
mod closed;
mod collector;
mod found;
mod half;
mod order;
mod release;
mod report;
mod sequence;
mod step;
mod stream;
mod teller;
mod told;
mod trouble;
mod work;

pub use collector::Collector;
pub use step::Step;
pub use teller::Teller;
pub use told::Told;

use crate::anomaly::Code;
use crate::event::{Sink, Summary};
use crate::limits;
use crate::packet::{Packet, PacketNumber};
use crate::rct::registry::Registry;
use crate::tcp::Overlap;
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

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
            registry: Registry::shared(),
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
    collector: Collector,
    teller: Teller,
    /// What has not been handed out yet.
    told: Vec<Told>,
}

impl Analyzer {
    /// An analyzer that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let teller = Teller::new(&options);
        Self { collector: Collector::new(options), teller, told: Vec::new() }
    }

    /// Takes the next packet and hands out what is settled by it.
    pub fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) -> Result<(), S::Error> {
        self.collector.packet(packet);
        self.hand_out(sink)?;
        while self.collector.resume() {
            self.hand_out(sink)?;
        }
        Ok(())
    }

    fn hand_out<S: Sink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        self.tell();
        self.told.iter().try_for_each(|told| told.tell(sink))
    }

    fn tell(&mut self) {
        self.teller.reuse(&mut self.told);
        let steps = self.collector.steps();
        self.teller.take(steps, &mut self.told);
        Step::clear(steps);
    }

    /// Takes something that the reader of the capture noticed.
    pub fn notice(&mut self, code: Code, packet: Option<PacketNumber>, ts: Option<Timestamp>, message: String) {
        self.collector.notice(code, packet, ts, message);
    }

    /// The capture is over: hands out all that is left, the summary last. `complete`: the input was neither damaged
    /// nor cut.
    pub fn finish<S: Sink>(mut self, complete: bool, sink: &mut S) -> Result<Summary, S::Error> {
        self.collector.finish(complete);
        let mut summary = Summary::default();
        loop {
            self.tell();
            for told in self.told.drain(..) {
                told.tell(sink)?;
                if let Told::Summary(last) = told {
                    summary = *last;
                }
            }
            if !self.collector.resume() {
                return Ok(summary);
            }
        }
    }
}
