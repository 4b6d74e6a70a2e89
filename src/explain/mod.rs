//! What the codes in reports mean, what to do about them, and who says so.
//!
//! - `rules`: the invariants of a file, as `verify` names them: `K-ORD`
//! - `findings`: what a survey of a mail store finds: `M-101`
//! - `steps`: the steps of a plan: `T-RECOVER`
//! - `upgrade`: why an upgrade is refused (`R-RECOVERY`), and what it remarks (`W-MINKEY`)
//! - `changes`: why a file or a store is not touched (`R-LOCKED`, `R-UNFIT`)
//! - `sources`: the documents
//!
//! ```
//! use bdbkit::explain::Explanation;
//!
//! let known = Explanation::of("M-101").ok_or("no such code")?;
//! assert!(known.remedy.contains("final recovery"));
//! # Ok::<(), &str>(())
//! ```

mod changes;
mod findings;
mod rules;
mod sources;
mod steps;
mod upgrade;

/// What a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The code, as reports print it.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// The documents, or the observations, that it rests on.
    pub sources: &'static [&'static str],
}

impl Explanation {
    /// The explanation of a code, in capital or small letters.
    #[must_use]
    pub fn of(code: &str) -> Option<Explanation> {
        Explanation::all().find(|known| known.code.eq_ignore_ascii_case(code))
    }

    /// The explanations of all codes: those of rules, of findings, of steps, of refusals and
    /// notices.
    pub fn all() -> impl Iterator<Item = Explanation> {
        [rules::ALL, findings::ALL, steps::ALL, upgrade::REFUSALS, changes::ALL, upgrade::NOTICES]
            .into_iter()
            .flatten()
            .copied()
    }
}

/// An explanation in one line of a table.
const fn is(
    code: &'static str,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
    sources: &'static [&'static str],
) -> Explanation {
    Explanation { code, title, meaning, remedy, sources }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_explanation_is_whole_and_has_a_code_of_its_own() {
        let mut codes = HashSet::new();
        for known in Explanation::all() {
            let Explanation { code, title, meaning, remedy, sources } = known;
            assert!(codes.insert(code), "{code} is there twice");
            assert!(title.len() > 5 && meaning.len() > 20 && remedy.len() > 10, "{code}");
            assert!(!title.ends_with('.') && meaning.ends_with('.') && remedy.ends_with('.'), "{code}");
            assert!(!sources.is_empty(), "{code}");
            assert_eq!(Explanation::of(&code.to_lowercase()), Some(known));
        }
        assert!(codes.len() > 100, "{}", codes.len());
        assert_eq!(Explanation::of("S17"), None);
    }
}
