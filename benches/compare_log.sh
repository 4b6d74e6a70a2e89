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

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command_line="benches/compare_log.sh${*:+ $*}"
megabytes=250 runs=5 least=$((200 * 1000 * 1000))
quick=''
folder=''
while (($#)); do
    case $1 in
    --quick) quick=yes megabytes=1 runs=2 least=1 ;;
    --runs) runs=${2:?--runs needs a number} && shift ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" && exit 0 ;;
    -*) echo "unknown option $1 (see --help)" >&2 && exit 2 ;;
    *) folder=$1 ;;
    esac
    shift
done
if [[ -z $folder ]]; then
    folder=$(mktemp -d "${TMPDIR:-/tmp}/bdbkit-compare-log.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

say() { echo "$*" >&2; }
fail() { say "compare_log.sh: $*" && exit 1; }

# The programs.
cc -O2 -o "$folder/make_log" "$repository/tests/genuine/make_log.c" -ldb-5.3
cd "$repository"
executable() { sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1; }
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
met() { # RATIO OPERATOR LIMIT
    [[ -n $quick ]] && return
    awk "BEGIN { exit !($1 $2 $3) }" || echo ' **missed**'
}
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
echo
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
commit=$(git --no-optional-locks describe --always --dirty 2>/dev/null || echo unknown)
echo "$(date -u +%Y-%m-%d), commit $commit, ${cpu:-unknown CPU}, $(rustc --version | cut -d' ' -f1,2)."
echo "A log of $((size / 1000000)) MB, printed as the same $lines lines, $bytes bytes, by both; page cache warm, one thread, the best of $runs runs."
echo "Command: \`$command_line\`${quick:+ — a small log: the numbers mean nothing}"
