-- One row per post.
-- row_key: the table's primary key, for messages; user: who wrote it; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: posts
-- role: activity
-- table: posts
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {posts} AS events
