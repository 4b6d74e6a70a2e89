//! `bdbkit carve`: files in an image of a disk.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bdbkit::carve::{Carve, CarveError, CarveProgress, CarvedFile, CarvedKind, CarvedLog, Part, Piece};
use bdbkit::verify::{Severity, Verdict, Verify};
use bdbkit::{DatabaseKind, Method, OpenOptions};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Outcome, about, complain};
use crate::hex::hex;
use crate::hints;
use crate::input::options;
use crate::json::{self, Order};
use crate::output::counted;
use crate::password::Password;
use crate::progress;

/// How many pieces and missing pages of a file are named; the rest are counted.
const NAMED: usize = 8;

/// The longest file that --check checks in memory, in bytes.
const IN_MEMORY: u64 = 256 << 20;

/// Find database and log files in an image of a disk, a device or a dump of memory
///
/// Searches at every 512 bytes, whatever file system there was, for pages of databases of all versions,
/// and for logs. Pages say which number they have in their file: so files are put together that lie
/// in one piece, in fragments, or between each other; what is missing is left as a hole and told.
/// Each file is checked as verify does. Says for each where it lay in the image, its SHA-256, what it is,
/// and: whole; ambiguous (pages of it could be those of another file); holes; damaged; unchecked
/// (no password, or too long for --check); pages (the first page was not found); log (as far as its
/// records follow each other). What is not whole is for salvage. The image is only read. Exits with 1
/// if nothing was found, or not all of it is whole.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Arguments {
    /// Write the files into this folder: one that is empty, or is made
    #[arg(short, long, value_name = "DIR", group = "what")]
    output: Option<PathBuf>,

    /// Tell what is there, and write nothing
    #[arg(long, group = "what")]
    check: bool,

    #[command(flatten)]
    password: Password,

    /// One JSON object for each file, and one for the image
    #[arg(long)]
    json: bool,

    /// The image, or a device
    image: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.password.set()?;
    let path = &arguments.image;
    let failed = |error: io::Error| Failure::io(path, &error);
    let mut image = File::open(path).map_err(failed)?;
    if image.metadata().map_err(failed)?.is_dir() {
        let message = "is a folder: carve searches an image of a disk, or a device";
        return Err(Failure::Usage(about(path, message)));
    }
    if let Some(folder) = &arguments.output {
        empty(folder)?;
    }
    let bar = progress::bytes(false);
    bar.set_length(image.seek(SeekFrom::End(0)).map_err(failed)?);
    let search = Carve::new().progress(|CarveProgress { searched, .. }| bar.set_position(searched));
    let carved = search.run(&mut image).map_err(|error| trouble(path, error))?;
    bar.finish_and_clear();

    let mut out = io::stdout().lock();
    let mut summary = Summary { image: json::name(path), size: carved.len(), ..Summary::default() };
    for (number, file) in (1..).zip(carved.files()) {
        let name = name(number, file);
        let to = arguments.output.as_deref().map(|folder| folder.join(&name));
        let bytes = Bytes::of(file, &mut image, to.as_deref()).map_err(|error| trouble(path, error))?;
        let checked = Checked::of(file, to.as_deref(), bytes.memory);
        let found = Found::of(file, &name, to.as_deref(), bytes.sha256, &checked);
        summary.count(checked.state);
        match arguments.json {
            true => json::line("carved", &found, &mut out)?,
            false => found.print(&mut out)?,
        }
    }
    match arguments.json {
        true => json::line("carve", &summary, &mut out)?,
        false => summary.print(&mut out)?,
    }
    out.flush()?;
    if summary.files_found == 0 {
        complain(about(path, "no database or log file found"));
    }
    Ok(Outcome::complete_if(
        summary.files_found > 0 && summary.files_found == summary.whole.saturating_add(summary.logs_found),
    ))
}

fn trouble(path: &Path, error: CarveError) -> Failure {
    match error {
        CarveError::Write(error) => error.into(),
        CarveError::Read { .. } => Failure::Message(about(path, error).kind(bdbkit::ErrorKind::Io)),
        other => Failure::Message(about(path, other)),
    }
}

/// Makes a folder, unless it is there and empty.
fn empty(folder: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io(folder, &error);
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Failure::Refused(about(folder, "is not empty: nothing is written into it"))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(folder).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// The name of a file that was found: of its number and of what it is, and nothing of what the image
/// says in words.
fn name(number: u64, file: &CarvedFile) -> String {
    let what = match file.kind() {
        CarvedKind::Database(DatabaseKind { method, file_id: Some(id), .. }) => {
            format!("{}-{id}.db", method.name())
        }
        CarvedKind::Database(DatabaseKind { method, .. }) => format!("{}.db", method.name()),
        CarvedKind::Series1 { method, .. } => format!("{}-1x.db", method.name()),
        CarvedKind::Loose { method } => {
            let method = method.map_or("some", Method::name);
            format!("{method}-pages-from-{}.db", file.first_page())
        }
        CarvedKind::Log(CarvedLog { number: Some(number), .. }) => format!("log.{number:010}"),
        _ => "log".to_owned(),
    };
    format!("{number:04}-{what}")
}

/// The bytes of a file, on their way.
struct Bytes {
    sha256: String,
    /// All of them, if they are not written and not too many.
    memory: Option<Vec<u8>>,
}

impl Bytes {
    fn of(file: &CarvedFile, image: &mut File, to: Option<&Path>) -> Result<Bytes, CarveError> {
        let mut hash = Sha256::new();
        let create = |path: &Path| File::options().write(true).create_new(true).open(path);
        let mut draft = to.map(create).transpose().map_err(CarveError::Write)?;
        let mut memory = (draft.is_none() && file.len() <= IN_MEMORY).then(Vec::new);
        let zeros = [0; 4096];
        file.read(image, |part| match part {
            Part::Bytes(bytes) => {
                hash.update(bytes);
                if let Some(memory) = &mut memory {
                    memory.extend_from_slice(bytes);
                }
                draft.as_mut().map_or(Ok(()), |draft| draft.write_all(bytes))
            }
            Part::Hole(len) => {
                let mut left = len;
                while let Some(zeros) = zeros.get(..usize::try_from(left).unwrap_or(4096).min(4096)) {
                    if zeros.is_empty() {
                        break;
                    }
                    hash.update(zeros);
                    if let Some(memory) = &mut memory {
                        memory.extend_from_slice(zeros);
                    }
                    left = left.saturating_sub(u64::try_from(zeros.len()).unwrap_or(left));
                }
                let step = SeekFrom::Current(i64::try_from(len).unwrap_or(i64::MAX));
                draft.as_mut().map_or(Ok(()), |draft| draft.seek(step).map(drop))
            }
        })?;
        if let Some(draft) = draft {
            draft.set_len(file.len()).map_err(CarveError::Write)?;
        }
        Ok(Bytes { sha256: hex(&hash.finalize()), memory })
    }
}

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Ambiguous,
    Holes,
    Damaged,
    Unchecked,
    Pages,
    Log,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Whole => "whole",
            State::Ambiguous => "ambiguous",
            State::Holes => "holes",
            State::Damaged => "damaged",
            State::Unchecked => "unchecked",
            State::Pages => "pages",
            State::Log => "log",
        }
    }
}

/// The verdict on a file.
struct Checked {
    state: State,
    verdict: Option<Verdict>,
}

impl Checked {
    fn of(file: &CarvedFile, path: Option<&Path>, memory: Option<Vec<u8>>) -> Checked {
        let alone = match file.kind() {
            CarvedKind::Log(_) => Some(State::Log),
            CarvedKind::Loose { .. } => Some(State::Pages),
            _ => None,
        };
        if let Some(state) = alone {
            return Checked { state, verdict: None };
        }
        let verify = match (path, memory) {
            (Some(path), _) => options(path).verify(path).ok(),
            (None, Some(bytes)) => {
                let options =
                    crate::password::known().into_iter().fold(OpenOptions::new(), OpenOptions::password);
                Some(Verify::new(&options.file_from_bytes(bytes)))
            }
            (None, None) => None,
        };
        let verdict = verify.filter(|verify| verify.refusal().is_none()).map(Verify::run);
        let sound =
            verdict.as_ref().map(|verdict| verdict.worst() < Some(Severity::Error) && verdict.complete());
        let state = match sound {
            _ if file.missing_count() > 0 => State::Holes,
            None => State::Unchecked,
            Some(false) => State::Damaged,
            Some(true) if file.ambiguous() > 0 => State::Ambiguous,
            Some(true) => State::Whole,
        };
        Checked { state, verdict }
    }
}

/// A file that was found, for programs.
#[derive(Serialize)]
struct Found {
    file: String,
    verdict: &'static str,
    kind: &'static str,
    method: Option<&'static str>,
    version: Option<u32>,
    byte_order: Order,
    page_size: Option<u32>,
    file_id: Option<String>,
    encrypted: bool,
    size: u64,
    sha256: String,
    first_page: u32,
    pages_found: u64,
    pages_blank: u64,
    pages_unlike: u64,
    pages_ambiguous: u64,
    pages_missing: u64,
    missing_pages: Vec<Range>,
    pieces: Vec<InImage>,
    log_number: Option<u32>,
    log_records: Option<u64>,
    errors: Option<usize>,
    warnings: Option<usize>,
    salvage: Option<String>,
}

/// Pages that were not found.
#[derive(Serialize)]
struct Range {
    first_page: u32,
    last_page: u32,
}

/// Bytes that lie in the image in one piece.
#[derive(Serialize)]
struct InImage {
    image_offset: u64,
    offset: u64,
    length: u64,
}

impl Found {
    fn of(file: &CarvedFile, name: &str, to: Option<&Path>, sha256: String, checked: &Checked) -> Found {
        let Checked { state, verdict } = checked;
        let database = if let CarvedKind::Database(database) = file.kind() { Some(database) } else { None };
        let log = if let CarvedKind::Log(log) = file.kind() { Some(log) } else { None };
        let (kind, method, version) = match file.kind() {
            CarvedKind::Database(database) => ("database", Some(database.method), Some(database.version)),
            CarvedKind::Series1 { method, version } => ("database", Some(*method), Some(*version)),
            CarvedKind::Loose { method } => ("pages", *method, None),
            _ => ("log", None, log.and_then(|log| log.version)),
        };
        let count = |severity| verdict.as_ref().map(|verdict| verdict.count(severity));
        let lost = matches!(state, State::Ambiguous | State::Holes | State::Damaged | State::Pages);
        let missing =
            file.missing().iter().map(|pages| Range { first_page: *pages.start(), last_page: *pages.end() });
        let piece =
            |&Piece { at, to, len, .. }: &Piece| InImage { image_offset: at, offset: to, length: len };
        Found {
            file: to.map_or_else(|| name.to_owned(), json::name),
            verdict: state.word(),
            kind,
            method: method.map(Method::name),
            version,
            byte_order: Order(file.endianness()),
            page_size: file.page_size(),
            file_id: database.and_then(|database| database.file_id).map(|id| id.to_string()),
            encrypted: database.is_some_and(|database| database.encrypted)
                || log.is_some_and(|log| log.encrypted),
            size: file.len(),
            sha256,
            first_page: file.first_page().0,
            pages_found: file.found(),
            pages_blank: file.blank(),
            pages_unlike: file.unlike(),
            pages_ambiguous: file.ambiguous(),
            pages_missing: file.missing_count(),
            missing_pages: missing.collect(),
            pieces: file.pieces().iter().map(piece).collect(),
            log_number: log.and_then(|log| log.number),
            log_records: log.map(|log| log.records),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            salvage: to.filter(|_| lost).map(|path| {
                let size = file.page_size().filter(|_| kind == "pages");
                hints::salvage(path, size.map(|size| (size, file.endianness())))
            }),
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let method = self.method.unwrap_or(self.kind);
        let version = self.version.map(|version| format!(" {version}")).unwrap_or_default();
        let encrypted = if self.encrypted { ", encrypted" } else { "" };
        let size = self.page_size.map(|size| format!(", pages of {size} bytes")).unwrap_or_default();
        let Found { file, verdict, byte_order, .. } = self;
        writeln!(out, "{file}: {verdict}: {method}{version}, {}{encrypted}{size}", byte_order.0)?;
        writeln!(out, "  {} bytes, sha256 {}", self.size, self.sha256)?;
        let what = match self.log_records {
            Some(records) => counted(records, "record"),
            None => self.pages(),
        };
        writeln!(out, "  {what}")?;
        for piece in self.pieces.iter().take(NAMED) {
            let InImage { image_offset, offset, length } = piece;
            writeln!(out, "  image {image_offset}: {length} bytes, from byte {offset} of the file on")?;
        }
        if let Some(more) = self.pieces.len().checked_sub(NAMED).filter(|more| *more > 0) {
            writeln!(out, "  and {more} more pieces: see --json")?;
        }
        self.salvage.iter().try_for_each(|command| writeln!(out, "  {command}"))
    }

    /// How many pages of which sort there are.
    fn pages(&self) -> String {
        let sorts = [
            (self.pages_blank, "blank"),
            (self.pages_unlike, "unlike any"),
            (self.pages_ambiguous, "ambiguous"),
            (self.pages_missing, "missing"),
        ];
        let some =
            sorts.iter().filter(|(count, _)| *count > 0).map(|(count, sort)| format!(", {count} {sort}"));
        let mut text = counted(self.pages_found, "page") + &some.collect::<String>();
        if !self.missing_pages.is_empty() {
            let named =
                self.missing_pages.iter().take(NAMED).map(|Range { first_page: first, last_page: last }| {
                    match first == last {
                        true => first.to_string(),
                        false => format!("{first}-{last}"),
                    }
                });
            let more = if self.missing_pages.len() > NAMED { ", …" } else { "" };
            text += &format!(" ({}{more})", named.collect::<Vec<_>>().join(", "));
        }
        text
    }
}

/// What was found in an image, for programs.
#[derive(Default, Serialize)]
struct Summary {
    image: String,
    size: u64,
    files_found: u64,
    whole: u64,
    ambiguous: u64,
    holes: u64,
    damaged: u64,
    unchecked: u64,
    loose: u64,
    logs_found: u64,
}

impl Summary {
    fn count(&mut self, state: State) {
        let place = match state {
            State::Whole => &mut self.whole,
            State::Ambiguous => &mut self.ambiguous,
            State::Holes => &mut self.holes,
            State::Damaged => &mut self.damaged,
            State::Unchecked => &mut self.unchecked,
            State::Pages => &mut self.loose,
            State::Log => &mut self.logs_found,
        };
        *place = place.saturating_add(1);
        self.files_found = self.files_found.saturating_add(1);
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let counts = [
            (self.whole, "whole"),
            (self.ambiguous, "ambiguous"),
            (self.holes, "with holes"),
            (self.damaged, "damaged"),
            (self.unchecked, "unchecked"),
            (self.loose, "without a first page"),
            (self.logs_found, "logs"),
        ];
        let some =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let all = some.collect::<Vec<_>>().join(", ");
        let colon = if all.is_empty() { "" } else { ": " };
        writeln!(out, "{}: {}{colon}{all}", self.image, counted(self.files_found, "file"))
    }
}
