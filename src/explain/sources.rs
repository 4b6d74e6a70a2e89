//! The documents that explanations cite, by their titles.

/// Seen in files of the genuine releases, and in what their own programs say to them.
pub(super) const SEEN: &str =
    "seen in files of Berkeley DB 2.7 to 5.3, and in what its db_verify, db_dump and db_recover do with them";
/// No document: what this program does.
pub(super) const OWN: &str = "a rule of bdbkit";

pub(super) const BTREE_UPGRADE: &str =
    "Berkeley DB Upgrade Guide: upgrading databases on disk, releases 3.0, 3.1 and 4.1";
pub(super) const COMPARISON: &str =
    "Berkeley DB Programmer's Reference Guide: B-tree comparison, duplicate data items";
pub(super) const LOG_VERSIONS: &str = "Berkeley DB Upgrade Guide: log format changes by release";
pub(super) const CLEAR_LSN: &str =
    "Berkeley DB manual: db_load -r lsn; Programmer's Reference Guide: moving databases between environments";

pub(super) const COMPONENTS: &str = "Upgrading the Message Store (Communications Suite wiki): Architecture and Components; Component Version Compatibilities";
pub(super) const MAILBOXES: &str =
    "Upgrading the Message Store (Communications Suite wiki): Mailbox Version Compatibilities";
pub(super) const BDB: &str =
    "Upgrading the Message Store (Communications Suite wiki): Upgrading and Downgrading BDB";
pub(super) const BTREE_FILE: &str =
    "Upgrading the Message Store (Communications Suite wiki): Database Btree File";
pub(super) const LOG_FILES: &str =
    "Upgrading the Message Store (Communications Suite wiki): Database Log Files";
pub(super) const STORED_R: &str = "Upgrading the Message Store (Communications Suite wiki): stored -r";
pub(super) const IMS_DB_UPGRADE: &str =
    "Upgrading the Message Store (Communications Suite wiki): ims_db_upgrade";
pub(super) const DOWNGRADING: &str = "Upgrading the Message Store (Communications Suite wiki): Downgrading";
pub(super) const WORD_SIZE: &str =
    "Upgrading the Message Store (Communications Suite wiki): 32-bit to 64-bit";
pub(super) const SPARC: &str =
    "Upgrading the Message Store (Communications Suite wiki): Migrating from x86 to SPARC";

pub(super) const LAYOUT: &str = "Messaging Server 6.3 Administration Guide: Message Store Directory Layout";
pub(super) const RECONSTRUCT: &str = "Messaging Server 6.3 Administration Reference: reconstruct";
pub(super) const STORED: &str = "Messaging Server 6.3 Administration Reference: stored";
pub(super) const MONITORING: &str = "Messaging Server 6.3 Administration Guide: Monitoring stored";
pub(super) const SNAPSHOTS: &str =
    "Messaging Server 6.3 Administration Guide: Message Store Database Snapshots";
pub(super) const FROM_5_2: &str =
    "Messaging Server 6 2005Q4 Administration Guide: upgrading from 5.2, mboxlist Database";
pub(super) const QUEUE: &str =
    "Messaging Server 8.0.2 System Administrator's Guide: Message Store Maintenance Queue";
pub(super) const INSTALL_8: &str =
    "Messaging Server 8.0.1 Installation and Configuration Guide: Upgrading Messaging Server";
pub(super) const RELEASE_8: &str = "Messaging Server 8.0.2 Release Notes";
pub(super) const CYRUS: &str = "manual page of Cyrus ctl_mboxlist";
