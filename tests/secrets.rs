//! Addresses of servers, and the passwords that come with them: where they are looked for, and that
//! none is ever printed. Cases 133, 134, 135.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sessionize::cli::Cli;
use sessionize::error::text::write_text;
use sessionize::settings::Settings;

use crate::fake_servers::{FakeServer, Heard, scrambled};
use crate::harness::{Call, Scratch, tool};

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
        alone(&scratch, [typed, "--connect-timeout", "1us"])
            .run()
            .expect_failure(5)
            .expect_stderr(&format!("error[DB-03]: {expected}"));
    }
}

#[test]
fn what_an_address_leaves_out_comes_from_the_environment() {
    let scratch = Scratch::new();
    let call = || {
        alone(&scratch, ["postgres://", "--connect-timeout", "1us"])
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

/// Arguments with an address or a password where none belongs.
const MISPLACED: [&[&str]; 29] = [
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
    &["--passwordCANARY"],
    &["--ro:CANARY@h/app"],
    &["--postgres://ro:CANARY@h/app"],
    &["--by", "ro:CANARY@h/app"],
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

/// The address of a fake PostgreSQL on a socket in `folder`.
fn postgres_at(folder: &Path) -> String {
    format!("postgres://ro@/app?host={}", folder.display())
}

/// The password that a call sends, asked by a server that refuses it.
fn sent(server: &FakeServer, call: Call) -> Heard {
    call.run().expect_failure(5).expect_stderr("error[DB-03]: ");
    server.heard()
}

fn plain(password: &str) -> Heard {
    Heard::Plain(password.to_owned())
}

#[test]
fn a_password_comes_from_the_first_place_that_has_one() {
    let scratch = Scratch::new();
    let folder = scratch.folder("pg");
    let server = FakeServer::postgres_in(&folder);
    let address = postgres_at(&folder);
    let call = || alone(&scratch, []).arg(&address);
    assert_eq!(sent(&server, call()), plain(""));
    file(&scratch, "home/.pgpass", "*:*:*:*:of the home\n", 0o600);
    assert_eq!(sent(&server, call()), plain("of the home"));
    let named = file(&scratch, "named", "*:*:app:ro:of PGPASSFILE", 0o600);
    let call = || alone(&scratch, []).arg(&address).env("PGPASSFILE", &named);
    assert_eq!(sent(&server, call()), plain("of PGPASSFILE"));
    let nothing = call().env("PGPASSFILE", "/dev/null");
    assert_eq!(sent(&server, nothing), plain(""));
    let call = || call().env("PGPASSWORD", "of PGPASSWORD");
    assert_eq!(sent(&server, call()), plain("of PGPASSWORD"));
    file(&scratch, "password", " of a file\r\nnot this\n", 0o400);
    let call = || call().args(["--password-file", "password"]);
    assert_eq!(sent(&server, call()), plain(" of a file"));
    let call = || {
        call()
            .env("OURS", "of OURS")
            .args(["--password-env", "OURS"])
    };
    assert_eq!(sent(&server, call()), plain("of OURS"));
    let typed = address.replace("ro@", "ro:of%20the%20address@");
    let call = alone(&scratch, []).arg(typed);
    let call = call.env("OURS", "of OURS").args(["--password-env", "OURS"]);
    assert_eq!(sent(&server, call), plain("of the address"));
}

#[test]
fn a_password_of_mysql_comes_from_the_first_place_that_has_one() {
    let scratch = Scratch::new();
    let socket = scratch.path("my.sock");
    let server = FakeServer::mysql_on(&socket);
    let address = format!("mysql://ro@/app?socket={}", socket.display());
    let call = || alone(&scratch, []).arg(&address);
    assert_eq!(sent(&server, call()), Heard::Scrambled(Vec::new()));
    let content = "[client]\npassword = of the home\n";
    file(&scratch, "home/.my.cnf", content, 0o600);
    assert_eq!(sent(&server, call()), scrambled("of the home"));
    file(&scratch, "my.cnf", "[mysql]\npassword='named'\n", 0o600);
    let call = || call().args(["--my-cnf", "my.cnf"]);
    assert_eq!(sent(&server, call()), scrambled("named"));
    let call = || call().env("MYSQL_PWD", "of MYSQL_PWD");
    assert_eq!(sent(&server, call()), scrambled("of MYSQL_PWD"));
    file(&scratch, "password", "of a file", 0o600);
    let call = || call().args(["--password-file", "password"]);
    assert_eq!(sent(&server, call()), scrambled("of a file"));
    let call = || {
        call()
            .env("OURS", "of OURS")
            .args(["--password-env", "OURS"])
    };
    assert_eq!(sent(&server, call()), scrambled("of OURS"));
}

#[test]
fn a_configuration_names_where_the_password_is_and_flags_go_over_it() {
    let scratch = Scratch::new();
    let folder = scratch.folder("pg");
    let server = FakeServer::postgres_in(&folder);
    let address = postgres_at(&folder);
    file(&scratch, "conf/password", "of the key\n", 0o600);
    file(&scratch, "password", "of the flag\n", 0o600);
    let source = |keys: &str| {
        let config = format!("[[source]]\npath = \"{address}\"\n{keys}\n");
        scratch.file("conf/sessionize.toml", config);
        alone(&scratch, ["--config", "conf/sessionize.toml"]).env("OURS", "of OURS")
    };
    let by_file = || source("password_file = \"password\"");
    assert_eq!(sent(&server, by_file()), plain("of the key"));
    let by_flag = by_file().args(["--password-file", "password"]);
    assert_eq!(sent(&server, by_flag), plain("of the flag"));
    let by_variable = || source("password_file = \"password\"\npassword_env = \"OURS\"");
    assert_eq!(sent(&server, by_variable()), plain("of OURS"));
    let by_flag = by_variable().args(["--password-file", "password"]);
    assert_eq!(sent(&server, by_flag), plain("of the flag"));
    let by_environment = by_file().env("SESSIONIZE_PASSWORD_ENV", "OURS");
    assert_eq!(sent(&server, by_environment), plain("of OURS"));
    let config = format!("[[source]]\npath = \"{address}&password=of%20the%20address\"\n");
    file(&scratch, "conf/sessionize.toml", &config, 0o600);
    let by_address = alone(&scratch, ["--config", "conf/sessionize.toml"]);
    assert_eq!(sent(&server, by_address), plain("of the address"));
}

/// Files of passwords and the password in them for `ro` at port PORT of 127.0.0.1, database `app`.
const PGPASS: [(&str, &str); 12] = [
    ("127.0.0.1:PORT:app:ro:right\n", "right"),
    ("*:*:*:*:right", "right"),
    (
        "localhost:PORT:app:ro:wrong\n127.0.0.1:1:app:ro:wrong\n*:*:*:*:right\n",
        "right",
    ),
    ("# a remark\n\n*:*:app:ro:right\n*:*:*:*:wrong\n", "right"),
    (
        "*:*:app:me:wrong\n*:*:App:ro:wrong\n*:*:app:ro:right\n",
        "right",
    ),
    (r"*:*:app:ro:r\:i\\g\ht", r"r:i\ght"),
    (r"*:*:a\pp:r\o:right", "right"),
    ("*:*:\\*:*:wrong\n*:*:*:*:right\n", "right"),
    ("*:*:app:*:right:more\n", "right"),
    ("*:*:app:*: right \r\n", " right "),
    ("*:*:app:**:wrong\n*:*:*:ro:r#ght\n", "r#ght"),
    ("*:*:*:*:größe\n", "größe"),
];

#[test]
fn a_pgpass_file_is_read_as_psql_reads_it() {
    let scratch = Scratch::new();
    let (server, port) = FakeServer::postgres_on_tcp();
    let address = format!("postgres://ro@127.0.0.1:{port}/app");
    for (content, expected) in PGPASS {
        let content = content.replace("PORT", &port.to_string());
        let path = file(&scratch, "pgpass", &content, 0o600);
        let call = alone(&scratch, []).arg(&address).env("PGPASSFILE", &path);
        assert_eq!(sent(&server, call), plain(expected), "{content}");
        let psql = Command::new("psql")
            .args(["--no-password", "--no-psqlrc", "-c", "", &address])
            .env("PGPASSFILE", &path)
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable")
            .env_remove("PGPASSWORD")
            .output();
        let psql = psql.expect("psql is there; Debian package postgresql-client");
        assert!(!psql.status.success(), "the fake server lets nobody in");
        assert_eq!(server.heard(), plain(expected), "psql: {content}");
    }
}

/// Option files and the user and password that they name.
const OPTION_FILES: [(&str, &str, &str); 11] = [
    ("[client]\nuser=ro\npassword=right\n", "ro", "right"),
    (
        "[client]\n user = ro \n password = \"right\" \n",
        "ro",
        "right",
    ),
    ("[client]\npassword='ri#ght' # a remark\n", "me", "ri#ght"),
    ("[client]\npassword=ri#ght\n", "me", "ri"),
    (
        "[client]\npassword=\"ri\\\"g\\\\h\\st\\q\"\n",
        "me",
        "ri\"g\\h t\\q",
    ),
    (
        "# a remark\n; another\n\n[mysqld]\npassword=wrong\n[client]\nskip-ssl\npassword=right\n",
        "me",
        "right",
    ),
    (
        "[client]\npassword=wrong\n[mysql]\npassword=right\n",
        "me",
        "right",
    ),
    (
        "[mysql]\npassword=wrong\n[client]\npassword=right\n",
        "me",
        "right",
    ),
    ("[client-mariadb]\npassword=right\n", "me", "right"),
    (
        "[mariadb-client]\nuser=a b\npassword=right\n",
        "a b",
        "right",
    ),
    ("[client]\npassword=r=i;ght\r\n", "me", "r=i;ght"),
];

#[test]
fn an_option_file_is_read_as_mariadb_reads_it() {
    let scratch = Scratch::new();
    let socket = scratch.path("my.sock");
    let server = FakeServer::mysql_on(&socket);
    let address = format!("mysql:///app?socket={}", socket.display());
    for (content, user, password) in OPTION_FILES {
        let path = file(&scratch, "my.cnf", content, 0o600);
        let call = alone(&scratch, []).arg(&address).args(["--my-cnf", &path]);
        let outcome = call.run().expect_failure(5);
        let user_shown = user.replace(' ', "%20");
        let outcome = outcome.expect_stderr(&format!("mysql://{user_shown}@/app"));
        assert_eq!(server.heard(), scrambled(password), "{content}{outcome:?}");
        let file = format!("--defaults-file={path}");
        let groups = "mysql mariadb-client client client-server client-mariadb";
        let args = [file.as_str()].into_iter().chain(groups.split(' '));
        let printed = tool("my_print_defaults", "mariadb-client-core", args);
        let last = |key: &str| {
            let mut lines = printed.lines().filter_map(|line| line.strip_prefix(key));
            lines.next_back().map(str::to_owned)
        };
        assert_eq!(last("--password=").as_deref(), Some(password), "{content}");
        assert_eq!(
            last("--user=").as_deref().unwrap_or("me"),
            user,
            "{content}"
        );
    }
}

/// Calls that would use a file with a password; FILE is its path.
const HOLDERS: [(&str, &str, &[&str]); 6] = [
    (
        "password",
        "CANARY\n",
        &["postgres://h/app", "--password-file", "FILE"],
    ),
    ("home/.pgpass", "*:*:*:*:CANARY\n", &["postgres://h/app"]),
    (
        "home/.pgpass",
        "other:*:*:*:CANARY\n",
        &["postgres://h/app"],
    ),
    (
        "home/.my.cnf",
        "[client]\npassword=CANARY\n",
        &["mysql://h/app"],
    ),
    (
        "my.cnf",
        "[client]\npassword=CANARY\n",
        &["mysql://h/app", "--my-cnf", "FILE"],
    ),
    (
        "conf.toml",
        "[[source]]\npath = \"postgres://ro:CANARY@h/app\"\n",
        &["--config", "FILE"],
    ),
];

#[test]
fn case_135_a_file_with_a_password_that_others_can_read_is_refused() {
    for (name, content, args) in HOLDERS {
        for mode in [0o600, 0o400, 0o640, 0o604, 0o644] {
            let scratch = Scratch::new();
            let path = file(&scratch, name, content, mode);
            let args = args.iter().map(|arg| arg.replace("FILE", &path));
            let call = alone(&scratch, ["--connect-timeout", "1us"]).args(args);
            let outcome = call.run();
            assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
            match mode & 0o044 {
                0 => outcome.expect_failure(5).expect_stderr("error[DB-03]: "),
                _ => outcome.expect_failure(2).expect_stderr(&format!(
                    "error[CF-08]: {path} is readable by group/others; chmod 600\n"
                )),
            };
        }
    }
}

#[test]
fn case_135_a_file_that_holds_no_password_may_be_read_by_everybody() {
    for (name, content, args) in [
        (
            "home/.my.cnf",
            "[client]\nuser=ro\n",
            &["mysql://h/app"][..],
        ),
        ("home/.my.cnf", "[client]\nno-beep\n", &["mysql://h/app"]),
        ("home/.pgpass", "broken", &["mysql://h/app"]),
        ("home/.my.cnf", "broken", &["postgres://h/app"]),
        (
            "conf.toml",
            "[[source]]\npath = \"postgres://ro@h/app\"\n",
            &["--config", "FILE"],
        ),
    ] {
        let scratch = Scratch::new();
        let path = file(&scratch, name, content, 0o644);
        let args = args.iter().map(|arg| arg.replace("FILE", &path));
        let call = alone(&scratch, ["--connect-timeout", "1us"]).args(args);
        call.run().expect_failure(5).expect_stderr("error[DB-03]: ");
    }
}

/// Files that should hold a password and do not, and what is said of them after their path.
const USELESS: [(&str, &[u8], &str); 11] = [
    ("password", b"", " has no password in its first line\n"),
    (
        "password",
        b"\nCANARY\n",
        " has no password in its first line\n",
    ),
    ("password", b"CANARY\xff\n", ": it is not UTF-8\n"),
    (
        "pgpass",
        b"*:*:*:*:x\nh:5432:app:CANARY\n",
        ":2: the line is malformed; expected host:port:database:user:password\n",
    ),
    (
        "pgpass",
        b"CANARY",
        ":1: the line is malformed; expected host:port:",
    ),
    (
        "pgpass",
        b"*:*:*:ro\\:CANARY\n",
        ":1: the line is malformed; expected host:port:",
    ),
    ("pgpass", b"*:*:*:*:CANARY\xff\n", ": it is not UTF-8\n"),
    (
        "my.cnf",
        b"password=CANARY\n",
        ":1: the line is malformed; expected a group first\n",
    ),
    (
        "my.cnf",
        b"[client]\n[CANARY\n",
        ":2: the line is malformed; expected a group such as [client]\n",
    ),
    (
        "my.cnf",
        b"[mysqld]\npassword=CANARY\n",
        " has neither a user nor a password\n",
    ),
    (
        "my.cnf",
        b"[client]\npassword\n",
        " has neither a user nor a password\n",
    ),
];

#[test]
fn case_133_a_file_of_passwords_that_cannot_be_used_is_named_and_not_repeated() {
    let scratch = Scratch::new();
    for (name, content, words) in USELESS {
        let path = scratch.file(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        let path = path.to_string_lossy().into_owned();
        let call = alone(&scratch, ["--connect-timeout", "1us"]);
        let call = match name {
            "password" => call.args(["postgres://h/app", "--password-file", &path]),
            "pgpass" => call.arg("postgres://h/app").env("PGPASSFILE", &path),
            _ => call.args(["mysql://h/app", "--my-cnf", &path]),
        };
        let outcome = call.run().expect_failure(2);
        assert!(!outcome.stderr().contains("CANARY"), "{outcome:?}");
        outcome.expect_stderr(&format!(
            "error[CF-09]: {}{path}{words}",
            match words {
                ": it is not UTF-8\n" => "cannot read ",
                _ => "",
            }
        ));
    }
    for args in [
        ["postgres://h/app", "--password-file", "none"],
        ["mysql://h/app", "--my-cnf", "none"],
    ] {
        let call = alone(&scratch, args).run().expect_failure(2);
        call.expect_stderr("error[CF-09]: cannot read none: No such file");
    }
    alone(&scratch, ["postgres://h/app"])
        .env("PGPASSFILE", "none")
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-09]: cannot read none: No such file");
    alone(&scratch, ["postgres://h/app", "--password-env", "CANARY"])
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-09]: the variable that password-env names is not set");
}

#[test]
fn a_connection_that_leaves_the_machine_is_verified_unless_something_else_is_said() {
    let scratch = Scratch::new();
    let (server, port) = FakeServer::postgres_on_tcp();
    scratch.file("ca.pem", "");
    // 0.0.0.0 leads to this machine too, but it is no loopback address.
    let (near, far) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    let heard = |host: &str, parameter: &str, args: &[&str]| {
        let address = format!("postgres://ro@{host}/app{parameter}");
        let call = alone(&scratch, []).arg(address).args(args.iter().copied());
        sent(&server, call.env("PGPASSWORD", "secret"))
    };
    let in_plain = plain("secret");
    assert_eq!(heard(&near, "", &[]), in_plain);
    assert_eq!(heard(&format!("LocalHost:{port}"), "", &[]), in_plain);
    assert_eq!(heard(&far, "", &[]), Heard::Tls);
    assert_eq!(heard(&far, "", &["--tls", "off"]), in_plain);
    assert_eq!(heard(&far, "?sslmode=disable", &[]), in_plain);
    for tls in ["require", "verify-ca", "verify-full"] {
        assert_eq!(heard(&near, "", &["--tls", tls]), Heard::Tls);
        assert_eq!(heard(&near, &format!("?sslmode={tls}"), &[]), Heard::Tls);
        assert_eq!(
            heard(&near, &format!("?ssl-mode={tls}"), &["--tls", tls]),
            Heard::Tls
        );
    }
}

#[test]
fn what_does_not_go_together_about_tls_is_refused() {
    let scratch = Scratch::new();
    scratch.file("ca.pem", "");
    for (address, args, words) in [
        (
            "postgres://h/app?sslmode=prefer",
            &[][..],
            "the address leaves it to the server",
        ),
        (
            "postgres://h/app?sslmode=allow",
            &[],
            "the address leaves it to the server",
        ),
        (
            "mysql://h/app?ssl-mode=PREFERRED",
            &[],
            "the address leaves it to the server",
        ),
        (
            "postgres://h/app?sslmode=disable",
            &["--tls", "verify-full"],
            "the address and tls say",
        ),
        (
            "mysql://h/app?ssl-mode=VERIFY_CA",
            &["--tls", "verify-full"],
            "the address and tls say",
        ),
        (
            "postgres://h/app",
            &["--tls", "require", "--ca-file", "ca.pem"],
            "a file of authorities is",
        ),
        (
            "mysql://h/app?ssl-ca=ca.pem&ssl-mode=DISABLED",
            &[],
            "a file of authorities is",
        ),
        (
            "postgres://h/app",
            &["--ca-file", "none.pem"],
            "cannot read none.pem: No such file",
        ),
        (
            "postgres://h/app",
            &["--ca-file", "ca.pem"],
            "ca.pem holds no certificate",
        ),
        (
            "postgres://h/app?sslrootcert=none.pem",
            &[],
            "cannot read none.pem: No such file",
        ),
        (
            "postgres://h/app",
            &["--tls", "prefer"],
            "invalid value 'prefer'",
        ),
        (
            "postgres://h/app",
            &["--connect-timeout", "10"],
            "--connect-timeout \"10\": duration must",
        ),
        (
            "postgres://h/app",
            &["--statement-timeout", "0s"],
            "--statement-timeout \"0s\": duration",
        ),
    ] {
        let call = alone(&scratch, [address]).args(args.iter().copied());
        let outcome = call.run().expect_failure(2);
        outcome.expect_stderr(&format!("error[CF-01]: {words}"));
    }
    let config = "[[source]]\npath = \"mysql://h/app?ssl-mode=REQUIRED\"\ntls = \"off\"\n";
    scratch.file("sessionize.toml", config);
    let call = || alone(&scratch, ["--connect-timeout", "1us"]);
    call()
        .run()
        .expect_failure(2)
        .expect_stderr("error[CF-02]: sessionize.toml:2:8: the address and tls say");
    // A flag goes over the whole configuration.
    call()
        .args(["--tls", "verify-full"])
        .run()
        .expect_failure(5);
}

const CANARY: &str = "pw-CANARY-7";

#[test]
fn case_133_a_planted_password_appears_nowhere() {
    let encoded = "%70w%2DCANARY%2D7";
    let closed = "127.0.0.1:1/app";
    let cases: [(String, &[(&str, &str)]); 12] = [
        (format!("postgres://ro:{CANARY}@{closed}"), &[]),
        (format!("mysql://ro:{CANARY}@{closed}"), &[]),
        (format!("postgres://ro@{closed}?password={CANARY}"), &[]),
        (format!("postgres://ro:{encoded}@{closed}"), &[]),
        (
            format!("mysql:///app?socket=/nowhere&password={encoded}"),
            &[],
        ),
        (format!("postgres://ro@{closed}"), &[("PGPASSWORD", CANARY)]),
        (format!("mysql://ro@{closed}"), &[("MYSQL_PWD", CANARY)]),
        (
            format!("postgres://ro@{closed}"),
            &[("SESSIONIZE_PASSWORD_FILE", "password")],
        ),
        (
            format!("postgres://ro@{closed}"),
            &[("PGPASSFILE", "pgpass")],
        ),
        (
            format!("mysql://ro@{closed}"),
            &[("SESSIONIZE_MY_CNF", "my.cnf")],
        ),
        ("--config=conf.toml".to_owned(), &[]),
        ("--config=query.toml".to_owned(), &[]),
    ];
    for (argument, variables) in cases {
        for report in ["report.json", "report.csv"] {
            let scratch = Scratch::new();
            scratch.file(
                "posts.csv",
                "user_id,created_at\nada,2026-03-02T09:00:00Z\n",
            );
            file(&scratch, "password", CANARY, 0o600);
            file(&scratch, "pgpass", &format!("*:*:*:*:{CANARY}"), 0o600);
            file(
                &scratch,
                "my.cnf",
                &format!("[client]\npassword={CANARY}\n"),
                0o600,
            );
            let posts = "[[source]]\npath = \"posts.csv\"\n[[source]]\n";
            let config = format!("{posts}path = \"mysql://ro:{CANARY}@{closed}\"\n");
            file(&scratch, "conf.toml", &config, 0o600);
            let config = format!("{posts}path = \"postgres://{closed}?password={CANARY}\"\n");
            file(&scratch, "query.toml", &config, 0o600);
            let format = report.rsplit('.').next().unwrap_or_default();
            let mut call = alone(
                &scratch,
                ["--keep-going", "-v", "--connect-timeout", "50ms"],
            )
            .args(["-o", report, "--format", format, "--rejects", "rejects.csv"])
            .env("RUST_LOG", "trace")
            .arg(&argument)
            .loud();
            if !argument.starts_with("--") {
                call = call.arg("posts.csv");
            }
            for (name, value) in variables {
                call = call.env(name, value);
            }
            let outcome = call.run();
            assert_eq!(outcome.code(), Some(3), "{outcome:?}");
            let mut said = outcome.stdout() + &outcome.stderr();
            for name in scratch.names() {
                let is_planted = ["password", "pgpass", "my.cnf", "conf.toml", "query.toml"];
                if !is_planted.contains(&name.as_str()) && name != "posts.csv" {
                    said += &scratch.text(&name);
                }
            }
            // The report and its record name the source that is missing.
            assert!(said.contains("cannot connect"), "{outcome:?}");
            for secret in [CANARY, "CANARY", encoded] {
                assert!(!said.contains(secret), "{argument}: {said}");
            }
        }
    }
}

#[test]
fn case_134_a_password_in_the_arguments_is_warned_of_and_elsewhere_not() {
    let scratch = Scratch::new();
    let words = "warning: a password in the arguments can be seen by others of this machine; use \
        PGPASSWORD or MYSQL_PWD, --password-file, or ~/.pgpass or ~/.my.cnf\n";
    let call = |args: &[&str]| {
        let call = alone(&scratch, ["--connect-timeout", "1us"]).args(args.iter().copied());
        call.loud().run().expect_failure(5).stderr()
    };
    for typed in [
        "postgres://ro:secret@h/app",
        "crm=mysql://ro:secret@h/app",
        "postgres://ro@h/app?password=secret",
    ] {
        assert_eq!(call(&[typed]).matches(words).count(), 1, "{typed}");
        assert_eq!(
            call(&[typed, "postgres://ro:secret@i/app2"])
                .matches(words)
                .count(),
            1
        );
    }
    assert!(!call(&["postgres://ro@h/app"]).contains("warning: a password"));
    assert!(!call(&["postgres://ro:@h/app"]).contains("warning: a password"));
    let config = "[[source]]\npath = \"postgres://ro:secret@h/app\"\n";
    file(&scratch, "sessionize.toml", config, 0o600);
    assert!(!call(&[]).contains("warning: a password"));
}

#[test]
fn case_134_there_is_no_flag_for_a_password_and_a_running_program_shows_none() {
    let scratch = Scratch::new();
    let help = scratch.run(["--help"]).expect_ok().stdout();
    assert!(help.contains("--password-file <FILE>") && help.contains("--password-env <NAME>"));
    assert!(!help.contains("--password <") && !help.contains("--password="));
    let path = file(&scratch, "password", CANARY, 0o600);
    // A server whose calls nobody takes.
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let address = format!("postgres://ro@127.0.0.1:{port}/app");
    let running = alone(&scratch, [&address, "--password-file", &path]).start();
    let (_caller, _) = listener.accept().expect("the program knocks");
    let shown = fs::read(format!("/proc/{}/cmdline", running.id())).expect("it runs");
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(shown.contains("--password-file"), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
    running.signal("KILL");
    assert_eq!(running.finish().signal(), Some(9));
}

/// What settling these inputs says, or makes, as a programmer would print it.
fn settled(typed: &str) -> String {
    let cli = Cli::try_parse_from(["sessionize", "--config", "/dev/null"]).expect("it is fine");
    match Settings::new(&cli.flags, &[typed.into()], 0) {
        Ok(settings) => format!("{settings:?}"),
        Err(failure) => {
            let mut text = Vec::new();
            write_text(&failure, &mut text).expect("memory takes it");
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

#[test]
fn case_133_no_slip_of_the_pen_beside_a_password_makes_it_show() {
    const SIGNS: &[u8] = b":/@?#&=%[]*,;.'\" x1-_";
    let mut random = Pcg64Mcg::seed_from_u64(133);
    for address in [
        "postgres://ro:CANARY@h:5432/app?sslmode=disable",
        "crm=mysql://ro:CANARY@h/app?socket=/tmp/x",
    ] {
        assert!(settled(address).contains("***"), "the password is known");
        for _ in 0..2000 {
            let mut typed = address.to_owned();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..typed.len());
                let sign = char::from(SIGNS[random.random_range(0..SIGNS.len())]);
                let password = typed.find(":CANARY@").expect("it stays");
                match (password..password + 8).contains(&at) {
                    true => {}
                    false if random.random() => typed.insert(at, sign),
                    false => drop(typed.remove(at)),
                }
            }
            let said = settled(&typed);
            assert!(!said.contains("CANARY"), "{typed}: {said}");
        }
    }
}

#[test]
fn case_133_words_as_libpq_takes_them_are_no_address_and_do_not_show_a_password() {
    let scratch = Scratch::new();
    for words in [
        "host=h password=pw-CANARY-7",
        "host=h PASSWORD='pw-CANARY-7 b' user=u",
    ] {
        let failed = scratch.run([words]).expect_failure(4);
        assert!(!failed.stderr().contains("CANARY"), "{failed:?}");
    }
}
