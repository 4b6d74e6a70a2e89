//! Every truncation and every single-byte change of small genuine files.
//!
//! Whatever the change: no panic, no hang, no endless iterator, and no pair less
//! without an error. There is one exception, which the format cannot tell from
//! the truth: the bit of an item's type byte that marks it as deleted.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bdbkit::verify::{Severity, Verify};
use bdbkit::{Database, Method};

use crate::common::image::{Image, OVERFLOW};
use crate::common::standing::{Standing, lost, salvaged, salvaged_with_deleted, standing};
use crate::common::{Pair, Watch, dump, missing, multiset, pairs_of_text, readable, thorough};

/// A change of one byte: where, from, to.
#[derive(Clone, Copy, Debug)]
struct Change {
    offset: usize,
    old: u8,
    new: u8,
}

/// A file before it was damaged, and what it gave then.
struct Original {
    image: Image,
    text: Vec<u8>,
    records: u64,
    deleted: u64,
    pairs: Vec<Pair>,
    standing: Vec<Standing>,
}

impl Original {
    fn new(image: Image) -> Original {
        let db = Database::from_bytes(&image.bytes[..]).expect("a genuine file");
        let (text, summary, damage) = dump(&db, false);
        assert_eq!(damage, [""; 0], "{} is whole", image.name);
        let pairs = pairs_of_text(&text);
        let (records, deleted) = (summary.records, summary.deleted);
        assert_eq!(usize::try_from(records).unwrap(), pairs.len());
        drop(db);
        let standing = standing(&image);
        Original { image, text, records, deleted, pairs, standing }
    }

    /// More steps than any walk may take: an item needs a slot of two bytes.
    fn bound(&self) -> usize {
        self.image.bytes.len() + 64
    }

    /// Whether a change sets the mark of deletion, which makes one item vanish.
    fn marks_deleted(&self, change: Option<Change>) -> bool {
        change.is_some_and(|c| c.new & 0x80 > c.old & 0x80 && self.image.is_item_type(c.offset))
    }

    /// What is wrong with the way in which a damaged copy is read, if anything.
    ///
    /// The forward walk is checked each time, the other ways in turn, unless this is
    /// to be thorough.
    fn check(&self, bytes: &[u8], change: Option<Change>, turn: usize) -> Result<(), String> {
        let turn = |this: usize| thorough() || turn % 3 == this;
        if turn(1) {
            self.salvage(bytes, change)?;
        }
        let db = match Database::from_bytes(bytes) {
            Ok(db) => db,
            Err(error) if error.to_string().is_empty() => return Err("an error without words".into()),
            Err(_) => return Ok(()),
        };
        if db.is_directory() {
            self.check_dump(&db, change, None)?;
            if turn(0) {
                self.scan(&db)?;
            }
            if turn(2) {
                let (_, summary, _) = dump(&db, false);
                self.verify(&db, summary.damaged)?;
            }
            for found in db.subdatabases().take(self.bound()).flatten().filter(|_| turn(1)) {
                let inner = found.open();
                walk(&inner, true, self.bound(), &[])?;
                // HASH databases have no order, so no way back either.
                if inner.meta().method() != Method::Hash {
                    walk(&inner, false, self.bound(), &[])?;
                }
            }
            return Ok(());
        }
        let forward = walk(&db, true, self.bound(), &self.pairs)?;
        self.check_walk(&forward, change).map_err(|what| format!("forward: {what}"))?;
        if turn(0) {
            self.check_dump(&db, change, Some(&forward))?;
        }
        // HASH databases have no order, so no way back, and no cursor.
        let ordered = db.meta().method() != Method::Hash;
        if turn(1) && ordered {
            let backward = walk(&db, false, self.bound(), &self.pairs)?;
            self.check_walk(&backward, change).map_err(|what| format!("backward: {what}"))?;
            if backward.errors == 0 && forward.errors > 0 {
                return Err("backward: no error, but forward there is one".into());
            }
        }
        if turn(2) {
            self.verify(&db, forward.errors)?;
            self.scan(&db)?;
            // Look-ups may fail, but they may not panic or hang.
            if let Some((key, _)) = self.pairs.first() {
                let _ = (
                    db.get(key),
                    db.cursor().is_ok_and(|mut cursor| cursor.seek(key).is_ok()),
                    db.record(1),
                    db.record_number(key),
                );
            }
        }
        Ok(())
    }

    /// Salvage loses nothing that stands on pages without damage.
    fn salvage(&self, bytes: &[u8], change: Option<Change>) -> Result<(), String> {
        let page = |offset: usize| u32::try_from(offset / self.image.page_size).unwrap();
        let marked = self.marks_deleted(change);
        let found = if marked { salvaged_with_deleted(bytes) } else { salvaged(bytes) };
        let lost = match change.map(|change| page(change.offset)) {
            Some(changed) => {
                let chains = changed == 0 || self.image.kind(changed) != OVERFLOW;
                lost(&self.standing, &found, |page| page != changed, chains)
            }
            None => lost(&self.standing, &found, |no| no < page(bytes.len()), false),
        };
        lost.map_or(Ok(()), |lost| Err(format!("salvage: {lost}")))
    }

    /// What the check of the whole file finds no error in, a walk must read without one.
    fn verify(&self, db: &Database<'_>, errors: impl TryInto<usize>) -> Result<(), String> {
        let verdict = Verify::new(db).threads(1).run();
        if let Some(bad) = verdict.findings().iter().find(|finding| finding.text.is_empty()) {
            return Err(format!("a finding without words: {bad}"));
        }
        let sound = verdict.worst() < Some(Severity::Error);
        if sound && errors.try_into().is_ok_and(|errors| errors > 0) {
            return Err("verify: no error, but reading meets one".into());
        }
        Ok(())
    }

    fn check_walk(&self, walk: &Walk, change: Option<Change>) -> Result<(), String> {
        match walk {
            Walk { errors: 1.., .. } | Walk { same: true, .. } => Ok(()),
            Walk { pairs, deleted, .. } => self.compare(pairs, *deleted, change),
        }
    }

    fn check_dump(
        &self,
        db: &Database<'_>,
        change: Option<Change>,
        walk: Option<&Walk>,
    ) -> Result<(), String> {
        let (text, summary, damage) = dump(db, false);
        if let Some(bad) = damage.iter().find(|message| message.is_empty() || message.contains('\n')) {
            return Err(format!("the message {bad:?}"));
        }
        if summary.damaged > 0 {
            return Ok(());
        }
        if walk.is_some_and(|walk| walk.errors > 0) {
            return Err("dump: no error, but the iterator gives one".into());
        }
        if text == self.text {
            return Ok(());
        }
        let pairs = pairs_of_text(&text);
        if walk.is_some_and(|walk| !walk.same && walk.pairs.len() != pairs.len()) {
            return Err(format!("dump: {} pairs, not those of the iterator", pairs.len()));
        }
        self.compare(&pairs, summary.deleted, change).map_err(|what| format!("dump: {what}"))
    }

    /// What is wrong with look-ups in a damaged copy that can be read without an
    /// error: they give an error, or what the forward scan says.
    fn check_look_ups(&self, bytes: &[u8]) -> Result<(), String> {
        let Ok(db) = Database::from_bytes(bytes) else { return Ok(()) };
        let (text, summary, _) = dump(&db, false);
        if summary.damaged > 0 || db.is_directory() {
            return Ok(());
        }
        if text == self.text {
            return self.look_up(&db, &self.pairs);
        }
        self.look_up(&db, &pairs_of_text(&text))
    }

    fn expect_records(&self, records: u64, deleted: u64, change: Option<Change>) -> Result<(), String> {
        let newly_deleted = deleted.saturating_sub(self.deleted);
        if newly_deleted > 0 && !self.marks_deleted(change) {
            return Err(format!("{newly_deleted} pairs count as deleted, but no mark was set"));
        }
        // A RECNO database keeps deleted records in place: their number is free.
        let gone = match change {
            Some(_) if newly_deleted == 0 && self.marks_deleted(change) && self.has_records() => 1,
            _ => newly_deleted,
        };
        if records + gone < self.records {
            return Err(format!(
                "{records} pairs and {deleted} deleted without an error, not {}",
                self.records
            ));
        }
        Ok(())
    }

    fn has_records(&self) -> bool {
        self.image.name.contains("recno") || self.image.name.contains("subdbs")
    }

    /// Compares what a damaged file gave without an error: one pair may have other
    /// bytes, or all pairs of one key may have another key.
    fn compare(&self, after: &[Pair], deleted: u64, change: Option<Change>) -> Result<(), String> {
        self.expect_records(u64::try_from(after.len()).unwrap(), deleted, change)?;
        // Most pairs are as they were: only the middle is compared in full.
        let same = self.pairs.iter().zip(after).take_while(|(before, after)| before == after).count();
        let (before, after) = (&self.pairs[same..], &after[same..]);
        let same = before.iter().rev().zip(after.iter().rev()).take_while(|(b, a)| b == a).count();
        let (before, after) = (&before[..before.len() - same], &after[..after.len() - same]);
        let lost = missing(&multiset(after.iter().cloned()), &multiset(before.iter().cloned()));
        let one_key = lost.windows(2).all(|two| two[0].0 == two[1].0 && !two[0].0.is_empty());
        if !one_key {
            return Err(format!("{} pairs of several keys are changed without an error", lost.len()));
        }
        Ok(())
    }

    /// All entries of all pages, also those that nothing leads to.
    fn scan(&self, db: &Database<'_>) -> Result<(), String> {
        let mut steps = 0;
        for leaf in db.scan() {
            steps += 1;
            let Ok(leaf) = leaf else { continue };
            steps += leaf.entries().take(self.bound()).filter(|entry| entry.is_ok()).count();
        }
        if steps > self.bound() { Err(format!("a scan of {steps} steps")) } else { Ok(()) }
    }

    /// Look-ups of some keys. `all` is the forward scan.
    fn look_up(&self, db: &Database<'_>, all: &[Pair]) -> Result<(), String> {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        for (key, _) in self.pairs.iter().step_by((self.pairs.len() / 5).max(1)) {
            let mut values = all.iter().filter(|(k, _)| k == key).map(|(_, value)| value.as_slice());
            let there = values.clone().next().is_some();
            if let Ok(found) = db.get(key) {
                if found.is_none() && there {
                    return Err(format!("get {}: none, but there is one", shown(key)));
                }
                if found.as_ref().is_some_and(|found| !values.any(|value| value == &found[..])) {
                    return Err(format!("get {}: a value that it does not have", shown(key)));
                }
            }
            let Ok(mut cursor) = db.cursor() else { continue };
            let sought =
                cursor.seek(key).and_then(|p| p.map(|p| Ok(p.key().read()?.into_owned())).transpose());
            if let (Ok(found), true) = (sought, there) {
                if found.as_ref() != Some(key) {
                    return Err(format!("seek {}: finds {:?}", shown(key), found.map(|k| shown(&k))));
                }
            }
        }
        Ok(())
    }
}

/// What a walk from one end to the other gave.
#[derive(Debug, Default)]
struct Walk {
    errors: usize,
    deleted: u64,
    /// Whether it gave the expected pairs and no others.
    same: bool,
    /// The pairs, forward; none if they are the same.
    pairs: Vec<Pair>,
}

/// Walks from one end to the other.
fn walk(db: &Database<'_>, forward: bool, bound: usize, expected: &[Pair]) -> Result<Walk, String> {
    let mut entries = db.iter().pairs();
    let (mut found, mut steps, mut given, mut same) = (Walk::default(), 0, 0, true);
    let mut keep = false;
    loop {
        let next = if forward { entries.next() } else { entries.next_back() };
        match next.map(|pair| pair.and_then(|pair| pair.read())) {
            Some(Ok(entry)) => {
                let at = if forward { Some(given) } else { expected.len().checked_sub(given + 1) };
                let like = at.and_then(|at| expected.get(at));
                given += 1;
                same &= like.is_some_and(|(key, value)| key == entry.key() && value == entry.value());
                if keep {
                    found.pairs.push((entry.key().to_vec(), entry.value().to_vec()));
                }
            }
            Some(Err(_)) => found.errors += 1,
            None if same && given == expected.len() => {
                found.same = true;
                found.deleted = entries.deleted();
                return Ok(found);
            }
            None if keep || found.errors > 0 => {
                if !forward {
                    found.pairs.reverse();
                }
                found.deleted = entries.deleted();
                return Ok(found);
            }
            None => {
                // It is not the same, so once more, to see what it is.
                (keep, given, entries) = (true, 0, db.iter().pairs());
            }
        }
        steps += 1;
        if steps > 2 * bound {
            return Err(format!("an iterator of more than {bound} steps"));
        }
    }
}

/// Checks damaged copies of files, and panics with all that was found.
fn check_all(
    files: Vec<Image>,
    mutants: impl Fn(&Original, &mut dyn FnMut(&[u8], Option<Change>)) + Sync,
) -> usize {
    check_each(files, Original::check, mutants)
}

/// As [`check_all`], with a check of the caller's.
fn check_each(
    files: Vec<Image>,
    check: impl Fn(&Original, &[u8], Option<Change>, usize) -> Result<(), String> + Sync,
    mutants: impl Fn(&Original, &mut dyn FnMut(&[u8], Option<Change>)) + Sync,
) -> usize {
    let originals: Vec<Original> = files.into_iter().map(Original::new).collect();
    let (next, tried) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    let work = || {
        let watch = Watch::start(Duration::from_secs(60));
        while let Some(original) = originals.get(next.fetch_add(1, Ordering::Relaxed)) {
            watch.about(original.image.name.clone());
            if thorough() {
                println!("{} ...", original.image.name);
            }
            mutants(original, &mut |bytes, change| {
                watch.tick();
                let turn = tried.fetch_add(1, Ordering::Relaxed);
                let checked = catch_unwind(AssertUnwindSafe(|| check(original, bytes, change, turn)));
                let what = match checked {
                    Ok(Ok(())) => return,
                    Ok(Err(what)) => what,
                    Err(_) => "a panic".to_owned(),
                };
                let place = match change {
                    Some(Change { offset, old, new }) => {
                        let size = original.image.page_size;
                        let (page, byte) = (offset / size, offset % size);
                        format!("offset {offset} (page {page}, byte {byte}), {old:#04x} -> {new:#04x}")
                    }
                    None => format!("cut to {} bytes", bytes.len()),
                };
                let failure = format!("{}: {place}: {what}", original.image.name);
                if thorough() {
                    println!("{failure}"); // at once, for this may take hours
                }
                failures.lock().unwrap().push(failure);
            });
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown = failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} failures, the first:\n{shown}", failures.len());
    tried.into_inner()
}

fn each_byte(
    original: &Original,
    values: &dyn Fn(usize, u8) -> Vec<u8>,
    check: &mut dyn FnMut(&[u8], Option<Change>),
) {
    let mut bytes = original.image.bytes.clone();
    for offset in 0..bytes.len() {
        let old = bytes[offset];
        for new in values(offset, old) {
            bytes[offset] = new;
            check(&bytes, Some(Change { offset, old, new }));
        }
        bytes[offset] = old;
    }
}

fn each_length(original: &Original, check: &mut dyn FnMut(&[u8], Option<Change>)) {
    for len in 0..original.image.bytes.len() {
        check(&original.image.bytes[..len], None);
    }
}

/// A few telling values: a low bit and the highest bit changed, and in turn no bit and
/// all bits set.
fn some_values(offset: usize, old: u8) -> Vec<u8> {
    let mut values = vec![old ^ 1, old ^ 0x80, if offset % 2 == 0 { 0 } else { 255 }];
    values.sort_unstable();
    values.dedup();
    values.retain(|&new| new != old);
    values
}

fn of_cases(cases: &[&str]) -> Vec<Image> {
    cases.iter().map(|case| Image::of_case(case)).collect()
}

/// Small trees of several levels.
fn small_trees() -> Vec<Image> {
    let cases = [
        "damage-v6-le-item-len",
        "damage-v8-be-child-range",
        "damage-v9-be-next-cycle",
        "damage-v9-le-last-pgno",
    ];
    cases.iter().map(|case| Image::undamaged(case)).collect()
}

#[test]
fn no_truncation_of_a_small_file_passes_unnoticed() {
    let mut files = small_trees();
    files.extend(of_cases(&[
        "btree-v6-be-zerolen",
        "btree-v6-le-dups-onpage-sorted",
        "btree-v6-be-dups-offpage-sorted",
        "btree-v7-be-dups-offpage",
        "btree-v7-le-delete-marked",
        "btree-v8-be-dups-offpage-sorted",
        "btree-v8-le-dups-onpage",
        "btree-v9-be-dups-offpage",
        "btree-v9-le-one",
        "recno-v6-le-holes",
        "recno-v9-be-fixed",
        "btree-v7-le-overflow",
    ]));
    let tried = check_all(files, |original, check| each_length(original, check));
    assert!(tried > 60_000, "{tried} truncations");
}

/// Small HASH files of all versions and shapes.
fn hash_files() -> Vec<Image> {
    of_cases(&[
        "hash-v5-be-few",
        "hash-v5-le-dups-offpage",
        "hash-v6-be-dups-offpage",
        "hash-v6-le-few",
        "hash-v7-le-dups",
        "hash-v8-be-dups",
        "hash-v8-le-few",
        "hash-v9-be-dups-offpage",
        "hash-v9-be-dups-key-overflow",
        "hash-v9-le-dups-onpage-sorted",
        "hash-v9-le-few-4.7",
    ])
}

#[test]
fn no_truncation_of_a_hash_file_passes_unnoticed() {
    let tried = check_all(hash_files(), |original, check| {
        let size = original.image.page_size;
        for len in (0..original.image.bytes.len()).filter(|len| (len + 2) % size < 4 || len % 7 == 0) {
            check(&original.image.bytes[..len], None);
        }
    });
    assert!(tried > 9000, "{tried} truncations");
}

#[test]
fn no_change_of_one_byte_of_a_hash_file_passes_unnoticed() {
    let tried = check_all(hash_files(), |original, check| each_byte(original, &some_values, check));
    assert!(tried > 150_000, "{tried} changes");
}

#[test]
fn no_change_of_one_byte_of_a_hash_file_makes_a_look_up_miss_a_pair_that_the_scan_gives() {
    let check = |original: &Original, bytes: &[u8], _, _| original.check_look_ups(bytes);
    let one = |_, old: u8| vec![old ^ 1];
    let tried = check_each(hash_files(), check, |original, check| each_byte(original, &one, check));
    assert!(tried > 60_000, "{tried} changes");
}

#[test]
fn no_truncation_of_a_file_of_several_databases_passes_unnoticed() {
    let files = of_cases(&["btree-v8-be-subdbs", "btree-v9-le-subdbs-removed"]);
    let tried = check_all(files, |original, check| {
        // Every page boundary and its neighbours: most others are alike for long stretches.
        let size = original.image.page_size;
        for len in (0..original.image.bytes.len()).filter(|len| (len + 2) % size < 4 || len % 37 == 0) {
            check(&original.image.bytes[..len], None);
        }
    });
    assert!(tried > 1000, "{tried} truncations");
}

#[test]
fn no_change_of_one_byte_of_a_pair_file_passes_unnoticed() {
    let files = of_cases(&[
        "btree-v6-be-zerolen",
        "btree-v6-le-dups-onpage-sorted",
        "btree-v7-be-dups-offpage",
        "btree-v8-be-dups-offpage-sorted",
        "btree-v9-be-dups-offpage",
        "btree-v9-be-dups-key-overflow",
        "btree-v9-le-delete-marked",
    ]);
    let tried = check_all(files, |original, check| each_byte(original, &some_values, check));
    assert!(tried > 60_000, "{tried} changes");
}

#[test]
fn no_change_of_one_byte_of_a_tree_of_several_levels_passes_unnoticed() {
    let tried = check_all(small_trees(), |original, check| each_byte(original, &some_values, check));
    assert!(tried > 50_000, "{tried} changes");
}

#[test]
fn no_change_of_one_byte_of_a_record_file_passes_unnoticed() {
    let files = of_cases(&["recno-v6-le-holes", "recno-v9-be-fixed"]);
    let tried = check_all(files, |original, check| each_byte(original, &some_values, check));
    assert!(tried > 20_000, "{tried} changes");
}

#[test]
fn no_change_of_one_byte_of_a_file_of_several_databases_passes_unnoticed() {
    // All of the headers and indexes of pages, and every fourth byte of the rest.
    let values = |offset: usize, old: u8| {
        let here = offset % 512 < 96 || offset % 4 == 3;
        if here { vec![old ^ 1] } else { vec![] }
    };
    let files = of_cases(&["btree-v9-be-subdbs"]);
    assert_eq!(files[0].page_size, 512);
    let tried = check_all(files, |original, check| each_byte(original, &values, check));
    assert!(tried > 7000, "{tried} changes");
}

#[test]
fn no_change_of_one_byte_makes_a_look_up_miss_a_pair_that_the_scan_gives() {
    let mut files =
        vec![Image::undamaged("damage-v6-le-item-len"), Image::undamaged("damage-v9-be-next-cycle")];
    files.extend(of_cases(&["btree-v6-le-dups-onpage-sorted"]));
    let check = |original: &Original, bytes: &[u8], _, _| original.check_look_ups(bytes);
    let tried =
        check_each(files, check, |original, check| each_byte(original, &|_, old| vec![old ^ 1], check));
    assert!(tried > 12_000, "{tried} changes");
}

/// Small files of every version and byte order, of eight shapes each, and one of
/// several databases.
fn small_files() -> Vec<Image> {
    let mut of_kind: BTreeMap<(u32, bool), Vec<Image>> = BTreeMap::new();
    for golden in readable() {
        let file = golden.db.file_name().unwrap().to_str().unwrap();
        if file == "data.db" {
            let image = Image::new(golden.case.name.clone(), crate::common::read(&golden.db));
            of_kind.entry((image.version(), image.big)).or_default().push(image);
        }
    }
    assert_eq!(of_kind.len(), 8, "four versions in two byte orders");
    let smallest = |mut images: Vec<Image>| {
        images.sort_by_key(|image| image.bytes.len());
        images.truncate(8);
        images
    };
    let mut files = of_cases(&["btree-v9-be-subdbs"]);
    files.extend(of_kind.into_values().flat_map(smallest));
    files
}

#[test]
fn exhaustive_all_values_of_all_bytes_of_all_small_files() {
    let files = small_files();
    assert_eq!(files.len(), 65);
    if !thorough() {
        println!("not run: set BDBKIT_EXHAUSTIVE=1");
        return;
    }
    let all = |_, old: u8| (0..=255).filter(|&new| new != old).collect();
    let tried = check_all(files, |original, check| {
        each_length(original, check);
        each_byte(original, &all, check);
    });
    println!("{tried} damaged files read");
}
