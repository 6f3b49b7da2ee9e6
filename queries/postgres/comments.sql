-- One row per comment.
-- row_key: the table's primary key, for messages; user: who wrote it; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: comments
-- role: activity
-- table: comments
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {comments} AS events
