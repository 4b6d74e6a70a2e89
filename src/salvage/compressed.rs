//! Leaf entries of compressed databases: each stands for several records
//! (database-format, "Compressed BTREEs").

use crate::format::chunk;

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
        self.at > 0 && self.at >= self.bytes.len()
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
        let (step, next) = chunk::step(&self.bytes, self.at).ok()?;
        if !step.fits(&self.key, &self.value) {
            return None;
        }
        step.take(&mut self.key, &mut self.value);
        self.at = next;
        self.budget = self.budget.checked_sub(self.key.len().checked_add(self.value.len())?)?;
        Some((self.key.clone(), self.value.clone()))
    }
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
}
