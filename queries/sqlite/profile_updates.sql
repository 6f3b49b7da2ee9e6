-- One row per person: the latest change of the profile. Only each person's latest update survives
-- in such a table; the earlier ones were overwritten, so sessions that held them read shorter. A person
-- whose profile was never updated has no row here.
-- row_key INTEGER: where the row is, for messages; user: the person; at: the latest update, as the
-- table has it.
-- Order: none, the engine sorts.
--
-- source: profile_updates
-- role: activity
-- table: persons
-- user: id
-- time: updated_at
SELECT rowid AS row_key, {user} AS user, {time} AS at
FROM persons
WHERE {time} IS NOT NULL
