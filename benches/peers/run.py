#!/usr/bin/env python3
"""Asks sessionize and its peers one question and compares time, processor time and memory.

python3 benches/peers/run.py [WORKLOAD]... ; --help names the workloads. Needs cargo, and a network
the first time, for the peers' packages. The tables are Markdown on standard output.
"""

import argparse
import csv
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target"
PEERS = ["clickhouse", "duckdb", "polars", "datafusion"]
PACKAGES = {"clickhouse": "chdb", "duckdb": "duckdb", "polars": "polars", "datafusion": "datafusion"}
MILLION = 1_000_000


class Workload(NamedTuple):
    """A log and who is asked about it."""

    form: str
    ids: str
    rows: int
    peers: list
    options: list = []  # of the generator
    pieces: int = 1
    arguments: list = []  # of sessionize


def workloads():
    """All workloads by name."""
    found = {}
    decoded = [*PEERS, "decode"]
    for size, rows in (("1m", MILLION), ("10m", 10 * MILLION), ("100m", 100 * MILLION)):
        found[f"parquet-int-{size}"] = Workload("parquet", "integer", rows, decoded)
        found[f"parquet-shuffled-{size}"] = Workload("parquet", "integer", rows, decoded, ["--shuffle"])
        found[f"parquet-uuid-{size}"] = Workload("parquet", "uuid", rows, decoded)
        found[f"csv-{size}"] = Workload("csv", "integer", rows, PEERS)
        found[f"ndjson-{size}"] = Workload("ndjson", "integer", rows, PEERS)
        found[f"parquet-int-{size}-512m"] = Workload(
            "parquet", "integer", rows, ["unbounded"], arguments=["--memory", "512M"])
    found["billion-1m"] = Workload("parquet", "integer", MILLION, [], pieces=10, arguments=["--memory", "4G"])
    found["billion"] = found["billion-1m"]._replace(rows=1000 * MILLION)
    return found


STANDARD = [
    "parquet-int-10m", "parquet-shuffled-10m", "parquet-uuid-10m", "csv-10m", "ndjson-10m",
    "parquet-int-100m", "parquet-uuid-100m", "parquet-int-100m-512m", "billion",
]


class Run(NamedTuple):
    """What one process took."""

    wall: float  # seconds
    cpu: float  # seconds, of user and system
    peak: float  # MiB
    answer: object  # (overall, days), or nothing for a peer that has none


def main():
    arguments = parse_arguments()
    programs = build(arguments)
    print(machine(programs["python"]), flush=True)
    for name in arguments.workloads or STANDARD:
        workload = workloads()[name]
        files = make_data(workload, arguments.data, programs["generate"])
        print(measure(name, workload, files, programs, arguments), flush=True)


def parse_arguments():
    known = workloads()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", choices=[[], *known],
                        help=f"{', '.join(known)} [default: those of 10m, of 100m, and the billion]")
    parser.add_argument("--pairs", type=int, default=5, help="how often each pair runs [default: 5]")
    parser.add_argument("--threads", type=int, default=2, help="threads of everyone [default: 2]")
    parser.add_argument("--peers", help="only these, joined by commas")
    parser.add_argument("--data", type=Path, default=TARGET / "peers-data", help="folder of the logs")
    parser.add_argument("--python", type=Path, help="a Python that has the peers' packages [default: one made below target]")
    parser.add_argument("--sessionize", type=Path, help="a built sessionize [default: the release build]")
    return parser.parse_args()


def build(arguments):
    """Builds what is asked for; gives the path of each program."""
    cargo(["build", "--release", "--bin", "sessionize", "--example", "generate"])
    return {
        "sessionize": arguments.sessionize or TARGET / "release" / "sessionize",
        "generate": TARGET / "release" / "examples" / "generate",
        "python": arguments.python or make_venv(),
        "decode": built_bench("decode"),
    }


def cargo(arguments):
    subprocess.run(["cargo", *arguments, "--locked", "--quiet"], cwd=ROOT, check=True)


def built_bench(name):
    """The program of a bench, built."""
    command = ["cargo", "bench", "--bench", name, "--no-run", "--locked", "--quiet", "--message-format=json"]
    messages = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    artifacts = map(json.loads, messages.splitlines())
    return next(Path(artifact["executable"]) for artifact in artifacts
                if artifact.get("executable") and artifact["target"]["name"] == name)


def make_venv():
    """A Python with the packages of requirements.txt, made again when they change."""
    folder = TARGET / "peers-venv"
    python, wanted, stamp = folder / "bin" / "python", HERE / "requirements.txt", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True, stdout=sys.stderr)
        stamp.write_text(wanted.read_text())
    return python


def make_data(workload, folder, generate):
    """The files of a log, made where missing."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = "shuffled" if "--shuffle" in workload.options else workload.ids
    rows = workload.rows // workload.pieces
    files = []
    for piece in range(workload.pieces):
        name = f"{kind}-{rows}" if workload.pieces == 1 else f"pieces-{kind}-{rows}-{piece}"
        file = folder / f"{name}.{workload.form}"
        files.append(file)
        if file.exists():
            continue
        draft = file.with_name(f"{file.name}.draft")
        subprocess.run([generate, "log", "--rows", str(rows), "--seed", "1", "--piece", str(piece), "--ids",
                        workload.ids, "--format", workload.form, *workload.options, "--out", draft], check=True)
        draft.rename(file)
    return files


def measure(name, workload, files, programs, arguments):
    """Runs sessionize and each peer in turn; gives a table."""
    chosen = arguments.peers.split(",") if arguments.peers else workload.peers
    peers = [peer for peer in workload.peers if peer in chosen]

    def ask(who):
        with tempfile.TemporaryDirectory(prefix="sessionize-peers-") as scratch:
            return run(who, workload, files, programs, arguments.threads, Path(scratch))

    warm = ask("sessionize")
    lines = [f"## {name}", "", "| asked | wall s | CPU s | peak MiB | wall, times sessionize | CPU, times sessionize |",
             "| --- | --: | --: | --: | --: | --: |"]
    own, rows = [], []
    for peer in peers:
        same(warm, ask(peer), peer)
        pairs = []
        for _ in range(arguments.pairs):
            pair = ask("sessionize"), ask(peer)
            same(*pair, peer)
            pairs.append(pair)
        own += [mine for mine, _ in pairs]
        rows.append(row(peer, [theirs for _, theirs in pairs], pairs))
    if not peers:
        own = [ask("sessionize") for _ in range(arguments.pairs)]
    lines += [row("sessionize", own, []), *rows]
    (sessions, mean, median), days = own[0].answer
    answer = f"{sessions:,} sessions, mean {mean:.6f} s, median {median:.6f} s, {len(days)} days"
    lines += ["", f"{workload.rows:,} events; {answer}; pairs: {arguments.pairs}.", ""]
    return "\n".join(lines)


def row(who, runs, pairs):
    """A line of the table; ratios are medians of the pairs' ratios."""
    middle = [statistics.median(run[field] for run in runs) for field in range(3)]
    ratios = [f"{statistics.median(theirs[field] / mine[field] for mine, theirs in pairs):.2f}" if pairs else ""
              for field in range(2)]
    return f"| {who} | {middle[0]:.3f} | {middle[1]:.2f} | {middle[2]:,.0f} | {' | '.join(ratios)} |"


def run(who, workload, files, programs, threads, scratch):
    """Runs one whole process, from start to exit."""
    environment = {**os.environ, "POLARS_MAX_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1"}
    out = scratch / "out"
    # Without a configuration file beside it, and without one of ours.
    (scratch / "sessionize.toml").write_text("")
    if who in ("sessionize", "unbounded"):
        pattern = files[0] if len(files) == 1 else files[0].with_name(files[0].name.replace("-0.", "-*."))
        report = scratch / "report.csv"
        extra = workload.arguments if who == "sessionize" else []
        command = [programs["sessionize"], pattern, "--by", "day", "--format", "csv", "--total", "--now", "2026-11-01",
                   "-o", report, "--quiet", "--threads", str(threads), *extra]
    elif who == "decode":
        command = [programs["decode"], files[0]]
    else:
        command = [programs["python"], HERE / f"ask_{who}.py", workload.form, workload.ids, str(threads), files[0]]
    wall, usage = timed([str(part) for part in command], environment, out, scratch)
    if who == "decode":
        answer = None
    elif who in ("sessionize", "unbounded"):
        answer = reported(report)
    else:
        answer = given(out)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, answer)


def timed(command, environment, out, folder):
    """Wall seconds and resource usage of a process, with standard output in a file."""
    with open(out, "wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=file, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return wall, usage


def reported(report):
    """The answer in sessionize's report: a row a day, and the overall row without a period."""
    overall, days = None, {}
    with open(report, newline="") as file:
        for cells in csv.DictReader(file):
            sessions, mean = int(cells["sessions"]), cells["mean_duration_seconds"]
            if not cells["period_start"]:
                overall = sessions, float(mean), float(cells["median_duration_seconds"])
            elif sessions:
                day = datetime.date.fromisoformat(cells["period_start"][:10]) - datetime.date(1970, 1, 1)
                days[day.days] = sessions, float(mean)
    return overall, days


def given(out):
    """The answer of a peer."""
    answer = json.loads(out.read_text())
    days = {int(day): tuple(values) for day, values in answer["days"].items()}
    return (answer["sessions"], answer["mean"], answer["median"]), days


def same(mine, theirs, peer):
    """Stops unless both answers are equal: counts exactly, seconds within a billionth."""
    if theirs.answer is None:
        return
    (overall, days), (other_overall, other_days) = mine.answer, theirs.answer
    wrong = [f"overall: {overall}, {peer} {other_overall}"] if not equal(overall, other_overall) else []
    for day in sorted(days.keys() | other_days.keys()):
        if not equal(days.get(day), other_days.get(day)):
            wrong.append(f"day {day}: {days.get(day)}, {peer} {other_days.get(day)}")
    if wrong:
        raise SystemExit("the answers differ: " + "; ".join(wrong[:5]))


def equal(one, other):
    if one is None or other is None:
        return one is other
    return one[0] == other[0] and all(
        math.isclose(mine, theirs, rel_tol=1e-9) for mine, theirs in zip(one[1:], other[1:], strict=True))


def machine(python):
    """What the figures were measured with."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    code = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    versions = subprocess.run([python, "-c", code, *PACKAGES.values()], check=True, stdout=subprocess.PIPE, text=True)
    revision = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return (f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}; "
            f"sessionize {revision.stdout.strip()}, {versions.stdout.strip()}, Python {platform.python_version()}\n")


if __name__ == "__main__":
    main()
