//! The findings about a store, in itself or on its way to a target (mboxlist,
//! "Findings").

mod files;
mod logs;
mod places;

use super::findings::{Code, StoreFinding, StoreSeverity};
use super::store::Survey;
use crate::env::LAST_OF_HOST_ORDER;
use crate::mboxlist::job::Job;
use crate::mboxlist::releases::{Mailbox, Release};
use crate::order::Endianness;
use crate::shown::ShowName;

/// Where a store is to go.
#[derive(Clone, Copy)]
pub(in crate::mboxlist) struct Target {
    pub(in crate::mboxlist) release: &'static Release,
    /// The byte order of its machine, if that is known.
    pub(in crate::mboxlist) order: Option<Endianness>,
}

/// All findings, in the order of their codes.
pub(in crate::mboxlist) fn judge(survey: &Survey, target: Option<Target>) -> Vec<StoreFinding> {
    let mut found = Vec::new();
    // Where what is no mail store is to go, no release tells.
    let foreign = survey.product.is_foreign();
    let target = target.filter(|_| !foreign);
    let release = target.map(|target| target.release);
    if foreign {
        let text = format!("{}: {}", survey.product.describe(), survey.candidates.reasons.join("; "));
        let finding = StoreFinding::new(Code::OtherProduct, StoreSeverity::Warning, text);
        let action = "is it the right folder? any environment can be read and verified";
        found.push(finding.action(action).jobs(&[Job::Inspect]));
    }
    files::databases(survey, release, &mut found);
    logs::state(survey, release, &mut found);
    logs::files(survey, release, &mut found);
    places::regions(survey, &mut found);
    places::others(survey, &mut found);
    orders(survey, target, &mut found);
    candidates(survey, target.is_some(), &mut found);
    if !foreign {
        places::snapshots(survey, &mut found);
        mailboxes(survey, release, &mut found);
    }
    found.sort_by_key(|finding| finding.code);
    found
}

const MIGRATE: &str = "use imsbackup on the old machine and imsrestore on the new one";

/// Byte orders: of databases, of logs, of the target's machine.
fn orders(survey: &Survey, target: Option<Target>, found: &mut Vec<StoreFinding>) {
    let of = |order| move |file: &&super::DatabaseFile| file.order == Some(order);
    let first = |order| survey.databases.iter().find(of(order)).map(|file| file.name.shown());
    let own = match (first(Endianness::Little), first(Endianness::Big)) {
        (Some(little), Some(big)) => {
            let text =
                format!("{little} is little-endian, {big} big-endian: files of two machines are mixed");
            let finding = StoreFinding::new(Code::MixedOrders, StoreSeverity::Critical, text);
            found.push(finding.action("find out which belong together; change nothing before"));
            return;
        }
        (Some(_), None) => Endianness::Little,
        (None, Some(_)) => Endianness::Big,
        (None, None) => return,
    };
    // From version 14 on logs are little-endian everywhere.
    for log in
        survey.logs.iter().filter(|log| log.version.is_some_and(|version| version <= LAST_OF_HOST_ORDER))
    {
        if log.order.is_some_and(|order| order != own) {
            let text = format!("the log is {}, the databases are {own}", own.other());
            let finding = StoreFinding::new(Code::ForeignLogs, StoreSeverity::Error, text).file(&log.name);
            found
                .push(finding.action("these logs are of another machine: put the right ones in their place"));
        }
    }
    let Some(order) = target.and_then(|target| target.order).filter(|&order| order != own) else { return };
    let text = format!("the databases are {own}, the machine of the target is {order}");
    let advice = format!(
        "{MIGRATE}; or convert the databases, whose values stay as they are: whether there are numbers of the old \
         machine in them nobody can tell"
    );
    let finding = StoreFinding::new(Code::OtherOrder, StoreSeverity::Error, text).action(advice);
    found.push(finding.jobs(&[Job::StoreConvert(order)]));
    if !survey.decision.state.is_closed() && survey.newest_log() > Some(LAST_OF_HOST_ORDER) {
        let text = "the engine of that machine would recover these logs without complaint, and destroy the databases";
        let finding = StoreFinding::new(Code::OtherOrderUnrecovered, StoreSeverity::Critical, text);
        found.push(
            finding.action("recover on a machine of the old byte order; never start the store on the other"),
        );
    }
}

fn candidates(survey: &Survey, targeted: bool, found: &mut Vec<StoreFinding>) {
    if !survey.candidates.agree {
        let text = format!("no release fits all of this: {}", survey.candidates.reasons.join("; "));
        found.push(StoreFinding::new(Code::NoRelease, StoreSeverity::Warning, text));
    }
    if targeted {
        let text = "whether the store was of 32 or 64 bits is not in its files";
        let finding = StoreFinding::new(Code::WordSize, StoreSeverity::Note, text);
        found.push(finding.action("if the new one differs: run stored -r of the old release first"));
    }
}

/// Mailboxes, which are elsewhere: what the user stated, or what the releases suggest.
fn mailboxes(survey: &Survey, target: Option<&Release>, found: &mut Vec<StoreFinding>) {
    let Some(mailbox) = survey.mailbox else {
        let text = "the version of the mailboxes is in the mailboxes, not here";
        let finding = StoreFinding::new(Code::MailboxUnknown, StoreSeverity::Note, text);
        found.push(finding.action("ask imcheck -m for it"));
        return;
    };
    let Some(wanted) = target.and_then(|target| target.mailbox) else { return };
    let names = format!("mailboxes are {}, the target has {}", mailbox.name(), wanted.name());
    found.extend(match (mailbox, wanted) {
        (Mailbox::V1_1, Mailbox::V1_3) => {
            let finding = StoreFinding::new(Code::MailboxTooOld, StoreSeverity::Error, names);
            let action = "use imsbackup and imsrestore, or go through a release with 1_2 and convert all of them there";
            Some(finding.action(action))
        }
        _ if mailbox < wanted => {
            let finding = StoreFinding::new(Code::MailboxConverted, StoreSeverity::Info, names);
            Some(finding.action("each is converted when it is opened; imcheck > /dev/null converts all at once"))
        }
        _ if mailbox > wanted => {
            let finding = StoreFinding::new(Code::MailboxTooNew, StoreSeverity::Error, names);
            Some(finding.action("use imsbackup and imsrestore: mailboxes are never converted back"))
        }
        _ => None,
    });
}
