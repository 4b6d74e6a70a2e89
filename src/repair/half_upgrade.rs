//! What an upgrade by other tools leaves that died on its way: chains of off-page duplicates in a file that
//! says that they are trees, whole or in part (upgrade, "Order in which the genuine tools write, and their
//! crash windows").

use byteorder::ByteOrder;

use crate::access::Database;
use crate::edit::{Draft, Reason, Result, off_page};
use crate::format::page::{Page, PageKind};
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;
use crate::upgrade::{Chains, Databases};

/// Converts the chains that are left.
pub(super) fn convert<O: ByteOrder>(draft: &mut Draft<'_>, file: &Database<'_>) -> Result<()> {
    let pages = file.pages();
    // Whether the leaves of all databases can be found at all is for others to say.
    let Ok(databases) = Databases::find::<O>(file) else { return Ok(()) };
    let chains = Chains::half_done();
    let with = databases.all().filter(|known| !known.has_chains() && known.meta().flags().duplicates());
    for known in with {
        let (sorted, in_bucket) =
            (known.meta().flags().sorted_duplicates(), known.meta().method() == Method::Hash);
        for &no in known.pages() {
            let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { continue };
            for slot in (1..page.entries()).step_by(2) {
                let Some((at, head)) = off_page::<O>(pages, &page, slot, in_bucket) else { continue };
                if is_chain::<O>(pages, head) {
                    let root = chains.convert::<O>(draft, head, sorted, (no, at))?;
                    draft.replace_u32(no, at, root.0, Reason::DuplicateRoot);
                }
            }
        }
    }
    Ok(())
}

/// Whether an item leads to a chain: to a page of one, or to a leaf with another behind it.
fn is_chain<O: ByteOrder>(pages: &Pages<'_>, head: PageNo) -> bool {
    let page = pages.raw(head).and_then(Page::<O>::new);
    page.is_some_and(|page| match PageKind::from_byte(page.type_byte()) {
        Some(PageKind::Duplicate) => true,
        Some(PageKind::RecnoLeaf | PageKind::DuplicateLeaf) => page.next() != 0,
        _ => false,
    })
}
