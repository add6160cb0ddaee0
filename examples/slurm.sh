#!/usr/bin/env bash
#SBATCH --job-name=rctscope --cpus-per-task=1 --mem=2G --time=1:00:00
# Converts captures with a Slurm array, on a file system that all nodes see:
#
#     rctscope plan /data/captures > plan.tsv
#     sbatch --array=1-"$(wc -l < plan.tsv)"%64 slurm.sh plan.tsv /data/out
#
# Submitted again, it does what is missing: an output has its name only when it is whole.
set -euo pipefail
plan=$1 out=$2
IFS=$'\t' read -r -a line <<< "$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$plan")"
output=$out/${line[0]}
[[ -e $output ]] && exit
mkdir -p "$(dirname "$output")"
rctscope convert "${line[@]:2}" -o "$output"
