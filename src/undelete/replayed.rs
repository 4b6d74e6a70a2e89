//! What a database held, from the changes in its log alone.

use std::collections::BTreeMap;
use std::io::Write;

use crate::dump::{DumpError, Summary, Writer};
use crate::log::{Known, PairChange};
use crate::method::Method;

/// The pairs at a moment, as far as changes before and after it tell.
#[derive(Debug)]
pub(super) struct Replayed {
    pairs: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    method: Method,
    missing: u64,
}

/// The values of a key.
#[derive(Debug, Default)]
struct Values {
    /// Those that are there at the moment, since changes before it.
    now: Vec<Vec<u8>>,
    /// Those that were put afterwards, and are still there.
    later: Vec<Vec<u8>>,
    /// Those that were there at the moment, since a change afterwards took them away.
    taken: Vec<Vec<u8>>,
}

impl Replayed {
    /// `changes`: those that count, in the order of the log, each with whether it was made before
    /// the moment; `missing`: how many are not among them.
    pub(super) fn of<'a: 'h, 'h>(
        changes: impl Iterator<Item = (&'h PairChange<'a>, bool)>,
        method: Method,
        mut missing: u64,
    ) -> Replayed {
        let mut keys = BTreeMap::<Vec<u8>, Values>::new();
        for (change, before) in changes {
            let Some(key) = change.key.bytes() else {
                missing = missing.saturating_add(1);
                continue;
            };
            let values = keys.entry(key.to_vec()).or_default();
            if let Some(old) = &change.old {
                missing = missing.saturating_add(values.take(old, before));
            }
            if let Some(new) = &change.new {
                missing = missing.saturating_add(values.put(new, before));
            }
        }
        let pairs = keys.into_iter().map(|(key, values)| (key, values.at_the_moment()));
        Replayed { pairs: pairs.filter(|(_, values)| !values.is_empty()).collect(), method, missing }
    }

    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn write(&self, writer: Writer, out: impl Write) -> Result<Summary, DumpError> {
        let duplicates = self.pairs.values().any(|values| values.len() > 1);
        writer.write_loose(self.method, duplicates, self.all(), self.missing, out)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs
            .iter()
            .flat_map(|(key, values)| values.iter().map(|value| (key.as_slice(), value.as_slice())))
    }
}

impl Values {
    /// A value is there no more. Says how many it cannot tell of.
    fn take(&mut self, old: &Known<'_>, before: bool) -> u64 {
        let of = if before { &mut self.now } else { &mut self.later };
        let known = old.bytes();
        match of.iter().position(|value| known.is_none_or(|old| value == old)) {
            // Which of several it was is not known.
            Some(_) if known.is_none() && of.len() > 1 => return 1,
            Some(at) => drop(of.remove(at)),
            None if before => {}
            None => match known {
                Some(old) => self.taken.push(old.to_vec()),
                None if self.now.is_empty() => return 1,
                None => {}
            },
        }
        0
    }

    fn put(&mut self, new: &Known<'_>, before: bool) -> u64 {
        let of = if before { &mut self.now } else { &mut self.later };
        match new.bytes() {
            Some(new) => of.push(new.to_vec()),
            None => return u64::from(before),
        }
        0
    }

    fn at_the_moment(self) -> Vec<Vec<u8>> {
        let Values { now, mut taken, .. } = self;
        for value in &now {
            if let Some(at) = taken.iter().position(|other| other == value) {
                taken.remove(at);
            }
        }
        [now, taken].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn known(text: &str) -> Known<'_> {
        Known::Bytes(Cow::Borrowed(text.as_bytes()))
    }

    /// What steps make of a key: `-x` takes x away, `+x` puts it, `|` is the moment; `?` is unknown.
    fn after(steps: &str) -> (Vec<String>, u64) {
        let (mut values, mut before, mut missing) = (Values::default(), true, 0);
        for step in steps.split(' ') {
            let content = match step.get(1..).unwrap_or_default() {
                "?" => Known::Unknown,
                text => known(text),
            };
            let more = match step.as_bytes() {
                [b'|'] => {
                    before = false;
                    0
                }
                [b'-', ..] => values.take(&content, before),
                _ => values.put(&content, before),
            };
            missing = u64::saturating_add(missing, more);
        }
        let text = values.at_the_moment().into_iter().map(|value| String::from_utf8(value).unwrap());
        (text.collect(), missing)
    }

    #[test]
    fn the_moment_is_seen_from_both_sides() {
        let is = |steps, expected: &[&str], missing| {
            assert_eq!(
                after(steps),
                (expected.iter().map(|&text| text.to_owned()).collect(), missing),
                "{steps}"
            );
        };
        is("+a |", &["a"], 0);
        is("+a -a |", &[], 0);
        is("+a | -a", &["a"], 0);
        is("| -a", &["a"], 0);
        is("| +b -b -a", &["a"], 0);
        is("+a | -a +b -b", &["a"], 0);
        is("-a +b | -b +c", &["b"], 0);
        is("+a +a | -a", &["a", "a"], 0);
        is("| -a -a", &["a", "a"], 0);
        is("+a -? |", &[], 0);
        is("+a +b -? |", &["a", "b"], 1);
        is("| -?", &[], 1);
        is("+a | -?", &["a"], 0);
        is("+? |", &[], 1);
        is("| +?", &[], 0);
    }
}
