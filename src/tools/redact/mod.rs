//! A capture that is safe to share: other addresses, other secrets, everything else as it was.
//!
//! Four passes: what occurs (`learn`), which bytes are secret (`plan`), where those stand in their flows (`locate`), and
//! the new capture (`write`). Frames come from the analyzer, so that what is secret is found however the stream was cut;
//! packets are made anew, so that nothing of the old headers survives by accident. What is no connection of the protocol
//! is left out.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `addresses` | addresses of documentation for real ones |
//! | `values` | secret values and what stands for them |
//! | `body` | one frame: what is secret in it, and its bytes made anew |
//! | `plan` | all frames of a capture that have to change, and their new bytes |
//! | `patches` | bytes of a flow by sequence number |
//! | `report` | what was done, and what cannot be promised |

mod addresses;
mod body;
mod patches;
mod plan;
mod report;
mod values;

#[cfg(test)]
mod tests;

pub use report::Report;

use super::container::{Format, Writer};
use super::repacket::{Copier, Flow, Packer, Repacket};
use crate::analyzer::{Analyzer, Options};
use crate::endpoint::ConnectionKey;
use crate::net::{Decoded, Decoder, Segment};
use crate::packet::Packet;
use addresses::Addresses;
use patches::Patches;
use plan::{Learn, Plan};
use std::convert::Infallible;
use std::io::{self, Write};

/// Shows each packet of a capture, in order, as often as it is called.
pub type Packets<'a> = dyn FnMut(&mut dyn FnMut(&Packet<'_>) -> io::Result<()>) -> io::Result<()> + 'a;

/// Writes the capture that `packets` shows to `out`, redacted.
pub fn redact(packets: &mut Packets<'_>, options: &Options, format: Format, out: &mut dyn Write) -> io::Result<Report> {
    let options = Options { frames: true, ..options.clone() };
    let mut learn = Learn::new(&options.registry);
    let mut addresses = Addresses::default();
    analyze(packets, &options, &mut learn, |segment| {
        addresses.learn(segment.src.ip);
        addresses.learn(segment.dst.ip);
    })?;
    let mut plan = Plan::new(&options.registry, learn);
    analyze(packets, &options, &mut plan, |_| {})?;
    let (solved, mut report) = plan.solve();
    let mut patches = Patches::default();
    let mut decoder = Decoder::new();
    packets(&mut |packet| {
        let wanted = solved.of(packet.number);
        if let (Decoded::Segment(segment), false) = (decoder.decode(packet), wanted.is_empty()) {
            for patch in wanted {
                let ahead = patch.offset.wrapping_sub(segment.payload_offset);
                patches.add((segment.src, segment.dst), segment.seq.advanced(ahead), &patch.old, &patch.new);
            }
        }
        Ok(())
    })?;
    let mut rewriter = Rewriter {
        solved: &solved,
        patches,
        addresses,
        ports: &options.ports,
        copier: Copier::default(),
        packer: Packer::default(),
    };
    let mut writer = Writer::new(out, format);
    let mut decoder = Decoder::new();
    packets(&mut |packet| {
        report.packet_count += 1;
        let Decoded::Segment(segment) = decoder.decode(packet) else { return Ok(()) };
        if let Some(repacket) = rewriter.rewrite(&segment, &mut report) {
            rewriter.packer.write(&repacket, &mut writer)?;
        }
        Ok(())
    })?;
    writer.finish()?;
    report.written_count = writer.packet_count();
    report.address_count = rewriter.addresses.given_count();
    report.mac_count = rewriter.packer.host_count();
    Ok(report)
}

/// One pass of the analyzer, whose sink cannot fail.
fn analyze<S: crate::event::Sink<Error = Infallible>>(
    packets: &mut Packets<'_>,
    options: &Options,
    sink: &mut S,
    mut each: impl FnMut(&Segment<'_>),
) -> io::Result<()> {
    let (mut analyzer, mut decoder) = (Analyzer::new(options.clone()), Decoder::new());
    packets(&mut |packet| {
        if let Decoded::Segment(segment) = decoder.decode(packet) {
            each(&segment);
        }
        let Ok(()) = analyzer.packet(packet, sink);
        Ok(())
    })?;
    let Ok(_) = analyzer.finish(true, sink);
    Ok(())
}

struct Rewriter<'a> {
    solved: &'a plan::Solved,
    patches: Patches,
    addresses: Addresses,
    ports: &'a [u16],
    copier: Copier,
    packer: Packer,
}

impl Rewriter<'_> {
    /// The segment as it is to be; `None` where it is to be left out.
    fn rewrite(&mut self, segment: &Segment<'_>, report: &mut Report) -> Option<Repacket> {
        let flow: Flow = (segment.src, segment.dst);
        let ours = self.solved.is_ours(&ConnectionKey::new(segment.src, segment.dst));
        if !ours && ![segment.src.port, segment.dst.port].iter().any(|port| self.ports.contains(port)) {
            return None;
        }
        let mut repacket = self.copier.copy(segment);
        if ours {
            self.patches.apply(flow, segment.seq, &mut repacket.payload);
            report.stray_count += self.solved.blank_values(&mut repacket.payload);
        } else {
            // By its port it could be ours, but nothing in it ever was.
            repacket.payload.fill(b'x');
        }
        repacket.src.ip = self.addresses.of(segment.src.ip);
        repacket.dst.ip = self.addresses.of(segment.dst.ip);
        Some(repacket)
    }
}
