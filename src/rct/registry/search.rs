//! Objects found by what people type: names, patterns, ids, and names with a slip in them.

use super::{Object, Registry};
use crate::glob::Glob;
use crate::object::ObjectId;

/// The id written in `text`: up to eight hex digits behind `0x`, or eight without.
pub fn parse_id(text: &str) -> Option<ObjectId> {
    if let Some(id) = parse_hex(text) {
        return Some(ObjectId(id));
    }
    let all_hex = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_hex.then(|| u32::from_str_radix(text, 16).ok().map(ObjectId)).flatten()
}

/// The number written behind `0x`.
pub(super) fn parse_hex(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // `from_str_radix` would take a sign.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

impl Registry {
    /// The objects whose names match `pattern`, or the one whose id it is. By name.
    pub fn glob(&self, pattern: &str) -> Vec<&Object> {
        let glob = Glob::new(pattern);
        let id = parse_id(pattern);
        self.objects().filter(|object| glob.matches(&object.name) || Some(object.id) == id).collect()
    }

    /// The object with this id or name.
    pub fn find(&self, id_or_name: &str) -> Option<&Object> {
        self.by_name(id_or_name).or_else(|| self.get(parse_id(id_or_name)?))
    }

    /// The object that was probably meant by a name that no object has: the one that takes the fewest changes, or the
    /// shortest whose name ends in it. `None` when nothing comes near.
    pub fn suggest(&self, name: &str) -> Option<&Object> {
        let name = name.trim().to_ascii_lowercase();
        // A third of the letters wrong, or more: every suggestion would be a guess.
        let most = name.chars().count() / 3;
        let named = || self.objects().filter(|object| !object.name.is_empty());
        let near = named()
            .filter_map(|object| Some((distance(&name, &object.name.to_ascii_lowercase(), most)?, object)))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, object)| object);
        let last_part = || {
            let ends_so = |object: &&Object| {
                object.name.to_ascii_lowercase().strip_suffix(&name).is_some_and(|before| before.ends_with('.'))
            };
            named().filter(ends_so).min_by_key(|object| object.name.len())
        };
        near.or_else(last_part)
    }
}

/// Letters to change, add, leave out or swap with their neighbour to make `b` of `a`; `None` when more than `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|&distance| distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (text, expected) in [
            ("0x959930BF", Some(0x9599_30bf)),
            ("0X959930bf", Some(0x9599_30bf)),
            ("959930BF", Some(0x9599_30bf)),
            ("0x1", Some(1)),
            ("0x", None),
            ("0x1959930BF", None),
            ("0x+1", None),
            ("+59930BF", None),
            ("959930B", None),
            ("battery.", None),
            ("ünïcö", None),
        ] {
            assert_eq!(parse_id(text), expected.map(ObjectId), "{text}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("soc", "soc", 0),
            ("soc", "sock", 1),
            ("soc", "osc", 1),
            ("kitten", "sitting", 3),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b, 9), Some(expected), "{a} {b}");
            assert_eq!(distance(b, a, 9), Some(expected), "{b} {a}");
        }
        assert_eq!(distance("abc", "xyz", 2), None);
    }

    #[test]
    fn suggestions() {
        for (typed, expected) in [
            ("battery_soc", Some("battery.soc")),
            ("batery.soc", Some("battery.soc")),
            ("Battery.SOC", Some("battery.soc")),
            ("g_sync.p_ac_lp", Some("g_sync.p_acc_lp")),
            ("soc_target_high", Some("battery.soc_target_high")),
            ("completely different", None),
            ("", None),
        ] {
            assert_eq!(Registry::builtin().suggest(typed).map(|object| object.name.as_str()), expected, "{typed}");
        }
    }
}
