//! What a recovery reads, by its SHA-256: before, and afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bdbkit::env::Layout;
use bdbkit::{FileKind, ShowName};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Outcome, about, complain};
use crate::hex::hex;
use crate::json;
use crate::log::source::named_as_log;

/// The log files and the databases of an environment.
#[derive(PartialEq, Eq)]
pub(crate) struct Evidence(Vec<Input>);

#[derive(PartialEq, Eq, Serialize)]
struct Input {
    #[serde(serialize_with = "name")]
    file: PathBuf,
    size: u64,
    sha256: String,
}

fn name<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&json::name(path))
}

impl Evidence {
    pub(crate) fn of(layout: &Layout) -> Result<Evidence, Failure> {
        let mut paths: Vec<PathBuf> =
            inside(&layout.logs().path)?.into_iter().filter(|path| named_as_log(path)).collect();
        for folder in layout.data() {
            let databases = inside(&folder.path)?
                .into_iter()
                .filter(|path| matches!(FileKind::at(path), Ok(FileKind::Database(_) | FileKind::Extent)));
            paths.extend(databases);
        }
        paths.sort();
        paths.dedup();
        let read = |file: PathBuf| match digest(&file) {
            Ok((size, sha256)) => Ok(Input { file, size, sha256 }),
            Err(error) => Err(Failure::io(&file, &error)),
        };
        paths.into_iter().map(read).collect::<Result<_, _>>().map(Evidence)
    }

    /// Whether it is now as it was; what is not is told.
    pub(crate) fn stayed(&self, layout: &Layout) -> Result<Outcome, Failure> {
        let now = Evidence::of(layout)?;
        for input in self.0.iter().filter(|input| !now.0.contains(input)) {
            complain(about(&input.file, "somebody has changed it meanwhile"));
        }
        Ok(Outcome::complete_if(now == *self))
    }

    /// As sha256sum writes it, or as JSON.
    pub(crate) fn write(&self, json: bool, out: &mut impl Write) -> io::Result<()> {
        for input in &self.0 {
            match json {
                true => json::line("input", input, out)?,
                false => writeln!(out, "{}  {}", input.sha256, input.file.shown())?,
            }
        }
        Ok(())
    }
}

/// The regular files in a folder.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let entries = entries.map_err(|error| Failure::io(folder, &error))?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect())
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut sum = Sha256::new();
    let size = io::copy(&mut File::open(path)?, &mut sum)?;
    Ok((size, hex(&sum.finalize())))
}
