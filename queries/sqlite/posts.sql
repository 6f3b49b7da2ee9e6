-- One row per post.
-- row_key INTEGER: where the row is, for messages; user: who wrote it; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: posts
-- role: activity
-- table: posts
-- user: ranked
-- time: ranked
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM posts
