//! Plans: the way of each store to each release.

use std::path::PathBuf;

use bdbkit::Endianness;
use bdbkit::mboxlist::{
    By, Code, Job, Mailbox, PlanOptions, PlanStep, RELEASES, Release, State, StepCommand, StepState,
    StorePlan, StoreSeverity, Survey, SurveyOptions, Task,
};

use crate::common::{cases, testdata};

fn release(id: &str) -> &'static Release {
    Release::find(id).unwrap()
}

fn plan(case: &str, target: &str) -> StorePlan {
    StorePlan::of(&Survey::of(testdata().join(case)).unwrap(), release(target))
}

fn step<'p>(plan: &'p StorePlan, title: &str) -> &'p PlanStep {
    let titles: Vec<_> = plan.steps.iter().map(|step| &step.title).collect();
    plan.steps.iter().find(|step| step.title.contains(title)).unwrap_or_else(|| panic!("{title}: {titles:?}"))
}

fn place(plan: &StorePlan, title: &str) -> usize {
    plan.steps.iter().position(|step| step.title.contains(title)).unwrap()
}

fn has(plan: &StorePlan, code: Code) -> bool {
    plan.findings.iter().any(|finding| finding.code == code)
}

/// Whether releases write the same versions.
fn same(a: &Release, b: &Release) -> bool {
    (a.btree, a.log, a.mailbox) == (b.btree, b.log, b.mailbox)
}

#[test]
fn every_store_has_a_plan_to_every_release() {
    let mut upgrades = 0;
    for case in cases(&["mboxlist-"]) {
        let survey = Survey::of(case.folder()).unwrap();
        for target in &RELEASES {
            let name = format!("{} to {}", case.name, target.id);
            let plan = StorePlan::of(&survey, target);
            let earliest = plan.source[0];
            let due = survey.btrees().any(|(_, version)| target.opens(version) == Some(false) && version < 8);
            let down = *target < *earliest && !plan.source.iter().any(|source| same(source, target));
            assert_eq!(plan.possible(), !down, "{name}");
            if down {
                assert!(plan.steps[0].title.contains("Downgrade"), "{name}");
                assert_eq!(plan.steps[0].task, Task::Downgrade, "{name}");
                assert!(has(&plan, Code::NewLog), "{name}");
                continue;
            }
            if due {
                let upgrade = step(&plan, "Upgrade databases");
                assert_eq!((upgrade.by, upgrade.state), (By::Bdbkit, StepState::Todo), "{name}");
                assert!(has(&plan, Code::OldBtree), "{name}");
                let to = if target.id == "6.0" { 8 } else { 9 };
                let store = StepCommand::Own(Job::StoreUpgrade(to), vec![survey.dir.clone()]);
                assert_eq!(upgrade.command.as_ref(), Some(&store), "{name}");
                upgrades += 1;
            } else {
                // Where nobody knows what the target opens, nobody can say that it is due.
                let mut upgrade = plan.steps.iter().filter(|step| step.title.contains("Upgrade databases"));
                assert!(upgrade.all(|step| step.state == StepState::Decide), "{name}");
            }
            // Never the other way round: stop, back up, recover, upgrade, keep the logs, start.
            let order = [
                place(&plan, "Stop"),
                place(&plan, "Back up"),
                place(&plan, "Recover"),
                place(&plan, "Keep 1 log"),
            ];
            assert!(order.is_sorted(), "{name}: {order:?}");
            let logs = step(&plan, "Keep 1 log");
            assert!(logs.title.contains("never remove it") && logs.task == Task::Logs, "{name}");
            let recover = step(&plan, "Recover");
            let unclean = case.name.ends_with("unclean");
            assert_eq!(recover.state == StepState::Todo, unclean, "{name}");
            let other_log = target.log != Some(3);
            assert_eq!(recover.severity == StoreSeverity::Critical, unclean && other_log, "{name}");
        }
    }
    // Two stores of 5.x, each with eight releases ahead whose components are known.
    assert_eq!(upgrades, 2 * 8);
}

#[test]
fn an_unclean_store_is_recovered_by_the_old_release_first() {
    let case = "mboxlist-ims60-log3-le-unclean";
    let plan = plan(case, "6.1");
    let finding = plan.findings.iter().find(|finding| finding.code == Code::RecoverFirst).unwrap();
    assert_eq!(finding.severity, StoreSeverity::Critical);
    assert!(
        step(&plan, "Recover").note.as_ref().unwrap().contains("6.0 has no stored -r: start and stop it")
    );
    let same = self::plan(case, "6.0");
    assert!(has(&same, Code::Recover) && !has(&same, Code::RecoverFirst));
    let warning = same.findings.iter().find(|finding| finding.code == Code::Recover).unwrap();
    assert_eq!(warning.severity, StoreSeverity::Warning);
}

#[test]
fn compatible_databases_stay() {
    let plan = plan("mboxlist-ims60-log3-be", "6.3");
    let step = step(&plan, "Databases need no upgrade");
    assert_eq!(step.state, StepState::Done);
    assert_eq!(step.task, Task::Btree);
    assert!(has(&plan, Code::CompatibleBtree) && !has(&plan, Code::OldBtree));
}

#[test]
fn mailboxes_have_their_own_way() {
    let from = |mailbox: Mailbox, case: &str, target: &str| {
        let survey = SurveyOptions::new().mailbox(mailbox).survey(testdata().join(case)).unwrap();
        let plan = StorePlan::of(&survey, release(target));
        let step = step(&plan, "Mailboxes").clone();
        (step.state, step.command.clone(), plan)
    };
    let (state, command, plan) = from(Mailbox::V1_1, "mboxlist-ims5-log2-be", "7u1");
    assert_eq!((state, command), (StepState::Todo, None));
    assert!(has(&plan, Code::MailboxTooOld));
    assert!(step(&plan, "Mailboxes").reason.contains("1_2"));
    let (state, command, plan) = from(Mailbox::V1_1, "mboxlist-ims5-log2-be", "6.3");
    assert_eq!((state, command), (StepState::Todo, Some(StepCommand::Product("imcheck > /dev/null"))));
    assert!(has(&plan, Code::MailboxConverted));
    let (state, _, _) = from(Mailbox::V1_2, "mboxlist-ims5-log2-be", "6.3");
    assert_eq!(state, StepState::Done);
    // The mailboxes are those of 7.0, so this would be the way back.
    let survey = |mailbox| {
        SurveyOptions::new().mailbox(mailbox).survey(testdata().join("mboxlist-ims63-log11-le")).unwrap()
    };
    let plan = StorePlan::of(&survey(Mailbox::V1_3), release("6.3"));
    assert!(has(&plan, Code::MailboxTooNew) && !plan.possible());
    let plan = PlanOptions::new().source(release("6.3")).plan(&survey(Mailbox::V1_3), release("6.3"));
    let step = step(&plan, "Mailboxes");
    assert_eq!((step.state, step.task), (StepState::Impossible, Task::Mailboxes));
    // 4.15 or 5.x: nobody can tell from the files.
    assert_eq!(self::step(&self::plan("mboxlist-ims5-log2-be", "7.0"), "Mailboxes").state, StepState::Decide);
}

#[test]
fn databases_are_converted_on_the_way_to_a_machine_of_the_other_order() {
    for (case, order) in
        [("mboxlist-ims7u1-log14-be", Endianness::Little), ("mboxlist-ims61-log8-le", Endianness::Big)]
    {
        let survey = Survey::of(testdata().join(case)).unwrap();
        let plan = PlanOptions::new().byte_order(order).plan(&survey, release("7u2"));
        let last = plan.steps.last().unwrap();
        assert_eq!((last.state, last.task, last.by), (StepState::Decide, Task::Machine, By::Bdbkit));
        let convert = StepCommand::Own(Job::StoreConvert(order), vec![survey.dir.clone()]);
        assert_eq!(last.command.as_ref(), Some(&convert));
        let before: Vec<Task> = plan.steps.iter().map(|step| step.task).collect();
        assert_eq!(before, [Task::Stop, Task::Backup, Task::Recover, Task::Machine]);
        let found = plan.findings.iter().find(|found| found.code == Code::OtherOrder).unwrap();
        assert_eq!(found.jobs, [Job::StoreConvert(order)]);
        assert!(has(&plan, Code::OtherOrder) && !has(&plan, Code::OtherOrderUnrecovered));
        let same = PlanOptions::new().byte_order(order.other()).plan(&survey, release("7u2"));
        assert!(same.possible() && !has(&same, Code::OtherOrder));
    }
    let store = as_a_store("env-log14-be-crashed");
    let survey = Survey::of(store.path()).unwrap();
    let plan = PlanOptions::new().byte_order(Endianness::Little).plan(&survey, release("7u2"));
    assert_eq!(plan.worst(), Some(StoreSeverity::Critical));
    assert!(has(&plan, Code::OtherOrderUnrecovered));
}

#[test]
fn lsns_are_reset_where_the_logs_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["folder.db", "quota.db"] {
        let from = testdata().join("mboxlist-ims5-log2-le").join(name);
        std::fs::copy(from, folder.path().join(name)).unwrap();
    }
    let plan = StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    let reset = step(&plan, "Reset the LSNs");
    assert_eq!((reset.by, reset.state), (By::Bdbkit, StepState::Todo));
    assert!(plan.steps.iter().all(|step| !step.title.contains("Keep 1 log")));
    assert_eq!(step(&plan, "index of rights").task, Task::Reconstruct);
}

#[test]
fn what_no_source_tells_is_never_called_compatible() {
    let plan = plan("mboxlist-ims63-log11-be", "8.0.1");
    assert_eq!(step(&plan, "Ask about 8.0.1").state, StepState::Decide);
    assert_eq!(step(&plan, "no return").task, Task::OneWay);
    assert!(plan.steps.iter().all(|step| !step.reason.contains("compatible:")));
    assert!(
        plan.steps.iter().all(|step| !step.title.contains("7.x release first")),
        "7.0 may have written it"
    );
    let far = self::plan("mboxlist-ims60-log3-be", "8.0.1");
    assert_eq!(step(&far, "7.x release first").severity, StoreSeverity::Error);
}

#[test]
fn releases_of_the_same_components_leave_the_choice() {
    let survey = Survey::of(testdata().join("mboxlist-ims7u1-log14-le")).unwrap();
    let plan = PlanOptions::new().source(release("7u3")).plan(&survey, release("7u1"));
    assert_eq!(step(&plan, "go back").state, StepState::Decide);
    assert!(plan.possible());
}

/// An environment, with a database besides that is called as a store has one.
fn as_a_store(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut first = true;
    for path in std::fs::read_dir(testdata().join(case)).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".db") && std::mem::take(&mut first) {
            std::fs::copy(&path, folder.path().join("folder.db")).unwrap();
        } else if name.ends_with(".db") || name.starts_with("log.") {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    folder
}

/// A folder with some files of a store.
fn part(case: &str, names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::copy(testdata().join(case).join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn titles(plan: &StorePlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

#[test]
fn where_logs_are_elsewhere_nothing_is_concluded() {
    let files: [(&str, &[u8], &str); 6] = [
        ("DB_CONFIG", b"set_cachesize 0 1 1\n  set_lg_dir\t/var/log\n", "set_lg_dir\\09/var/log"),
        ("DB_CONFIG", b"DB_LOG_DIR logs\n", "DB_LOG_DIR logs"),
        ("DB_CONFIG", b"set_data_dir ../data\n", "set_data_dir ../data"),
        ("DB_CONFIG", &[b'#'; 70_000], "longer than"),
        ("log.00001", b"log", "log.00001"),
        ("log.00001", b"", "log.00001"),
    ];
    for (name, bytes, told) in files {
        let folder = part("mboxlist-ims63-log11-le", &["folder.db", "quota.db"]);
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let survey = Survey::of(folder.path()).unwrap();
        assert_eq!(survey.decision.state, State::Unknown, "{told}");
        assert!(survey.decision.reason.contains(told), "{}", survey.decision.reason);
        let plan = StorePlan::of(&survey, release("7u1"));
        assert!(!has(&plan, Code::LogsRemoved), "{told}");
        let recover = step(&plan, "Recover");
        assert_eq!((recover.state, recover.severity), (StepState::Todo, StoreSeverity::Critical), "{told}");
        assert!(titles(&plan).iter().all(|title| !title.contains("Reset")), "{told}");
        assert_eq!(survey.logs_elsewhere().is_none(), told.contains("data"), "{told}");
    }
    // The folder itself is not elsewhere.
    for setting in ["set_lg_dir .", "set_data_dir .", "set_tmp_dir /tmp", "set_lk_detect DB_LOCK_DEFAULT"] {
        let folder = part("mboxlist-ims63-log11-le", &["folder.db", "log.0000000001"]);
        std::fs::write(folder.path().join("DB_CONFIG"), setting).unwrap();
        assert_eq!(Survey::of(folder.path()).unwrap().decision.state, State::Clean, "{setting}");
    }
    // The logs that are here may be of another time.
    let folder = part("mboxlist-ims63-log11-le", &["folder.db", "log.0000000001"]);
    std::fs::write(folder.path().join("DB_CONFIG"), "set_lg_dir /var/log").unwrap();
    let plan = StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    assert_eq!(step(&plan, "Recover").severity, StoreSeverity::Critical);
}

#[cfg(unix)]
#[test]
fn logs_that_are_links_are_not_missing() {
    let folder = part("mboxlist-ims63-log11-le", &["folder.db"]);
    let log = testdata().join("mboxlist-ims63-log11-le/log.0000000001");
    std::os::unix::fs::symlink(log, folder.path().join("log.0000000001")).unwrap();
    let survey = Survey::of(folder.path()).unwrap();
    assert_eq!(survey.decision.state, State::Unknown);
    assert!(!has(&StorePlan::of(&survey, release("7u1")), Code::LogsRemoved));
}

/// It is not known whether recovery is needed: then it counts as if it were.
#[test]
fn an_unknown_state_is_critical_where_the_logs_change() {
    let store = as_a_store("env-log11-le-encrypted");
    let state = |target| {
        let plan = StorePlan::of(&Survey::of(store.path()).unwrap(), release(target));
        (step(&plan, "Recover").state, step(&plan, "Recover").severity)
    };
    assert_eq!(Survey::of(store.path()).unwrap().decision.state, State::Unknown);
    assert_eq!(state("7u1"), (StepState::Todo, StoreSeverity::Critical));
}

#[test]
fn a_reset_names_the_files() {
    let folder = part("mboxlist-ims63-log11-le", &["folder.db", "quota.db"]);
    let path = |name: &str| folder.path().join(name);
    let command = |plan: &StorePlan| step(plan, "Reset the LSNs").command.clone().unwrap();
    let reset = |paths: Vec<PathBuf>| StepCommand::Own(Job::ResetLsns, paths);
    let plan = StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    assert_eq!(command(&plan), reset(vec![path("folder.db"), path("quota.db")]));
    let old = part("mboxlist-ims5-log2-le", &["folder.db"]);
    let plan = StorePlan::of(&Survey::of(old.path()).unwrap(), release("7u1"));
    assert_eq!(command(&plan), reset(vec![old.path().join("folder.db")]));
    let note = |plan: &StorePlan| step(plan, "Reset the LSNs").note.clone().unwrap();
    assert_eq!(note(&plan), "the upgrade does it by itself");
    // Only those that are upgraded are reset by an upgrade.
    std::fs::copy(folder.path().join("quota.db"), old.path().join("quota.db")).unwrap();
    let plan = StorePlan::of(&Survey::of(old.path()).unwrap(), release("7u1"));
    assert_eq!(note(&plan), "the upgrade does it by itself for those that it upgrades");
}

#[test]
fn what_was_interrupted_is_finished_by_what_began_it() {
    let folder = part("mboxlist-ims63-log11-le", &["folder.db", "log.0000000001"]);
    let of = || StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    let commands = |plan: &StorePlan| -> Vec<StepCommand> {
        let finish = plan.steps.iter().filter(|step| step.title.starts_with("Finish"));
        finish.map(|step| step.command.clone().unwrap()).collect()
    };
    let here = |job| StepCommand::Own(job, vec![folder.path().to_owned()]);
    std::fs::create_dir(folder.path().join(".bdbkit-restore")).unwrap();
    let restore = here(Job::ResumeRestore);
    assert_eq!(commands(&of()), std::slice::from_ref(&restore));
    let plan = of();
    let found = plan.findings.iter().find(|finding| finding.code == Code::Interrupted).unwrap();
    assert!(found.action.contains("resume"), "{}", found.action);
    assert_eq!(found.jobs, [Job::ResumeRestore]);
    std::fs::create_dir(folder.path().join(".bdbkit-backup-1")).unwrap();
    assert_eq!(commands(&of()), [restore, here(Job::ResumeStoreUpgrade)]);
    let back = of().steps.iter().find_map(|step| step.alternative.clone());
    assert_eq!(back, Some(here(Job::RollBackStoreUpgrade)));
}

#[test]
fn files_of_two_machines_have_no_plan() {
    let folder = part("mboxlist-ims63-log11-le", &["folder.db", "log.0000000001"]);
    let foreign = testdata().join("mboxlist-ims63-log11-be/quota.db");
    std::fs::copy(foreign, folder.path().join("quota.db")).unwrap();
    let plan = StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    assert!(has(&plan, Code::MixedOrders) && !plan.possible());
    let [only] = &plan.steps[..] else { panic!("{:?}", titles(&plan)) };
    assert_eq!(
        (only.state, only.severity, only.task),
        (StepState::Impossible, StoreSeverity::Critical, Task::Machine)
    );
    assert!(only.reason.contains("quota.db"));
}

#[test]
fn behind_what_is_impossible_there_is_no_step() {
    // Databases that are newer than the log.
    let folder = part("env-log11-le-logs", &["log.0000000001"]);
    for path in std::fs::read_dir(testdata().join("mboxlist-ims63-log11-le")).unwrap() {
        let path = path.unwrap().path();
        if path.extension().is_some_and(|end| end == "db") {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let survey = Survey::of(folder.path()).unwrap();
    assert_eq!(survey.decision.state, State::Inconsistent, "{}", survey.decision.reason);
    let plan = StorePlan::of(&survey, release("7u1"));
    let last = plan.steps.last().unwrap();
    assert!(last.title.contains("Recover") && last.state == StepState::Impossible, "{:?}", titles(&plan));
}

#[test]
fn damaged_databases_are_salvaged_before_they_are_upgraded() {
    type Damage = fn(&mut Vec<u8>);
    let damage: [(&str, Damage); 2] = [
        ("a page", |bytes| bytes[0x2000..0x2400].fill(0xff)),
        ("the metadata", |bytes| bytes[12..16].fill(0)),
    ];
    for (what, damage) in damage {
        let folder = part("mboxlist-ims5-log2-le", &["quota.db", "folder.db", "log.0000000001"]);
        let path = folder.path().join("folder.db");
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let survey = Survey::of(folder.path()).unwrap();
        let plan = StorePlan::of(&survey, release("7u1"));
        assert!(has(&plan, Code::Damaged) || has(&plan, Code::Unreadable), "{what}");
        let salvage = step(&plan, "Salvage or restore folder.db first");
        assert_eq!((salvage.state, salvage.severity), (StepState::Todo, StoreSeverity::Error), "{what}");
        assert_eq!(salvage.command, Some(StepCommand::Own(Job::Salvage, vec![path])), "{what}");
        assert!(place(&plan, "Salvage") < place(&plan, "Upgrade databases"), "{what}");
    }
    let whole = plan("mboxlist-ims5-log2-le", "7u1");
    assert!(titles(&whole).iter().all(|title| !title.contains("Salvage")));
}

/// What the log says counts, whatever is told.
#[test]
fn a_source_that_the_log_contradicts_is_a_decision() {
    let survey = Survey::of(testdata().join("mboxlist-ims7u1-log14-le")).unwrap();
    let plan = PlanOptions::new().source(release("5.x")).plan(&survey, release("6.3"));
    let found = titles(&plan);
    assert_eq!(found[..2], ["Find out which release ran last", "Downgrade to 6.3 in place"]);
    assert_eq!(plan.steps[0].state, StepState::Decide);
    assert!(plan.steps[0].reason.contains("7u1 or 7u2 or 7u3") && plan.steps[0].reason.contains("5.x"));
    // The other way round: it was 7u1, although the log is older.
    let survey = Survey::of(testdata().join("mboxlist-ims60-log3-le")).unwrap();
    let plan = PlanOptions::new().source(release("7u1")).plan(&survey, release("6.3"));
    assert_eq!(titles(&plan)[..2], ["Find out which release ran last", "Downgrade to 6.3 in place"]);
    let plan = PlanOptions::new().source(release("6.0")).plan(&survey, release("6.3"));
    assert!(titles(&plan).iter().all(|title| !title.contains("Find out")) && plan.possible());
}

#[test]
fn in_an_empty_folder_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let survey = Survey::of(folder.path()).unwrap();
    assert!(survey.is_empty());
    let plan = StorePlan::of(&survey, release("7u1"));
    assert_eq!(titles(&plan), ["Nothing to do"]);
    assert!(plan.steps[0].reason.contains("no database here"));
    // What a restore has moved is still to come back.
    std::fs::create_dir(folder.path().join(".bdbkit-restore")).unwrap();
    let plan = StorePlan::of(&Survey::of(folder.path()).unwrap(), release("7u1"));
    assert!(
        titles(&plan)[0].contains("Finish the restore") || titles(&plan)[1].contains("Finish the restore")
    );
}
