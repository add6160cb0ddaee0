//! Who wrote what: hosts that write different values to one object.

use super::device::Context;
use super::exchange::Sighting;
use super::outcome::About;
use super::request::Key;
use super::trace::Trace;
use super::values::Found;
use crate::anomaly::Code;
use foldhash::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Two hosts compete when the second writes within this time of the first: regulators write every few seconds, people
/// who change a setting from two places do not.
const COMPETING: Duration = Duration::from_secs(60);

/// Objects remembered per line.
const REMEMBERED: usize = 4096;

/// The last WRITE of each object.
#[derive(Debug, Default)]
pub(super) struct Writes {
    last: HashMap<Key, LastWrite>,
}

#[derive(Debug)]
struct LastWrite {
    host: IpAddr,
    trace: Trace,
    /// Competition for this object has been told: once per object.
    told: bool,
}

impl Writes {
    /// Takes a client's WRITE of a value.
    pub(super) fn judge(&mut self, frame: &Sighting, found: &mut Found, context: &mut Context) {
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        let (key, host) = (Key::of(frame), frame.src.ip);
        let before = self.last.get(&key);
        let mut told = before.is_some_and(|before| before.told);
        if let Some(before) = before.filter(|before| !before.told && before.host != host) {
            let soon = frame.clock.is_within(COMPETING, before.trace.clock);
            if soon && *before.trace.payload != *frame.payload {
                let message = format!("{host} and {} write different values to this object", before.host);
                let about = About::frame(frame).and(&before.trace.spans);
                found.push(context.out.anomaly(Code::CompetingWrites, about, message));
                told = true;
            }
        }
        self.last.insert(key, LastWrite { host, trace: Trace::of(frame), told });
    }
}
