//! What is wrong with a payload, and who hears of it.

use super::Problem;

/// Who hears what is wrong with a payload.
pub(super) trait Problems {
    fn add(&mut self, problem: Problem);
    /// Adds a problem that is told once a payload, however often it is there.
    fn add_once(&mut self, problem: Problem);
}

impl Problems for Vec<Problem> {
    fn add(&mut self, problem: Problem) {
        self.push(problem);
    }

    fn add_once(&mut self, problem: Problem) {
        if !self.contains(&problem) {
            self.push(problem);
        }
    }
}

/// Nobody does. So the compiler leaves out the search for it too.
pub(super) struct Unheard;

impl Problems for Unheard {
    fn add(&mut self, _: Problem) {}
    fn add_once(&mut self, _: Problem) {}
}

/// Compares the size of `payload` with what its type needs; false when it is too short.
pub(super) fn is_long_enough(payload: &[u8], needed: usize, problems: &mut impl Problems) -> bool {
    let found = payload.len();
    if found > needed {
        problems.add(Problem::Long { needed, found });
    } else if found < needed {
        problems.add(Problem::Short { needed, found });
    }
    found >= needed
}

/// What a ratio may come to. That it lies in 0..1 is what is known of the devices seen so far, not what their maker
/// promises: a battery may hold more than its rating, and a share may have a sign. Beyond this it is none.
const RATIO: std::ops::RangeInclusive<f32> = -2.0..=2.0;

/// Reports a float that is no ordinary number, or a ratio outside 0..1.
pub(super) fn check_float(number: f32, ratio: bool, problems: &mut impl Problems) {
    if !number.is_finite() {
        problems.add_once(Problem::NotFinite);
    } else if number.is_subnormal() {
        problems.add_once(Problem::Denormal);
    } else if ratio && !RATIO.contains(&number) {
        problems.add_once(Problem::OutOfRange);
    } else if ratio && !(0.0..=1.0).contains(&number) {
        problems.add_once(Problem::RatioExceeded);
    }
}
