//! Whose environment a folder is, by the names of its databases.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use super::databases::KNOWN;

/// Whose environment a folder is: a conclusion from the names of the databases in it, and of
/// those that its logs speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// A Messaging Server's: it has a database of a store, or its logs speak of one.
    MailStore,
    /// Nothing names a database.
    #[default]
    Unknown,
    /// A Cyrus server's.
    Cyrus,
    /// A Subversion repository.
    Subversion,
    /// An OpenLDAP directory.
    OpenLdap,
    /// A wallet of Bitcoin, or of one that descends from it.
    Wallet,
    /// The database of installed packages of rpm.
    Rpm,
    /// Another one's: no database has a name that a store has.
    Other,
}

/// Names that only one product gives.
const SIGNS: [(Product, &[&str]); 5] = [
    (Product::Cyrus, &["mailboxes.db"]),
    (Product::Subversion, &["nodes", "revisions", "transactions", "representations"]),
    (Product::OpenLdap, &["id2entry.bdb", "dn2id.bdb"]),
    (Product::Wallet, &["wallet.dat"]),
    (Product::Rpm, &["Packages", "Basenames", "Providename", "Requirename"]),
];

impl Product {
    /// By the names of the databases.
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n OsStr>) -> Product {
        let names: BTreeSet<&OsStr> = names.into_iter().collect();
        let has = |name: &&str| names.contains(OsStr::new(name));
        if KNOWN.iter().any(&has) {
            return Product::MailStore;
        }
        let sign = SIGNS.iter().find(|(_, signs)| signs.iter().any(&has));
        match sign {
            Some((product, _)) => *product,
            None if names.is_empty() => Product::Unknown,
            None => Product::Other,
        }
    }

    /// Whether it is certainly no mail store.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        !matches!(self, Product::MailStore | Product::Unknown)
    }

    /// In one word, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Product::MailStore => "mail-store",
            Product::Unknown => "unknown",
            Product::Cyrus => "cyrus",
            Product::Subversion => "subversion",
            Product::OpenLdap => "openldap",
            Product::Wallet => "wallet",
            Product::Rpm => "rpm",
            Product::Other => "other",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Product::MailStore => "a Messaging Server store",
            Product::Unknown => "unknown: nothing names a database",
            Product::Cyrus => "a Cyrus mail store, not one of Messaging Server",
            Product::Subversion => "a Subversion repository, no mail store",
            Product::OpenLdap => "an OpenLDAP directory, no mail store",
            Product::Wallet => "a wallet as of Bitcoin, no mail store",
            Product::Rpm => "the packages of rpm, no mail store",
            Product::Other => "no mail store: no database has the name of one",
        }
    }
}

/// The names of databases that show what a folder is, as reports tell them.
pub(super) fn telling(product: Product, names: &BTreeSet<OsString>) -> Vec<&OsString> {
    let signs = SIGNS.iter().find(|(of, _)| *of == product).map_or(&[][..], |(_, signs)| signs);
    let sign = |name: &&OsString| signs.is_empty() || signs.iter().any(|sign| ***name == **sign);
    names.iter().filter(sign).take(NAMED).collect()
}

/// More names are not told.
const NAMED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_known_by_its_databases() {
        let of = |names: &[&str]| Product::of(names.iter().map(OsStr::new));
        let cases: [(&[&str], Product); 9] = [
            (&["folder.db", "quota.db"], Product::MailStore),
            (&["lright.db", "nodes"], Product::MailStore),
            (&["changes", "nodes", "strings"], Product::Subversion),
            (&["cn.bdb", "dn2id.bdb"], Product::OpenLdap),
            (&["wallet.dat"], Product::Wallet),
            (&["Packages", "Name"], Product::Rpm),
            (&["mailboxes.db"], Product::Cyrus),
            (&["wordlist.db"], Product::Other),
            (&[], Product::Unknown),
        ];
        for (names, product) in cases {
            assert_eq!(of(names), product, "{names:?}");
            assert_eq!(product.is_foreign(), !matches!(product, Product::MailStore | Product::Unknown));
        }
    }
}
