//! Holds the source to ARCHITECTURE.md: who may import whom, what each layer may touch, and how long things get.
//!
//! The checker works on text, not on syntax: it knows comments, strings and test modules well enough for code that went
//! through rustfmt, and its own tests show that it notices what it is there to notice.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, and the modules of this crate that each may name. A module is the first part of a path behind `crate::`.
const LAYERS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("object", &[]),
    ("glob", &[]),
    ("in_place", &[]),
    ("loan", &[]),
    ("fingerprint", &[]),
    ("short", &[]),
    ("endpoint", &[]),
    ("packet", &["time"]),
    ("limits", &[]),
    ("anomaly", &["endpoint", "object", "packet", "time"]),
    ("capture", &["anomaly", "limits", "loan", "packet", "time"]),
    ("net", &["endpoint", "limits", "packet", "time"]),
    ("tcp", &["anomaly", "endpoint", "limits", "net", "packet", "short", "time"]),
    ("rct", &["glob", "limits", "object", "short"]),
    (
        "line",
        &[
            "anomaly",
            "endpoint",
            "fingerprint",
            "in_place",
            "limits",
            "loan",
            "object",
            "packet",
            "rct",
            "short",
            "time",
        ],
    ),
    ("event", &["anomaly", "endpoint", "line", "object", "packet", "rct", "tcp", "time"]),
    ("analyzer", CORE),
    (
        "output",
        &[
            "anomaly",
            "endpoint",
            "event",
            "fingerprint",
            "glob",
            "limits",
            "line",
            "object",
            "packet",
            "rct",
            "short",
            "tcp",
            "time",
        ],
    ),
    ("tools", TOOLS),
    ("cli", ANY),
    ("main", ANY),
];

/// Everything that sees no terminal, but output.
const CORE: &[&str] = &[
    "anomaly", "capture", "endpoint", "event", "glob", "in_place", "limits", "line", "net", "object", "packet", "rct",
    "short", "tcp", "time",
];
/// All but the command line.
const TOOLS: &[&str] = &[
    "analyzer", "anomaly", "capture", "endpoint", "event", "glob", "limits", "line", "net", "object", "output",
    "packet", "rct", "tcp", "time",
];
/// Everything.
const ANY: &[&str] = &["*"];

/// Names that only some layers may use, and which.
const TOKENS: &[(&str, &[&str])] = &[
    ("std::io", &["capture", "output", "tools", "cli", "main"]),
    ("std::fs", &["tools", "cli", "main"]),
    ("std::env", &["tools", "cli", "main"]),
    ("std::process", &["tools", "cli", "main"]),
    ("std::thread", &["tools", "cli", "main"]),
    ("clap::", &["tools", "cli", "main"]),
    ("anyhow::", &["tools", "cli", "main"]),
    ("indicatif::", &["tools", "cli", "main"]),
    ("jiff::", &["tools", "cli", "main"]),
    ("SystemTime", &["cli"]),
    ("Instant", &["cli"]),
    ("println!", &["cli", "main"]),
    ("eprintln!", &["cli", "main"]),
    ("dbg!", &[]),
    ("todo!", &[]),
    ("unsafe", &[]),
    ("nom::", &["rct"]),
    ("pcap_file::", &["capture", "tools"]),
    ("etherparse::", &["net", "tools"]),
];

/// `output` takes one word from `tcp`: how a connection ended, which is part of an event.
const TCP_WORDS_IN_OUTPUT: &[&str] = &["crate::tcp::CloseReason"];

/// Lines of a function, its signature and closing brace included.
const FUNCTION_LINES: usize = 60;
/// Lines of a file without its tests.
const FILE_LINES: usize = 500;

/// Functions that may be longer, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str, &str)] =
    &[("output/json/value.rs", "slots", "one flat match with an arm for each type of value")];

/// One file, as the checks see it.
pub(crate) struct Source {
    /// Relative to `src`, with `/`.
    pub(crate) path: String,
    /// The whole text.
    text: String,
    /// The code outside test modules, with comments and the insides of strings blanked; lines keep their numbers.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut code = blank(text);
        if is_test_file(path) {
            code.clear();
        } else if let Some(tests) = code.find("#[cfg(test)]\nmod tests {") {
            code.truncate(tests);
        }
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Every file of the program.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        sources(&root, &mut files);
        files.sort();
        assert!(!files.is_empty());
        let read = |file: &PathBuf| {
            let path = file.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
            Self::new(&path, &fs::read_to_string(file).expect("UTF-8"))
        };
        files.iter().map(read).collect()
    }

    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Everything wrong with it, one line each.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.text.starts_with("//!") && !is_test_file(&self.path) {
            problems.push("does not open with `//!`".to_owned());
        }
        if self.layer() != "lib" && !is_test_file(&self.path) {
            problems.extend(self.imports());
            problems.extend(self.tokens());
        }
        problems.extend(self.long_functions());
        let lines = self.code.lines().count();
        if lines > FILE_LINES {
            problems.push(format!("{lines} lines without tests, {FILE_LINES} are enough"));
        }
        problems.into_iter().map(|problem| format!("src/{}: {problem}", self.path)).collect()
    }

    fn imports(&self) -> Vec<String> {
        let layer = self.layer();
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            return vec![format!("layer `{layer}` is not in the table")];
        };
        let own = if matches!(layer, "main") { "rctscope::" } else { "crate::" };
        let mut problems = Vec::new();
        for path in paths(&self.code, own) {
            let module = path.split("::").next().unwrap_or_default();
            if module != layer && *allowed != ANY && !allowed.contains(&module) {
                problems.push(format!("`{layer}` may not import `{module}`"));
            }
            let whole = format!("crate::{path}");
            if layer == "output" && module == "tcp" && !TCP_WORDS_IN_OUTPUT.contains(&&*whole) {
                problems.push(format!("`output` may not import `{whole}`"));
            }
        }
        problems
    }

    fn tokens(&self) -> Vec<String> {
        let layer = self.layer();
        let forbidden = TOKENS.iter().filter(|(_, layers)| !layers.contains(&layer));
        let mut problems = Vec::new();
        for (token, _) in forbidden {
            if let Some(line) = self.code.lines().position(|line| has_token(line, token)) {
                problems.push(format!("line {}: `{token}` has no place in `{layer}`", line + 1));
            }
        }
        // `use std::{fs, io}` names them too.
        for path in paths(&self.code, "std::") {
            let token = format!("std::{}", path.split("::").next().unwrap_or_default());
            if TOKENS.iter().any(|(name, layers)| *name == token && !layers.contains(&layer)) {
                problems.push(format!("`{token}` has no place in `{layer}`"));
            }
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// Functions end where a brace stands as far right as their `fn` line begins; rustfmt sees to that.
    fn long_functions(&self) -> Vec<String> {
        let lines: Vec<&str> = self.code.lines().collect();
        let mut problems = Vec::new();
        for (start, line) in lines.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let indent = line.len() - line.trim_start().len();
            let closing = |line: &&str| line.starts_with(&format!("{}}}", " ".repeat(indent)));
            let ends_here = line.trim_end().ends_with(['}', ';']);
            let length = if ends_here { 1 } else { lines[start..].iter().position(closing).map_or(1, |end| end + 1) };
            let known = LONG_FUNCTIONS.iter().any(|(path, function, _)| *path == self.path && *function == name);
            if length > FUNCTION_LINES && !known {
                problems.push(format!("`{name}` has {length} lines, {FUNCTION_LINES} are enough"));
            }
        }
        problems
    }
}

/// Whole files of tests, and of what only tests use.
fn is_test_file(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("tests.rs" | "testing.rs" | "samples.rs")) || path.contains("/tests/")
}

/// The name of the function that a line declares.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let before = ["pub", "const", "async", "extern"];
    let word = words.find(|word| !before.iter().any(|known| word.starts_with(known)))?;
    if word != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

/// Whether `token` stands in a line as a word of its own.
fn has_token(line: &str, token: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(token).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + token.len()..].chars().next();
        let joined = token.ends_with(is_part) && after.is_some_and(is_part);
        !before.is_some_and(is_part) && !joined
    })
}

/// What follows `prefix` in the code: `a::b` for `crate::a::b`, and both of `crate::{a, b::c}`.
pub(crate) fn paths(code: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(is_part) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_items(group)),
            None => found.push(rest.chars().take_while(|c| is_part(*c)).collect()),
        }
    }
    found
}

/// The paths at the top of a group, `a` and `b` of `a, b::{c, d}}`.
fn group_items(group: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0_u32;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            c if depth == 0 && !c.is_whitespace() => items.last_mut().expect("never empty").push(c),
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// Code with comments and the insides of strings blanked, so that words in them count for nothing.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let taken = opaque_length(rest);
        if taken == 0 {
            let c = rest.chars().next().expect("not empty");
            // A name that ends in `r` does not begin a raw string.
            let word = if is_word(c) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { c.len_utf8() };
            let word = if rest[..word].starts_with("b'") { 1 } else { word };
            out.push_str(&rest[..word]);
            rest = &rest[word..];
        } else {
            out.extend(rest[..taken].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[taken..];
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the comment, string or character that `text` begins with; 0 where it begins with code.
fn opaque_length(text: &str) -> usize {
    let to_end_of = |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return to_end_of("*/", 2);
    }
    let plain = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - plain.len();
    if let Some(raw) = plain.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return to_end_of(&format!("\"{}", "#".repeat(hashes)), prefix + 1 + hashes + 1);
        }
    }
    if plain.starts_with('"') {
        return prefix + quoted_length(plain, '"');
    }
    let mut chars = plain.strip_prefix('\'').map(str::chars);
    let character = chars.as_mut().and_then(|chars| Some((chars.next()?, chars.next()?)));
    // A lifetime has no quote behind it.
    match character {
        Some(('\\', _) | (_, '\'')) => prefix + quoted_length(plain, '\''),
        _ => 0,
    }
}

/// Bytes from a quote to the one that closes it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn the_source_keeps_to_the_architecture() {
    let mut report = String::new();
    for problem in Source::all().iter().flat_map(Source::problems) {
        let _ = writeln!(report, "{problem}");
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn the_table_has_no_cycle() {
    for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
        for module in allowed.iter().filter(|module| **module != "*") {
            let place = LAYERS.iter().position(|(name, _)| name == module);
            assert!(
                place.is_some_and(|place| place < at),
                "`{layer}` imports `{module}`, which does not stand above it"
            );
        }
    }
}

#[test]
fn the_table_is_the_one_of_the_document() {
    let document = include_str!("../../ARCHITECTURE.md");
    let (_, document) = document.split_once("## Who may import whom").expect("the section");
    for (layer, allowed) in LAYERS.iter().filter(|(layer, _)| *layer != "main") {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{layer}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{layer}`"));
        let imports = row.split('|').nth(2).expect("a second column");
        let mut named: Vec<&str> = imports.split('`').skip(1).step_by(2).collect();
        let mut allowed: Vec<&str> = allowed.iter().copied().filter(|module| *module != "*").collect();
        named.sort_unstable();
        allowed.sort_unstable();
        if !["analyzer", "tools", "cli"].contains(layer) {
            assert_eq!(named, allowed, "the imports of `{layer}`");
        }
    }
}

/// What the checker says of one file.
fn check(path: &str, text: &str, expected: &[&str]) {
    let problems = Source::new(path, text).problems();
    let expected: Vec<String> = expected.iter().map(|problem| format!("src/{path}: {problem}")).collect();
    assert_eq!(problems, expected, "{text}");
}

#[test]
fn forbidden_imports_are_noticed() {
    check("rct/a.rs", "//! x\nuse crate::tcp::Chunk;\n", &["`rct` may not import `tcp`"]);
    check("net/a.rs", "//! x\nuse crate::{packet::Packet, line};\n", &["`net` may not import `line`"]);
    check("line/a.rs", "//! x\nfn a() -> crate::net::Segment {}\n", &["`line` may not import `net`"]);
    check("event.rs", "//! x\nuse crate::output::style;\n", &["`event` may not import `output`"]);
    check("tools/a.rs", "//! x\npub(in crate::tools) use crate::cli::a;\n", &["`tools` may not import `cli`"]);
    check("output/a.rs", "//! x\nuse crate::tcp::Chunk;\n", &["`output` may not import `crate::tcp::Chunk`"]);
    check("strange/a.rs", "//! x\n", &["layer `strange` is not in the table"]);
}

#[test]
fn allowed_imports_are_not() {
    check("rct/a.rs", "//! x\nuse crate::object::ObjectId;\nuse crate::rct::frame;\nuse super::crc;\n", &[]);
    check("output/a.rs", "//! x\nuse crate::tcp::CloseReason;\nuse std::io::Write;\n", &[]);
    check("cli/a.rs", "//! x\nuse crate::analyzer;\nuse std::{env, fs};\nuse clap::Parser;\n", &[]);
    check("rct/a.rs", "//! x\n// crate::tcp, std::fs\nconst A: &str = \"crate::tcp println!\";\n", &[]);
}

#[test]
fn forbidden_names_are_noticed() {
    check(
        "rct/a.rs",
        "//! x\nuse std::io;\n",
        &["`std::io` has no place in `rct`", "line 2: `std::io` has no place in `rct`"],
    );
    check("line/a.rs", "//! x\nuse std::{fmt, fs};\n", &["`std::fs` has no place in `line`"]);
    check("output/a.rs", "//! x\nfn a() {\n    println!();\n}\n", &["line 3: `println!` has no place in `output`"]);
    check("net/a.rs", "//! x\nuse nom::IResult;\n", &["line 2: `nom::` has no place in `net`"]);
    check("tcp/a.rs", "//! x\nuse std::time::Instant;\n", &["line 2: `Instant` has no place in `tcp`"]);
    check("cli/a.rs", "//! x\nunsafe fn a() {}\n", &["line 2: `unsafe` has no place in `cli`"]);
}

#[test]
fn test_modules_are_exempt_and_names_are_whole_words() {
    check("rct/a.rs", "//! x\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", &[]);
    check("rct/tests.rs", "//! x\nuse std::fs;\n", &[]);
    check("rct/a.rs", "//! x\nstruct Instants;\nfn phenom() {}\nfn a<'a>(b: &'a u8) -> char {\n    '\"'\n}\n", &[]);
}

#[test]
fn missing_heads_and_long_things_are_noticed() {
    check("rct/a.rs", "fn a() {}\n", &["does not open with `//!`"]);
    let body = "    let _ = 1;\n".repeat(59);
    let long = format!("//! x\nimpl A {{\n    pub const fn a(\n        b: u8,\n    ) {{\n{body}    }}\n}}\n");
    check("rct/a.rs", &long, &["`a` has 63 lines, 60 are enough"]);
    check("rct/a.rs", &format!("//! x\nfn a() {{\n{}}}\n", "    let _ = 1;\n".repeat(58)), &[]);
    let many = format!("//! x\n{}", "const A: u8 = 1;\n".repeat(500));
    check("rct/a.rs", &many, &["501 lines without tests, 500 are enough"]);
    let tests = format!("//! x\nfn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn a() {}\n".repeat(500));
    check("rct/a.rs", &tests, &[]);
}

#[test]
fn comments_and_strings_are_blanked() {
    for (text, blanked) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b\nc */ d", "a     \n     d"),
        ("f(\"a\\\"b\") + 1", "f(      ) + 1"),
        ("f(r#\"a\"b\"#) + for_r", "f(        ) + for_r"),
        ("f(b\"a\", b'\\'', 'x', '\\u{1b}')", "f(    ,      ,    ,         )"),
        ("fn a<'b>(c: &'b str)", "fn a<'b>(c: &'b str)"),
        ("a\"é\"b", "a   b"),
    ] {
        assert_eq!(blank(text), blanked, "{text}");
    }
}
