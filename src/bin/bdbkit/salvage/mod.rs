//! `bdbkit salvage`: all that can be found in a damaged file.

mod json;

use std::io::Write;
use std::path::{Path, PathBuf};

use bdbkit::dump::Loading;
use bdbkit::salvage::{Salvage, SalvageReport, SalvagedFile};
use bdbkit::{Endianness, PageNo, PageSize, dump};

use crate::failure::{Failure, Outcome, about, complain};
use crate::hints;
use crate::input::{options, real};
use crate::output::Output;
use crate::progress;

/// Problems that are named on standard error; the rest are counted.
const NAMED: usize = 20;

/// Write all records that can be found in a damaged file, in the form that db_load reads
///
/// Works on any bytes: page size and byte order are found by looking at the pages where
/// page 0 does not tell them. Records come in the order of their tree as far as it holds,
/// and then by page. What is gone of a record is written as UNKNOWN_KEY or UNKNOWN_DATA.
/// With which command db_load keeps all of it depends on the file, and is said at the end:
/// `db_load NEW.db` where keys may come twice, `db_load -n NEW.db` where they may not.
/// HASH and compressed databases, and those of releases 6 and later, are salvaged, too.
/// The input is only read, never written.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write printing characters as they are, not as hexadecimal digits
    #[arg(short)]
    print: bool,

    /// Also what was deleted: marked items, free pages, remains in unused space
    ///
    /// Of two remains that stand together it is often not known which one is the key. The text
    /// has them as key and value as is most likely, and the end says how many they are; with
    /// --json they are called "first" and "second", in the order in which they stand in the file.
    #[arg(long)]
    deleted: bool,

    /// One line of JSON for each record, with where it was found and how far to trust it
    #[arg(long, conflicts_with = "print")]
    json: bool,

    /// The page size: a power of two from 512 to 65536
    #[arg(long, value_name = "BYTES", value_parser = page_size)]
    page_size: Option<PageSize>,

    /// The file is big-endian
    #[arg(long, conflicts_with = "little_endian")]
    big_endian: bool,

    /// The file is little-endian
    #[arg(long)]
    little_endian: bool,

    /// Write to a file instead of standard output
    #[arg(short = 'f', value_name = "OUT")]
    output: Option<PathBuf>,

    /// The file, or - for standard input
    file: PathBuf,
}

fn page_size(text: &str) -> Result<PageSize, String> {
    let size = text.parse().ok().and_then(PageSize::new);
    size.ok_or_else(|| "not a power of two from 512 to 65536".to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let path = &arguments.file;
    let mut salvage = open(path)?.deleted(arguments.deleted);
    if let Some(size) = arguments.page_size {
        salvage = salvage.page_size(size);
    }
    if arguments.big_endian {
        salvage = salvage.byte_order(Endianness::Big);
    } else if arguments.little_endian {
        salvage = salvage.byte_order(Endianness::Little);
    }
    let survey = survey(&salvage, path)?;
    let mut output = Output::open(arguments.output.as_deref(), path)?;
    if !arguments.json {
        let report = write(path, &survey, dump::Writer::new().print(arguments.print), output)?;
        let outcome = outcome(path, &survey, &report);
        complain(about(path, summary(&report)));
        let loading = Loading::of(&survey, &report);
        complain(about(path, format_args!("load it with: {loading} ({})", loading.why())));
        return Ok(outcome);
    }
    let bar = progress::written(output.terminal);
    let mut out = bar.wrap_write(&mut output);
    let file = crate::json::name(path);
    let mut records = survey.records();
    for record in records.by_ref() {
        json::write(&file, &record, &mut out)?;
    }
    out.flush()?;
    bar.finish_and_clear();
    expect_something(path, &survey, records.report())?;
    output.finish()?;
    let outcome = outcome(path, &survey, records.report());
    complain(about(path, summary(records.report())));
    Ok(outcome)
}

/// What `dump -r` and `dump -R` do.
pub(crate) fn dump(
    path: &Path,
    deleted: bool,
    writer: dump::Writer,
    output: Option<&Path>,
) -> Result<Outcome, Failure> {
    let salvage = open(path)?.deleted(deleted);
    let survey = survey(&salvage, path)?;
    let report = write(path, &survey, writer, Output::open(output, path)?)?;
    Ok(outcome(path, &survey, &report))
}

fn open(path: &Path) -> Result<Salvage<'static>, Failure> {
    let options = options(path).map(false);
    options.salvage(real(path)).map_err(|error| Failure::about(path, &error))
}

fn survey<'s>(salvage: &'s Salvage<'_>, path: &Path) -> Result<SalvagedFile<'s>, Failure> {
    salvage.survey().map_err(|error| Failure::plain(path, &error))
}

fn write(
    path: &Path,
    survey: &SalvagedFile<'_>,
    writer: dump::Writer,
    mut output: Output,
) -> Result<SalvageReport, Failure> {
    let bar = progress::written(output.terminal);
    let mut records = survey.records();
    let written = writer.write_salvaged(survey, &mut records, bar.wrap_write(&mut output));
    bar.finish_and_clear();
    written?;
    expect_something(path, survey, records.report())?;
    output.finish()?;
    Ok(records.into_report())
}

/// How many records were found, and where.
fn summary(report: &SalvageReport) -> String {
    let counts = [
        (report.tree, "through trees"),
        (report.orphan, "on pages that nothing leads to"),
        (report.deleted, "marked as deleted"),
        (report.free, "on free pages"),
        (report.unused, "in unused space"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = some.map(|(count, words)| format!("{count} {words}")).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let incomplete = match report.incomplete {
        0 => String::new(),
        count => format!("; {count} incomplete"),
    };
    let undecided = match report.undecided {
        0 => String::new(),
        count => format!("; of {count} it is not known which part is the key"),
    };
    format!("{} records{parts}{incomplete}{undecided}", report.records())
}

/// Fails if neither the file speaks for a database nor a record was found: then there is no
/// output.
fn expect_something(path: &Path, survey: &SalvagedFile<'_>, report: &SalvageReport) -> Result<(), Failure> {
    let geometry = survey.geometry();
    if !geometry.assumed() || report.records() > 0 {
        return Ok(());
    }
    let size = geometry.page_size();
    let message = format!("nothing of Berkeley DB in pages of {size} bytes: no records found");
    Err(Failure::Unsupported(about(path, message)))
}

/// Names what was wrong.
fn outcome(path: &Path, survey: &SalvagedFile<'_>, report: &SalvageReport) -> Outcome {
    let geometry = survey.geometry();
    if !geometry.told() {
        let (size, order) = (geometry.page_size(), geometry.endianness());
        complain(about(
            path,
            format_args!("page 0 does not tell what the file is: read as {order}, in pages of {size} bytes"),
        ));
    }
    if geometry.first_page() != PageNo::META {
        let first = geometry.first_page();
        complain(about(
            path,
            format_args!("the first pages are missing: the first one here says that it is page {first}"),
        ));
    }
    let problems = survey.problems().iter().chain(report.problems());
    problems
        .take(NAMED)
        .for_each(|problem| complain(about(path, hints::damage(problem)).kind(problem.kind())));
    let all =
        u64::try_from(survey.problems().len()).unwrap_or(u64::MAX).saturating_add(report.problem_count());
    let more = all.saturating_sub(u64::try_from(NAMED).unwrap_or(0));
    if more > 0 {
        complain(about(path, format_args!("and {more} more")));
    }
    let sound = all == 0 && geometry.told();
    if report.records() == 0 && !sound {
        complain(about(path, "no records found"));
    }
    Outcome::complete_if(sound)
}
