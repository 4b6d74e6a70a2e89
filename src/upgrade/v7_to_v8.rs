//! Step 7 → 8: metadata pages once more, and chains of off-page duplicates become trees
//! (upgrade, "Step 7 → 8").

use byteorder::ByteOrder;

use super::databases::Databases;
use super::draft::{Draft, Reason};
use super::duplicates::Chains;
use super::error::{Refusal, Result};
use super::profile::Profile;
use crate::format::item::{self, DELETED, DUPLICATE};
use crate::format::page::{Page, PageKind, slot_offset};
use crate::order::Endianness;
use crate::types::PageNo;

/// Bytes of a metadata page that the step may change.
const LENGTH: usize = 92;

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
        let Some(old) = image.first_chunk::<LENGTH>() else { continue };
        let flags = order.u32_at(old, 32).unwrap_or(0);
        let mark = sorted && (profile.is_genuine() || flags & DUP != 0);
        let flags = flags | if mark { DUPSORT } else { 0 };
        draft.replace(no, 0, &metadata(old, order, flags), Reason::Metadata);
    }
    chains::<O>(draft, databases, profile)
}

/// The first bytes of a metadata page in the form of version 8.
fn metadata(old: &[u8; LENGTH], order: Endianness, flags: u32) -> [u8; LENGTH] {
    let mut new = *old;
    let mut put = |at: usize, bytes: &[u8]| {
        new.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
    };
    let field = |at: usize, len: usize| old.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default();
    put(32, &[0; 16]); // last_pgno, nparts, key_count, record_count
    put(52, field(36, 20)); // uid
    put(72, field(56, 16)); // maxkey, minkey, re_len, re_pad
    put(88, field(72, 4)); // root
    order.put_u32(&mut new, 16, 8);
    order.put_u32(&mut new, 48, flags);
    new
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
            let index = slot_offset(pages.overhead(), slot);
            let offset = page.bytes().get(index..).and_then(|rest| rest.first_chunk::<2>());
            let offset = offset.map_or(0, |raw| usize::from(O::read_u16(raw)));
            let item = page.bytes().get(offset..).unwrap_or_default();
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
