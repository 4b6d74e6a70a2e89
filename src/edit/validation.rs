//! Whether the new file is what was planned (upgrade, "Validation").

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::error::EditError;
use super::progress::{Counter, Step, Watch};
use super::soundness;
use crate::error::{Error, file_bytes};
use crate::journal::{BoxError, ContentSum, Contents, Facts, Operation, Promise};
use crate::meta::{self, FileKind, Meta};
use crate::order::Endianness;
use crate::pages::{File, OpenOptions};
use crate::types::PageNo;

/// What is known of files before they change.
#[derive(Debug)]
pub(super) struct Validation {
    /// How files are opened.
    options: OpenOptions<'static>,
    /// The metadata of files of which nothing but page 0 changes.
    heads: BTreeMap<PathBuf, Meta>,
}

impl Validation {
    pub(super) fn new(options: OpenOptions<'static>) -> Validation {
        Validation { options, heads: BTreeMap::new() }
    }

    /// Only page 0 of a file changes, which has this metadata.
    pub(super) fn only_head(&mut self, path: PathBuf, before: Meta) {
        self.heads.insert(path, before);
    }

    /// Checks the new file.
    pub(super) fn check(
        &self,
        path: &Path,
        contents: &[u8],
        facts: &Facts,
        watch: &Watch<'_>,
    ) -> Result<(), BoxError> {
        match self.heads.get(path) {
            Some(before) => head(contents, facts, before),
            None => whole(contents, facts, watch.step(path, Step::Validate), self.options),
        }
    }
}

fn invalid(what: String) -> BoxError {
    EditError::Validation { what }.into()
}

/// Whether a plan leads to a sound file with the pairs that it had before: what is checked
/// again when it was carried out. Pages that change are in memory for that, no more than so many
/// bytes of them: beyond that nothing is checked.
pub(super) fn plan(
    draft: &Draft<'_>,
    facts: &Facts,
    most: u64,
    counter: Counter<'_>,
    options: OpenOptions<'static>,
) -> Result<(), EditError> {
    let checked = if draft.is_empty() {
        Ok(())
    } else if draft.is_head_only() && !facts.options.extent && facts.operation != Operation::Repair {
        head(&draft.image(PageNo::META).unwrap_or_default(), facts, draft.pages().meta())
    } else if file_bytes(draft.modified().saturating_add(draft.appended()), draft.pages().size()) <= most {
        let options = options.unsummed(facts.options.sums_left);
        sound(&File::over(&draft.over(), options), facts, counter, options)
    } else {
        Ok(())
    };
    checked.map_err(failed)
}

/// What a check says, as an error of the change.
pub(super) fn failed(error: BoxError) -> EditError {
    match error.downcast::<EditError>() {
        Ok(error) => *error,
        Err(error) => EditError::Validation { what: error.to_string() },
    }
}

/// Whether a file is sound, and has the pairs that were promised.
pub(crate) fn whole(
    contents: &[u8],
    facts: &Facts,
    counter: Counter<'_>,
    options: OpenOptions<'static>,
) -> Result<(), BoxError> {
    let options = options.unsummed(facts.options.sums_left);
    sound(&options.file_from_bytes(contents), facts, counter, options)
}

/// Whether an extent of a QUEUE has the records that it had.
fn extent(contents: &[u8], facts: &Facts, options: OpenOptions<'_>) -> Result<(), BoxError> {
    let records = ContentSum::of_extent(contents, facts.page_size, options);
    facts.promise.content().map_or(Ok(()), |promised| same(&records, &promised))
}

fn sound(
    file: &File<'_>,
    facts: &Facts,
    counter: Counter<'_>,
    options: OpenOptions<'_>,
) -> Result<(), BoxError> {
    if facts.options.extent {
        return extent(file.bytes()?, facts, options);
    }
    let db = match file.database() {
        // The records of a QUEUE with extents are looked at there; of it only page 0 changes, which is right.
        Err(Error::NoFolder) => return of_kind(file.kind(), facts.target_order, facts.target_version),
        opened => opened?,
    };
    of_order(db.meta(), facts.target_order)?;
    let genuine = facts.options.genuine_8a || facts.options.genuine_8b;
    let check = || soundness::first_error(&db, genuine, counter);
    let promised = facts.promise.content();
    let (error, content) = ContentSum::beside(&db, promised.is_some(), check);
    if let Some(error) = error {
        return Err(invalid(error));
    }
    match (content.transpose()?, promised) {
        (Some(found), Some(promised)) => same(&found, &promised),
        _ => Ok(()),
    }
}

/// Whether what a journal has as the old file is that: it has the pairs that the journal says.
/// If only page 0 changed, it leads to them as the page does that is there now. What was to
/// change on purpose is not known to the journal: then it is a database.
pub(super) fn old(
    contents: &[u8],
    facts: &Facts,
    now: impl FnOnce() -> Option<Contents>,
    options: OpenOptions<'static>,
) -> Result<(), BoxError> {
    if facts.options.extent {
        return extent(contents, facts, options);
    }
    let (db, kind) = (|| options.from_bytes(contents), FileKind::of(contents));
    match facts.promise {
        Promise::SamePairs(before) => match db() {
            Err(Error::NoFolder) => of_kind(&kind, facts.source_order, facts.source_version),
            opened => same(&ContentSum::of(&opened?)?, &before),
        },
        Promise::OnlyPageZero => {
            // The pages of a QUEUE may be in other files.
            let (before, now) = (meta::parse(&kind, contents)?, now());
            let now = now.as_deref().and_then(|now| meta::parse(&FileKind::of(now), now).ok());
            of_order(&before, facts.source_order)?;
            match now.filter(|now| !before.leads_as(now)) {
                Some(_) => Err(invalid("page 0 leads elsewhere than that of the new file".to_owned())),
                None => Ok(()),
            }
        }
        Promise::Pairs(_) | Promise::SoundOnly => Ok(db().map(drop)?),
    }
}

/// Whether a file has the pairs that it must have.
fn same(found: &ContentSum, promised: &ContentSum) -> Result<(), BoxError> {
    if found == promised {
        return Ok(());
    }
    Err(invalid(format!("{} pairs, of which some are not those of before", found.pairs)))
}

/// Whether page 0 is right. All other pages were checked and read before, and stay as they
/// are; so do the pairs, if page 0 leads to them as it did.
pub(super) fn head(contents: &[u8], facts: &Facts, before: &Meta) -> Result<(), BoxError> {
    let meta = meta::parse(&FileKind::of(contents), contents)?;
    of_version(&meta, facts)?;
    if meta.leads_as(before) {
        return Ok(());
    }
    Err(invalid("page 0 leads elsewhere than before".to_owned()))
}

/// Whether page 0 has the version and the byte order that were planned.
fn of_version(meta: &Meta, facts: &Facts) -> Result<(), BoxError> {
    of_order(meta, facts.target_order)?;
    if meta.version() == u32::from(facts.target_version) {
        return Ok(());
    }
    Err(invalid(format!("page 0 says version {}", meta.version())))
}

/// Whether a file has the version and the byte order that it must have, by what stands in the clear.
fn of_kind(kind: &FileKind, order: Endianness, version: u8) -> Result<(), BoxError> {
    match kind.database() {
        Some(kind) if (kind.order, kind.version) == (order, version.into()) => Ok(()),
        _ => Err(invalid("page 0 is another than it must be".to_owned())),
    }
}

fn of_order(meta: &Meta, planned: Endianness) -> Result<(), BoxError> {
    if meta.endianness() == planned {
        return Ok(());
    }
    Err(invalid(format!("page 0 is {}", meta.endianness())))
}
