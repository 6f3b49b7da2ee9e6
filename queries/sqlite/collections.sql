-- One row per collection made.
-- row_key INTEGER: where the row is, for messages; user: who made it; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: collections
-- role: activity
-- table: collections
-- user: ranked
-- time: ranked
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM collections
