#!/usr/bin/env bash
# Compares bdbkit with LMDB on the same pairs, and prints a table.
#
# usage: benches/compare_peers.sh [--quick] [--runs N] [--pairs N] [FOLDER]
#
#   FOLDER      where the files are made; what is there already is used again
#               (default: a new one under ${TMPDIR:-/tmp}, removed at the end; needs 1.2 GB)
#   --pairs N   so many pairs (default 2000000); files that are there keep theirs
#   --runs N    so many runs of each job, one after the other in turns; medians count (default 5)
#   --quick     few pairs and 1 run, to see that all works; the numbers mean nothing
#
# Needs a C compiler, for LMDB, and cargo. Fails where both do not read the same.
set -euo pipefail
export LC_ALL=C

pairs=2000000 lookups=1000000 runs=5
quickly() { pairs=20000 lookups=20000 runs=1; }
numbers='pairs runs'
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
in_folder "${positional[0]:-}"

cargo run --quiet --release --manifest-path "$repository/benches/peers/Cargo.toml" -- \
    "$folder" "$pairs" "$lookups" "$runs"
signature 'few pairs'
