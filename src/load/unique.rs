//! Of two pairs with one key one is left, as `db_load` leaves it.

/// Holds each pair back until the next is known.
pub(super) struct Unique {
    what: What,
    /// Whether the first stays, not the last.
    keep_first: bool,
    held: Option<(Vec<u8>, Vec<u8>)>,
    /// How often one was left out because another was there already.
    pub(super) repeated: u64,
}

/// What is to come once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A key.
    Key,
    /// A key with a value.
    Pair,
    /// Nothing: all stay.
    Nothing,
}

impl Unique {
    pub(super) fn new(what: What, keep_first: bool) -> Unique {
        // Which asks for keys that come once.
        let what = if keep_first { What::Key } else { what };
        Unique { what, keep_first, held: None, repeated: 0 }
    }

    /// Takes a pair, and gives one that is complete.
    pub(super) fn take<E>(
        &mut self,
        key: &mut Vec<u8>,
        value: &mut Vec<u8>,
        give: impl FnOnce(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.what == What::Nothing {
            return give(key, value);
        }
        let Some((held_key, held_value)) = &mut self.held else {
            self.held = Some((std::mem::take(key), std::mem::take(value)));
            return Ok(());
        };
        if held_key == key && (self.what == What::Key || held_value == value) {
            if !self.keep_first && self.what == What::Key {
                std::mem::swap(held_value, value);
            } else {
                self.repeated = self.repeated.saturating_add(1);
            }
            return Ok(());
        }
        give(held_key, held_value)?;
        std::mem::swap(held_key, key);
        std::mem::swap(held_value, value);
        Ok(())
    }

    /// Gives the last one.
    pub(super) fn finish<E>(&mut self, give: impl FnOnce(&[u8], &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.held.take().map_or(Ok(()), |(key, value)| give(&key, &value))
    }
}
