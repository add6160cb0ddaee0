#!/usr/bin/env bash
# Converts captures with GNU parallel: parallel.sh CAPTURES OUT [options of parallel, such as -S host1,host2 -j 8]
# A second run does what the first has not: an output has its name only when it is whole.
set -euo pipefail
captures=$1 out=$2
shift 2

one() {
    out=$1
    IFS=$'\t' read -r output _ files <<< "$2"
    IFS=$'\t' read -r -a files <<< "$files"
    [[ -e $out/$output ]] && exit
    mkdir -p "$(dirname "$out/$output")"
    rctscope convert "${files[@]}" -o "$out/$output"
}
export -f one

rctscope plan "$captures" | parallel --env one "$@" one "$out" {}
