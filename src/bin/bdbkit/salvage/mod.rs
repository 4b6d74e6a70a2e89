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
use crate::password::Password;
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
/// HASH and compressed databases, those whose pairs are in partitions beside the file, and those
/// of releases 6 and later, are salvaged, too; of encrypted ones with their password also pages whose
/// code is wrong, each of which is named.
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

    #[command(flatten)]
    password: Password,

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
    arguments.password.set()?;
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
    let partitions = salvage.partitions();
    let (parts, unread) = Part::surveys(&partitions);
    let mut output = Output::open(arguments.output.as_deref(), path)?;
    if !arguments.json {
        let writer = dump::Writer::new().print(arguments.print);
        let reports = write(path, &survey, &parts, writer, output)?;
        let outcome = reports.outcome(path, &survey, &parts).and(unread);
        let report = &reports.main;
        complain(about(path, summary(report)));
        for (Part { path, .. }, report) in parts.iter().zip(&reports.parts) {
            complain(about(path, summary(report)));
        }
        let loading = Loading::of(&survey, report);
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
    let mut reports = Reports { main: records.into_report(), parts: Vec::new() };
    for Part { path, survey } in &parts {
        let (file, mut records) = (crate::json::name(path), survey.records());
        for record in records.by_ref() {
            json::write(&file, &record, &mut out)?;
        }
        reports.parts.push(records.into_report());
    }
    out.flush()?;
    bar.finish_and_clear();
    reports.expect_something(path, &survey)?;
    output.finish()?;
    let outcome = reports.outcome(path, &survey, &parts).and(unread);
    complain(about(path, summary(&reports.main)));
    for (Part { path, .. }, report) in parts.iter().zip(&reports.parts) {
        complain(about(path, summary(report)));
    }
    Ok(outcome)
}

/// A file that holds pairs of a partitioned database.
struct Part<'s> {
    path: &'s Path,
    survey: SalvagedFile<'s>,
}

impl<'s> Part<'s> {
    /// Those that can be surveyed; the others are named.
    fn surveys(found: &'s [(PathBuf, Result<Salvage<'_>, bdbkit::Error>)]) -> (Vec<Part<'s>>, Outcome) {
        let (mut parts, mut outcome) = (Vec::new(), Outcome::Complete);
        for (path, salvage) in found {
            let survey = match salvage {
                Ok(salvage) => salvage.survey().map_err(|error| about(path, error).to_string()),
                Err(error) => Err(error.to_string()),
            };
            match survey {
                Ok(survey) => parts.push(Part { path, survey }),
                Err(message) => {
                    complain(message);
                    outcome = Outcome::Incomplete;
                }
            }
        }
        (parts, outcome)
    }
}

/// What was found in a file and its partitions.
struct Reports {
    main: SalvageReport,
    parts: Vec<SalvageReport>,
}

impl Reports {
    fn outcome(&self, path: &Path, survey: &SalvagedFile<'_>, parts: &[Part<'_>]) -> Outcome {
        let main = outcome(path, survey, &self.main, self.parts.is_empty());
        let parts = parts.iter().zip(&self.parts);
        parts.fold(main, |all, (part, report)| all.and(outcome(part.path, &part.survey, report, true)))
    }

    /// Fails if neither the file speaks for a database nor a record was found: then there is no
    /// output.
    fn expect_something(&self, path: &Path, survey: &SalvagedFile<'_>) -> Result<(), Failure> {
        let geometry = survey.geometry();
        let records = self.parts.iter().chain([&self.main]).any(|report| report.records() > 0);
        if !geometry.assumed() || records {
            return Ok(());
        }
        let size = geometry.page_size();
        let message = format!("nothing of Berkeley DB in pages of {size} bytes: no records found");
        Err(Failure::Unsupported(about(path, message)))
    }
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
    let partitions = salvage.partitions();
    let (parts, unread) = Part::surveys(&partitions);
    let reports = write(path, &survey, &parts, writer, Output::open(output, path)?)?;
    Ok(reports.outcome(path, &survey, &parts).and(unread))
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
    parts: &[Part<'_>],
    writer: dump::Writer,
    mut output: Output,
) -> Result<Reports, Failure> {
    let bar = progress::written(output.terminal);
    let mut records = survey.records();
    let mut others: Vec<_> = parts.iter().map(|part| part.survey.records()).collect();
    let written = writer.write_partitions(survey, &mut records, &mut others, bar.wrap_write(&mut output));
    bar.finish_and_clear();
    written?;
    let parts = others.into_iter().map(|records| records.into_report()).collect();
    let reports = Reports { main: records.into_report(), parts };
    reports.expect_something(path, survey)?;
    output.finish()?;
    Ok(reports)
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

/// Names what was wrong.
fn outcome(path: &Path, survey: &SalvagedFile<'_>, report: &SalvageReport, holds_records: bool) -> Outcome {
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
    if report.records() == 0 && !sound && holds_records {
        complain(about(path, "no records found"));
    }
    Outcome::complete_if(sound)
}
