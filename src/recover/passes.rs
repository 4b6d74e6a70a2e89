//! The passes over a log (recovery, "The overall algorithm").

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ahead::{Ahead, Seen};
use super::apply::Way;
use super::error::RecoverError;
use super::release::{Release, Walk};
use super::report::{FileChange, InDoubt, RecoverReport, RecoveredFile, Until};
use super::tally::Tally;
use super::transactions::{State, Table};
use super::waiting::{Rules, Waiting};
use super::without::LeftOut;
use super::world::{Index, World};
use crate::env::Layout;
use crate::log::record::decoded::Decoded;
use crate::log::schema::{Name, Op};
use crate::log::{Files, LogDir, Record, RecordNote, TxnId};
use crate::pages::OpenOptions;
use crate::types::Lsn;

/// What is asked of a recovery.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) strict: bool,
    pub(crate) catastrophic: bool,
    pub(crate) in_doubt: InDoubt,
    pub(crate) until: Option<Until>,
    pub(crate) without: Option<TxnId>,
}

/// A recovery while it runs.
pub(crate) struct Passes<'l> {
    dir: &'l LogDir,
    ahead: Rc<Ahead<'l>>,
    files: Files<'l>,
    pub(crate) world: World<'l>,
    table: Table,
    wanted: Wanted,
    release: Release,
    /// Which file each binding of the log is, as the names were then.
    bound: Vec<Option<(u64, Option<Index>)>>,
    /// The binding that each number had last.
    latest: Vec<usize>,
    /// Changes of pages that are still to be made.
    waiting: Waiting<'l>,
    report: RecoverReport,
    reports: BTreeMap<Index, RecoveredFile>,
    /// What became of the records of each transaction.
    tally: Tally,
    /// The transaction that is left out.
    left_out: Option<LeftOut>,
}

/// Where the passes begin.
#[derive(Clone, Copy, Debug)]
enum From {
    /// With this record.
    At(Lsn),
    /// With the one behind it.
    Behind(Lsn),
}

impl From {
    fn lsn(self) -> Lsn {
        match self {
            From::At(lsn) | From::Behind(lsn) => lsn,
        }
    }

    fn has(self, lsn: Lsn) -> bool {
        match self {
            From::At(from) => lsn >= from,
            From::Behind(from) => lsn > from,
        }
    }
}

impl<'l> Passes<'l> {
    pub(crate) fn new(
        dir: &'l LogDir,
        layout: &'l Layout,
        wanted: Wanted,
        options: OpenOptions<'static>,
    ) -> Result<Passes<'l>, RecoverError> {
        let release = last_release(dir)?;
        let ahead = Rc::new(Ahead::of(dir));
        let files = ahead.files();
        let left_out = wanted.without.map(|txn| LeftOut::of(dir, &files, txn)).transpose()?;
        Ok(Passes {
            dir,
            ahead,
            world: World::new(layout, release, growth(dir), dir.size(), !wanted.strict, options),
            files,
            table: Table::new(),
            wanted,
            release,
            bound: Vec::new(),
            latest: Vec::new(),
            waiting: Waiting::default(),
            report: RecoverReport::default(),
            reports: BTreeMap::new(),
            tally: Tally::default(),
            left_out,
        })
    }

    /// Brings the files in memory to their consistent state.
    pub(crate) fn run(mut self) -> Result<(World<'l>, RecoverReport), RecoverError> {
        self.meet_files();
        let from = self.start()?;
        self.report.from = from.lsn();
        if self.walk() == Walk::R4 {
            self.open_pass(from)?;
        }
        if self.wanted.strict && !self.has_work(from) {
            self.report.end = self.last_record().unwrap_or(from.lsn());
        } else {
            self.undo_pass(from)?;
            self.make_changes();
            self.redo_pass(from)?;
            self.make_changes();
            self.give_back();
        }
        let Passes { world, mut report, mut reports, tally, .. } = self;
        report.by_transaction = tally.finish();
        for index in world.indices() {
            let Some(file) = world.get(index) else { continue };
            let change = match (world.is_there(index), file.is_where_it_was()) {
                (true, true) => FileChange::Kept,
                (true, false) => FileChange::Made,
                (false, _) if file.origin().is_some() => FileChange::Removed,
                (false, _) => continue,
            };
            let pages = file.differing();
            let of = reports.remove(&index).unwrap_or_default();
            let (name, resized) = (file.name.clone(), file.is_resized());
            let stopped = file.stopped.clone();
            report.files.push(RecoveredFile { name, change, pages, resized, stopped, ..of });
        }
        for (name, error) in &world.failed {
            let stopped = Some(error.to_string());
            report.files.push(RecoveredFile { name: name.clone(), stopped, ..RecoveredFile::default() });
        }
        report.files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((world, report))
    }

    /// Whether a release looks at anything but the files that are open: from 5.2 on the record with which
    /// recovery begins does not count for that (recovery, Q14).
    fn has_work(&self, from: From) -> bool {
        let From::At(start) = from else { return true };
        if self.release < Release::R52 {
            return true;
        }
        let last = self.last_record();
        let counts = |record: &Record<'_>| record.lsn() > start || Some(record.lsn()) == last;
        let mut records = self.dir.records().from(start).filter_map(Result::ok);
        records.any(|record| record.txn().is_some() && counts(&record))
    }

    fn last_record(&self) -> Option<Lsn> {
        self.dir.records_back().find_map(Result::ok).map(|record| record.lsn())
    }

    /// Opens the files that the log names, so that each is known by its id.
    fn meet_files(&mut self) {
        let names = self.files.bindings().map(|binding| &binding.name);
        let renamed = self.files.renames().flat_map(|rename| [&rename.old, &rename.new]);
        for name in names.chain(renamed).filter(|name| !name.is_empty()) {
            self.world.find(name);
        }
    }

    /// The first record of the unbroken run of files at the end.
    fn first(&self) -> Lsn {
        let numbers: Vec<u32> = self.dir.log_files().map(crate::log::DirFile::number).collect();
        let mut first = numbers.last().copied().unwrap_or(0);
        for number in numbers.iter().rev().skip(1) {
            if number.checked_add(1) != Some(first) {
                break;
            }
            first = *number;
        }
        let from = Lsn { file: first, offset: 0 };
        self.dir.records().from(from).find_map(Result::ok).map_or(from, |record| record.lsn())
    }

    /// The last checkpoint: its own LSN, and those that it tells.
    fn checkpoint(&self) -> Result<Option<(Lsn, Lsn, Lsn)>, RecoverError> {
        for seen in self.ahead.backward() {
            let seen = seen?;
            if seen.op.is_none_or(|op| op == Op::TxnCkp) {
                if let Some(found) = checkpoint(&seen.record()?) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Where the passes begin.
    fn start(&self) -> Result<From, RecoverError> {
        let first = self.first();
        let Some(until) = self.wanted.until else {
            return if self.left_out.is_some() { Ok(From::At(first)) } else { self.usual_start() };
        };
        if self.walk() != Walk::R4 {
            return Ok(From::At(first));
        }
        let start = match self.earliest(until, first) {
            // Every transaction of a log begins in it, if it is there from its first file on.
            Err(RecoverError::Early { .. } | RecoverError::NoCheckpoint { .. })
                if matches!(until, Until::Lsn(_)) && first.file == 1 =>
            {
                first
            }
            start => start?,
        };
        Ok(match self.usual_start()? {
            From::At(usual) if usual < start => From::At(usual),
            _ => From::At(start),
        })
    }

    /// With which record a recovery to a moment begins.
    fn earliest(&self, until: Until, first: Lsn) -> Result<Lsn, RecoverError> {
        for record in self.dir.records().from(first) {
            let record = record?;
            let Some((lsn, start, _)) = checkpoint(&record).filter(|(_, start, _)| *start >= first) else {
                continue;
            };
            let time = record.decode().ok().and_then(|record| time_of(&record));
            let (early, when) = match (until, time) {
                // Transactions with records before `start` had ended there, and not before.
                (Until::Lsn(until), _) => (until < lsn, String::new()),
                (Until::Time(until), Some(time)) => (until < time, format!(", of second {time}")),
                (Until::Time(_), None) => return Err(RecoverError::Timeless { lsn }),
            };
            if early {
                return Err(RecoverError::Early { until, checkpoint: lsn, when });
            }
            return Ok(start);
        }
        Err(RecoverError::NoCheckpoint { until })
    }

    /// Where the passes begin if all of the log counts.
    fn usual_start(&self) -> Result<From, RecoverError> {
        let found = if self.wanted.catastrophic { None } else { self.checkpoint()? };
        let Some((last, key, before)) = found else {
            let first = self.first();
            let all = self.walk() == Walk::R4 || self.wanted.catastrophic;
            return Ok(if all { From::At(first) } else { From::Behind(first) });
        };
        if self.walk() == Walk::R4 {
            return match self.dir.record(key) {
                Ok(_) => Ok(From::At(key)),
                Err(_) => Err(RecoverError::NoStart { checkpoint: last, lsn: key }),
            };
        }
        let (mut at, mut next) = (last, before);
        loop {
            if at != last && at <= key {
                break;
            }
            // A checkpoint leads to an earlier record, or is the last of the chain.
            let record = Some(next)
                .filter(|next| next.file != 0 && *next < at)
                .and_then(|next| self.dir.record(next).ok());
            let Some(record) = record else { break };
            at = next;
            next = checkpoint(&record).map_or(Lsn::default(), |(_, _, before)| before);
        }
        let later = if self.walk() == Walk::R3 { at >= key } else { at > key };
        Ok(From::Behind(if at == last || later { self.first() } else { at }))
    }

    fn open_pass(&mut self, from: From) -> Result<(), RecoverError> {
        let ahead = Rc::clone(&self.ahead);
        for seen in ahead.forward(from.lsn()) {
            let seen = seen?;
            if seen.debug {
                continue;
            }
            if let Some(txn) = seen.txn.filter(|_| seen.begins) {
                self.table.set(txn, State::Ok);
            }
            if seen.op.is_some_and(|op| !matches!(op, Op::Register | Op::TxnRecycle | Op::TxnChild)) {
                continue;
            }
            let record = seen.record()?;
            let Some(decoded) = self.decode(&record)? else { continue };
            match decoded.op() {
                Op::Register => self.register(&decoded, Pass::Open),
                Op::TxnRecycle => self.recycle(&decoded),
                Op::TxnChild => {
                    let child = decoded.number(Name::child).map(TxnId);
                    if let Some((child, parent)) = child.zip(record.txn()) {
                        if self.table.get(child).is_none() {
                            self.table.set(parent, State::Ignore);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The fields of a record; `None` for one that is left out.
    fn decode(&mut self, record: &Record<'l>) -> Result<Option<Decoded<'l>>, RecoverError> {
        match record.decode() {
            Ok(decoded) => Ok(Some(decoded)),
            Err(RecordNote::Application) => {
                self.report.applications = self.report.applications.saturating_add(1);
                Ok(None)
            }
            Err(note) => Err(RecoverError::Record { lsn: record.lsn(), note }),
        }
    }

    fn recycle(&mut self, record: &Decoded<'l>) {
        if let Some((min, max)) = record.number(Name::min).zip(record.number(Name::max)) {
            self.table.push(min, max);
        }
    }

    fn undo_pass(&mut self, from: From) -> Result<(), RecoverError> {
        let ahead = Rc::clone(&self.ahead);
        for seen in ahead.backward() {
            let seen = seen?;
            if !from.has(seen.lsn) {
                break;
            }
            self.report.records = self.report.records.saturating_add(1);
            self.report.end = self.report.end.max(seen.lsn);
            if seen.debug || self.is_kept(&seen) {
                continue;
            }
            let record = seen.record()?;
            let Some(decoded) = self.decode(&record)? else { continue };
            match self.walk() {
                Walk::R2 => self.undo_2(&decoded)?,
                Walk::R3 => self.undo_3(&decoded)?,
                Walk::R4 => self.undo_4(&decoded)?,
            }
        }
        Ok(())
    }

    fn redo_pass(&mut self, from: From) -> Result<(), RecoverError> {
        let ahead = Rc::clone(&self.ahead);
        for seen in ahead.forward(from.lsn()) {
            let seen = seen?;
            if self.wanted.until.is_some() && seen.lsn > self.report.last.unwrap_or(from.lsn()) {
                break;
            }
            if seen.debug || !from.has(seen.lsn) {
                continue;
            }
            if let Some(op) = seen.op.filter(|op| is_of_pages(*op)) {
                let commits = seen.txn.and_then(|txn| self.table.get(txn)) == Some(State::Commit);
                match seen.number {
                    Ok(number) if commits => {
                        self.change(seen, number, Way::Redo);
                        continue;
                    }
                    _ if !commits && !is_taken_back_late(op) => continue,
                    _ => {}
                }
            }
            let record = seen.record()?;
            let Some(decoded) = self.decode(&record)? else { continue };
            match self.walk() {
                Walk::R2 | Walk::R3 => self.redo_3(&decoded)?,
                Walk::R4 => self.redo_4(&decoded)?,
            }
        }
        Ok(())
    }

    /// Whether the undo pass passes over a record: one that changes pages, of a transaction that committed,
    /// or of one whose records do not count.
    fn is_kept(&self, seen: &Seen<'l>) -> bool {
        seen.op.is_some_and(is_of_pages)
            && match seen.txn.map(|txn| self.table.get(txn)) {
                None | Some(Some(State::Commit)) => true,
                Some(Some(State::Ignore)) => self.walk() == Walk::R4,
                Some(_) => false,
            }
    }

    fn undo_2(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let txn = record.record().txn();
        match (record.op(), txn) {
            (Op::TxnCkp, _) => {
                self.restart(record, false);
                Ok(())
            }
            (Op::Register, _) | (_, None) => Ok(()),
            (_, Some(txn)) if self.table.get(txn) == Some(State::Commit) => Ok(()),
            (Op::TxnRegop, Some(txn)) => {
                if record.number(Name::opcode) == Some(1) && self.counts(record)? {
                    self.table.set(txn, State::Commit);
                }
                Ok(())
            }
            (Op::TxnChild, Some(txn)) => {
                let parent = record.number(Name::parent).map(TxnId);
                let commits = record.number(Name::opcode) == Some(1);
                if commits && parent.and_then(|parent| self.table.get(parent)) == Some(State::Commit) {
                    self.table.set(txn, State::Commit);
                }
                Ok(())
            }
            (Op::TxnXaRegop, Some(txn)) => {
                if record.bytes(Name::xid).is_some_and(|xid| !xid.is_empty()) {
                    let state = self.in_doubt(record, txn);
                    self.table.set(txn, state);
                }
                Ok(())
            }
            _ => self.apply(record, Way::Undo),
        }
    }

    /// A transaction was prepared, and nothing else: what it counts as.
    fn in_doubt(&mut self, record: &Decoded<'l>, txn: TxnId) -> State {
        let lsn = record.record().lsn();
        self.report.in_doubt.push((txn, lsn));
        // A prepared transaction has no time.
        let late = matches!(self.wanted.until, Some(Until::Lsn(until)) if lsn > until);
        match self.wanted.in_doubt {
            InDoubt::Commit if !late => {
                self.last(lsn);
                State::Commit
            }
            _ => State::Abort,
        }
    }

    /// Whether a commit is not later than the moment that is asked for.
    fn counts(&mut self, record: &Decoded<'l>) -> Result<bool, RecoverError> {
        let lsn = record.record().lsn();
        if self.left_out.is_some_and(|left_out| left_out.commit == lsn) {
            return Ok(false);
        }
        let counts = match self.wanted.until {
            None => return Ok(true),
            Some(Until::Lsn(until)) => lsn <= until,
            Some(Until::Time(until)) => time_of(record).ok_or(RecoverError::Timeless { lsn })? <= until,
        };
        if counts {
            self.last(lsn);
        }
        Ok(counts)
    }

    /// Going backward, the first record that counts is the last of all.
    fn last(&mut self, lsn: Lsn) {
        if self.wanted.until.is_some() {
            self.report.last.get_or_insert(lsn);
        }
    }

    fn undo_3(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let txn = record.record().txn();
        match record.op() {
            Op::TxnCkp => {
                self.restart(record, false);
                return Ok(());
            }
            Op::Register => return Ok(()),
            Op::Noop => return self.apply(record, Way::Undo),
            Op::TxnChild => {
                let (Some(child), Some(parent)) = (record.number(Name::child).map(TxnId), txn) else {
                    return Ok(());
                };
                if self.table.get(parent).is_none() {
                    self.table.set(parent, State::Abort);
                }
                let commits = self.table.get(parent) == Some(State::Commit);
                self.table.set(child, if commits { State::Commit } else { State::Abort });
                return Ok(());
            }
            _ => {}
        }
        let Some(txn) = txn else { return Ok(()) };
        match (self.table.get(txn), record.op()) {
            (Some(State::Commit), _) => Ok(()),
            (_, Op::TxnRegop) => {
                let state = if self.counts(record)? { State::Commit } else { State::Abort };
                self.table.set(txn, state);
                Ok(())
            }
            (None, Op::TxnXaRegop) => {
                let prepared = record.bytes(Name::xid).is_some_and(|xid| !xid.is_empty());
                let state = if prepared { self.in_doubt(record, txn) } else { State::Abort };
                self.table.set(txn, state);
                Ok(())
            }
            (_, Op::TxnXaRegop) => Ok(()),
            (known, _) => {
                if known.is_none() {
                    self.table.set(txn, State::Abort);
                }
                self.apply(record, Way::Undo)
            }
        }
    }

    /// The redo pass of 2.x and 3.x.
    fn redo_3(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let txn = record.record().txn();
        match record.op() {
            Op::TxnCkp => self.restart(record, true),
            Op::Register => {}
            Op::Noop if self.walk() == Walk::R3 => return self.apply(record, Way::Redo),
            _ => {
                let Some(txn) = txn else { return Ok(()) };
                if self.table.get(txn) != Some(State::Commit) {
                    return Ok(());
                }
                match record.op() {
                    Op::TxnRegop if self.walk() == Walk::R3 => self.table.remove(txn),
                    Op::TxnChild if self.walk() == Walk::R3 => {
                        if let Some(child) = record.number(Name::child) {
                            self.table.remove(TxnId(child));
                        }
                    }
                    Op::TxnRegop | Op::TxnChild | Op::TxnXaRegop => {}
                    _ => return self.apply(record, Way::Redo),
                }
            }
        }
        Ok(())
    }

    /// A checkpoint at which no transaction was active.
    fn restart(&mut self, record: &Decoded<'l>, forward: bool) {
        if record.lsn(Name::ckp_lsn) == Some(record.record().lsn()) {
            self.table.restart(forward);
        }
    }

    fn undo_4(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let (op, txn) = (record.op(), record.record().txn());
        match op {
            Op::TxnRegop => {
                let Some(txn) = txn else { return Ok(()) };
                let abort = record.number(Name::opcode) == Some(3);
                match (self.table.get(txn), abort) {
                    (Some(_), true) => self.table.set(txn, State::Abort),
                    (None, true) => self.table.set(txn, State::Ignore),
                    (_, false) if self.counts(record)? => self.table.set(txn, State::Commit),
                    (_, false) => self.table.set(txn, State::Abort),
                }
                return Ok(());
            }
            Op::TxnRecycle => {
                self.table.pop();
                return Ok(());
            }
            Op::TxnCkp => return Ok(()),
            _ => {}
        }
        let release = self.release_of(record);
        let early = release <= Release::R42;
        let preset = match op {
            Op::TxnChild | Op::Noop | Op::FileReplace => true,
            Op::Register => !early || txn.is_none(),
            _ => false,
        };
        if preset && early {
            return self.call(record);
        }
        let Some(txn) = txn else { return if preset { self.call(record) } else { Ok(()) } };
        match self.table.get(txn) {
            None => {
                self.table.set(txn, State::Ignore);
                Ok(())
            }
            Some(State::Ignore) if op == Op::TxnChild => self.call(record),
            Some(State::Ignore) => Ok(()),
            Some(State::Commit) => {
                if preset {
                    self.call(record)
                } else {
                    Ok(())
                }
            }
            Some(state) => {
                self.call(record)?;
                if state == State::Ok {
                    let prepare = matches!(op, Op::TxnXaRegop | Op::TxnPrepare);
                    if self.table.get(txn) == Some(State::Ok) {
                        self.table.set(txn, if prepare { State::Prepare } else { State::Abort });
                    }
                }
                Ok(())
            }
        }
    }

    /// Calls the function of a record in the undo pass of 4.x.
    fn call(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let txn = record.record().txn();
        match record.op() {
            Op::TxnXaRegop | Op::TxnPrepare => {
                let Some(txn) = txn else { return Ok(()) };
                if record.number(Name::opcode) == Some(3) {
                    self.table.set(txn, State::Abort);
                } else if matches!(self.table.get(txn), Some(State::Ok | State::Prepare)) {
                    let state = self.in_doubt(record, txn);
                    self.table.put(txn, state);
                }
                Ok(())
            }
            Op::TxnChild => {
                if let Some((child, parent)) = record.number(Name::child).map(TxnId).zip(txn) {
                    self.table.end_of_child(child, parent, self.release_of(record));
                }
                Ok(())
            }
            Op::Register => {
                self.register(record, Pass::Undo);
                Ok(())
            }
            _ => self.apply(record, Way::Undo),
        }
    }

    fn redo_4(&mut self, record: &Decoded<'l>) -> Result<(), RecoverError> {
        let (op, txn) = (record.op(), record.record().txn());
        let release = self.release_of(record);
        let state = txn.and_then(|txn| self.table.get(txn));
        let committed = state == Some(State::Commit);
        match op {
            Op::TxnRecycle => self.recycle(record),
            Op::TxnCkp => {}
            Op::Noop => return self.apply(record, Way::Redo),
            Op::Register if release >= Release::R47 || txn.is_none() || committed => {
                self.register(record, Pass::Redo);
            }
            Op::Register => {}
            _ if committed => match op {
                Op::TxnRegop | Op::TxnXaRegop | Op::TxnPrepare => {
                    if let Some(txn) = txn {
                        self.table.remove(txn);
                    }
                }
                Op::TxnChild => {
                    if let Some(child) = record.number(Name::child) {
                        self.table.remove(TxnId(child));
                    }
                }
                _ => return self.apply(record, Way::Redo),
            },
            Op::PgAlloc | Op::MetaGroup | Op::GroupAlloc
                if matches!(release, Release::R41 | Release::R42)
                    && txn.is_some()
                    && state != Some(State::Ignore) =>
            {
                return self.apply(record, Way::Undo);
            }
            _ => {}
        }
        Ok(())
    }

    /// By which family the log is walked over.
    pub(super) fn walk(&self) -> Walk {
        self.release.walk()
    }

    pub(super) fn set_state(&mut self, txn: TxnId, state: State) {
        self.table.set(txn, state);
    }

    pub(super) fn release_of(&self, record: &Decoded<'l>) -> Release {
        Release::of(record.record().version()).unwrap_or(self.release)
    }

    /// A database is opened, closed or listed: notes what became of the subtransaction that made
    /// its file.
    fn register(&mut self, record: &Decoded<'l>, pass: Pass) {
        let release = self.release_of(record);
        let code = record.number(Name::opcode).unwrap_or(0);
        let code = if release >= Release::R50 { code & 0xf } else { code };
        let opens = match code {
            1 | 7 => pass != Pass::Redo,
            2 | 5 => pass == Pass::Undo,
            4 if release < Release::R44 => pass == Pass::Undo,
            3 | 8 => pass != Pass::Undo,
            _ => false,
        };
        let maker = record.number(Name::id).filter(|&id| id != 0 && release >= Release::R41).map(TxnId);
        let (Some(maker), true) = (maker, opens) else { return };
        let name = record.bytes(Name::name).unwrap_or_default();
        let id = record.bytes(Name::uid).unwrap_or_default();
        let state = match self.world.find(name) {
            Some(index) if self.world.id(index).is_some_and(|found| found.0 == id) => State::Expected,
            Some(_) if release <= Release::R42 => State::Ignore,
            _ => State::Unexpected,
        };
        self.table.set(maker, state);
    }

    /// Applies a record to its file, or takes it back.
    fn apply(&mut self, record: &Decoded<'l>, way: Way) -> Result<(), RecoverError> {
        match record.op() {
            Op::TxnRegop
            | Op::TxnXaRegop
            | Op::TxnPrepare
            | Op::TxnChild
            | Op::InMemory
            | Op::RepmgrMember
            | Op::Debug
            | Op::QamFile => return Ok(()),
            Op::Cksum if self.wanted.catastrophic => return Ok(()),
            Op::Cksum => return Err(RecoverError::Checksum { lsn: record.record().lsn() }),
            Op::FileCreate
            | Op::FileRemove
            | Op::FileRename
            | Op::FileReplace
            | Op::FileWrite
            | Op::Metapage => {
                self.make_changes();
                self.file_record(record, way);
                return Ok(());
            }
            _ => {}
        }
        self.change(Seen::of(*record.record()), record.database(), way);
        Ok(())
    }

    /// A change of pages of the database with this number waits until it is made.
    fn change(&mut self, seen: Seen<'l>, number: Option<i32>, way: Way) {
        let Some(number) = number else { return };
        let Some(place) = self.place_at(seen.lsn, number) else {
            self.report.unbound = self.report.unbound.saturating_add(1);
            return;
        };
        let Some(index) = self.resolve(place) else {
            self.report.absent = self.report.absent.saturating_add(1);
            return;
        };
        if self.waiting.add(index, seen, place, way) {
            self.make_changes();
        }
    }

    /// Makes the changes of pages that wait.
    fn make_changes(&mut self) {
        let rules = Rules { files: &self.files, release: self.release, strict: self.wanted.strict };
        let mut notes = Vec::new();
        for (index, made) in self.waiting.make(self.world.targets(), rules) {
            let of = self.reports.entry(index).or_default();
            of.redone = of.redone.saturating_add(made.redone);
            of.undone = of.undone.saturating_add(made.undone);
            of.settled = of.settled.saturating_add(made.settled);
            of.left = of.left.saturating_add(made.left);
            of.first = of.first.into_iter().chain(made.first).min();
            of.last = of.last.max(made.last);
            of.stopped_at = of.stopped_at.or(made.stopped_at);
            self.tally.merge(made.tally);
            notes.extend(made.notes);
        }
        notes.sort_by_key(|(turn, _)| *turn);
        self.report.notes.extend(notes.into_iter().map(|(_, note)| note));
    }

    /// Which binding a number of the log has in a record.
    fn place_at(&mut self, lsn: Lsn, number: i32) -> Option<usize> {
        let slot = usize::try_from(number).ok().filter(|&slot| slot < NUMBERS);
        let known = slot.and_then(|slot| self.latest.get(slot)).copied();
        let holds = |place: &usize| {
            let binding = self.files.place(*place).filter(|binding| binding.number == number);
            binding.is_some_and(|binding| binding.from <= lsn && binding.to.is_none_or(|to| lsn < to))
        };
        if let Some(place) = known.filter(holds) {
            return Some(place);
        }
        let place = self.files.place_at(lsn, number)?;
        if let Some(slot) = slot {
            self.latest.resize(self.latest.len().max(slot.saturating_add(1)), 0);
            if let Some(latest) = self.latest.get_mut(slot) {
                *latest = place;
            }
        }
        Some(place)
    }

    /// Which file a number of the log stands for, as things are now.
    fn resolve(&mut self, place: usize) -> Option<Index> {
        let epoch = self.world.epoch();
        if let Some(Some((at, found))) = self.bound.get(place) {
            if *at == epoch {
                return *found;
            }
        }
        let binding = self.files.place(place)?;
        let id = binding.id?;
        let named = if binding.name.is_empty() { None } else { self.world.find(binding.name) };
        let found =
            named.filter(|&index| self.world.id(index) == Some(id)).or_else(|| self.world.with_id(id));
        self.bound.resize(self.files.bindings().len(), None);
        if let Some(known) = self.bound.get_mut(place) {
            *known = Some((epoch, found));
        }
        found
    }

    /// Pages at the end of a file that were given back become free ones (recovery, "Limbo").
    fn give_back(&mut self) {
        if self.release.truncates() || self.release == Release::R2 {
            return;
        }
        let release = self.release;
        for index in self.world.indices() {
            let Some(file) = self.world.get_mut(index) else { continue };
            if let Some(head) = file.head {
                file.give_back(head.free_at(), release);
            }
        }
    }
}

/// So many numbers of databases are remembered.
const NUMBERS: usize = 1 << 10;

/// Which of the passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Open,
    Undo,
    Redo,
}

/// Whether records of this kind change pages, and nothing else.
fn is_of_pages(op: Op) -> bool {
    !matches!(
        op,
        Op::TxnRegop
            | Op::TxnXaRegop
            | Op::TxnPrepare
            | Op::TxnChild
            | Op::TxnCkp
            | Op::TxnRecycle
            | Op::Register
            | Op::Noop
            | Op::InMemory
            | Op::RepmgrMember
            | Op::Debug
            | Op::QamFile
            | Op::Cksum
            | Op::FileCreate
            | Op::FileRemove
            | Op::FileRename
            | Op::FileReplace
            | Op::FileWrite
            | Op::Metapage
    )
}

/// Whether releases take records of this kind back in the redo pass, of transactions that did not commit.
fn is_taken_back_late(op: Op) -> bool {
    matches!(op, Op::PgAlloc | Op::MetaGroup | Op::GroupAlloc)
}

/// How many pages the records of a log can have made: each has 28 bytes at least, and some make groups.
fn growth(dir: &LogDir) -> u64 {
    (dir.size() / 4).saturating_add(1 << 16)
}

/// What a checkpoint tells: its own LSN, where transactions begin that it leaves open, and the
/// checkpoint before.
fn checkpoint(record: &Record<'_>) -> Option<(Lsn, Lsn, Lsn)> {
    let decoded = Some(record).filter(|record| record.may_be(Op::TxnCkp))?.decode().ok();
    let decoded = decoded.filter(|decoded| decoded.op() == Op::TxnCkp)?;
    Some((record.lsn(), decoded.lsn(Name::ckp_lsn)?, decoded.lsn(Name::last_ckp)?))
}

/// When a record was written, by its own account: seconds since 1970.
fn time_of(record: &Decoded<'_>) -> Option<i64> {
    record.number(Name::timestamp).map(i64::from)
}

/// The family of releases that wrote the last file of a log.
fn last_release(dir: &LogDir) -> Result<Release, RecoverError> {
    let (mut last, mut failed) = (None, None);
    for record in dir.records_back() {
        match record {
            Ok(record) => {
                last = Some(record);
                break;
            }
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    if let (None, Some(error)) = (last, failed) {
        return Err(error.into());
    }
    let version = last.map_or(0, |record| record.version());
    let unknown = RecoverError::Version { version };
    let release = Release::of(version).ok_or(unknown)?;
    let old = release == Release::R2 && last.is_some_and(|record| record.is_of_3());
    if old { Err(RecoverError::Version { version }) } else { Ok(release) }
}
