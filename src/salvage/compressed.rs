//! Leaf entries of compressed databases: each stands for several records
//! (database-format, "Compressed BTREEs").

/// The mark of a record that has the key of the one before.
const SAME_KEY: u8 = 0xfc;
/// An entry that is taken apart, record by record.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    at: usize,
    key: Vec<u8>,
    value: Vec<u8>,
    /// Bytes that may still come out of it.
    budget: usize,
}

impl Chunk {
    /// `key`: that of the first record. `budget`: how many bytes may come out, as each record
    /// can repeat all of the one before.
    pub(super) fn new(key: Vec<u8>, bytes: Vec<u8>, budget: usize) -> Chunk {
        Chunk { bytes, at: 0, key, value: Vec::new(), budget }
    }

    /// What is left of the budget.
    pub(super) fn left(&self) -> usize {
        self.budget
    }

    /// What was not taken apart, with its key if that is all of it.
    pub(super) fn into_rest(mut self) -> (Option<Vec<u8>>, Vec<u8>) {
        let rest = self.bytes.split_off(self.at.min(self.bytes.len()));
        ((self.at == 0).then_some(self.key), rest)
    }

    /// Whether all was taken apart.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next record; `None` where the entry cannot be understood, or at its end.
    pub(super) fn next(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let start = self.at;
        let record = self.read();
        if record.is_none() {
            self.at = start;
        }
        record
    }

    fn read(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        if self.at == 0 {
            let len = self.int()?;
            self.value = self.take(len)?;
        } else if self.bytes.get(self.at) == Some(&SAME_KEY) {
            self.at = self.at.checked_add(1)?;
            let (prefix, suffix) = (self.int()?, self.int()?);
            let suffix = self.take(suffix)?;
            self.value = join(&self.value, prefix, suffix)?;
        } else {
            let (prefix, suffix, len) = (self.int()?, self.int()?, self.int()?);
            let suffix = self.take(suffix)?;
            self.key = join(&self.key, prefix, suffix)?;
            self.value = self.take(len)?;
        }
        self.budget = self.budget.checked_sub(self.key.len().checked_add(self.value.len())?)?;
        Some((self.key.clone(), self.value.clone()))
    }

    fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let end = self.at.checked_add(len)?;
        let bytes = self.bytes.get(self.at..end)?.to_vec();
        self.at = end;
        Some(bytes)
    }

    /// A number of one to nine bytes. Each length starts where the shorter one ends.
    fn int(&mut self) -> Option<usize> {
        let first = *self.bytes.get(self.at)?;
        let (len, mask, base) = match first {
            0x00..=0x7f => (1, 0x7f, 0),
            0x80..=0xbf => (2, 0x3f, 0x80),
            0xc0..=0xdf => (3, 0x1f, 0x4080),
            0xe0..=0xef => (4, 0x0f, 0x0020_4080),
            0xf0..=0xf7 => (5, 0x07, 0x1020_4080),
            0xf8 => (6, 0, 0x0810204080),
            0xf9 => (7, 0, 0x010810204080),
            0xfa => (8, 0, 0x01010810204080),
            0xfb => (9, 0, 0x0101010810204080_u64),
            SAME_KEY..=0xff => return None,
        };
        let end = self.at.checked_add(len)?;
        let more = self.bytes.get(self.at.checked_add(1)?..end)?;
        let value = more.iter().fold(u64::from(first & mask), |value, byte| value << 8 | u64::from(*byte));
        self.at = end;
        usize::try_from(value.checked_add(base)?).ok()
    }
}

fn join(before: &[u8], prefix: usize, suffix: Vec<u8>) -> Option<Vec<u8>> {
    let mut joined = before.get(..prefix)?.to_vec();
    joined.extend(suffix);
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_chunk() {
        let text = |(key, value): (Vec<u8>, Vec<u8>)| {
            (String::from_utf8(key).unwrap(), String::from_utf8(value).unwrap())
        };
        let bytes = b"\x02v1\x02\x01\x01b\x76\xfc\x00\x02v9\x09".to_vec();
        let mut chunk = Chunk::new(b"aaa".to_vec(), bytes, 100);
        assert_eq!(chunk.next().map(text), Some(("aaa".into(), "v1".into())));
        assert_eq!(chunk.next().map(text), Some(("aab".into(), "v".into())));
        assert_eq!(chunk.next().map(text), Some(("aab".into(), "v9".into())));
        assert!(chunk.next().is_none() && !chunk.is_done());
    }

    #[test]
    fn numbers_at_the_limits_of_their_lengths() {
        let int = |bytes: &[u8]| Chunk::new(Vec::new(), bytes.to_vec(), 0).int();
        assert_eq!(int(&[0x7f]), Some(0x7f));
        assert_eq!(int(&[0x80, 0]), Some(0x80));
        assert_eq!(int(&[0xbf, 0xff]), Some(0x407f));
        assert_eq!(int(&[0xc0, 0, 0]), Some(0x4080));
        assert_eq!(int(&[0xdf, 0xff, 0xff]), Some(0x0020_407f));
        assert_eq!(int(&[0xe0, 0, 0, 0]), Some(0x0020_4080));
        assert_eq!(int(&[0xf0, 0, 0, 0, 0]), Some(0x1020_4080));
        // More than some machines can count in memory.
        assert_eq!(int(&[0xf8, 0, 0, 0, 0, 1]), usize::try_from(0x08_1020_4081_u64).ok());
        assert_eq!(int(&[0xfc]), None);
        assert_eq!(int(&[0xc0, 0]), None);
    }
}
