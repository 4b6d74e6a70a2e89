//! What a file holds, as a number: to see that a change left all of it as it was (upgrade,
//! "Validation").

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Builder};

use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::keyed::KeyedSum;
use super::{error, soundness};
use crate::access::{AllPairs, Database, Item, Part};
use crate::error::{Defect, Error, Result};
use crate::format::checksum;
use crate::format::seal::Seal;
use crate::journal::{ContentSum, Promise};
use crate::method::Method;
use crate::order::Endianness;
use crate::pages::OpenOptions;
use crate::types::{PageNo, PageSize};

/// Bytes that are collected before they are added to the sum.
const BATCH: usize = 128 * 1024;
/// The number of a page that is none of metadata.
const OF_RECORDS: PageNo = PageNo(1);
/// Batches that may wait to be added.
const AHEAD: usize = 4;

/// Pairs on their way to the sum.
struct Batches<S> {
    sum: S,
    batch: Vec<u8>,
    pairs: u64,
}

/// What adds up batches.
trait Sum {
    /// Adds a batch, and leaves one to be filled.
    fn add(&mut self, batch: &mut Vec<u8>);
}

/// On this thread.
impl Sum for Sha256 {
    fn add(&mut self, batch: &mut Vec<u8>) {
        self.update(&batch);
        batch.clear();
    }
}

/// On another thread.
struct Beside {
    full: SyncSender<Vec<u8>>,
    /// Batches that were added, to be filled again.
    spare: Receiver<Vec<u8>>,
}

impl Sum for Beside {
    fn add(&mut self, batch: &mut Vec<u8>) {
        let mut next = self.spare.try_recv().unwrap_or_default();
        next.clear();
        let _ = self.full.send(std::mem::replace(batch, next)); // fails only if the sum panicked
    }
}

impl ContentSum {
    /// Reads all pairs.
    ///
    /// # Errors
    ///
    /// The first damage, except pages that nothing leads to.
    pub(crate) fn of(file: &Database<'_>) -> Result<ContentSum> {
        let (full, batches) = mpsc::sync_channel(AHEAD);
        let (done, spare) = mpsc::channel();
        thread::scope(|scope| {
            let beside = Builder::new().spawn_scoped(scope, move || {
                let mut sum = Sha256::new();
                for batch in batches {
                    sum.update(&batch);
                    let _ = done.send(batch); // nobody fills another after the last
                }
                sum
            });
            match beside {
                Ok(beside) => {
                    let (pairs, batches) = read(file, Beside { full, spare })?;
                    drop(batches); // no more come
                    let sum = beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    Ok(ContentSum { digest: sum.finalize().into(), pairs })
                }
                Err(_) => ContentSum::here(file),
            }
        })
    }

    /// The records of an extent of a QUEUE: all that stands behind the headers of its pages, in the clear.
    pub(super) fn of_extent(bytes: &[u8], page_size: PageSize, options: OpenOptions<'_>) -> ContentSum {
        let (mut sum, mut pages) = (Sha256::new(), 0u64);
        let file = options.file_from_bytes(bytes);
        let ciphers = file.password().ciphers(Endianness::NATIVE);
        let plain = seal_of_extent(bytes, page_size).queue_header();
        for page in bytes.chunks(page_size.bytes()) {
            let mut fitting = ciphers.iter().flatten().filter(|cipher| cipher.fits(page, OF_RECORDS));
            match fitting.next() {
                Some(cipher) => {
                    let mut page = page.to_vec();
                    cipher.open(&mut page, OF_RECORDS);
                    sum.update(page.get(Seal::Encrypted.queue_header()..).unwrap_or_default());
                }
                None => sum.update(page.get(plain..).unwrap_or_default()),
            }
            pages = pages.saturating_add(1);
        }
        ContentSum { digest: sum.finalize().into(), pairs: pages }
    }

    /// Reads all pairs, and adds them up on this thread.
    fn here(file: &Database<'_>) -> Result<ContentSum> {
        let (pairs, sum) = read(file, Sha256::new())?;
        Ok(ContentSum { digest: sum.finalize().into(), pairs })
    }

    /// Does some work while another thread reads all pairs, if they are wanted. Where no other
    /// can be made, this one reads them afterwards.
    pub(super) fn beside<T>(
        file: &Database<'_>,
        wanted: bool,
        work: impl FnOnce() -> T,
    ) -> (T, Option<Result<ContentSum>>) {
        thread::scope(|scope| {
            let thread = wanted.then(|| Builder::new().spawn_scoped(scope, || ContentSum::of(file)));
            let done = work();
            let content = thread.map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => ContentSum::of(file),
            });
            (done, content)
        })
    }
}

/// Whether the pages of an extent have checksums, as they tell themselves: its main file may be half
/// written. Where there are none yet, as release 4.1 leaves them, their places are as empty as records are.
fn seal_of_extent(bytes: &[u8], page_size: PageSize) -> Seal {
    let stored = |page: &[u8]| Endianness::Little.u32_at(page, checksum::ON_PAGE).unwrap_or(0);
    let mut summed = bytes.chunks(page_size.bytes()).filter(|page| stored(page) != 0).peekable();
    let fits = |page: &[u8]| {
        let sum = checksum::sum(page, checksum::ON_PAGE);
        [sum, sum.swap_bytes()].contains(&stored(page))
    };
    Seal::of(false, summed.peek().is_some() && summed.all(fits))
}

/// A draft, and what it promises: the pairs that the file holds; or that nothing but page 0
/// changes, so that every pair stays where it is. The sum takes longest, so it begins at once
/// where it is `likely` to be wanted.
pub(crate) fn with_content<'p>(
    file: &'p Database<'_>,
    likely: bool,
    draft: impl FnOnce() -> error::Result<Draft<'p>>,
) -> error::Result<(Draft<'p>, Promise)> {
    let (draft, early) = ContentSum::beside(file, likely, draft);
    let draft = draft?;
    let promise = match early {
        Some(early) => Promise::SamePairs(early.map_err(soundness::unreadable)?),
        None if draft.is_head_only() => Promise::OnlyPageZero,
        None => Promise::SamePairs(ContentSum::of(file).map_err(soundness::unreadable)?),
    };
    Ok((draft, promise))
}

/// Reads all pairs into a sum: how many there are.
fn read<S: Sum>(file: &Database<'_>, sum: S) -> Result<(u64, S)> {
    let mut batches = Batches { sum, batch: Vec::new(), pairs: 0 };
    file.walk_databases(|part| match part {
        Part::Database(database, pairs) => batches.database(database, pairs),
        Part::Damage(error) => tolerate(error),
    })?;
    batches.sum.add(&mut batches.batch);
    Ok((batches.pairs, batches.sum))
}

/// Pages that nothing leads to are no part of the content.
fn tolerate(error: Error) -> Result<()> {
    match error {
        Error::Corrupt { defect: Defect::Unreachable { .. }, .. } => Ok(()),
        error => Err(error),
    }
}

impl<S: Sum> Batches<S> {
    fn database(&mut self, database: &Database<'_>, pairs: &mut AllPairs<'_>) -> Result<()> {
        let name = database.name().unwrap_or_default();
        let method = database.meta().method();
        let numbered = matches!(method, Method::Recno | Method::Queue);
        // Pairs of a bucket have no order that stays.
        let mut keyed = (method == Method::Hash).then(|| KeyedSum::new(name));
        pairs.each(|pair| {
            let pair = match pair {
                Ok(pair) => pair,
                Err(error) => return tolerate(error),
            };
            self.pairs = self.pairs.saturating_add(1);
            if let Some(keyed) = &mut keyed {
                return keyed.add(&pair);
            }
            self.bytes(name);
            match pair.record_number().filter(|_| numbered) {
                Some(number) => self.bytes(&number.to_le_bytes()),
                None => self.item(pair.key_item())?,
            }
            self.item(pair.value_item())?;
            Ok(())
        })?;
        if let Some(keyed) = keyed {
            self.bytes(name);
            self.bytes(&keyed.end());
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'_>) -> Result<()> {
        if let Some(bytes) = item.on_page() {
            self.bytes(bytes);
            return Ok(());
        }
        if let Some(file) = item.external() {
            // Its file is no part of this one.
            for number in [file.id, file.size] {
                self.batch.extend_from_slice(&number.to_le_bytes());
            }
            return Ok(());
        }
        self.batch.extend_from_slice(&item.len().to_le_bytes());
        for piece in item.pieces() {
            self.add(&piece?);
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.batch.extend_from_slice(&len.to_le_bytes());
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.batch.len().saturating_add(bytes.len()) > BATCH {
            self.sum.add(&mut self.batch);
        }
        self.batch.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_same_on_one_thread() {
        for case in [
            "btree-v9-le-subdbs",
            "btree-v6-be-overflow",
            "recno-v9-le-var",
            "hash-v9-le-mixed",
            "queue-v4-le-few",
        ] {
            let file = std::fs::read(format!("testdata/{case}/data.db")).unwrap();
            let db = Database::from_bytes(&file[..]).unwrap();
            let content = ContentSum::here(&db).unwrap();
            assert!(content.pairs > 0);
            assert_eq!(content, ContentSum::of(&db).unwrap());
        }
    }
}
