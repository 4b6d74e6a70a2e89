//! Surveys and plans for people: what fits a terminal of 80 columns.

use std::io::{self, Write};
use std::time::Duration;

use bdbkit::ShowName;
use bdbkit::mboxlist::{
    Candidates, DatabaseFile, Finding, LogFacts, Plan, Release, Severity, Snapshot, Survey,
};
use bdbkit::{Endianness, Lsn};

use crate::failure::harmless;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Columns of a label and what stands around it.
const LABEL: usize = 16;

pub(super) fn survey(survey: &Survey, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", survey.dir.shown())?;
    let Candidates { last_writer, engine, confidence, earliest_origin, reasons, .. } = &survey.candidates;
    let engine = engine.map_or(String::new(), |engine| format!(", engine {engine}"));
    row("state", &format!("{}: {}", survey.decision.state, survey.decision.reason), out)?;
    row("written by", &format!("{} ({}){engine}", ids(last_writer), confidence.name()), out)?;
    row("made by", &ids(earliest_origin), out)?;
    if !reasons.is_empty() {
        row("because", &reasons.join("; "), out)?;
    }
    if let Some(dry) = &survey.decision.dry {
        let text = format!("{} to {}, from the last checkpoint on", dry.from, dry.end);
        row("compared log", &text, out)?;
    }
    let regions: Vec<&str> = survey.regions.iter().map(|region| region.name.as_str()).collect();
    let regions = if regions.is_empty() { "none".into() } else { regions.join(", ") };
    row("region files", &regions, out)?;
    databases(&survey.databases, out)?;
    logs(&survey.logs, out)?;
    if survey.snapshots.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    snapshot_head(out)?;
    survey.snapshots.iter().try_for_each(|one| snapshot(one, out))
}

fn ids(releases: &[&Release]) -> String {
    match releases.iter().map(|release| release.id).collect::<Vec<_>>().as_slice() {
        [] => "unknown".into(),
        [one] => (*one).into(),
        [first, .., last] if releases.len() > 3 => format!("{first} to {last}"),
        more => more.join(" or "),
    }
}

fn databases(files: &[DatabaseFile], out: &mut impl Write) -> io::Result<()> {
    if files.is_empty() {
        return writeln!(out, "\nno databases");
    }
    writeln!(
        out,
        "\n{:<16} {:<8} {:<6} {:>5} {:>6} {:>8} {:>14} check",
        "database", "type", "order", "page", "pages", "records", "highest LSN"
    )?;
    for file in files {
        let kind = format!("{} {}", file.kind.as_deref().unwrap_or("?"), number(file.version));
        write!(out, "{:<16} {kind:<8} {:<6} ", name(&file.name), order(file.order))?;
        match &file.contents {
            Some(contents) => writeln!(
                out,
                "{:>5} {:>6} {:>8} {:>14} {}",
                contents.page_size,
                contents.pages,
                contents.records,
                contents.max_lsn.to_string(),
                contents.check.name()
            )?,
            None if file.half_written => writeln!(out, "half-written")?,
            None => writeln!(out, "not read")?,
        }
    }
    Ok(())
}

fn logs(files: &[LogFacts], out: &mut impl Write) -> io::Result<()> {
    if files.is_empty() {
        return writeln!(out, "\nno log files");
    }
    writeln!(
        out,
        "\n{:<16} {:<8} {:<6} {:>8} {:>14} {:>14} end",
        "log file", "version", "order", "records", "first", "last"
    )?;
    for file in files {
        let lsn = |lsn: Option<Lsn>| lsn.map_or("-".into(), |lsn| lsn.to_string());
        let end = if file.damage.is_some() { "damaged" } else { file.end.name() };
        writeln!(
            out,
            "{:<16} {:<8} {:<6} {:>8} {:>14} {:>14} {end}",
            name(&file.name),
            number(file.version),
            order(file.order),
            file.records,
            lsn(file.first),
            lsn(file.last)
        )?;
    }
    Ok(())
}

/// The head of a table of snapshots.
pub(super) fn snapshot_head(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<24} {:<10} {:<8} {:<16} verdict", "snapshot", "age", "verified", "state")
}

pub(super) fn snapshot(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let verified = if snapshot.verified.is_some() { "yes" } else { "no" };
    writeln!(
        out,
        "{:<24} {:<10} {verified:<8} {:<16} {}",
        name(&snapshot.name),
        snapshot.age.map_or("unknown".into(), age),
        snapshot.state.name(),
        snapshot.verdict.name()
    )
}

/// A time in the largest unit of which there are two.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (2.., ..) => format!("{} days", seconds / 86_400),
        (_, 2.., _) => format!("{} hours", seconds / 3600),
        (.., minutes) => format!("{minutes} minutes"),
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

pub(super) fn findings(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    // The tables have told the facts.
    let told: Vec<_> = findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
    writeln!(out, "\nfindings: {}", told.len())?;
    for finding in told {
        let rests = rests(finding.code.seed(), finding.code.public());
        let file = finding.file.as_ref().map_or(String::new(), |file| format!("{}: ", name(file)));
        let label = format!("  {:<8} {}  ", finding.severity.name(), finding.code.id());
        wrapped(&label, &format!("{file}{}{rests}", finding.text), out)?;
        if !finding.action.is_empty() {
            wrapped(&" ".repeat(label.len()), &format!("-> {}", finding.action), out)?;
        }
    }
    Ok(())
}

pub(super) fn plan(survey: &Survey, plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", survey.dir.shown())?;
    row("from", &ids(&plan.source), out)?;
    row("to", &format!("{}, {}", plan.target.id, plan.target.name), out)?;
    row("state", &format!("{}: {}", survey.decision.state, survey.decision.reason), out)?;
    writeln!(out)?;
    for (index, step) in plan.steps.iter().enumerate() {
        let number = index.saturating_add(1);
        let label = format!("{number:>3}  {:<10} {:<8}  ", step.state.name(), step.by.name());
        let indent = " ".repeat(label.len());
        let severity = match step.severity {
            Severity::Critical => " (CRITICAL)",
            _ => "",
        };
        wrapped(&label, &format!("{}{severity}", step.title), out)?;
        wrapped(&indent, &format!("{}{}", step.reason, rests(step.seed, step.public)), out)?;
        if let Some(command) = &step.command {
            filled(&indent, words(&format!("-> {command}")), out)?;
        }
    }
    Ok(())
}

fn rests(seed: &[&str], public: &[&str]) -> String {
    let all = [seed, public].concat();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}

pub(super) fn row(label: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    wrapped(&format!("  {label:<width$}", width = LABEL.saturating_sub(2)), text, out)
}

/// The name of a file as it is listed everywhere: `a\0ab`.
fn name(name: &str) -> String {
    name.shown().to_string()
}

/// The words of a command: a path in quotes is one, with all its spaces.
fn words(command: &str) -> impl Iterator<Item = &str> {
    let (mut inside, mut escaped) = (false, false);
    let end = move |c: char| {
        inside ^= c == '\'' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ' ' && !inside
    };
    command.split(end).filter(|word| !word.is_empty())
}

/// Text in lines of a terminal's width, behind a label and below it.
fn wrapped(label: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    let text = harmless(text);
    filled(label, text.split(' ').filter(|word| !word.is_empty()), out)
}

fn filled<'w>(label: &str, words: impl IntoIterator<Item = &'w str>, out: &mut impl Write) -> io::Result<()> {
    let room = WIDTH.saturating_sub(label.chars().count());
    let mut line = String::new();
    let mut before = label.to_owned();
    for word in words {
        let taken = line.chars().count();
        if taken > 0 && taken.saturating_add(word.chars().count()) >= room {
            writeln!(out, "{before}{line}")?;
            line.clear();
            before = " ".repeat(label.chars().count());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{before}{line}")
}
