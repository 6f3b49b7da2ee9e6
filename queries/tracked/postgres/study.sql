-- Study: a child's session on a subject, with the attempts that lie in it.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- beside: children
CREATE TABLE {children} (
    {children.id} uuid PRIMARY KEY,
    {children.parent_id} uuid NOT NULL
);

-- beside: question_bank
CREATE TABLE {question_bank} (
    {question_bank.id} bigserial PRIMARY KEY,
    {question_bank.subject} text NOT NULL
);

-- beside: attempts
CREATE TABLE {attempts} (
    {attempts.id} bigserial PRIMARY KEY,
    {attempts.child_id} uuid NOT NULL,
    {attempts.question_id} bigint NULL,
    {attempts.created_at} timestamptz NOT NULL DEFAULT now(),
    {attempts.is_correct} boolean NULL,
    {attempts.time_taken_ms} integer NULL
);

-- table: sessions
CREATE TABLE {sessions} (
    {id} uuid PRIMARY KEY,
    {child_id} uuid NOT NULL,
    {subject} text NOT NULL,
    {topic} text NOT NULL,
    {subtopic} text NULL,
    {started_at} timestamptz NOT NULL DEFAULT now(),
    {ended_at} timestamptz NULL,
    {created_at} timestamptz NOT NULL DEFAULT now(),
    {updated_at} timestamptz NOT NULL DEFAULT now()
);

-- index: active_of_user
CREATE INDEX {index} ON {sessions} ({child_id}, {started_at}) WHERE {ended_at} IS NULL;

-- index: ended_of_user
CREATE INDEX {index} ON {sessions} ({child_id}, {ended_at}) WHERE {ended_at} IS NOT NULL;

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({child_id}, {started_at});

-- index: by_subject
CREATE INDEX {index} ON {sessions} ({subject}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} timestamptz NOT NULL,
    {pauses.resumed_at} timestamptz NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);

-- constraint: one_active_of_user
CREATE UNIQUE INDEX {index} ON {sessions} ({child_id}) WHERE {ended_at} IS NULL;
