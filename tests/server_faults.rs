//! Servers that refuse, stall, die or vanish, and what the program leaves on them. Cases 127, 132,
//! 136 and 142 to 147, 154.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::net::TcpListener;

use crate::harness::{Call, Outcome, Scratch, wait_until};
use crate::proxy::{Fault, Proxy};
use crate::servers::{Certificate, Cluster, Database, Kind, both, mariadb, postgres};

const NOW: &str = "2026-06-01T00:00:00Z";

const OLD: &str = "the report of yesterday\n";

/// A table of so many posts, a second apart, by 97 users in turn.
fn fill(database: &Database<'_>, table: &str, rows: u32) {
    database.run(&match database.kind() {
        Kind::Postgres => format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, user_id int, created_at timestamptz);
             INSERT INTO {table} SELECT n, n % 97, timestamptz '2026-01-01Z' + n * interval '1s'
             FROM generate_series(1, {rows}) AS n"
        ),
        Kind::Mariadb => format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, user_id int, created_at datetime(6));
             INSERT INTO {table} SELECT seq, seq % 97, '2026-01-01' + INTERVAL seq SECOND
             FROM seq_1_to_{rows}"
        ),
    });
}

/// The same posts as a file.
fn file_of(rows: u32) -> String {
    let mut text = "user_id,created_at\n".to_owned();
    for n in 1..=rows {
        text += &format!("{},{}\n", n % 97, 1_767_225_600 + n);
    }
    text
}

/// A scratch folder with yesterday's report.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("report.csv", OLD);
    scratch
}

/// `sessionize sessions --format csv` of this input, over yesterday's report.
fn sessions(scratch: &Scratch, input: &str) -> Call {
    let call = scratch.sessionize(["sessions", "--format", "csv", "-o", "report.csv"]);
    call.args(["--now", NOW, input])
}

/// The sessions of that many posts, by way of a file.
fn expected(rows: u32) -> String {
    let scratch = Scratch::new();
    scratch.file("posts.csv", file_of(rows));
    let call = scratch.sessionize(["sessions", "--format", "csv", "--now", NOW, "posts.csv"]);
    call.run().expect_ok().stdout()
}

/// Exit code 5, one error, and yesterday's report as it was.
#[track_caller]
fn refused(scratch: &Scratch, outcome: Outcome) -> Outcome {
    let outcome = outcome.expect_failure(5);
    let said = outcome.stderr();
    let errors = said.lines().filter(|line| line.starts_with("error["));
    assert_eq!(errors.count(), 1, "{outcome:?}");
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
    assert_eq!(scratch.text("report.csv"), OLD);
    assert_eq!(scratch.names(), ["report.csv"]);
    outcome
}

/// What others than the asker run on the server in this database.
fn others(database: &Database<'_>) -> Vec<Vec<String>> {
    database.ask(&match database.kind() {
        Kind::Postgres => format!(
            "SELECT state, query FROM pg_stat_activity
             WHERE datname = '{}' AND pid <> pg_backend_pid()",
            database.name()
        ),
        Kind::Mariadb => format!(
            "SELECT state, info FROM information_schema.processlist
             WHERE db = '{}' AND id <> CONNECTION_ID()",
            database.name()
        ),
    })
}

/// A query of the user's that takes ten minutes.
fn slow(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "SELECT 7 AS user, now() AS time FROM pg_sleep(600)",
        Kind::Mariadb => "SELECT 7 AS user, NOW() AS time FROM (SELECT SLEEP(600)) AS slept",
    }
}

/// A configuration with one source that is a query.
fn asking(database: &Database<'_>, query: &str) -> String {
    let url = database.url();
    format!("[[source]]\nname = \"asked\"\npath = {url:?}\nquery = {query:?}\n")
}

/// A port where nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_server_that_cannot_be_reached_is_named_within_the_connect_timeout() {
    // The system takes the connection, and nobody ever says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    for scheme in ["postgres", "mysql"] {
        let scratch = scratch();
        for (place, says) in [
            (format!("127.0.0.1:{}", closed_port()), "refused"),
            (silent.to_string(), "no answer within 1 s"),
            ("nowhere.invalid:5555".to_owned(), "cannot connect: "),
        ] {
            let url = format!("posts={scheme}://ro:pw-CANARY-7@{place}/app?sslmode=disable");
            let call = sessions(&scratch, &url).args(["--connect-timeout", "1s"]);
            let outcome = refused(&scratch, call.run())
                .expect_stderr("error[DB-03]: source \"posts\" (")
                .expect_stderr("cannot connect: ")
                .expect_stderr(&place)
                .expect_stderr(says);
            assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
        }
    }
}

#[test]
fn a_login_that_fails_is_said_without_the_password() {
    for database in both() {
        fill(&database, "posts", 10);
        let user = database.user("ro", "right");
        let scratch = scratch();
        let wrong = database.tcp_url(&format!("{user}:pw-CANARY-7"));
        let outcome = refused(
            &scratch,
            sessions(&scratch, &format!("posts={wrong}")).run(),
        )
        .expect_stderr("source \"posts\"")
        .expect_stderr(&user);
        assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");

        let url = database.url();
        let missing = url.replace(&format!("/{}?", database.name()), "/no_such_database?");
        assert_ne!(missing, url);
        refused(&scratch, sessions(&scratch, &missing).run()).expect_stderr("no_such_database");
    }
}

/// A user who may read the posts and logs in with the password `right`.
fn reader(database: &Database<'_>) -> String {
    let user = database.user("ro", "right");
    database.run(&format!("GRANT SELECT ON posts TO {user}"));
    format!("{user}:right")
}

#[test]
fn a_server_that_wants_tls_is_not_talked_to_without() {
    for database in both() {
        fill(&database, "posts", 10);
        let login = reader(&database);
        let user = login.trim_end_matches(":right");
        database.run(&match database.kind() {
            Kind::Postgres => format!("GRANT needs_tls TO {user}"),
            Kind::Mariadb => format!("ALTER USER {user} REQUIRE SSL"),
        });
        let scratch = scratch();
        let url = database.tcp_url(&login);
        let off = format!("{url}?sslmode=disable");
        refused(&scratch, sessions(&scratch, &off).run());
        let on = format!("{url}?sslmode=require");
        sessions(&scratch, &on).run().expect_ok();
        assert_eq!(scratch.text("report.csv"), expected(10));
    }
}

/// Whether ten posts can be read at this address; when not, that nothing was.
fn is_let_in(url: &str) -> bool {
    let scratch = scratch();
    let ran = sessions(&scratch, &format!("posts={url}")).run();
    if ran.code() == Some(0) {
        ran.expect_ok();
        assert_eq!(scratch.text("report.csv"), expected(10));
        return true;
    }
    refused(&scratch, ran)
        .expect_stderr("error[DB-03]: source \"posts\" (")
        .expect_stderr("cannot connect: TLS: ")
        .expect_stderr("help: --ca-file ");
    false
}

/// Each mode, and whether a server with a certificate is let in that is right, for another name,
/// expired, and vouches for itself.
const MODES: [(&str, [bool; 4]); 3] = [
    ("require", [true, true, true, true]),
    ("verify-ca", [true, true, false, false]),
    ("verify-full", [true, false, false, false]),
];

#[test]
fn a_certificate_is_checked_as_far_as_the_mode_says() {
    let right = Certificate::default;
    let certificates = [
        right(),
        Certificate {
            names: "DNS:other.example",
            ..right()
        },
        Certificate {
            ends: "20210101000000Z",
            ..right()
        },
        Certificate {
            is_self_signed: true,
            ..right()
        },
    ];
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let server = Cluster::start(kind, &[]);
        let database = server.database();
        fill(&database, "posts", 10);
        let login = reader(&database);
        let ca = server.ca_file();
        for (at, certificate) in certificates.iter().enumerate() {
            server.certify("server", certificate);
            server.admin(match kind {
                Kind::Postgres => "SELECT pg_reload_conf()",
                Kind::Mariadb => "FLUSH SSL",
            });
            for (mode, let_in) in MODES {
                let url = format!("{}?sslmode={mode}", database.tcp_url(&login));
                let verifies = mode != "require";
                // Nobody outside this test knows its authority.
                assert_eq!(is_let_in(&url), !verifies, "{kind:?} {mode} {at}");
                if verifies {
                    let known = format!("{url}&sslrootcert={}", ca.display());
                    assert_eq!(is_let_in(&known), let_in[at], "{kind:?} {mode} {at}");
                }
            }
        }
    }
}

#[test]
fn a_host_that_is_not_this_machine_must_prove_its_name_unless_told_otherwise() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let server = Cluster::start(kind, &[]);
        let database = server.database();
        fill(&database, "posts", 10);
        // An address that leads here, though not a loopback address.
        let url = database
            .tcp_url(&reader(&database))
            .replace("127.0.0.1", "0.0.0.0");
        let ca = server.ca_file();
        assert!(!is_let_in(&url));
        assert!(!is_let_in(&format!("{url}?sslrootcert={}", ca.display())));
        assert!(is_let_in(&format!(
            "{url}?sslmode=verify-ca&sslrootcert={}",
            ca.display()
        )));
        assert!(is_let_in(&format!("{url}?sslmode=disable")));
    }
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    for (kind, plain) in [(Kind::Postgres, "ssl=off"), (Kind::Mariadb, "--skip-ssl")] {
        let server = Cluster::start(kind, &[plain]);
        let database = server.database();
        fill(&database, "posts", 10);
        let url = database.tcp_url(&reader(&database));
        for mode in ["require", "verify-ca", "verify-full"] {
            assert!(
                !is_let_in(&format!("{url}?sslmode={mode}")),
                "{kind:?} {mode}"
            );
        }
        assert!(is_let_in(&url), "{kind:?}");
    }
}

#[test]
fn a_slow_query_ends_at_the_statement_timeout_on_the_server_too() {
    for database in both() {
        let scratch = scratch();
        scratch.file("slow.toml", asking(&database, slow(database.kind())));
        let args = [
            "sessions",
            "--config",
            "slow.toml",
            "--statement-timeout",
            "1s",
        ];
        let outcome = scratch.run(args).expect_failure(5);
        outcome
            .expect_stderr("error[DB-05]: source \"asked\" (")
            .expect_stderr("more than 1 s");
        wait_until("the server is idle", || others(&database).is_empty());
    }
}

#[test]
fn a_lock_of_somebody_else_is_waited_for_no_longer_than_the_statement_timeout() {
    for database in both() {
        fill(&database, "posts", 10);
        let mut holder = database.session();
        holder.run(match database.kind() {
            Kind::Postgres => "BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE",
            Kind::Mariadb => "LOCK TABLES posts WRITE",
        });
        let scratch = scratch();
        let call = sessions(&scratch, &database.url()).args(["--statement-timeout", "1s"]);
        refused(&scratch, call.run()).expect_stderr("more than 1 s");
        // The holder's own is left.
        wait_until("the server is idle", || others(&database).len() == 1);
        let waiting = sessions(&scratch, &database.url()).start();
        wait_until("the program waits", || others(&database).len() == 2);
        holder.run(match database.kind() {
            Kind::Postgres => "COMMIT",
            Kind::Mariadb => "UNLOCK TABLES",
        });
        waiting.finish().expect_ok();
        assert_eq!(scratch.text("report.csv"), expected(10));
    }
}

#[test]
fn an_interrupt_during_a_query_leaves_nothing_running_on_the_server() {
    for database in both() {
        let scratch = scratch();
        scratch.file("slow.toml", asking(&database, slow(database.kind())));
        let args = [
            "sessions",
            "--config",
            "slow.toml",
            "--statement-timeout",
            "5s",
        ];
        let running = scratch.sessionize(args).start();
        let sleeps = |other: &Vec<String>| other[1].to_lowercase().contains("sleep");
        wait_until("the query runs", || others(&database).iter().any(sleeps));
        running.signal("INT");
        let outcome = running.finish().expect_failure(130);
        outcome.expect_stderr("interrupted; nothing was written");
        wait_until("the server is idle", || others(&database).is_empty());
    }
}

/// Rows that take a server far more bytes than sockets hold.
const MANY: u32 = 200_000;

#[test]
fn a_connection_that_is_cut_anywhere_gives_no_part_of_the_data() {
    const ROWS: u32 = 5_000;
    for database in both() {
        fill(&database, "posts", ROWS);
        let whole = Proxy::start(&database.cluster().socket(), Fault::None);
        let scratch = scratch();
        sessions(&scratch, &database.url_through(&whole))
            .run()
            .expect_ok();
        assert_eq!(scratch.text("report.csv"), expected(ROWS));
        assert_eq!(whole.connections(), 1);
        // The last of the bytes may be an answer that nobody needs any more.
        let rows_end = whole.bytes() - 300;
        for cut in 0..20 {
            let proxy = Proxy::start(
                &database.cluster().socket(),
                Fault::CutAfter(rows_end * cut / 20 + 1),
            );
            let scratch = self::scratch();
            let url = format!("posts={}", database.url_through(&proxy));
            refused(&scratch, sessions(&scratch, &url).run()).expect_stderr("source \"posts\"");
            // Once the server has let us in, it is not asked again.
            if cut > 4 {
                assert_eq!(proxy.connections(), 1, "{cut}");
            }
        }
    }
}

#[test]
fn a_connection_that_the_server_ends_says_how_many_rows_were_thrown_away() {
    for database in both() {
        fill(&database, "posts", MANY);
        let proxy = Proxy::start(&database.cluster().socket(), Fault::HoldAfter(500_000));
        let scratch = scratch();
        let running = sessions(&scratch, &database.url_through(&proxy)).start();
        proxy.wait_until_held();
        match database.kind() {
            Kind::Postgres => database.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            ),
            Kind::Mariadb => {
                let found = format!(
                    "SELECT id FROM information_schema.processlist
                     WHERE db = '{}' AND id <> CONNECTION_ID()",
                    database.name()
                );
                database.run(&format!("KILL {}", database.ask(&found)[0][0]));
            }
        }
        wait_until("the server is idle", || others(&database).is_empty());
        proxy.go_on();
        refused(&scratch, running.finish())
            .expect_stderr("error[DB-06]: source \"posts\" (")
            .expect_stderr("connection lost: ")
            .expect_stderr(" rows, thrown away");
    }
}

#[test]
fn a_server_that_dies_leaves_the_old_report() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let server = Cluster::start(kind, &[]);
        let database = server.database();
        fill(&database, "posts", MANY);
        let proxy = Proxy::start(&server.socket(), Fault::HoldAfter(500_000));
        let scratch = scratch();
        let running = sessions(&scratch, &database.url_through(&proxy)).start();
        proxy.wait_until_held();
        server.kill();
        proxy.go_on();
        refused(&scratch, running.finish())
            .expect_stderr("error[DB-06]: source \"posts\" (")
            .expect_stderr(" rows, thrown away");
        refused(&scratch, sessions(&scratch, &database.url()).run());
    }
}

#[test]
fn only_connecting_is_tried_again_and_at_most_three_times() {
    for database in both() {
        fill(&database, "posts", 10);
        for (refusals, connections, is_read) in [(2, 3, true), (9, 3, false)] {
            let proxy = Proxy::start(&database.cluster().socket(), Fault::Refuse(refusals));
            let scratch = scratch();
            let ran = sessions(&scratch, &database.url_through(&proxy)).run();
            match is_read {
                true => {
                    ran.expect_ok();
                    assert_eq!(scratch.text("report.csv"), expected(10));
                }
                false => drop(refused(&scratch, ran)),
            }
            assert_eq!(proxy.connections(), connections);
        }
    }
}

/// A configuration with two sources, to be read in this order.
fn posts_and_comments(url: &str) -> String {
    let source = |table| format!("[[source]]\npath = {url:?}\ntable = \"{table}\"\n");
    source("posts") + &source("comments")
}

#[test]
fn rows_that_are_added_or_removed_meanwhile_are_not_of_the_snapshot() {
    for database in both() {
        fill(&database, "posts", MANY);
        fill(&database, "comments", 10);
        let scratch = scratch();
        scratch.file("sessionize.toml", posts_and_comments(&database.url()));
        let args = ["sessions", "--format", "csv", "--now", NOW];
        let before = scratch.run(args).expect_ok().stdout();
        let proxy = Proxy::start(&database.cluster().socket(), Fault::HoldAfter(500_000));
        scratch.file(
            "sessionize.toml",
            posts_and_comments(&database.url_through(&proxy)),
        );
        let running = scratch.sessionize(args).start();
        proxy.wait_until_held();
        database.run(
            "INSERT INTO posts SELECT id + 1000000, user_id, created_at FROM posts WHERE id < 100;
             DELETE FROM comments WHERE id < 5;
             INSERT INTO comments SELECT id + 1000000, user_id, created_at FROM posts WHERE id < 50",
        );
        proxy.go_on();
        assert_eq!(running.finish().expect_ok().stdout(), before);
        assert_eq!(proxy.connections(), 1);
        scratch.file("sessionize.toml", posts_and_comments(&database.url()));
        assert_ne!(scratch.run(args).expect_ok().stdout(), before);
    }
}

/// Runs what follows and writes its peak memory, in KiB, to the file that is named first.
const PEAK: &str = "import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], 'w').write(str(peak))
sys.exit(code)";

#[test]
fn rows_are_streamed() {
    for database in both() {
        fill(&database, "posts", 1_000_000);
        let scratch = scratch();
        let peak_of = |url: &str, words: &[&str]| -> u64 {
            let call = scratch.sessionize(["--format", "csv", "--now", NOW, url]);
            let call = call.args(words.iter().copied());
            let ran = call.under(["python3", "-c", PEAK, "peak"]).run();
            ran.expect_ok();
            scratch.text("peak").parse().unwrap()
        };
        let all = peak_of(&database.url(), &[]);
        database.run("DELETE FROM posts WHERE id > 1000");
        let few = peak_of(&database.url(), &[]);
        // Twelve bytes an event is what is kept; a row on its way takes ten times as much.
        assert!(all - few < 60_000, "{few} KiB, then {all} KiB");
    }
}

#[test]
fn one_connection_is_enough_and_a_full_server_is_said() {
    let options = [
        (
            Kind::Postgres,
            ["max_connections=5", "superuser_reserved_connections=3"],
        ),
        (
            Kind::Mariadb,
            ["--max-connections=10", "--extra-max-connections=1"],
        ),
    ];
    for (kind, options) in options {
        let server = Cluster::start(kind, &options);
        let database = server.database();
        fill(&database, "posts", 10);
        fill(&database, "comments", 10);
        let user = database.user("ro", "");
        database.run(&format!(
            "GRANT SELECT ON posts TO {user}; GRANT SELECT ON comments TO {user}"
        ));
        let free = match kind {
            Kind::Postgres => 2,
            Kind::Mariadb => 10,
        };
        let mut held: Vec<_> = (1..free).map(|_| database.session_as(&user)).collect();
        let scratch = scratch();
        sessions(&scratch, &database.url_as(&user))
            .run()
            .expect_ok();
        scratch.file("report.csv", OLD);
        std::fs::remove_file(scratch.path("report.csv.run.json")).unwrap();
        wait_until("the program's connection has ended", || {
            others(&database).len() == free - 1
        });
        held.push(database.session_as(&user));
        let url = format!("posts={}", database.url_as(&user));
        let call = sessions(&scratch, &url).args(["--connect-timeout", "2s"]);
        refused(&scratch, call.run()).expect_stderr("too many connections");
    }
}

/// Each fault: what stands for the broken source, and what is said of it.
fn broken_sources(database: &Database<'_>) -> Vec<(&'static str, String)> {
    let url = database.url();
    let user = database.user("ro", "right");
    vec![
        ("wrong password", database.tcp_url(&format!("{user}:wrong"))),
        (
            "missing database",
            url.replace(&format!("/{}?", database.name()), "/no_such_database?"),
        ),
        ("nobody there", database.url_by_port(&user, closed_port())),
        ("no table that is known", database.url()),
    ]
}

#[test]
fn case_127_a_database_that_fails_ends_the_run_or_is_named_as_missing() {
    for database in both() {
        let good = match database.kind() {
            Kind::Postgres => postgres(),
            Kind::Mariadb => mariadb(),
        };
        fill(&good, "posts", 10);
        for (fault, broken) in broken_sources(&database) {
            let scratch = scratch();
            scratch.file("likes.csv", file_of(10));
            let call = || {
                let broken = format!("broken={broken}");
                sessions(&scratch, &broken).args(["likes.csv".to_owned(), good.url()])
            };
            let outcome = call().run().expect_failure(5);
            outcome
                .expect_stderr("source \"broken\"")
                .expect_stderr("kept: report.csv of ");
            assert_eq!(scratch.text("report.csv"), OLD, "{fault}");

            let partly = call().arg("--keep-going").run();
            assert_eq!(partly.code(), Some(3), "{fault}: {partly:?}");
            let record = scratch.text("report.csv.run.json");
            let record: serde_json::Value = serde_json::from_str(&record).unwrap();
            assert_eq!(record["complete"], false, "{fault} {record}");
            assert_eq!(record["missing"][0]["name"], "broken", "{fault} {record}");
            let published = scratch.text("report.csv");
            assert_eq!(published.matches("likes:1;posts:1").count(), 10, "{fault}");
        }
    }
}

#[test]
fn a_table_that_is_dropped_before_its_turn_is_named_where_the_server_does_not_keep_it() {
    for database in both() {
        fill(&database, "posts", MANY);
        fill(&database, "comments", 10);
        let proxy = Proxy::start(&database.cluster().socket(), Fault::HoldAfter(500_000));
        let scratch = scratch();
        scratch.file(
            "sessionize.toml",
            posts_and_comments(&database.url_through(&proxy)),
        );
        let call = scratch.sessionize(["sessions", "--format", "csv", "-o", "report.csv"]);
        let running = call.args(["--now", NOW]).start();
        proxy.wait_until_held();
        let drop = |statements| database.session().try_run(statements);
        match database.kind() {
            Kind::Postgres => {
                let dropped = drop("SET lock_timeout = '300ms'; DROP TABLE comments");
                assert!(dropped.is_err(), "PostgreSQL keeps what was prepared");
                proxy.go_on();
                running.finish().expect_ok();
            }
            Kind::Mariadb => {
                drop("DROP TABLE comments").unwrap();
                proxy.go_on();
                let outcome = running.finish().expect_failure(5);
                outcome
                    .expect_stderr("error[DB-04]: source \"comments\" (")
                    .expect_stderr("(SQLSTATE 42S02)");
                assert_eq!(scratch.text("report.csv"), OLD);
            }
        }
    }
}
