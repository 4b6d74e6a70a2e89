//! The commands that do a job of the library.

use bdbkit::Endianness;
use bdbkit::mboxlist::{Job, StepCommand, StoreFinding};

use super::shell::quoted;
use super::with;

/// What to do about a finding, with the commands that do it.
pub(crate) fn action(finding: &StoreFinding) -> String {
    let commands: Vec<String> = finding.jobs.iter().map(|job| words(*job)).collect();
    with(&finding.action, Some(commands.join(", or ")).as_deref().filter(|hint| !hint.is_empty()))
}

/// What a shell can run as it stands for a step of a plan.
pub(crate) fn command(command: &StepCommand) -> String {
    match command {
        StepCommand::Own(Job::Salvage, places) => {
            let each = places.iter().map(|place| format!("{} {}", words(Job::Salvage), quoted(place)));
            each.collect::<Vec<_>>().join(" && ")
        }
        StepCommand::Own(job, places) => {
            places.iter().fold(words(*job), |line, place| line + " " + &quoted(place))
        }
        StepCommand::Product(line) => (*line).to_owned(),
        other => format!("{other:?}"),
    }
}

/// The command that does a job.
fn words(job: Job) -> String {
    let to = |command: &str, version| match version {
        9 => command.to_owned(),
        version => format!("{command} --to {version}"),
    };
    match job {
        Job::Inspect => "bdbkit info, verify and log",
        Job::ListFromLogs => "bdbkit store list --from-logs",
        Job::Salvage => "bdbkit salvage",
        Job::ResetLsns => "bdbkit reset-lsn",
        Job::Upgrade(version) => return to("bdbkit upgrade", version),
        Job::Downgrade(version) => return format!("bdbkit downgrade --to {version}"),
        Job::ResumeUpgrade => "bdbkit upgrade --resume",
        Job::RollBackUpgrade => "bdbkit upgrade --rollback",
        Job::StoreUpgrade(version) => return to("bdbkit store upgrade", version),
        Job::StoreConvert(Endianness::Big) => "bdbkit store convert --to sparc",
        Job::StoreConvert(Endianness::Little) => "bdbkit store convert --to x86",
        Job::StoreRecover => "bdbkit store recover",
        Job::ResumeStoreUpgrade => "bdbkit store upgrade --resume",
        Job::RollBackStoreUpgrade => "bdbkit store upgrade --rollback",
        Job::Snapshots => "bdbkit store snapshots",
        Job::Restore => "bdbkit store restore-snapshot",
        Job::ResumeRestore => "bdbkit store restore-snapshot --resume",
        other => return format!("{other:?}"),
    }
    .to_owned()
}
