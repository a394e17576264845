//! From a pattern to what it needs: for each part of the pattern the set of texts it can match, as long as that set is
//! small, or else how such texts begin and end, and the grams they hold.

use super::{Gram, Needs, each};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::BTreeSet;

/// Sets of more texts than this are given up.
const MANY: usize = 24;
/// Beginnings and ends are kept so long: what a gram across two parts can need.
const EDGE: usize = 4;

type Set = BTreeSet<Vec<u8>>;

/// What is known of the texts that a part of the pattern matches, letters in lower case.
struct Part {
    /// All of them, if they are few.
    exact: Option<Set>,
    /// How each begins.
    prefixes: Set,
    /// How each ends.
    suffixes: Set,
    /// What the grams inside need.
    needs: Needs,
}

/// What the grams of a content must fulfil for `pattern` to match in it. What the syntax crate cannot read needs
/// nothing.
pub(crate) fn needs(pattern: &str, case_insensitive: bool) -> Needs {
    let parsed = regex_syntax::ParserBuilder::new()
        .multi_line(true)
        .utf8(false)
        .case_insensitive(case_insensitive)
        .build()
        .parse(pattern);
    parsed.map_or(Needs::Nothing, |hir| part(&hir).closed().needs)
}

fn part(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::exact(Set::from([Vec::new()])),
        HirKind::Literal(literal) => Part::exact(Set::from([literal.0.to_ascii_lowercase()])),
        HirKind::Class(class) => class_part(class),
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = part(&repetition.sub);
            match (repetition.min, repetition.max) {
                (1, Some(1)) => inner,
                (0, Some(1)) => Part::exact(Set::from([Vec::new()])).or(inner),
                (0, _) => Part::anything(),
                _ => inner.once_or_more(),
            }
        }
        HirKind::Concat(parts) => parts.iter().map(part).reduce(Part::then).unwrap_or_else(Part::anything),
        HirKind::Alternation(parts) => parts.iter().map(part).reduce(Part::or).unwrap_or_else(Part::anything),
    }
}

fn class_part(class: &Class) -> Part {
    let mut texts = Set::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if range.end() as u32 - range.start() as u32 > 2 * MANY as u32 {
                    return Part::anything();
                }
                for letter in range.start()..=range.end() {
                    texts.insert(letter.to_string().into_bytes().to_ascii_lowercase());
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                texts.extend((range.start()..=range.end()).map(|byte| vec![byte.to_ascii_lowercase()]));
            }
        }
    }
    if texts.is_empty() || texts.len() > MANY { Part::anything() } else { Part::exact(texts) }
}

impl Part {
    fn exact(texts: Set) -> Part {
        Part { exact: Some(texts), prefixes: Set::new(), suffixes: Set::new(), needs: Needs::Nothing }
    }

    fn anything() -> Part {
        let nothing = Set::from([Vec::new()]);
        Part { exact: None, prefixes: nothing.clone(), suffixes: nothing, needs: Needs::Nothing }
    }

    /// Gives up the exact texts for what follows from them.
    fn closed(self) -> Part {
        let Some(texts) = self.exact else { return self };
        let needs = and(self.needs, of_texts(&texts));
        let prefixes = edges(&texts, |text| &text[..text.len().min(EDGE)]);
        let suffixes = edges(&texts, |text| &text[text.len().saturating_sub(EDGE)..]);
        Part { exact: None, prefixes, suffixes, needs }
    }

    fn once_or_more(self) -> Part {
        self.closed()
    }

    fn then(self, next: Part) -> Part {
        if let (Some(one), Some(other)) = (&self.exact, &next.exact)
            && one.len() * other.len() <= MANY
        {
            let exact = cross(one, other);
            return Part { needs: and(self.needs, next.needs), ..Part::exact(exact) };
        }
        let ends = self.exact.as_ref().unwrap_or(&self.suffixes);
        let begins = next.exact.as_ref().unwrap_or(&next.prefixes);
        let joint = if ends.len() * begins.len() <= MANY * MANY {
            of_texts(&cross(ends, begins))
        } else {
            Needs::Nothing
        };
        let prefixes = match &self.exact {
            Some(texts) if texts.len() * begins.len() <= MANY * MANY => {
                edges(&cross(texts, begins), |text| &text[..text.len().min(EDGE)])
            }
            Some(texts) => edges(texts, |text| &text[..text.len().min(EDGE)]),
            None => self.prefixes.clone(),
        };
        let suffixes = match &next.exact {
            Some(texts) if texts.len() * ends.len() <= MANY * MANY => {
                edges(&cross(ends, texts), |text| &text[text.len().saturating_sub(EDGE)..])
            }
            Some(texts) => edges(texts, |text| &text[text.len().saturating_sub(EDGE)..]),
            None => next.suffixes.clone(),
        };
        let needs = and(and(self.closed().needs, next.closed().needs), joint);
        Part { exact: None, prefixes, suffixes, needs }
    }

    fn or(self, other: Part) -> Part {
        if let (Some(one), Some(two)) = (&self.exact, &other.exact)
            && one.len() + two.len() <= MANY
            && self.needs == Needs::Nothing
            && other.needs == Needs::Nothing
        {
            return Part::exact(one.union(two).cloned().collect());
        }
        let (one, two) = (self.closed(), other.closed());
        let union = |one: &Set, two: &Set| few(one.union(two).cloned().collect());
        Part {
            exact: None,
            prefixes: union(&one.prefixes, &two.prefixes),
            suffixes: union(&one.suffixes, &two.suffixes),
            needs: or(one.needs, two.needs),
        }
    }
}

fn cross(one: &Set, other: &Set) -> Set {
    one.iter().flat_map(|head| other.iter().map(move |tail| [&head[..], tail].concat())).collect()
}

fn edges(texts: &Set, cut: impl Fn(&Vec<u8>) -> &[u8]) -> Set {
    few(texts.iter().map(|text| cut(text).to_vec()).collect())
}

fn few(texts: Set) -> Set {
    if texts.len() <= MANY { texts } else { Set::from([Vec::new()]) }
}

/// One of the texts must be there.
fn of_texts(texts: &Set) -> Needs {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        match of_text(text) {
            Needs::Nothing => return Needs::Nothing,
            needs => all.push(needs),
        }
    }
    match all.len() {
        0 => Needs::Nothing,
        1 => all.remove(0),
        _ => Needs::Any(all),
    }
}

fn of_text(text: &[u8]) -> Needs {
    let mut grams: Vec<Gram> = Vec::new();
    each(text, |gram| grams.push(gram));
    grams.sort_unstable();
    grams.dedup();
    match grams[..] {
        [] => Needs::Nothing,
        [gram] => Needs::Gram(gram),
        _ => Needs::All(grams.into_iter().map(Needs::Gram).collect()),
    }
}

fn and(one: Needs, other: Needs) -> Needs {
    match (one, other) {
        (Needs::Nothing, needs) | (needs, Needs::Nothing) => needs,
        (Needs::All(mut parts), Needs::All(more)) => {
            parts.extend(more);
            Needs::All(parts)
        }
        (Needs::All(mut parts), one) | (one, Needs::All(mut parts)) => {
            parts.push(one);
            Needs::All(parts)
        }
        (one, other) if one == other => one,
        (one, other) => Needs::All(vec![one, other]),
    }
}

fn or(one: Needs, other: Needs) -> Needs {
    match (one, other) {
        (Needs::Nothing, _) | (_, Needs::Nothing) => Needs::Nothing,
        (Needs::Any(mut parts), Needs::Any(more)) => {
            parts.extend(more);
            Needs::Any(parts)
        }
        (Needs::Any(mut parts), one) | (one, Needs::Any(mut parts)) => {
            parts.push(one);
            Needs::Any(parts)
        }
        (one, other) => Needs::Any(vec![one, other]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grams::Grams;
    use proptest::prelude::*;

    #[test]
    fn literals_inside_are_found() {
        let wants = |pattern: &str, text: &str| {
            let needs = needs(pattern, false);
            assert_ne!(needs, Needs::Nothing, "{pattern}");
            assert!(Grams::of(text.as_bytes()).admits(&needs), "{pattern} {text}");
            assert!(!Grams::of(b"nothing of it").admits(&needs), "{pattern}");
        };
        wants("hello", "say Hello");
        wants(r"\bfn\s+parse_\w+\(", "fn  parse_all(");
        wants("(alpha|beta)_[0-9]", "beta_1");
        wants("(?i)stack", "STACK");
        wants("(?i)stack", "\u{17f}tac\u{212a}");
        wants("a(bc)+d.*xyz", "abcbcd--xyz");
        wants("colou?r", "color");
        for open in [".*", "ab", r"\w+", "(hello)?", "[a-z]{3}", "hello|", "("] {
            assert_eq!(needs(open, false), Needs::Nothing, "{open}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), cases: 2_000, ..ProptestConfig::default() })]

        /// Texts made from the pattern itself match it; their grams must be admitted.
        #[test]
        fn no_match_is_left_out(
            pattern in r"(ab|[a-c]{1,2}|c\?|\(a\|bc\)|\(ab\)\+|\[xy\]|\.\*|\(A\|b\)\*|é|k|\\w|\\b|x\{2,3\}){1,6}",
            insensitive: bool,
            texts in proptest::collection::vec("[abcxyzkABCéſ\u{212a} ]{0,14}", 12),
        ) {
            let Ok(regex) = regex::RegexBuilder::new(&pattern).multi_line(true).case_insensitive(insensitive).build() else {
                return Ok(());
            };
            let needs = needs(&pattern, insensitive);
            for text in texts.iter().filter(|text| regex.is_match(text)) {
                prop_assert!(Grams::of(text.as_bytes()).admits(&needs), "{pattern} {text:?} {needs:?}");
            }
        }
    }
}
