//! What a file must be before it is changed, and afterwards.

use super::error::{EditError, Refusal, Result};
use super::notice::Notice;
use super::progress::Counter;
use crate::access::Database;
use crate::journal::ContentSum;
use crate::verify::{Rule, Severity, Verdict, Verify};

/// Whether a change carries a finding over: what newer verifiers report, but nobody
/// loses anything by.
pub(crate) fn may_stay(rule: Rule) -> bool {
    matches!(rule, Rule::Unreferenced | Rule::MinKey | Rule::ItemDeleted)
}

/// The first error that a file must not have. The genuine profiles keep the flags that the
/// genuine tools set without need, and numbers of keys.
pub(super) fn first_error(file: &Database<'_>, genuine: bool, counter: Counter<'_>) -> Option<String> {
    let verdict = verdict(file, counter);
    let mut errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let error = errors.find(|found| {
        !(may_stay(found.rule) || (genuine && matches!(found.rule, Rule::Flags | Rule::Elements)))
    });
    error.map(ToString::to_string)
}

/// What the rules say of a file, but for the order of keys: an application may have a
/// comparison of its own.
fn verdict(file: &Database<'_>, counter: Counter<'_>) -> Verdict {
    let verify = Verify::new(file).check_order(false);
    verify.progress(|progress| counter.pages(progress.pages, progress.total)).run()
}

/// What every operation begins with: refuses damage, and tells what stays as it is. Pages that
/// hold something and that nothing leads to stay if they are to be left.
pub(crate) fn structure(
    file: &Database<'_>,
    leave_unreachable: bool,
    counter: Counter<'_>,
) -> Result<Vec<Notice>> {
    if file.tail() > 0 {
        return Err(Refusal::Tail { tail: file.tail() }.into());
    }
    let mut notices = Vec::new();
    let verdict = verdict(file, counter);
    let errors = verdict.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let bad = || errors.clone().filter(|finding| !may_stay(finding.rule));
    if let Some(first) = bad().next() {
        let errors = u64::try_from(bad().count()).unwrap_or(u64::MAX);
        return Err(Refusal::Damaged { errors, first: first.to_string() }.into());
    }
    let mut lost = errors.clone().filter(|finding| finding.rule == Rule::Unreferenced && !leave_unreachable);
    if let Some(first) = lost.next() {
        let others = u64::try_from(lost.count()).unwrap_or(u64::MAX);
        return Err(Refusal::Unreachable { pages: others.saturating_add(1), first: first.to_string() }.into());
    }
    let first_of = |rule: Rule| {
        let mut found = verdict.findings().iter().filter(move |finding| finding.rule == rule);
        let first = found.next()?;
        let others = u64::try_from(found.count()).unwrap_or(u64::MAX);
        Some((others.saturating_add(1), first.page))
    };
    let unreferenced = first_of(Rule::Unreferenced);
    notices.extend(unreferenced.map(|(pages, first)| Notice::Unreferenced { pages, first }));
    let deleted = first_of(Rule::ItemDeleted);
    notices.extend(deleted.map(|(items, first)| Notice::Deleted { items, first }));
    let min_key = first_of(Rule::MinKey);
    notices.extend(min_key.map(|(_, page)| Notice::MinKey { page, keys: file.meta().min_key() }));
    Ok(notices)
}

/// What a file holds that is sound, for [`whole`](super::whole) to compare it with.
///
/// # Errors
///
/// The first error that it must not have; damage.
pub(crate) fn sum_of_sound(file: &Database<'_>, counter: Counter<'_>) -> Result<ContentSum> {
    let (error, content) = ContentSum::beside(file, true, || first_error(file, false, counter));
    match (error, content) {
        (Some(what), _) => Err(EditError::Validation { what }),
        (None, Some(content)) => Ok(content?),
        (None, None) => Ok(ContentSum::of(file)?),
    }
}

/// That a file cannot be read as a whole.
pub(crate) fn unreadable(error: crate::error::Error) -> EditError {
    Refusal::Unreadable { first: error.to_string() }.into()
}
