//! `sessionize tracked show`: one session of every shape, on every engine.

use crate::applications::everywhere;

#[test]
fn a_session_of_every_shape_is_shown_with_all_that_its_row_says() {
    const ID: &str = "3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b";
    let rows = [
        (
            "interview",
            ID,
            format!(
                "INSERT INTO sessions VALUES ('{ID}', '2026-03-01 09:00:00', '2026-03-01 09:01:00',
                 '2026-03-01 09:03:00', 'active')"
            ),
            "Session 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b: open for 30d 15h",
        ),
        (
            "study",
            ID,
            format!(
                "INSERT INTO sessions VALUES ('{ID}', '{ID}', 'maths', 'fractions', NULL,
                 '2026-03-01 09:00:00', '2026-03-01 09:30:00', '2026-03-01 09:00:00',
                 '2026-03-01 09:30:00')"
            ),
            "Session 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b: ended after 30m 00s",
        ),
        (
            "saved-interview",
            ID,
            format!(
                "INSERT INTO interview_sessions VALUES ('{ID}', NULL, NULL, '2026-03-01 09:00:00',
                 '2026-03-01 08:00:00', 'broken', '{{}}', NULL, NULL, NULL)"
            ),
            "Session 3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b: it ended before it started",
        ),
        (
            "platform",
            "5",
            "INSERT INTO user_sessions VALUES (5, 7, 'abc', '2026-03-01 09:00:00',
             '2026-03-15 13:00:00', 20400, 'phone', 'firefox', '10.0.0.1', NULL)"
                .to_owned(),
            "Session 5: ended after 14d 4h",
        ),
        (
            "snapshot",
            "5",
            "INSERT INTO persons VALUES (5, 'Ada', '2026-03-01 09:00:00', '2026-03-01 09:12:00')"
                .to_owned(),
            "Session 5: last seen 12m 00s after its start",
        ),
    ];
    for (shape, id, insert, headline) in rows {
        for application in everywhere(shape) {
            application.run(&insert);
            let shown = application.json(&["show", id]);
            let engine = application.engine();
            assert_eq!(shown["headline"], headline, "{shape} on {engine}");
        }
    }
}

#[test]
fn what_is_not_there_and_what_may_not_be_seen_are_not_found_in_the_same_words() {
    for application in everywhere("platform") {
        application.run(
            "INSERT INTO user_sessions (id, person_id, session_id, started_at)
             VALUES (1, 7, 'a', '2026-03-01 09:00:00'), (2, 8, 'b', '2026-03-01 09:00:00')",
        );
        let own = application.done(&["show", "1", "--as-user", "7"]);
        assert!(own.stdout().contains("Session 1: open"), "{own:?}");
        let other = application.tracked(&["show", "2", "--as-user", "7"]).run();
        let missing = application.tracked(&["show", "3", "--as-user", "7"]).run();
        for (outcome, id) in [(&other, "2"), (&missing, "3")] {
            assert_eq!(outcome.code(), Some(4));
            let said = format!("session \"{id}\" is not found");
            assert!(outcome.stderr().contains(&said), "{outcome:?}");
        }
        assert_eq!(
            other.stderr().replace("\"2\"", "\"3\""),
            missing.stderr(),
            "{}",
            application.engine()
        );
        let malformed = application.tracked(&["show", "one"]).run();
        assert_eq!(malformed.code(), Some(2), "{malformed:?}");
        assert!(
            malformed.stderr().contains("\"one\" is not a whole number"),
            "{malformed:?}"
        );
    }
}

#[test]
fn ids_that_a_collation_takes_for_the_same_are_those_of_different_people() {
    const ONE: &str = "3f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b";
    const TWO: &str = "4f1c4d1e-8a55-4b7c-9c5e-0f6c1d2e3a4b";
    for application in everywhere("saved-interview") {
        let folding = match application.engine() {
            "sqlite" => "COLLATE NOCASE",
            "mysql" => "COLLATE utf8mb4_general_ci",
            _ => "",
        };
        application.run(&format!(
            "CREATE TABLE children (id varchar(36), parent_id varchar(36) {folding});
             ALTER TABLE interview_sessions DROP COLUMN interviewee_id;
             ALTER TABLE interview_sessions ADD COLUMN interviewee_id varchar(36) {folding};
             INSERT INTO children VALUES ('ada', 'p'), ('Ada', 'P');
             INSERT INTO interview_sessions (session_id, interviewee_id, start_time, status) VALUES
             ('{ONE}', 'ada', '2026-03-01 09:00:00', 'active'),
             ('{TWO}', 'Ada', '2026-03-02 09:00:00', 'active')"
        ));
        let engine = application.engine();
        for who in [["--as-user", "ada"], ["--as-parent", "p"]] {
            let [flag, whom] = who;
            application.done(&["show", ONE, flag, whom]);
            let outcome = application.tracked(&["show", TWO, flag, whom]).run();
            assert_eq!(outcome.code(), Some(4), "{who:?} {engine}");
            let all = application.json(&["streaks", flag, whom]);
            assert_eq!(all["facts"]["users"], 1, "{who:?} {engine}");
        }
        let said = application.json(&["history", "--user", "Ada"]);
        assert_eq!(said["facts"]["sessions"], 1, "{engine}");
    }
}

#[test]
fn a_person_of_a_snapshot_sees_their_own_row() {
    for application in everywhere("snapshot") {
        application.run(
            "INSERT INTO persons (id, last_login_at, last_activity_at) VALUES
             (1, '2026-03-01 09:00:00', '2026-03-01 09:12:00'),
             (2, '2026-03-01 09:00:00', '2026-03-01 10:00:00')",
        );
        let engine = application.engine();
        application.done(&["show", "1", "--as-user", "1"]);
        let other = application.tracked(&["show", "2", "--as-user", "1"]).run();
        assert_eq!(other.code(), Some(4), "{engine}");
        let said = application.json(&["lifecycle", "--as-user", "1"]);
        assert_eq!(said["facts"]["sessions"], 1, "{engine}");
    }
}

#[test]
fn a_table_of_another_shape_is_refused_with_what_differs() {
    for application in everywhere("platform") {
        let outcome = application
            .tracked(&["show", "1", "--table", "user_sessions"])
            .args(["--shape", "practice"])
            .run();
        assert_eq!(outcome.code(), Some(2), "a flag stands twice: {outcome:?}");
        let outcome = application
            .scratch()
            .sessionize(["tracked", "show", "1", "--shape", "practice"])
            .args(["--database", &application.address()])
            .args(["--table", "user_sessions"])
            .run();
        assert_eq!(outcome.code(), Some(4), "{outcome:?}");
        let said = outcome.stderr();
        assert!(
            said.contains("table \"user_sessions\" is not of the shape \"practice\""),
            "{said}"
        );
        assert!(said.contains("no column \"user_id\""), "{said}");
        let outcome = application
            .scratch()
            .sessionize(["tracked", "show", "1", "--shape", "practice"])
            .args(["--database", &application.address()])
            .run();
        assert_eq!(outcome.code(), Some(4), "{outcome:?}");
        let said = outcome.stderr();
        for words in [
            "no table \"UserSessions\"",
            "id, user_id, started_at, ended_at",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
