//! Hostile captures, small: they come through everything without a panic, and what comes out is sound. What they cost at
//! full size is measured by `benches/hostile.rs`.

use rctscope::tools::fuzz;
use rctscope::tools::synth::{Hostile, hostile};

#[test]
fn every_hostile_capture_comes_through() {
    for attack in Hostile::ALL {
        let mut file = Vec::new();
        let packets = hostile(*attack, attack.count().div_ceil(2_000), &mut file).expect("a Vec takes all");
        assert!(packets > 0, "{attack}: {}", attack.description());
        fuzz::pipeline(&file);
    }
}
