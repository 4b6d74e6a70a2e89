//! What the databases of a store are for, as far as public sources tell (mboxlist, "The
//! databases, as far as public sources tell").

/// What a database is for: a conclusion from the name of its file and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `folder.db`: an entry for each mailbox.
    Mailbox,
    /// `quota.db`: quotas and their use.
    Quota,
    /// `subscr.db`: subscriptions.
    Subscription,
    /// `peruser.db`: which messages each user has seen or deleted.
    PerUser,
    /// `lright.db`: folders by the right to look them up.
    LookUpRight,
    /// A name that no public source explains.
    Other,
}

impl Kind {
    /// By the name of a file, with or without the folders before it.
    #[must_use]
    pub fn of(file: &[u8]) -> Kind {
        match file.rsplit(|byte| *byte == b'/').next() {
            Some(b"folder.db") => Kind::Mailbox,
            Some(b"quota.db") => Kind::Quota,
            Some(b"subscr.db") => Kind::Subscription,
            Some(b"peruser.db") => Kind::PerUser,
            Some(b"lright.db") => Kind::LookUpRight,
            _ => Kind::Other,
        }
    }

    /// The name, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mailbox => "mailbox",
            Kind::Quota => "quota",
            Kind::Subscription => "subscription",
            Kind::PerUser => "per-user",
            Kind::LookUpRight => "look-up right",
            Kind::Other => "other",
        }
    }
}
