#!/usr/bin/env bash
# Measures upgrades of large files of version 6 in place and prints a table.
#
# usage: benches/compare_upgrade.sh [--quick] [--runs N] [FOLDER]
#
#   FOLDER      where the files are made; what is there already is used again
#               (default: a new one under ${TMPDIR:-/tmp}, removed at the end; needs 4 GB)
#   --runs N    of so many runs of each job the fastest counts (default 5)
#   --quick     small files and 2 runs, to see that all works; the numbers mean nothing
#
# Needs db5.3-util and cargo. Fails where a result is not sound, or not to db5.3_verify.
# Memory is what a program has of its own, not of files: the highest RssAnon of
# /proc/PID/status, looked up all the time in a run that is not timed.
set -euo pipefail
export LC_ALL=C TZ=UTC

megabytes=500 runs=5
quickly() { megabytes=10 runs=2; }
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
in_folder "${positional[0]:-}"

# Three files, a copy, and a journal of twice its size.
needed=$((megabytes * 8 / 1000 + 1))
available=$(df --output=avail -BG "$folder" | tail -n 1 | tr -dc 0-9)
((available >= needed)) || fail "$folder has only $available GB of space, $needed are needed"

# The programs.
cd "$repository"
builder=$(cargo bench --quiet --bench upgrade --no-run --message-format=json | executable)
tool=$(cargo build --quiet --release --features cli --bin bdbkit --message-format=json | executable)
[[ -x $builder && -x $tool ]] || fail "cargo names no executable"

kinds=(plain shared chains)
for kind in "${kinds[@]}"; do
    file=$folder/$kind-$megabytes.db
    [[ -f $file ]] && continue
    say "making $file"
    "$builder" "$kind" "$megabytes" "$file.part"
    mv "$file.part" "$file"
done

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
refresh() { rm -f "$work" && copy "$file" "$work"; }

work=$folder/work.db
for kind in "${kinds[@]}"; do
    file=$folder/$kind-$megabytes.db
    for ((i = 0; i < runs; i++)); do
        clock "$kind read" cat "$file"
        rm -f "$work"
        clock "$kind copy" copy "$file" "$work"
        clock "$kind bdbkit" "$tool" upgrade "$work"
        ((i > 0)) || sound "$work"
        refresh
        clock "$kind genuine" db5.3_upgrade "$work"
    done
    refresh
    watch "$kind bdbkit" "$tool" upgrade "$work"
    refresh
    watch "$kind genuine" db5.3_upgrade "$work"
    rm -f "$work"
done

over() { awk "BEGIN { printf \"%.2f\", ${best[$1]} / ${best[$2]} }"; }
row() { echo "| $1 | $2 | $3 | $4 | $5 | $6 | $7 |"; }

echo
row file 'read once' 'copied, synced' 'db5.3_upgrade, 6 → 8' 'bdbkit upgrade, 6 → 9' memory target
echo '|---|---:|---:|---:|---:|---:|---|'
for kind in "${kinds[@]}"; do
    limit=$(awk "BEGIN { printf \"%.2f\", 1.3 * ${best[$kind read]} + 0.2 }")
    target="≤ 1.3 × read + 0.2 s = $limit s$(met "${best[$kind bdbkit]}" '<=' "$limit")"
    if [[ $kind != plain ]]; then
        times=$(over "$kind bdbkit" "$kind copy")
        target="≤ 3 × copy; is $times ×$(met "$times" '<=' 3)"
    fi
    heap=${memory[$kind bdbkit]}
    row "$kind" "${best[$kind read]} s" "${best[$kind copy]} s" \
        "${best[$kind genuine]} s (${memory[$kind genuine]} MiB)" "${best[$kind bdbkit]} s" \
        "$heap MiB$(met "$heap" '<=' 64)" "$target"
done
signature 'small files' \
    "Files of $megabytes MB, pages of 4096 bytes; page cache warm, the best of $runs runs; load $(cut -d' ' -f1-3 /proc/loadavg)." \
    "Memory is the highest RssAnon. The genuine tool writes no journal and checks nothing."
