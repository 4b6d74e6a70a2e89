//! The commands and options of this tool that serve for what the library reports: it speaks of
//! itself, and here is what to type.
//!
//! - `jobs`: the commands that do what a finding or a step of a plan asks for
//! - `shell`: paths in commands

mod jobs;
mod shell;

pub(crate) use jobs::{action, command};

use std::path::Path;

use bdbkit::{Endianness, ErrorKind};

/// What the tool has for a code: of a refusal, a notice, a rule, a finding or a step.
pub(crate) fn of(code: &str) -> Option<&'static str> {
    Some(match code {
        "R-IN-USE" | "R-ENVIRONMENT" | "R-LIVE" => "--assume-closed if nothing uses it",
        "R-SYSTEM" => "--assume-closed if nothing uses it; bdbkit upgrade --copy writes a copy",
        "R-JOURNAL" | "R-ONE-OF-SET" | "R-STUCK" | "R-SIBLING" | "W-UNFINISHED" => {
            "bdbkit upgrade --resume completes it, bdbkit upgrade --rollback takes it back"
        }
        "R-MOVED" => {
            "bdbkit upgrade --resume goes on with it all the same, bdbkit upgrade --rollback brings the old \
             file back"
        }
        "R-NO-SNAPSHOT" => "bdbkit store snapshots lists them",
        "R-UNFIT" => "--force restores it all the same; bdbkit store snapshots lists what each is worth",
        "R-INTERRUPTED" | "R-RESTORING" => {
            "bdbkit store restore-snapshot --resume completes it, --rollback goes back"
        }
        "R-IN-PLACE" => "bdbkit store restore-snapshot --resume",
        "R-NOTHING-MOVED" => "--rollback removes its copies",
        "R-ASIDE" => "--aside names another",
        "R-OTHER-FILE-SYSTEM" => "--aside names a folder on the same one",
        "R-REGION-FOLDER" => "--dbtmpdir names it",
        "R-RECOVERY" => {
            "bdbkit recover does it, --to in a copy; --ignore-logs goes on as if there were no logs"
        }
        "R-STOPPED" => "see --catastrophic, --to and --partial; bdbkit salvage",
        "R-UNSOUND" => "--to writes a copy; --partial recovers the others",
        "R-NOT-LASTING" | "R-SEVERAL-FOLDERS" => "--to",
        "R-OUTSIDE" => "--data-dir names it",
        "R-INCONSISTENT" => "--ignore-logs goes on as if there were no logs",
        "R-DAMAGED" | "R-UNREADABLE" => "see bdbkit verify, bdbkit salvage",
        "R-UNREACHABLE" => "see bdbkit salvage; --leave-unreachable leaves them as they are",
        "R-TAIL" | "R-CHAIN" | "R-DATABASE-LIST" | "R-LOST" | "W-UNREFERENCED" => "see bdbkit salvage",
        "R-ENCRYPTED" => "bdbkit dump -P PASSWORD",
        "R-DOWNGRADE" => "bdbkit downgrade; bdbkit dump",
        "R-NOT-MENDED" => "see bdbkit verify; bdbkit salvage, then bdbkit load",
        "R-NOT-KEPT" => "--backup names a folder, --copy a file",
        "W-LEFT" => "bdbkit verify",
        "R-EARLIER" => "bdbkit upgrade",
        "R-OLDER" => "bdbkit dump",
        "R-LIST-ORDER" => "--machine little, or big",
        "R-OLD-HASH" => "bdbkit dump, or bdbkit upgrade --keep-hash",
        "R-GROWTH" => "see bdbkit verify, bdbkit salvage",
        "R-QUEUE-START" => "bdbkit dump",
        "R-KEY-ORDER" => "--profile v9, or v8",
        "R-RECORD-LENGTH" | "W-RECORD-LENGTH" => "--re-len",
        "R-NO-SUCH-DATABASE" => "bdbkit dump -l lists the names",
        "R-UNSORTED" => "--dupsort no, or unchecked",
        "W-SORTED" => "--dupsort",
        "W-FOREIGN-LOG" | "M-113" | "T-LSN" => "bdbkit reset-lsn",
        "M-101" | "T-BTREE" => "bdbkit store upgrade",
        "M-202" | "T-MACHINE" => "bdbkit store convert",
        "M-104" | "T-FINISH" => {
            "bdbkit upgrade, bdbkit store upgrade or bdbkit store restore-snapshot, with --resume or --rollback"
        }
        "M-105" | "M-112" | "T-SALVAGE" => "bdbkit salvage",
        "M-108" | "T-PRODUCT" => "bdbkit info, verify, log and upgrade",
        "M-109" => "bdbkit verify, bdbkit salvage",
        "M-117" => "bdbkit log verify",
        "M-118" | "T-RELEASE" => "--source",
        "M-120" => "bdbkit explain T-RECOVER",
        "M-123" => "--dbtmpdir, --lock-dir, --session-dir",
        "M-205" => "--source, --mailbox-version",
        "M-304" => "bdbkit store survey",
        "M-404" => "--mailbox-version",
        "T-SNAPSHOT" => "bdbkit store restore-snapshot",
        "F-LAST" => "bdbkit upgrade; bdbkit salvage",
        "I-PACK" => "bdbkit salvage --deleted",
        "B-FILE" => "--external-dir names the folder",
        "K-ORD" | "K-ORDI" | "K-RANGE" | "K-CHAIN" | "D-ORD" | "X-ORD" => {
            "bdbkit verify --no-order; bdbkit dump"
        }
        "D-TYPE" => "bdbkit upgrade --resume; bdbkit salvage",
        "F-SIZE" | "F-ONCE" | "M-MAGIC" | "M-TYPE" | "M-ROOT" | "M-FREE" | "FL-TYPE" | "FL-LINK"
        | "P-NUM" | "P-TYPE" | "P-LEVEL" | "P-ENT" | "P-LINK" | "I-OFF" | "I-LEN" | "I-KIND" | "I-SHARE"
        | "I-OVF" | "I-REP" | "B-ID" | "D-FLAG" | "T-CHAIN" | "T-EMPTY" | "N-RELEN" | "O-TYPE" | "O-PREV"
        | "O-LEN" | "S-NAME" | "C-SUM" | "C-META" | "H-NELEM" | "H-PAGE" | "H-SPARE" | "H-MASK"
        | "H-BUCKET" | "H-CHAIN" | "H-ITEM" | "H-SORT" | "H-DUP" | "Q-RECPAGE" | "Q-RANGE" | "Q-FLAG"
        | "X-INT" | "X-LEN" | "PART-FILE" | "PART-KEYS" | "E-TAB" | "E-OVER" | "E-SPLIT" | "E-FLAG"
        | "E-REGION" => "bdbkit salvage",
        "M-FLAGS" | "M-MINKEY" | "M-RELEN" | "P-HF" | "FL-CYCLE" | "K-PART" | "N-SUM" | "O-REF" => {
            "bdbkit dump"
        }
        _ => return None,
    })
}

/// What the tool has for a kind of error.
pub(crate) fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Interrupted => {
            Some("bdbkit upgrade --resume completes it, bdbkit upgrade --rollback brings the old file back")
        }
        ErrorKind::Password => Some("--password-file FILE or -P PASSWORD gives it"),
        _ => None,
    }
}

/// What the library says of a part of a file, and what the tool has for it.
pub(crate) fn damage(error: &bdbkit::Error) -> String {
    let unknown = matches!(error, bdbkit::Error::External { file, .. }
        if matches!(file.fault, bdbkit::ExternalFault::NoFolder));
    with(&error.to_string(), unknown.then_some("--external-dir names it"))
}

/// The command that salvages a file; of one without its first page, with how it is divided.
pub(crate) fn salvage(path: &Path, divided: Option<(u32, Endianness)>) -> String {
    let mut command = "bdbkit salvage".to_owned();
    if let Some((size, order)) = divided {
        command += &format!(" --page-size {size} --{order}");
    }
    command + " " + &shell::quoted(path)
}

/// What to add to a refusal of a file in which a salvage finds records all the same.
pub(crate) fn salvage_may(error: &bdbkit::Error) -> Option<&'static str> {
    bdbkit::salvage::may_read(error).then_some(" (\"bdbkit salvage\" may find what is in it)")
}

/// What the library says of a file, and what the tool has for it.
pub(crate) fn error(error: &bdbkit::Error) -> String {
    with(&error.to_string(), of_kind(error.kind())) + salvage_may(error).unwrap_or_default()
}

/// What the library says, and what the tool has for it.
pub(crate) fn with(text: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text} ({hint})"))
}

#[cfg(test)]
mod tests {
    use bdbkit::explain::Explanation;

    use super::*;

    /// What the library advises the tool has a command or an option for.
    #[test]
    fn what_can_be_done_with_the_tool_has_a_hint() {
        let jobs = [
            ("salvage", "salvage"),
            ("reset the positions", "reset-lsn"),
            ("resume", "--resume"),
            ("roll it back", "--rollback"),
            ("say that no program", "--assume-closed"),
            ("state it", "--"),
        ];
        for known in Explanation::all() {
            let remedy = known.remedy.to_lowercase();
            for (word, command) in jobs {
                let hint = of(known.code).unwrap_or_default();
                // What is to be resumed is the same run, as it was started.
                let by_itself = known.remedy.contains("move it away, and resume");
                assert!(
                    !remedy.contains(word) || by_itself || hint.contains(command),
                    "{}: {remedy}: {hint:?} has no {command}",
                    known.code
                );
            }
        }
    }
}
