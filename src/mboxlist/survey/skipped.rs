//! The logs of an older version, as a log of their own: to the engine that wrote them it ended
//! with the last of them. What it tells is found while the whole log is read.

use std::collections::BTreeMap;

use super::logs::LogFacts;
use crate::log::facts::{Facts, Reading};
use crate::log::{LogDir, LogError, Record};

/// The logs of each version but the newest.
pub(super) struct Skipped<'l> {
    dir: &'l LogDir,
    parts: BTreeMap<u32, Part<'l>>,
}

/// The logs of one version.
struct Part<'l> {
    reading: Reading<'l>,
    /// The numbers of its first file and of its last one.
    first: u32,
    last: u32,
    /// Its record that came last.
    before: Option<Record<'l>>,
    /// Whether no more of it comes.
    ended: bool,
}

impl<'l> Skipped<'l> {
    /// Those among some files of a log, which are in their order.
    pub(super) fn of<'f>(
        dir: &'l LogDir,
        files: impl DoubleEndedIterator<Item = &'f LogFacts>,
    ) -> Skipped<'l> {
        let mut parts = BTreeMap::new();
        let mut newest = None;
        for file in files.rev() {
            let Some(version) = file.version else { continue };
            if version == *newest.get_or_insert(version) {
                continue;
            }
            let part = parts.entry(version).or_insert_with(|| Part {
                reading: Reading::default(),
                first: file.number,
                last: file.number,
                before: None,
                ended: false,
            });
            part.first = file.number;
        }
        Skipped { dir, parts }
    }

    /// The next record of the whole log, or what is wrong in its place.
    pub(super) fn next(&mut self, record: &Result<Record<'l>, LogError>) {
        match record {
            Ok(record) => {
                if let Some(part) = self.parts.get_mut(&record.version()) {
                    part.record(*record);
                }
            }
            Err(error) => {
                let dir = self.dir;
                self.parts.values_mut().for_each(|part| part.error(dir, error));
            }
        }
    }

    /// What the logs of each version tell.
    pub(super) fn end(self) -> BTreeMap<u32, Facts<'l>> {
        self.parts.into_iter().map(|(version, part)| (version, part.reading.end())).collect()
    }
}

impl<'l> Part<'l> {
    fn record(&mut self, record: Record<'l>) {
        if !self.ended {
            self.reading.next(&Ok(record));
            self.before = Some(record);
        }
    }

    fn error(&mut self, dir: &'l LogDir, error: &LogError) {
        match error {
            _ if self.ended => {}
            LogError::Damaged { lsn, .. } if lsn.file == self.last && lsn.offset > 0 => {
                self.ended = true;
                self.end_of_last(dir);
            }
            // What is missing before its first file is not its own.
            LogError::Gap { after, .. } if *after < self.first => {}
            _ if number(dir, error).is_some_and(|file| file >= self.first && file <= self.last) => {
                self.reading.next(&Err(error.clone()));
            }
            _ => {}
        }
    }

    /// In the last file of a log it is no damage if a record was torn: that is where the log
    /// ends.
    fn end_of_last(&mut self, dir: &'l LogDir) {
        let file = dir.log_files().find(|file| file.number() == self.last);
        let Some(log) = file.and_then(|file| file.log().ok()) else { return };
        let before = self.before.filter(|before| before.lsn().file == self.last);
        if let Some(error @ Err(_)) = log.records().behind(before.as_ref()).next() {
            self.reading.next(&error);
        }
    }
}

/// The file of which something is wrong, or behind which.
fn number(dir: &LogDir, error: &LogError) -> Option<u32> {
    match error {
        LogError::Damaged { lsn, .. } => Some(lsn.file),
        LogError::Unjoined { last, .. } => Some(last.file),
        LogError::Gap { next, .. } => Some(*next),
        LogError::File { path, .. } => {
            dir.log_files().find(|file| file.path() == path).map(|file| file.number())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::super::logs::{self, Logs};
    use super::*;

    fn said(facts: &Facts<'_>) -> String {
        let bindings: Vec<_> = facts.files.bindings().collect();
        let transactions: Vec<_> = facts.transactions.iter().collect();
        format!("{bindings:?} {transactions:?} {:?}", facts.start)
    }

    /// A log file of a case, by its number, and what is done to its bytes.
    type Log = (&'static str, u32, fn(&mut Vec<u8>));

    /// A number that no log has.
    const MISSING: Log = ("", 0, |_| {});

    /// Puts logs behind one another, changed or not; gives their names.
    fn store(folder: &Path, logs: &[Log]) -> Vec<PathBuf> {
        let put = |(number, (case, from, change)): (u32, &Log)| {
            let mut log = fs::read(format!("testdata/{case}/log.{from:010}")).unwrap();
            change(&mut log);
            let path = folder.join(format!("log.{number:010}"));
            fs::write(&path, log).unwrap();
            path
        };
        (1..).zip(logs).filter(|(_, (case, ..))| !case.is_empty()).map(put).collect()
    }

    #[test]
    fn older_logs_tell_what_they_tell_alone() {
        let whole: fn(&mut Vec<u8>) = |_| {};
        let torn: fn(&mut Vec<u8>) = |log| log.truncate(log.len() - 7);
        let zeros: fn(&mut Vec<u8>) = |log| log.extend([0; 300]);
        let inside: fn(&mut Vec<u8>) = |log| {
            let at = log.len() / 2;
            log[at] ^= 0xff;
        };
        let near_end: fn(&mut Vec<u8>) = |log| {
            let at = log.len() - 5;
            log[at] ^= 0xff;
        };
        let header: fn(&mut Vec<u8>) = |log| log[0] ^= 0xff;
        let none: fn(&mut Vec<u8>) = |log| log.fill(7);
        let changes = [whole, torn, zeros, inside, near_end, header, none];
        let newer = ("env-log11-le-logs", 2, whole);
        let mut told = 0;
        for change in changes {
            for logs in [
                vec![("env-log3-le-mix", 1, change), newer],
                vec![("mboxlist-ims60-log3-le-unclean", 1, change), newer, newer],
                vec![("env-log3-le-logs", 1, whole), ("env-log3-le-logs", 2, change), newer],
                vec![("env-log3-le-logs", 1, change), ("env-log3-le-logs", 2, whole), newer],
                vec![("env-log2-le-mix", 1, change), ("env-log8-le-mix", 1, change), newer],
                vec![("env-log2-le-mix", 1, whole), ("env-log3-le-mix", 1, change), newer],
                vec![("env-log2-le-mix", 1, change), MISSING, ("env-log3-le-logs", 2, change), newer],
                vec![("env-log3-le-logs", 1, change), MISSING, ("env-log3-le-logs", 2, change), newer],
            ] {
                let folder = tempfile::tempdir().unwrap();
                let paths = store(folder.path(), &logs);
                let all = logs::open(&paths, true).unwrap();
                let read = Logs::of(Some(&all));
                for (version, facts) in &read.skipped {
                    let of_version = read.files.iter().filter(|file| file.version == Some(*version));
                    let paths: Vec<PathBuf> = of_version.map(|file| file.path.clone()).collect();
                    let alone = logs::open(&paths, true).unwrap();
                    let mut reading = Reading::default();
                    for record in alone.records() {
                        reading.next(&record);
                    }
                    assert_eq!(said(facts), said(&reading.end()), "{logs:?}");
                    told += 1;
                }
            }
        }
        assert!(told > 35, "{told}");
    }
}
