"""Runs statements on an engine that is a Python package: python ask.py duckdb|clickhouse|spark.

Each line of standard input is a job in JSON:
  {"tables": {NAME: {"columns": [[NAME, KIND], ...], "rows": [[VALUE, ...], ...]}}, "statement": SQL}
where KIND is text, integer, or timestamp, whose values are microseconds since 1970. Each line of
standard output is the answer to the job on the same line: a list of rows, whose times are
microseconds since 1970 too, or {"error": TEXT}.

`python ask.py parse` answers jobs {"dialect": NAME, "statement": SQL} with [] where sqlglot can read
the statement as that dialect, every word of it.
"""

import datetime
import json
import os
import sys

EPOCH = datetime.datetime(1970, 1, 1)


def rows_as_sql(table, timestamp, text):
    """The rows as they stand after VALUES. `timestamp` is the engine's function from microseconds to
    a timestamp, and `text` makes the inside of a text's literal."""

    def literal(value, kind):
        if value is None:
            return "NULL"
        if kind == "timestamp":
            return f"{timestamp}({value})"
        if kind == "text":
            return f"'{text(value)}'"
        return str(value)

    kinds = [kind for _, kind in table["columns"]]
    rows = (", ".join(map(literal, row, kinds)) for row in table["rows"])
    return ", ".join(f"({row})" for row in rows)


def doubled(text):
    return text.replace("'", "''")


def escaped(text):
    return text.replace("\\", "\\\\").replace("'", "\\'")


def plain(value):
    """A value of an answer as JSON has it."""
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, (bytes, bytearray)):
        return value.decode()
    return value


class DuckDb:
    TYPES = {"text": "VARCHAR", "integer": "BIGINT", "timestamp": "TIMESTAMP"}

    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        self.connection.execute("SET TimeZone = 'UTC'")

    def make(self, name, table):
        columns = ", ".join(f'"{column}" {self.TYPES[kind]}' for column, kind in table["columns"])
        self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" ({columns})')
        if table["rows"]:
            rows = rows_as_sql(table, "make_timestamp", doubled)
            self.connection.execute(f'INSERT INTO "{name}" VALUES {rows}')

    def ask(self, statement):
        return self.connection.execute(statement).fetchall()


class ClickHouse:
    TYPES = {
        "text": "Nullable(String)",
        "integer": "Nullable(Int64)",
        "timestamp": "Nullable(DateTime64(6, 'UTC'))",
    }

    def __init__(self):
        from chdb.session import Session

        self.session = Session()
        self.session.query("CREATE DATABASE IF NOT EXISTS tests")
        self.session.query("USE tests")

    def make(self, name, table):
        columns = ", ".join(f"`{column}` {self.TYPES[kind]}" for column, kind in table["columns"])
        self.session.query(f"CREATE OR REPLACE TABLE `{name}` ({columns}) ENGINE = Memory")
        if table["rows"]:
            rows = rows_as_sql(table, "fromUnixTimestamp64Micro", escaped)
            self.session.query(f"INSERT INTO `{name}` VALUES {rows}")

    def ask(self, statement):
        statement = statement.rstrip().rstrip(";")
        answer = self.session.query(statement, "JSONCompact").bytes()
        # 64-bit integers come as text where a double could not hold them.
        return json.loads(answer)["data"]


class Spark:
    TYPES = {"text": "STRING", "integer": "BIGINT", "timestamp": "TIMESTAMP"}

    def __init__(self):
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        self.server = SparkConnectServer("127.0.0.1", 0)
        self.server.start(background=True)
        _, port = self.server.listening_address
        self.session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()

    def make(self, name, table):
        columns = table["columns"]
        rows = rows_as_sql(table, "timestamp_micros", escaped)
        if not table["rows"]:
            rows = "(" + ", ".join("NULL" for _ in columns) + ")"
        casts = ", ".join(
            f"CAST(c{place} AS {self.TYPES[kind]}) AS `{column}`"
            for place, (column, kind) in enumerate(columns)
        )
        names = ", ".join(f"c{place}" for place in range(len(columns)))
        none = "" if table["rows"] else " WHERE false"
        self.session.sql(
            f"CREATE OR REPLACE TEMP VIEW `{name}` AS "
            f"SELECT {casts} FROM VALUES {rows} AS t({names}){none}"
        ).collect()

    def ask(self, statement):
        return [tuple(row) for row in self.session.sql(statement).collect()]


class Parser:
    """Reads statements and runs none."""

    def answer(self, job):
        import sqlglot

        sqlglot.transpile(job["statement"], read=job["dialect"], error_level=sqlglot.ErrorLevel.RAISE)
        tree = sqlglot.parse(job["statement"], read=job["dialect"])
        commands = [part for part in tree if isinstance(part, sqlglot.exp.Command)]
        return [] if len(tree) == 1 and not commands else {"error": f"read as {tree!r}"}


def answer(engine, job):
    if isinstance(engine, Parser):
        return engine.answer(job)
    for name, table in job["tables"].items():
        engine.make(name, table)
    return [[plain(value) for value in row] for row in engine.ask(job["statement"])]


def main():
    engines = {"duckdb": DuckDb, "clickhouse": ClickHouse, "spark": Spark, "parse": Parser}
    engine = engines[sys.argv[1]]()
    for line in sys.stdin:
        try:
            answered = answer(engine, json.loads(line))
        except Exception as cause:  # The test says which job it was.
            answered = {"error": f"{type(cause).__name__}: {cause}"}
        print(json.dumps(answered), flush=True)
    # At a plain end the Spark client would wait for a server that has ended before it.
    os._exit(0)


main()
