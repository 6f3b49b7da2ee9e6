"""Asks DuckDB: ask_duckdb.py FORMAT IDS THREADS FILE."""

import sys

import duckdb

from answer import DAY, TIMEOUT, give

form, ids, threads, path = sys.argv[1:]
# A UUID is compared in 16 bytes instead of 36.
columns = {"user_id": "BIGINT" if ids == "integer" else "UUID", "created_at": "TIMESTAMP"}
csv_columns = {**columns, "source": "VARCHAR"}
source = {
    "parquet": f"read_parquet('{path}')",
    "csv": f"read_csv('{path}', header=true, columns={csv_columns})",
    "ndjson": f"read_json('{path}', format='newline_delimited', columns={columns})",
}[form]
user = "user_id" if ids == "integer" else "user_id::UUID"

connection = duckdb.connect()
connection.execute(f"SET threads={threads}; SET preserve_insertion_order=false")
connection.execute(f"""
CREATE TEMP TABLE sessions AS
WITH events AS (SELECT {user} AS user_id, epoch_us(created_at) AS t FROM {source}),
flags AS (
    SELECT user_id, t,
        coalesce(t - lag(t) OVER sorted > {TIMEOUT}, true) AS opens,
        coalesce(lead(t) OVER sorted - t > {TIMEOUT}, true) AS closes
    FROM events WINDOW sorted AS (PARTITION BY user_id ORDER BY t)),
edges AS (SELECT user_id, t, opens, closes FROM flags WHERE opens OR closes),
pairs AS (SELECT t, opens, closes, lead(t) OVER (PARTITION BY user_id ORDER BY t) AS next FROM edges)
SELECT t AS start, CASE WHEN closes THEN 0 ELSE next - t END AS duration FROM pairs WHERE opens
""")
give(
    connection.execute("SELECT count(*), avg(duration) / 1e6, median(duration) / 1e6 FROM sessions").fetchone(),
    connection.execute(f"SELECT start // {DAY} AS day, count(*), avg(duration) / 1e6 FROM sessions GROUP BY day").fetchall(),
)
