-- Study: a child's session on a subject, with the attempts that lie in it.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- beside: children
CREATE TABLE {children} (
    {children.id} TEXT PRIMARY KEY,
    {children.parent_id} TEXT NOT NULL
);

-- beside: question_bank
CREATE TABLE {question_bank} (
    {question_bank.id} INTEGER PRIMARY KEY,
    {question_bank.subject} TEXT NOT NULL
);

-- beside: attempts
CREATE TABLE {attempts} (
    {attempts.id} INTEGER PRIMARY KEY,
    {attempts.child_id} TEXT NOT NULL,
    {attempts.question_id} INTEGER NULL,
    {attempts.created_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    {attempts.is_correct} INTEGER NULL,
    {attempts.time_taken_ms} INTEGER NULL
);

-- table: sessions
CREATE TABLE {sessions} (
    {id} TEXT PRIMARY KEY,
    {child_id} TEXT NOT NULL,
    {subject} TEXT NOT NULL,
    {topic} TEXT NOT NULL,
    {subtopic} TEXT NULL,
    {started_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    {ended_at} TIMESTAMP NULL,
    {created_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    {updated_at} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
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
    {pauses.paused_at} TIMESTAMP NOT NULL,
    {pauses.resumed_at} TIMESTAMP NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);

-- constraint: one_active_of_user
CREATE UNIQUE INDEX {index} ON {sessions} ({child_id}) WHERE {ended_at} IS NULL;
