#!/usr/bin/env bash
# Measures fresh files beside the genuine tools: text that is loaded, a file that is compacted.
#
# usage: benches/compare_load.sh [--quick] [--runs N] [FOLDER]
#
#   FOLDER      where the files are made (default: a new one under ${TMPDIR:-/tmp}, removed at the end;
#               needs 2 GB)
#   --runs N    of so many runs of each job the fastest counts (default 3)
#   --quick     few pairs and 1 run, to see that all works; the numbers mean nothing
#
# Needs db5.3-util, cargo and python3. Fails where a result is not sound, or not to db5.3_verify.
# Memory is what a program has of its own, not of files: the highest RssAnon of
# /proc/PID/status, looked up all the time in a run that is not timed.
set -euo pipefail
export LC_ALL=C TZ=UTC

pairs=2000000 runs=3
quickly() { pairs=20000 runs=1; }
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
in_folder "${positional[0]:-}"

# The program; BDBKIT names one that is built.
cd "$repository"
tool=${BDBKIT:-$(cargo build --quiet --release --features cli --bin bdbkit --message-format=json | executable)}
[[ -x $tool ]] || fail "cargo names no executable"

# Text in order, the same out of order, and text of a HASH.
python3 - "$pairs" "$folder" <<'PYTHON'
import sys
pairs, folder = int(sys.argv[1]), sys.argv[2]
def text(name, method, factor):
    with open(f"{folder}/{name}", "w") as out:
        out.write(f"VERSION=3\nformat=bytevalue\ntype={method}\ndb_pagesize=4096\nHEADER=END\n")
        for i in range(pairs):
            k = i * factor % pairs
            out.write(f" {f'user/{k:08}/folder'.encode().hex()}\n {k * 7919:032x}{k:08x}\n")
        out.write("DATA=END\n")
text("sorted", "btree", 1)
text("unsorted", "btree", 1299709)
text("hash", "hash", 1)
PYTHON

declare -A best memory
note() { # NAME SECONDS
    local so_far=${best[$1]:-}
    if [[ -z $so_far ]] || awk "BEGIN { exit !($2 < $so_far) }"; then best[$1]=$2; fi
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
watch() { # NAME COMMAND ...
    local name=$1 peak=0 pid key value rest
    shift
    "$@" >/dev/null &
    pid=$!
    while [[ -r /proc/$pid/status ]]; do
        while read -r key value rest; do
            [[ $key == RssAnon: ]] && ((value > peak)) && peak=$value
        done <"/proc/$pid/status" || true
    done 2>/dev/null # the program may end at any time
    wait "$pid" || fail "$* failed"
    memory[$name]=$((peak / 1024))
}
sound() { # FILE
    "$tool" verify --quiet "$1" >&2 || fail "$1 is not sound"
    db5.3_verify -q "$1" || fail "db5.3_verify does not accept $1"
}
copy() { cp "$1" "$2" && sync "$2"; }
genuine() { db5.3_load -f "$1" "$2" && sync "$2"; }

ours=$folder/ours.db theirs=$folder/theirs.db
for ((i = 0; i < runs; i++)); do
    for text in sorted unsorted hash; do
        rm -f "$ours" "$theirs"
        clock "$text bdbkit" "$tool" load -f "$folder/$text" "$ours"
        ((i > 0)) || sound "$ours"
        clock "$text genuine" genuine "$folder/$text" "$theirs"
    done
done
for text in sorted unsorted hash; do
    rm -f "$ours"
    watch "$text bdbkit" "$tool" load -f "$folder/$text" "$ours"
done
# A file with half-full pages, as insertion leaves them.
rm -f "$theirs" && genuine "$folder/unsorted" "$theirs"
for ((i = 0; i < runs; i++)); do
    rm -f "$ours"
    clock 'compact copy' copy "$theirs" "$ours"
    rm -f "$ours"
    clock 'compact bdbkit' "$tool" compact "$theirs" "$ours"
    ((i > 0)) || sound "$ours"
done
rm -f "$ours"
watch 'compact bdbkit' "$tool" compact "$theirs" "$ours"

over() { awk "BEGIN { printf \"%.2f\", ${best[$1]} / ${best[$2]} }"; }
echo
echo '| job | genuine | bdbkit | memory | target |'
echo '|---|---:|---:|---:|---|'
for text in sorted unsorted hash; do
    times=$(over "$text genuine" "$text bdbkit") target="$times ×"
    [[ $text == sorted ]] && target="≥ 8 × db5.3_load; is $times ×$(met "$times" '>=' 8)"
    heap=${memory[$text bdbkit]}
    echo "| load, $text | ${best[$text genuine]} s | ${best[$text bdbkit]} s | $heap MiB$(met "$heap" '<=' 64) | $target |"
done
times=$(over 'compact bdbkit' 'compact copy') heap=${memory[compact bdbkit]}
echo "| compact (cp and sync) | ${best[compact copy]} s | ${best[compact bdbkit]} s | $heap MiB$(met "$heap" '<=' 64) |" \
    "≤ 1.5 × copy; is $times ×$(met "$times" '<=' 1.5) |"
signature 'few pairs' \
    "$pairs pairs of 45 bytes, pages of 4096 bytes; page cache warm, the best of $runs runs; load $(cut -d' ' -f1-3 /proc/loadavg)."
