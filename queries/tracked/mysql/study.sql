-- Study: a child's session on a subject, with the attempts that lie in it.
--
-- `migrate` runs the steps whose names stand above them, each unless what it makes is there. A
-- name in braces is the application's own name of it; `beside` are tables that are made only
-- together with that of the sessions.

-- beside: children
CREATE TABLE {children} (
    {children.id} char(36) PRIMARY KEY,
    {children.parent_id} char(36) NOT NULL
);

-- beside: question_bank
CREATE TABLE {question_bank} (
    {question_bank.id} bigint AUTO_INCREMENT PRIMARY KEY,
    {question_bank.subject} varchar(200) NOT NULL
);

-- beside: attempts
CREATE TABLE {attempts} (
    {attempts.id} bigint AUTO_INCREMENT PRIMARY KEY,
    {attempts.child_id} char(36) NOT NULL,
    {attempts.question_id} bigint NULL,
    {attempts.created_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {attempts.is_correct} boolean NULL,
    {attempts.time_taken_ms} integer NULL
);

-- table: sessions
CREATE TABLE {sessions} (
    {id} char(36) PRIMARY KEY,
    {child_id} char(36) NOT NULL,
    {subject} varchar(200) NOT NULL,
    {topic} varchar(200) NOT NULL,
    {subtopic} varchar(200) NULL,
    {started_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {ended_at} datetime(6) NULL,
    {created_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    {updated_at} datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
);

-- index: active_and_ended_of_user
CREATE INDEX {index} ON {sessions} ({key of child_id}, {ended_at}, {started_at});

-- index: of_user_by_start
CREATE INDEX {index} ON {sessions} ({key of child_id}, {started_at});

-- index: by_subject
CREATE INDEX {index} ON {sessions} ({key of subject}, {started_at});

-- table: pauses
CREATE TABLE {pauses} (
    {pauses.session_id} {type of session} NOT NULL,
    {pauses.paused_at} datetime(6) NOT NULL,
    {pauses.resumed_at} datetime(6) NULL,
    PRIMARY KEY ({pauses.session_id}, {pauses.paused_at})
);

-- constraint: one_active_of_user
ALTER TABLE {sessions}
    ADD COLUMN is_active_of_user boolean
        GENERATED ALWAYS AS (CASE WHEN {ended_at} IS NULL THEN TRUE END) VIRTUAL INVISIBLE,
    ADD UNIQUE INDEX {index} ({key of child_id}, is_active_of_user);
