#!/usr/bin/env python3
"""The conversion of `rctscope convert` as an Apache Spark job over binary files.

    spark-submit convert.py --plan plan.jsonl --captures captures --rows out.parquet

`plan.jsonl` is what `rctscope plan captures --json` prints: one line for each session. Spark reads the files as binary
data, from wherever it can read, brings those of one session together, and gives them to rctscope on the executors. The rows
are (output, number, line): `line` is the JSON line that the single machine writes to `output` as its line `number`.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

from pyspark.sql import SparkSession


def convert(rctscope, output, files):
    """The lines of a session, from pairs of a file's name and its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files:
            # The names stand in the records, so they are the same here.
            path = pathlib.Path(folder, name.lstrip("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        names = [name.lstrip("/") for name, _ in files]
        done = subprocess.run([rctscope, "convert", "--", *names], cwd=folder, capture_output=True)
    # 3: nothing could be read; 4: only in part, and what could be read counts. Anything else is no capture's fault.
    if done.returncode not in (0, 3, 4):
        raise RuntimeError(f"{output}: {done.stderr.decode(errors='replace')}")
    lines = done.stdout.decode().splitlines()
    return [(output, number, line) for number, line in enumerate(lines, 1)]


def name_in_plan(places, path):
    """The name that a plan has for a file, of which Spark tells the whole path: the longest end of it that is one."""
    parts = path.split("/")
    ends = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((end for end in ends if end in places), None)


def rows(spark, plan, captures, rctscope):
    """A data frame with the lines of all sessions of a plan."""
    units = [json.loads(line) for line in pathlib.Path(plan).read_text().splitlines()]
    # Where each file belongs: its session, its place there, and its name as it was given.
    places = {
        name.lstrip("/"): (unit["output"], at, name) for unit in units for at, name in enumerate(unit["files"])
    }
    shared = spark.sparkContext.broadcast(places)

    def of_file(row):
        found = name_in_plan(shared.value, row.path)
        if found is None:
            return []
        output, at, name = shared.value[found]
        return [(output, (at, name, bytes(row.content)))]

    def of_session(session):
        output, files = session
        return convert(rctscope, output, [(name, content) for _, name, content in sorted(files)])

    binary = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(captures)
    sessions = binary.select("path", "content").rdd.flatMap(of_file).groupByKey()
    return spark.createDataFrame(sessions.flatMap(of_session), "output string, number int, line string")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", required=True, help="what `rctscope plan DIR --json` has printed")
    parser.add_argument("--captures", required=True, help="the same DIR")
    parser.add_argument("--rows", required=True, help="where the rows go, as Parquet")
    parser.add_argument("--rctscope", default="rctscope", help="the program, on the executors")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("rctscope").getOrCreate()
    rows(spark, args.plan, args.captures, args.rctscope).write.mode("errorifexists").parquet(args.rows)
    spark.stop()


if __name__ == "__main__":
    main()
