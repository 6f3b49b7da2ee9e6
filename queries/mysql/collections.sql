-- One row per collection made.
-- row_key: the table's primary key, for messages; user: who made it; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: collections
-- role: activity
-- table: collections
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {collections} AS events
