//! Pairs put in order outside memory: sorted parts in a temporary file, merged when all are there.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::hash::place;

/// What takes an entry in memory beside its bytes.
const ENTRY: usize = size_of::<Entry>();

/// How much is read at once of each part, in bytes.
const PIECE: usize = 32 << 10;

/// In which order pairs are put. Pairs that are equal in it stay as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// By keys, as bytes.
    Keys,
    /// By keys, then by values.
    Pairs,
    /// As a HASH is built from them: by [`place`](super::place), then by keys.
    Places,
    /// The same, then by values.
    PlacedPairs,
}

/// Puts pairs in order, in bounded memory: when there are too many, those in memory are sorted and
/// written to a temporary file, and in the end all such parts are merged.
///
/// ```
/// use bdbkit::build::{Arrangement, Sorter};
///
/// let mut sorter = Sorter::new(Arrangement::Keys, 1 << 20, &std::env::temp_dir());
/// sorter.add(b"b", b"1")?;
/// sorter.add(b"a", b"2")?;
/// let mut keys = Vec::new();
/// sorter.each(|key, _| {
///     keys.push(key.clone());
///     Ok::<_, std::io::Error>(())
/// })?;
/// assert_eq!(keys, [b"a", b"b"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Sorter {
    arrangement: Arrangement,
    memory: usize,
    folder: PathBuf,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    spilled: Option<BufWriter<File>>,
    /// Where the parts stand in the temporary file.
    parts: Vec<Range<u64>>,
}

/// A pair in memory.
#[derive(Clone, Copy, Debug)]
struct Entry {
    place: u32,
    /// How many came before it: where each begins does not tell, as of empty pairs several begin at one
    /// byte.
    number: u32,
    start: usize,
    key: usize,
    value: usize,
}

/// The first pair of a part that was not given yet, in the order of the heap.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    place: u32,
    key: Vec<u8>,
    value: Vec<u8>,
    values: bool,
    part: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let keys = self.place.cmp(&other.place).then_with(|| self.key.cmp(&other.key));
        let values = || if self.values { self.value.cmp(&other.value) } else { Ordering::Equal };
        keys.then_with(values).then(self.part.cmp(&other.part))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Arrangement {
    fn values(self) -> bool {
        matches!(self, Arrangement::Pairs | Arrangement::PlacedPairs)
    }

    fn place(self, key: &[u8]) -> u32 {
        match self {
            Arrangement::Places | Arrangement::PlacedPairs => place(key),
            Arrangement::Keys | Arrangement::Pairs => 0,
        }
    }
}

impl Sorter {
    /// Nothing yet. So many bytes are taken of memory, and what goes beyond them is written to a file
    /// without a name in this folder.
    #[must_use]
    pub fn new(arrangement: Arrangement, memory: usize, folder: &Path) -> Sorter {
        Sorter {
            arrangement,
            memory,
            folder: folder.to_owned(),
            bytes: Vec::new(),
            entries: Vec::new(),
            spilled: None,
            parts: Vec::new(),
        }
    }

    /// Adds a pair.
    ///
    /// # Errors
    ///
    /// Those of the temporary file.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let place = self.arrangement.place(key);
        let number =
            u32::try_from(self.entries.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.entries.push(Entry { place, number, start, key: key.len(), value: value.len() });
        let taken = self.entries.len().saturating_mul(ENTRY).saturating_add(self.bytes.len());
        if taken > self.memory { self.spill() } else { Ok(()) }
    }

    fn sort(&mut self) {
        let (bytes, values) = (&self.bytes, self.arrangement.values());
        self.entries.sort_unstable_by(|a, b| {
            let keys = a.place.cmp(&b.place).then_with(|| a.key_of(bytes).cmp(b.key_of(bytes)));
            let more = || if values { a.value_of(bytes).cmp(b.value_of(bytes)) } else { Ordering::Equal };
            keys.then_with(more).then(a.number.cmp(&b.number))
        });
    }

    /// Writes what is in memory as a sorted part.
    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let out = match &mut self.spilled {
            Some(out) => out,
            none => none.insert(BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(&self.folder)?)),
        };
        let start = self.parts.last().map_or(0, |part| part.end);
        let mut end = start;
        for entry in &self.entries {
            for len in [entry.key, entry.value] {
                let len = u32::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
                out.write_all(&len.to_le_bytes())?;
                end = end.saturating_add(4).saturating_add(len.into());
            }
            out.write_all(entry.key_of(&self.bytes))?;
            out.write_all(entry.value_of(&self.bytes))?;
        }
        self.parts.push(start..end);
        self.entries.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Gives each pair in order. What was given may be taken: nobody looks at it again.
    ///
    /// # Errors
    ///
    /// What is said of a pair; those of the temporary file.
    pub fn each<E: From<io::Error>>(
        mut self,
        mut look: impl FnMut(&mut Vec<u8>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.parts.is_empty() {
            self.sort();
            let (mut key, mut value) = (Vec::new(), Vec::new());
            for entry in &self.entries {
                key.clear();
                key.extend_from_slice(entry.key_of(&self.bytes));
                value.clear();
                value.extend_from_slice(entry.value_of(&self.bytes));
                look(&mut key, &mut value)?;
            }
            return Ok(());
        }
        self.spill()?;
        (self.bytes, self.entries) = (Vec::new(), Vec::new());
        let Some(out) = self.spilled.take() else { return Ok(()) };
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut parts: Vec<Part> = self.parts.iter().cloned().map(Part::new).collect();
        let mut heads = BinaryHeap::new();
        for (number, part) in parts.iter_mut().enumerate() {
            let mut head = self.head(number);
            if part.next(&mut file, &mut head.key, &mut head.value)? {
                head.place = self.arrangement.place(&head.key);
                heads.push(Reverse(head));
            }
        }
        while let Some(mut top) = heads.peek_mut() {
            let Reverse(head) = &mut *top;
            look(&mut head.key, &mut head.value)?;
            let Some(part) = parts.get_mut(head.part) else { break };
            if part.next(&mut file, &mut head.key, &mut head.value)? {
                head.place = self.arrangement.place(&head.key);
            } else {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
        Ok(())
    }

    fn head(&self, part: usize) -> Head {
        let values = self.arrangement.values();
        Head { place: 0, key: Vec::new(), value: Vec::new(), values, part }
    }
}

impl Entry {
    fn key_of<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.start..).and_then(|rest| rest.get(..self.key)).unwrap_or(&[])
    }

    fn value_of<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let rest = bytes.get(self.start.saturating_add(self.key)..);
        rest.and_then(|rest| rest.get(..self.value)).unwrap_or(&[])
    }
}

/// A sorted part, read piece by piece.
struct Part {
    left: Range<u64>,
    piece: Vec<u8>,
    at: usize,
}

impl Part {
    fn new(left: Range<u64>) -> Part {
        Part { left, piece: Vec::new(), at: 0 }
    }

    /// Reads the next pair; not at the end.
    fn next(&mut self, file: &mut File, key: &mut Vec<u8>, value: &mut Vec<u8>) -> io::Result<bool> {
        key.clear();
        value.clear();
        if self.at >= self.piece.len() && self.left.is_empty() {
            return Ok(false);
        }
        let mut lens = [0; 8];
        self.read(file, &mut lens)?;
        let [a, b, c, d, len @ ..] = lens;
        for (bytes, len) in [(key, [a, b, c, d]), (value, len)] {
            bytes.resize(usize::try_from(u32::from_le_bytes(len)).unwrap_or(0), 0);
            self.read(file, bytes)?;
        }
        Ok(true)
    }

    fn read(&mut self, file: &mut File, mut room: &mut [u8]) -> io::Result<()> {
        while !room.is_empty() {
            if self.at >= self.piece.len() {
                self.more(file)?;
            }
            let there = self.piece.get(self.at..).unwrap_or(&[]);
            let len = there.len().min(room.len());
            let (now, later) = room.split_at_mut_checked(len).unwrap_or_default();
            now.iter_mut().zip(there).for_each(|(to, from)| *to = *from);
            self.at = self.at.saturating_add(len);
            room = later;
        }
        Ok(())
    }

    fn more(&mut self, file: &mut File) -> io::Result<()> {
        let left = self.left.end.saturating_sub(self.left.start);
        let len = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.seek(SeekFrom::Start(self.left.start))?;
        self.piece.resize(len, 0);
        file.read_exact(&mut self.piece)?;
        self.left.start = self.left.start.saturating_add(u64::try_from(len).unwrap_or(0));
        self.at = 0;
        Ok(())
    }
}
