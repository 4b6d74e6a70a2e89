//! Step 7 → 8: metadata pages once more, and chains of off-page duplicates become trees
//! (upgrade, "Step 7 → 8").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::duplicates::Chains;
use super::profile::Profile;
use crate::edit::{Draft, Reason, Refusal, Result};
use crate::format::item::{self, DELETED, DUPLICATE};
use crate::format::meta::{BTREE_MAGIC, Field, Layout};
use crate::format::page::{Page, PageKind};
use crate::types::PageNo;

/// Bytes of a metadata page that the step may change.
const CHANGED: usize = 92;

/// Flags: a key may have several values; they are sorted.
const DUP: u32 = 0x01;
const DUPSORT: u32 = 0x40;

/// Brings metadata pages and off-page duplicates into the form of version 8.
pub(super) fn apply<O: ByteOrder>(
    draft: &mut Draft<'_>,
    databases: &Databases,
    profile: Profile,
) -> Result<()> {
    let order = draft.pages().order();
    for (no, sorted) in databases.metadata_with_order() {
        let image = draft.image(no).unwrap_or_default();
        let Some(old) = image.first_chunk::<CHANGED>() else { continue };
        let Some([from, to]) = layouts() else { continue };
        let flags = from.number(old, Field::Flags, order).unwrap_or(0);
        let mark = sorted && (profile.is_genuine() || flags & DUP != 0);
        let flags = flags | if mark { DUPSORT } else { 0 };
        let mut new = *old;
        // Where release 3.0 has flags and the id, the header of 3.1 has numbers.
        for field in [Field::LastPgno, Field::Nparts, Field::KeyCount, Field::RecordCount] {
            to.put(&mut new, field, order, 0);
        }
        to.carry(&mut new, &from, old);
        to.put(&mut new, Field::Version, order, 8);
        to.put(&mut new, Field::Flags, order, flags);
        draft.replace(no, 0, &new, Reason::Metadata);
    }
    chains::<O>(draft, databases, profile)
}

/// The layouts before and after the step.
fn layouts() -> Option<[Layout; 2]> {
    Some([Layout::of(BTREE_MAGIC, 7)?, Layout::of(BTREE_MAGIC, 8)?])
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
        if PageKind::from_byte(page.type_byte()) != Some(PageKind::BtreeLeaf) {
            continue;
        }
        // The genuine tools go by the type of a page, whether anything leads to it or not.
        let sorted = match databases.sorted(no) {
            Some(sorted) => sorted,
            None if profile.is_genuine() => databases.sorted_by_default(),
            None => continue,
        };
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
