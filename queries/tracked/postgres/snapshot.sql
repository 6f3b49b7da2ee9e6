-- Persons: one current session each, and no history.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} bigserial PRIMARY KEY,
    {last_login_at} timestamptz NULL,
    {last_activity_at} timestamptz NULL
);

-- index: by_start
CREATE INDEX {index} ON {sessions} ({last_login_at});
