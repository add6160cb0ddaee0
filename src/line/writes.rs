//! Who wrote what: hosts that write different values to one object.

use super::context::Context;
use super::exchange::Sighting;
use super::outcome::{About, Found};
use super::trace::Trace;
use crate::anomaly::Code;
use std::net::IpAddr;
use std::time::Duration;

/// Two hosts compete when the second writes within this time of the first: regulators write every few seconds, people
/// who change a setting from two places do not.
const COMPETING: Duration = Duration::from_secs(60);

/// The last WRITE to an object.
#[derive(Debug)]
pub(super) struct LastWrite {
    host: IpAddr,
    pub(super) trace: Trace,
    /// Competition for this object has been told: once per object.
    told: bool,
}

/// Takes a client's WRITE of a value, which is the last one then. `before`: the one that was.
pub(super) fn judge(
    frame: &Sighting,
    before: Option<&LastWrite>,
    found: &mut Found,
    context: &mut Context,
) -> LastWrite {
    let host = frame.src.ip;
    let mut told = before.is_some_and(|before| before.told);
    if let Some(before) = before.filter(|before| !before.told && before.host != host) {
        let soon = frame.clock.is_within(COMPETING, before.trace.clock);
        if soon && !before.trace.says(&frame.payload, &context.memory) {
            let message = format!("{host} and {} write different values to this object", before.host);
            let about = About::frame(frame).and(before.trace.spans());
            found.push(context.out.anomaly(Code::CompetingWrites, about, message));
            told = true;
        }
    }
    LastWrite { host, trace: Trace::of(frame, &context.memory), told }
}
