//! Rounds of checks and changes: each mends what the check before it found, in memory, until nothing is
//! left to mend. What is left then that must not be is why the file is refused.

use std::collections::BTreeMap;

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
use crate::verify::{Finding, Severity, Verify};

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
    let mut draft = Draft::new(file.pages());
    let before = findings(file.as_ref(), counter);
    let mut left = before.clone();
    if before.iter().any(|finding| finding.severity == Severity::Error) {
        half_upgrade::convert::<O>(&mut draft, file)?;
    }
    let half_done = !draft.is_empty();
    let mut listed = true;
    for _ in 0..ROUNDS {
        let (patches, adopted) = {
            let over = draft.over();
            let now = File::over(&over, OpenOptions::new());
            if !draft.is_empty() {
                left = findings(&now, counter);
            }
            let db = now.database()?;
            let mut patches = trees::mend::<O>(&db, &left)?;
            patches.extend(pages::mend::<O>(&db, &left, choices));
            // What is on the list is known again when nothing is.
            let broken = pages::is_list_broken(&left) && listed;
            patches.extend(broken.then(|| pages::empty_list::<O>(&db)).flatten());
            listed &= !broken;
            (patches, pages::orphans::<O>(&db, &left, half_done))
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
    expect_mended(&left)?;
    let promise = promise(file, &draft)?;
    let notices = if draft.is_empty() { Vec::new() } else { told(&before, &left) };
    let (order, version, id) = (file.meta().endianness(), file.meta().version(), file.meta().file_id());
    let options = Options::default();
    Ok(Prepared { draft, promise, notices, options, order, from: version, to: version, id })
}

/// What is wrong with a file.
fn findings(file: &File<'_>, counter: Counter<'_>) -> Vec<Finding> {
    let verify = Verify::new(file).progress(|progress| counter.pages(progress.pages, progress.total));
    verify.run().findings().to_vec()
}

/// Refuses a file in which damage would stay.
fn expect_mended(left: &[Finding]) -> Result<()> {
    let stays = |finding: &&Finding| {
        finding.severity == Severity::Error && !may_stay(finding.rule) && !finding.rule.is_of_order()
    };
    let Some(first) = left.iter().find(stays) else { return Ok(()) };
    let errors = u64::try_from(left.iter().filter(stays).count()).unwrap_or(u64::MAX);
    let mut rules: Vec<&'static str> = left.iter().filter(stays).map(|finding| finding.rule.id()).collect();
    rules.sort_unstable();
    rules.dedup();
    Err(Refusal::NotMended { errors, rules: rules.join(", "), first: first.to_string() }.into())
}

/// The pairs of the mended file: those that the file has, if all can be read.
fn promise(file: &Database<'_>, draft: &Draft<'_>) -> Result<Promise> {
    let over = draft.over();
    let content = ContentSum::of(&File::over(&over, OpenOptions::new()).database()?).map_err(unreadable)?;
    match ContentSum::of(file) {
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
