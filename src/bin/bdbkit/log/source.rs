//! Which logs a command reads, and how their errors name them.

use std::path::{Path, PathBuf};

use bdbkit::env::Layout;
use bdbkit::log::{Behind, DirRecords, LogDir, LogError, LogOptions, Tail};
use bdbkit::{ErrorKind, Lsn};

use crate::failure::{Failure, Outcome, Told, about};
use crate::input::{log_options, real};
use crate::password::Password;
use crate::places::{self, Logs};

/// The arguments that all commands on logs have.
#[derive(clap::Args)]
pub(crate) struct Source {
    #[command(flatten)]
    password: Password,

    /// The home of the environment, as for db_printlog
    #[arg(short = 'h', long, value_name = "HOME", conflicts_with = "paths")]
    home: Option<PathBuf>,

    #[command(flatten)]
    logs: Logs,

    /// Folders of environments, whose DB_CONFIG is followed, or log files, or - for
    /// standard input
    #[arg(required_unless_present = "home", value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

impl Source {
    /// What was named.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Does something with each log, or with what keeps it from being opened: that does not keep
    /// the others from being read.
    pub(crate) fn each(
        &self,
        mut work: impl FnMut(Result<Log, Failure>) -> Result<Outcome, Failure>,
    ) -> Result<Outcome, Failure> {
        self.password.set()?;
        let options = log_options();
        let mut all = Outcome::Complete;
        let paths: Vec<PathBuf> = self.home.iter().chain(&self.paths).cloned().collect();
        for group in groups(&paths) {
            all = all.and(work(group.open(&options, Some(&self.logs)))?);
        }
        Ok(all)
    }
}

/// What a log, or a file of it, is refused for.
pub(crate) fn log_failure(path: &Path, error: &LogError) -> Failure {
    Failure::Message(of_log(path, error))
}

/// A message about a log, or a file of it. Some errors name it already.
pub(crate) fn of_log(path: &Path, error: &LogError) -> Told {
    let told = match error {
        LogError::Open { .. } | LogError::File { .. } | LogError::NoLogs { .. } => {
            Told::new(Some(path), error.to_string())
        }
        _ => about(path, error),
    };
    kind(error).into_iter().fold(told, Told::kind)
}

/// What kind of error it is, as of a database.
fn kind(error: &LogError) -> Option<ErrorKind> {
    Some(match error {
        LogError::File { source, .. } => return kind(source),
        LogError::Open { .. } => ErrorKind::Io,
        LogError::Version { .. } => ErrorKind::Unsupported,
        LogError::Memory { .. } => ErrorKind::Limit,
        LogError::NoLogs { .. } | LogError::NotALog { .. } | LogError::Encrypted | LogError::Password => {
            return None;
        }
        _ => ErrorKind::Damaged,
    })
}

/// Paths that are one log.
enum Group {
    Folder(PathBuf),
    Files(Vec<PathBuf>),
}

/// Each folder is a log; log files of the same folder are one, so that `DIR/log.*` is.
fn groups(paths: &[PathBuf]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for path in paths {
        let path = real(path);
        if path.is_dir() {
            groups.push(Group::Folder(path.to_owned()));
            continue;
        }
        let together = groups.iter_mut().find_map(|group| match group {
            Group::Files(files) => files.first().is_some_and(|first| siblings(first, path)).then_some(files),
            Group::Folder(_) => None,
        });
        match together {
            Some(files) => files.push(path.to_owned()),
            None => groups.push(Group::Files(vec![path.to_owned()])),
        }
    }
    groups
}

/// Whether two paths are log files of one folder. A file with another name tells
/// nothing about its place in a log.
fn siblings(a: &Path, b: &Path) -> bool {
    named_as_log(a) && named_as_log(b) && a.parent() == b.parent()
}

/// Whether a file has the name of a log file: `log.` and ten digits.
pub(crate) fn named_as_log(path: &Path) -> bool {
    let digits = path.file_name().and_then(|name| name.to_str()?.strip_prefix("log."));
    digits.is_some_and(|digits| digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Group {
    fn open(&self, options: &LogOptions, logs: Option<&Logs>) -> Result<Log, Failure> {
        let (path, dir, complete) = match self {
            Group::Folder(path) => {
                let layout = logs.map_or_else(|| Layout::of(path), |logs| logs.layout(path));
                let complete = places::complete(&layout);
                places::note(&layout);
                let folder = &layout.logs().path;
                let dir = options.open_dir(folder).map_err(|error| log_failure(folder, &error))?;
                (path.clone(), dir, complete)
            }
            Group::Files(_) if logs.is_some_and(Logs::is_named) => {
                let message = "--log-dir says where the log of a folder is: name the folder, not log files";
                return Err(Failure::Usage(message.into()));
            }
            Group::Files(files) => {
                let dir = options.open_files(files);
                let path = match files.as_slice() {
                    [file] => file.as_path(),
                    _ if dir.path() == Path::new("") => Path::new("."),
                    _ => dir.path(),
                };
                (path.to_owned(), dir, true)
            }
        };
        Ok(Log { path, dir, placed: Outcome::complete_if(complete) })
    }
}

/// The log in a folder, or in some files of one.
pub(crate) struct Log {
    path: PathBuf,
    pub(crate) dir: LogDir,
    /// Whether it is known where the log is.
    pub(crate) placed: Outcome,
}

impl Log {
    /// The log at a path.
    pub(crate) fn at(path: &Path, logs: &Logs) -> Result<Log, Failure> {
        let path = real(path);
        let group =
            if path.is_dir() { Group::Folder(path.to_owned()) } else { Group::Files(vec![path.to_owned()]) };
        group.open(&log_options(), Some(logs))
    }

    /// The log in one file.
    pub(crate) fn of_file(path: &Path, options: &LogOptions) -> Result<Log, Failure> {
        Group::Files(vec![path.to_owned()]).open(options, None)
    }

    /// A log of which no file can be opened is none; usually all have the same reason.
    pub(crate) fn readable(&self) -> Result<(), Failure> {
        if self.dir.log_files().any(|file| file.log().is_ok()) {
            return Ok(());
        }
        let first = self.dir.log_files().find_map(|file| Some((file.path(), file.log().err()?)));
        let Some((path, error)) = first else {
            return Err(Failure::Message(about(&self.path, "no log files")));
        };
        let count = self.dir.log_files().len();
        let others =
            if count > 1 { format!(" (none of {count} log files can be read)") } else { String::new() };
        Err(Failure::Message(of_log(path, error).and(&others)))
    }

    /// How the log is called: as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The records in their order, also those behind the end if they are wanted.
    pub(crate) fn records(&self, past_end: bool) -> DirRecords<'_> {
        let records = self.dir.records();
        if past_end { records.past_end() } else { records }
    }

    /// Whether records are printed by what earlier ones tell of their databases: from
    /// version 17 on.
    pub(crate) fn prints_by_databases(&self) -> bool {
        self.dir.log_files().any(|file| file.log().is_ok_and(|log| log.version() >= 17))
    }

    /// How the log ends. Only its last file can tell, read forward.
    pub(crate) fn tail(&self, past_end: bool) -> Option<Tail> {
        let last = self.dir.log_files().rfind(|file| file.log().is_ok())?;
        let mut records = self.records(past_end).from(Lsn { file: last.number(), offset: 0 });
        records.by_ref().for_each(drop);
        records.tail()
    }

    /// A note on how the log ends, if not as a writer leaves it. A damaged record that
    /// others follow was an error already.
    pub(crate) fn note(&self, tail: Tail) -> Option<Told> {
        let note = match tail.behind {
            _ if tail.is_clean() => return None,
            Some(Behind { lsn, follows: true, .. }) => {
                format!("note: the records behind it go on at {lsn}: --past-end reads them")
            }
            _ => format!("note: {tail}"),
        };
        Some(self.about(tail.lsn, note))
    }

    /// A message about a place in the log, which names its file.
    pub(crate) fn about(&self, lsn: Lsn, message: impl std::fmt::Display) -> Told {
        let file = self.dir.log_files().find(|file| file.number() == lsn.file);
        about(file.map_or(self.path(), |file| file.path()), message)
    }

    /// A message about an error, which names the file or the folder.
    pub(crate) fn message(&self, error: &LogError) -> Told {
        let named = matches!(error, LogError::Open { .. } | LogError::File { .. } | LogError::NoLogs { .. });
        match self.place(error).filter(|_| !named) {
            Some(lsn) => self.about(lsn, error),
            None => of_log(self.path(), error),
        }
    }

    /// The part of the log that an error concerns.
    pub(crate) fn span(&self, error: &LogError) -> Option<(Lsn, Lsn)> {
        let start = self.place(error)?;
        let last = match error {
            LogError::Gap { next, .. } => Lsn { file: next.saturating_sub(1), offset: u32::MAX },
            LogError::File { .. } => Lsn { offset: u32::MAX, ..start },
            _ => start,
        };
        Some((start, last))
    }

    /// Where in the log an error was met.
    pub(crate) fn place(&self, error: &LogError) -> Option<Lsn> {
        match error {
            LogError::Damaged { lsn, .. }
            | LogError::NoRecord { lsn, .. }
            | LogError::Chain { lsn, .. }
            | LogError::Inconsistent { lsn, .. }
            | LogError::Memory { lsn, .. } => Some(*lsn),
            LogError::Unjoined { last, .. } => Some(*last),
            LogError::Gap { after, .. } => Some(Lsn { file: after.saturating_add(1), offset: 0 }),
            LogError::File { path, .. } => {
                let file = self.dir.log_files().find(|file| file.path() == path)?;
                Some(Lsn { file: file.number(), offset: 0 })
            }
            _ => None,
        }
    }
}
