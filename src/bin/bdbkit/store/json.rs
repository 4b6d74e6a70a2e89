//! Surveys, plans and snapshots for programs: one object each. What is not known is null.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use bdbkit::Lsn;
use bdbkit::explain::Explanation;
use bdbkit::mboxlist::{
    Candidates, DatabaseFile, LogFacts, Lost, MarkFile, PlanStep, RegionFile, Release, Snapshot,
    SnapshotCopy, StoreFinding, StorePlan, Survey,
};
use serde_json::{Value, json};

use crate::hints;
use crate::json::{self, Bytes, Time};

pub(super) fn survey(survey: &Survey, out: &mut impl Write) -> io::Result<()> {
    json::line("survey", &with(survey, &survey.findings), out)
}

/// A survey with the findings and steps of a plan.
pub(super) fn plan(survey: &Survey, plan: &StorePlan, out: &mut impl Write) -> io::Result<()> {
    let mut value = with(survey, &plan.findings);
    let steps = plan.steps.iter().enumerate().map(|(index, step)| self::step(index.saturating_add(1), step));
    if let Some(object) = value.as_object_mut() {
        object.insert("target".into(), plan.target.id.into());
        object.insert("source".into(), ids(&plan.source).into());
        object.insert("possible".into(), plan.possible().into());
        object.insert("steps".into(), steps.collect());
    }
    json::line("plan", &value, out)
}

fn with(survey: &Survey, findings: &[StoreFinding]) -> Value {
    let decision = &survey.decision;
    let dry = decision.dry.as_ref().map(|dry| {
        json!({
            "from_lsn": lsn(dry.from), "end_lsn": lsn(dry.end), "redo": dry.redo, "undo": dry.undo,
            "first_lsn": dry.first.map(lsn), "file_names": json::names(&dry.files),
        })
    });
    json!({
        "dir": json::name(&survey.dir),
        "dbtmpdir": survey.dbtmpdir.as_deref().map(json::name),
        "log_dir": json::name(&survey.layout.logs().path),
        "data_dirs": survey.layout.data().iter().map(|folder| json::name(&folder.path)).collect::<Vec<_>>(),
        "product": survey.product.name(),
        "complete": survey.is_complete(),
        "state": decision.state.name(),
        "reason": decision.reason,
        "dry_recovery": dry,
        "max_lsn": lsn(decision.highest),
        "database_files": survey.databases.iter().map(database).collect::<Vec<_>>(),
        "log_files": survey.logs.iter().map(log).collect::<Vec<_>>(),
        "lost": survey.lost.iter().map(lost).collect::<Vec<_>>(),
        "region_files": survey.regions.iter().map(region).collect::<Vec<_>>(),
        "other_files": survey.others.iter().map(|other| json!({
            "name": json::name(&other.name), "class": other.class.name(), "size": other.size,
        })).collect::<Vec<_>>(),
        "candidates": candidates(&survey.candidates),
        "snapshots": survey.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "mailbox": survey.mailbox.map(|mailbox| mailbox.name()),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn lsn(lsn: Lsn) -> json::Lsn {
    lsn.into()
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
            "warnings": check.warnings, "notes": check.notes, "first_finding": check.first,
        })
    });
    json!({
        "name": json::name(&file.name),
        "file": json::name(&file.path),
        "size": file.size,
        "method": file.kind,
        "version": file.version,
        "byte_order": file.order.map(json::Order),
        "page_size": contents.map(|contents| contents.page_size),
        "pages": contents.map(|contents| contents.pages),
        "meta_lsn": contents.map(|contents| lsn(contents.meta_lsn)),
        "max_lsn": contents.map(|contents| lsn(contents.max_lsn)),
        "file_id": file.file_id.map(|id| id.to_string()),
        "encrypted": file.encrypted,
        "checksums": contents.map(|contents| contents.checksum),
        "database_names": contents.map(|contents| &contents.databases),
        "records": contents.map(|contents| contents.records),
        "check": check,
        "half_written": file.half_written,
        "extents": json::names(&file.extents),
        "error": file.error,
    })
}

fn log(file: &LogFacts) -> Value {
    json!({
        "name": json::name(&file.name),
        "file": json::name(&file.path),
        "version": file.version,
        "byte_order": file.order.map(json::Order),
        "max_size": file.max,
        "first_lsn": file.first.map(lsn),
        "last_lsn": file.last.map(lsn),
        "checkpoint_lsn": file.checkpoint.map(lsn),
        "records": file.records,
        "ending": file.end.name(),
        "damage": file.damage,
    })
}

fn lost(lost: &Lost) -> Value {
    json!({
        "version": lost.version,
        "changes": lost.changes,
        "first_lsn": lsn(lost.first),
        "last_lsn": lsn(lost.last),
        "file_names": json::names(&lost.files),
        "keys": lost.keys.iter().map(|key| Bytes(key.as_slice())).collect::<Vec<_>>(),
    })
}

fn region(region: &RegionFile) -> Value {
    json!({
        "place": region.place,
        "name": json::name(&region.name),
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
/// What came of a snapshot that was recovered in a copy.
pub(super) fn snapshot_copy(
    snapshot: &Snapshot,
    copy: &SnapshotCopy,
    out: &mut impl Write,
) -> io::Result<()> {
    let value = json!({
        "name": json::name(&snapshot.name),
        "copy": json::name(&copy.path),
        "complete": copy.report.is_complete(),
        "sound": copy.is_sound(),
        "faults": copy.faults.iter().map(finding).collect::<Vec<_>>(),
    });
    json::line("snapshot_copy", &value, out)
}

pub(super) fn snapshots(
    dir: &Path,
    snapshots: &[Snapshot],
    upgrade: Option<SystemTime>,
    out: &mut impl Write,
) -> io::Result<()> {
    let full = |one: &Snapshot| {
        let own = one.own.as_ref().ok();
        let marks = [(".snaptime", &one.snaptime), (".verified", &one.verified)];
        let marks = marks.iter().filter_map(|(name, found)| Some(mark(name, found.as_ref()?)));
        let more = json!({
            "serves": upgrade.map(|upgrade| one.serves(upgrade)),
            "reason": one.reason(),
            "marks": marks.collect::<Vec<_>>(),
            "size": one.size,
            "database_files": own.map(|own| own.databases.iter().map(database).collect::<Vec<_>>()),
            "log_files": own.map(|own| own.logs.iter().map(log).collect::<Vec<_>>()),
            "region_files": own.map(|own| own.regions.iter().map(region).collect::<Vec<_>>()),
            "faults": one.faults().map(finding).collect::<Vec<_>>(),
            "error": one.own.as_ref().err(),
        });
        let mut value = snapshot(one);
        if let (Some(object), Value::Object(more)) = (value.as_object_mut(), more) {
            object.extend(more);
        }
        value
    };
    let value = json!({
        "dir": json::name(dir),
        "before": upgrade.and_then(Time::of),
        "snapshots": snapshots.iter().map(full).collect::<Vec<_>>(),
    });
    json::line("snapshots", &value, out)
}

fn mark(name: &str, mark: &MarkFile) -> Value {
    json!({
        "name": name,
        "time": mark.time.and_then(Time::of),
        "size": mark.size,
        "head": Bytes(mark.head.as_slice()),
        "content_time": mark.seconds().map(Time::of_seconds),
    })
}

fn snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "name": json::name(&snapshot.name),
        "dir": json::name(&snapshot.path),
        "taken": snapshot.taken.and_then(Time::of),
        "age_from": snapshot.age_from.name(),
        "age_seconds": snapshot.age.map(|age| age.as_secs()),
        "verified": snapshot.verified.is_some(),
        "rescue": snapshot.rescue,
        "state": snapshot.state.name(),
        "worst": snapshot.worst.map(|worst| worst.name()),
        "verdict": snapshot.verdict.name(),
    })
}

fn finding(finding: &StoreFinding) -> Value {
    let evidence = finding.evidence.as_ref();
    json!({
        "code": finding.code.id(),
        "severity": finding.severity.name(),
        "name": finding.file.as_deref().map(json::name),
        "evidence": evidence.map(|evidence| {
            json!({ "offset": evidence.offset, "found": Bytes(evidence.bytes.as_slice()) })
        }),
        "message": finding.text,
        "remedy": hints::action(finding),
        "sources": sources(finding.code.id()),
    })
}

fn step(number: usize, step: &PlanStep) -> Value {
    json!({
        "step": number,
        "code": step.task.id(),
        "title": step.title,
        "by": step.by.name(),
        "state": step.state.name(),
        "severity": step.severity.name(),
        "reason": step.reason,
        "command": step.command.as_ref().map(hints::command),
        "alternative": step.alternative.as_ref().map(hints::command),
        "note": step.note,
        "sources": sources(step.task.id()),
    })
}

/// The documents that a code rests on.
fn sources(code: &str) -> &'static [&'static str] {
    Explanation::of(code).map_or(&[], |known| known.sources)
}
