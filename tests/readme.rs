//! The README's commands work as they stand there, and its picture is what the program prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::Scratch;
use crate::servers;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
        .expect("the README is there")
}

/// The lines of the README's blocks of a kind.
fn blocks(kind: &str) -> Vec<String> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in readme().lines() {
        if line.starts_with("```") {
            inside = line == format!("```{kind}");
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// A folder as a reader of the README would have it: the example, and files of the names used.
fn checkout() -> Scratch {
    let scratch = Scratch::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read(root.join(path)).expect("a file of the checkout");
    scratch.file("sessionize.toml", read("sessionize.toml"));
    let database = read("fixtures/example/platform.db");
    scratch.file("fixtures/example/platform.db", &database);
    scratch.file(
        "fixtures/example/downloads.csv",
        read("fixtures/example/downloads.csv"),
    );
    scratch.file("app.db", database);
    let events =
        "user_id,created_at,kind\n7,2026-03-02T09:00:00Z,login\n7,2026-03-02T09:10:00Z,post\n";
    scratch.file("comments.csv.gz", gzip(events));
    let clicks = "{\"actor\": {\"id\": 7}, \"at\": \"2026-03-02T09:05:00Z\"}\n";
    scratch.file("clicks.ndjson.gz", gzip(clicks));
    scratch.file("exports/attempts-1.csv", events);
    scratch.file("log.csv", events);
    scratch.file(
        "posts.csv",
        "author,user_id,posted,created_at\nada,ada,2026-03-02 10:00:00,2026-03-02T09:00:00Z\n",
    );
    scratch
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn every_recipe_of_the_readme_works() {
    let scratch = checkout();
    let program = Path::new(env!("CARGO_BIN_EXE_sessionize"));
    let folder = program
        .parent()
        .expect("a program lies in a folder")
        .display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let recipes: Vec<String> = blocks("sh")
        .into_iter()
        .filter(|line| line.contains("sessionize ") && !line.starts_with("cargo "))
        .collect();
    assert!(recipes.len() > 12, "the README has recipes: {recipes:?}");
    for recipe in recipes {
        let ran = Command::new("bash")
            .args(["-o", "pipefail", "-c", &recipe])
            .current_dir(scratch.path("."))
            .env("PATH", &path)
            .output()
            .expect("bash is there");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{recipe}: {said}");
    }
}

#[test]
fn the_picture_in_the_readme_is_what_the_program_prints() {
    let scratch = checkout();
    let picture = blocks("text");
    let command = picture[0]
        .strip_prefix("$ sessionize ")
        .expect("the picture shows its command");
    let printed = scratch.run(command.split(' ')).expect_ok().stdout();
    let end = picture
        .iter()
        .position(|line| line.starts_with("2026-06-01"))
        .expect("the last row");
    let shown = picture[1..=end].join("\n");
    assert!(
        printed.starts_with(&shown),
        "the program prints:\n{printed}\nthe README shows:\n{shown}"
    );
}

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let scratch = checkout();
    let events = "reader,read_at\n7,2026-03-02 09:00:00\n";
    scratch.file("exports/reads-1.csv.gz", gzip(events));
    let shop = servers::postgres();
    shop.run(
        "CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed_at timestamptz, status text);
         INSERT INTO orders VALUES (1, 7, '2026-03-02 09:05:00Z', 'paid'), (2, 7, NULL, 'draft')",
    );
    let password = scratch.file("secret/shop", "not asked for over a socket\n");
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let shown = blocks("toml")
        .join("\n")
        .replace("tokens.parquet", "log.csv")
        .replace("postgres://ro@db.example/shop", &shop.url());
    scratch.file("sessionize.toml", shown);
    scratch.run(["--format", "json"]).expect_ok();
}

#[test]
fn an_explanation_shows_every_gap_and_source_on_a_page_of_eighty_columns() {
    let printed = checkout().run(["explain", "7"]).expect_ok().stdout();
    let header = printed
        .lines()
        .find(|line| line.starts_with("time "))
        .expect("a header");
    let columns: Vec<&str> = header.split_whitespace().collect();
    assert_eq!(columns, ["time", "gap", "source", "verdict"]);
}
