-- One row per login; each opens a session.
-- row_key: the table's primary key, for messages; user: who logged in; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: logins
-- role: start
-- table: logins
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {logins} AS events
