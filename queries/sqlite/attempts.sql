-- One row per answered question.
-- row_key INTEGER: where the row is, for messages; user: who answered; at: when, as the table has
-- it; subject TEXT: the question's subject, null for a question that is no longer in the bank.
-- Order: none, the engine sorts.
--
-- source: attempts
-- role: activity
-- table: attempts
-- also: question_bank
-- user: ranked
-- time: ranked
SELECT attempts.rowid AS row_key, attempts.{user} AS user, attempts.{time} AS at, question_bank.subject AS subject
FROM attempts
LEFT JOIN question_bank ON question_bank.id = attempts.question_id
