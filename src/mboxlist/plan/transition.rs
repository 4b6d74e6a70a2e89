//! From which release to which: whether there is a way, and which steps it has.

use super::steps::{self, Way};
use super::{By, PlanStep, StepState, Task};
use crate::mboxlist::job::{Job, StepCommand};
use crate::mboxlist::releases::Release;
use crate::mboxlist::survey::{SnapshotVerdict, StoreSeverity, Survey};
use crate::order::Endianness;
use crate::shown::ShowName;

/// The release from which on there is no way back.
const ONE_WAY: &str = "7.0.5";

pub(super) fn steps(
    survey: &Survey,
    source: &[&'static Release],
    target: &'static Release,
    order: Option<Endianness>,
) -> Vec<PlanStep> {
    if survey.is_empty() {
        let reason = "no database here: there is nothing to upgrade; is it the right folder?";
        return vec![PlanStep::new(Task::Nothing, By::Operator, StepState::Done, "Nothing to do", reason)];
    }
    if survey.product.is_foreign() {
        let title = format!("Bring a store to {}", target.id);
        let reason =
            format!("this is {}: {}", survey.product.describe(), survey.candidates.reasons.join("; "));
        let step = PlanStep::new(Task::Product, By::Operator, StepState::Impossible, title, reason);
        return vec![step.severity(StoreSeverity::Error).note("is it the right folder?")];
    }
    if let Some(mixed) = mixed_orders(survey) {
        return vec![mixed];
    }
    let mut steps = Vec::new();
    let own = survey.databases.iter().find_map(|file| file.order);
    if let (Some(own), Some(order)) = (own, order.filter(|order| Some(*order) != own)) {
        let step = other_order(survey, own, order);
        return steps::before(&Way { survey, source, target }, step);
    }
    let by_log: Vec<&'static Release> = survey.newest_log().into_iter().flat_map(Release::by_log).collect();
    let contradiction = contradiction(survey, source, &by_log);
    // Of the release that was told and those that the log tells of, the later ones.
    let later = contradiction.is_some() && by_log.first() > source.first();
    let source = if later { by_log.as_slice() } else { source };
    steps.extend(contradiction);
    if down(source, target) {
        if !same_components(source, target) {
            steps.extend(back_out(survey, target));
            return steps;
        }
        let title = format!("Decide whether to go back to {}", target.id);
        let reason = "a downgrade is not supported, although these releases have the same components";
        steps.push(
            PlanStep::new(Task::Release, By::Operator, StepState::Decide, title, reason)
                .severity(StoreSeverity::Warning),
        );
    }
    steps.extend(general(source, target));
    steps.extend(steps::of(&Way { survey, source, target }));
    steps
}

/// Files of two machines: which belong to the store, nobody can tell.
fn mixed_orders(survey: &Survey) -> Option<PlanStep> {
    let first = |order| survey.databases.iter().find(|file| file.order == Some(order));
    let (little, big) = (first(Endianness::Little)?, first(Endianness::Big)?);
    let reason = format!(
        "{} is little-endian, {} big-endian: find out which belong together, and change nothing before",
        little.name.shown(),
        big.name.shown()
    );
    let step = PlanStep::new(
        Task::Machine,
        By::Operator,
        StepState::Impossible,
        "Upgrade files of two machines",
        reason,
    );
    let step = step.severity(StoreSeverity::Critical);
    Some(step.note("restore a backup or snapshot of one machine, or plan again without the foreign files"))
}

/// A release that does not write such logs is not the one that ran last.
fn contradiction(survey: &Survey, source: &[&Release], by_log: &[&Release]) -> Option<PlanStep> {
    let newest = survey.newest_log()?;
    let other = |release: &&Release| release.log.is_some_and(|log| log != newest);
    if source.is_empty() || !source.iter().all(other) {
        return None;
    }
    let ids = |releases: &[&Release]| releases.iter().map(|one| one.id).collect::<Vec<_>>().join(" or ");
    let writers = if by_log.is_empty() { "no release of the table".into() } else { ids(by_log) };
    let reason = format!(
        "the newest log is of version {newest}, which {writers} writes, not {}: the steps are for the later one",
        ids(source)
    );
    let step = PlanStep::new(
        Task::Release,
        By::Operator,
        StepState::Decide,
        "Find out which release ran last",
        reason,
    );
    Some(step.severity(StoreSeverity::Error))
}

/// Whether the target is earlier than whatever the store may come from.
fn down(source: &[&Release], target: &Release) -> bool {
    source.first().is_some_and(|earliest| target < *earliest)
}

fn same_components(source: &[&Release], target: &Release) -> bool {
    let components = |release: &Release| (release.btree, release.log, release.mailbox);
    target.components_known() && source.iter().any(|source| components(source) == components(target))
}

/// The databases can be brought into the order of another machine; what is in them nobody can.
fn other_order(survey: &Survey, own: Endianness, order: Endianness) -> PlanStep {
    let values = "values may hold numbers in the order of the machine, which nobody can tell";
    let title = "Bring the databases into the byte order of the other machine";
    let here = survey.databases.iter().all(|file| file.path.parent() == Some(&*survey.dir));
    let (state, reason) = match here {
        true => (
            StepState::Decide,
            format!(
                "the databases are {own}, the machine is {order}: {values}; the logs go with copies of the old databases"
            ),
        ),
        false => (
            StepState::Impossible,
            format!(
                "the databases are {own}, the machine is {order}, and not all of them are in the folder of the store"
            ),
        ),
    };
    let step = PlanStep::new(Task::Machine, By::Bdbkit, state, title, reason).severity(StoreSeverity::Error);
    let product = "imsbackup on the old machine and imsrestore on the new one are the way of the product";
    if !here {
        return step.note(product);
    }
    let convert = StepCommand::Own(Job::StoreConvert(order), vec![survey.dir.clone()]);
    step.command(convert).note(format!("then plan again; {product}"))
}

/// There is no downgrade in place, but there are other ways back.
fn back_out(survey: &Survey, target: &Release) -> Vec<PlanStep> {
    let title = format!("Downgrade to {} in place", target.id);
    let reason = "mailboxes do not go back; older engines stop at newer files";
    let downgrade = PlanStep::new(Task::Downgrade, By::Product, StepState::Impossible, title, reason)
        .severity(StoreSeverity::Error);
    let valid = survey.snapshots.iter().filter(|snapshot| snapshot.verdict == SnapshotVerdict::Valid);
    let older = |upgrade| valid.clone().filter(|snapshot| snapshot.serves(upgrade)).count();
    let reason = match (valid.clone().count(), survey.upgraded.map(older)) {
        (0, _) => "there is no valid snapshot: a backup of databases and logs serves".into(),
        (_, Some(0)) => {
            "no valid snapshot is older than the upgrade: a backup of databases and logs serves".into()
        }
        (_, Some(older)) => {
            format!("{older} valid snapshots are older than the upgrade: one serves if its versions do")
        }
        (valid, None) => {
            format!(
                "{valid} valid snapshots: one serves if it is older than the upgrade, and by its versions"
            )
        }
    };
    let restore = PlanStep::new(
        Task::Snapshot,
        By::Bdbkit,
        StepState::Decide,
        "Restore a backup or snapshot of the older release",
        reason,
    );
    let dir = survey.dir.clone();
    let serving: Vec<_> =
        valid.filter(|snapshot| survey.upgraded.is_some_and(|upgrade| snapshot.serves(upgrade))).collect();
    let restore = match serving.iter().max_by_key(|snapshot| snapshot.taken) {
        Some(newest) => restore
            .command(StepCommand::Own(Job::Restore, vec![dir, newest.path.clone()]))
            .note("if its versions are those of the older release"),
        None => restore
            .command(StepCommand::Own(Job::Snapshots, vec![dir]))
            .note("lists them; then one of them can be restored"),
    };
    let databases = databases_back(survey, target);
    let reason =
        "without either: move the databases away and let the store rebuild them; mail itself is elsewhere";
    let rebuild =
        PlanStep::new(Task::Rebuild, By::Operator, StepState::Decide, "Or rebuild the databases", reason);
    let reason = "databases that are older than the mail know nothing of what came since";
    let reconstruct = PlanStep::new(
        Task::Reconstruct,
        By::Product,
        StepState::Todo,
        "Bring databases and mailboxes together",
        reason,
    )
    .command("reconstruct -m && reconstruct -r");
    [downgrade, restore].into_iter().chain(databases).chain([rebuild, reconstruct]).collect()
}

/// The databases alone can go back, if they are newer than what the target writes. Whether a mail store is
/// served by that is not known.
fn databases_back(survey: &Survey, target: &Release) -> Option<PlanStep> {
    let version = target.btree.filter(|version| (6..=9).contains(version))?;
    let newer = survey.btrees().filter(|(_, found)| *found > version && target.opens(*found) == Some(false));
    let files: Vec<_> = newer.map(|(file, _)| file.path.clone()).collect();
    if files.is_empty() {
        return None;
    }
    let title = format!("Or bring the databases back to version {version}");
    let reason = "the databases can go back, mailboxes and logs do not: for a look at what is in them, or if \
                  no mailbox was changed since";
    let step = PlanStep::new(Task::Downgrade, By::Bdbkit, StepState::Decide, title, reason);
    Some(step.command(StepCommand::Own(Job::Downgrade(version), files)))
}

/// What the products say of their own upgrades.
fn general(source: &[&Release], target: &Release) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    if source.is_empty() {
        let reason = "the files do not tell which release wrote them: the steps below are general ones";
        let step =
            PlanStep::new(Task::Release, By::Operator, StepState::Decide, "Find out the old release", reason);
        steps.push(step.severity(StoreSeverity::Warning));
    }
    if !target.components_known() {
        let reason = format!(
            "no source tells which versions {} reads and writes: nothing here says that it fits",
            target.id
        );
        let step = PlanStep::new(
            Task::Release,
            By::Operator,
            StepState::Decide,
            format!("Ask about {}", target.id),
            reason,
        );
        steps.push(step.severity(StoreSeverity::Warning));
    }
    let far = Release::find(ONE_WAY)
        .is_some_and(|line| target >= line && source.iter().any(|source| *source < line));
    if far {
        let reason = format!(
            "databases of {ONE_WAY} and later are incompatible with all before: there is no way back"
        );
        let step =
            PlanStep::new(Task::OneWay, By::Operator, StepState::Decide, "Take a step of no return", reason);
        steps.push(step.severity(StoreSeverity::Warning));
    }
    let takes = |release: &Release| {
        let exact = target.upgrade_from.contains(&release.id);
        exact || (target.upgrade_from.contains(&"7.x") && release.id.starts_with('7'))
    };
    if !target.upgrade_from.is_empty() && !source.is_empty() && !source.iter().any(|release| takes(release)) {
        let reason = format!("{} can be reached only from {}", target.id, target.upgrade_from.join(", "));
        let step = PlanStep::new(
            Task::Through,
            By::Product,
            StepState::Todo,
            "Go through a 7.x release first",
            reason,
        );
        steps.push(step.severity(StoreSeverity::Error));
    }
    let old = source.iter().any(|release| release.id == "4.15");
    if old && Release::find("5.x").is_some_and(|next| target > next) {
        let state = if source.len() == 1 { StepState::Todo } else { StepState::Decide };
        let reason = "the product's own upgrade to 6.x takes 5.2 only: a 4.15 store becomes 5.2 first";
        steps.push(PlanStep::new(
            Task::Through,
            By::Product,
            state,
            "Go through 5.2, if this is a 4.15 store",
            reason,
        ));
    }
    steps
}
