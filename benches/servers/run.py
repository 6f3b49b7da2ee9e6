#!/usr/bin/env python3
"""Times sessionize over a local PostgreSQL and MariaDB against a plain copy and against SQL.

python3 benches/servers/run.py [--rows N] [--pairs N] ; needs cargo, psql and mariadb and their servers
(Debian: postgresql mariadb-server-core mariadb-client-core). It makes throw-away clusters on Unix
sockets, and prints Markdown on standard output.
"""

import argparse
import csv
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534
TIMEOUT_US = 1_800_000_000

# The question in the server: sessions by `lag` and a running sum, then their number and mean.
WINDOW_QUERY = """
WITH timed AS (SELECT user_id, {micros} AS at FROM events),
opened AS (
    SELECT user_id, at,
           CASE WHEN at - lag(at) OVER (PARTITION BY user_id ORDER BY at) <= {timeout} THEN 0 ELSE 1 END AS opens
    FROM timed),
numbered AS (
    SELECT user_id, at,
           sum(opens) OVER (PARTITION BY user_id ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session
    FROM opened),
sessions AS (SELECT max(at) - min(at) AS duration FROM numbered GROUP BY user_id, session)
SELECT count(*), avg(duration) / 1000000 FROM sessions
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table (10000000)")
    parser.add_argument("--pairs", type=int, default=5, help="paired runs (5)")
    parser.add_argument("--servers", default="postgres,mariadb", help="which (postgres,mariadb)")
    arguments = parser.parse_args()
    for command in (["cargo", "build", "--release", "--locked"],
                    ["cargo", "build", "--release", "--locked", "--example", "generate"]):
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        log = make_log(folder, arguments.rows)
        for kind in arguments.servers.split(","):
            server = {"postgres": Postgres, "mariadb": Mariadb}[kind](folder / kind)
            try:
                server.load(log)
                compare(server, folder, arguments)
            finally:
                server.stop()


def make_log(folder, rows):
    """A log of the generator as user and time in two columns."""
    whole = folder / "log.csv"
    generate = [ROOT / "target/release/examples/generate", "log", "--rows", str(rows), "--seed", "1", "--out", whole]
    subprocess.run(generate, check=True, stdout=sys.stderr)
    log = folder / "events.csv"
    with open(log, "w") as out:
        subprocess.run(["cut", "-d,", "-f1,2", whole], check=True, stdout=out)
    whole.unlink()
    return log


def unprivileged():
    """How to run a server, which refuses to be run by root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def found(name, places):
    """A program that may not be on the path."""
    paths = [shutil.which(name)] + sorted(map(str, places), reverse=True)
    for path in paths:
        if path and Path(path).exists():
            return path
    sys.exit(f"{name} is missing: install postgresql, mariadb-server-core, mariadb-client-core")


class Server:
    """A throw-away cluster."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        self.make()
        self.process = subprocess.Popen(unprivileged() + self.command(), stdout=subprocess.DEVNULL,
                                        stderr=open(folder.parent / f"{folder.name}.log", "w"))
        for _ in range(600):
            if subprocess.run(self.ask("SELECT 1"), capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit(f"{self.name} does not start")

    def run(self, statement):
        return subprocess.run(self.ask(statement), check=True, capture_output=True, text=True).stdout

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Postgres(Server):
    name = "PostgreSQL"

    def binary(self, name):
        return found(name, Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))

    def make(self):
        subprocess.run(unprivileged() + [self.binary("initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8",
                       "--no-locale", "--no-sync", "-D", self.folder / "data"], check=True, stdout=subprocess.DEVNULL)

    def command(self):
        return [self.binary("postgres"), "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
                "-c", "fsync=off", "-c", "max_wal_size=8GB"]

    def ask(self, statement):
        return ["psql", "-h", self.folder, "-U", "postgres", "-qtA", "-F", "\t", "-c", statement, "postgres"]

    def load(self, log):
        self.run("CREATE TABLE events (user_id bigint, created_at timestamptz)")
        self.run(f"\\copy events FROM '{log}' CSV HEADER")
        self.run("VACUUM ANALYZE events")

    def address(self):
        return f"postgres://postgres@/postgres?host={self.folder}"

    def copy(self):
        return self.ask("COPY (SELECT user_id, created_at FROM events) TO STDOUT (FORMAT binary)")

    copy_name = "psql, binary copy of the two columns"
    micros = "(extract(epoch FROM created_at) * 1000000)::bigint"


class Mariadb(Server):
    name = "MariaDB"

    def make(self):
        subprocess.run(unprivileged() + [found("mariadb-install-db", []), "--no-defaults", "--skip-test-db",
                       "--auth-root-authentication-method=normal", f"--datadir={self.folder}/data"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self):
        return [found("mariadbd", ["/usr/sbin/mariadbd"]), "--no-defaults", f"--datadir={self.folder}/data",
                "--skip-networking", f"--socket={self.folder}/s", f"--pid-file={self.folder}/pid", "--local-infile=1",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=2G", "--default-time-zone=+00:00"]

    def ask(self, statement):
        return ["mariadb", "--no-defaults", "-S", f"{self.folder}/s", "-u", "root", "--local-infile=1", "--quick",
                "-BN", "-e", statement]

    def load(self, log):
        self.run("CREATE DATABASE bench")
        self.run("CREATE TABLE bench.events (user_id bigint, created_at datetime(6))")
        self.run(f"LOAD DATA LOCAL INFILE '{log}' INTO TABLE bench.events FIELDS TERMINATED BY ',' IGNORE 1 LINES "
                 "(user_id, @at) SET created_at = replace(replace(@at, 'T', ' '), 'Z', '')")
        self.run("ANALYZE TABLE bench.events")

    def address(self):
        return f"mysql://root@/bench?socket={self.folder}/s"

    def copy(self):
        return self.ask("SELECT user_id, created_at FROM bench.events")

    copy_name = "mariadb, copy of the two columns as text (it has no binary one)"
    micros = "timestampdiff(microsecond, '1970-01-01', created_at)"


def compare(server, folder, arguments):
    """Runs everything in turn and prints a table."""
    report = folder / "report.csv"
    ours = [ROOT / "target/release/sessionize", "report", server.address(), "--table", "events", "--by", "day", "--total",
            "--format", "csv", "--now", "2027-01-01", "--quiet", "-o", report]
    pushed = ours + ["--engine", "database"]
    query = WINDOW_QUERY.format(micros=server.micros, timeout=TIMEOUT_US)
    if server.name == "MariaDB":
        query = query.replace("FROM events", "FROM bench.events")
    commands = {"sessionize": ours, server.copy_name: server.copy(), "window functions in the server": server.ask(query),
                "sessionize --engine database": pushed}
    runs = {name: [] for name in commands}
    for pair in range(arguments.pairs + 1):
        for name, command in commands.items():
            if name.startswith("window") and pair > 2 or name.endswith("database") and pair != 1:
                continue
            taken = measured(command, folder / "out")
            if name.startswith("window"):
                check(report, (folder / "out").read_text())
            if pair > 0:  # the first round warms up
                runs[name].append(taken)
    print(f"\n{server.name}, {arguments.rows:,} rows, {arguments.pairs} pairs (2 with the window functions, 1 with --engine database)\n")
    print("| what | wall s | cpu s of the client | peak MiB of the client | sessionize ÷ it |\n| --- | --- | --- | --- | --- |")
    for name, taken in runs.items():
        ratio = statistics.median(one[0] / other[0] for one, other in zip(runs["sessionize"], taken))
        wall, cpu, peak = (statistics.median(run[part] for run in taken) for part in range(3))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {ratio:.2f} |", flush=True)


def measured(command, out):
    """Wall and processor seconds and peak MiB of a process."""
    with open(out, "w") as file:
        begun = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=file)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    if status != 0:
        sys.exit(f"failed: {command}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def check(report, said):
    """The server's number of sessions and their mean are ours."""
    with open(report) as file:
        overall = list(csv.DictReader(file))[-1]
    sessions, mean = said.split()
    ours = int(overall["sessions"]), float(overall["mean_duration_seconds"])
    if ours[0] != int(sessions) or not math.isclose(ours[1], float(mean), rel_tol=1e-6):
        sys.exit(f"answers differ: {ours} and {said}")


if __name__ == "__main__":
    main()
