#!/usr/bin/env bash
# Runs convert.py in a local cluster (two workers, processes of their own) over a folder of fixtures, and compares its rows with
# what one machine writes. Needs Java 17, Python 3.9 or later with pyspark (PYTHON names it), and rctscope (RCTSCOPE names it).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rctscope=$(realpath "$(command -v "${RCTSCOPE:-rctscope}")")
python=$(command -v "${PYTHON:-python3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p captures/stories captures/fixtures
cp -r "$here"/../../fixtures/anomalies/* captures/fixtures/
for scenario in evening portal gap two-clients normal reorder; do
    for seed in 1 2 3; do
        "$rctscope" synth "$scenario" --seed "$seed" -o "captures/stories/$scenario $seed.pcap" 2> /dev/null
    done
done
head -c 9000 "captures/stories/evening 1.pcap" > captures/cut.pcap
# The pieces of a rotated capture, which are one session.
"$rctscope" synth evening --seed 7 -o captures/rotated.pcap 2> /dev/null
"$rctscope" synth evening --seed 8 -o captures/rotated.pcap1 2> /dev/null
echo "Tuesday: the inverter said 30 % again. Why?" > captures/notes.txt

"$rctscope" convert captures -o single 2> /dev/null || [[ $? == 4 ]]
"$rctscope" plan captures --json > plan.jsonl 2> /dev/null

export PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python SPARK_LOCAL_IP=127.0.0.1
SPARK_HOME=$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME
"$SPARK_HOME/bin/spark-submit" --master 'local-cluster[2,1,1024]' --conf spark.ui.enabled=false \
    --conf "spark.hadoop.fs.defaultFS=file:///" \
    "$here/convert.py" --plan plan.jsonl --captures captures --rows rows.parquet --rctscope "$rctscope" 2> spark.log \
    || { tail -40 spark.log >&2; exit 1; }

"$python" - << 'END' 2>> spark.log || { tail -40 spark.log >&2; exit 1; }
import json, pathlib
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
found = {}
for row in spark.read.parquet("rows.parquet").orderBy("output", "number").collect():
    found.setdefault(row.output, []).append(row.line + "\n")
single = {
    str(path.relative_to("single")): path.read_text()
    for path in pathlib.Path("single").rglob("*.jsonl")
    if path.name not in ("files.jsonl", ".rctscope-state.jsonl")
}
assert found.keys() == single.keys(), found.keys() ^ single.keys()
for name, text in single.items():
    assert "".join(found[name]) == text, f"{name} differs"
rows = sum(len(lines) for lines in found.values())
print(f"ok: {len(single)} sessions, {rows} rows, equal to those of one machine")
END
