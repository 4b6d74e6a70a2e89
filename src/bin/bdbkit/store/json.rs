//! Surveys, plans and snapshots for programs: one object each. Keys are fixed; what is not known
//! is null.
//!
//! In all of them `schema` is 1; an LSN is `{"file", "offset"}`; names and paths are written as
//! everywhere (what is not UTF-8 or moves a cursor as `\\` and two digits a byte); times are UTC;
//! `byte_order` is `little-endian` or `big-endian`; `code` is one that `bdbkit explain` knows, and
//! `sources` are the documents that it rests on.
//!
//! `store survey`:
//! - `dir`, `dbtmpdir`, `log_dir`, `data_dirs`: where was looked
//! - `product`: `mail-store`, `unknown`, or whose environment it is; `complete`: whether everything
//!   was read and the state could be told
//! - `state`, `reason`, `max_lsn`; `dry_recovery`: `from`, `end`, `redo`, `undo`, `first`, `files`
//!   (`mismatch` is never told)
//! - `databases`: `name`, `path`, `size`, `type`, `version`, `byte_order`, `page_size`, `pages`,
//!   `meta_lsn`, `max_lsn`, `file_id`, `encrypted`, `checksums`, `databases` (in the file),
//!   `records`, `check` (`verdict`, `errors`, `order_errors`, `warnings`, `notes`, `first`),
//!   `half_written`, `extents`, `error`
//! - `logs`: `name`, `path`, `version`, `byte_order`, `max`, `first`, `last`, `checkpoint`,
//!   `records`, `end`, `damage`
//! - `lost`: of skipped logs: `version`, `changes`, `first`, `last`, `files`, `keys` (hexadecimal)
//! - `regions`: `place`, `name`, `family`, `release`; `others`: `name`, `class`, `size`
//! - `candidates`: `last_writer`, `engine`, `confidence`, `earliest_origin`, `reasons`, `agree`
//! - `snapshots`: as below, the first nine keys; `mailbox`
//! - `findings`: `code`, `severity`, `file`, `evidence` (`offset`, `bytes`), `text`, `action`,
//!   `sources`
//!
//! `store plan` adds `target`, `source`, `possible`, and `plan`: `step`, `code`, `title`, `by`,
//! `state`, `severity`, `reason`, `command` (what a shell can run, several joined with `&&`),
//! `alternative` (another command that does instead), `note` (prose), `sources`.
//!
//! `store snapshots`: `dir`, `before`, and `snapshots`: `name`, `path`, `snaptime`, `age_from`
//! (`date` or `content`), `age_seconds`, `verified`, `rescue`, `state`, `worst`, `verdict`;
//! `serves`, `reason`, `marks` (of each `time`, `size`, `head`, `as_seconds`), `size`,
//! `databases`, `logs`, `regions`, `faults`, `error`.
//!
//! `store list --json` has a line for each entry and one for the report: see `list/json.rs`.

use std::ffi::OsString;
use std::path::Path;
use std::time::SystemTime;

use bdbkit::ShowName;
use bdbkit::explain::Explanation;
use bdbkit::mboxlist::{
    Candidates, DatabaseFile, Finding, LogFacts, Lost, MarkFile, Plan, Region, Release, Snapshot, Step,
    Survey,
};
use bdbkit::{Endianness, Lsn};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hex::hex;
use crate::log::place::JsonLsn;

pub(super) fn survey(survey: &Survey) -> Value {
    with(survey, &survey.findings)
}

/// A survey with the findings and steps of a plan.
pub(super) fn plan(survey: &Survey, plan: &Plan) -> Value {
    let mut value = with(survey, &plan.findings);
    let steps = plan.steps.iter().enumerate().map(|(index, step)| self::step(index.saturating_add(1), step));
    if let Some(object) = value.as_object_mut() {
        object.insert("target".into(), plan.target.id.into());
        object.insert("source".into(), ids(&plan.source).into());
        object.insert("possible".into(), plan.possible().into());
        object.insert("plan".into(), steps.collect());
    }
    value
}

fn with(survey: &Survey, findings: &[Finding]) -> Value {
    let decision = &survey.decision;
    let dry = decision.dry.as_ref().map(|dry| {
        json!({
            "from": lsn(dry.from), "end": lsn(dry.end), "redo": dry.redo, "undo": dry.undo,
            "mismatch": null, "first": dry.first.map(lsn), "files": names(&dry.files),
        })
    });
    json!({
        "schema": 1,
        "dir": survey.dir.shown().to_string(),
        "dbtmpdir": survey.dbtmpdir.as_ref().map(|path| path.shown().to_string()),
        "log_dir": survey.layout.logs().path.shown().to_string(),
        "data_dirs": survey.layout.data().iter().map(|folder| folder.path.shown().to_string()).collect::<Vec<_>>(),
        "product": survey.product.name(),
        "complete": survey.is_complete(),
        "state": decision.state.name(),
        "reason": decision.reason,
        "dry_recovery": dry,
        "max_lsn": lsn(decision.highest),
        "databases": survey.databases.iter().map(database).collect::<Vec<_>>(),
        "logs": survey.logs.iter().map(log).collect::<Vec<_>>(),
        "lost": survey.lost.iter().map(lost).collect::<Vec<_>>(),
        "regions": survey.regions.iter().map(region).collect::<Vec<_>>(),
        "others": survey.others.iter().map(|other| json!({
            "name": other.name.shown().to_string(), "class": other.class.name(), "size": other.size,
        })).collect::<Vec<_>>(),
        "candidates": candidates(&survey.candidates),
        "snapshots": survey.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "mailbox": survey.mailbox.map(|mailbox| mailbox.name()),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn lsn(lsn: Lsn) -> JsonLsn {
    lsn.into()
}

fn order(order: Endianness) -> String {
    order.to_string()
}

/// Names, each as it is shown everywhere.
fn names<'n>(names: impl IntoIterator<Item = &'n OsString>) -> Vec<String> {
    names.into_iter().map(|name| name.shown().to_string()).collect()
}

fn ids(releases: &[&Release]) -> Vec<&'static str> {
    releases.iter().map(|release| release.id).collect()
}

fn database(file: &DatabaseFile) -> Value {
    let contents = file.contents.as_ref();
    let check = contents.map(|contents| {
        let check = &contents.check;
        json!({
            "verdict": check.name(), "errors": check.errors, "order_errors": check.order_errors,
            "warnings": check.warnings, "notes": check.notes, "first": check.first,
        })
    });
    json!({
        "name": file.name.shown().to_string(),
        "path": file.path.shown().to_string(),
        "size": file.size,
        "type": file.kind,
        "version": file.version,
        "byte_order": file.order.map(order),
        "page_size": contents.map(|contents| contents.page_size),
        "pages": contents.map(|contents| contents.pages),
        "meta_lsn": contents.map(|contents| lsn(contents.meta_lsn)),
        "max_lsn": contents.map(|contents| lsn(contents.max_lsn)),
        "file_id": file.file_id.map(|id| id.to_string()),
        "encrypted": file.encrypted,
        "checksums": contents.map(|contents| contents.checksum),
        "databases": contents.map(|contents| &contents.databases),
        "records": contents.map(|contents| contents.records),
        "check": check,
        "half_written": file.half_written,
        "extents": names(&file.extents),
        "error": file.error,
    })
}

fn log(file: &LogFacts) -> Value {
    json!({
        "name": file.name.shown().to_string(),
        "path": file.path.shown().to_string(),
        "version": file.version,
        "byte_order": file.order.map(order),
        "max": file.max,
        "first": file.first.map(lsn),
        "last": file.last.map(lsn),
        "checkpoint": file.checkpoint.map(lsn),
        "records": file.records,
        "end": file.end.name(),
        "damage": file.damage,
    })
}

fn lost(lost: &Lost) -> Value {
    json!({
        "version": lost.version,
        "changes": lost.changes,
        "first": lsn(lost.first),
        "last": lsn(lost.last),
        "files": names(&lost.files),
        "keys": lost.keys.iter().map(|key| hex(key)).collect::<Vec<_>>(),
    })
}

fn region(region: &Region) -> Value {
    json!({
        "place": region.place,
        "name": region.name.shown().to_string(),
        "family": region.family.family(),
        "release": region.release.map(release),
    })
}

/// A release of the library: `4.7.25`.
pub(super) fn release((major, minor, patch): (u32, u32, u32)) -> String {
    format!("{major}.{minor}.{patch}")
}

fn candidates(candidates: &Candidates) -> Value {
    json!({
        "last_writer": ids(&candidates.last_writer),
        "engine": candidates.engine,
        "confidence": candidates.confidence.name(),
        "earliest_origin": ids(&candidates.earliest_origin),
        "reasons": candidates.reasons,
        "agree": candidates.agree,
    })
}

/// The snapshots of a store; of those that are valid, which lead back behind an upgrade.
pub(super) fn snapshots(dir: &Path, snapshots: &[Snapshot], upgrade: Option<SystemTime>) -> Value {
    let full = |one: &Snapshot| {
        let own = one.own.as_ref().ok();
        let more = json!({
            "serves": upgrade.map(|upgrade| one.serves(upgrade)),
            "reason": one.reason(),
            "marks": { ".snaptime": one.snaptime.as_ref().map(mark), ".verified": one.verified.as_ref().map(mark) },
            "size": one.size,
            "databases": own.map(|own| own.databases.iter().map(database).collect::<Vec<_>>()),
            "logs": own.map(|own| own.logs.iter().map(log).collect::<Vec<_>>()),
            "regions": own.map(|own| own.regions.iter().map(region).collect::<Vec<_>>()),
            "faults": one.faults().map(finding).collect::<Vec<_>>(),
            "error": one.own.as_ref().err(),
        });
        let mut value = snapshot(one);
        if let (Some(object), Value::Object(more)) = (value.as_object_mut(), more) {
            object.extend(more);
        }
        value
    };
    json!({
        "schema": 1,
        "dir": dir.shown().to_string(),
        "before": upgrade.and_then(text_of),
        "snapshots": snapshots.iter().map(full).collect::<Vec<_>>(),
    })
}

fn text_of(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(|time| time.to_string())
}

fn mark(mark: &MarkFile) -> Value {
    json!({
        "time": mark.time.and_then(text_of),
        "size": mark.size,
        "head": hex(&mark.head),
        "as_seconds": mark.seconds(),
    })
}

fn snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "name": snapshot.name.shown().to_string(),
        "path": snapshot.path.shown().to_string(),
        "snaptime": snapshot.taken.and_then(text_of),
        "age_from": snapshot.age_from.name(),
        "age_seconds": snapshot.age.map(|age| age.as_secs()),
        "verified": snapshot.verified.is_some(),
        "rescue": snapshot.rescue,
        "state": snapshot.state.name(),
        "worst": snapshot.worst.map(|worst| worst.name()),
        "verdict": snapshot.verdict.name(),
    })
}

fn finding(finding: &Finding) -> Value {
    let evidence = finding.evidence.as_ref();
    json!({
        "code": finding.code.id(),
        "severity": finding.severity.name(),
        "file": finding.file.as_ref().map(|file| file.shown().to_string()),
        "evidence": evidence.map(|evidence| json!({ "offset": evidence.offset, "bytes": hex(&evidence.bytes) })),
        "text": finding.text,
        "action": finding.action,
        "sources": sources(finding.code.id()),
    })
}

fn step(number: usize, step: &Step) -> Value {
    json!({
        "step": number,
        "code": step.task.id(),
        "title": step.title,
        "by": step.by.name(),
        "state": step.state.name(),
        "severity": step.severity.name(),
        "reason": step.reason,
        "command": step.command,
        "alternative": step.alternative,
        "note": step.note,
        "sources": sources(step.task.id()),
    })
}

/// The documents that a code rests on.
fn sources(code: &str) -> &'static [&'static str] {
    Explanation::of(code).map_or(&[], |known| known.sources)
}
