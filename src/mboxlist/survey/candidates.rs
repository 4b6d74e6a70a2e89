//! Which releases could have written the store (mboxlist, "Candidate releases").

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::databases::DatabaseFile;
use super::logs::LogFacts;
use super::product::{Product, telling};
use crate::env::{Engine, Regions};
use crate::mboxlist::names::listed;
use crate::mboxlist::releases::{Mailbox, RELEASES, Release};

/// The releases that fit what the files show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidates {
    /// The releases that may have run last, oldest first.
    pub last_writer: Vec<&'static Release>,
    /// The engine that wrote the newest log, by its version: of several, the oldest.
    pub engine: Option<&'static str>,
    /// How far that can be trusted.
    pub confidence: Certainty,
    /// The releases under which the oldest parts may have been made.
    pub earliest_origin: Vec<&'static Release>,
    /// What shows it, in words.
    pub reasons: Vec<String>,
    /// Whether the evidence goes together.
    pub agree: bool,
}

/// How far a conclusion can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// The version of the log is in the table.
    Certain,
    /// Only region files or the versions of databases tell.
    Likely,
    /// Nothing tells.
    #[default]
    None,
}

impl Certainty {
    /// In one word: `certain`, `likely` or `none`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Certainty::Certain => "certain",
            Certainty::Likely => "likely",
            Certainty::None => "none",
        }
    }
}

/// What the conclusion is drawn from.
pub(super) struct Evidence<'a> {
    pub(super) databases: &'a [DatabaseFile],
    pub(super) logs: &'a [LogFacts],
    pub(super) regions: &'a BTreeSet<Regions>,
    pub(super) mailbox: Option<Mailbox>,
    pub(super) product: Product,
    /// The names of the databases, here and in the logs.
    pub(super) names: &'a BTreeSet<OsString>,
}

/// The releases that are left, and what they were narrowed down by.
struct Sieve {
    left: Vec<&'static Release>,
    reasons: Vec<String>,
}

impl Sieve {
    fn keep(&mut self, reason: String, fits: impl Fn(&Release) -> bool) {
        self.left.retain(|release| fits(release));
        self.reasons.push(reason);
    }
}

impl Candidates {
    pub(super) fn of(evidence: &Evidence<'_>) -> Candidates {
        let Evidence { databases, logs, regions, mailbox, .. } = *evidence;
        if evidence.product.is_foreign() {
            return Candidates::none(evidence);
        }
        let newest = logs.iter().rev().find_map(|log| log.version);
        let btrees: BTreeSet<u32> = btree_versions(databases).collect();
        let known = RELEASES.iter().filter(|release| release.components_known());
        let mut sieve = Sieve { left: known.collect(), reasons: Vec::new() };
        let engine = newest.and_then(|version| Engine::by_log(version, btrees.last().copied()));
        if let Some(version) = newest {
            let engine =
                engine.map_or_else(|| "no known engine".into(), |engine| format!("engine {}", engine.bdb));
            let release = match Release::by_log(version).next() {
                Some(_) if version == 14 => " (7 Update 4 possible, but unproven)",
                Some(_) => "",
                None => ": no release of the table",
            };
            sieve.keep(format!("the newest log is of version {version}, {engine}{release}"), |release| {
                release.log == Some(version)
            });
        }
        for family in regions {
            let (names, share) = match family {
                Regions::Share => ("__db_*.share", true),
                Regions::Numbered => ("__db.001 …", false),
            };
            sieve.keep(format!("region files {names}: engine {}", family.family()), |release| {
                release.engine().is_some_and(|engine| (engine.regions == Regions::Share) == share)
            });
        }
        let told = newest.is_some_and(|version| Release::by_log(version).next().is_some());
        for version in &btrees {
            let opens = |release: &Release| release.opens(*version) == Some(true);
            let reason = match version {
                9 => "BTREE 9: a file that 6.1 or later made, or that was upgraded".into(),
                8 => "BTREE 8: 6.0 made the file, or it was upgraded from 6".into(),
                6 => "BTREE 6: 5.x or earlier made the file, and it was never upgraded".into(),
                other => format!("BTREE {other}: no release of the table makes such files"),
            };
            if !told {
                sieve.keep(reason, opens);
            } else if sieve.left.iter().all(|release| opens(release)) {
                sieve.reasons.push(reason);
            } else {
                let since = if *version > 7 { "was upgraded since" } else { "is not upgraded yet" };
                sieve.reasons.push(format!("{reason}: it {since}, the releases of the log do not open it"));
            }
        }
        if btrees.len() > 1 {
            sieve.reasons.push("BTREE versions differ: an upgraded store with newer files".into());
        }
        let lright = databases.iter().any(|file| file.name == "lright.db");
        if !lright && !databases.is_empty() {
            sieve.reasons.push("lright.db is missing, which argues for 5.x or earlier".into());
        }
        if let Some(mailbox) = mailbox {
            sieve.keep(format!("mailboxes are said to be {}", mailbox.name()), |release| {
                release.mailbox == Some(mailbox)
            });
        }
        let evident = newest.is_some() || !btrees.is_empty() || !regions.is_empty();
        let agree = !evident || !sieve.left.is_empty();
        let by_log: Vec<_> = newest.map(|version| Release::by_log(version).collect()).unwrap_or_default();
        let confidence = match (evident, agree) {
            (true, _) if !by_log.is_empty() => Certainty::Certain,
            (true, true) => Certainty::Likely,
            _ => Certainty::None,
        };
        let last_writer = match (evident, agree) {
            (false, _) => Vec::new(),
            (true, true) => sieve.left,
            (true, false) => by_log,
        };
        let earliest_origin = origin(&btrees, logs, &last_writer);
        let engine = engine.map(|engine| engine.bdb);
        Candidates { last_writer, engine, confidence, earliest_origin, reasons: sieve.reasons, agree }
    }
}

impl Candidates {
    /// For what is no mail store: no release, but the engine.
    fn none(evidence: &Evidence<'_>) -> Candidates {
        let newest = evidence.logs.iter().rev().find_map(|log| log.version);
        let engine = newest.and_then(|version| Engine::by_log(version, None));
        let shows = listed(telling(evidence.product, evidence.names));
        let mut reasons = vec![format!("there are databases {shows}")];
        reasons.extend(newest.map(|version| {
            let writers = Engine::writers(version).join(" or ");
            format!("the newest log is of version {version}, engine {writers}")
        }));
        Candidates { engine: engine.map(|engine| engine.bdb), reasons, agree: true, ..Candidates::default() }
    }
}

/// The versions of the databases that a store is known for: those of other access methods
/// count otherwise.
fn btree_versions(databases: &[DatabaseFile]) -> impl Iterator<Item = u32> {
    let btree = |file: &&DatabaseFile| matches!(file.kind.as_deref(), Some("btree" | "recno"));
    databases.iter().filter(btree).filter_map(|file| file.version)
}

/// The releases of the lowest BTREE version or the lowest log version, whichever is older,
/// and none later than the last writer.
fn origin(btrees: &BTreeSet<u32>, logs: &[LogFacts], last: &[&'static Release]) -> Vec<&'static Release> {
    let by_btree: Vec<_> =
        btrees.first().into_iter().flat_map(|&version| Release::by_btree(version)).collect();
    let oldest_log = logs.iter().filter_map(|log| log.version).min();
    let by_log: Vec<_> = oldest_log.into_iter().flat_map(Release::by_log).collect();
    let sets = [by_btree, by_log].into_iter().filter(|set| !set.is_empty());
    let mut oldest = sets.min_by_key(|set| set.first().map(|release| release.order)).unwrap_or_default();
    oldest.retain(|release| last.last().is_none_or(|last| release <= last));
    oldest
}
