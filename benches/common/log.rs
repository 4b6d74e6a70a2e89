//! Makes a log file of version 19 in memory: records of the sizes that real logs have.

/// How a page of the database looks, in bytes.
const PAGE: usize = 4096;

struct Generator {
    file: Vec<u8>,
    /// Offset of the record that was added last.
    last: u32,
    state: u32,
}

impl Generator {
    /// Some number below `limit`, the same ones each time.
    fn some(&mut self, limit: u32) -> u32 {
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.state >> 8).checked_rem(limit).unwrap_or(0)
    }

    fn some_bytes(&mut self, longest: u32) -> Vec<u8> {
        let text = self.some(3) > 0;
        let len = self.some(longest);
        let byte = |n: u32| u8::try_from(if text { 0x60 | (n % 26) } else { n % 256 }).unwrap_or(0);
        (0..len).map(|_| byte(self.some(1 << 20))).collect()
    }

    /// Adds a record around a body.
    fn add(&mut self, body: &[u8]) {
        let at = number(self.file.len());
        let len = number(body.len().saturating_add(12));
        let sum = body.iter().fold(0u32, |sum, &byte| sum.wrapping_mul(33).wrapping_add(byte.into()));
        for word in [self.last, len, sum ^ self.last ^ len] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend_from_slice(body);
        self.last = at;
    }

    /// Adds a record of a type, with words and then counted bytes behind the prefix.
    fn record(&mut self, kind: u32, parts: &[Part<'_>]) {
        let mut body = Vec::new();
        for word in [kind, 0x8000_0001, 0, 0] {
            body.extend(word.to_le_bytes());
        }
        for part in parts {
            match part {
                Part::Word(word) => body.extend(word.to_le_bytes()),
                Part::Bytes(bytes) => {
                    body.extend(number(bytes.len()).to_le_bytes());
                    body.extend_from_slice(bytes);
                }
            }
        }
        self.add(&body);
    }
}

enum Part<'a> {
    Word(u32),
    Bytes(&'a [u8]),
}
use Part::{Bytes, Word};

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A log file of about `size` bytes.
pub(crate) fn file(size: usize) -> Vec<u8> {
    let mut log = Generator { file: Vec::new(), last: 0, state: 7 };
    let header: Vec<u8> =
        [0x0004_0988, 19, number(size), 0].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    log.add(&header);
    while log.file.len() < size {
        for _ in 0..=log.some(4) {
            let (key, value) = (log.some_bytes(40), log.some_bytes(200));
            for item in [&key, &value] {
                let (page, index, len) = (log.some(90_000), log.some(200), number(item.len()));
                let head = [u8::try_from(len % 256).unwrap_or(0), 0, 1];
                let lsn = log.last;
                // __db_addrem
                log.record(
                    41,
                    &[
                        Word(0x105),
                        Word(0),
                        Word(page),
                        Word(index),
                        Word(len),
                        Bytes(&head),
                        Bytes(item),
                        Word(1),
                        Word(lsn),
                    ],
                );
            }
        }
        match log.some(40) {
            0 => {
                let page = vec![0x5a; PAGE];
                // __bam_split
                let mut parts = vec![Word(0), Word(3)];
                parts.extend([5, 1, 99, 6, 1, 99, 40, 0, 0, 0, 1, 1, 99, 0].map(Word));
                parts.extend([Bytes(&page), Bytes(&[0; 12]), Bytes(&[0; 20])]);
                log.record(62, &parts);
            }
            1..4 => {
                let piece = log.some_bytes(number(PAGE));
                // __db_big
                let parts = [0x107, 0, 77, 76, 0].map(Word);
                let links = [1, 99, 1, 98, 0, 0].map(Word);
                log.record(43, &parts.into_iter().chain([Bytes(&piece)]).chain(links).collect::<Vec<_>>());
            }
            _ => {}
        }
        // __txn_regop, a commit
        log.record(10, &[Word(1), Word(1_795_501_977), Word(1), Bytes(&[])]);
    }
    log.file
}
