//! Findings about database files.

use super::super::databases::{Check, DatabaseContents, DatabaseFile};
use super::super::findings::{Code, Evidence, StoreFinding, StoreSeverity};
use super::super::listing::{Other, OtherForm};
use super::super::state::State;
use super::super::store::Survey;
use crate::mboxlist::classify::{Class, extent};
use crate::mboxlist::job::Job;
use crate::mboxlist::names::{from_bytes, listed};
use crate::mboxlist::releases::Release;
use crate::shown::{ShowName, counted};

/// What to do where the system refuses.
pub(super) const AS_OWNER: &str = "run as the owner of the store, or root";

/// Where the version stands in databases and logs.
pub(super) const VERSION: u64 = 16;

pub(super) fn databases(survey: &Survey, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    for file in &survey.databases {
        if file.name == "mailboxes.db" && !survey.product.is_foreign() {
            let text = "the name is that of a Cyrus store: this is not a Messaging Server store";
            found.push(StoreFinding::new(Code::OtherProduct, StoreSeverity::Warning, text).file(&file.name));
        }
        match &file.contents {
            Some(contents) => {
                sound(survey, file, contents, found);
                versions(file, target, found);
            }
            None => unreadable(survey, file, found),
        }
    }
    extents(survey, found);
    let has = |name: &str| survey.databases.iter().any(|file| file.name == name);
    if has("folder.db") && !has("lright.db") {
        let text = "lright.db is missing: 5.x has none, later releases make it anew";
        found.push(
            StoreFinding::new(Code::NoLright, StoreSeverity::Note, text).action("reconstruct -l makes it"),
        );
    }
}

/// The extents of QUEUE databases: they are data, although their names begin with `__db`.
fn extents(survey: &Survey, found: &mut Vec<StoreFinding>) {
    for file in survey.databases.iter().filter(|file| !file.extents.is_empty()) {
        let text = format!("its records are in files of their own: {}", listed(&file.extents));
        let finding = StoreFinding::new(Code::Unknown, StoreSeverity::Note, text).file(&file.name);
        found.push(finding.action("back up, copy and move them together; never remove them"));
    }
    for other in survey.others.iter().filter(|other| other.form == OtherForm::File) {
        let Some((database, _)) = extent(&other.name) else { continue };
        let database = from_bytes(database);
        let databases = survey.databases.iter().map(|file| &file.name);
        if databases.chain(survey.others.iter().map(|other| &other.name)).all(|name| *name != database) {
            let text = format!("the database is not here, but {} holds records of it", other.name.shown());
            let finding = StoreFinding::new(Code::Missing, StoreSeverity::Warning, text).file(database);
            found.push(finding.action("find the database, and keep them together"));
        }
    }
}

fn number(number: usize, what: &str) -> String {
    counted(u64::try_from(number).unwrap_or(u64::MAX), what)
}

fn sound(survey: &Survey, file: &DatabaseFile, contents: &DatabaseContents, found: &mut Vec<StoreFinding>) {
    let kind = file.kind.as_deref().unwrap_or_default();
    let (version, order) = (file.version.unwrap_or_default(), file.order.map(|order| order.to_string()));
    let text = format!(
        "{} {version}, {}, pages of {} bytes, {}",
        kind.to_uppercase(),
        order.unwrap_or_default(),
        contents.page_size,
        counted(contents.records, "record")
    );
    found.push(StoreFinding::new(Code::Database, StoreSeverity::Info, text).file(&file.name));
    if !file.is_known() && !survey.product.is_foreign() {
        let text = "no source names such a database of a store";
        found.push(StoreFinding::new(Code::Unknown, StoreSeverity::Note, text).file(&file.name));
    }
    let Check { errors, order_errors, first, .. } = &contents.check;
    let first = first.as_deref().unwrap_or_default();
    // Pages that were never written look like damage before recovery.
    let recovered = survey.decision.state != State::RecoveryNeeded;
    if *errors > 0 {
        let severity = if recovered { StoreSeverity::Error } else { StoreSeverity::Warning };
        let before = if recovered { "" } else { ", as may be before recovery" };
        let text = format!("{}{before}, first: {first}", number(*errors, "error"));
        let finding = StoreFinding::new(Code::Damaged, severity, text).file(&file.name);
        found.push(if recovered {
            let action = "restore it, or salvage it; reconstruct -m can rebuild it";
            finding.action(action).jobs(&[Job::Salvage])
        } else {
            finding.action("recover, then check again")
        });
    } else if *order_errors > 0 {
        let text = format!(
            "{} out of order: damage, or an order of its own; first: {first}",
            number(*order_errors, "time")
        );
        found.push(StoreFinding::new(Code::Damaged, StoreSeverity::Warning, text).file(&file.name));
    }
}

/// HASH and QUEUE databases of releases that no later one reads as they are.
fn others(file: &DatabaseFile, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    let (Some(kind), Some(version)) = (&file.kind, file.version) else { return };
    let text = format!("{} {version}: releases from 3.1 on do not open it", kind.to_uppercase());
    let severity = if target.is_some() { StoreSeverity::Error } else { StoreSeverity::Info };
    let finding = StoreFinding::new(Code::OldBtree, severity, text).file(&file.name);
    let job = Job::StoreUpgrade(target.map_or(9, Release::upgrades_to));
    let finding = finding.action("upgrade it before a newer release opens it").jobs(&[job]);
    found.push(finding.evidence(file.version_bytes().map(|bytes| Evidence { offset: VERSION, bytes })));
}

fn versions(file: &DatabaseFile, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    if file.is_old_hash_or_queue() {
        return others(file, target, found);
    }
    let Some(version) = file.version.filter(|_| matches!(file.kind.as_deref(), Some("btree" | "recno")))
    else {
        return;
    };
    let evidence = || file.version_bytes().map(|bytes| Evidence { offset: VERSION, bytes });
    let mut find = |code, severity, text: String, action: &str, jobs: &[Job]| {
        let finding = StoreFinding::new(code, severity, text).file(&file.name).action(action).jobs(jobs);
        found.push(finding.evidence(evidence()));
    };
    let Some(target) = target else {
        if version < 8 {
            let text = format!("BTREE {version}: 6.0 and later do not open it");
            find(
                Code::OldBtree,
                StoreSeverity::Info,
                text,
                "upgrade it before a newer release opens it",
                &[],
            );
        }
        return;
    };
    match target.opens(version) {
        Some(false) if version < 8 => {
            let text = format!("BTREE {version}: {} does not open it", target.id);
            let upgrade = "upgrade it, after recovery, or run ims_db_upgrade of the target";
            find(
                Code::OldBtree,
                StoreSeverity::Error,
                text,
                upgrade,
                &[Job::StoreUpgrade(target.upgrades_to())],
            );
        }
        Some(false) => {
            let text = format!("BTREE {version} is newer than what {} opens", target.id);
            let action = "restore a backup: there is no way back in place";
            find(Code::NewBtree, StoreSeverity::Error, text, action, &[]);
        }
        Some(true) if target.btree > Some(version) => {
            let text = format!("BTREE {version} is compatible with {}", target.id);
            find(Code::CompatibleBtree, StoreSeverity::Info, text, "leave it as it is", &[]);
        }
        _ => {}
    }
}

fn unreadable(survey: &Survey, file: &DatabaseFile, found: &mut Vec<StoreFinding>) {
    let error = file.error.clone().unwrap_or_default();
    if file.half_written {
        let text = "a change in place did not come to its end: half-written";
        let finding = StoreFinding::new(Code::Interrupted, StoreSeverity::Error, text).file(&file.name);
        let jobs = [Job::ResumeUpgrade, Job::RollBackUpgrade];
        found.push(finding.action("resume it, or roll it back, before anything else").jobs(&jobs));
        return;
    }
    let finding = match file.kind.as_deref() {
        _ if file.refused => {
            let text = format!("cannot be read: {error}");
            StoreFinding::new(Code::Unreadable, StoreSeverity::Warning, text).action(AS_OWNER)
        }
        Some("hash" | "queue" | "heap") => StoreFinding::new(Code::Unknown, StoreSeverity::Note, error),
        _ if file.encrypted => StoreFinding::new(Code::Unknown, StoreSeverity::Note, error),
        _ => {
            let late = survey.decision.state == State::RecoveryNeeded || file.size == 0;
            let finding = StoreFinding::new(Code::Unreadable, StoreSeverity::Warning, error);
            if late {
                finding.action("it may be of an interrupted creation; reconstruct -m can rebuild it")
            } else {
                finding.action("salvage it; reconstruct -m can rebuild it").jobs(&[Job::Salvage])
            }
        }
    };
    found.push(finding.file(&file.name));
}

/// Where a restore keeps its copies.
const RESTORE: &str = ".bdbkit-restore";

/// What earlier changes in place left behind.
pub(super) fn leftovers(survey: &Survey, found: &mut Vec<StoreFinding>) {
    let journal = |other: &Other| other.class == Class::Journal && other.form == OtherForm::File;
    for other in &survey.others {
        let name = other.name.as_encoded_bytes();
        let is =
            |prefix: &str| name.starts_with(prefix.as_bytes()) && matches!(other.form, OtherForm::Folder(_));
        let text = match other.class {
            Class::Journal if other.form == OtherForm::File => {
                "the journal of a change in place that did not come to its end"
            }
            Class::Set if other.form == OtherForm::File && survey.others.iter().any(journal) => {
                "several files were changed as one unit, which did not come to its end"
            }
            Class::Set if other.form == OtherForm::File => {
                let text = "several files were changed as one unit; only this record of it was not removed";
                let finding =
                    StoreFinding::new(Code::Interrupted, StoreSeverity::Note, text).file(&other.name);
                let action = "to resume the upgrade removes it, as any later run does";
                found.push(finding.action(action).jobs(&[Job::ResumeStoreUpgrade]));
                continue;
            }
            _ if is(".bdbkit-backup-") => "the backup of a store upgrade that did not come to its end",
            _ if is(RESTORE) => "the copies of a snapshot whose restore did not come to its end",
            _ => continue,
        };
        let finding = StoreFinding::new(Code::Interrupted, StoreSeverity::Error, text).file(&other.name);
        found.push(if is(RESTORE) {
            finding.action("resume it before anything else").jobs(&[Job::ResumeRestore])
        } else {
            let jobs = [Job::ResumeStoreUpgrade, Job::RollBackStoreUpgrade];
            finding.action("resume it or roll it back before anything else").jobs(&jobs)
        });
    }
}
