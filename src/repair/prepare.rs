//! Rounds of checks and changes: each mends what the check before it found, in memory, until nothing is
//! left to mend. What is left then that must not be is why the file is refused.

use std::collections::{BTreeMap, BTreeSet};

use byteorder::ByteOrder;

use super::open::RepairChoices;
use super::{half_upgrade, pages, trees};
use crate::access::Database;
use crate::edit::{
    Counter, Draft, Notice, Operation, Prepared, Reason, Refusal, Result, may_stay, unreadable,
};
use crate::error::Error;
use crate::journal::{self, ContentSum, Identity, Options, Promise};
use crate::method::Method;
use crate::order::with_order;
use crate::pages::{File, OpenOptions};
use crate::types::PageNo;
use crate::verify::{Finding, Rule, Severity, Verify};

/// More rounds than there are kinds of damage that hide each other.
const ROUNDS: u32 = 8;

impl Operation for RepairChoices {
    fn name(&self) -> journal::Operation {
        journal::Operation::Repair
    }

    fn may_change(&self) -> &'static [Reason] {
        &[
            Reason::Metadata,
            Reason::DuplicatePage,
            Reason::DuplicateRoot,
            Reason::References,
            Reason::Internal,
            Reason::Freed,
            Reason::Mended,
        ]
    }

    fn takes(&self, _: Method) -> bool {
        true
    }

    fn keeps_old(&self) -> bool {
        true
    }

    fn prepare<'p>(
        &self,
        file: &'p Database<'_>,
        _: Option<Identity>,
        counter: Counter<'_>,
    ) -> Result<Prepared<'p>> {
        with_order!(file.meta().endianness(), O => prepare::<O>(file, *self, counter))
    }
}

/// Bytes that are to stand on a page.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) page: PageNo,
    pub(super) offset: usize,
    pub(super) bytes: Vec<u8>,
}

impl Patch {
    /// A number of 32 bits.
    pub(super) fn number<O: ByteOrder>(page: PageNo, offset: usize, number: u32) -> Patch {
        let mut bytes = vec![0; 4];
        O::write_u32(&mut bytes, number);
        Patch { page, offset, bytes }
    }

    /// A number of 16 bits.
    pub(super) fn short<O: ByteOrder>(page: PageNo, offset: usize, number: u16) -> Patch {
        let mut bytes = vec![0; 2];
        O::write_u16(&mut bytes, number);
        Patch { page, offset, bytes }
    }
}

fn prepare<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    choices: RepairChoices,
    counter: Counter<'_>,
) -> Result<Prepared<'p>> {
    if file.tail() > 0 {
        return Err(Refusal::Tail { tail: file.tail() }.into());
    }
    let before = findings(file.as_ref(), counter);
    let of_sums = before.iter().filter(|finding| finding.rule == Rule::Checksum && !choices.accept_checksums);
    let wrong: BTreeSet<PageNo> = of_sums.map(|finding| finding.page).collect();
    // A page whose checksum is wrong is believed if it is right once the page is mended. If it is not, nothing
    // follows from what stands on the page, and it stays.
    let (mut draft, mut left) = mended::<O>(file, &before, choices, &BTreeSet::new(), counter)?;
    let unproven = |draft: &Draft<'_>| {
        let unproven = wrong.iter().filter(|&&no| !pages::is_proven(draft, no));
        unproven.copied().collect::<BTreeSet<_>>()
    };
    let mut doubted = unproven(&draft);
    if !doubted.is_empty() {
        (draft, left) = mended::<O>(file, &before, choices, &doubted, counter)?;
        if unproven(&draft) != doubted {
            doubted.clone_from(&wrong);
            (draft, left) = mended::<O>(file, &before, choices, &doubted, counter)?;
        }
    }
    expect_mended(&left, if draft.is_empty() { &[] } else { &[Rule::Checksum] })?;
    let promise = promise(file, &draft)?;
    let notices = if draft.is_empty() { Vec::new() } else { told(&before, &left) };
    let (order, version, id) = (file.meta().endianness(), file.meta().version(), file.meta().file_id());
    let options = Options { sums_left: !doubted.is_empty(), ..Options::default() };
    Ok(Prepared { draft, promise, notices, options, order, from: version, to: version, id })
}

/// What is mended of a file without a look at the pages that are doubted, and what is wrong with it then.
fn mended<'p, O: ByteOrder>(
    file: &'p Database<'_>,
    before: &[Finding],
    choices: RepairChoices,
    doubted: &BTreeSet<PageNo>,
    counter: Counter<'_>,
) -> Result<(Draft<'p>, Vec<Finding>)> {
    let mut draft = Draft::new(file.pages());
    let mut left = before.to_vec();
    if before.iter().any(|finding| finding.severity == Severity::Error) {
        half_upgrade::convert::<O>(&mut draft, file)?;
    }
    let half_done = !draft.is_empty();
    let mut listed = true;
    for _ in 0..ROUNDS {
        let (patches, adopted) = {
            let over = draft.over();
            let now = File::over_beside(&over, file.as_ref(), OpenOptions::new());
            if !draft.is_empty() {
                left = findings(&now, counter);
            }
            let db = now.database()?;
            let mut patches = trees::mend::<O>(&db, &left, doubted)?;
            patches.extend(pages::mend::<O>(&db, &left, choices, doubted));
            // What is on the list is known again when nothing is.
            let broken = pages::is_list_broken(&left) && listed && doubted.is_empty();
            patches.extend(broken.then(|| pages::empty_list::<O>(&db)).flatten());
            listed &= !broken;
            // Those of extents stand in other files.
            patches.retain(|patch| !doubted.contains(&patch.page) && patch.page.0 < file.pages().count());
            let adopted = match doubted.is_empty() {
                true => pages::orphans::<O>(&db, &left, half_done),
                false => Vec::new(),
            };
            (patches, adopted)
        };
        let free = draft.free();
        let idle = patches.is_empty() && adopted.is_empty();
        for Patch { page, offset, bytes } in patches {
            draft.replace(page, offset, &bytes, Reason::Mended);
        }
        pages::adopt(&mut draft, free, &adopted);
        if idle {
            break;
        }
    }
    Ok((draft, left))
}

/// What is wrong with a file.
fn findings(file: &File<'_>, counter: Counter<'_>) -> Vec<Finding> {
    let verify = Verify::new(file).progress(|progress| counter.pages(progress.pages, progress.total));
    verify.run().findings().to_vec()
}

/// Refuses a file in which damage would stay, but for that of these rules.
fn expect_mended(left: &[Finding], but_for: &[Rule]) -> Result<()> {
    let may_stay = |rule: Rule| may_stay(rule) || rule.is_of_order() || but_for.contains(&rule);
    let stays = |finding: &&Finding| finding.severity == Severity::Error && !may_stay(finding.rule);
    let Some(first) = left.iter().find(stays) else { return Ok(()) };
    let errors = u64::try_from(left.iter().filter(stays).count()).unwrap_or(u64::MAX);
    let mut rules: Vec<&'static str> = left.iter().filter(stays).map(|finding| finding.rule.id()).collect();
    rules.sort_unstable();
    rules.dedup();
    Err(Refusal::NotMended { errors, rules: rules.join(", "), first: first.to_string() }.into())
}

/// The pairs of the mended file: those that the file has, if all can be read. What checksums say is told
/// by then.
fn promise(file: &Database<'_>, draft: &Draft<'_>) -> Result<Promise> {
    let sum = |draft: &Draft<'_>| {
        let over = draft.over();
        let unsummed = OpenOptions::new().unsummed(true);
        ContentSum::of(&File::over_beside(&over, file.as_ref(), unsummed).database()?)
    };
    let content = sum(draft).map_err(unreadable)?;
    match sum(&Draft::new(file.pages())) {
        Ok(before) if before != content => {
            let first = "other pairs would be read from the mended file".to_owned();
            Err(Refusal::Unreadable { first }.into())
        }
        Ok(_) | Err(Error::Corrupt { .. }) => Ok(Promise::Pairs(content)),
        Err(error) => Err(error.into()),
    }
}

/// What was mended, and what is left, rule by rule.
fn told(before: &[Finding], left: &[Finding]) -> Vec<Notice> {
    let by_rule = |findings: &[Finding]| {
        let mut rules: BTreeMap<&'static str, (u64, PageNo)> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.severity > Severity::Note) {
            let (count, _) = rules.entry(finding.rule.id()).or_insert((0, finding.page));
            *count = count.saturating_add(1);
        }
        rules
    };
    let (before, left) = (by_rule(before), by_rule(left));
    let mut notices = Vec::new();
    for (&rule, &(findings, first)) in &before {
        let (still, _) = left.get(rule).copied().unwrap_or_default();
        let findings = findings.saturating_sub(still);
        notices.extend((findings > 0).then_some(Notice::Mended { rule, findings, first }));
    }
    notices.extend(left.iter().map(|(&rule, &(findings, first))| Notice::Left { rule, findings, first }));
    notices
}
