//! Step 7 → 8 of BTREE, 6 → 7 of HASH: metadata pages once more, and chains of off-page
//! duplicates become trees (upgrade, "Step 7 → 8").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::duplicates::Chains;
use super::profile::Profile;
use crate::edit::{Draft, Reason, Refusal, Result};
use crate::format::hash;
use crate::format::item::{self, DELETED, DUPLICATE, OFFDUP, OFFDUP_LEN};
use crate::format::meta::{BTREE_MAGIC, Field, HASH_MAGIC, Layout};
use crate::format::page::{Page, PageKind};
use crate::method::Method;
use crate::types::PageNo;

/// What the step does to the metadata of an access method.
struct Metadata {
    /// Bytes of a metadata page that it may change.
    changed: usize,
    /// The layouts before and afterwards, and the version that is then written.
    from: Layout,
    to: Layout,
    version: u32,
    /// The flag that duplicates are sorted.
    sorted: u32,
}

/// Flags of both access methods: a key may have several values.
const DUP: u32 = 0x01;

/// Brings metadata pages and off-page duplicates into the form of version 8.
pub(super) fn apply<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    profile: Profile,
) -> Result<()> {
    for known in databases.with_chains() {
        let is_hash = known.meta().method() == Method::Hash;
        if let Some(metadata) = if is_hash { Metadata::of_hash() } else { Metadata::of_btree() } {
            metadata.apply(draft, known.meta().page(), known.is_sorted(), profile);
        }
    }
    chains::<O>(draft, databases, profile)
}

impl Metadata {
    fn of_btree() -> Option<Metadata> {
        let (from, to) = (Layout::of(BTREE_MAGIC, 7)?, Layout::of(BTREE_MAGIC, 8)?);
        Some(Metadata { changed: 92, from, to, version: 8, sorted: 0x40 })
    }

    /// HASH 6 → 7 (upgrade-other, "6 → 7: every page of type 8, by type byte").
    fn of_hash() -> Option<Metadata> {
        let (from, to) = (Layout::of(HASH_MAGIC, 6)?, Layout::of(HASH_MAGIC, 7)?);
        Some(Metadata { changed: 224, from, to, version: 7, sorted: 0x04 })
    }

    /// Brings a metadata page into the new form.
    fn apply(&self, draft: &mut Draft<'_>, no: PageNo, sorted: bool, profile: Profile) {
        let (order, Metadata { from, to, .. }) = (draft.pages().order(), self);
        let image = draft.image(no).unwrap_or_default();
        let Some(old) = image.get(..self.changed) else { return };
        let flags = from.number(old, Field::Flags, order).unwrap_or(0);
        let mark = sorted && (profile.is_genuine() || flags & DUP != 0);
        let flags = flags | if mark { self.sorted } else { 0 };
        let mut new = old.to_vec();
        // Where release 3.0 has flags and the id, the header of 3.1 has numbers.
        for field in [Field::LastPgno, Field::Nparts, Field::KeyCount, Field::RecordCount] {
            to.put(&mut new, field, order, 0);
        }
        to.carry(&mut new, from, old);
        to.put(&mut new, Field::Version, order, self.version);
        to.put(&mut new, Field::Flags, order, flags);
        draft.replace(no, 0, &new, Reason::Metadata);
    }
}

/// Converts the chains that leaves lead to, page by page in the order of the file.
fn chains<O: ByteOrder>(draft: &mut Draft<'_>, databases: &Databases, profile: Profile) -> Result<()> {
    if !databases.may_have_chains() {
        return Ok(());
    }
    let pages = draft.pages();
    let chains = Chains::new(profile);
    for no in (1..pages.count()).map(PageNo) {
        let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
        let kind = PageKind::from_byte(page.type_byte());
        let in_bucket = kind == Some(PageKind::HashUnsorted);
        if kind != Some(PageKind::BtreeLeaf) && !in_bucket {
            continue;
        }
        // The genuine tools go by the type of a page, whether anything leads to it or not.
        let sorted = match databases.owner(no) {
            Some(known) if known.has_chains() => known.is_sorted(),
            Some(_) => continue,
            None if profile.is_genuine() => databases.sorted_by_default(),
            None => continue,
        };
        if in_bucket {
            // The genuine tools say that those of a HASH are sorted, but do not take them so.
            bucket::<O>(draft, &chains, no, &page, sorted && !profile.is_genuine())?;
            continue;
        }
        for slot in (1..page.entries()).step_by(2) {
            let (offset, item) = page.item(pages.overhead(), slot).unwrap_or_default();
            if item::type_byte(item).is_none_or(|kind| kind & !DELETED != DUPLICATE) {
                continue;
            }
            let at = offset.saturating_add(4);
            let Some((head, _)) = item::reference::<O>(item) else {
                return Err(
                    Refusal::Chain { page: no, offset: at, why: "the item ends beyond the page" }.into()
                );
            };
            let root = chains.convert::<O>(draft, PageNo(head), sorted, (no, at))?;
            draft.replace_u32(no, at, root.0, Reason::DuplicateRoot);
        }
    }
    Ok(())
}

/// Converts the chains that a page of a bucket leads to (upgrade-other, "6 → 7: every page of
/// type 2, by type byte").
fn bucket<O: ByteOrder>(
    draft: &mut Draft<'_>,
    chains: &Chains,
    no: PageNo,
    page: &Page<'_, O>,
    sorted: bool,
) -> Result<()> {
    for slot in (1..page.entries()).step_by(2) {
        let Some((offset, item)) = hash::item(page, draft.pages().overhead(), slot) else { continue };
        if item.first() != Some(&OFFDUP) {
            continue;
        }
        let at = offset.saturating_add(4);
        let Some(head) = item.last_chunk::<4>().filter(|_| item.len() == OFFDUP_LEN) else {
            return Err(Refusal::Chain { page: no, offset: at, why: "the item has another length" }.into());
        };
        let root = chains.convert::<O>(draft, PageNo(O::read_u32(head)), sorted, (no, at))?;
        draft.replace_u32(no, at, root.0, Reason::DuplicateRoot);
    }
    Ok(())
}
