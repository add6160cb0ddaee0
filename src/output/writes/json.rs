//! The security view for programs: a record a line.

use super::{Effect, Writes, bytes_at};
use crate::output::explain::Excerpt;
use crate::output::fields::Fields;
use std::io;

impl Writes<'_> {
    /// Writes a record a line: `write` for each WRITE, `competing_writes`, `conflict`, and `left_out` where there were more
    /// than are listed.
    pub fn json(&self, excerpts: &[Excerpt], out: &mut dyn io::Write) -> io::Result<()> {
        for row in &self.rows {
            let shown = match &row.effect {
                Effect::Other(text) => Some(&text.shown),
                Effect::Unknown | Effect::Seen => None,
            };
            Fields::new("write")
                .time("ts", row.ts)
                .text("id", row.id)
                .raw("conn", row.connection)
                .text("client", row.who)
                .text("device", row.device)
                .text("object", self.reader.name(row.object_id, None))
                .text("object_id", row.object_id)
                .maybe("address", row.address.map(|address| format!("{address:08x}")))
                .maybe("old", row.old.as_ref().map(|old| &old.shown))
                .text("new", &row.new.shown)
                .text("status", row.status.name())
                .text("effect", row.effect.name())
                .maybe("shown_later", shown)
                .raw("sensitive", row.sensitive)
                .raw("packet", row.packet)
                .write(out)?;
        }
        for ((device, object), hosts) in self.competing() {
            let hosts: Vec<String> =
                hosts.iter().map(|(host, count)| format!("{{\"host\":\"{host}\",\"write_count\":{count}}}")).collect();
            Fields::new("competing_writes")
                .text("device_ip", device)
                .text("object", self.reader.name(object, None))
                .text("object_id", object)
                .raw("hosts", format_args!("[{}]", hosts.join(",")))
                .write(out)?;
        }
        for conflict in &self.conflicts {
            let mut record = Fields::new("conflict").time("ts", conflict.ts).text("id", conflict.id);
            for (range, copy) in conflict.evidence.iter().zip(["again", "first"]) {
                let bytes = bytes_at(*range, excerpts);
                record = record.raw(&format!("{copy}_packet"), range.packet);
                if !self.reader.hides_bytes(None) {
                    record = record.hex(&format!("{copy}_hex"), bytes);
                }
            }
            record.write(out)?;
        }
        if self.unlisted > 0 || self.unlisted_conflicts > 0 {
            Fields::new("left_out")
                .raw("write_count", self.unlisted)
                .raw("conflict_count", self.unlisted_conflicts)
                .write(out)?;
        }
        Ok(())
    }
}
