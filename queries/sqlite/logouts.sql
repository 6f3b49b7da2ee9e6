-- One row per logout; each belongs to the session it closes.
-- row_key INTEGER: where the row is, for messages; user: who logged out; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: logouts
-- role: end
-- table: logouts
-- user: ranked
-- time: ranked
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM logouts
