//! What a HASH database holds, as a number that does not depend on the order of its keys.

use sha2::{Digest, Sha256};

use crate::access::{Item, Pair};
use crate::error::Result;
use crate::pages::Content;

/// The sum of all keys, each with its values in their order.
pub(super) struct KeyedSum {
    /// What each key begins with.
    name: Vec<u8>,
    sum: [u8; 32],
    /// The key whose values are being added: where it stands, and its sum so far.
    open: Option<(Standing, Sha256)>,
}

/// Where a key stands: on a page in memory, or in which chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Here(usize),
    Elsewhere(u32),
}

impl KeyedSum {
    /// That of a database of this name, without keys.
    pub(super) fn new(name: &[u8]) -> Self {
        KeyedSum { name: name.to_vec(), sum: [0; 32], open: None }
    }

    /// Adds a pair. Those of one key come one after the other.
    ///
    /// # Errors
    ///
    /// A damaged chain.
    pub(super) fn add(&mut self, pair: &Pair<'_>) -> Result<()> {
        let key = pair.key_item();
        let standing = match key.content() {
            Some(Content::Here(bytes)) => Standing::Here(bytes.as_ptr().addr()),
            Some(Content::Chain(chain)) => Standing::Elsewhere(chain.first.0),
            _ => Standing::Elsewhere(0),
        };
        if self.open.as_ref().is_none_or(|(of, _)| *of != standing) {
            self.close();
            let mut sum = Sha256::new();
            sum.update(u32::try_from(self.name.len()).unwrap_or(u32::MAX).to_le_bytes());
            sum.update(&self.name);
            update(&mut sum, key)?;
            self.open = Some((standing, sum));
        }
        self.open.as_mut().map_or(Ok(()), |(_, sum)| update(sum, pair.value_item()))
    }

    /// The sum.
    pub(super) fn end(mut self) -> [u8; 32] {
        self.close();
        self.sum
    }

    /// Adds the key whose values are complete.
    fn close(&mut self) {
        let Some((_, open)) = self.open.take() else { return };
        let (digest, mut carry): ([u8; 32], _) = (open.finalize().into(), 0u16);
        for (place, byte) in self.sum.iter_mut().zip(digest) {
            let sum = u16::from(*place).saturating_add(byte.into()).saturating_add(carry);
            [*place, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
    }
}

fn update(sum: &mut Sha256, item: &Item<'_>) -> Result<()> {
    sum.update(item.len().to_le_bytes());
    for piece in item.pieces() {
        sum.update(piece?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Database;

    /// The sum of all pairs of a file, in their order or from behind.
    fn sum(file: &[u8], from_behind: bool) -> [u8; 32] {
        let db = Database::from_bytes(file).unwrap();
        let mut sum = KeyedSum::new(b"");
        let mut all = db.iter().pairs().collect::<Result<Vec<_>>>().unwrap();
        if from_behind {
            all.reverse();
        }
        all.iter().try_for_each(|pair| sum.add(pair)).unwrap();
        sum.end()
    }

    #[test]
    fn every_value_counts_and_the_order_of_keys_does_not() {
        let file = std::fs::read("testdata/hash-v8-le-few/data.db").unwrap();
        assert_eq!(sum(&file, false), sum(&file, true));
        let slot = 512 + 26 + 2;
        let value = 512 + usize::from(u16::from_le_bytes(file[slot..slot + 2].try_into().unwrap()));
        let mut other = file.clone();
        other[value + 1] ^= 1;
        assert_ne!(sum(&other, false), sum(&file, false), "a value");
    }
}
