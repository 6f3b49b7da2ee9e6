-- A platform's sessions: who, on what device, from when until when.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} bigint AUTO_INCREMENT PRIMARY KEY,
    {person_id} integer NOT NULL,
    {session_id} varchar(200) NOT NULL UNIQUE,
    {started_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {ended_at} datetime(6) NULL,
    {duration_minutes} integer NULL,
    {device_type} varchar(200) NULL,
    {browser} varchar(200) NULL,
    {ip_address} varchar(200) NULL,
    {created_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
);

-- index: active_and_ended_of_user
CREATE INDEX {index} ON {sessions} ({key of person_id}, {ended_at}, {started_at});

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({key of person_id}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} datetime(6) NOT NULL,
    {pauses.resumed_at} datetime(6) NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
