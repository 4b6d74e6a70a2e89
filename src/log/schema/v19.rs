//! What log version 19 (release 5.3) changed.

use super::layout::{Schema, records};
use super::v18::V18;

/// Log version 19, release 5.3.
pub(super) static V19: Schema = Schema::new(19, Some(&V18), &[], records! {});
