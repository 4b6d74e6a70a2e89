//! What the steps of a plan are.

macro_rules! tasks {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        /// What a step of a plan is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Task {
            $($(#[$doc])* $name,)*
        }

        impl Task {
            /// Every one.
            pub const ALL: &[Task] = &[$(Task::$name),*];

            /// Its code, which [`Explanation::of`](crate::explain::Explanation::of) explains.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Task::$name => $id,)* }
            }
        }
    };
}

tasks! {
    /// Back up databases and logs.
    Backup = "T-BACKUP";
    /// Upgrade databases, or leave them.
    Btree = "T-BTREE";
    /// A downgrade in place.
    Downgrade = "T-DOWNGRADE";
    /// Finish what was interrupted.
    Finish = "T-FINISH";
    /// Keep the backup.
    KeepBackup = "T-KEEP-BACKUP";
    /// Keep the logs.
    Logs = "T-LOGS";
    /// The positions of pages in the log.
    Lsn = "T-LSN";
    /// Files of another machine.
    Machine = "T-MACHINE";
    /// Mailboxes.
    Mailboxes = "T-MAILBOXES";
    /// There is nothing to do.
    Nothing = "T-NOTHING";
    /// A step of no return.
    OneWay = "T-ONE-WAY";
    /// This is no mail store.
    Product = "T-PRODUCT";
    /// Make files readable.
    Readable = "T-READABLE";
    /// Rebuild the databases.
    Rebuild = "T-REBUILD";
    /// Bring databases and mailboxes together.
    Reconstruct = "T-RECONSTRUCT";
    /// Recover with the old release.
    Recover = "T-RECOVER";
    /// Find out about a release.
    Release = "T-RELEASE";
    /// Salvage or restore damaged databases.
    Salvage = "T-SALVAGE";
    /// Restore a snapshot.
    Snapshot = "T-SNAPSHOT";
    /// Start the new release.
    Start = "T-START";
    /// Stop the old one.
    Stop = "T-STOP";
    /// Go through another release.
    Through = "T-THROUGH";
}
