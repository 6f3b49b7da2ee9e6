-- Practice: a session and the XP and the days in a row that it gave.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} bigserial PRIMARY KEY,
    {user_id} integer NOT NULL,
    {started_at} timestamptz NOT NULL DEFAULT now(),
    {ended_at} timestamptz NULL,
    {duration_seconds} integer NULL,
    {xp_phrases} integer NOT NULL DEFAULT 0,
    {xp_session_bonus} integer NOT NULL DEFAULT 0,
    {xp_streak_bonus} integer NOT NULL DEFAULT 0,
    {total_xp} integer NOT NULL DEFAULT 0,
    {streak_before} integer NOT NULL DEFAULT 0,
    {streak_after} integer NOT NULL DEFAULT 0
);

-- index: active_of_user
CREATE INDEX {index} ON {sessions} ({user_id}, {started_at}) WHERE {ended_at} IS NULL;

-- index: ended_of_user
CREATE INDEX {index} ON {sessions} ({user_id}, {ended_at}) WHERE {ended_at} IS NOT NULL;

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({user_id}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} timestamptz NOT NULL,
    {pauses.resumed_at} timestamptz NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
