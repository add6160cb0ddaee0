//! The pages of the anomaly catalogue: when a code fires, what it means, what to do, and which captures show it.
//!
//! The texts stand in `pages/*.txt`, one file a layer, so that whoever knows the devices can mend them without knowing
//! the code. What a code is called and how bad it is stands in [`anomaly`](crate::anomaly) alone.

use crate::anomaly::Code;
use std::fmt;

const TEXTS: [&str; 5] = [
    include_str!("pages/capture.txt"),
    include_str!("pages/tcp.txt"),
    include_str!("pages/frame.txt"),
    include_str!("pages/exchange.txt"),
    include_str!("pages/value.txt"),
];

/// What opens a page, in front of its code.
const HEADING: &str = "== ";

/// One page. Texts are whole sentences; an empty one is missing, which the tests forbid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The exact rule.
    pub fires: &'static str,
    /// What the cause is, and on whose side it lies.
    pub means: &'static str,
    /// What the author of a client can do.
    pub client: &'static str,
    /// What whoever runs the installation can do.
    pub setup: &'static str,
    /// What happens in the capture that shows it.
    pub shows: &'static str,
    /// What happens in the capture that comes close and does not.
    pub near: &'static str,
}

/// The page of a code.
pub fn page(code: Code) -> Page {
    let mut page = Page::default();
    let texts = TEXTS.iter().flat_map(|text| text.split(HEADING));
    let Some(text) = texts.filter_map(|text| text.strip_prefix(code.name())).find(|text| text.starts_with('\n')) else {
        return page;
    };
    // A part begins at its name and goes on up to the next one; lines are broken for the editor only.
    for (name, slot) in [
        ("Fires", &mut page.fires),
        ("Means", &mut page.means),
        ("Client", &mut page.client),
        ("Set-up", &mut page.setup),
        ("Shows", &mut page.shows),
        ("Near", &mut page.near),
    ] {
        *slot = part(text, name).unwrap_or_default();
    }
    page
}

/// The text behind `\nName: `, up to the next line that begins with a name.
fn part(text: &'static str, name: &str) -> Option<&'static str> {
    let start = text
        .match_indices(name)
        .find(|(at, _)| text[..*at].ends_with('\n') && text[at + name.len()..].starts_with(": "))?;
    let text = &text[start.0 + name.len() + 2..];
    let is_name = |line: &str| line.split_once(": ").is_some_and(|(name, _)| NAMES.contains(&name));
    let end = text.match_indices('\n').find(|(at, _)| is_name(&text[at + 1..])).map_or(text.len(), |(at, _)| at);
    Some(text[..end].trim_end())
}

const NAMES: [&str; 6] = ["Fires", "Means", "Client", "Set-up", "Shows", "Near"];

/// The codes that a pattern or a name asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// These, in the order of the catalogue; at least one.
    Codes(Vec<Code>),
    /// None; perhaps this one was meant.
    Nothing(Option<Code>),
}

/// Finds codes by name, by a pattern such as `value.*`, or by the part behind the dot.
pub fn find(pattern: &str) -> Asked {
    let glob = crate::glob::Glob::new(pattern);
    let found: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| glob.matches(code.name()) || glob.matches(code.event())).collect();
    if found.is_empty() { Asked::Nothing(nearest(pattern)) } else { Asked::Codes(found) }
}

/// The code whose name takes the fewest strokes to make of what was typed, if that are few.
fn nearest(typed: &str) -> Option<Code> {
    let typed = typed.to_ascii_lowercase();
    let strokes = |code: &Code| distance(&typed, code.name()).min(distance(&typed, code.event()));
    Code::ALL.iter().copied().min_by_key(strokes).filter(|code| strokes(code) <= 3.max(typed.len() / 4))
}

/// Edit distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codes(codes) => write!(f, "{} codes", codes.len()),
            Self::Nothing(Some(code)) => write!(f, "no such code; did you mean `{code}`?"),
            Self::Nothing(None) => f.write_str("no such code"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_up_to_the_next_name() {
        let text = "\nFires: one\n two.\nMeans: three: four.\n\nNear: five.\n\n";
        assert_eq!(part(text, "Fires"), Some("one\n two."));
        assert_eq!(part(text, "Means"), Some("three: four."));
        assert_eq!(part(text, "Near"), Some("five."));
        assert_eq!(part(text, "Client"), None);
    }

    #[test]
    fn no_page_is_without_a_code() {
        for heading in TEXTS.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix(HEADING)) {
            assert!(Code::from_name(heading).is_some(), "{heading}");
        }
    }

    #[test]
    fn codes_are_found_by_name_pattern_and_guess() {
        let check = |pattern: &str, expected: &[&str]| match find(pattern) {
            Asked::Codes(codes) => assert_eq!(codes.iter().map(|code| code.name()).collect::<Vec<_>>(), expected),
            Asked::Nothing(guess) => assert_eq!(guess.map(Code::name).as_slice(), expected, "{pattern}"),
        };
        check("frame.junk", &["frame.junk"]);
        check("junk", &["frame.junk"]);
        check("frame.crc*", &["frame.crc_mismatch"]);
        check("*retr*", &["tcp.retransmission", "exchange.retry"]);
        check("value.payload_shrot", &["value.payload_short"]);
        check("crc_missmatch", &["frame.crc_mismatch"]);
        check("inverter", &[]);
        assert!(matches!(find("value.*"), Asked::Codes(codes) if codes.len() > 10));
    }
}
