-- One row per login; each opens a session.
-- row_key INTEGER: where the row is, for messages; user: who logged in; at: when, as the table has it.
-- Order: none, the engine sorts.
--
-- source: logins
-- role: start
-- table: logins
-- user: ranked
-- time: ranked
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM logins
