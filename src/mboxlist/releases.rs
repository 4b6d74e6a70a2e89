//! The releases of the message store: which wrote what (mboxlist, "The component table").
//!
//! What no source tells is `None`, never a guess.

use std::cmp::Ordering;

use crate::env::{ENGINES, Engine, LogOrder};

/// A release of the message store.
#[derive(Debug)]
#[non_exhaustive]
pub struct Release {
    /// Short name, by which users choose it: `6.3`, `7u1`.
    pub id: &'static str,
    /// Place in the order of the releases.
    pub order: u32,
    /// The product's name.
    pub name: &'static str,
    /// The mailboxes that it writes.
    pub mailbox: Option<Mailbox>,
    /// Its release of Berkeley DB.
    pub bdb: Option<&'static str>,
    /// The BTREE version of the files that it makes.
    pub btree: Option<u32>,
    /// The BTREE versions that it opens.
    pub btree_readable: &'static [u32],
    /// The version of the logs that it writes.
    pub log: Option<u32>,
    /// The byte order of its logs.
    pub log_order: Option<LogOrder>,
    /// Whether it has `stored -r`.
    pub stored_r: Option<bool>,
    /// The release from which on databases are incompatible with all that is older, if
    /// it is this one or came later.
    pub one_way_since: Option<&'static str>,
    /// The releases from which the product can be upgraded to it, where that is stated.
    pub upgrade_from: &'static [&'static str],
    /// Who says so.
    pub source: Source,
}

/// The version of mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mailbox {
    /// 1_1.
    V1_1,
    /// 1_2; `imcheck` prints 102.
    V1_2,
    /// 1_3.
    V1_3,
}

impl Mailbox {
    /// The version by its name, or as `imcheck` prints it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Mailbox> {
        match text {
            "1_1" => Some(Mailbox::V1_1),
            "1_2" | "102" => Some(Mailbox::V1_2),
            "1_3" => Some(Mailbox::V1_3),
            _ => None,
        }
    }

    /// The name: `1_1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mailbox::V1_1 => "1_1",
            Mailbox::V1_2 => "1_2",
            Mailbox::V1_3 => "1_3",
        }
    }
}

/// Where a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The vendor's page "Upgrading the Message Store".
    UpgradeGuide,
    /// Other public documents.
    Public,
    /// No source was found.
    Unknown,
}

/// The components of a release that the upgrade guide names.
const fn guide(
    (order, id, name): (u32, &'static str, &'static str),
    mailbox: Mailbox,
    bdb: &'static str,
    (btree, btree_readable): (u32, &'static [u32]),
    (log, log_order): (u32, LogOrder),
    stored_r: bool,
) -> Release {
    Release {
        id,
        order,
        name,
        mailbox: Some(mailbox),
        bdb: Some(bdb),
        btree: Some(btree),
        btree_readable,
        log: Some(log),
        log_order: Some(log_order),
        stored_r: Some(stored_r),
        one_way_since: None,
        upgrade_from: &[],
        source: Source::UpgradeGuide,
    }
}

/// A release whose components no source tells.
const fn later(
    (order, id, name): (u32, &'static str, &'static str),
    source: Source,
    one_way_since: Option<&'static str>,
    upgrade_from: &'static [&'static str],
) -> Release {
    Release {
        id,
        order,
        name,
        mailbox: None,
        bdb: None,
        btree: None,
        btree_readable: &[],
        log: None,
        log_order: None,
        stored_r: None,
        one_way_since,
        upgrade_from,
        source,
    }
}

use LogOrder::{Host, Little};
use Mailbox::{V1_1, V1_2, V1_3};

const OLD: (u32, &[u32]) = (6, &[6]);
const NEW: (u32, &[u32]) = (9, &[8, 9]);
const ONE_WAY: Option<&str> = Some("7.0.5");

/// The releases, oldest first.
pub static RELEASES: [Release; 16] = [
    guide((10, "4.15", "Netscape Messaging Server 4.15"), V1_1, "2.6", OLD, (2, Host), false),
    guide((20, "5.x", "iPlanet Messaging Server 5.x"), V1_2, "2.6", OLD, (2, Host), false),
    guide((30, "6.0", "Sun ONE Messaging Server 6.0"), V1_2, "3.2.9", (8, &[8]), (3, Host), false),
    guide((40, "6.1", "Sun Java System Messaging Server 6 2004Q2"), V1_2, "4.2", NEW, (8, Host), true),
    guide((50, "6.2", "Sun Java System Messaging Server 6 2005Q1"), V1_2, "4.2", NEW, (8, Host), true),
    guide((60, "6.3", "Sun Java System Messaging Server 6.3"), V1_2, "4.4", NEW, (11, Host), true),
    guide((70, "7.0", "Sun Java System Messaging Server 7.0"), V1_3, "4.4", NEW, (11, Host), true),
    guide((80, "7u1", "Messaging Server 7 Update 1"), V1_3, "4.7.25", NEW, (14, Little), true),
    guide((90, "7u2", "Messaging Server 7 Update 2"), V1_3, "4.7.25", NEW, (14, Little), true),
    guide((100, "7u3", "Messaging Server 7 Update 3"), V1_3, "4.7.25", NEW, (14, Little), true),
    later((110, "7u4", "Messaging Server 7 Update 4"), Source::Unknown, None, &[]),
    later(
        (120, "7.0.5", "Oracle Communications Messaging Server 7.0.5 (7 Update 5)"),
        Source::Public,
        ONE_WAY,
        &[],
    ),
    later((130, "8.0", "Oracle Communications Messaging Server 8.0"), Source::Public, ONE_WAY, &[]),
    later((140, "8.0.1", "Oracle Communications Messaging Server 8.0.1"), Source::Public, ONE_WAY, &["7.x"]),
    later(
        (150, "8.0.2", "Oracle Communications Messaging Server 8.0.2, classic message store"),
        Source::Public,
        None,
        &["7.x", "8.0", "8.0.1"],
    ),
    later(
        (160, "8.1", "Oracle Communications Messaging Server 8.1.0, classic message store"),
        Source::Public,
        None,
        &["7.x", "8.0", "8.0.1", "8.0.2"],
    ),
];

impl Release {
    /// The newest release whose components are known.
    #[must_use]
    pub fn newest_known() -> Option<&'static Release> {
        RELEASES.iter().rev().find(|release| release.components_known())
    }

    /// The releases that write logs of a version.
    pub fn by_log(version: u32) -> impl Iterator<Item = &'static Release> {
        RELEASES.iter().filter(move |release| release.log == Some(version))
    }

    /// The releases that make BTREE files of a version.
    pub fn by_btree(version: u32) -> impl Iterator<Item = &'static Release> {
        RELEASES.iter().filter(move |release| release.btree == Some(version))
    }

    /// Whether it is known what the release writes.
    #[must_use]
    pub fn components_known(&self) -> bool {
        self.btree.is_some() && self.log.is_some()
    }

    /// The engine of the release, as its files show it.
    #[must_use]
    pub fn engine(&self) -> Option<&'static Engine> {
        ENGINES.iter().find(|engine| Some(engine.log) == self.log)
    }

    /// Whether a file of another release can be opened; `None` if that is not known.
    #[must_use]
    pub fn opens(&self, btree: u32) -> Option<bool> {
        self.components_known().then(|| self.btree_readable.contains(&btree))
    }

    /// The version that an upgrade for it brings databases to.
    pub(super) fn upgrades_to(&self) -> u32 {
        self.btree_readable.last().copied().unwrap_or(9)
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Release) -> bool {
        self.order == other.order
    }
}

impl Eq for Release {}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Release) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Release {
    fn cmp(&self, other: &Release) -> Ordering {
        self.order.cmp(&other.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_lead_both_ways() {
        let ids = |releases: &mut dyn Iterator<Item = &'static Release>| -> Vec<&str> {
            releases.map(|release| release.id).collect()
        };
        assert_eq!(ids(&mut Release::by_log(2)), ["4.15", "5.x"]);
        assert_eq!(ids(&mut Release::by_log(11)), ["6.3", "7.0"]);
        assert_eq!(ids(&mut Release::by_btree(8)), ["6.0"]);
        assert!(Release::by_log(9).next().is_none());
        assert_eq!(Release::find("7U1").and_then(Release::engine).map(|engine| engine.bdb), Some("4.7.25"));
        assert_eq!(Release::find("6.0").and_then(|release| release.opens(9)), Some(false));
        assert_eq!(Release::find("8.1").and_then(|release| release.opens(9)), None);
        assert_eq!(Release::newest_known().map(|release| release.id), Some("7u3"));
    }

    #[test]
    fn releases_stand_in_their_order() {
        assert!(RELEASES.is_sorted_by(|a, b| a < b));
    }
}
