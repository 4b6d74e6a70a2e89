//! Random files for property tests: of one database, of any shape that the builder has, or
//! of several.

#![allow(dead_code)] // each crate uses a part

use std::collections::BTreeMap;

use bdbkit::Endianness;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::build::{Builder, Duplicates, Lsns, Named, Tree};

pub(crate) type Entries = Vec<(Vec<u8>, Vec<Vec<u8>>)>;

/// A file to be built.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) builder: Builder,
    pub(crate) tree: Tree,
    pub(crate) entries: Entries,
    pub(crate) duplicates: bool,
    pub(crate) sorted: bool,
    /// Whether items are marked as deleted, and pages lost.
    pub(crate) deleted: bool,
    pub(crate) holes: bool,
    /// Whether the fields of shared keys are reversed.
    pub(crate) reversed: bool,
}

impl Plan {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.builder.build(&self.tree, &self.entries)
    }
}

/// Bytes: often few, now and then so many that they go into a chain of pages.
fn item() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..24),
        4 => prop::collection::vec(prop::sample::select(b"ab".to_vec()), 0..10),
        2 => prop::collection::vec(any::<u8>(), 60..250),
        1 => (any::<u8>(), 200..3000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn entries() -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<Vec<u8>>>> {
    let count = prop_oneof![6 => 1..2_usize, 3 => 2..8_usize, 1 => 8..120_usize];
    let values = count.prop_flat_map(|count| prop::collection::vec(item(), count));
    prop::collection::btree_map(item(), values, 0..150)
}

fn one_in() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 0, 0, 2, 5, 30])
}

/// How a file looks, with what the plan must know of it. The genuine tool upgrades files
/// of its machine's byte order only, little-endian here, and lost pages are damage to its verifier.
fn builders(genuine: bool) -> impl Strategy<Value = (Builder, bool)> {
    (
        prop::sample::select(vec![6, 6, 7, 8]),
        any::<bool>(),
        prop::sample::select(vec![512, 512, 512, 1024, 4096, 65536]),
        prop::sample::select(vec![1, 1, 5, 32]),
        (one_in(), one_in(), any::<bool>(), any::<u64>()),
        prop::sample::select(vec![Lsns::Zero, Lsns::NotLogged, Lsns::Logged]),
    )
        .prop_map(move |(version, big, size, among, (free, holes, noise, seed), lsns)| {
            let big = big && (version == 8 || !genuine);
            let holes = if genuine { 0 } else { holes };
            let order = if big { Endianness::Big } else { Endianness::Little };
            let builder = Builder::new(version, order, size).scattered(among).free(free);
            (builder.holes(holes).noise(noise).seed(seed).lsns(lsns), holes > 0)
        })
}

/// A BTREE of any shape.
fn btrees(genuine: bool) -> impl Strategy<Value = Plan> {
    let duplicates = vec![Duplicates::None, Duplicates::Unsorted, Duplicates::Sorted];
    let sizes = (
        prop::sample::select(vec![None, Some(0), Some(40), Some(100)]),
        prop::sample::select(vec![None, Some(0), Some(10), Some(30)]),
        20..=100_usize,
        prop::sample::select(vec![3, 4, usize::MAX]),
        2..6_u32,
    );
    let marks = (one_in(), one_in(), any::<[bool; 4]>());
    (builders(genuine), entries(), prop::sample::select(duplicates), sizes, marks).prop_map(
        move |((builder, holes), entries, duplicates, sizes, (deleted, empty, flags))| {
            let (off_page_from, overflow_above, fill, fanout, min_key) = sizes;
            let [recnum, reversed, first, truncated] = flags;
            let (all, sorted) = (duplicates != Duplicates::None, duplicates == Duplicates::Sorted);
            let reversed = reversed && all && !genuine && builder.version() == 6;
            let tree = Tree::btree().duplicates(duplicates).deleted(deleted).empty_leaves(empty).fill(fill);
            let mut tree = tree.fanout(fanout).reversed_shared_keys(reversed).first_keys(first);
            tree = tree.truncated_keys(truncated).keys_per_page(min_key, 0x0102_0304);
            tree = tree.recnum(recnum && duplicates == Duplicates::None);
            tree = off_page_from.into_iter().fold(tree, Tree::off_page_from);
            tree = overflow_above.into_iter().fold(tree, Tree::overflow_above);
            let values = |mut values: Vec<Vec<u8>>| {
                match duplicates {
                    Duplicates::None => values.truncate(1),
                    Duplicates::Unsorted => {}
                    Duplicates::Sorted => {
                        values.sort();
                        values.dedup();
                    }
                }
                values
            };
            let entries = entries.into_iter().map(|(key, all)| (key, values(all))).collect();
            Plan { builder, tree, entries, duplicates: all, sorted, deleted: deleted > 0, holes, reversed }
        },
    )
}

/// A RECNO of any shape.
fn recnos(genuine: bool) -> impl Strategy<Value = Plan> {
    let records = prop::collection::vec(item(), 0..300);
    let shape = (prop::option::of(1..40_usize), any::<bool>(), one_in(), 20..=100_usize);
    (builders(genuine), records, shape).prop_map(
        |((builder, holes), mut records, (length, renumber, deleted, fill))| {
            let mut tree = Tree::recno().renumber(renumber).deleted(deleted).fill(fill);
            if let Some(length) = length {
                records.iter_mut().for_each(|record| record.resize(length, b' '));
                tree = tree.fixed(length);
            }
            let (entries, deleted) = (vec![(Vec::new(), records)], deleted > 0);
            Plan { builder, tree, entries, duplicates: false, sorted: false, deleted, holes, reversed: false }
        },
    )
}

pub(crate) fn plans(genuine: bool) -> impl Strategy<Value = Plan> {
    prop_oneof![4 => btrees(genuine), 1 => recnos(genuine)]
}

/// A file of several databases to be built: version 7 or 8.
#[derive(Clone, Debug)]
pub(crate) struct Several {
    pub(crate) builder: Builder,
    pub(crate) databases: Vec<Named<Vec<u8>, Vec<u8>, Vec<u8>>>,
    pub(crate) holes: bool,
}

impl Several {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.builder.build_several(&self.databases)
    }
}

pub(crate) fn several() -> impl Strategy<Value = Several> {
    let builders = builders(false).prop_filter("version 7 or 8", |(builder, _)| builder.version() > 6);
    (builders, prop::collection::vec(plans(false), 0..5)).prop_map(|((builder, holes), plans)| {
        // The fields of keys are never reversed in version 7.
        let database = |(n, plan): (usize, Plan)| {
            (format!("database {n}").into_bytes(), plan.tree.reversed_shared_keys(false), plan.entries)
        };
        Several { builder, databases: plans.into_iter().enumerate().map(database).collect(), holes }
    })
}

#[track_caller]
pub(crate) fn run<T: std::fmt::Debug>(cases: u32, strategy: impl Strategy<Value = T>, test: impl Fn(&T)) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let run = TestRunner::new(config).run(&strategy, |plan| {
        test(&plan);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
