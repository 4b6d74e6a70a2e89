#!/usr/bin/env bash
# Compares bdbkit recover with db5.3_recover on a large environment whose program died, and prints a table.
#
# usage: benches/compare_recover.sh [--quick] [--runs N] [FOLDER]
#
#   FOLDER      where the environment is made; what is there already is used again
#               (default: a new one under ${TMPDIR:-/tmp}, removed at the end; needs 2 GB)
#   --runs N    so many runs of each program, one after the other in turns; medians count (default 5)
#   --quick     a log of 20 MB and 1 run, to see that all works; the numbers mean nothing
#
# Needs a C compiler, libdb5.3-dev, db5.3-util, GNU time and cargo. Fails where the databases
# that both leave are not the same.
set -euo pipefail
export LC_ALL=C TZ=UTC

megabytes=200 runs=5
quickly() { megabytes=20 runs=1; }
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
in_folder "${positional[0]:-}"

# The programs. BDBKIT names one that is built already.
cc -O2 -o "$folder/make_crashed" "$repository/benches/make_crashed.c" -ldb-5.3
cd "$repository"
tool=${BDBKIT:-$(cargo build --quiet --release --features cli --bin bdbkit --message-format=json | executable)}
[[ -x $tool ]] || fail "cargo names no executable"

# The environment. It gets its name once it is finished, so that a broken run leaves none behind.
home=$folder/crashed-$megabytes
if [[ ! -d $home ]]; then
    say "making $home"
    rm -rf "$home.part" && mkdir "$home.part"
    "$folder/make_crashed" "$home.part" "$megabytes"
    mv "$home.part" "$home"
fi
size=$(cat "$home"/log.* | wc -c) # and into the page cache

# Seconds and KiB of each run.
measure() { # NAME COMMAND ...
    local name=$1
    shift
    command time -f '%e %M' -o "$folder/time" "$@" >/dev/null || fail "$name: $* failed"
    cat "$folder/time" >>"$folder/$name.times"
    say "$name: $(cat "$folder/time")"
}
rm -f "$folder"/*.times
for ((i = 0; i < runs; i++)); do
    rm -rf "$folder/genuine" "$folder/ours"
    cp -r "$home" "$folder/genuine"
    sync
    measure genuine db5.3_recover -h "$folder/genuine"
    measure ours "$tool" recover --to "$folder/ours" "$home"
    measure log "$tool" log verify "$home"
done

changed=0
for path in "$folder"/genuine/*.db; do
    name=${path##*/}
    cmp <(db5.3_dump "$path") <(db5.3_dump "$folder/ours/$name") >&2 || fail "$name is not the same"
    changed=$((changed + $(stat -c %s "$path")))
done

median() { # NAME COLUMN
    cut -d' ' -f"$2" "$folder/$1.times" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
ratio() { awk "BEGIN { printf \"%.2f\", $1 / ($2 > 0 ? $2 : 0.01) }"; }
seconds=$(ratio "$(median genuine 1)" "$(median ours 1)")
pages=$((changed / 1024)) ours=$(median ours 2)
echo
echo '| job | `db5.3_recover` | bdbkit | ratio | target |'
echo '|---|---:|---:|---:|---|'
echo "| recover, into a copy | $(median genuine 1) s | $(median ours 1) s | $seconds ×$(met "$seconds" '>=' 5) | ≥ 5 × |"
echo "| the most memory | $(median genuine 2) KiB | $ours KiB | |$(met "$ours" '<=' "$((65536 + pages + size / 1024))") ≤ 64 MiB, the databases, the mapped log |"
echo "| \`log verify\` beside it | | $(median log 1) s | $(ratio "$(median log 1)" "$(median ours 1)") | ≥ 0.3 |"
signature 'a small log' \
    "A log of $((size / 1000000)) MB, databases of $((changed / 1000000)) MB; page cache warm, medians of $runs runs."
