-- One row per search, from the table that keeps each query's embedding.
-- row_key: the table's primary key, for messages; user: who searched; at: when the embedding was
-- made, as the table has it. A query whose embedding was reused left no row.
-- Order: none, the engine sorts.
--
-- source: queries
-- role: activity
-- table: query_embeddings
-- user: ranked
-- time: created_at
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {query_embeddings} AS events
