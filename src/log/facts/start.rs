//! Where recovery begins: before it everything is in the files (recovery, "The overall
//! algorithm").

use crate::log::dir::{DirFile, LogDir};
use crate::log::error::LogError;
use crate::log::record::Record;
use crate::log::record::event::Event;
use crate::types::Lsn;

/// Where recovery of a log begins that is being read forward.
#[derive(Default)]
pub(crate) struct Start {
    /// What the last checkpoint says.
    checkpoint: Option<Lsn>,
    /// What is wrong behind it.
    damage: Option<LogError>,
}

impl Start {
    /// The next record with what it means, or what is wrong in its place.
    pub(super) fn next(&mut self, record: &Result<Record<'_>, LogError>, event: Option<&Event<'_>>) {
        match (record, event) {
            (Ok(record), Some(Event::Checkpoint { lsn, .. })) => {
                *self = Start { checkpoint: Some(record.lsn().min(*lsn)), damage: None };
            }
            (Ok(_), _) => {}
            (Err(error), _) => self.damage = Some(error.clone()),
        }
    }

    /// Whether what stands before does not matter any more.
    fn is_known(&self) -> bool {
        self.checkpoint.is_some() || self.damage.is_some()
    }

    /// There are no more.
    pub(super) fn end(self) -> Result<Lsn, LogError> {
        self.damage.map_or(Ok(self.checkpoint.unwrap_or_default()), Err)
    }
}

impl LogDir {
    /// Where recovery of the log would begin. Reads its last file, and if that has no checkpoint,
    /// twice as many each time.
    ///
    /// # Errors
    ///
    /// Damage behind the last checkpoint.
    pub(crate) fn recovery_start(&self) -> Result<Lsn, LogError> {
        let files = self.log_files().len();
        let mut back = 1usize;
        loop {
            let first = self.log_files().nth(files.saturating_sub(back)).map_or(0, DirFile::number);
            let mut start = Start::default();
            for record in self.records().from(Lsn { file: first, offset: 0 }) {
                let event = record.as_ref().ok().map(Record::event);
                start.next(&record, event.as_ref());
            }
            if start.is_known() || back >= files {
                return start.end();
            }
            back = back.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::facts::Facts;
    use crate::shown::ShowName;

    /// The same, by the records from the last back to the first.
    fn backward(log: &LogDir) -> Result<Lsn, LogError> {
        for record in log.records_back() {
            let record = record?;
            if let Event::Checkpoint { lsn, .. } = record.event() {
                return Ok(lsn.min(record.lsn()));
            }
        }
        Ok(Lsn::default())
    }

    fn check(log: &LogDir) -> bool {
        let said = |found: Result<Lsn, LogError>| format!("{found:?}");
        let expected = said(backward(log));
        assert_eq!(said(log.recovery_start()), expected, "{}", log.path().shown());
        assert_eq!(said(Facts::of(log.records()).start), expected, "{}", log.path().shown());
        expected.starts_with("Ok")
    }

    #[test]
    fn recovery_begins_at_the_same_place_however_the_log_is_read() {
        let logs = std::fs::read_dir("testdata").unwrap();
        let logs = logs.filter_map(|folder| LogDir::open(folder.unwrap().path()).ok());
        assert!(logs.map(|log| usize::from(check(&log))).sum::<usize>() > 15);
    }

    #[test]
    fn so_it_is_in_damaged_logs() {
        let (mut known, mut unknown) = (0, 0);
        for folder in ["env-log8-be-mix", "env-log2-be-logs", "env-log3-le-logs"] {
            let folder = LogDir::open(format!("testdata/{folder}")).unwrap();
            let files: Vec<_> = folder.log_files().map(|file| file.path().to_owned()).collect();
            assert!(files.len() > 1, "several files");
            for damaged in &files {
                let size = std::fs::metadata(damaged).unwrap().len();
                for at in (0..8).map(|part| size / 8 * part) {
                    let copy = tempfile::tempdir().unwrap();
                    for file in &files {
                        std::fs::copy(file, copy.path().join(file.file_name().unwrap())).unwrap();
                    }
                    let path = copy.path().join(damaged.file_name().unwrap());
                    let mut bytes = std::fs::read(&path).unwrap();
                    bytes[usize::try_from(at).unwrap()] ^= 0x40;
                    std::fs::write(&path, &bytes).unwrap();
                    match check(&LogDir::open(copy.path()).unwrap()) {
                        true => known += 1,
                        false => unknown += 1,
                    }
                }
            }
        }
        assert!(known > 5 && unknown > 5, "{known} and {unknown}");
    }
}
