//! `bdbkit map`: a picture of a file, page by page.

mod html;
mod text;
mod writers;

use std::path::{Path, PathBuf};

use bdbkit::page_map::{Cell, PageMap};
use bdbkit::verify::{Finding, Severity, Verdict, Verify, VerifyProgress};
use bdbkit::{Database, PageKind};

use crate::failure::{Failure, Outcome};
use crate::input::open;
use crate::output::{Output, counted};
use crate::password::Password;
use crate::progress;

/// The most findings that a picture shows.
const FINDINGS: usize = 10_000;

/// Draw a file page by page: what each page is, how full, whose, and what is wrong with it
///
/// In the terminal each page is a character; of a file with more pages than fit, each stands for
/// several that follow each other. With -o it is one HTML page that needs nothing but itself, with the
/// header, the items and the bytes of pages, links to follow, and the findings of a check: the bytes of
/// pages with findings, and of the first ones, 8 MiB altogether; headers of 65536 pages. The file
/// is only read. Exits with 1 if there is an error in it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write one page of HTML
    #[arg(short, long, value_name = "OUT.html")]
    output: Option<PathBuf>,

    /// Show to which database each page belongs, not of what kind it is
    #[arg(long, conflicts_with = "output")]
    owners: bool,

    /// A folder of log files: tell which record changed each page last
    #[arg(long, value_name = "DIR", requires = "output")]
    log: Option<PathBuf>,

    #[command(flatten)]
    password: Password,

    /// The database file
    file: PathBuf,
}

/// A file, and what a check found in it.
struct Picture<'p> {
    path: &'p Path,
    db: &'p Database<'p>,
    map: PageMap<'p, 'p>,
    verdict: Verdict,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let path = &arguments.file;
    let db = open(path)?;
    let bar = progress::pages(path);
    let verify = Verify::new(&db).at_most(FINDINGS).progress(|VerifyProgress { pages, total, .. }| {
        bar.set_length(total);
        bar.set_position(pages);
    });
    let verdict = verify.run();
    bar.finish_and_clear();
    let picture = Picture { path, db: &db, map: PageMap::of(&db), verdict };
    let mut out = Output::open(arguments.output.as_deref(), path)?;
    match &arguments.output {
        Some(_) => html::write(&picture, arguments.log.as_deref(), &mut out)?,
        None => text::write(&picture, arguments.owners, &mut out)?,
    }
    out.finish()?;
    let sound = picture.verdict.worst() < Some(Severity::Error);
    Ok(Outcome::complete_if(sound && picture.verdict.complete()))
}

impl Picture<'_> {
    /// The worst that was found on each page where there is anything, by page.
    fn worst(&self) -> Vec<(u32, Severity)> {
        let mut worst: Vec<(u32, Severity)> = Vec::new();
        for Finding { page, severity, .. } in self.findings() {
            match worst.last_mut() {
                Some((last, known)) if *last == page.0 => *known = (*known).max(*severity),
                _ => worst.push((page.0, *severity)),
            }
        }
        worst
    }

    /// What was found in the file itself, by page.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.verdict.findings().iter().filter(|finding| finding.partition.is_none())
    }

    /// The file in a few words.
    fn summary(&self) -> String {
        let meta = self.db.meta();
        let pages = counted(u64::try_from(self.map.cells().len()).unwrap_or(0), "page");
        let size = meta.page_size();
        let databases = match self.map.databases().len() {
            0 | 1 => String::new(),
            all => format!(", {} databases", all.saturating_sub(1)),
        };
        format!(
            "{} {}, {}, {} of {size} bytes{databases}",
            meta.method().name(),
            meta.version(),
            meta.endianness(),
            pages
        )
    }

    /// The name of a database, as it is shown.
    fn database(&self, number: usize) -> String {
        use bdbkit::ShowName;

        match self.map.databases().get(number).map(|database| &database.name) {
            Some(Some(name)) => name.shown().to_string(),
            Some(None) if self.map.databases().len() > 1 => "the list of databases".to_owned(),
            _ => "the database".to_owned(),
        }
    }
}

/// What a page is, in words.
fn name(cell: &Cell) -> &'static str {
    match cell.kind {
        _ if cell.unwritten => "never written",
        Some(kind) => kind.name(),
        None => "of unknown type",
    }
}

/// The character of a kind of page.
fn character(cell: &Cell) -> char {
    match cell.kind {
        _ if cell.unwritten => '_',
        None => '?',
        Some(kind) => match kind {
            PageKind::Invalid => '.',
            PageKind::BtreeMeta | PageKind::HashMeta | PageKind::QueueMeta | PageKind::HeapMeta => 'M',
            PageKind::BtreeInternal | PageKind::RecnoInternal => 'I',
            PageKind::BtreeLeaf => 'L',
            PageKind::RecnoLeaf => 'R',
            PageKind::Duplicate | PageKind::DuplicateLeaf => 'D',
            PageKind::Overflow => 'O',
            PageKind::Hash | PageKind::HashUnsorted => 'H',
            PageKind::QueueData => 'Q',
            PageKind::Heap => 'P',
            PageKind::HeapRegion => 'G',
            _ => '?',
        },
    }
}
