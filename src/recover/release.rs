//! Releases as recovery tells them apart, by the version of the log that they write (recovery,
//! "Terms" and "Other log versions").

/// A family of releases that recover alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Release {
    /// 2.x.
    R2,
    /// 3.2.
    R32,
    /// 4.1.
    R41,
    /// 4.2.
    R42,
    /// 4.3.
    R43,
    /// 4.4.
    R44,
    /// 4.5.
    R45,
    /// 4.6.
    R46,
    /// 4.7.
    R47,
    /// 4.8.
    R48,
    /// 5.0 and 5.1.
    R50,
    /// 5.2 and 5.3.
    R52,
}

/// How a family walks over the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Of 2.x.
    R2,
    /// Of 3.x.
    R3,
    /// Of 4.x and 5.x.
    R4,
}

impl Release {
    /// The family that wrote a log of this version; `None` if it is not specified how that
    /// recovers. A log of version 2 has to be one of 2.x.
    pub(crate) fn of(version: u32) -> Option<Release> {
        Some(match version {
            2 => Release::R2,
            3 => Release::R32,
            7 => Release::R41,
            8 => Release::R42,
            10 => Release::R43,
            11 => Release::R44,
            12 => Release::R45,
            13 => Release::R46,
            14 => Release::R47,
            15 | 16 => Release::R48,
            17 => Release::R50,
            18 | 19 => Release::R52,
            _ => return None,
        })
    }

    pub(crate) fn walk(self) -> Walk {
        match self {
            Release::R2 => Walk::R2,
            Release::R32 => Walk::R3,
            _ => Walk::R4,
        }
    }

    /// Whether pages at the end of a file that are given back shorten it.
    pub(crate) fn truncates(self) -> bool {
        self >= Release::R43
    }
}
