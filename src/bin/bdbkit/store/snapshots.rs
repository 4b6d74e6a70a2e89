//! `bdbkit store snapshots`: the snapshots of a store, and what they are worth.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bdbkit::ShowName;
use bdbkit::mboxlist::{AgeFrom, MarkFile, Snapshot, SnapshotVerdict, Survey, SurveyOptions};
use bdbkit::recover::InDoubt;

use super::{json, text};
use crate::failure::{Failure, Outcome, about, complain};
use crate::input::map;
use crate::output::counted;
use crate::page::Page;
use crate::progress;
use crate::recover::tell;
use crate::time;

/// List the snapshots of a store, and say what each is worth
///
/// A snapshot is valid if .snaptime and .verified are there and a survey of its files finds
/// nothing wrong with them. One without .verified may serve after recovery and a check. The
/// rescue copy of the product, DIR/removed, is listed too. Reads every file and writes nothing.
/// Exits with 1 if no snapshot is valid or, with --before, if none of those is older.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the snapshots (default: DIR/../dbdata/snapshots)
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,

    /// Recover those that may serve after recovery, each in a copy below this new folder, and say whether the
    /// copy is sound
    #[arg(long, value_name = "FOLDER")]
    recover: Option<PathBuf>,

    #[command(flatten)]
    before: Before,

    #[command(flatten)]
    age: Age,

    /// One JSON object, and one for each copy
    #[arg(long)]
    json: bool,

    /// The folder of the databases, mboxlist
    dir: PathBuf,
}

/// What tells when a snapshot was taken.
#[derive(clap::Args)]
pub(super) struct Age {
    /// What tells when a snapshot was taken: the date of its file .snaptime, which a copy without
    /// -p loses, or the seconds that are in that file
    #[arg(long, value_name = "date|content", default_value = "date", value_parser = age_from)]
    pub(super) age_from: AgeFrom,
}

fn age_from(text: &str) -> Result<AgeFrom, &'static str> {
    let all = [AgeFrom::Date, AgeFrom::Content];
    all.into_iter().find(|from| from.name() == text).ok_or("date or content")
}

/// When the store was upgraded.
#[derive(clap::Args)]
pub(super) struct Before {
    /// When the store was upgraded: only a snapshot that is older leads back behind that.
    /// Seconds since 1970, or a date and time, local if it names no zone
    #[arg(long = "before", value_name = "TIME", value_parser = time::parse)]
    time: Option<i64>,
}

impl Before {
    pub(super) fn time(&self) -> Option<SystemTime> {
        let seconds = u64::try_from(self.time?).unwrap_or_default();
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let options = arguments.snapshots.iter().fold(SurveyOptions::new(), SurveyOptions::snapshots);
    let options = options.age_from(arguments.age.age_from).mapped(map());
    let bar = progress::bytes(false);
    let options = options.progress(progress::teller(&bar));
    let found = options.list_snapshots(&arguments.dir);
    let found = found.map_err(|error| Failure::about(&arguments.dir, &error))?;
    bar.finish_and_clear();
    let upgrade = arguments.before.time();
    let mut page = Page::new(io::stdout().lock());
    if arguments.json {
        json::snapshots(&arguments.dir, &found, upgrade, &mut page.out)?;
    } else if found.is_empty() {
        page.line(&format!("{}: no snapshots", arguments.dir.shown()))?;
    } else {
        text::snapshots(&found, &mut page)?;
        found.iter().try_for_each(|snapshot| told(snapshot, upgrade, &mut page))?;
    }
    if let Some(folder) = &arguments.recover {
        return copies(&found, folder, arguments.json, &mut page.out);
    }
    let serves = |snapshot: &Snapshot| match upgrade {
        Some(upgrade) => snapshot.serves(upgrade),
        None => snapshot.verdict == SnapshotVerdict::Valid,
    };
    Ok(Outcome::complete_if(found.iter().any(serves)))
}

/// Recovers snapshots in copies; whether one of these is sound, or a snapshot valid as it is.
fn copies(
    found: &[Snapshot],
    folder: &Path,
    as_json: bool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    fs::create_dir(folder).map_err(|error| Failure::io(folder, &error))?;
    let mut serves = found.iter().any(|snapshot| snapshot.verdict == SnapshotVerdict::Valid);
    for snapshot in found.iter().filter(|snapshot| snapshot.verdict == SnapshotVerdict::AfterRecovery) {
        let copy = match snapshot.recover_to(folder.join(&snapshot.name)) {
            Ok(copy) => copy,
            Err(error) => {
                complain(about(&snapshot.path, error));
                continue;
            }
        };
        serves |= copy.is_sound();
        tell(&snapshot.path, &copy.report, InDoubt::Commit);
        if as_json {
            json::snapshot_copy(snapshot, &copy, out)?;
            continue;
        }
        let sound = if copy.is_sound() { "sound" } else { "not sound" };
        writeln!(out, "{}: recovered into {}: {sound}", snapshot.name.shown(), copy.path.shown())?;
        for fault in &copy.faults {
            writeln!(out, "{}: {fault}", snapshot.name.shown())?;
        }
    }
    Ok(Outcome::complete_if(serves))
}

fn told(snapshot: &Snapshot, upgrade: Option<SystemTime>, page: &mut Page<impl Write>) -> io::Result<()> {
    page.line(&format!("\n{}", snapshot.name.shown()))?;
    if snapshot.rescue {
        page.row("rescue copy", "the product judged the databases bad, and set them aside")?;
    }
    if let Some(mark) = &snapshot.snaptime {
        page.row(".snaptime", &self::mark(mark, Some(snapshot.age_from)))?;
    }
    if let Some(mark) = &snapshot.verified {
        page.row(".verified", &self::mark(mark, None))?;
    }
    match &snapshot.own {
        Ok(own) => page.row("holds", &format!("{}; {}", holds(own), counted(snapshot.size, "byte")))?,
        Err(error) => page.row("not read", error)?,
    }
    if snapshot.verdict != SnapshotVerdict::Valid && snapshot.faults().next().is_none() {
        page.row("not valid", &snapshot.reason())?;
    }
    for fault in snapshot.faults() {
        let file = fault.file.as_ref().map_or(String::new(), |file| format!("{}: ", file.shown()));
        page.row(fault.severity.name(), &format!("{} {file}{}", fault.code.id(), fault.text))?;
    }
    if let Some(upgrade) = upgrade.filter(|_| snapshot.verdict == SnapshotVerdict::Valid) {
        let serves = if snapshot.serves(upgrade) {
            "older: it leads back"
        } else {
            "not older: it does not lead back"
        };
        page.row("the upgrade", serves)?;
    }
    Ok(())
}

/// When a mark was made, by the date of its file, and what is in it; which of them counts.
fn mark(mark: &MarkFile, counts: Option<AgeFrom>) -> String {
    let seconds =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs().try_into().ok();
    let time = mark.time.and_then(seconds).map_or("unknown".into(), time::shown);
    let size = counted(mark.size, "byte");
    let content = match mark.seconds() {
        _ if mark.size == 0 => "empty".into(),
        Some(seconds) => format!("{size}, perhaps the time {}", time::shown(seconds)),
        None => format!("{size}: {}", mark.head.escape_ascii()),
    };
    let counts = match counts {
        Some(AgeFrom::Date) => "; the age is from the date",
        Some(AgeFrom::Content) if mark.seconds().is_some() => "; the age is from the content",
        Some(AgeFrom::Content) => "; the content tells no age",
        None => "",
    };
    format!("{time}, by the date of the file; {content}{counts}")
}

/// What is in a snapshot.
fn holds(own: &Survey) -> String {
    let number = |number: usize, what: &str| counted(u64::try_from(number).unwrap_or(u64::MAX), what);
    let versions = |versions: BTreeSet<u32>| match versions.iter().map(u32::to_string).collect::<Vec<_>>() {
        versions if versions.is_empty() => String::new(),
        versions => format!(" (version {})", versions.join(", ")),
    };
    let databases = versions(own.databases.iter().filter_map(|file| file.version).collect());
    let logs = versions(own.logs.iter().filter_map(|file| file.version).collect());
    format!(
        "{}{databases}, {}{logs}, {}",
        number(own.databases.len(), "database"),
        number(own.logs.len(), "log file"),
        number(own.regions.len(), "region file"),
    )
}
