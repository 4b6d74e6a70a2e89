//! What log version 23 (releases 6.2 and 18.1) changed (other-releases, "Logs 20 – 23").

use super::layout::{Schema, records};
use super::v22::V22;

/// Log version 23, releases 6.2 and 18.1.
pub(super) static V23: Schema = Schema::new(23, Some(&V22), &[], records! {});
