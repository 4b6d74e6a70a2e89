//! How far a change has come.

use std::fmt;
use std::path::Path;

/// How far a step has come with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'p> {
    /// The file.
    pub path: &'p Path,
    /// The step.
    pub step: Step,
    /// Pages that are done.
    pub pages: u64,
    /// Pages that the step is about.
    pub total: u64,
}

/// The steps that take time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The old file is checked.
    Check,
    /// The journal of the change is written.
    Journal,
    /// The new file is checked.
    Validate,
}

impl Step {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Step::Check => "checking",
            Step::Journal => "writing the journal",
            Step::Validate => "validating",
        }
    }
}

/// What is called.
type Call<'w> = dyn Fn(Progress<'_>) + Sync + 'w;

/// Who is told, if anybody.
#[derive(Default)]
pub(crate) struct Watch<'w>(Option<Box<Call<'w>>>);

impl<'w> Watch<'w> {
    pub(crate) fn new(call: impl Fn(Progress<'_>) + Sync + 'w) -> Self {
        Watch(Some(Box::new(call)))
    }

    /// A step of a file, from which pages are told.
    pub(crate) fn step<'s>(&'s self, path: &'s Path, step: Step) -> Counter<'s> {
        Counter { watch: self, path, step }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({})", self.0.is_some())
    }
}

/// Tells the pages of one step.
#[derive(Clone, Copy)]
pub struct Counter<'s> {
    watch: &'s Watch<'s>,
    path: &'s Path,
    step: Step,
}

impl Counter<'_> {
    pub(crate) fn pages(&self, pages: u64, total: u64) {
        if let Some(call) = &self.watch.0 {
            call(Progress { path: self.path, step: self.step, pages, total });
        }
    }
}
