-- Interviews: created, connected by a desktop, started, ended.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} char(36) PRIMARY KEY,
    {created_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {desktop_connected_at} datetime(6) NULL,
    {session_started_at} datetime(6) NULL,
    {ended_at} datetime(6) NULL,
    {status} varchar(200) NOT NULL DEFAULT 'created'
);

-- column: session_started_at
ALTER TABLE {sessions} ADD COLUMN {session_started_at} datetime(6) NULL;

-- index: by_status
CREATE INDEX {index} ON {sessions} ({key of status}, {created_at});

-- index: by_start
CREATE INDEX {index} ON {sessions} ({session_started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} datetime(6) NOT NULL,
    {pauses.resumed_at} datetime(6) NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
