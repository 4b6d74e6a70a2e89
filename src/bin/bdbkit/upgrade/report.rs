//! What is printed about plans and upgrades.

use std::io::{self, Write};
use std::path::Path;

use bdbkit::ShowName;
use bdbkit::journal::Outcome as Became;
use bdbkit::upgrade::{Change, FileReport, Notice, Plan};
use serde::Serialize;

use super::became;
use crate::hex::hex;
use crate::output::counted;
use crate::{hints, json};

/// The plan of an upgrade, page by page.
pub(crate) fn plan(plan: &Plan, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    plan_of("upgrade_plan", plan, as_json, out)
}

/// A plan, page by page; of this kind in JSON.
pub(crate) fn plan_of(
    kind: &'static str,
    plan: &Plan,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let file = plan.path.shown().to_string();
    let reasons = |change: &Change| change.reasons().map(|reason| reason.text()).collect::<Vec<_>>();
    if as_json {
        let pages = plan.changes().map(|change| Page {
            page: change.page.0,
            is_new: change.appended,
            reasons: reasons(&change),
        });
        return json::line(
            kind,
            &Planned {
                file: &file,
                from_version: plan.from,
                to_version: plan.to,
                pages_before: plan.pages_before,
                pages_after: plan.pages_after,
                pairs: plan.content.map(|content| content.pairs),
                content_sha256: plan.content.map(|content| hex(&content.digest)),
                notices: noticed(&plan.notices),
                changed_pages: pages.collect(),
            },
            out,
        );
    }
    if plan.changes().len() == 0 {
        writeln!(out, "{file}: version {}: nothing to do", plan.from)?;
        return notices(&file, &plan.notices, out);
    }
    let appended = plan.pages_after.saturating_sub(plan.pages_before);
    let added = if appended == 0 { String::new() } else { format!(", {appended} would be added") };
    let changed = plan.changes().filter(|change| !change.appended).count();
    let (from, to, pages) = (plan.from, plan.to, plan.pages_before);
    let pairs = plan.content.map(|content| format!("; {}", counted(content.pairs, "pair")));
    let pairs = pairs.unwrap_or_default();
    writeln!(out, "{file}: version {from} to {to}: {changed} of {pages} pages would change{added}{pairs}")?;
    for change in plan.changes() {
        let new = if change.appended { "new page" } else { "page" };
        writeln!(out, "{file}: {new} {}: {}", change.page, reasons(&change).join("; "))?;
    }
    notices(&file, &plan.notices, out)
}

/// What was done to a file.
pub(crate) fn done(
    report: &FileReport,
    copy: Option<&Path>,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let nothing = format!("version {}: nothing to do", report.from);
    did(report, copy, Did { kind: "upgraded", nothing: &nothing }, as_json, out)
}

/// What a reset did to a file.
pub(crate) fn reset(report: &FileReport, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    did(report, None, Did { kind: "reset", nothing: "nothing to reset" }, as_json, out)
}

/// What is said of a change.
pub(crate) struct Did<'a> {
    /// In JSON.
    pub(crate) kind: &'static str,
    /// If there was nothing to do.
    pub(crate) nothing: &'a str,
}

/// What was done to a file, or that there was nothing to do.
pub(crate) fn did(
    report: &FileReport,
    path: Option<&Path>,
    Did { kind, nothing }: Did<'_>,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let (file, copy) = (shown(&report.path), path.map(shown));
    if as_json {
        return json::line(
            kind,
            &Done {
                file: &file,
                leftover: report.leftover.as_ref().map(|found| outcome(Some(found))),
                from_version: report.from,
                to_version: report.to,
                modified: report.modified,
                appended: report.appended,
                pairs: report.content.map(|content| content.pairs),
                content_sha256: report.content.map(|content| hex(&content.digest)),
                notices: noticed(&report.notices),
                copy,
                backup: report.backup.as_ref().map(|path| path.shown().to_string()),
            },
            out,
        );
    }
    let FileReport { from, to, .. } = report;
    let versions = if from == to { format!("version {from}") } else { format!("version {from} to {to}") };
    text(report, &versions, path, nothing, out)
}

/// What was done to a file, in words: what it was and is, where that is, and how much of it changed.
pub(crate) fn text(
    report: &FileReport,
    forms: &str,
    copy: Option<&Path>,
    nothing: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let (file, copy) = (shown(&report.path), copy.map(shown));
    if let Some(found) = &report.leftover {
        writeln!(out, "{file}: what an earlier run had left behind: {}", became(Some(found)))?;
    }
    if report.changed() {
        let FileReport { modified, appended, .. } = report;
        let added = if *appended == 0 { String::new() } else { format!(", {appended} added") };
        let pages = counted((*modified).into(), "page");
        let pairs = report.content.map(|content| format!(" ({})", content.pairs)).unwrap_or_default();
        let place = copy.map(|path| format!(" in {path}")).unwrap_or_default();
        writeln!(out, "{file}: {forms}{place}: {pages} changed{added}; all pairs, as before{pairs}")?;
    } else if let Some(path) = copy {
        writeln!(out, "{file}: {forms}: copied to {path} as it is")?;
    } else {
        writeln!(out, "{file}: {nothing}")?;
    }
    if let Some(backup) = &report.backup {
        writeln!(out, "{file}: the old file is {}", backup.shown())?;
    }
    notices(&file, &report.notices, out)
}

/// The name of a file, as it is told.
pub(crate) fn shown(path: &Path) -> String {
    path.shown().to_string()
}

/// What became of what an earlier run left behind.
pub(crate) fn settled(
    path: &Path,
    found: Option<&Became>,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let file = path.shown().to_string();
    if as_json {
        return json::line("settled", &Settled { file: &file, outcome: outcome(found) }, out);
    }
    writeln!(out, "{file}: {}", became(found))
}

pub(crate) fn notices(file: &str, notices: &[Notice], out: &mut impl Write) -> io::Result<()> {
    notices.iter().try_for_each(|notice| writeln!(out, "{file}: note: {} [{}]", noted(notice), notice.code()))
}

pub(crate) fn noticed(notices: &[Notice]) -> Vec<Noticed> {
    notices.iter().map(|notice| Noticed { code: notice.code(), message: noted(notice) }).collect()
}

/// What is told of a notice.
fn noted(notice: &Notice) -> String {
    hints::with(&notice.to_string(), hints::of(notice.code()))
}

/// A word for what became of what an earlier run left behind.
pub(crate) fn outcome(found: Option<&Became>) -> &'static str {
    found.map_or("nothing", Became::name)
}

#[derive(Serialize)]
pub(crate) struct Noticed {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Planned<'a> {
    file: &'a str,
    from_version: u32,
    to_version: u32,
    pages_before: u32,
    pages_after: u32,
    pairs: Option<u64>,
    content_sha256: Option<String>,
    notices: Vec<Noticed>,
    changed_pages: Vec<Page>,
}

#[derive(Serialize)]
struct Page {
    page: u32,
    is_new: bool,
    reasons: Vec<&'static str>,
}

#[derive(Serialize)]
struct Done<'a> {
    file: &'a str,
    leftover: Option<&'static str>,
    from_version: u32,
    to_version: u32,
    modified: u32,
    appended: u32,
    pairs: Option<u64>,
    content_sha256: Option<String>,
    notices: Vec<Noticed>,
    copy: Option<String>,
    backup: Option<String>,
}

#[derive(Serialize)]
struct Settled<'a> {
    file: &'a str,
    outcome: &'static str,
}
