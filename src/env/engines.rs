//! The releases of Berkeley DB: what each writes, and what it does with the logs of others
//! (mboxlist, "The component table"; log-format, "What a release says to logs of another
//! version").

use crate::order::Endianness;

use LogOrder::{Host, Little};
use Regions::{Numbered, Share};

/// The byte order of the logs of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogOrder {
    /// That of the machine.
    Host,
    /// Little-endian on every machine.
    Little,
}

/// A release of Berkeley DB, as its files show it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Engine {
    /// The release.
    pub bdb: &'static str,
    /// The BTREE version of the files that it makes.
    pub btree: u32,
    /// The version of the logs that it writes.
    pub log: u32,
    /// The byte order of its logs.
    pub log_order: LogOrder,
    /// The oldest logs that it reads.
    pub oldest_log: u32,
    /// What it says of an older log that it leaves out; some say nothing.
    pub skips: Option<&'static str>,
    /// Whether it stops at a newer log; otherwise it leaves that out, too.
    pub stops: bool,
    /// Whether on a big-endian machine it leaves out logs of the versions that were in the
    /// order of the machine, even if it reads them elsewhere.
    pub skips_host_order: bool,
    /// Its region files.
    pub regions: Regions,
}

/// How an engine names its region files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regions {
    /// `__db_lock.share`, `__db_log.share`, `__db_mpool.share`, `__db_txn.share`: 2.x.
    Share,
    /// `__db.001` and so on: 3.0 and later.
    Numbered,
}

impl Regions {
    /// The engines that do so: `2.x` or `3.0+`.
    #[must_use]
    pub fn family(self) -> &'static str {
        match self {
            Regions::Share => "2.x",
            Regions::Numbered => "3.0+",
        }
    }
}

/// What an engine does with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Reads it.
    Reads,
    /// Goes on without the file.
    Skips {
        /// What it says; some say nothing.
        says: Option<String>,
    },
    /// Stops.
    Stops {
        /// What it says.
        says: String,
    },
}

const fn engine(
    bdb: &'static str,
    btree: u32,
    (log, log_order): (u32, LogOrder),
    (oldest_log, skips): (u32, Option<&'static str>),
    regions: Regions,
) -> Engine {
    let (stops, skips_host_order) = (log > 2, log > 14);
    Engine { bdb, btree, log, log_order, oldest_log, skips, stops, skips_host_order, regions }
}

const UNREADABLE: Option<&str> = Some("unreadable log version");
const HISTORIC: Option<&str> = Some("historic log version");

/// The engines whose files were seen, oldest first. 2.7.7 stands for 2.6.
pub static ENGINES: [Engine; 14] = [
    engine("2.7.7", 6, (2, Host), (2, None), Share),
    engine("3.0.55", 7, (2, Host), (2, None), Numbered),
    engine("3.1.17", 8, (2, Host), (2, None), Numbered),
    engine("3.2.9", 8, (3, Host), (3, None), Numbered),
    engine("4.0.14", 8, (5, Host), (5, None), Numbered),
    engine("4.1.25", 9, (7, Host), (7, None), Numbered),
    engine("4.2.52", 9, (8, Host), (8, UNREADABLE), Numbered),
    engine("4.3.29", 9, (10, Host), (10, HISTORIC), Numbered),
    engine("4.4.20", 9, (11, Host), (11, HISTORIC), Numbered),
    engine("4.5.20", 9, (12, Host), (8, HISTORIC), Numbered),
    engine("4.6.21", 9, (13, Host), (8, HISTORIC), Numbered),
    engine("4.7.25", 9, (14, Little), (8, HISTORIC), Numbered),
    engine("4.8.30", 9, (16, Little), (8, HISTORIC), Numbered),
    engine("5.3.28", 9, (19, Little), (8, HISTORIC), Numbered),
];

/// An engine that was read about: no file of it was seen.
static UNSEEN: Engine = engine("3.3", 8, (4, Host), (3, None), Numbered);

/// Writers of the versions that are no engine's own, or of engines whose ways are not known.
static OTHER_WRITERS: [(u32, &str); 7] = [
    (15, "4.8 before its second patch"),
    (17, "5.0 and 5.1"),
    (18, "5.2"),
    (20, "6.0 before its third patch"),
    (21, "6.0"),
    (22, "6.1"),
    (23, "6.2 and 18.1"),
];

/// Up to this version logs are in the order of the machine.
pub const LAST_OF_HOST_ORDER: u32 = 13;

const UNSUPPORTED: &str = "unsupported log version";
const HISTORIC_ORDER: &str = "historic byte order";

impl Engine {
    /// The engine that writes logs of a version: of several, the one with the BTREE
    /// version, or else the oldest.
    #[must_use]
    pub fn by_log(version: u32, btree: Option<u32>) -> Option<&'static Engine> {
        let mut writers = ENGINES.iter().filter(|engine| engine.log == version);
        let oldest = writers.clone().next();
        writers.find(|engine| Some(engine.btree) == btree).or(oldest)
    }

    /// All engines whose ways with logs are known, oldest first: those whose files were seen,
    /// and 3.3.
    pub fn known() -> impl Iterator<Item = &'static Engine> {
        let mut all: Vec<_> = ENGINES.iter().chain([&UNSEEN]).collect();
        all.sort_by_key(|engine| engine.log);
        all.into_iter()
    }

    /// The releases of Berkeley DB that write logs of a version.
    #[must_use]
    pub fn writers(version: u32) -> Vec<&'static str> {
        let known = Engine::known().filter(|engine| engine.log == version).map(Engine::release);
        let other = OTHER_WRITERS.iter().filter(|(written, _)| *written == version).map(|(_, name)| *name);
        known.chain(other).collect()
    }

    /// The release without the number of its patch: `4.2`.
    #[must_use]
    pub fn release(&self) -> &'static str {
        let patch = self.bdb.match_indices('.').nth(1);
        patch.and_then(|(at, _)| self.bdb.get(..at)).unwrap_or(self.bdb)
    }

    /// Whether it reads logs of a version.
    #[must_use]
    pub fn reads_log(&self, version: u32) -> bool {
        (self.oldest_log..=self.log).contains(&version)
    }

    /// What it does with a log of a version and byte order, on a machine of that order.
    #[must_use]
    pub fn treats(&self, version: u32, order: Endianness) -> Treatment {
        let host_order = version <= LAST_OF_HOST_ORDER && order == Endianness::Big;
        if version < self.oldest_log {
            Treatment::Skips { says: self.skips.map(|message| format!("{message} {version}")) }
        } else if version > self.log {
            let says = format!("{UNSUPPORTED} {version}");
            if self.stops { Treatment::Stops { says } } else { Treatment::Skips { says: Some(says) } }
        } else if host_order && self.skips_host_order {
            Treatment::Skips { says: Some(HISTORIC_ORDER.into()) }
        } else {
            Treatment::Reads
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_found_by_their_logs() {
        assert_eq!(Engine::by_log(2, Some(8)).map(|engine| engine.bdb), Some("3.1.17"));
        assert_eq!(Engine::by_log(2, None).map(|engine| engine.bdb), Some("2.7.7"));
        assert_eq!(Engine::writers(2), ["2.7", "3.0", "3.1"]);
        assert_eq!(Engine::writers(4), ["3.3"]);
        assert_eq!(Engine::writers(17), ["5.0 and 5.1"]);
        assert_eq!(Engine::writers(23), ["6.2 and 18.1"]);
        assert!(Engine::known().map(|engine| engine.log).is_sorted());
    }
}
