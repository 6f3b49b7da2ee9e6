-- One row per logout; each belongs to the session it closes.
-- row_key: the table's primary key, for messages; user: who logged out; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: logouts
-- role: end
-- table: logouts
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {logouts} AS events
