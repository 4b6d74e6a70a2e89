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

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command_line="benches/compare_peers.sh${*:+ $*}"
pairs=2000000 lookups=1000000 runs=5
quick=''
folder=''
while (($#)); do
    case $1 in
    --quick) quick=yes pairs=20000 lookups=20000 runs=1 ;;
    --pairs) pairs=${2:?--pairs needs a number} && shift ;;
    --runs) runs=${2:?--runs needs a number} && shift ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" && exit 0 ;;
    -*) echo "unknown option $1 (see --help)" >&2 && exit 2 ;;
    *) folder=$1 ;;
    esac
    shift
done
if [[ -z $folder ]]; then
    folder=$(mktemp -d "${TMPDIR:-/tmp}/bdbkit-compare-peers.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

cargo run --quiet --release --manifest-path "$repository/benches/peers/Cargo.toml" -- \
    "$folder" "$pairs" "$lookups" "$runs"
echo
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
commit=$(git -C "$repository" --no-optional-locks describe --always --dirty 2>/dev/null || echo unknown)
echo "$(date -u +%Y-%m-%d), commit $commit, ${cpu:-unknown CPU}, $(rustc --version | cut -d' ' -f1,2)."
echo "Command: \`$command_line\`${quick:+ — few pairs: the numbers mean nothing}"
