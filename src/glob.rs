//! Patterns for names: `*` stands for any characters, `?` for one, everything else for itself.
//!
//! `[` and `]` are ordinary characters, because names of objects are full of them. Case does not matter. Knows nothing
//! of what is named.

/// A pattern, made once and matched often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// In lower case.
    pattern: Vec<char>,
}

impl Glob {
    /// The pattern written in `pattern`. Every text is one.
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.chars().map(|c| c.to_ascii_lowercase()).collect() }
    }

    /// Whether the pattern can match one name only.
    pub fn is_literal(&self) -> bool {
        !self.pattern.iter().any(|c| matches!(c, '*' | '?'))
    }

    /// Whether the whole of `text` matches. Takes at most the product of both lengths, whatever the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let mut text = text.chars();
        let mut at = 0;
        // Only the last star needs to be tried again: what an earlier one took, the last one can take as well.
        let mut last_star = None;
        loop {
            let before = text.clone();
            match (self.pattern.get(at), text.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    text = before;
                    at += 1;
                    last_star = Some((at, text.clone()));
                }
                (Some(&wanted), Some(found)) if wanted == '?' || wanted == found.to_ascii_lowercase() => at += 1,
                _ => {
                    let Some((after_star, mut longer)) = last_star else { return false };
                    if longer.next().is_none() {
                        return false;
                    }
                    at = after_star;
                    text = longer.clone();
                    last_star = Some((after_star, longer));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "", false),
            ("?", "ü", true),
            ("battery.soc", "battery.soc", true),
            ("battery.soc", "battery.soc_target", false),
            ("BATTERY.*", "battery.soc", true),
            ("battery.*", "battery_placeholder[0].soc", false),
            ("*soc*", "battery.soc_target", true),
            ("*.soc", "battery_placeholder[0].soc", true),
            ("fault[?].flt", "fault[2].flt", true),
            ("fault[12].flt", "fault[1].flt", false),
            ("*[0]*", "dc_conv.dc_conv_struct[0].p_dc", true),
            ("a*b*c", "abbcbc", true),
            ("a*b*c", "abbcb", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn only_wildcards_make_a_pattern_of_a_name() {
        assert!(Glob::new("fault[0].flt").is_literal());
        assert!(!Glob::new("fault[?].flt").is_literal());
        assert!(!Glob::new("*").is_literal());
    }

    /// The definition itself, exponential and plain.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', pattern @ ..], _) => (0..=text.len()).any(|taken| by_definition(pattern, &text[taken..])),
            (['?', pattern @ ..], [_, text @ ..]) => by_definition(pattern, text),
            ([p, pattern @ ..], [t, text @ ..]) => p == t && by_definition(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).matches(&text), by_definition(&chars(&pattern), &chars(&text)));
        }
    }
}
