//! Names as a shell takes them, for the commands that outputs suggest.

use super::style;

/// A file name as a shell takes it.
pub(super) fn quoted(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "._-/+:,@%=~".contains(c);
    if !name.is_empty() && name.chars().all(safe) && !name.starts_with(['-', '~']) {
        return name.to_owned();
    }
    if name.chars().any(char::is_control) {
        return format!("$'{}'", style::escape(&name.replace('\\', "\\\\").replace('\'', "\\'")));
    }
    let plain = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    format!("'{}'", plain.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_shell() {
        for (name, text) in [
            ("evening.pcap", "evening.pcap"),
            ("captures/a b.pcap", "'captures/a b.pcap'"),
            ("it's.pcap", "'it'\\''s.pcap'"),
            ("$(rm).pcap", "'$(rm).pcap'"),
            ("-n.pcap", "'./-n.pcap'"),
            ("~x", "'~x'"),
            ("", "''"),
            ("a\u{1b}[2J", "$'a\\u{1b}[2J'"),
        ] {
            assert_eq!(quoted(name), text);
        }
    }
}
