"""Asks DataFusion: ask_datafusion.py FORMAT IDS THREADS FILE."""

import sys

import pyarrow
from datafusion import SessionConfig, SessionContext

from answer import DAY, TIMEOUT, give

form, ids, threads, path = sys.argv[1:]
context = SessionContext(SessionConfig().with_target_partitions(int(threads)))
schema = pyarrow.schema({
    "user_id": pyarrow.int64() if ids == "integer" else pyarrow.string(),
    "created_at": pyarrow.timestamp("us", "UTC"),
    "source": pyarrow.string(),
})
if form == "parquet":
    context.register_parquet("events", path)
elif form == "csv":
    context.register_csv("events", path, schema=schema)
else:
    context.register_json("events", path, schema=schema, file_extension=".ndjson")

sessions = context.sql(f"""
WITH events AS (SELECT user_id, CAST(created_at AS BIGINT) AS t FROM events),
flags AS (
    SELECT user_id, t,
        coalesce(t - lag(t) OVER sorted > {TIMEOUT}, true) AS opens,
        coalesce(lead(t) OVER sorted - t > {TIMEOUT}, true) AS closes
    FROM events WINDOW sorted AS (PARTITION BY user_id ORDER BY t)),
edges AS (SELECT user_id, t, opens, closes FROM flags WHERE opens OR closes),
pairs AS (SELECT t, opens, closes, lead(t) OVER (PARTITION BY user_id ORDER BY t) AS next FROM edges)
SELECT t AS start, CASE WHEN closes THEN 0 ELSE next - t END AS duration FROM pairs WHERE opens
""").cache()
context.register_view("sessions", sessions)


def rows(query):
    columns = context.sql(query).to_pydict().values()
    return list(zip(*columns))


give(
    rows("SELECT count(*), avg(duration) / 1e6, median(CAST(duration AS DOUBLE)) / 1e6 FROM sessions")[0],
    rows(f"SELECT start / {DAY} AS day, count(*), avg(duration) / 1e6 FROM sessions GROUP BY 1"),
)
