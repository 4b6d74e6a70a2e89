//! Doing it: plan, journal, validation, and what an earlier run left behind (upgrade,
//! "Our procedure" and "Crash-safe protocol").

use std::path::{Path, PathBuf};

use super::backups::Backups;
use super::builder::Edit;
use super::error::{EditError, Refusal, Result, at};
use super::extents::{self, Held};
use super::journals::Journals;
use super::leftovers::Wish;
use super::logs::Logs;
use super::names::Names;
use super::notice::Notice;
use super::open::{open, opening};
use super::operation::{Operation, Prepared};
use super::plan::Plan;
use super::progress::{Step, Watch};
use super::report::{FileReport, Report, Settled};
use super::validation::{self, Validation};
use crate::access::Database;
use crate::journal::{self, Disk, DiskFile, Facts, Identity, JournalError, Options, Outcome};

/// A plan that changes more than so many bytes of pages is not carried out in memory to see what
/// comes of it.
const CHECKED_IN_MEMORY: u64 = 32 << 20;

/// What is known of the files of a run by now.
struct Known<'a> {
    validation: Validation,
    names: Names<'a>,
    logs: Logs<'a>,
}

/// The new form of a file that is in memory, and what is worth knowing about it.
pub(crate) fn in_memory(operation: &impl Operation, file: &[u8]) -> Result<(Vec<u8>, Vec<Notice>)> {
    let mut names = Names::new(operation.databases());
    if operation.ready(file)?.is_some() {
        names.look_at(Database::from_bytes(file));
        names.all_found()?;
        return Ok((file.to_vec(), Vec::new()));
    }
    let db = open(operation, file, &[], opening())?;
    names.look(&db);
    names.all_found()?;
    let watch = Watch::default();
    let counter = watch.step(Path::new(""), Step::Check);
    let prepared = within_bounds(operation, operation.prepare(&db, None, counter)?)?;
    let facts = facts(operation, false, &db, &prepared);
    validation::plan(&prepared.draft, &facts, u64::MAX, counter, opening())?;
    Ok((prepared.draft.file(), prepared.notices))
}

impl<'d, D: Disk, O: Operation> Edit<'d, D, O> {
    /// What would be done to each file. Writes nothing, and takes no lock.
    ///
    /// The result is validated as [`run`](Self::run) does it, with the pages that change in
    /// memory: if these are more than 32 MiB, it is not.
    ///
    /// # Errors
    ///
    /// Why a file would be refused, or that the result would be wrong.
    pub fn plan(&self) -> Result<Vec<Plan>> {
        let (mut names, mut logs) = (Names::new(self.operation.databases()), Logs::new(&self.surroundings));
        let mut plans = Vec::new();
        for path in &self.paths {
            plans.extend(self.plan_one(path, &mut names, &mut logs).map_err(|error| error.about(path))?);
        }
        names.all_found()?;
        if let Some(first) = plans.iter_mut().find(|plan| plan.changes().len() > 0) {
            first.notices.extend(self.unseen());
        }
        Ok(plans)
    }

    /// That not all processes can be looked at which may have a file open: said once for all
    /// files.
    fn unseen(&self) -> Option<Notice> {
        let processes = if self.surroundings.assume_closed { 0 } else { self.disk.unseen() };
        (processes > 0).then_some(Notice::Unseen { processes })
    }

    /// Changes the files: all of them or none.
    ///
    /// # Errors
    ///
    /// Why a file is refused: then none was touched. [`EditError::Journal`] says in which
    /// state a failure left the files: as they were, unless the disk failed again.
    pub fn run(&self) -> Result<Report> {
        if self.operation.keeps_old() && (self.backup.is_none() || !self.keep_backup) {
            return Err(Refusal::NotKept.into());
        }
        let (places, files) = self.lock()?;
        let Settled { files: leftovers, others, .. } = self.settle(&places, &files, Wish::Implied)?;
        let own =
            self.paths.iter().zip(&leftovers).filter_map(|(path, of)| Some((path.clone(), of.clone()?)));
        let settled: Vec<_> = own.chain(others.iter().cloned()).collect();
        let done = self.hold_all(&places, &files);
        let done = done.and_then(|extents| self.run_after(&places, &files, &extents, leftovers));
        let report = done.map_err(|error| match settled.is_empty() {
            true => error,
            false => EditError::Afterwards { settled, cause: Box::new(error) },
        })?;
        Ok(Report { others, ..report })
    }

    /// Locks the extents of all files.
    fn hold_all(&self, places: &[PathBuf], files: &[D::File]) -> Result<Vec<Vec<Held<D::File>>>> {
        let all = self.paths.iter().zip(places).zip(files);
        all.map(|((path, place), file)| self.hold_extents(place, file).map_err(|error| error.about(path)))
            .collect()
    }

    /// The run, once it is known that no earlier one left anything behind.
    fn run_after(
        &self,
        places: &[PathBuf],
        files: &[D::File],
        extents: &[Vec<Held<D::File>>],
        leftovers: Vec<Option<Outcome>>,
    ) -> Result<Report> {
        let others = !self.without.is_empty();
        let several = places.len() > 1 || others || extents.iter().any(|extents| !extents.is_empty());
        let mut journals = Journals::new(self.disk, places, several)?;
        let mut reports = Vec::new();
        let mut backups = Backups::new(self.disk, self.backup.as_deref());
        let mut known = Known {
            validation: Validation::new(self.options),
            names: Names::new(self.operation.databases()),
            logs: Logs::new(&self.surroundings),
        };
        let mut written = Ok(());
        for (((path, file), extents), leftover) in self.paths.iter().zip(files).zip(extents).zip(leftovers) {
            match self.write(path, (file, extents), &mut journals, &mut backups, &mut known) {
                Ok(mut all) => {
                    all.iter_mut().take(1).for_each(|main| main.leftover.clone_from(&leftover));
                    reports.extend(all);
                }
                Err(error) => {
                    written = Err(error.about(path));
                    break;
                }
            }
        }
        let written = written.and_then(|()| self.take_away(&mut journals, &mut backups));
        if let Err(error) = written.and_then(|()| known.names.all_found()) {
            // Why a file is refused matters more than what could not be removed.
            let _ = journals.discard().and_then(|()| backups.undo());
            return Err(error);
        }
        if let Some(first) = reports.iter_mut().find(|report| report.changed()) {
            first.notices.extend(self.unseen());
        }
        let done = journals.run(&known.validation, &self.watch);
        if done.is_ok() && !self.keep_backup {
            backups.remove()?;
        }
        done?;
        Ok(Report { files: reports, others: Vec::new() })
    }

    /// Lets the files go that are to, of which there is a copy before.
    fn take_away(&self, journals: &mut Journals<'_, D>, backups: &mut Backups<'_, D>) -> Result<()> {
        for path in &self.without {
            let file = self.disk.open_plain(path).map_err(at(path))?;
            backups.copy(&file, path)?;
            journals.remove(path)?;
        }
        Ok(())
    }

    /// The plan of a file, and those of its extents that change.
    fn plan_one(&self, path: &Path, names: &mut Names<'_>, logs: &mut Logs<'_>) -> Result<Vec<Plan>> {
        let contents = self.disk.read(path).map_err(at(path))?;
        if let Some(ready) = self.operation.ready(&contents)? {
            names.look_at(Database::from_bytes(&contents[..]));
            let mut plan = Plan::nothing(path, ready);
            plan.notices = self.unfinished(path)?;
            return Ok(vec![plan]);
        }
        let extents = self.look_at_extents(path, &contents)?;
        let db = open(&self.operation, &contents, &extents, self.options)?;
        names.look(&db);
        let prepared = self.prepare(&db, path, None, logs)?;
        let counter = self.watch.step(path, Step::Validate);
        let of_main = self.facts(&db, &prepared);
        validation::plan(&prepared.draft, &of_main, CHECKED_IN_MEMORY, counter, self.options)?;
        let mut plan = Plan::new(path, &prepared);
        plan.notices.extend(self.unfinished(path)?);
        let mut plans = vec![plan];
        for extent in &extents {
            let pages = self.pages_of_extent(&db, extent);
            let draft = self.draft_of_extent(&db, extent, &pages);
            if draft.is_empty() {
                continue;
            }
            let facts = extents::facts(&of_main, extent, self.options);
            validation::plan(&draft, &facts, CHECKED_IN_MEMORY, counter, self.options)?;
            plans.push(Plan::new(extent.path(), &extents::told(&prepared, draft, &facts)));
        }
        Ok(plans)
    }

    /// That an earlier run left a journal, which the next one deals with first.
    fn unfinished(&self, path: &Path) -> Result<Vec<Notice>> {
        let place = self.disk.resolve(path).map_err(at(path))?;
        let name = journal::name(&place);
        if !self.disk.exists(&name).map_err(at(path))? {
            return Ok(Vec::new());
        }
        match journal::is_journal(self.disk, &name) {
            Ok(true) => Ok(vec![Notice::Unfinished]),
            Ok(false) => Err(JournalError::NotOurs { path: name, what: "a journal" }.into()),
            Err(error) => Err(at(&name)(error).into()),
        }
    }

    /// Plans one file, copies it if asked, and writes its journal; and the same of its extents
    /// that change.
    fn write<'f>(
        &self,
        path: &Path,
        (file, held): (&'f D::File, &'f [Held<D::File>]),
        journals: &mut Journals<'f, D>,
        backups: &mut Backups<'_, D>,
        known: &mut Known<'_>,
    ) -> Result<Vec<FileReport>>
    where
        'd: 'f,
    {
        let contents = file.contents().map_err(at(path))?;
        if let Some(ready) = self.operation.ready(&contents)? {
            known.names.look_at(Database::from_bytes(&contents[..]));
            return Ok(vec![FileReport::nothing(path, ready)]);
        }
        let place = self.disk.resolve(path).map_err(at(path))?;
        let extents = extents::contents(&place, held)?;
        let db = open(&self.operation, &contents, &extents, self.options)?;
        known.names.look(&db);
        let prepared = self.prepare(&db, path, file.identity().ok(), &mut known.logs)?;
        let (mut backup, facts) = (None, self.facts(&db, &prepared));
        if !prepared.draft.is_empty() {
            backup = backups.copy(file, path)?.filter(|_| self.keep_backup);
            let counter = self.watch.step(path, Step::Journal);
            journals.write(file, path, &facts, &prepared.draft, counter)?;
            if prepared.draft.is_head_only() && facts.operation != journal::Operation::Repair {
                known.validation.only_head(place, db.meta().clone());
            }
        }
        let mut reports = vec![FileReport::new(path, &prepared, backup)];
        for (extent, held) in extents.iter().zip(held) {
            let pages = self.pages_of_extent(&db, extent);
            let draft = self.draft_of_extent(&db, extent, &pages);
            if draft.is_empty() {
                continue;
            }
            let backup = backups.copy(&held.file, &held.path)?.filter(|_| self.keep_backup);
            let facts = extents::facts(&facts, extent, self.options);
            let counter = self.watch.step(&held.path, Step::Journal);
            journals.write(&held.file, &held.path, &facts, &draft, counter)?;
            reports.push(FileReport::new(&held.path, &extents::told(&prepared, draft, &facts), backup));
        }
        Ok(reports)
    }

    /// What becomes of a file, if its logs allow it.
    pub(super) fn prepare<'p>(
        &self,
        db: &'p Database<'_>,
        path: &Path,
        identity: Option<Identity>,
        logs: &mut Logs<'_>,
    ) -> Result<Prepared<'p>> {
        // The log lies beside the file, not beside a link to it.
        let place = self.disk.resolve(path).unwrap_or_else(|_| path.to_owned());
        let logs = logs.check(db, &place);
        let counter = self.watch.step(path, Step::Check);
        let prepared = self.operation.prepare(db, identity, counter);
        match (logs, prepared) {
            // Nothing is written: whatever the logs say may come later.
            (_, Ok(prepared)) if prepared.draft.is_empty() => Ok(prepared),
            // A file that was not recovered may look damaged: recovery is what it needs.
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            (Ok(notice), Ok(mut prepared)) => {
                prepared.notices.extend(notice);
                within_bounds(&self.operation, prepared)
            }
        }
    }

    pub(super) fn facts(&self, db: &Database<'_>, prepared: &Prepared<'_>) -> Facts {
        facts(&self.operation, self.surroundings.ignore_logs, db, prepared)
    }
}

/// Refuses a draft that changes what the operation has no business with.
fn within_bounds<'p>(operation: &impl Operation, prepared: Prepared<'p>) -> Result<Prepared<'p>> {
    if prepared.draft.goes_beyond(operation.may_change()) {
        return Err(EditError::Validation { what: "pages change for which there is no reason".to_owned() });
    }
    Ok(prepared)
}

fn facts(
    operation: &impl Operation,
    logs_ignored: bool,
    db: &Database<'_>,
    prepared: &Prepared<'_>,
) -> Facts {
    let version = |version: u32| u8::try_from(version).unwrap_or(u8::MAX);
    Facts {
        operation: operation.name(),
        source_order: db.meta().endianness(),
        target_order: prepared.order,
        source_version: version(prepared.from),
        target_version: version(prepared.to),
        page_size: db.meta().page_size(),
        options: Options { logs_ignored, ..prepared.options },
        new_uid: prepared.id,
        promise: prepared.promise,
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::super::progress::Counter;
    use super::super::reason::Reason;
    use super::*;
    use crate::journal::Promise;
    use crate::pages::{File, OpenOptions};
    use crate::types::{Lsn, PageNo};

    /// Says that it changes ids, and resets LSNs.
    #[derive(Debug)]
    struct Sneaky(&'static [Reason]);

    impl Operation for Sneaky {
        fn name(&self) -> journal::Operation {
            journal::Operation::ResetFileId
        }

        fn may_change(&self) -> &'static [Reason] {
            self.0
        }

        fn prepare<'p>(
            &self,
            file: &'p Database<'_>,
            _: Option<Identity>,
            _: Counter<'_>,
        ) -> Result<Prepared<'p>> {
            let mut draft = Draft::new(file.pages());
            draft.reset_lsn(Lsn { file: 7, offset: 7 });
            let order = file.meta().endianness();
            let (from, to, id) = (file.meta().version(), file.meta().version(), file.meta().file_id());
            let promise = Promise::SoundOnly;
            let options = Options::default();
            Ok(Prepared { draft, promise, notices: Vec::new(), options, order, from, to, id })
        }
    }

    #[test]
    fn an_operation_changes_what_it_may_and_nothing_else() {
        let file = std::fs::read("testdata/btree-v9-le-levels/data.db").unwrap();
        let (new, _) = in_memory(&Sneaky(&[Reason::Lsn]), &file).unwrap();
        assert!(new != file);
        for others in [&[Reason::FileId, Reason::Metadata][..], &[]] {
            let error = in_memory(&Sneaky(others), &file).unwrap_err();
            assert!(matches!(error, EditError::Validation { .. }), "{error}");
        }
    }
    #[test]
    fn a_plan_is_checked_with_nothing_in_memory_but_what_changes() {
        let file = std::fs::read("testdata/btree-v9-le-levels/data.db").unwrap();
        let db = Database::from_bytes(&file[..]).unwrap();
        let watch = Watch::default();
        let counter = watch.step(Path::new(""), Step::Check);
        let operation = Sneaky(&[Reason::Lsn]);
        let check = |bytes: &[(u32, usize, u8)], most: u64| {
            let mut prepared = operation.prepare(&db, None, counter).unwrap();
            prepared.draft = Draft::new(db.pages());
            for &(no, offset, byte) in bytes {
                prepared.draft.replace(PageNo(no), offset, &[byte], Reason::Lsn);
            }
            assert_eq!(
                File::over(&prepared.draft.over(), OpenOptions::new()).bytes().unwrap(),
                prepared.draft.file()
            );
            validation::plan(
                &prepared.draft,
                &facts(&operation, false, &db, &prepared),
                most,
                counter,
                opening(),
            )
        };
        let page = u64::from(db.pages().size().get());
        assert!(u64::try_from(file.len()).unwrap() > 4 * page);
        let harmless = [(1, 0, 7), (2, 0, 7)];
        let spoiled = [(1, 0, 7), (2, 25, 99)];
        assert!(check(&harmless, 2 * page).is_ok());
        assert!(matches!(check(&spoiled, 2 * page), Err(EditError::Validation { .. })));
        assert!(check(&spoiled, 2 * page - 1).is_ok(), "more than may be in memory is not checked");
    }
}
