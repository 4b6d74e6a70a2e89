//! Surveys and plans for people.

use std::io::{self, Write};
use std::time::Duration;

use bdbkit::ShowName;
use bdbkit::mboxlist::{
    Candidates, DatabaseFile, LogFacts, PlanStep, RegionFile, Release, Snapshot, StoreFinding, StorePlan,
    StoreSeverity, Survey,
};
use bdbkit::{Endianness, Lsn};

use super::json::release;
use crate::hints;
use crate::output::counted;
use crate::page::Side::{Left, Right};
use crate::page::{Page, Table};

pub(super) fn survey(survey: &Survey, page: &mut Page<impl Write>) -> io::Result<()> {
    page.line(&survey.dir.shown().to_string())?;
    page.row("state", &format!("{}: {}", survey.decision.state, survey.decision.reason))?;
    let Candidates { last_writer, engine, confidence, earliest_origin, reasons, .. } = &survey.candidates;
    if survey.product.is_foreign() {
        page.row("is", survey.product.describe())?;
        page.row("written by", &engine.map_or("unknown".into(), |engine| format!("engine {engine}")))?;
    } else {
        let engine = engine.map_or(String::new(), |engine| format!(", engine {engine}"));
        page.row("written by", &format!("{} ({}){engine}", ids(last_writer), confidence.name()))?;
        page.row("made by", &ids(earliest_origin))?;
    }
    if !reasons.is_empty() {
        page.row("because", &reasons.join("; "))?;
    }
    if let Some(dry) = &survey.decision.dry {
        page.row("compared log", &format!("{} to {}, from the last checkpoint on", dry.from, dry.end))?;
    }
    if survey.layout.elsewhere().any(|folder| folder == survey.layout.logs()) {
        page.row("logs in", &survey.layout.logs().to_string())?;
    }
    for folder in survey.layout.elsewhere().filter(|folder| survey.layout.data().contains(folder)) {
        page.row("databases in", &folder.to_string())?;
    }
    let region = |region: &RegionFile| match region.release {
        Some(found) => format!("{} ({})", region.name.shown(), release(found)),
        None => region.name.shown().to_string(),
    };
    let regions: Vec<String> = survey.regions.iter().map(region).collect();
    let regions = if regions.is_empty() { "none".into() } else { regions.join(", ") };
    page.row("region files", &regions)?;
    databases(&survey.databases, page)?;
    logs(&survey.logs, page)?;
    if survey.snapshots.is_empty() {
        return Ok(());
    }
    page.line("")?;
    snapshots(&survey.snapshots, page)
}

fn ids(releases: &[&Release]) -> String {
    match releases.iter().map(|release| release.id).collect::<Vec<_>>().as_slice() {
        [] => "unknown".into(),
        [one] => (*one).into(),
        [first, .., last] if releases.len() > 3 => format!("{first} to {last}"),
        more => more.join(" or "),
    }
}

fn databases(files: &[DatabaseFile], page: &mut Page<impl Write>) -> io::Result<()> {
    if files.is_empty() {
        return page.line("\nno databases");
    }
    let mut table = Table::new([
        ("database", Left),
        ("type", Left),
        ("order", Left),
        ("page", Right),
        ("pages", Right),
        ("records", Right),
        ("highest LSN", Right),
        ("check", Left),
    ]);
    for file in files {
        let kind = format!("{} {}", file.kind.as_deref().unwrap_or("?"), number(file.version));
        let contents = file.contents.as_ref();
        let check = match contents {
            Some(contents) => contents.check.name(),
            None if file.half_written => "half-written",
            None => "not read",
        };
        table.row([
            file.name.shown().to_string(),
            kind,
            order(file.order).into(),
            contents.map_or(String::new(), |contents| contents.page_size.to_string()),
            contents.map_or(String::new(), |contents| contents.pages.to_string()),
            contents.map_or(String::new(), |contents| contents.records.to_string()),
            contents.map_or(String::new(), |contents| contents.max_lsn.to_string()),
            check.into(),
        ]);
    }
    page.line("")?;
    page.table(&table)
}

fn logs(files: &[LogFacts], page: &mut Page<impl Write>) -> io::Result<()> {
    if files.is_empty() {
        return page.line("\nno log files");
    }
    let mut table = Table::new([
        ("log file", Left),
        ("version", Left),
        ("order", Left),
        ("records", Right),
        ("first", Right),
        ("last", Right),
        ("end", Left),
    ]);
    for file in files {
        let lsn = |lsn: Option<Lsn>| lsn.map_or("-".into(), |lsn| lsn.to_string());
        let end = if file.damage.is_some() { "damaged" } else { file.end.name() };
        table.row([
            file.name.shown().to_string(),
            number(file.version),
            order(file.order).into(),
            file.records.to_string(),
            lsn(file.first),
            lsn(file.last),
            end.into(),
        ]);
    }
    page.line("")?;
    page.table(&table)
}

/// A table of snapshots.
pub(super) fn snapshots<'s>(
    snapshots: impl IntoIterator<Item = &'s Snapshot>,
    page: &mut Page<impl Write>,
) -> io::Result<()> {
    let heads = ["snapshot", "age", "verified", "state", "verdict"].map(|head| (head, Left));
    let mut table = Table::new(heads);
    for snapshot in snapshots {
        table.row([
            snapshot.name.shown().to_string(),
            snapshot.age.map_or("unknown".into(), age),
            if snapshot.verified.is_some() { "yes" } else { "no" }.into(),
            snapshot.state.name().into(),
            snapshot.verdict.name().into(),
        ]);
    }
    page.table(&table)
}

/// A time in the largest unit of which there are two.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (days @ 2.., ..) => counted(days, "day"),
        (_, hours @ 2.., _) => counted(hours, "hour"),
        (.., minutes) => counted(minutes, "minute"),
    }
}

fn number(number: Option<u32>) -> String {
    number.map_or("?".into(), |number| number.to_string())
}

fn order(order: Option<Endianness>) -> &'static str {
    match order {
        Some(Endianness::Little) => "little",
        Some(Endianness::Big) => "big",
        None => "?",
    }
}

pub(super) fn findings(findings: &[StoreFinding], page: &mut Page<impl Write>) -> io::Result<()> {
    // The tables have told the facts.
    let told: Vec<_> = findings.iter().filter(|finding| finding.severity > StoreSeverity::Info).collect();
    page.line(&format!("\nfindings: {}", told.len()))?;
    for finding in &told {
        let file = finding.file.as_ref().map_or(String::new(), |file| format!("{}: ", file.shown()));
        let label = format!("  {:<8} {}  ", finding.severity.name(), finding.code.id());
        page.wrapped(&label, &format!("{file}{}", finding.text))?;
        if !finding.action.is_empty() {
            page.wrapped(&" ".repeat(label.len()), &format!("-> {}", hints::action(finding)))?;
        }
    }
    if told.is_empty() { Ok(()) } else { page.wrapped("", "bdbkit explain CODE tells more of each") }
}

pub(super) fn plan(survey: &Survey, plan: &StorePlan, page: &mut Page<impl Write>) -> io::Result<()> {
    page.line(&survey.dir.shown().to_string())?;
    page.row("from", &ids(&plan.source))?;
    page.row("to", &format!("{}, {}", plan.target.id, plan.target.name))?;
    page.row("state", &format!("{}: {}", survey.decision.state, survey.decision.reason))?;
    page.line("")?;
    for (index, step) in plan.steps.iter().enumerate() {
        self::step(index.saturating_add(1), step, page)?;
    }
    page.line("")?;
    page.wrapped("", "bdbkit explain CODE tells more of each step")
}

fn step(number: usize, step: &PlanStep, page: &mut Page<impl Write>) -> io::Result<()> {
    let label = format!("{number:>3}  {:<10} {:<8}  ", step.state.name(), step.by.name());
    let indent = " ".repeat(label.len());
    let severity = if step.severity == StoreSeverity::Critical { " (CRITICAL)" } else { "" };
    page.wrapped(&label, &format!("{}{severity} [{}]", step.title, step.task.id()))?;
    page.wrapped(&indent, &step.reason)?;
    if let Some(command) = &step.command {
        page.command(&indent, &format!("-> {}", hints::command(command)))?;
    }
    if let Some(command) = &step.alternative {
        page.command(&indent, &format!("or {}", hints::command(command)))?;
    }
    match &step.note {
        Some(note) if step.command.is_some() => page.wrapped(&indent, note),
        Some(note) => page.wrapped(&indent, &format!("-> {note}")),
        None => Ok(()),
    }
}
