//! The values of a key on both sides, as multisets: those that only one has, or has more often.

use std::collections::BTreeMap;

use super::difference::Side;

/// Values that one side has and the other did not have yet. What both have is not kept.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Each value, and how much more often the new side has it.
    left: BTreeMap<Vec<u8>, i64>,
}

impl Values {
    /// Adds a value of a side.
    pub(super) fn add(&mut self, side: Side, value: Vec<u8>) {
        let step = if side == Side::New { 1 } else { -1 };
        match self.left.get_mut(&value) {
            Some(count) if count.saturating_add(step) != 0 => *count = count.saturating_add(step),
            Some(_) => drop(self.left.remove(&value)),
            None => drop(self.left.insert(value, step)),
        }
    }

    /// Adds a value of each side.
    pub(super) fn add_both(&mut self, old: &[u8], new: &[u8]) {
        if old != new {
            self.add(Side::Old, old.to_vec());
            self.add(Side::New, new.to_vec());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Those that the old side has more often, and those that the new one has.
    pub(super) fn split(self) -> [Vec<Vec<u8>>; 2] {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (value, count) in self.left {
            let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            let side = if count < 0 { &mut old } else { &mut new };
            side.extend(std::iter::repeat_n(value, times));
        }
        [old, new]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_is_gone_whatever_the_order() {
        let mut values = Values::default();
        for value in [b"a", b"b", b"b"] {
            values.add(Side::Old, value.to_vec());
        }
        for value in [b"b", b"c", b"a"] {
            values.add(Side::New, value.to_vec());
        }
        assert_eq!(values.split(), [vec![b"b".to_vec()], vec![b"c".to_vec()]]);
        let mut values = Values::default();
        values.add_both(b"a", b"b");
        values.add_both(b"b", b"a");
        assert!(values.is_empty());
    }
}
