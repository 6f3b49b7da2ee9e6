-- One row per person: the latest change of the profile. Only each person's latest update survives
-- in such a table; the earlier ones were overwritten, so sessions that held them read shorter. A person
-- whose profile was never updated has no row here.
-- row_key: the table's primary key, for messages; user: the person; at: the latest update, as the
-- table has it.
-- Order: none, the engine sorts.
--
-- source: profile_updates
-- role: activity
-- table: persons
-- user: id
-- time: updated_at
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at
FROM {persons} AS events
WHERE events.{time} IS NOT NULL
