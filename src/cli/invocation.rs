//! `rctscope FILE...` is short for `rctscope summary FILE...`.
//!
//! Knows which words are commands and which options take a value. A first word that is neither a command nor looks like
//! a file is left alone, so that a mistyped command is told as one.

use super::args::CommandLine;
use clap::{Command, CommandFactory};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What a file without a command means.
const DEFAULT: &str = "summary";

/// The words, with the command put in where only files were named.
pub(super) fn with_command(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let program = CommandLine::command();
    if let Some(word) = first_operand(&words, &program) {
        let is_command = program.find_subcommand(word).is_some();
        if !is_command && looks_like_a_file(word) {
            words.insert(1, DEFAULT.into());
        }
    }
    words
}

/// The first word that is neither an option nor an option's value.
fn first_operand<'a>(words: &'a [OsString], program: &Command) -> Option<&'a OsStr> {
    let default = program.find_subcommand(DEFAULT)?;
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.to_str() {
            Some("--") => return rest.next().map(OsString::as_os_str),
            Some(option) if option.starts_with('-') && option.len() > 1 => {
                if takes_next_word(default, option) {
                    rest.next();
                }
            }
            _ => return Some(word),
        }
    }
    None
}

fn takes_next_word(command: &Command, option: &str) -> bool {
    command.get_arguments().any(|argument| {
        let long = argument.get_long().is_some_and(|long| option.strip_prefix("--") == Some(long));
        let short = argument.get_short().is_some_and(|short| option.strip_prefix('-') == Some(&short.to_string()));
        (long || short) && argument.get_action().takes_values()
    })
}

fn looks_like_a_file(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    text == "-" || text.contains(['.', '/', '\\']) || Path::new(word).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let words = with_command(line.split(' ').map(OsString::from));
        assert_eq!(words.join(OsStr::new(" ")), *expected);
    }

    #[test]
    fn files_alone_are_summarised() {
        check("rctscope a.pcap b.pcap", "rctscope summary a.pcap b.pcap");
        check("rctscope -", "rctscope summary -");
        check("rctscope --color never a.pcap", "rctscope summary --color never a.pcap");
        check("rctscope --plain a.pcap", "rctscope summary --plain a.pcap");
        check("rctscope --since=+1s captures/", "rctscope summary --since=+1s captures/");
        check("rctscope -- --odd-name.pcap", "rctscope summary -- --odd-name.pcap");
    }

    #[test]
    fn commands_stay_as_they_are() {
        for line in ["rctscope", "rctscope --help", "rctscope timeline a.pcap", "rctscope tmieline a.pcap"] {
            check(line, line);
        }
    }
}
