-- One row per search, from the table that keeps each query's embedding.
-- row_key INTEGER: where the row is, for messages; user: who searched; at: when the embedding was
-- made, as the table has it. A query whose embedding was reused left no row.
-- Order: none, the engine sorts.
--
-- source: queries
-- role: activity
-- table: query_embeddings
-- user: ranked
-- time: created_at
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM query_embeddings
