//! Findings about region files, snapshots, and what else stands in a store.

use super::super::findings::{Code, StoreFinding, StoreSeverity};
use super::super::listing::{OtherForm, families};
use super::super::marks::SnapshotVerdict;
use super::super::state::State;
use super::super::store::{Snapshot, Survey};
use super::files;
use crate::env::Regions;
use crate::mboxlist::classify::Class;
use crate::mboxlist::names::listed;

pub(super) fn regions(survey: &Survey, found: &mut Vec<StoreFinding>) {
    if !survey.regions.is_empty() {
        let names = listed(survey.regions.iter().map(|region| &region.name));
        found.extend(match survey.decision.state {
            State::CleanClosed => {
                let finding = StoreFinding::new(
                    Code::Regions,
                    StoreSeverity::Warning,
                    format!("region files: {names}"),
                );
                Some(finding.action("stop the server and run stored -r, which removes them"))
            }
            State::Clean => None,
            _ => {
                let text = format!("region files: {names}: the store may be RUNNING");
                let finding = StoreFinding::new(Code::Live, StoreSeverity::Error, text);
                Some(finding.action("stop the server; work on a copy until it is sure that nothing runs"))
            }
        });
    }
    let logs = survey.newest_log();
    let other = families(&survey.regions).into_iter().find(|family| match family {
        Regions::Share => logs > Some(2),
        Regions::Numbered => logs == Some(2),
    });
    if let (Some(family), Some(version)) = (other, logs) {
        let text = format!(
            "region files of engine {}, but the newest log is of version {version}: the libraries were changed before stored -r",
            family.family()
        );
        let finding = StoreFinding::new(Code::OtherRegions, StoreSeverity::Warning, text);
        found.push(finding.action("recover with the release that wrote the log"));
    }
    if !survey.places_given && !survey.product.is_foreign() {
        let text = "store.dbtmpdir, the lock or the session folder were not given: region files there were not looked for";
        found.push(StoreFinding::new(Code::Places, StoreSeverity::Note, text));
    }
}

pub(super) fn others(survey: &Survey, found: &mut Vec<StoreFinding>) {
    files::leftovers(survey, found);
    parts(survey, found);
    for other in &survey.others {
        let find = |code, severity, text: &str| StoreFinding::new(code, severity, text).file(&other.name);
        match (other.form, other.class) {
            (OtherForm::Special, _) => {
                let text = "a symbolic link or special file: not opened, so the survey is incomplete";
                found.push(find(Code::Elsewhere, StoreSeverity::Warning, text));
            }
            (OtherForm::File, Class::EngineData) => {
                let text = "data that a transaction was removing or renaming";
                let action = "do not delete it, although its name begins with __db: recover";
                found.push(find(Code::EngineData, StoreSeverity::Warning, text).action(action));
            }
            (OtherForm::File, Class::EarlyLog) => {
                let text = "a log file by its first naming scheme, which is not read";
                found.push(find(Code::Elsewhere, StoreSeverity::Note, text).action("keep it"));
            }
            (OtherForm::Folder(1..), _) if other.name == "folderlock" => {
                let text = "locks of folders are there";
                let action = "6.0 only: its manual procedure empties this folder once the server is stopped";
                found.push(find(Code::FolderLocks, StoreSeverity::Note, text).action(action));
            }
            _ => {}
        }
    }
}

/// Parts of the environment that are elsewhere, and were not read.
fn parts(survey: &Survey, found: &mut Vec<StoreFinding>) {
    let unread = survey.elsewhere.unread.iter();
    for why in unread.chain(&survey.elsewhere.folders) {
        let text = format!("{why}: the survey is incomplete");
        found.push(StoreFinding::new(Code::Elsewhere, StoreSeverity::Warning, text));
    }
}

pub(super) fn snapshots(survey: &Survey, found: &mut Vec<StoreFinding>) {
    for snapshot in &survey.snapshots {
        let find =
            |code, severity, text: String| StoreFinding::new(code, severity, text).file(&snapshot.name);
        if snapshot.rescue {
            let text = "a rescue copy: the product judged the databases bad, and set them aside".into();
            found.push(find(Code::Rescue, StoreSeverity::Note, text));
        }
        let reason = snapshot.reason();
        match snapshot.verdict {
            SnapshotVerdict::Valid => {}
            SnapshotVerdict::Contradiction => {
                found.push(
                    find(Code::Contradiction, StoreSeverity::Warning, reason).action("do not rely on it"),
                );
            }
            SnapshotVerdict::AfterRecovery | SnapshotVerdict::Invalid if snapshot.rescue => {}
            SnapshotVerdict::AfterRecovery | SnapshotVerdict::Invalid => {
                found.push(find(Code::Unmarked, StoreSeverity::Note, format!("not valid: {reason}")));
            }
        }
    }
    let valid = survey.snapshots.iter().filter(|snapshot| snapshot.verdict == SnapshotVerdict::Valid);
    let serves = |snapshot: &Snapshot| survey.upgraded.is_none_or(|upgrade| snapshot.serves(upgrade));
    if valid.clone().next().is_none() {
        let finding =
            StoreFinding::new(Code::NoSnapshot, StoreSeverity::Warning, "no valid snapshot was found");
        found.push(finding.action("back up databases and logs, both, before anything else"));
    } else if !valid.clone().any(serves) {
        let text = "no valid snapshot is older than the upgrade: none leads back behind it";
        let finding = StoreFinding::new(Code::TooYoung, StoreSeverity::Warning, text);
        found.push(finding.action("restore a backup of databases and logs"));
    }
}
