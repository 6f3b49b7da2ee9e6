-- Practice: a session and the XP and the days in a row that it gave.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {id} bigint AUTO_INCREMENT PRIMARY KEY,
    {user_id} integer NOT NULL,
    {started_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {ended_at} datetime(6) NULL,
    {duration_seconds} integer NULL,
    {xp_phrases} integer NOT NULL DEFAULT 0,
    {xp_session_bonus} integer NOT NULL DEFAULT 0,
    {xp_streak_bonus} integer NOT NULL DEFAULT 0,
    {total_xp} integer NOT NULL DEFAULT 0,
    {streak_before} integer NOT NULL DEFAULT 0,
    {streak_after} integer NOT NULL DEFAULT 0
);

-- index: active_and_ended_of_user
CREATE INDEX {index} ON {sessions} ({key of user_id}, {ended_at}, {started_at});

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({key of user_id}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} datetime(6) NOT NULL,
    {pauses.resumed_at} datetime(6) NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
