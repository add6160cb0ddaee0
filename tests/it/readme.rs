//! Holds the screens in README.md and docs/ to what the program prints.
//!
//! A fence marked `console` holds commands behind `$ `, each with its output below. With `RCTSCOPE_UPDATE` set, the
//! outputs are written anew.

use crate::program::{rctscope, repository};
use std::fmt::Write as _;
use std::fs;

/// Where such screens may stand.
const PAGES: &[&str] = &["README.md", "docs/records.md", "docs/fixtures.md", "docs/batch.md", "examples/README.md"];

/// The words of a command; quotes hold a word together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (c, quote) {
            ('\'', None) => quote = Some(c),
            ('\'', Some(_)) => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What the program prints; only `| head -N` may follow it.
fn output(command: &str) -> String {
    let (program, lines) = match command.split_once(" | head -") {
        Some((program, lines)) => (program, lines.parse().expect("a number of lines")),
        None => (command, usize::MAX),
    };
    let words = words(program);
    assert_eq!(words.first().map(String::as_str), Some("rctscope"), "{command}");
    let output = rctscope().args(&words[1..]).output().expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8") + &String::from_utf8_lossy(&output.stderr);
    text.lines().take(lines).fold(String::new(), |text, line| text + line + "\n")
}

/// The page as it should be.
fn rendered(page: &str) -> String {
    let (mut text, mut inside) = (String::new(), false);
    for line in page.lines() {
        match line.strip_prefix("$ ").filter(|_| inside) {
            Some(command) => {
                if !text.ends_with("```console\n") {
                    text.push('\n');
                }
                let _ = write!(text, "{line}\n{}", output(command));
            }
            None if inside && line != "```" => {}
            None => {
                inside = line == "```console";
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text
}

#[test]
fn screens_are_what_the_program_prints() {
    for name in PAGES {
        let path = repository().join(name);
        let page = fs::read_to_string(&path).expect(name);
        let expected = rendered(&page);
        if std::env::var_os("RCTSCOPE_UPDATE").is_some() {
            fs::write(&path, expected).expect(name);
            continue;
        }
        for (number, (found, expected)) in (1..).zip(page.lines().zip(expected.lines())) {
            assert_eq!(found, expected, "{name}:{number}; RCTSCOPE_UPDATE=1 cargo test writes it anew");
        }
        assert_eq!(page, expected, "{name}");
    }
}

#[test]
fn the_evening_is_what_synth_makes() {
    let made = rctscope().args(["synth", "evening", "--seed", "1"]).output().expect("the program starts").stdout;
    let kept = fs::read(repository().join("fixtures/evening.pcap")).expect("the fixture");
    assert!(made == kept, "rctscope synth evening --seed 1 -o fixtures/evening.pcap --force makes it anew");
    assert!(kept.len() < 60_000, "small enough to be kept");
}
