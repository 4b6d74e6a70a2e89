//! Of two pairs with one key one is left, as `db_load` leaves it.

/// Holds each pair back until the next is known.
pub(super) struct Unique {
    what: What,
    /// Whether the first stays, not the last.
    keep_first: bool,
    held: Option<Held>,
    /// How often one was left out because another was there already.
    pub(super) repeated: u64,
}

/// A pair, and the line that it ended with.
struct Held {
    key: Vec<u8>,
    value: Vec<u8>,
    line: u64,
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

    /// Takes a pair of this line, and gives one that is complete, with its own.
    pub(super) fn take<E>(
        &mut self,
        (key, value, line): (&mut Vec<u8>, &mut Vec<u8>, u64),
        give: impl FnOnce(&[u8], &[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.what == What::Nothing {
            return give(key, value, line);
        }
        let Some(held) = &mut self.held else {
            self.held = Some(Held { key: std::mem::take(key), value: std::mem::take(value), line });
            return Ok(());
        };
        if held.key == *key && (self.what == What::Key || held.value == *value) {
            if !self.keep_first && self.what == What::Key {
                std::mem::swap(&mut held.value, value);
                held.line = line;
            } else {
                self.repeated = self.repeated.saturating_add(1);
            }
            return Ok(());
        }
        give(&held.key, &held.value, held.line)?;
        std::mem::swap(&mut held.key, key);
        std::mem::swap(&mut held.value, value);
        held.line = line;
        Ok(())
    }

    /// Gives the last one.
    pub(super) fn finish<E>(
        &mut self,
        give: impl FnOnce(&[u8], &[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        self.held.take().map_or(Ok(()), |held| give(&held.key, &held.value, held.line))
    }
}
