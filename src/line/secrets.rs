//! Secrets in clear: passwords, serial numbers and network names that cross the wire for everybody to read.

use super::context::Context;
use super::exchange::Sighting;
use super::outcome::{About, Found, Outbox};
use crate::anomaly::Code;
use crate::rct::registry::Object;

/// Takes a frame that carries a value of `object`. What the value is stays out of the message: messages are never
/// masked.
pub(super) fn judge(object: &Object, frame: &Sighting, found: &mut Found, out: &mut Outbox) {
    if !object.flags.secret || frame.payload.is_empty() || !out.is_first_secret(object.id) {
        return;
    }
    let message = format!("{} crossed the wire in clear (said once per object)", object.name);
    found.push(out.anomaly(Code::Secret, About::frame(frame), message));
}

/// Takes a WRITE, of a client or of the device. A question to a table carries no value.
pub(super) fn judge_write(frame: &Sighting, found: &mut Found, context: &mut Context) {
    if !frame.command.is_write() || !frame.crc_ok() {
        return;
    }
    if let Some(object) = context.registry.get(frame.object_id).filter(|object| !object.response_type.is_table()) {
        judge(object, frame, found, &mut context.out);
    }
}
