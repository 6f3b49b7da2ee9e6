-- A platform's sessions: who, on what device, from when until when.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} INTEGER PRIMARY KEY,
    {person_id} INTEGER NOT NULL,
    {session_id} TEXT NOT NULL UNIQUE,
    {started_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    {ended_at} TIMESTAMP NULL,
    {duration_minutes} INTEGER NULL,
    {device_type} TEXT NULL,
    {browser} TEXT NULL,
    {ip_address} TEXT NULL,
    {created_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- index: active_of_user
CREATE INDEX {index} ON {sessions} ({person_id}, {started_at}) WHERE {ended_at} IS NULL;

-- index: ended_of_user
CREATE INDEX {index} ON {sessions} ({person_id}, {ended_at}) WHERE {ended_at} IS NOT NULL;

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({person_id}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} TIMESTAMP NOT NULL,
    {pauses.resumed_at} TIMESTAMP NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
