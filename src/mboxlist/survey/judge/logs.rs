//! Findings about logs, and about how the store was left.

use super::super::findings::{Code, Evidence, StoreFinding, StoreSeverity};
use super::super::logs::LogFacts;
use super::super::lost::Lost;
use super::super::state::{FIRST_RECORD, State};
use super::super::store::Survey;
use super::files::{AS_OWNER, VERSION};
use crate::dump::escape;
use crate::env::{Engine, Treatment};
use crate::mboxlist::job::Job;
use crate::mboxlist::names::listed;
use crate::mboxlist::releases::Release;
use crate::order::Endianness;
use crate::shown::counted;
use crate::types::Lsn;

/// More log files than these are unusual.
const USUAL: usize = 3;

const KEEP: &str = "keep them: pages bear the LSNs of these logs, and without them a new engine begins at log \
     file 1, refuses the databases or overwrites what they hold";

/// The range of some records.
fn range(first: Option<Lsn>, last: Option<Lsn>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!(", records {first} to {last}"),
        _ => String::new(),
    }
}

/// How the store was left.
pub(super) fn state(survey: &Survey, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    let decision = &survey.decision;
    match decision.state {
        State::RecoveryNeeded => {
            let by_old = "recover with the release that wrote the logs, before anything else";
            // Some newer engines would read these logs, but only the old one is sure to.
            let other_log =
                target.and_then(|target| target.log).filter(|&log| Some(log) != survey.newest_log());
            found.push(match (target, other_log) {
                (Some(target), Some(log)) => {
                    let text = format!(
                        "{}; {} writes logs of version {log} and may skip these WITHOUT A WORD: committed work would be LOST",
                        decision.reason, target.id
                    );
                    StoreFinding::new(Code::RecoverFirst, StoreSeverity::Critical, text).action(by_old)
                }
                (Some(target), None) if target.log.is_some() => {
                    let finding = StoreFinding::new(Code::Recover, StoreSeverity::Warning, &decision.reason);
                    finding.action("recover; the release does so itself at its start")
                }
                _ => StoreFinding::new(Code::Recover, StoreSeverity::Error, &decision.reason).action(by_old),
            });
        }
        State::Inconsistent => {
            let finding = StoreFinding::new(Code::Inconsistent, StoreSeverity::Error, &decision.reason);
            found.push(
                finding.action("keep everything and recover nothing in place: take a snapshot, or salvage"),
            );
        }
        State::Unknown => {
            // Recovery may be needed as well: then work would be lost without a word.
            let sure = |target: &Release| target.log.is_some() && target.log == survey.newest_log();
            let severity =
                if target.is_none_or(sure) { StoreSeverity::Warning } else { StoreSeverity::Critical };
            let finding = StoreFinding::new(Code::Undecided, severity, &decision.reason);
            found.push(finding.action("stop the server cleanly, or recover with the old release"));
        }
        State::Clean | State::CleanClosed | State::NoLog => {}
    }
    let end = decision.dry.as_ref().map(|dry| dry.end);
    let removed = match decision.state {
        _ if survey.logs_elsewhere().is_some() => None,
        State::NoLog => (decision.highest > FIRST_RECORD).then_some("there is no log"),
        _ => end.filter(|&end| decision.highest > end).map(|_| "the log ends before that"),
    };
    if let Some(what) = removed {
        let text = format!(
            "pages bear LSNs up to {}, but {what}: logs were removed, or are of another store",
            decision.highest
        );
        let finding = StoreFinding::new(Code::LogsRemoved, StoreSeverity::Error, text);
        found.push(finding.action("put the logs back, or reset the LSNs").jobs(&[Job::ResetLsns]));
    }
    for name in &decision.missing {
        let text = "the log says that it was open, but it is not here: removed, or this folder is a part";
        found.push(StoreFinding::new(Code::Missing, StoreSeverity::Note, text).file(name));
    }
}

/// The log files.
pub(super) fn files(survey: &Survey, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    history(survey, target.is_some(), found);
    found.extend(survey.lost.iter().map(lost));
    if let Some(target) = target {
        transition(survey, target, found);
    }
    for text in &survey.log_gaps {
        found.push(StoreFinding::new(Code::LogDamage, StoreSeverity::Warning, text));
    }
    for log in &survey.logs {
        if let Some(damage) = &log.damage {
            let find =
                |text| StoreFinding::new(Code::LogDamage, StoreSeverity::Warning, text).file(&log.name);
            found.push(match log.refused {
                true => find(format!("cannot be read: {damage}")).action(AS_OWNER),
                false => find(damage.clone()),
            });
        }
    }
    let other = |&version: &u32| Release::by_log(version).next().is_none() && !survey.product.is_foreign();
    if let Some(version) = survey.newest_log().filter(other) {
        let engines = Engine::writers(version);
        let engines = if engines.is_empty() { "no known engine".into() } else { engines.join(" or ") };
        let text = format!("no release of the table writes logs of version {version}: engine {engines}");
        found.push(StoreFinding::new(Code::OtherLog, StoreSeverity::Note, text));
    }
    if survey.logs.len() > USUAL && !survey.product.is_foreign() {
        let text = format!(
            "{} log files, where 2 or 3 are usual: checkpoints stopped, or logs were kept",
            survey.logs.len()
        );
        found.push(StoreFinding::new(Code::ManyLogs, StoreSeverity::Note, text));
    }
}

/// Logs of several versions: each was written while it was the running one.
fn history(survey: &Survey, targeted: bool, found: &mut Vec<StoreFinding>) {
    let Some(newest) = survey.newest_log() else { return };
    let older = |log: &&LogFacts| log.version.is_some_and(|version| version != newest);
    let mut versions: Vec<u32> = survey.logs.iter().filter_map(|log| log.version).collect();
    versions.dedup();
    if versions.len() < 2 {
        return;
    }
    let names: Vec<String> = versions.iter().map(ToString::to_string).collect();
    let text = format!("logs of versions {}: the history of the store", names.join(", "));
    found.push(StoreFinding::new(Code::SeveralLogs, StoreSeverity::Note, text).action(KEEP));
    // A target has its own opinion of them.
    let writer = Engine::by_log(newest, None).filter(|_| !targeted);
    for (log, engine) in survey.logs.iter().filter(older).filter_map(|log| Some((log, writer?))) {
        found.extend(skipped(log, engine, Code::SeveralLogs, StoreSeverity::Note));
    }
}

/// More keys than these are not named.
const NAMED: usize = 5;

/// Changes that the databases lack, in logs that are skipped.
fn lost(lost: &Lost) -> StoreFinding {
    let keys: Vec<String> = lost.keys.iter().take(NAMED).map(|key| escape(key)).collect();
    let more = if lost.keys.len() > NAMED { ", …" } else { "" };
    let looks = if lost.changes == 1 { "it looks" } else { "they look" };
    let text = format!(
        "{}: {} of logs of version {} ({} to {}) never got there, and newer engines skip these logs: {looks} LOST; {}: {}{more}",
        listed(&lost.files),
        counted(lost.changes, "committed change"),
        lost.version,
        lost.first,
        lost.last,
        counted(u64::try_from(lost.keys.len()).unwrap_or(u64::MAX), "key"),
        keys.join(", ")
    );
    let action = "keep all files; a list from the logs shows these changes; restore what was there before the release changed, and recover it with the old release";
    StoreFinding::new(Code::RecoverFirst, StoreSeverity::Critical, text)
        .action(action)
        .jobs(&[Job::ListFromLogs])
}

/// What an engine that does not read a log says of it.
fn skipped(log: &LogFacts, engine: &Engine, code: Code, severity: StoreSeverity) -> Option<StoreFinding> {
    let version = log.version.filter(|&version| version < engine.oldest_log)?;
    let says = match engine.treats(version, log.order.unwrap_or(Endianness::Little)) {
        Treatment::Skips { says: Some(message) } => format!("skips it with \"{message}\""),
        _ => "skips it without a word".into(),
    };
    let text = format!("log version {version}{}: engine {} {says}", range(log.first, log.last), engine.bdb);
    let evidence = log.version_bytes().map(|bytes| Evidence { offset: VERSION, bytes });
    Some(StoreFinding::new(code, severity, text).file(&log.name).evidence(evidence).action(KEEP))
}

/// What the target will do with the logs.
fn transition(survey: &Survey, target: &Release, found: &mut Vec<StoreFinding>) {
    let (Some(engine), Some(log)) = (target.engine(), target.log) else { return };
    for file in &survey.logs {
        match file.version {
            Some(version) if version > log => {
                let text = format!(
                    "log version {version} is newer than {} reads: its engine {} stops with \"unsupported log version {version}\"",
                    target.id, engine.bdb
                );
                let evidence = file.version_bytes().map(|bytes| Evidence { offset: VERSION, bytes });
                let finding = StoreFinding::new(Code::NewLog, StoreSeverity::Error, text).file(&file.name);
                found.push(
                    finding.evidence(evidence).action("there is no way back in place: restore a backup"),
                );
            }
            Some(version) if version < log => {
                let reads = skipped(file, engine, Code::LogsSkipped, StoreSeverity::Info);
                found.push(reads.unwrap_or_else(|| {
                    let text = format!(
                        "log version {version}: {} begins a new log file of version {log}",
                        target.id
                    );
                    StoreFinding::new(Code::LogsSkipped, StoreSeverity::Info, text)
                        .file(&file.name)
                        .action(KEEP)
                }));
            }
            _ => {}
        }
    }
}
