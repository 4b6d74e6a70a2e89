//! Database and log files in what is none: an image of a disk, a device, a dump of memory.
//!
//! ```
//! use bdbkit::carve::Carve;
//!
//! let mut image = vec![7; 1536];
//! image.extend(std::fs::read("testdata/btree-v9-le-levels/data.db")?);
//! let mut image = std::io::Cursor::new(image);
//! let carved = Carve::new().run(&mut image)?;
//! let [file] = carved.files() else { panic!("there is one") };
//! assert_eq!((file.pieces()[0].at, file.is_whole()), (1536, true));
//! let mut bytes = Vec::new();
//! file.write(&mut image, &mut bytes)?;
//! # assert_eq!(bytes, std::fs::read("testdata/btree-v9-le-levels/data.db")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file may lie in one piece or in fragments. Each page says which number it has; pages whose
//! numbers rise with their offsets are one fragment, and a first page says how large pages are. So
//! nothing is needed of the file system, and nothing of it is read.
//!
//! It is one pass over the image, and then what was found is looked at. Memory does not depend on the
//! length of the image, nor on numbers in it: a sector that looks like a page costs some hundred
//! bytes while files are put together; in an image in which each one does, that is less than
//! [`Carve::MEMORY`] bytes for each byte of the image.

mod carved;
mod drafts;
mod error;
mod finish;
mod image;
mod logs;
mod reach;
mod runs;
mod scan;
mod series1;
mod sighting;

pub use carved::{CarvedFile, CarvedKind, Part, Piece};
pub use error::CarveError;
pub use logs::CarvedLog;

use std::io::{Read, Seek};

use self::drafts::Drafts;
use self::finish::Claims;
use self::image::Image;
use self::runs::Runs;
use self::scan::Scan;

/// How far an image has been searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarveProgress {
    /// Bytes that have been read.
    pub searched: u64,
}

/// A search for files in an image.
#[derive(Default)]
pub struct Carve<'c> {
    progress: Option<Box<dyn Fn(CarveProgress) + 'c>>,
}

impl std::fmt::Debug for Carve<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carve").finish_non_exhaustive()
    }
}

impl<'c> Carve<'c> {
    /// The most bytes of memory that are taken for each byte of an image, with 2 MiB besides.
    pub const MEMORY: usize = 2;

    /// A search for all that can be found.
    #[must_use]
    pub fn new() -> Self {
        Carve::default()
    }

    /// Calls `call` while the image is read.
    #[must_use]
    pub fn progress(mut self, call: impl Fn(CarveProgress) + 'c) -> Self {
        self.progress = Some(Box::new(call));
        self
    }

    /// Searches an image from its start to its end.
    ///
    /// # Errors
    ///
    /// [`CarveError::Read`], if the image cannot be read, [`CarveError::TooMany`], if more of it
    /// looks like pages than can be counted.
    pub fn run(&self, image: &mut (impl Read + Seek)) -> Result<Carved, CarveError> {
        let silent = |_| {};
        let progress: &dyn Fn(CarveProgress) = self.progress.as_deref().unwrap_or(&silent);
        let Scan { len, mut sightings, logs, series1 } = Scan::of(image, progress)?;
        let mut image = Image::new(image, len);
        let mut files = Vec::new();
        let mut end = 0;
        for at in logs {
            if at < end {
                continue;
            }
            if let Some((log, len)) = logs::find(&mut image, at)? {
                end = at.saturating_add(len);
                let order = log.order;
                files.push(CarvedFile::in_one_piece(CarvedKind::Log(log), order, at, len));
            }
        }
        end = 0;
        for at in series1 {
            if at < end {
                continue;
            }
            if let Some(file) = series1::find(&mut image, at)? {
                end = at.saturating_add(file.len());
                files.push(file);
            }
        }
        let pieces: Vec<Piece> = {
            let mut pieces: Vec<Piece> = files.iter().flat_map(|file| file.pieces()).copied().collect();
            pieces.sort_unstable_by_key(|piece| piece.at);
            pieces
        };
        sightings.retain(|sighting| {
            let behind = pieces.partition_point(|piece| piece.at <= sighting.at);
            let before = behind.checked_sub(1).and_then(|before| pieces.get(before));
            before.is_none_or(|piece| piece.at.saturating_add(piece.len) <= sighting.at)
        });
        let runs = Runs::of(sightings);
        let drafts = Drafts::of(&runs, &mut image)?;
        let claims = Claims::of(&drafts, &runs);
        for draft in &drafts {
            files.extend(finish::finish(draft, &runs, &claims, &mut image)?);
        }
        files.sort_by_key(|file| file.pieces().first().map_or(0, |piece| piece.at));
        Ok(Carved { len, files })
    }
}

/// What was found in an image.
#[derive(Clone, Debug)]
pub struct Carved {
    len: u64,
    files: Vec<CarvedFile>,
}

impl Carved {
    /// Length of the image in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // an image may be empty
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The files, by where they begin in the image.
    #[must_use]
    pub fn files(&self) -> &[CarvedFile] {
        &self.files
    }
}
