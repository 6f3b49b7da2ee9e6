-- One row per answered question.
-- row_key: the table's primary key, for messages; user: who answered; at: when, as the table has
-- it; subject TEXT: the question's subject, null for a question that is no longer in the bank.
-- Order: none, the engine sorts.
--
-- source: attempts
-- role: activity
-- table: attempts
-- also: question_bank
-- user: ranked
-- time: ranked
SELECT {key} AS row_key, events.{user} AS user, events.{time} AS at, question_bank.subject AS subject
FROM {attempts} AS events
LEFT JOIN {question_bank} AS question_bank ON question_bank.id = events.question_id
