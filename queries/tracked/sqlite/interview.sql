-- Interviews: created, connected by a desktop, started, ended.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} TEXT PRIMARY KEY,
    {created_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    {desktop_connected_at} TIMESTAMP NULL,
    {session_started_at} TIMESTAMP NULL,
    {ended_at} TIMESTAMP NULL,
    {status} TEXT NOT NULL DEFAULT 'created'
);

-- column: session_started_at
ALTER TABLE {sessions} ADD COLUMN {session_started_at} {type of created_at} NULL;

-- index: by_status
CREATE INDEX {index} ON {sessions} ({status}, {created_at});

-- index: by_start
CREATE INDEX {index} ON {sessions} ({session_started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} TIMESTAMP NOT NULL,
    {pauses.resumed_at} TIMESTAMP NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
