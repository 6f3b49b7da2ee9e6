-- Saved interviews: what was said and met in each is kept as JSON.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {session_id} uuid PRIMARY KEY,
    {interviewee_id} uuid NULL,
    {template_id} uuid NULL,
    {start_time} timestamptz NULL,
    {end_time} timestamptz NULL,
    {status} text NULL,
    {session_information} jsonb NULL,
    {Interview_report} jsonb NULL,
    {recording_url} text NULL,
    {resume_url} text NULL
);

-- index: active_of_user
CREATE INDEX {index} ON {sessions} ({interviewee_id}, {start_time}) WHERE {end_time} IS NULL;

-- index: ended_of_user
CREATE INDEX {index} ON {sessions} ({interviewee_id}, {end_time}) WHERE {end_time} IS NOT NULL;

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({interviewee_id}, {start_time});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} timestamptz NOT NULL,
    {pauses.resumed_at} timestamptz NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
