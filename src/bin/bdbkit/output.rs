//! Where the text of a command goes.

use std::fs;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Failure, about};
use crate::input::real;

/// How much is put together before it is written, in bytes.
const BUFFER: usize = 64 << 10;

/// A number of things.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Standard output, or a file: buffered, and whole only when it is [finished](Output::finish).
pub(crate) struct Output {
    to: To,
    /// Whether a terminal shows it.
    pub(crate) terminal: bool,
}

enum To {
    Stdout(BufWriter<Stdout>),
    /// What is no regular file: a device, a pipe.
    Special(BufWriter<fs::File>),
    /// A file that takes its name when it is whole.
    Fresh {
        draft: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
}

impl Output {
    /// Opens the file `to`, if there is one: never the input itself, under whatever name.
    pub(crate) fn open(to: Option<&Path>, input: &Path) -> Result<Output, Failure> {
        let Some(path) = to else {
            let out = io::stdout();
            let terminal = out.is_terminal();
            return Ok(Output { terminal, to: To::Stdout(BufWriter::with_capacity(BUFFER, out)) });
        };
        if is_same(path, real(input)) {
            return Err(Failure::Usage(about(path, "is the database itself: not overwritten")));
        }
        let to = Output::file(path).map_err(|error| Failure::io(path, &error))?;
        Ok(Output { terminal: false, to })
    }

    /// The same, of several inputs.
    pub(crate) fn of_all(to: Option<&Path>, inputs: &[impl AsRef<Path>]) -> Result<Output, Failure> {
        let input = to.and_then(|to| inputs.iter().map(AsRef::as_ref).find(|input| is_same(to, real(input))));
        Output::open(to, input.unwrap_or(Path::new("")))
    }

    fn file(path: &Path) -> io::Result<To> {
        let old = match fs::metadata(path) {
            Ok(old) if !old.is_file() => {
                let special = fs::OpenOptions::new().write(true).open(path)?;
                return Ok(To::Special(BufWriter::with_capacity(BUFFER, special)));
            }
            Ok(old) => Some(old),
            Err(_) => None,
        };
        // A link stays one: what it leads to is replaced.
        let path = if old.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        let draft = draft(&path, old.as_ref())?;
        Ok(To::Fresh { draft: BufWriter::with_capacity(BUFFER, draft), path })
    }

    /// Ends the output: only now has a file its name, and what had it before is gone.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.to {
            To::Stdout(mut out) => out.flush()?,
            To::Special(mut out) => out.flush()?,
            To::Fresh { draft, path } => {
                let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
                draft.persist(&path).map_err(|error| Failure::Output(about(&path, error.error)))?;
            }
        }
        Ok(())
    }
}

/// A database file that takes its name when it is whole.
pub(crate) struct Fresh {
    draft: NamedTempFile,
    path: PathBuf,
    overwrite: bool,
    /// Whether it takes the place of its input.
    instead: bool,
}

impl Fresh {
    /// Begins a file that is to take the place of its input, with the owner of that.
    pub(crate) fn instead(input: &Path) -> Result<Fresh, Failure> {
        let io = |error: io::Error| Failure::io(input, &error);
        // A link stays one: what it leads to is replaced.
        let path = fs::canonicalize(real(input)).map_err(io)?;
        let old = fs::metadata(&path).map_err(io)?;
        if !old.is_file() {
            return Err(Failure::Refused(about(input, "is no regular file: not replaced")));
        }
        let draft = draft(&path, Some(&old)).map_err(io)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};

            let made = draft.as_file().metadata().map_err(io)?;
            if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
                fchown(draft.as_file(), Some(old.uid()), Some(old.gid())).map_err(io)?;
            }
        }
        Ok(Fresh { draft, path, overwrite: true, instead: true })
    }

    /// Begins a file: never the input itself, under whatever name, nor one that is there, unless it is to
    /// be replaced.
    pub(crate) fn new(path: &Path, input: &Path, overwrite: bool) -> Result<Fresh, Failure> {
        let io = |error: io::Error| Failure::io(path, &error);
        let old = fs::symlink_metadata(path).ok();
        if is_same(real(input), path) {
            return Err(Failure::Usage(about(path, "is the input itself: not overwritten")));
        }
        match &old {
            Some(_) if !overwrite => {
                return Err(Failure::Refused(about(path, "is there already: --overwrite replaces it")));
            }
            Some(old) if !old.is_file() => {
                return Err(Failure::Refused(about(path, "is no regular file: not replaced")));
            }
            _ => {}
        }
        let draft = draft(path, old.as_ref()).map_err(io)?;
        Ok(Fresh { draft, path: path.to_owned(), overwrite, instead: false })
    }

    /// The file, as long as it has no name.
    pub(crate) fn file(&mut self) -> &mut fs::File {
        self.draft.as_file_mut()
    }

    /// Its name until then.
    pub(crate) fn path(&self) -> &Path {
        self.draft.path()
    }

    /// The folder that it is in.
    pub(crate) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Its pages of this size, in words.
    pub(crate) fn pages(&self, size: u32) -> Result<String, Failure> {
        let len = self.draft.as_file().metadata().map_err(|error| Failure::io(&self.path, &error))?.len();
        Ok(counted(len.checked_div(size.into()).unwrap_or(0), "page"))
    }

    /// Gives the file its name, when all of it is on the disk. What it takes the place of gets another
    /// first, if it is to be kept: at no time is there no file.
    pub(crate) fn publish(self, keep: bool) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Output(about(&self.path, error));
        self.draft.as_file().sync_all().map_err(failed)?;
        if self.instead && keep {
            let mut old = self.path.clone().into_os_string();
            old.push(".old");
            let old = PathBuf::from(old);
            fs::hard_link(&self.path, &old).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    Failure::Refused(about(&old, "is there already: move it away"))
                }
                _ => Failure::io(&old, &error),
            })?;
        }
        let named = match self.overwrite {
            true => self.draft.persist(&self.path),
            false => self.draft.persist_noclobber(&self.path),
        };
        named.map_err(|error| Failure::Output(about(&self.path, error.error)))?;
        // Where a folder can be asked to keep its names, it is.
        if let Ok(folder) = fs::File::open(folder(&self.path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Whether two names lead to one file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    same_file::is_same_file(one, other).unwrap_or(false)
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A file beside a place, with the permissions of what is there.
fn draft(path: &Path, old: Option<&fs::Metadata>) -> io::Result<NamedTempFile> {
    let mut draft = tempfile::Builder::new();
    draft.prefix(".bdbkit-").suffix(".tmp");
    permit(&mut draft, old);
    draft.tempfile_in(folder(path))
}

/// Gives a draft the permissions of what it replaces, or those of any new file, before the mask of
/// the process.
#[cfg(unix)]
fn permit(draft: &mut tempfile::Builder<'_, '_>, old: Option<&fs::Metadata>) {
    let new = || std::os::unix::fs::PermissionsExt::from_mode(0o666);
    draft.permissions(old.map_or_else(new, fs::Metadata::permissions));
}

/// Elsewhere a file has the rights that its folder gives.
#[cfg(not(unix))]
fn permit(_: &mut tempfile::Builder<'_, '_>, _: Option<&fs::Metadata>) {}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stdout(out) => out.write(bytes),
            To::Special(out) => out.write(bytes),
            To::Fresh { draft, .. } => draft.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stdout(out) => out.flush(),
            To::Special(out) => out.flush(),
            To::Fresh { draft, .. } => draft.flush(),
        }
    }
}
