//! The layouts of log records as data: one table for each log version
//! (log-format, "Record types" and `log-records.toml`; other-releases, "Logs 20 – 23").
//!
//! A table lists what its version added or changed, and which types it dropped;
//! the rest is that of the version before.

mod layout;
mod name;
mod op;
mod pages;
mod v10;
mod v11;
mod v12;
mod v13;
mod v14;
mod v15;
mod v16;
mod v17;
mod v18;
mod v19;
mod v2;
mod v20;
mod v21;
mod v22;
mod v23;
mod v3;
mod v4;
mod v5;
mod v7;
mod v8;

pub use layout::{FieldKind, FieldLayout, Print, RecordLayout, Schema};
pub(crate) use name::Name;
pub(crate) use op::Op;
pub(crate) use pages::{Before, Number, PageOf, Part};

/// All tables, oldest first. Log version 2 has one for each of its dialects.
static TABLES: [&Schema; 22] = [
    &v2::V2_7,
    &v2::V3_0,
    &v2::V3_1,
    &v3::V3,
    &v4::V4,
    &v5::V5,
    &v7::V7,
    &v8::V8,
    &v10::V10,
    &v11::V11,
    &v12::V12,
    &v13::V13,
    &v14::V14,
    &v15::V15,
    &v16::V16,
    &v17::V17,
    &v18::V18,
    &v19::V19,
    &v20::V20,
    &v21::V21,
    &v22::V22,
    &v23::V23,
];

impl Schema {
    /// The tables of a log version: one, or for version 2 those of releases 2.x,
    /// 3.0 and 3.1; none for a version that was never released.
    pub fn of_version(version: u32) -> impl Iterator<Item = &'static Schema> {
        TABLES.iter().copied().filter(move |schema| schema.version() == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_it_changed_and_the_rest_from_before() {
        let schema = |version| Schema::of_version(version).last().unwrap();
        assert_eq!(schema(19).record(41).unwrap().name(), "__db_addrem");
        assert_eq!(schema(5).record(41).unwrap().name(), "db_addrem");
        assert!(schema(8).record(45).is_some());
        assert!(schema(10).record(45).is_none());
        assert_eq!(schema(14).record(150).unwrap().printed_name(), "__fop_rename");
        assert_eq!(Schema::of_version(2).count(), 3);
        assert_eq!(Schema::of_version(6).count(), 0);
        assert_eq!(Schema::of_version(24).count(), 0);
        assert!(schema(19).record(u32::MAX).is_none());
    }
}
