//! Pages on their way out: numbers for them, the free list, and a window of pages in
//! memory, since a page is often filled after those with higher numbers.

use std::collections::HashMap;
use std::io::{self, Seek, SeekFrom, Write};

use super::page::{Page, at};
use super::{Builder, Lsns};

/// Bytes that the window loses at a time: whole pages of every size.
const STEP: usize = 4 << 20;

/// A number that looks random, the same for the same number.
pub(super) fn spread(number: u64) -> u64 {
    let mut n = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

pub(super) struct Output<'b, W> {
    pub(super) builder: &'b Builder,
    sink: W,
    /// Where the sink stands.
    position: u64,
    /// The pages from `start` on, as far as they were put.
    window: Vec<u8>,
    start: usize,
    /// The end of the numbers that were taken, and those of them not handed out.
    end: u32,
    pool: Vec<u32>,
    free: Vec<u32>,
    /// References to overflow chains beyond the first.
    references: HashMap<u32, u16>,
    random: u64,
    log: u32,
}

impl<'b, W: Write + Seek> Output<'b, W> {
    pub(super) fn new(builder: &'b Builder, sink: W) -> Output<'b, W> {
        Output {
            builder,
            sink,
            position: 0,
            window: Vec::new(),
            start: 0,
            end: 2, // pages 0 and 1 have their places
            pool: Vec::new(),
            free: Vec::new(),
            references: HashMap::new(),
            random: spread(builder.seed),
            log: 0,
        }
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        spread(self.random)
    }

    /// True once in so many times; never with 0.
    pub(super) fn chance(&mut self, one_in: u64) -> bool {
        one_in > 0 && self.random() % one_in == 0
    }

    /// A number for a page.
    pub(super) fn allocate(&mut self) -> u32 {
        loop {
            let number = self.take();
            if self.chance(self.builder.free) {
                self.free.push(number);
            } else if !self.chance(self.builder.holes) {
                return number;
            }
            // Else a hole: taken, but never put.
        }
    }

    fn take(&mut self) -> u32 {
        if self.pool.is_empty() {
            let among = self.builder.scattered;
            self.pool.extend(self.end..self.end + among);
            self.end += among;
            for i in (1..self.pool.len()).rev() {
                let other = usize::try_from(self.random() % u64::try_from(i + 1).unwrap()).unwrap();
                self.pool.swap(i, other);
            }
        }
        self.pool.pop().unwrap()
    }

    /// Pages in the file, when all is allocated.
    pub(super) fn pages(&self) -> u32 {
        self.end
    }

    pub(super) fn lsn(&mut self) -> [u32; 2] {
        match self.builder.lsns {
            Lsns::Zero => [0, 0],
            Lsns::NotLogged => [0, 1],
            Lsns::Logged => {
                self.log += 1;
                [1 + self.log / 10_000, 28 + self.log % 10_000 * 100]
            }
        }
    }

    /// A unique file id: one for all databases of the file.
    pub(super) fn uid(&self) -> [u8; 20] {
        let mut uid = [0; 20];
        for (i, part) in (0..).zip(uid.chunks_mut(4)) {
            part.copy_from_slice(&spread(self.builder.seed ^ i << 32).to_be_bytes()[..4]);
        }
        uid
    }

    /// An empty page.
    pub(super) fn page(&mut self) -> Page {
        let mut page = Page::new(self.builder.page_size, self.builder.big());
        self.clear(&mut page);
        page
    }

    pub(super) fn clear(&mut self, page: &mut Page) {
        page.clear();
        if self.builder.noise {
            let mut noise = self.random() | 1;
            for word in page.bytes.chunks_exact_mut(8) {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                word.copy_from_slice(&noise.to_be_bytes());
            }
        }
    }

    /// Another item refers to an overflow chain.
    pub(super) fn refer(&mut self, first: u32) {
        *self.references.entry(first).or_insert(0) += 1;
    }

    pub(super) fn put(&mut self, number: u32, page: &[u8]) -> io::Result<()> {
        self.put_at(usize::try_from(number).unwrap() * self.builder.page_size, page)
    }

    fn put_at(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let Some(at) = offset.checked_sub(self.start) else {
            return self.write_at(offset, bytes);
        };
        let end = at + bytes.len();
        if self.window.len() < end {
            self.window.resize(end, 0);
        }
        self.window[at..end].copy_from_slice(bytes);
        while self.window.len() > 2 * STEP {
            let rest = self.window.split_off(STEP);
            let full = std::mem::replace(&mut self.window, rest);
            self.write_at(self.start, &full)?;
            self.start += STEP;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let offset = u64::try_from(offset).unwrap();
        if self.position != offset {
            self.sink.seek(SeekFrom::Start(offset))?;
        }
        self.sink.write_all(bytes)?;
        self.position = offset + u64::try_from(bytes.len()).unwrap();
        Ok(())
    }

    /// Writes the free pages, the last to be freed first; gives the head of the list.
    pub(super) fn write_free_list(&mut self) -> io::Result<u32> {
        self.free.append(&mut self.pool);
        let mut next = 0;
        for number in std::mem::take(&mut self.free) {
            let mut page = self.page();
            page.head(number, [0, next], 0, 0);
            page.put_lsn(self.lsn());
            self.put(number, &page.bytes)?;
            next = number;
        }
        Ok(next)
    }

    /// Writes what is left, when the metadata of page 0 is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let size = self.builder.page_size;
        for (first, more) in std::mem::take(&mut self.references) {
            let entries = more + 1;
            let entries = if self.builder.big() { entries.to_be_bytes() } else { entries.to_le_bytes() };
            self.put_at(usize::try_from(first).unwrap() * size + at::ENTRIES, &entries)?;
        }
        // A hole may be last.
        let len = usize::try_from(self.end).unwrap() * size - self.start;
        self.window.resize(len, 0);
        let window = std::mem::take(&mut self.window);
        self.write_at(self.start, &window)?;
        self.sink.flush()
    }
}
