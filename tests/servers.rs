//! Real database servers for the tests: a PostgreSQL and a MariaDB cluster of this test run's own,
//! made on first use in a folder under `/tmp`, run by an unprivileged account, and gone with the
//! test process however it ends. Each test gets a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]
#![allow(dead_code, reason = "each test uses what it needs of a server")]

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{tool, wait_until};
use crate::proxy::Proxy;

/// The account that runs the servers when the tests are run by root, which neither server allows.
const NOBODY: u32 = 65534;

/// Waits for the word to start a server, then for its own input to end, which it does with the test
/// process; then stops the server and removes its folder.
const WATCHER: &str = r#"
folder=$1 signal=$2
shift 2
if read -r go; then
    "$@" </dev/null >"$folder/log" 2>&1 &
    server=$!
    read -r end
    kill -s "$signal" $server
    wait $server
fi
cd /
rm -rf "$folder"
"#;

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Mariadb,
}

/// An empty database of its own on this run's PostgreSQL.
pub(crate) fn postgres() -> Database<'static> {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Kind::Postgres, &[]));
    SHARED.database()
}

/// An empty database of its own on this run's MariaDB.
pub(crate) fn mariadb() -> Database<'static> {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Kind::Mariadb, &[]));
    SHARED.database()
}

/// An empty database on each.
pub(crate) fn both() -> [Database<'static>; 2] {
    [postgres(), mariadb()]
}

/// A running server. One that a test starts for itself is stopped when it is dropped.
pub(crate) struct Cluster {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
    watcher: Child,
}

impl Cluster {
    /// Makes and starts a server with these options more than usual: `["max_connections=5"]` for
    /// PostgreSQL, `["--max-connections=5"]` for MariaDB. It listens on a Unix socket and, with TLS
    /// switched on, on 127.0.0.1; its time zone is an odd one.
    pub(crate) fn start(kind: Kind, options: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sessionize-")
            .tempdir_in("/tmp")
            .unwrap()
            .keep();
        if is_root() {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = reserved.local_addr().unwrap().port();
        let (signal, server) = match kind {
            Kind::Postgres => ("QUIT", postgres_server(&folder, port, options)),
            Kind::Mariadb => ("KILL", mariadb_server(&folder, port, options)),
        };
        let watcher = unprivileged("sh", "dash")
            .args(["-c", WATCHER, "watcher"])
            .arg(&folder)
            .arg(signal)
            .args(server)
            // The zone that MariaDB calls SYSTEM.
            .env("TZ", "JST-9")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut cluster = Self {
            kind,
            folder,
            port,
            databases: AtomicU32::new(0),
            watcher: watcher.unwrap(),
        };
        cluster.certify("server", &Certificate::default());
        cluster.make();
        drop(reserved);
        cluster.go();
        cluster
    }

    /// Makes the files of an empty server.
    fn make(&self) {
        let data = self.folder.join("data");
        match self.kind {
            Kind::Postgres => {
                let initdb = postgres_program("initdb");
                let mut initdb = unprivileged(&initdb, "postgresql");
                initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8"]);
                initdb.args(["--no-locale", "--no-sync", "-D"]).arg(&data);
                succeed(&mut initdb, "postgresql");
                // A role that belongs to `needs_tls` is let in over TLS alone.
                let doors = "local all all trust\n\
                     hostnossl all +needs_tls 127.0.0.1/32 reject\n\
                     host all all 127.0.0.1/32 scram-sha-256\n";
                fs::write(data.join("pg_hba.conf"), doors).unwrap();
            }
            Kind::Mariadb => {
                let mut install = unprivileged("mariadb-install-db", "mariadb-server-core");
                install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
                install
                    .arg("--skip-test-db")
                    .arg(option("--datadir", &data))
                    .env("TMPDIR", &self.folder);
                succeed(&mut install, "mariadb-server-core");
            }
        }
    }

    /// Lets the watcher start the server and waits until it answers.
    fn go(&mut self) {
        self.watcher
            .stdin
            .as_ref()
            .unwrap()
            .write_all(b"go\n")
            .unwrap();
        let mut tries = 0;
        wait_until("the server answers", || {
            tries += 1;
            let ended = self.watcher.try_wait().unwrap().is_some();
            assert!(!ended && tries < 3000, "no server: {}", self.log());
            self.try_session(&self.first_address()).is_some()
        });
        match self.kind {
            Kind::Postgres => self.admin("CREATE ROLE needs_tls"),
            // They would come before the users that tests make.
            Kind::Mariadb => {
                self.admin("DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES")
            }
        }
    }

    /// An empty database of its own.
    pub(crate) fn database(&self) -> Database<'_> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{number}");
        self.admin(&format!("CREATE DATABASE {name}"));
        Database {
            cluster: self,
            name,
        }
    }

    /// Runs statements as the administrator, in no test's database.
    pub(crate) fn admin(&self, statements: &str) {
        self.session(self.kind.first_database()).run(statements);
    }

    /// What the server has written to its log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The folder with the server's socket, files and certificates.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Which kind of server it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Its Unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        match self.kind {
            Kind::Postgres => self.folder.join(format!(".s.PGSQL.{}", self.port)),
            Kind::Mariadb => self.folder.join("socket"),
        }
    }

    /// The port on 127.0.0.1, which PostgreSQL's socket is named after, too.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that the server's certificate is made by.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Kills the server at once, with all its connections.
    pub(crate) fn kill(&self) {
        let (file, signal) = match self.kind {
            Kind::Postgres => ("data/postmaster.pid", "QUIT"),
            Kind::Mariadb => ("pid", "KILL"),
        };
        let file = fs::read_to_string(self.folder.join(file)).unwrap();
        let id = file.lines().next().unwrap().trim();
        tool("kill", "procps", ["-s", signal, id]);
    }

    /// Writes `NAME.pem` and `NAME.key` to the folder, and the authority on first use.
    pub(crate) fn certify(&self, name: &str, certificate: &Certificate) {
        let openssl = |args: &[&str]| {
            let mut openssl = unprivileged("openssl", "openssl");
            succeed(openssl.current_dir(&self.folder).args(args), "openssl");
        };
        let key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ];
        if !self.folder.join("ca.pem").exists() {
            let subject = [
                "-subj",
                "/CN=sessionize tests",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ];
            openssl(&[&["req", "-x509", "-days", "30"], &key[..], &subject].concat());
            fs::write(self.folder.join("index.txt"), "").unwrap();
            let settings = "[ca]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\n\
                 rand_serial=yes\nunique_subject=no\npolicy=any\n[any]\ncommonName=supplied\n";
            fs::write(self.folder.join("ca.cnf"), settings).unwrap();
            if is_root() {
                let owned = self.folder.join("index.txt");
                std::os::unix::fs::chown(owned, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let (pem, secret) = (format!("{name}.pem"), format!("{name}.key"));
        let request = [
            "-subj",
            "/CN=server",
            "-keyout",
            &secret,
            "-out",
            "request.pem",
        ];
        openssl(&[&["req", "-new"], &key[..], &request].concat());
        let extensions = format!("subjectAltName={}\n", certificate.names);
        fs::write(self.folder.join("extensions.cnf"), extensions).unwrap();
        let signed = match certificate.is_self_signed {
            true => ["-selfsign", "-keyfile", &secret],
            false => ["-cert", "ca.pem", "-keyfile"],
        };
        let mut sign = vec![
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-name", "ca",
        ];
        sign.extend(signed);
        if !certificate.is_self_signed {
            sign.push("ca.key");
        }
        sign.extend([
            "-startdate",
            "20200101000000Z",
            "-enddate",
            certificate.ends,
        ]);
        sign.extend([
            "-extfile",
            "extensions.cnf",
            "-in",
            "request.pem",
            "-out",
            &pem,
        ]);
        openssl(&sign);
    }

    /// The address of a database that is always there.
    fn first_address(&self) -> String {
        self.address(self.kind.first_database())
    }

    fn address(&self, database: &str) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        match self.kind {
            Kind::Postgres => {
                format!("postgres://postgres@localhost:{port}/{database}?host={folder}")
            }
            Kind::Mariadb => format!("mysql://root@localhost/{database}?socket={folder}/socket"),
        }
    }

    fn session(&self, database: &str) -> Session {
        let session = self.try_session(&self.address(database));
        session.unwrap_or_else(|| panic!("cannot connect to the test's server: {}", self.log()))
    }

    fn try_session(&self, address: &str) -> Option<Session> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = match self.kind {
            Kind::Postgres => {
                let options: PgConnectOptions = address.parse().unwrap();
                let options = options.disable_statement_logging();
                Connection::Postgres(runtime.block_on(options.connect()).ok()?)
            }
            Kind::Mariadb => {
                let options: MySqlConnectOptions = address.parse().unwrap();
                let options = options.disable_statement_logging();
                Connection::Mariadb(runtime.block_on(options.connect()).ok()?)
            }
        };
        Some(Session {
            runtime,
            connection,
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // The folder is the watcher's to remove.
        let _ = self.watcher.wait();
    }
}

impl Kind {
    /// A database that is always there.
    fn first_database(self) -> &'static str {
        match self {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        }
    }
}

/// What a server shows to who connects over TLS.
pub(crate) struct Certificate {
    /// For whom it is: `"DNS:localhost,IP:127.0.0.1"`.
    pub(crate) names: &'static str,
    /// Until when: `"20300101000000Z"`.
    pub(crate) ends: &'static str,
    /// Whether it vouches for itself.
    pub(crate) is_self_signed: bool,
}

/// For this machine, valid, made by the cluster's authority.
impl Default for Certificate {
    fn default() -> Self {
        Self {
            names: "DNS:localhost,IP:127.0.0.1",
            ends: "20491231000000Z",
            is_self_signed: false,
        }
    }
}

/// A database that lives as long as this value.
pub(crate) struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Database<'_> {
    /// The server it is on.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster
    }

    /// The kind of the server it is on.
    pub(crate) fn kind(&self) -> Kind {
        self.cluster.kind
    }

    /// Its name, which no other database on the server has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its address for the program, over the socket, as the administrator and without a password.
    pub(crate) fn url(&self) -> String {
        self.cluster.address(&self.name)
    }

    /// Its address over TCP: `user` is a name or `name:password`, as addresses write it.
    pub(crate) fn tcp_url(&self, user: &str) -> String {
        self.url_by_port(user, self.cluster.port)
    }

    /// The same by way of another port, where a proxy listens.
    pub(crate) fn url_by_port(&self, user: &str, port: u16) -> String {
        let scheme = match self.cluster.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        };
        format!("{scheme}://{user}@127.0.0.1:{port}/{}", self.name)
    }

    /// Its address as the administrator by way of a proxy that forwards to the server's socket.
    pub(crate) fn url_through(&self, proxy: &Proxy) -> String {
        let administrator = match self.cluster.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "root",
        };
        self.url_by_port(administrator, proxy.port()) + "?sslmode=disable"
    }

    /// Its address over the socket as another user, who has no password.
    pub(crate) fn url_as(&self, user: &str) -> String {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        format!("{scheme}://{user}@{place}")
    }

    /// Makes a user without any rights but to connect, and gives the full name, which no other
    /// test's user has. Over TCP the password is asked for; over the socket, PostgreSQL asks nobody,
    /// and MariaDB asks for it unless it is empty.
    pub(crate) fn user(&self, name: &str, password: &str) -> String {
        let user = format!("{}_{name}", self.name);
        match self.cluster.kind {
            Kind::Postgres => self.run(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'")),
            Kind::Mariadb => self.run(&format!("CREATE USER {user} IDENTIFIED BY '{password}'")),
        }
        user
    }

    /// Runs statements, separated by semicolons, in UTC.
    pub(crate) fn run(&self, statements: &str) {
        self.session().run(statements);
    }

    /// The rows of a query, every cell as the server writes it, NULL as `"NULL"`.
    pub(crate) fn ask(&self, query: &str) -> Vec<Vec<String>> {
        self.session().ask(query)
    }

    /// A connection of the administrator that stays open: for locks and transactions.
    pub(crate) fn session(&self) -> Session {
        self.cluster.session(&self.name)
    }

    /// The same by another user, who has no password.
    pub(crate) fn session_as(&self, user: &str) -> Session {
        let session = self.cluster.try_session(&self.url_as(user));
        session.unwrap_or_else(|| panic!("{user} cannot connect: {}", self.cluster.log()))
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let dropped = match self.cluster.kind {
            Kind::Postgres => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Kind::Mariadb => format!("DROP DATABASE {}", self.name),
        };
        // A test may have killed the server, or fail for a reason of its own.
        if let Some(mut session) = self.cluster.try_session(&self.cluster.first_address()) {
            let _ = session.try_run(&dropped);
        }
    }
}

enum Connection {
    Postgres(PgConnection),
    Mariadb(MySqlConnection),
}

/// An open connection, in UTC.
pub(crate) struct Session {
    runtime: Runtime,
    connection: Connection,
}

impl Session {
    /// Runs statements, separated by semicolons.
    pub(crate) fn run(&mut self, statements: &str) -> &mut Self {
        let ran = self.try_run(statements);
        ran.unwrap_or_else(|cause| panic!("{statements}: {cause}"));
        self
    }

    /// The same for statements that may fail.
    pub(crate) fn try_run(&mut self, statements: &str) -> Result<(), sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(statements));
        match &mut self.connection {
            Connection::Postgres(open) => self.runtime.block_on(query.execute(open)).map(|_| ()),
            Connection::Mariadb(open) => self.runtime.block_on(query.execute(open)).map(|_| ()),
        }
    }

    /// The rows of a query, every cell as the server writes it, NULL as `"NULL"`.
    pub(crate) fn ask(&mut self, query: &str) -> Vec<Vec<String>> {
        let asked = sqlx::raw_sql(AssertSqlSafe(query));
        let cell = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
        // Rows of a plain query come as text, whatever their types are.
        match &mut self.connection {
            Connection::Postgres(open) => {
                let rows = self.runtime.block_on(asked.fetch_all(open)).unwrap();
                let cells = |row: &sqlx::postgres::PgRow| -> Vec<String> {
                    let cells = (0..row.len()).map(|at| cell(row.get_unchecked(at)));
                    cells.collect()
                };
                rows.iter().map(cells).collect()
            }
            Connection::Mariadb(open) => {
                let rows = self.runtime.block_on(asked.fetch_all(open)).unwrap();
                let cells = |row: &sqlx::mysql::MySqlRow| -> Vec<String> {
                    let cells = (0..row.len()).map(|at| cell(row.get_unchecked(at)));
                    cells.collect()
                };
                rows.iter().map(cells).collect()
            }
        }
    }
}

fn postgres_server(folder: &Path, port: u16, options: &[&str]) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![postgres_program("postgres").into()];
    words.extend(["-D".into(), folder.join("data").into()]);
    words.extend([
        "-k".into(),
        folder.into(),
        "-p".into(),
        port.to_string().into(),
    ]);
    let certificate = folder.join("server.pem");
    let key = folder.join("server.key");
    let settings = [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        "timezone=Asia/Kathmandu",
        "ssl=on",
        &format!("ssl_cert_file={}", certificate.display()),
        &format!("ssl_key_file={}", key.display()),
    ];
    for setting in settings.iter().chain(options) {
        words.extend(["-c".into(), setting.into()]);
    }
    words
}

fn mariadb_server(folder: &Path, port: u16, options: &[&str]) -> Vec<OsString> {
    let path = |name: &str, file: &str| option(name, &folder.join(file));
    let mut words: Vec<OsString> =
        vec![program("mariadbd", "/usr/sbin", "mariadb-server-core").into()];
    words.extend(["--no-defaults".into(), path("--datadir", "data")]);
    // A server that starts removes the temporary tables in its folder, whoever uses them.
    words.push(option("--tmpdir", folder));
    words.extend([path("--socket", "socket"), path("--pid-file", "pid")]);
    words.extend([
        path("--ssl-cert", "server.pem"),
        path("--ssl-key", "server.key"),
    ]);
    words.extend([path("--ssl-ca", "ca.pem"), format!("--port={port}").into()]);
    let settings = [
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=32M",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_general_ci",
        "--default-time-zone=+09:00",
    ];
    words.extend(settings.iter().chain(options).map(OsString::from));
    words
}

/// `--name=path`.
fn option(name: &str, path: &Path) -> OsString {
    format!("{name}={}", path.display()).into()
}

/// One of PostgreSQL's server programs, which Debian keeps out of the usual folders.
fn postgres_program(name: &str) -> String {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join(name).exists())
        .collect();
    folders.sort();
    let folder = folders.pop().unwrap_or_default();
    program(name, &folder.display().to_string(), "postgresql")
}

/// The path of a program in this folder, or else on the path.
fn program(name: &str, folder: &str, package: &str) -> String {
    let places = std::env::var("PATH").unwrap_or_default();
    let mut places = std::iter::once(folder).chain(places.split(':'));
    let found = places.find(|place| !place.is_empty() && Path::new(place).join(name).exists());
    let found = found.unwrap_or_else(|| panic!("{name} is missing; Debian package {package}"));
    format!("{found}/{name}")
}

/// This program by an account that may run a server: another one where the tests are root's.
fn unprivileged(name: &str, package: &str) -> Command {
    let path = match name.contains('/') {
        true => name.to_owned(),
        false => program(name, "", package),
    };
    let mut command = match is_root() {
        false => Command::new(path),
        true => {
            let mut command = Command::new(program("setpriv", "", "util-linux"));
            let account = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            command
                .args(account)
                .args(["--clear-groups", "--"])
                .arg(path);
            command
        }
    };
    command.env("HOME", "/").env("LC_ALL", "C").current_dir("/");
    command
}

fn succeed(command: &mut Command, package: &str) {
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|cause| panic!("{command:?}: {cause}; Debian package {package}"));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {} {said}", ran.status);
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_postgresql_server_of_our_own_answers() {
    let database = postgres();
    database.run("CREATE TABLE posts (id int, at timestamptz); INSERT INTO posts VALUES (1, NULL)");
    assert_eq!(database.ask("SELECT id, at FROM posts"), [["1", "NULL"]]);
    assert_ne!(postgres().name(), database.name());
}

#[test]
fn a_mariadb_server_of_our_own_answers() {
    let database = mariadb();
    database.run("CREATE TABLE posts (id int, at datetime(6)); INSERT INTO posts VALUES (1, NULL)");
    assert_eq!(database.ask("SELECT id, at FROM posts"), [["1", "NULL"]]);
    assert_ne!(mariadb().name(), database.name());
}

#[test]
fn a_server_and_its_folder_go_with_their_owner() {
    let server = Cluster::start(Kind::Postgres, &["max_connections=10"]);
    let most = server.database().ask("SHOW max_connections");
    assert_eq!(most, [["10"]]);
    let folder = server.folder().to_owned();
    let id = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let process = Path::new("/proc").join(id.lines().next().unwrap());
    assert!(process.exists());
    drop(server);
    assert!(!folder.exists() && !process.exists());
}
