"""Asks ClickHouse, embedded as chdb: ask_clickhouse.py FORMAT IDS THREADS FILE."""

import csv
import sys

from chdb import session

from answer import DAY, TIMEOUT, give

form, ids, threads, path = sys.argv[1:]
formats = {"parquet": "Parquet", "csv": "CSVWithNames", "ndjson": "JSONEachRow"}
# A stated structure without Nullable: the columns have no nulls, and Nullable ones cost 60 % more.
integers, texts, instants = "Int64", "String", "DateTime64(6, \\'UTC\\')"
user_type, user = (integers, "user_id") if ids == "integer" else (texts, "toUUID(user_id)")
time_type, time = instants, "created_at"
if form == "csv":
    # Read as text and then parsed by column, which is faster than parsing by cell.
    time_type, time = texts, "parseDateTime64BestEffort(created_at, 6, 'UTC')"

clickhouse = session.Session()
clickhouse.query(f"""
CREATE TABLE sessions ENGINE = Memory AS
WITH users AS (
    SELECT arraySort(groupArray(toUnixTimestamp64Micro({time}))) AS times
    FROM file('{path}', {formats[form]}, 'user_id {user_type}, created_at {time_type}') GROUP BY {user}),
pieces AS (
    SELECT arrayJoin(arraySplit((time, gap) -> gap > {TIMEOUT}, times, arrayDifference(times))) AS piece FROM users)
SELECT piece[1] AS start, piece[-1] - piece[1] AS duration FROM pieces
SETTINGS max_threads = {threads}, date_time_input_format = 'best_effort'
""")


def rows(query):
    return list(csv.reader(str(clickhouse.query(query, "CSV")).splitlines()))


give(
    rows("SELECT count(), avg(duration) / 1e6, quantileExactInclusive(0.5)(duration) / 1e6 FROM sessions")[0],
    rows(f"SELECT intDiv(start, {DAY}) AS day, count(), avg(duration) / 1e6 FROM sessions GROUP BY day"),
)
