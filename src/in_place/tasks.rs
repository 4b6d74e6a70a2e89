//! What is to be done to the files on disk, so that they are what recovery found.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::InPlace;
use super::drafts;
use super::error::{InPlaceError, Result, at};
use super::held::Held;
use super::report::{Written, WrittenFile};
use super::sets::Sets;
use crate::access::Database;
use crate::edit::{Backups, Counter, EditError, Refusal, Step, sum_of_sound};
use crate::folder::directory;
use crate::format::meta::LENGTH;
use crate::journal::{
    BoxError, ContentSum, Contents, Disk, DiskFile, Estimate, Facts, JournalError, Operation, Options,
    PageChange, Promise, Set,
};
use crate::meta::{DatabaseKind, FileKind};
use crate::order::Endianness;
use crate::pages::Extents;
use crate::recover::{FileImage, View, ViewFile};
use crate::types::{FileId, Lsn, PageNo, PageSize};

/// Disk space asked for beyond what is known to be needed, in bytes.
const MARGIN: u64 = 1 << 20;
/// Pages of a journal after which somebody is told.
const PAGES_AT_ONCE: u64 = 256;

/// What is to be done to the files of an environment.
pub(super) struct Tasks<'v> {
    changes: Vec<Change<'v>>,
    /// Files that are not there afterwards: their paths, and those without links.
    gone: Vec<(PathBuf, PathBuf)>,
    /// Files that are left as they are, and why.
    pub(super) left_out: Vec<(PathBuf, String)>,
}

/// What is to be done to a file, as a part of a database.
struct Change<'v> {
    path: PathBuf,
    image: FileImage<'v>,
    how: How,
    /// What is true of it afterwards; nothing is known of a file that is no database.
    facts: Option<Facts>,
}

/// How a file gets its new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Pages go through a journal: so many change or are new, or are cut off.
    Pages(u64),
    /// A whole new file takes the place of the old one.
    Replace,
    /// There is none of this name.
    Make,
}

impl<'v> Tasks<'v> {
    /// Compares a view with what is on disk, and checks what would change. A log ends with the record
    /// `end`.
    pub(super) fn of<D: Disk>(run: &InPlace<'_, D>, view: &'v View, end: Lsn) -> Result<Tasks<'v>> {
        let disk = run.disk;
        let mut tasks = Tasks { changes: Vec::new(), gone: Vec::new(), left_out: Vec::new() };
        let (mut standing, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for (file, images) in view.images() {
            let mut changes = Vec::new();
            let mut paths = Vec::new();
            let mut main = None;
            for image in images {
                let path = place(disk, image.path())?;
                if !standing.insert(path.clone()) {
                    let twice = EditError::from(Refusal::Twice);
                    return Err(twice.about(&path).into());
                }
                let kinds = *main.get_or_insert_with(|| Kinds::of(disk, &path, &image));
                let how = how(disk, &path, &image, kinds)?;
                paths.push(path.clone());
                changes.extend(how.map(|how| Change { path, image, how, facts: None }));
            }
            let Some(first) = changes.first() else { continue };
            let path = first.path.clone();
            let sum = match proof(&file, run.watch.step(&path, Step::Check), end) {
                Ok(sum) => sum,
                Err(Unfit::Foreign(highest)) => return Err(InPlaceError::Foreign { path, highest, end }),
                Err(Unfit::Unsound(why)) if run.partial => {
                    // What it is made of stays, too, if it has another name.
                    if let Some(origin) =
                        first.image.origin().map(|origin| place(disk, origin)).transpose()?
                    {
                        kept.insert(origin);
                    }
                    tasks.left_out.push((path, why));
                    continue;
                }
                Err(Unfit::Unsound(why)) => return Err(InPlaceError::Unsound { path, why }),
            };
            for change in &mut changes {
                change.facts = main.flatten().and_then(|kinds| kinds.facts(&change.image, sum));
            }
            tasks.changes.extend(changes);
        }
        let stays =
            |path: &PathBuf| kept.contains(path) || kept.iter().any(|main| Extents::is_beside(main, path));
        for path in view.origins()? {
            if !disk.exists(&path).map_err(at(&path, "looking for it"))? {
                continue;
            }
            let there = place(disk, &path)?;
            let known = tasks.gone.iter().any(|(_, known)| *known == there);
            if !standing.contains(&there) && !stays(&there) && !known {
                tasks.gone.push((path, there));
            }
        }
        Ok(tasks)
    }

    /// The folders of the files that change, all of them among those in which that is allowed. What
    /// becomes of a file is in the folder where it was: else it could be gone from there before it is here.
    pub(super) fn folders<D: Disk>(&self, disk: &D, allowed: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let gone = self.gone.iter().map(|(_, path)| path);
        let paths = self.changes.iter().map(|change| &change.path).chain(gone);
        let folders: BTreeSet<&Path> = paths.map(|path| directory(path)).collect();
        if let Some(folder) = folders.iter().find(|folder| !allowed.iter().any(|allowed| allowed == **folder))
        {
            return Err(InPlaceError::Outside { folder: folder.to_path_buf() });
        }
        for change in self.changes.iter().filter(|_| folders.len() > 1) {
            let Some(origin) = change.image.origin() else { continue };
            let other = place(disk, origin)?;
            if directory(&other) != directory(&change.path) {
                return Err(InPlaceError::Folders { path: change.path.clone(), other });
            }
        }
        Ok(folders.into_iter().map(Path::to_path_buf).collect())
    }

    /// Whether nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.gone.is_empty() && self.left_out.is_empty()
    }

    /// What there will be to tell.
    pub(super) fn written(&self) -> Vec<WrittenFile> {
        let changes = self.changes.iter().map(|change| {
            let what = match change.how {
                How::Pages(pages) => Written::Pages(pages),
                How::Replace => Written::Replaced,
                How::Make => Written::Made,
            };
            WrittenFile { path: change.image.path().to_owned(), what }
        });
        let gone = self.gone.iter().map(|(path, _)| path.clone());
        let gone = gone.map(|path| WrittenFile { path, what: Written::Removed });
        changes.chain(gone).collect()
    }

    /// Writes copies, drafts and journals. No file that counts is touched. Drafts are listed, also if
    /// something fails.
    pub(super) fn plan<'h, D: Disk>(
        &self,
        run: &InPlace<'h, D>,
        held: &'h Held<D::File>,
        sets: &mut Sets<'h, D>,
        backups: &mut Backups<'h, D>,
        drafts: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let disk = run.disk;
        self.have_room(disk)?;
        let old = self.changes.iter().filter(|change| change.how != How::Make).map(|change| &change.path);
        for path in old.chain(self.gone.iter().map(|(_, path)| path)) {
            backups.copy(own(held, path)?, path)?;
        }
        for change in &self.changes {
            let counter = run.watch.step(&change.path, Step::Journal);
            match (change.how, change.facts) {
                (How::Pages(pages), Some(facts)) => {
                    let set = sets.with(&change.path)?;
                    change.journal(own(held, &change.path)?, set, &facts, pages, counter)?;
                }
                (how, _) => {
                    let draft = drafts::write(disk, &change.path, &change.image, change.model(disk, held)?)?;
                    drafts.push(draft.clone());
                    if how == How::Make {
                        sets.with(&change.path)?.make(&draft, &change.path)?;
                    } else {
                        sets.with(&change.path)?.replace(&draft, &change.path)?;
                    }
                }
            }
        }
        self.gone.iter().try_for_each(|(_, path)| Ok(sets.with(path)?.remove(path)?))
    }

    /// Refuses if there is no room for all drafts.
    fn have_room<D: Disk>(&self, disk: &D) -> Result<()> {
        let whole = |change: &&Change<'_>| !matches!(change.how, How::Pages(_));
        let bytes = |change: &Change<'_>| {
            let size = change.image.form().map_or(0, |(size, _)| u64::from(size.get()));
            size.saturating_mul(change.image.pages().into())
        };
        let mut needed = BTreeMap::new();
        for change in self.changes.iter().filter(whole) {
            let (_, all) = needed.entry(directory(&change.path)).or_insert((&change.path, MARGIN));
            *all = all.saturating_add(bytes(change));
        }
        for (folder, (path, needed)) in needed {
            let available = disk.free_space(folder).map_err(at(folder, "asking for free space"))?;
            if available < needed {
                return Err(JournalError::Space { path: path.clone(), needed, available }.into());
            }
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Writes the journal of a file whose pages change.
    fn journal<'h, D: Disk>(
        &self,
        file: &'h D::File,
        set: &mut Set<'h, D>,
        facts: &Facts,
        most: u64,
        counter: Counter<'_>,
    ) -> Result<()> {
        let contents = file.contents().map_err(at(&self.path, "reading"))?;
        let (size, pages) = (facts.page_size, self.image.pages());
        let there = count(&contents, size);
        let mut wanted: BTreeSet<u32> = self.image.changed();
        wanted.extend(there.min(pages)..there.max(pages));
        wanted.remove(&0);
        let estimate = Estimate {
            modified: most.saturating_add(1),
            appended: pages.saturating_sub(there).into(),
            cut: there.saturating_sub(pages).into(),
        };
        let head = PageChange {
            page: PageNo::META,
            before: page(&contents, size, 0).map(Cow::Borrowed),
            after: Some(self.image.page(0).into()),
        };
        let changes = wanted.into_iter().map(|no| PageChange {
            page: PageNo(no),
            before: page(&contents, size, no).map(Cow::Borrowed),
            after: (no < pages).then(|| self.image.page(no).into()),
        });
        let changes = changes.filter(|change| change.before != change.after).chain([head]).zip(0..);
        let changes = changes.map(|(change, done)| {
            if done % PAGES_AT_ONCE == 0 {
                counter.pages(done, most);
            }
            Ok::<_, BoxError>(change)
        });
        Ok(set.write(file, &self.path, facts, estimate, changes)?)
    }

    /// The file whose owner and permissions a new one gets: the one that it replaces, or that it was.
    fn model<'h, D: Disk>(&self, disk: &D, held: &'h Held<D::File>) -> Result<Option<&'h D::File>> {
        if self.how == How::Replace {
            return Ok(held.get(&self.path));
        }
        let Some(origin) = self.image.origin() else { return Ok(None) };
        Ok(held.get(&place(disk, origin)?))
    }
}

/// A file that was locked before: one that was not was no database then.
fn own<'h, F>(held: &'h Held<F>, path: &Path) -> Result<&'h F> {
    held.get(path).ok_or_else(|| InPlaceError::Changed { path: path.to_owned() })
}

/// What a main file is on disk, and what it will be.
#[derive(Clone, Copy)]
struct Kinds {
    before: Kind,
    after: Kind,
}

/// What a journal says of a main file.
#[derive(Clone, Copy)]
struct Kind {
    order: Endianness,
    version: u8,
    page_size: PageSize,
    id: FileId,
}

impl Kind {
    /// Of a database that can be checked by its bytes alone. Pages that are encrypted look different
    /// each time: whoever finds a journal of such could not tell one that was written from one that was not.
    fn of(kind: &DatabaseKind) -> Option<Kind> {
        if kind.encrypted || kind.partitions.is_some() {
            return None;
        }
        Some(Kind {
            order: kind.order,
            version: u8::try_from(kind.version).ok()?,
            page_size: kind.page_size?,
            id: kind.file_id?,
        })
    }
}

impl Kinds {
    /// Of a main file; `None` if a journal cannot be written for it.
    fn of<D: Disk>(disk: &D, path: &Path, image: &FileImage<'_>) -> Option<Kinds> {
        let contents = disk.read(path).ok()?;
        // Whoever finds the journal must find a database in the old file.
        Database::from_bytes(&contents[..]).ok()?;
        let before = Kind::of(FileKind::of(&contents).database()?)?;
        let after = Kind::of(FileKind::of(&image.page(0)).database()?)?;
        (before.page_size == after.page_size).then_some(Kinds { before, after })
    }

    /// What the journal of a file says: of the main file, or of an extent.
    fn facts(self, image: &FileImage<'_>, sum: Option<ContentSum>) -> Option<Facts> {
        let extent = image.extent().is_some();
        let options = Options { extent, ..Options::default() };
        let promise = if extent { Promise::SoundOnly } else { Promise::Pairs(sum?) };
        Some(Facts {
            operation: Operation::Recover,
            source_order: self.before.order,
            target_order: self.after.order,
            source_version: self.before.version,
            target_version: self.after.version,
            page_size: self.after.page_size,
            options,
            new_uid: self.after.id,
            promise,
        })
    }
}

/// Where a file stands, or will stand, without links.
fn place<D: Disk>(disk: &D, path: &Path) -> Result<PathBuf> {
    if disk.exists(path).map_err(at(path, "looking for it"))? {
        return disk.resolve(path).map_err(at(path, "resolving"));
    }
    let folder = directory(path);
    let folder = disk.resolve(folder).map_err(at(folder, "resolving"))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// How a file gets its new content; `None` if it has it already.
fn how<D: Disk>(disk: &D, path: &Path, image: &FileImage<'_>, kinds: Option<Kinds>) -> Result<Option<How>> {
    if !disk.exists(path).map_err(at(path, "looking for it"))? {
        return Ok(Some(How::Make));
    }
    if !image.is_in_place() {
        return Ok(Some(How::Replace));
    }
    let Some((size, _)) = image.form() else { return Ok(None) };
    let contents = disk.read(path).map_err(at(path, "reading"))?;
    let (there, pages) = (count(&contents, size), image.pages());
    let differs = |no: &u32| !page(&contents, size, *no).is_some_and(|page| image.holds(page, *no));
    let both = image.changed().into_iter().filter(|no| *no < there.min(pages)).filter(differs).count();
    let changed = u64::from(there.abs_diff(pages)).saturating_add(u64::try_from(both).unwrap_or(u64::MAX));
    if changed == 0 {
        return Ok(None);
    }
    let whole = contents.len().checked_rem(size.bytes()) == Some(0);
    let same_rest = || {
        let before = page(&contents, size, 0).and_then(|page| page.get(LENGTH..));
        before.is_some() && before == image.page(0).get(LENGTH..)
    };
    let journaled = kinds.is_some_and(|kinds| kinds.after.page_size == size);
    Ok(Some(if journaled && whole && pages > 0 && same_rest() { How::Pages(changed) } else { How::Replace }))
}

/// Number of whole pages.
fn count(contents: &Contents, size: PageSize) -> u32 {
    u32::try_from(contents.len().checked_div(size.bytes()).unwrap_or(0)).unwrap_or(u32::MAX)
}

fn page(contents: &[u8], size: PageSize, no: u32) -> Option<&[u8]> {
    let start = usize::try_from(no).ok()?.checked_mul(size.bytes())?;
    contents.get(start..)?.get(..size.bytes())
}

/// Why a file is not fit to be written.
enum Unfit {
    Foreign(Lsn),
    Unsound(String),
}

/// Checks a file as it would be, and adds up what it holds; `None` for one that is no database, or not
/// without others.
fn proof(
    file: &ViewFile<'_>,
    counter: Counter<'_>,
    end: Lsn,
) -> std::result::Result<Option<ContentSum>, Unfit> {
    let file = file.open();
    if file.kind().database().is_none_or(|kind| kind.partitions.is_some()) {
        return Ok(None);
    }
    let unsound = |why: &dyn ToString| Unfit::Unsound(why.to_string());
    let db = file.database().map_err(|error| unsound(&error))?;
    let highest = db.highest_lsn();
    if highest > end {
        return Err(Unfit::Foreign(highest));
    }
    sum_of_sound(&db, counter).map(Some).map_err(|error| match error {
        EditError::Validation { what } => Unfit::Unsound(what),
        error => unsound(&error),
    })
}
