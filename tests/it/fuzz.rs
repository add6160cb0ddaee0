//! The fuzzer's entry points over its seeds, and over some thousand mutations of them: a short run of what
//! `cargo fuzz run` does for as long as one lets it.

use crate::random::Random;
use rctscope::tools::fuzz;
use std::fs;
use std::path::Path;

/// Mutations of each seed.
const MUTATIONS: u32 = 200;

/// Up to four changes: a byte, a bit, bytes gone, bytes twice, bytes of another seed.
fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const INTERESTING: [u8; 12] = [0x00, 0x01, 0x05, 0x06, 0x2b, 0x2d, 0x3c, 0x41, 0x50, 0x7f, 0x80, 0xff];
    let mut out = seed.to_vec();
    for _ in 0..=random.below(4) {
        let (at, length) = (random.below(out.len()), random.below(24));
        let end = (at + length).min(out.len());
        match random.below(6) {
            _ if out.is_empty() => out.push(random.byte()),
            0 => out[at] = random.byte(),
            1 => out[at] ^= 1 << random.below(8),
            2 => out[at] = INTERESTING[random.below(INTERESTING.len())],
            3 => drop(out.drain(at..end)),
            4 => out.extend_from_within(at..end),
            _ => {
                let from = random.below(other.len());
                let piece = other[from..(from + length).min(other.len())].to_vec();
                out.splice(at..end, piece);
            }
        }
    }
    out
}

fn run(target: &str, entry: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).expect("seeds").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).expect("readable")).collect();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    let mut random = Random(1);
    entry(&[]);
    for (path, seed) in paths.iter().zip(&seeds) {
        entry(seed);
        for number in 0..MUTATIONS {
            let input = mutated(seed, &seeds[random.below(seeds.len())], &mut random);
            let outcome = std::panic::catch_unwind(|| entry(&input));
            assert!(outcome.is_ok(), "mutation {number} of {}: {}", path.display(), input.escape_ascii());
        }
    }
}

#[test]
fn container() {
    run("container", fuzz::container);
}

#[test]
fn segment() {
    run("segment", fuzz::segment);
}

#[test]
fn framer() {
    run("framer", fuzz::framer);
}

#[test]
fn value() {
    run("value", fuzz::value);
}

#[test]
fn pipeline() {
    run("pipeline", fuzz::pipeline);
}
