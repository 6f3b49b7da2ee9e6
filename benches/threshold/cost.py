#!/usr/bin/env python3
"""What `sessionize threshold` costs beside a plain report of the same events.

python3 benches/threshold/cost.py FILE ; builds sessionize, then runs the commands in turn after a
warm-up of each, and prints a table in Markdown: medians, and the median of the ratios to the report
of the same turn. --pairs says how many turns, --program which build.
"""

import argparse
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = [
    "report",
    "threshold --rows sweep --format csv --resamples 0 --at 30m",
    "threshold --rows sweep --format csv --resamples 0",
    "threshold --resamples 0",
    "threshold",
]


class Run(NamedTuple):
    """One run of one command."""

    wall: float
    cpu: float
    peak: float


def main():
    arguments = parse_arguments()
    if arguments.program is None:
        subprocess.run(["cargo", "build", "--release", "--bin", "sessionize"], cwd=ROOT, check=True)
        arguments.program = ROOT / "target" / "release" / "sessionize"
    runs = {command: [] for command in COMMANDS}
    for turn in range(arguments.pairs + 1):
        for command, found in runs.items():
            run = timed([arguments.program, *command.split(), arguments.file])
            if turn > 0:
                found.append(run)
    print_table(runs)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a log")
    parser.add_argument("--pairs", type=int, default=9, help="turns (9)")
    parser.add_argument("--program", type=Path, help="a sessionize that is built already")
    return parser.parse_args()


def timed(command):
    """Runs a command whose output nobody reads."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{command} failed")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def print_table(runs):
    print("| command | wall s | cpu s | peak MiB | wall ÷ report | cpu ÷ report |")
    print("| --- | --: | --: | --: | --: | --: |")
    plain = runs["report"]
    for command, found in runs.items():
        wall, cpu, peak = (statistics.median(column) for column in zip(*found))
        ratios = [(run.wall / report.wall, run.cpu / report.cpu) for run, report in zip(found, plain)]
        by_wall, by_cpu = (statistics.median(column) for column in zip(*ratios))
        print(f"| `{command}` | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {by_wall:.2f} | {by_cpu:.2f} |")


if __name__ == "__main__":
    main()
