//! How far reading a store has come.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How far a survey or a listing has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreProgress<'p> {
    /// What is read now.
    pub file: &'p Path,
    /// So many bytes of files were read before it.
    pub done: u64,
    /// So many bytes are to be read in all.
    pub total: u64,
}

/// Whom to tell.
#[derive(Clone, Default)]
pub(super) struct Tell(Option<Arc<Listener>>);

type Listener = dyn Fn(StoreProgress<'_>) + Send + Sync;

impl Tell {
    pub(super) fn new(tell: impl Fn(StoreProgress<'_>) + Send + Sync + 'static) -> Tell {
        Tell(Some(Arc::new(tell)))
    }

    /// A measure of the files that are to be read, some of them several times.
    pub(super) fn measure<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p PathBuf>,
        times: u64,
    ) -> Measure<'_> {
        // Nobody asks: nothing is looked up.
        let files = paths.into_iter().filter(|_| self.0.is_some());
        let total = files.map(|path| size(path)).fold(0, u64::saturating_add).saturating_mul(times);
        Measure { tell: self, done: 0, total }
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tell").field(&self.0.is_some()).finish()
    }
}

/// What is done and what is to be done.
pub(super) struct Measure<'t> {
    tell: &'t Tell,
    done: u64,
    total: u64,
}

impl Measure<'_> {
    /// Tells that a file is read now, once.
    pub(super) fn next(&mut self, file: &Path) {
        if let Some(tell) = &self.tell.0 {
            tell(StoreProgress { file, done: self.done, total: self.total });
            self.done = self.done.saturating_add(size(file)).min(self.total);
        }
    }
}

fn size(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}
