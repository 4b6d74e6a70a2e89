//! `bdbkit verify`: whether database files are sound.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::ShowName;
use bdbkit::verify::{Finding, Severity, Verdict, Verify, VerifyProgress};
use serde::Serialize;

use crate::beside::Beside;
use crate::colour;
use crate::failure::{Failure, Outcome};
use crate::files::{Candidate, What, candidates, none_in, refused};
use crate::genuine::Genuine;
use crate::input::{options, real};
use crate::json;
use crate::output::counted;
use crate::password::Password;
use crate::progress;
use crate::recovered::{self, Environment, Recovered};

/// Check whether files are sound
///
/// Checks every invariant of the format: metadata, free list, trees, order of keys,
/// counts, overflow chains, checksums, and that every page has its place. Prints one
/// line for each thing that is wrong, and a summary; habits of old releases are told
/// from damage. Of a folder every file gets a line: judged, not judged and why, or no
/// database. Reads the whole file and writes nothing. Exits with 1 if there is an error, if not
/// all of a file was checked, or if a database of a folder cannot be judged.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Do not check the order of keys: for databases with a comparison of their own
    #[arg(short = 'o', long)]
    no_order: bool,

    /// Print nothing but the summaries of files that are not sound
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    genuine: Genuine,

    #[command(flatten)]
    password: Password,

    #[command(flatten)]
    recovered: Recovered,

    #[command(flatten)]
    beside: Beside,

    /// Stop after this many findings in a file
    #[arg(long, value_name = "N")]
    max: Option<usize>,

    /// How many threads share the work (default: as many as the machine has)
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// One JSON object a line: each finding, and each file's summary
    #[arg(long)]
    json: bool,

    /// Database files, folders: then all database files in them, or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let mut out = io::stdout().lock();
    let mut all = Outcome::Complete;
    for path in &arguments.files {
        let path = arguments.genuine.file(path);
        let one = arguments.all_of(&path, &mut out);
        all = all.and(one.or_else(|failure| failure.survive(arguments.json.then_some(&mut out)))?);
    }
    out.flush()?;
    Ok(all)
}

impl Arguments {
    /// Checks the file, or all files of the folder.
    fn all_of(&self, path: &Path, out: &mut impl Write) -> Result<Outcome, Failure> {
        let (mut all, mut some) = (Outcome::Complete, false);
        let mut found = Vec::new();
        let home = self.genuine.home().or(path.is_dir().then_some(path));
        let environment = self.recovered.environment(path, home, &self.beside)?;
        let environment = environment.as_ref();
        if let Some(environment) = environment {
            all = all.and(environment.outcome());
        }
        if path.is_dir() {
            for folder in self.beside.folders(path) {
                found.extend(candidates(&folder)?);
            }
        } else {
            found = candidates(path)?;
        }
        if let Some(environment) = environment.filter(|_| path.is_dir()) {
            found.retain(|candidate| !environment.view().removes(&candidate.path));
            for file in environment.view().files() {
                let path = path.join(file.name());
                if !path.exists() {
                    found.push(Candidate { path, what: What::Database });
                }
            }
        }
        for Candidate { path, what } in found {
            some |= !matches!(what, What::Other(_));
            let one = match what {
                What::Database => {
                    let one = self.check(&path, environment, out);
                    one.or_else(|failure| failure.survive(self.json.then_some(&mut *out)))?
                }
                What::Unjudged(why) => {
                    self.passed_over(&path, Some(&why), &why, out)?;
                    Outcome::Incomplete
                }
                What::Other(what) => {
                    if !self.quiet {
                        self.passed_over(&path, None, &what, out)?;
                    }
                    Outcome::Complete
                }
            };
            all = all.and(one);
        }
        if some { Ok(all) } else { Err(none_in(path)) }
    }

    /// Says of a file that it was not checked.
    fn passed_over(
        &self,
        path: &Path,
        unjudged: Option<&str>,
        text: &str,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let file = path.shown().to_string();
        if self.json {
            let line = PassedOver { file: &file, is_database: unjudged.is_some(), message: text };
            return json::line("not_judged", &line, out);
        }
        let verdict = if unjudged.is_some() { "NOT JUDGED: " } else { "no database: " };
        writeln!(out, "{file}: {verdict}{text}")
    }

    /// Checks one file and prints what was found.
    fn check(
        &self,
        path: &Path,
        environment: Option<&Environment>,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let file = recovered::file(environment, path)?;
        let verify = match &file {
            Some(file) => Verify::new(&file.open()),
            None => options(real(path)).verify(real(path)).map_err(|error| Failure::about(path, &error))?,
        };
        if let Some(error) = verify.refusal() {
            return Err(refused(path, error));
        }
        let bar = progress::pages(path);
        let verify =
            verify.check_order(!self.no_order).progress(|VerifyProgress { pages, total, .. }| {
                bar.set_length(total);
                bar.set_position(pages);
            });
        let verify = self.max.into_iter().fold(verify, Verify::at_most);
        let verify = self.threads.into_iter().fold(verify, Verify::threads);
        let verdict = verify.run();
        bar.finish_and_clear();

        self.print(path, &verdict, out)?;
        let json = self.json.then_some(out);
        let beside = match environment {
            Some(_) => self.beside.tell_of_recovered(path, json)?,
            None => self.beside.tell(path, self.genuine.home(), json)?,
        };
        let sound = verdict.complete() && verdict.worst() < Some(Severity::Error);
        Ok(Outcome::complete_if(sound).and(beside))
    }

    fn print(&self, path: &Path, verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
        let file = path.shown().to_string();
        let findings = verdict.findings().iter().filter(|_| !self.quiet);
        for finding in findings {
            if self.json {
                json::line("finding", &Found::of(&file, finding), out)?;
            } else {
                let (severity, finding) = (finding.severity, finding.to_string());
                let rest = finding.strip_prefix(severity.name()).unwrap_or_default();
                writeln!(out, "{file}: {}{rest}", colour::out(severity.name(), colour::of(severity)))?;
            }
        }
        let count = |severity| verdict.count(severity);
        let summary = Summary {
            file: &file,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            complete: verdict.complete(),
        };
        let order = verdict.findings().iter().any(|finding| finding.rule.is_of_order());
        match (self.json, self.quiet && verdict.complete() && summary.errors == 0) {
            (true, _) => return json::line("verdict", &summary, out),
            (false, true) => return Ok(()),
            (false, false) => summary.print(out)?,
        }
        if order && !self.quiet {
            writeln!(out, "{file}: if this database has an order of its own, check it with -o")?;
        }
        Ok(())
    }
}

/// A finding, for programs.
#[derive(Serialize)]
struct Found<'a> {
    file: &'a str,
    severity: &'static str,
    code: &'static str,
    /// The file, if it is a partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<String>,
    database: Option<String>,
    page: u32,
    page_offset: usize,
    message: &'a str,
}

impl<'a> Found<'a> {
    fn of(file: &'a str, finding: &'a Finding) -> Found<'a> {
        Found {
            file,
            severity: finding.severity.name(),
            code: finding.rule.id(),
            partition: finding.partition.as_deref().map(json::name),
            database: finding.database.as_deref().map(json::raw_name),
            page: finding.page.0,
            page_offset: finding.offset,
            message: &finding.text,
        }
    }
}

/// A file of a folder that was not checked.
#[derive(Serialize)]
struct PassedOver<'a> {
    file: &'a str,
    /// Whether it is a database, or may be one.
    is_database: bool,
    message: &'a str,
}

/// How a file came off.
#[derive(Serialize)]
struct Summary<'a> {
    file: &'a str,
    errors: usize,
    warnings: usize,
    notes: usize,
    complete: bool,
}

impl Summary<'_> {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Summary { file, errors, warnings, notes, complete } = *self;
        let rest = if complete { "" } else { "; not all of the file was checked" };
        if (errors, warnings, notes) == (0, 0, 0) && complete {
            return writeln!(out, "{file}: {}", colour::out("sound", colour::SOUND));
        }
        let several = |n: usize, what| counted(u64::try_from(n).unwrap_or(u64::MAX), what);
        let (errors, warnings, notes) =
            (several(errors, "error"), several(warnings, "warning"), several(notes, "note"));
        writeln!(out, "{file}: {errors}, {warnings}, {notes}{rest}")
    }
}
