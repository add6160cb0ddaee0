//! Ordinary frames go a short way from packets to lines where nobody wants their bytes on the wire. What comes of them is
//! what comes of frames that go the long way.

use crate::film::{Observed, analyze_file_with, synthesise};
use rctscope::analyzer::Options;
use rctscope::line::{Exchange, Response, Sighting};
use rctscope::tools::synth::Scenario;
use smallvec::SmallVec;

/// A frame without its bytes on the wire.
fn without_raw(frame: &Sighting) -> Sighting {
    Sighting { raw: SmallVec::new(), ..frame.clone() }
}

fn exchanges(observed: &Observed) -> Vec<Exchange> {
    let stripped = |exchange: &Exchange| {
        let response = exchange.response.clone();
        Exchange {
            request: exchange.request.as_ref().map(without_raw),
            response: response.map(|response| Response { frame: without_raw(&response.frame), ..response }),
            ..exchange.clone()
        }
    };
    observed.exchanges.iter().map(stripped).collect()
}

#[test]
fn frames_whose_bytes_nobody_wants_come_to_the_same() {
    for scenario in Scenario::ALL {
        for seed in 1..4 {
            let file = synthesise(*scenario, seed);
            let [short, long] =
                [false, true].map(|frames| analyze_file_with(&file, Options { frames, ..Options::default() }));
            assert_eq!(exchanges(&short), exchanges(&long), "{scenario}, seed {seed}");
            assert_eq!(short.anomalies, long.anomalies, "{scenario}, seed {seed}");
            assert_eq!(short.summary, long.summary, "{scenario}, seed {seed}");
        }
    }
}
