#!/usr/bin/env bash
# Compares bdbkit with libdb 5.3 on large files and prints a table.
#
# usage: benches/compare.sh [--quick] [--runs N] [LIBDB_PEER_C [FOLDER]]
#
#   LIBDB_PEER_C  the program of libdb to compare with
#                 (default: $LIBDB_PEER_C, or ../shared/peers/libdb_peer.c beside this repository)
#   FOLDER        where the files are made; what is there already is used again
#                 (default: a new one under ${TMPDIR:-/tmp}, removed at the end; needs 1.8 GB)
#   --runs N      of so many runs of each job the fastest counts (default 5)
#   --quick       small files and 2 runs, to see that all works; the numbers mean nothing
#
# Needs a C compiler, libdb5.3-dev, db5.3-util and cargo. Fails where the two
# programs do not read the same.
set -euo pipefail
export LC_ALL=C

records=2000000 lookups=1000000 opens=5000 runs=5 seed=7 least=$((500 * 1000 * 1000))
quickly() { records=20000 lookups=20000 opens=500 runs=2 least=1; }
source "$(dirname "${BASH_SOURCE[0]}")/frame.sh"
peer_source=$(realpath "${positional[0]:-${LIBDB_PEER_C:-$repository/../shared/peers/libdb_peer.c}}")
in_folder "${positional[1]:-}"

# The programs.
cc -O2 -o "$folder/libdb_peer" "$peer_source" -ldb-5.3
cd "$repository"
peer=$(cargo bench --quiet --bench peer --no-run --message-format=json | executable)
tool=$(cargo build --quiet --release --features cli --bin bdbkit --message-format=json | executable)
[[ -x $peer && -x $tool ]] || fail "cargo names no executable"

# The files. Copies are made of finished files only, so that a broken run leaves none behind.
make_file() { # NAME RECORDS ORDER
    [[ -f $folder/$1 ]] && return
    say "making $1"
    "$folder/libdb_peer" build "$folder/$1.part" "$2" "$seed" "$3" 4096 >&2
    mv "$folder/$1.part" "$folder/$1"
}
le=$folder/le-$records.db be=$folder/be-$records.db small=$folder/small.db large=$folder/sparse-10GiB.db
make_file "le-$records.db" "$records" le
make_file "be-$records.db" "$records" be
make_file small.db 4000 le
# The same pairs in a HASH.
hash=$folder/hash-$records.db
if [[ ! -f $hash ]]; then
    say "making hash-$records.db"
    "$tool" dump "$le" | sed '/^type=/s/=.*/=hash/' | "$tool" load "$hash.part"
    db5.3_verify -q "$hash.part"
    mv "$hash.part" "$hash"
fi
cp "$small" "$large"
truncate -s 10G "$large" # a hole: it takes no space
size=$(stat -c %s "$le")
((size >= least)) || fail "$le has only $size bytes"
# A first word on whether the two agree at all.
cmp <(db5.3_dump "$small") <("$tool" dump "$small") || fail "the dumps of $small differ"

# Measuring: best[NAME] is the least number of seconds, sum[NAME] what was read.
declare -A best sum
peak=0
note() { # NAME SECONDS
    local so_far=${best[$1]:-}
    if [[ -z $so_far ]] || awk "BEGIN { exit !($2 < $so_far) }"; then best[$1]=$2; fi
}
field() { sed -n "s/.*$1=\([0-9.]*\).*/\1/p" <<<"$2"; }
run() { # NAME PROGRAM JOB FILE ...
    local name=$1 line read heap
    shift
    line=$("$@")
    say "$name: $line"
    note "$name" "$(field seconds "$line")"
    read="$(field records "$line") records of $(field bytes "$line") bytes, sum $(field checksum "$line")"
    [[ ${sum[$name]:-$read} == "$read" ]] || fail "$name: two runs differ"
    sum[$name]=$read
    heap=$(field heap_peak "$line")
    if ((${heap:-0} > peak)); then peak=$heap; fi
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
same() { # NAME NAME
    [[ ${sum[$1]} == "${sum[$2]}" ]] || fail "$1 and $2 read different things: ${sum[$1]}; ${sum[$2]}"
}

cat "$le" "$be" "$hash" >/dev/null # into the page cache
for ((i = 0; i < runs; i++)); do
    for order in le be; do
        file=${!order}
        run "libdb bulk $order" "$folder/libdb_peer" bulk "$file"
        run "scan $order" "$peer" scan "$file"
        run "sum $order" "$peer" sum "$file"
        run "pagescan $order" "$peer" pagescan "$file"
        run "libdb get $order" "$folder/libdb_peer" get "$file" "$lookups" "$seed"
        run "get $order" "$peer" get "$file" "$lookups" "$seed"
        clock "dump $order" "$tool" dump "$file"
        run "libdb verify $order" "$folder/libdb_peer" verify "$file"
        run "verify $order" "$peer" verify "$file"
        run "salvage $order" "$peer" salvage "$file"
    done
    run 'libdb bulk hash' "$folder/libdb_peer" bulk "$hash"
    run 'scan hash' "$peer" scan "$hash"
    run 'sum hash' "$peer" sum "$hash"
    run 'libdb get hash' "$folder/libdb_peer" get "$hash" "$lookups" "$seed"
    run 'get hash' "$peer" get "$hash" "$lookups" "$seed"
    clock 'dump hash' "$tool" dump "$hash"
    run "open small" "$peer" open "$small" "$opens"
    run "open large" "$peer" open "$large" "$opens"
done
run "dump in memory" "$peer" dump "$le"
say "db5.3_dump, once"
clock "libdb dump le" db5.3_dump "$le"
clock "libdb dump hash" db5.3_dump "$hash"

for order in le be; do
    same "libdb bulk $order" "scan $order"
    same "scan $order" "pagescan $order"
    same "scan $order" "salvage $order"
    same "libdb get $order" "get $order"
done
same 'libdb bulk hash' 'scan hash'
same 'libdb get hash' 'get hash'
same "scan le" "scan be"
same 'scan le' 'scan hash'
same "get le" "get be"

# The table.
ratio() { awk "BEGIN { printf \"%.2f\", ${best[$1]} / ${best[$2]} }"; }
row() { echo "| $1 | $2 | $3 | $4 | $5 |"; }
seconds() { echo "${best[$1]} s"; }
each() { awk "BEGIN { printf \"%.2f µs\", ${best[$1]} / $2 * 1e6 }"; }
faster() { # LABEL LIBDB OURS LIMIT
    local r
    r=$(ratio "$2" "$3")
    row "$1" "$(seconds "$2")" "$(seconds "$3")" "$r ×$(met "$r" '>=' "$4")" "≥ $4 ×"
}
optimal() { # LABEL FILE [JOB]
    local r job="${3:-pagescan} $2"
    r=$(ratio "sum $2" "$job")
    row "$1" "(optimal pass) $(seconds "sum $2")" "$(seconds "$job")" "$r$(met "$r" '>=' 0.5)" '≥ 0.5 of the optimal pass'
}
salvaged() { # LABEL ORDER
    local r
    r=$(ratio "pagescan $2" "salvage $2")
    row "$1" "(page scan) $(seconds "pagescan $2")" "$(seconds "salvage $2")" "$r$(met "$r" '>=' 0.5)" '≥ 0.5 of the page scan'
}
looked_up() { # LABEL FILE LIMIT
    local r
    r=$(ratio "libdb get $2" "get $2")
    row "$1" "$(each "libdb get $2" "$lookups")" "$(each "get $2" "$lookups")" "$r ×$(met "$r" '>=' "$3")" "≥ $3 ×"
}
orders() { # LABEL JOB
    local more
    more=$(awk "BEGIN { printf \"%.1f\", (${best[$2 be]} / ${best[$2 le]} - 1) * 100 }")
    row "$1" '' "$(seconds "$2 be") : $(seconds "$2 le")" "$more %$(met "$more" '<=' 10)" '≤ 10 % more'
}

echo
row job 'libdb 5.3' bdbkit ratio target
echo '|---|---:|---:|---:|---|'
faster 'scan in key order (libdb: `bulk`)' 'libdb bulk le' 'scan le' 12
optimal 'page scan' le
looked_up "look-up of one key (of $lookups)" le 6
faster '`dump` to /dev/null (libdb: `db5.3_dump`)' 'libdb dump le' 'dump le' 25
faster '`verify`, two threads' 'libdb verify le' 'verify le' 15
salvaged '`salvage`' le
faster 'scan in key order, big-endian' 'libdb bulk be' 'scan be' 12
optimal 'page scan, big-endian' be
looked_up 'look-up of one key, big-endian' be 6
optimal 'HASH: scan' hash scan
looked_up 'HASH: look-up of one key' hash 2
faster 'HASH: `dump` to /dev/null' 'libdb dump hash' 'dump hash' 25
# The files lie elsewhere in memory: how much that makes shows in the optimal pass.
orders 'scan, big- : little-endian' scan
orders 'page scan, big- : little-endian' pagescan
orders 'look-up, big- : little-endian' get
orders '`dump`, big- : little-endian' dump
row '(optimal pass, big- : little-endian: the memory, not the program)' '' \
    "$(seconds 'sum be') : $(seconds 'sum le')" "$(ratio 'sum be' 'sum le') ×" ''
more=$(ratio 'open large' 'open small')
row 'opening 10 GiB : 1 MB' '' "$(each 'open large' "$opens") : $(each 'open small' "$opens")" \
    "$more ×$(met "$more" '<=' 1.25)" 'the same'
mib=$(awk "BEGIN { printf \"%.2f\", $peak / 1048576 }")
row 'peak memory besides the map' '' "$mib MiB" "$(met "$mib" '<=' 16)" '≤ 16 MiB'
signature 'small files' \
    "$records records in $((size / 1000000)) MB of 4096-byte pages, page cache warm, one thread, the best of $runs runs."
