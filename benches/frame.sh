# What the scripts that compare have in common. They source it with their arguments, after they have set
# what --quick and other options may change, and said in `quickly` what --quick does.
#
#   numbers     names of options that take a number, each a variable (default: runs)
#   positional  what is no option, afterwards

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script=$(basename "$0")
command_line="benches/$script${*:+ $*}"
quick=''
positional=()
: "${numbers:=runs}"

say() { echo "$*" >&2; }
fail() { say "$script: $*" && exit 1; }

while (($#)); do
    case $1 in
    --quick) quick=yes && quickly ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    -*)
        [[ $1 == --* && " $numbers " == *" ${1#--} "* ]] || { echo "unknown option $1 (see --help)" >&2 && exit 2; }
        declare "${1#--}=${2:?$1 needs a number}"
        shift
        ;;
    *) positional+=("$1") ;;
    esac
    shift
done

# Makes the folder of the files, or a new one that is removed at the end; its path is in `folder`.
in_folder() { # [FOLDER]
    folder=${1:-}
    if [[ -z $folder ]]; then
        folder=$(mktemp -d "${TMPDIR:-/tmp}/bdbkit-${script%.sh}.XXXXXX")
        trap 'rm -rf "$folder"' EXIT
    fi
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
}

# The program that cargo says it has built.
executable() { sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1; }

# Says whether a goal is missed, unless the numbers mean nothing.
met() { # NUMBER OPERATOR LIMIT
    [[ -n $quick ]] && return
    awk "BEGIN { exit !($1 $2 $3) }" || echo ' **missed**'
}

# Where the numbers of a table are from, and how to have them again.
signature() { # SMALL [LINE]...
    local cpu commit small=$1
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    commit=$(git -C "$repository" --no-optional-locks describe --always --dirty 2>/dev/null || echo unknown)
    echo
    echo "$(date -u +%Y-%m-%d), commit $commit, ${cpu:-unknown CPU}, $(nproc) processors, $(rustc --version | cut -d' ' -f1,2)."
    shift
    (($#)) && printf '%s\n' "$@"
    echo "Command: \`$command_line\`${quick:+ — $small: the numbers mean nothing}"
}
