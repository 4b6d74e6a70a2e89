//! The steps of an upgrade (mboxlist, "Steps").

use std::ffi::OsString;

use super::{By, PlanStep, StepState, Task};
use crate::mboxlist::job::{Job, StepCommand};
use crate::mboxlist::names::listed;
use crate::mboxlist::releases::{Mailbox, Release};
use crate::mboxlist::survey::{
    Code, DatabaseFile, FIRST_RECORD, SnapshotVerdict, State, StoreFinding, StoreSeverity, Survey,
};
use crate::shown::{ShowName, counted};

/// Where mailboxes are not converted.
const MIGRATE: &str = "imsbackup on the old release, then imsrestore on the new one";

/// A store, where it comes from and where it goes.
pub(super) struct Way<'s> {
    pub(super) survey: &'s Survey,
    pub(super) source: &'s [&'static Release],
    pub(super) target: &'static Release,
}

pub(super) fn of(way: &Way<'_>) -> Vec<PlanStep> {
    let mut steps = way.unfinished();
    let general = [
        Some(way.stop()),
        Some(way.back_up()),
        Some(way.recover()),
        way.refused(),
        way.damaged(),
        way.databases(),
        way.hashes_and_queues(),
        way.logs(),
        way.lsns(),
        way.start(),
        way.mailboxes(),
        way.reconstruct(),
        Some(way.keep_backup()),
    ];
    steps.extend(general.into_iter().flatten());
    possible(steps)
}

/// The steps before one that changes all databases, and that one.
pub(super) fn before(way: &Way<'_>, step: PlanStep) -> Vec<PlanStep> {
    let mut steps = way.unfinished();
    let general = [Some(way.stop()), Some(way.back_up()), Some(way.recover()), way.refused(), way.damaged()];
    steps.extend(general.into_iter().flatten().chain([step]));
    possible(steps)
}

/// Behind what is not possible nothing is to be done.
fn possible(mut steps: Vec<PlanStep>) -> Vec<PlanStep> {
    let end = steps.iter().position(|step| step.state == Impossible);
    steps.truncate(end.map_or(steps.len(), |end| end.saturating_add(1)));
    steps
}

use By::{Bdbkit, Operator, Product};
use StepState::{Decide, Done, Impossible, Todo};

impl Way<'_> {
    /// A job in the folder of the databases.
    fn here(&self, job: Job) -> StepCommand {
        StepCommand::Own(job, vec![self.survey.dir.clone()])
    }

    /// Whether the target writes logs of another version.
    fn log_changes(&self) -> bool {
        self.target.log.is_none_or(|log| self.survey.newest_log().is_some_and(|newest| newest != log))
    }

    /// The same, or nobody knows: logs may be elsewhere, or not tell their version.
    fn log_may_change(&self) -> bool {
        match (self.survey.newest_log(), self.target.log) {
            (None, Some(log)) => {
                self.source.is_empty() || self.source.iter().any(|source| source.log != Some(log))
            }
            _ => self.log_changes(),
        }
    }

    fn comes_from(&self, id: &str) -> bool {
        self.source.iter().any(|source| source.id == id)
    }

    /// What earlier runs did not finish: by who knows how to go on.
    fn unfinished(&self) -> Vec<PlanStep> {
        let unfinished = |finding: &&StoreFinding| {
            finding.code == Code::Interrupted && finding.severity > StoreSeverity::Note
        };
        let found = self.survey.findings.iter().filter(unfinished);
        let of_restore = |found: &&StoreFinding| found.jobs.contains(&Job::ResumeRestore);
        let (restores, upgrades): (Vec<_>, Vec<_>) = found.partition(of_restore);
        let step = |found: &[&StoreFinding], title: &str, job: Job| {
            let found = found.first()?;
            let reason = format!("{}: {}", listed(&found.file), found.text);
            let step =
                PlanStep::new(Task::Finish, Bdbkit, Todo, title, reason).severity(StoreSeverity::Error);
            Some(step.command(self.here(job)))
        };
        let restore =
            step(&restores, "Finish the restore of a snapshot that was interrupted", Job::ResumeRestore);
        let upgrade = step(
            &upgrades,
            "Finish the upgrade that was interrupted, or take it back",
            Job::ResumeStoreUpgrade,
        );
        let upgrade = upgrade.map(|step| step.alternative(self.here(Job::RollBackStoreUpgrade)));
        restore.into_iter().chain(upgrade).collect()
    }

    fn stop(&self) -> PlanStep {
        let reason = if self.comes_from("6.2") {
            "nothing may use the store; in 6.2 the watcher stays until stored -r is done"
        } else {
            "nothing may use the store, neither the server nor its utilities"
        };
        PlanStep::new(Task::Stop, Operator, Todo, "Stop the server and every store utility", reason)
            .severity(StoreSeverity::Warning)
    }

    fn back_up(&self) -> PlanStep {
        let valid = self.survey.snapshots.iter().find(|snapshot| snapshot.verdict == SnapshotVerdict::Valid);
        let also = valid.map_or(String::new(), |snapshot| {
            format!("; the snapshot {} is valid, too", snapshot.name.shown())
        });
        let reason = format!("both are required, the logs as much as the databases{also}");
        PlanStep::new(Task::Backup, Operator, Todo, "Back up databases and log files", reason)
            .severity(StoreSeverity::Error)
    }

    /// Recovery by the engine that wrote the logs: another may leave them out.
    fn recover(&self) -> PlanStep {
        let decision = &self.survey.decision;
        let title = "Recover with the old release, before its libraries go";
        let old = self.source.first();
        let stored = old.filter(|old| old.stored_r == Some(true));
        let note = match old {
            _ if stored.is_some() => {
                "of the old release; if it fails read the store log, run stored alone, then stored -r again"
            }
            Some(old) if old.id == "6.0" => {
                "6.0 has no stored -r: start and stop it, then remove the region files __db.001 … here and in the lock folder, and the locks in folderlock, and nothing else"
            }
            Some(_) => "start and stop the old server cleanly, then survey again: clean or clean-closed",
            None => "the recovery of the old release",
        };
        let step = |state, reason: String| PlanStep::new(Task::Recover, Product, state, title, reason);
        let due = |severity, reason: String| {
            let step = step(Todo, reason).severity(severity).note(note);
            let own = self.here(Job::StoreRecover);
            // With its logs a store can be recovered without the old release.
            match (stored, self.survey.logs.is_empty()) {
                (Some(_), true) => step.command("stored -r"),
                (Some(_), false) => step.command("stored -r").alternative(own),
                (None, true) => step,
                (None, false) => {
                    let title = "Recover by the store's own log, before the old libraries go".to_owned();
                    let note = format!("or with the old release: {note}");
                    PlanStep { by: Bdbkit, title, ..step.command(own).note(note) }
                }
            }
        };
        match decision.state {
            State::Clean => step(Done, format!("{}; survey again if the store ran since", decision.reason)),
            State::NoLog => step(Done, format!("{}: nothing to recover from", decision.reason)),
            State::Inconsistent => step(Impossible, format!("{}: keep everything", decision.reason))
                .severity(StoreSeverity::Error)
                .note("restore a backup or snapshot, or salvage each database"),
            State::RecoveryNeeded if self.log_changes() => {
                let reason = format!(
                    "{}; an engine that writes other logs may skip these without a word, and committed work is lost",
                    decision.reason
                );
                due(StoreSeverity::Critical, reason)
            }
            State::Unknown if self.log_may_change() => {
                let reason = format!(
                    "{}; if recovery is needed, an engine that writes other logs may skip these without a word, and committed work is lost",
                    decision.reason
                );
                due(StoreSeverity::Critical, reason)
            }
            State::CleanClosed | State::RecoveryNeeded | State::Unknown => {
                due(StoreSeverity::Warning, decision.reason.clone())
            }
        }
    }

    /// Files that the system does not give: whether they are sound is not known.
    fn refused(&self) -> Option<PlanStep> {
        let databases = self.survey.databases.iter().filter(|file| file.refused).map(|file| &file.name);
        let logs = self.survey.logs.iter().filter(|log| log.refused).map(|log| &log.name);
        let names: Vec<&OsString> = databases.chain(logs).collect();
        if names.is_empty() {
            return None;
        }
        let reason = "these files cannot be read: run as the owner of the store, or root, and plan again";
        let title = format!("Make {} readable first", listed(names));
        Some(PlanStep::new(Task::Readable, Operator, Todo, title, reason).severity(StoreSeverity::Error))
    }

    /// Databases that are damaged: an upgrade does not make them whole.
    fn damaged(&self) -> Option<PlanStep> {
        let survey = self.survey;
        let damaged = |file: &&DatabaseFile| {
            let found = |finding: &StoreFinding| {
                matches!(finding.code, Code::Unreadable | Code::Damaged)
                    && finding.file.as_ref() == Some(&file.name)
            };
            let checked = file.contents.as_ref().is_none_or(|contents| contents.check.errors > 0);
            !file.refused && checked && survey.findings.iter().any(found)
        };
        let files: Vec<_> = survey.databases.iter().filter(damaged).collect();
        if files.is_empty() {
            return None;
        }
        let title = format!("Salvage or restore {} first", listed(files.iter().map(|file| &file.name)));
        let (state, reason) = match survey.decision.state {
            State::RecoveryNeeded => {
                (Decide, "damaged, as may be before recovery: check again behind that, before anything else")
            }
            _ => (Todo, "damaged: an upgrade refuses such files, or keeps what is wrong with them"),
        };
        let salvage = StepCommand::Own(Job::Salvage, files.iter().map(|file| file.path.clone()).collect());
        let step =
            PlanStep::new(Task::Salvage, Operator, state, title, reason).severity(StoreSeverity::Error);
        let note = "or restore a backup or snapshot; reconstruct -m can rebuild what is lost";
        Some(step.command(salvage).note(note))
    }

    /// HASH and QUEUE files that no later release opens, if no BTREE is to be upgraded: with one,
    /// they go with it.
    fn hashes_and_queues(&self) -> Option<PlanStep> {
        let files: Vec<_> = self.survey.databases.iter().filter(|file| file.is_old_hash_or_queue()).collect();
        if files.is_empty() || self.survey.btrees().any(|(_, version)| version < 8) {
            return None;
        }
        let newest = self.target.upgrades_to();
        let reason = format!(
            "{}: HASH or QUEUE of releases that no later one opens as they are",
            listed(files.iter().map(|file| &file.name))
        );
        let step = PlanStep::new(Task::Btree, Bdbkit, Todo, "Upgrade HASH and QUEUE databases", reason);
        let here = files.iter().all(|file| file.path.parent() == Some(&*self.survey.dir));
        Some(step.severity(StoreSeverity::Error).command(if here {
            self.here(Job::StoreUpgrade(newest))
        } else {
            StepCommand::Own(Job::Upgrade(newest), files.iter().map(|file| file.path.clone()).collect())
        }))
    }

    /// BTREE files: 6 and 7 are upgraded, 8 and 9 stay.
    fn databases(&self) -> Option<PlanStep> {
        let files: Vec<_> = self.survey.btrees().collect();
        let (lowest, highest) = (files.iter().map(|(_, v)| *v).min()?, files.iter().map(|(_, v)| *v).max()?);
        let names = |wanted: &dyn Fn(u32) -> bool| {
            listed(files.iter().filter(|(_, version)| wanted(*version)).map(|(file, _)| &file.name))
        };
        let title = "Databases";
        let known = self.target.components_known();
        let newest = self.target.upgrades_to();
        let stays = |version: u32| !known || self.target.opens(version) == Some(true);
        if known && highest > newest {
            let names = names(&|version| version > newest);
            let reason = format!(
                "{names}: BTREE {highest}, but {} opens up to {newest}: no way back in place",
                self.target.id
            );
            let step = PlanStep::new(
                Task::Btree,
                Bdbkit,
                Impossible,
                "Bring databases back to an older version",
                reason,
            );
            return Some(step.severity(StoreSeverity::Error));
        }
        if lowest < 8 && newest >= 8 {
            let names = names(&|version| version < 8);
            let reason = format!(
                "{names}: BTREE {lowest} is to become {newest}; no release from 6.0 on opens it as it is"
            );
            let step = PlanStep::new(
                Task::Btree,
                Bdbkit,
                if known { Todo } else { Decide },
                format!("Upgrade databases from BTREE {lowest} to {newest}"),
                reason,
            );
            let step = step.severity(StoreSeverity::Error).note("or ims_db_upgrade of the target");
            let due = files.iter().filter(|(_, version)| *version < 8).map(|(file, _)| *file);
            let others = self.survey.databases.iter().filter(|file| file.is_old_hash_or_queue());
            let due = due.chain(others);
            let here = due.clone().all(|file| file.path.parent() == Some(&*self.survey.dir));
            return Some(step.command(if here {
                self.here(Job::StoreUpgrade(newest))
            } else {
                StepCommand::Own(Job::Upgrade(newest), due.map(|file| file.path.clone()).collect())
            }));
        }
        let reason = match (lowest, highest) {
            _ if !stays(lowest) => return None,
            (8, _) | (_, 8) if known => {
                "BTREE 8 and 9 are compatible: leave the files as they are".to_owned()
            }
            _ => format!("BTREE {lowest} stays as it is"),
        };
        Some(PlanStep::new(Task::Btree, Bdbkit, Done, title.to_owned() + " need no upgrade", reason))
    }

    /// Logs are neither upgraded nor removed.
    fn logs(&self) -> Option<PlanStep> {
        let logs = &self.survey.logs;
        let Some(newest) = self.survey.newest_log() else {
            let reason = format!("{}; pages bear their LSNs", self.survey.logs_elsewhere()?);
            let step = PlanStep::new(
                Task::Logs,
                Operator,
                Todo,
                "Keep the log files that are elsewhere, never remove them",
                reason,
            );
            return Some(step.severity(StoreSeverity::Error));
        };
        let (count, log) = (logs.len(), self.target.log);
        if log.is_some_and(|log| logs.iter().any(|file| file.version > Some(log))) {
            let reason = format!(
                "log version {newest}, but {} writes {}: its engine stops at these",
                self.target.id, log?
            );
            let step = PlanStep::new(Task::Logs, Operator, Impossible, "Use logs of a newer release", reason);
            return Some(step.severity(StoreSeverity::Error));
        }
        let fate = match (log, self.target.engine()) {
            (Some(log), Some(engine)) => {
                let skipped: Vec<_> = logs
                    .iter()
                    .filter(|file| file.version.is_some_and(|version| !engine.reads_log(version)))
                    .collect();
                match (skipped.as_slice(), engine.skips) {
                    ([first, .., last], Some(says)) => {
                        format!(
                            "engine {} skips {} to {} with \"{says}\", as expected",
                            engine.bdb,
                            first.name.shown(),
                            last.name.shown()
                        )
                    }
                    ([only], Some(says)) => {
                        format!(
                            "engine {} skips {} with \"{says}\", as expected",
                            engine.bdb,
                            only.name.shown()
                        )
                    }
                    ([_, ..], None) => format!("engine {} skips them without a word", engine.bdb),
                    ([], _) if newest != log => {
                        format!("{} begins a new log file of version {log}", self.target.id)
                    }
                    ([], _) => format!("the version stays {log}"),
                }
            }
            _ => "what the target does with them is not known".into(),
        };
        let reason = format!(
            "log files cannot be upgraded; {fate}; pages bear their LSNs, and a new engine must see where they ended"
        );
        let title = format!(
            "Keep {}, never remove {}",
            counted(u64::try_from(count).unwrap_or(u64::MAX), "log file"),
            if count == 1 { "it" } else { "them" }
        );
        let step = PlanStep::new(Task::Logs, Operator, Todo, title, reason);
        Some(step.severity(StoreSeverity::Error))
    }

    /// LSNs point into the logs: without these they must go.
    fn lsns(&self) -> Option<PlanStep> {
        let highest = self.survey.decision.highest;
        let files = self.survey.databases.iter().any(|file| file.contents.is_some());
        if !files || self.survey.logs_elsewhere().is_some() {
            return None;
        }
        let title = "LSNs of pages";
        if self.survey.decision.state == State::NoLog && highest > FIRST_RECORD {
            let reason = format!(
                "there is no log, but pages bear LSNs up to {highest}: engines from 4.4 on refuse such files"
            );
            let step = PlanStep::new(Task::Lsn, Bdbkit, Todo, "Reset the ".to_owned() + title, reason);
            let opened = self.survey.databases.iter().filter(|file| file.contents.is_some());
            let reset = StepCommand::Own(Job::ResetLsns, opened.map(|file| file.path.clone()).collect());
            // An upgrade resets what it upgrades, and nothing else.
            let due = |version: u32| version < 8 && self.target.opens(version) == Some(false);
            let (mut upgraded, mut others) = (0_usize, 0_usize);
            for (_, version) in self.survey.btrees() {
                let count = if due(version) { &mut upgraded } else { &mut others };
                *count = count.saturating_add(1);
            }
            let itself = match (upgraded, others) {
                (0, _) => None,
                (_, 0) => Some("the upgrade does it by itself"),
                _ => Some("the upgrade does it by itself for those that it upgrades"),
            };
            let step = step.severity(StoreSeverity::Error).command(reset);
            return Some(itself.into_iter().fold(step, PlanStep::note));
        }
        let reason = "nothing to do where the logs stay beside the databases; if these move to another folder without them, their LSNs are to be reset";
        Some(PlanStep::new(Task::Lsn, Bdbkit, Done, title.to_owned() + " stay", reason))
    }

    fn start(&self) -> Option<PlanStep> {
        if self.source == [self.target] {
            return None;
        }
        let says = self.target.engine().and_then(|engine| engine.skips).filter(|_| self.log_changes());
        let expect =
            says.map_or(String::new(), |says| format!("; \"{says} …\" in its log is expected, once"));
        let reason = format!(
            "stored recovers and begins a log{expect}; \"Program version … doesn't match environment version\" means that the recovery was left out"
        );
        let step = PlanStep::new(
            Task::Start,
            Operator,
            Todo,
            format!("Install and start {}", self.target.id),
            reason,
        );
        Some(step)
    }

    /// Mailboxes are not in these files: by what was stated, or by the releases.
    fn mailboxes(&self) -> Option<PlanStep> {
        let wanted = self.target.mailbox?;
        let mut from: Vec<Mailbox> = match self.survey.mailbox {
            Some(stated) => vec![stated],
            None => self.source.iter().filter_map(|source| source.mailbox).collect(),
        };
        from.sort();
        from.dedup();
        let (lowest, highest) = (*from.first()?, *from.last()?);
        let names: Vec<&str> = from.iter().map(|mailbox| mailbox.name()).collect();
        let (names, to) = (names.join(" or "), wanted.name());
        let title = format!("Mailboxes from {names} to {to}");
        if highest > wanted {
            let (state, reason) = match lowest > wanted {
                true => (Impossible, "mailboxes are never converted back"),
                false => (Decide, "mailboxes are never converted back: ask imcheck -m for their version"),
            };
            let step =
                PlanStep::new(Task::Mailboxes, Product, state, title, reason).severity(StoreSeverity::Error);
            return Some(step.note(MIGRATE));
        }
        if (lowest, wanted) == (Mailbox::V1_1, Mailbox::V1_3) {
            let state = if highest == lowest { Todo } else { Decide };
            let reason = "1_1 does not become 1_3: migrate, or go through a release with 1_2 and convert all mailboxes there with imcheck";
            let step =
                PlanStep::new(Task::Mailboxes, Product, state, title, reason).severity(StoreSeverity::Error);
            return Some(step.note(MIGRATE));
        }
        if highest == wanted && lowest == wanted {
            return Some(PlanStep::new(
                Task::Mailboxes,
                Product,
                Done,
                format!("Mailboxes stay {to}"),
                "the version is the same",
            ));
        }
        let reason =
            "each is converted when it is selected or delivered to; the command converts all at once";
        let step =
            PlanStep::new(Task::Mailboxes, Product, Todo, title, reason).command("imcheck > /dev/null");
        Some(step)
    }

    fn reconstruct(&self) -> Option<PlanStep> {
        let lacks = self.survey.findings.iter().any(|finding| finding.code == Code::NoLright);
        let from_6 = Release::find("6.0").is_some_and(|first| self.target >= first);
        if !(lacks && from_6) {
            return None;
        }
        let reason = "lright.db is missing; it is made from folder.db";
        let step = PlanStep::new(Task::Reconstruct, Product, Todo, "Make the index of rights", reason)
            .command("reconstruct -m && reconstruct -l");
        Some(step)
    }

    fn keep_backup(&self) -> PlanStep {
        let reason =
            "until the new release has a snapshot with .snaptime and .verified, only the backup leads back";
        PlanStep::new(
            Task::KeepBackup,
            Operator,
            Todo,
            "Keep the backup until there is a valid snapshot",
            reason,
        )
    }
}
