#!/usr/bin/env bash
# Compares bdbkit with db5.3_printlog on a large log and prints a table.
#
# usage: benches/compare_log.sh [--quick] [--runs N] [FOLDER]
#
#   FOLDER      where the log is made; what is there already is used again
#               (default: a new one under ${TMPDIR:-/tmp}, removed at the end; needs 400 MB)
#   --runs N    of so many runs of each job the fastest counts (default 5)
#   --quick     a small log and 2 runs, to see that all works; the numbers mean nothing
#
# Needs a C compiler, libdb5.3-dev, db5.3-util and cargo. Fails where the two programs
# do not print the same.
set -euo pipefail
export LC_ALL=C TZ=UTC

megabytes=250 runs=5 least=$((200 * 1000 * 1000))
quickly() { megabytes=1 runs=2 least=1; }
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
in_folder "${positional[0]:-}"

# The programs.
cc -O2 -o "$folder/make_log" "$repository/tests/genuine/make_log.c" -ldb-5.3
cd "$repository"
peer=$(cargo bench --quiet --bench log_peer --no-run --message-format=json | executable)
tool=$(cargo build --quiet --release --features cli --bin bdbkit --message-format=json | executable)
[[ -x $peer && -x $tool ]] || fail "cargo names no executable"

# The log. It gets its name once it is finished, so that a broken run leaves none behind.
log=$folder/log-$megabytes
if [[ ! -d $log ]]; then
    say "making $log"
    rm -rf "$log.part" && mkdir "$log.part"
    "$folder/make_log" big "$log.part" "$megabytes"
    mv "$log.part" "$log"
fi
size=$(cat "$log"/log.* | wc -c) # and into the page cache
((size >= least)) || fail "$log has only $size bytes"

declare -A best
note() { # NAME SECONDS
    local so_far=${best[$1]:-}
    if [[ -z $so_far ]] || awk "BEGIN { exit !($2 < $so_far) }"; then best[$1]=$2; fi
}
field() { sed -n "s/.*$1=\([0-9.]*\).*/\1/p" <<<"$2"; }
run() { # JOB
    local line
    line=$("$peer" "$1" "$log")
    say "$line"
    note "$1" "$(field seconds "$line")"
}
clock() { # NAME COMMAND ...
    local name=$1 start end
    shift
    start=$EPOCHREALTIME
    "$@" >/dev/null
    end=$EPOCHREALTIME
    note "$name" "$(awk "BEGIN { printf \"%.4f\", $end - $start }")"
    say "$name: ${best[$name]} s at best"
}

for ((i = 0; i < runs; i++)); do
    for job in memory checksum verify fields; do run "$job"; done
    clock print "$tool" log print "$log"
    clock printlog db5.3_printlog -h "$log"
done

# Whether both print the same, byte by byte, and how much that is.
counts=$(cmp <(db5.3_printlog -h "$log") <("$tool" log print "$log") >&2 && "$tool" log print "$log" | wc -lc) ||
    fail "db5.3_printlog and bdbkit log print differ"
read -r lines bytes <<<"$counts"

ratio() { awk "BEGIN { printf \"%.2f\", ${best[$1]} / ${best[$2]} }"; }
rate() { awk "BEGIN { printf \"%.2f\", $size / ${best[$1]} / 1e9 }"; }
row() { echo "| $1 | $2 | $3 | $4 | $5 |"; }
faster=$(ratio printlog print)
verified=$(rate verify)

echo
row job 'db5.3_printlog' bdbkit ratio target
echo '|---|---:|---:|---:|---|'
row '`log print` to /dev/null, the whole process' "${best[printlog]} s" "${best[print]} s" \
    "$faster ×$(met "$faster" '>=' 8)" '≥ 8 ×'
row 'every record, its checksum verified' "(checksums only) $(rate checksum) GB/s" "$verified GB/s" \
    "$(ratio checksum verify)$(met "$verified" '>=' 1)" '≥ 1 GB/s'
row 'every field of every record, verified' "(memory only) $(rate memory) GB/s" "$(rate fields) GB/s" \
    "$(ratio memory fields)" ''
signature 'a small log' \
    "A log of $((size / 1000000)) MB, printed as the same $lines lines, $bytes bytes, by both; page cache warm, one thread, the best of $runs runs."
