//! Chunks: what the data of a pair of a compressed database holds, which is one record or more
//! (database-format, "Compressed BTREEs").
//!
//! ```text
//! first record   int(len)                                 data[len]
//! other key      int(prefix)  int(suffix)  int(len)       suffix of the key, data[len]
//! same key       0xfc         int(prefix)  int(suffix)    suffix of the data
//! ```
//!
//! A prefix is that of the record before; the key of the first record is that of the pair.

/// The mark of a record that has the key of the one before.
const SAME_KEY: u8 = 0xfc;

/// What stands in a chunk for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'c> {
    /// The first one: its data.
    First(&'c [u8]),
    /// Another key, which begins with some bytes of the key before; and its data.
    Key { prefix: usize, suffix: &'c [u8], data: &'c [u8] },
    /// The same key. The data begin with some bytes of the data before.
    Duplicate { prefix: usize, suffix: &'c [u8] },
}

impl Step<'_> {
    /// Whether what it leaves of the record before is there.
    pub(crate) fn fits(&self, key: &[u8], data: &[u8]) -> bool {
        match *self {
            Step::First(_) => true,
            Step::Key { prefix, .. } => prefix <= key.len(),
            Step::Duplicate { prefix, .. } => prefix <= data.len(),
        }
    }

    /// Turns the record before into this one.
    pub(crate) fn take(&self, key: &mut Vec<u8>, data: &mut Vec<u8>) {
        match *self {
            Step::First(bytes) => replace(data, 0, bytes),
            Step::Key { prefix, suffix, data: bytes } => {
                replace(key, prefix, suffix);
                replace(data, 0, bytes);
            }
            Step::Duplicate { prefix, suffix } => replace(data, prefix, suffix),
        }
    }
}

fn replace(bytes: &mut Vec<u8>, prefix: usize, suffix: &[u8]) {
    bytes.truncate(prefix);
    bytes.extend_from_slice(suffix);
}

/// Why there is no record where one should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoStep {
    /// What should be a number is none.
    Number,
    /// It reaches past the end of the chunk.
    Cut,
}

/// What stands at an offset of a chunk, and the offset behind it.
///
/// # Errors
///
/// Says what cannot be.
pub(crate) fn step(chunk: &[u8], at: usize) -> Result<(Step<'_>, usize), NoStep> {
    let mut rest = Rest { chunk, at };
    let step = if at == 0 {
        let len = rest.number()?;
        Step::First(rest.take(len)?)
    } else if chunk.get(at) == Some(&SAME_KEY) {
        rest.take(1)?;
        let (prefix, suffix) = (rest.number()?, rest.number()?);
        Step::Duplicate { prefix, suffix: rest.take(suffix)? }
    } else {
        let (prefix, suffix, len) = (rest.number()?, rest.number()?, rest.number()?);
        Step::Key { prefix, suffix: rest.take(suffix)?, data: rest.take(len)? }
    };
    Ok((step, rest.at))
}

/// The number with which a chunk begins, the length of its first data, and how many bytes that
/// number takes.
pub(crate) fn first_length(chunk: &[u8]) -> Result<(usize, usize), NoStep> {
    let mut rest = Rest { chunk, at: 0 };
    rest.number().map(|len| (len, rest.at))
}

/// The most bytes that a number takes.
pub(crate) const LONGEST_NUMBER: usize = 9;

struct Rest<'c> {
    chunk: &'c [u8],
    at: usize,
}

impl<'c> Rest<'c> {
    fn take(&mut self, len: usize) -> Result<&'c [u8], NoStep> {
        let end = self.at.checked_add(len).ok_or(NoStep::Cut)?;
        let bytes = self.chunk.get(self.at..end).ok_or(NoStep::Cut)?;
        self.at = end;
        Ok(bytes)
    }

    /// A number of one to nine bytes. Each length starts where the shorter one ends.
    fn number(&mut self) -> Result<usize, NoStep> {
        let first = *self.chunk.get(self.at).ok_or(NoStep::Cut)?;
        let (len, mask, base) = match first {
            0x00..=0x7f => (1, 0x7f, 0),
            0x80..=0xbf => (2, 0x3f, 0x80),
            0xc0..=0xdf => (3, 0x1f, 0x4080),
            0xe0..=0xef => (4, 0x0f, 0x0020_4080),
            0xf0..=0xf7 => (5, 0x07, 0x1020_4080),
            0xf8 => (6, 0, 0x0810204080),
            0xf9 => (7, 0, 0x010810204080),
            0xfa => (8, 0, 0x01010810204080),
            0xfb => (LONGEST_NUMBER, 0, 0x0101010810204080_u64),
            SAME_KEY..=0xff => return Err(NoStep::Number),
        };
        let more = self.take(len)?.get(1..).unwrap_or(&[]);
        let value = more.iter().fold(u64::from(first & mask), |value, byte| value << 8 | u64::from(*byte));
        // More than fits memory lies behind the end of any chunk.
        value.checked_add(base).and_then(|value| usize::try_from(value).ok()).ok_or(NoStep::Cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_chunk() {
        let chunk = b"\x02v1\x02\x01\x01b\x76\xfc\x00\x02v9\x09";
        let (mut key, mut data, mut at, mut found) = (b"aaa".to_vec(), Vec::new(), 0, Vec::new());
        while let Ok((step, next)) = super::step(chunk, at) {
            assert!(step.fits(&key, &data));
            step.take(&mut key, &mut data);
            found.push(format!("{}={}", key.escape_ascii(), data.escape_ascii()));
            at = next;
        }
        assert_eq!(found, ["aaa=v1", "aab=v", "aab=v9"]);
        assert_eq!((at, step(chunk, at)), (13, Err(NoStep::Cut)));
        assert!(!Step::Key { prefix: 4, suffix: b"", data: b"" }.fits(&key, &data));
        assert!(!Step::Duplicate { prefix: 3, suffix: b"" }.fits(&key, &data));
    }

    #[test]
    fn numbers_at_the_limits_of_their_lengths() {
        let number = |bytes: &[u8]| Rest { chunk: bytes, at: 0 }.number();
        assert_eq!(number(&[0x7f]), Ok(0x7f));
        assert_eq!(number(&[0x80, 0]), Ok(0x80));
        assert_eq!(number(&[0xbf, 0xff]), Ok(0x407f));
        assert_eq!(number(&[0xc0, 0, 0]), Ok(0x4080));
        assert_eq!(number(&[0xdf, 0xff, 0xff]), Ok(0x0020_407f));
        assert_eq!(number(&[0xe0, 0, 0, 0]), Ok(0x0020_4080));
        assert_eq!(number(&[0xf0, 0, 0, 0, 0]), Ok(0x1020_4080));
        // More than some machines can count in memory.
        let long = usize::try_from(0x08_1020_4081_u64).map_err(|_| NoStep::Cut);
        assert_eq!(number(&[0xf8, 0, 0, 0, 0, 1]), long);
        assert_eq!(number(&[0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(NoStep::Cut));
        assert_eq!(number(&[0xfc]), Err(NoStep::Number));
        assert_eq!(number(&[0xfd, 0, 0]), Err(NoStep::Number));
        assert_eq!(number(&[0xc0, 0]), Err(NoStep::Cut));
    }
}
