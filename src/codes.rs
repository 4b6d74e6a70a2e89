//! The codes of refusals and notices, by which [`explain`](crate::explain) knows them.

/// Gives each variant of an enum its code.
macro_rules! codes {
    ($type:ident: $($variant:ident = $code:literal,)*) => {
        impl $type {
            /// The codes of all.
            pub const CODES: &[&str] = &[$($code),*];

            /// Its code, which [`Explanation::of`](crate::explain::Explanation::of) explains.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $($type::$variant { .. } => $code,)* }
            }
        }
    };
}

/// Gives those variants of an error that are refusals their codes; others have that of their cause,
/// or none.
macro_rules! refusals {
    ($type:ident: $($variant:ident = $code:literal,)* $(; $cause:pat => $of:expr)?) => {
        impl $type {
            /// The codes of all refusals.
            pub const CODES: &[&str] = &[$($code),*];

            /// Its code, if it is a refusal: nothing was done. Then
            /// [`Explanation::of`](crate::explain::Explanation::of) explains it.
            #[must_use]
            pub fn code(&self) -> Option<&'static str> {
                match self {
                    $($type::$variant { .. } => Some($code),)*
                    $($cause => $of,)?
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {codes, refusals};
