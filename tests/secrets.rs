//! Addresses of servers, and the passwords that come with them: where they are looked for, and that
//! none is ever printed. Cases 133, 134, 135.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Call, Scratch};

/// A call in an environment where nobody is known.
fn alone<const N: usize>(scratch: &Scratch, args: [&str; N]) -> Call {
    let mut call = scratch
        .sessionize(args)
        .env("HOME", scratch.path("home"))
        .env("USER", "me");
    for name in [
        "PGUSER",
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGPASSWORD",
        "PGPASSFILE",
        "MYSQL_PWD",
    ] {
        call = call.env(name, "");
    }
    call
}

/// Writes a file with these rights.
fn file(scratch: &Scratch, name: &str, content: &str, mode: u32) -> String {
    let path = scratch.file(name, content);
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("rights can be set");
    path.to_string_lossy().into_owned()
}

/// Addresses as they are typed, and what is printed of them.
const PRINTED: [(&str, &str); 15] = [
    (
        "postgres://ro:secret@db.example:5433/app",
        "source \"app\" (postgres, postgres://ro@db.example:5433/app): ",
    ),
    (
        "POSTGRESQL://ro@db.example/app",
        "source \"app\" (postgres, postgres://ro@db.example:5432/app): ",
    ),
    (
        "mariadb://db.example/app",
        "source \"app\" (mysql, mysql://me@db.example:3306/app): ",
    ),
    (
        "crm=mysql://ro@db.example:33/app",
        "source \"crm\" (mysql, mysql://ro@db.example:33/app): ",
    ),
    (
        "postgres://",
        "source \"me\" (postgres, postgres://me@/me?host=/var/run/postgresql): ",
    ),
    (
        "postgres://[2001:db8::1]:99/app",
        "source \"app\" (postgres, postgres://me@[2001:db8::1]:99/app): ",
    ),
    (
        "postgres://ro%40team:secret@h/my%20app",
        "source \"my app\" (postgres, postgres://ro%40team@h:5432/my%20app): ",
    ),
    (
        "postgres://a@b:c@d@h/app",
        "source \"app\" (postgres, postgres://a%40b@h:5432/app): ",
    ),
    (
        "postgres:///app?host=/tmp/pg&port=5433",
        "source \"app\" (postgres, postgres://me@/app?host=/tmp/pg&port=5433): ",
    ),
    (
        "postgres://%2Ftmp%2Fpg/app",
        "source \"app\" (postgres, postgres://me@/app?host=/tmp/pg): ",
    ),
    (
        "postgres://x@y/z?user=ro&host=h&port=7&dbname=app&password=secret",
        "source \"app\" (postgres, postgres://ro@h:7/app): ",
    ),
    (
        "mysql:///app",
        "source \"app\" (mysql, mysql://me@/app?socket=/run/mysqld/mysqld.sock): ",
    ),
    (
        "mysql://ro@localhost/app?socket=/tmp/my.sock",
        "source \"app\" (mysql, mysql://ro@/app?socket=/tmp/my.sock): ",
    ),
    (
        "mysql://h/app?unix_socket=%2Ftmp%2Fmy.sock",
        "source \"app\" (mysql, mysql://me@/app?socket=/tmp/my.sock): ",
    ),
    (
        "mysql://localhost/app",
        "source \"app\" (mysql, mysql://me@localhost:3306/app): ",
    ),
];

#[test]
fn an_address_is_filled_in_and_printed_without_its_password() {
    let scratch = Scratch::new();
    for (typed, expected) in PRINTED {
        alone(&scratch, [typed])
            .run()
            .expect_failure(5)
            .expect_stderr(&format!("error[DB-01]: {expected}"));
    }
}

#[test]
fn what_an_address_leaves_out_comes_from_the_environment() {
    let scratch = Scratch::new();
    let call = || {
        alone(&scratch, ["postgres://"])
            .env("PGUSER", "ro")
            .env("PGHOST", "db.example")
            .env("PGPORT", "5433")
            .env("PGDATABASE", "app")
    };
    call()
        .run()
        .expect_failure(5)
        .expect_stderr("(postgres, postgres://ro@db.example:5433/app)");
    call()
        .env("PGHOST", "/tmp/pg")
        .run()
        .expect_failure(5)
        .expect_stderr("(postgres, postgres://ro@/app?host=/tmp/pg&port=5433)");
    for (name, value, words) in [
        (
            "PGPORT",
            "http",
            "error[CF-01]: PGPORT has a port that is not a number",
        ),
        (
            "PGHOST",
            "one,two",
            "error[CF-01]: PGHOST names several hosts",
        ),
    ] {
        call()
            .env(name, value)
            .run()
            .expect_failure(2)
            .expect_stderr(words);
    }
    alone(&scratch, ["postgres://h"])
        .env("USER", "")
        .env("LOGNAME", "")
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-01]: the address names no user");
}

/// Addresses that are refused, each with what is said; every one holds the word that is not said.
const REFUSED: [(&str, &str); 26] = [
    (
        "postgres:ro:CANARY@h/app",
        "the address has no // after its scheme",
    ),
    (
        "postgres:/ro:CANARY@h/app",
        "the address has no // after its scheme",
    ),
    (
        "postgres//ro:CANARY@h/app",
        "there is no such file, and it is no address",
    ),
    (
        "ro:CANARY@h/app",
        "there is no such file, and it is no address",
    ),
    ("ftp://ro:CANARY@h/app", "ftp addresses are not read"),
    ("ro:CANARY@h://app", "this kind of address is not read"),
    (
        "my app=postgres://ro:CANARY@h/app",
        "this kind of address is not read",
    ),
    (
        "postgres://ro:CANARY",
        "the address has a port that is not a number",
    ),
    (
        "postgres://ro:CANARY@h:0/app",
        "the address has a port that is not a number",
    ),
    (
        "postgres://ro:CANARY@h:65536/app",
        "the address has a port that is not a number",
    ),
    (
        "postgres://ro:CANARY@h:+1/app",
        "the address has a port that is not a number",
    ),
    (
        "postgres://ro:CANARY@[::1/app",
        "the address has a [ without its ]",
    ),
    (
        "postgres://ro:CANARY@[h]/app",
        "the address has no IPv6 address in its [ ]",
    ),
    (
        "postgres://ro:CANARY@::1/app",
        "the address has a sign in its host",
    ),
    (
        "postgres://ro:CANARY@one,two/app",
        "the address names several hosts",
    ),
    (
        "postgres://ro:1/CANARY@h/app",
        "the address has an @ after its host",
    ),
    (
        "postgres://ro:1?CANARY@h/app",
        "the address has an @ after its host",
    ),
    ("postgres://ro:1#CANARY@h/app", "the address has a # in it"),
    ("postgres://ro:1 CANARY@h/app", "the address has a blank"),
    (
        "postgres://ro:1%CANARY@h/app",
        "the address has a % that begins no",
    ),
    (
        "postgres://ro:CANARY%ff@h/app",
        "the address has a % that begins no",
    ),
    (
        "postgres://ro:CANARY@h/app/more",
        "the address has a / in the name of its database",
    ),
    (
        "postgres://h/app?password=1&CANARY",
        "the address has a parameter without a value",
    ),
    (
        "postgres://h/app?password=1&CANARY=2",
        "the address has an unknown parameter\n",
    ),
    (
        "postgres://h/app?sslmode=CANARY",
        "the address asks for an unknown sslmode",
    ),
    (
        "postgres://h/app?pasword=CANARY",
        "the address has an unknown parameter \"pasword\"\n",
    ),
];

#[test]
fn case_133_a_malformed_address_is_refused_and_not_repeated() {
    let scratch = Scratch::new();
    for (typed, expected) in REFUSED {
        for args in [vec![typed], vec![typed, "--error-format=json"]] {
            let is_text = args.len() == 1;
            let call = alone(&scratch, []).args(args);
            let outcome = call.run().expect_failure(2);
            let said = outcome.stderr();
            assert!(!said.contains("CANARY"), "{outcome:?}");
            if is_text {
                let expected = format!("error[CF-01]: {expected}");
                assert!(said.starts_with(&expected), "{expected}: {outcome:?}");
            }
        }
    }
}

#[test]
fn case_135_a_file_with_a_password_that_others_can_read_is_refused() {
    let scratch = Scratch::new();
    let path = file(&scratch, "password", "CANARY\n", 0o640);
    alone(&scratch, ["postgres://h/app", "--password-file", &path])
        .run()
        .expect_failure(2)
        .expect_stderr(&format!(
            "error[CF-08]: {path} is readable by group/others; chmod 600\n"
        ));
    alone(
        &scratch,
        ["postgres://h/app", "--password-env", "NOBODY_SET_THIS"],
    )
    .run()
    .expect_failure(2)
    .expect_stderr("error[CF-09]: the variable that password-env names is not set");
}

/// Arguments with an address or a password where none belongs.
const MISPLACED: [&[&str]; 25] = [
    &["--by=postgres://u:CANARY@h/app"],
    &["--by", "postgres://u:CANARY@h/app"],
    &["--by", "mysql://u:CAN' CANARY@h/app"],
    &["--by", "mysql://h/app?password=1 'CANARY"],
    &["--tymeout=postgres://u:CANARY@h/app"],
    &["postgres://u:CANARY@h/app", "--nope"],
    &["-o", "postgres://u:CANARY@h/app"],
    &["--rejects", "postgres://u:CANARY@h/app"],
    &["--config", "postgres://u:CANARY@h/app"],
    &["--users", "postgres://u:CANARY@h/app"],
    &["--timeout", "MariaDB://u:CANARY@h/app"],
    &["--memory", "postgres://u:CANARY@h/app"],
    &["--threads", "postgres://u:CANARY@h/app"],
    &["--total=postgres://u:CANARY@h/app"],
    &["--role", "postgres://u:CANARY@h/app"],
    &["--time-format", "postgres://u:CANARY@h/app"],
    &["--user-column", "postgres://u:CANARY@h/app"],
    &["--ca-file", "postgres://u:CANARY@h/app", "postgres://h/app"],
    &["explain", "postgres://u:CANARY@h/app", "posts.csv"],
    &["--password=CANARY"],
    &["--password", "CANARY"],
    &["--pasword-file=CANARY"],
    &["-pCANARY"],
    &["-p", "CANARY"],
    &["--password-env=CANARY", "postgres://h/app"],
];

#[test]
fn case_133_a_password_in_a_place_where_none_belongs_is_not_repeated() {
    let scratch = Scratch::new();
    scratch.file(
        "posts.csv",
        "user_id,created_at\nada,2026-03-02T09:00:00Z\n",
    );
    for args in MISPLACED {
        for format in ["text", "json"] {
            let call = alone(&scratch, []).args(args.iter().copied());
            let call = match args[0] {
                "explain" => call,
                _ => call.arg("posts.csv"),
            };
            let call = call.args(["--error-format", format]).loud();
            let outcome = call.run();
            assert_ne!(outcome.code(), Some(0), "{outcome:?}");
            assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
            assert!(outcome.stdout.is_empty(), "{outcome:?}");
        }
    }
}
