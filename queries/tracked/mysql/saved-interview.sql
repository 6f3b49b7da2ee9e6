-- Saved interviews: what was said and met in each is kept as JSON.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- table: sessions
CREATE TABLE {sessions} (
    {session_id} char(36) PRIMARY KEY,
    {interviewee_id} char(36) NULL,
    {template_id} char(36) NULL,
    {start_time} datetime(6) NULL,
    {end_time} datetime(6) NULL,
    {status} varchar(200) NULL,
    {session_information} json NULL,
    {Interview_report} json NULL,
    {recording_url} text NULL,
    {resume_url} text NULL
);

-- index: active_and_ended_of_user
CREATE INDEX {index} ON {sessions} ({key of interviewee_id}, {end_time}, {start_time});

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({key of interviewee_id}, {start_time});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} datetime(6) NOT NULL,
    {pauses.resumed_at} datetime(6) NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);
