-- A platform's sessions: who, on what device, from when until when.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} bigserial PRIMARY KEY,
    {person_id} integer NOT NULL,
    {session_id} text NOT NULL UNIQUE,
    {started_at} timestamptz NOT NULL DEFAULT now(),
    {ended_at} timestamptz NULL,
    {duration_minutes} integer NULL,
    {device_type} text NULL,
    {browser} text NULL,
    {ip_address} text NULL,
    {created_at} timestamptz NOT NULL DEFAULT now()
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
    {pauses.paused_at} timestamptz NOT NULL,
    {pauses.resumed_at} timestamptz NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
