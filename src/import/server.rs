//! What the importers of database servers share: how a connection is made, how long everything may
//! take, and how the drivers' errors are said. A driver's own types are never printed: they hold the
//! password.

use std::future::Future;
use std::time::Duration;

use sqlx::error::DatabaseError;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::{self, ErrorId, Failure};
use crate::import::database::Patience;

/// Waits between attempts to connect.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// How much longer than the server we wait: it was told to stop by itself.
const GRACE: Duration = Duration::from_secs(10);

/// What a server says that cannot reach another one, whose table it shows as its own.
const FOREIGN_SERVER: &str = "08001";

/// How long the end of a connection may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection's runtime, on the thread that uses it.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|cause| Failure::new(error::CONNECT, format!("cannot connect: {cause}")))
}

/// Connects, again where nobody answered, all attempts together within the time for it.
pub(crate) fn connect<C, F: Future<Output = Result<C, sqlx::Error>>>(
    runtime: &Runtime,
    patience: Patience,
    attempt: impl Fn() -> F,
) -> Result<C, Failure> {
    runtime.block_on(async {
        let until = Instant::now() + patience.connect;
        let mut waits = WAITS.into_iter();
        loop {
            let unheard = match timeout_at(until, attempt()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(cause @ sqlx::Error::Io(_))) if !is_about_tls(&cause) => cause,
                Ok(Err(cause)) => return Err(unconnected(&cause)),
                Err(_) => return Err(unanswered(patience)),
            };
            match waits.next() {
                Some(wait) if Instant::now() + wait < until => sleep(wait).await,
                _ => return Err(unconnected(&unheard)),
            }
        }
    })
}

/// A server that says nothing at all.
fn unanswered(patience: Patience) -> Failure {
    let seconds = patience.connect.as_secs_f64();
    let message = format!("cannot connect: no answer within {seconds} s");
    Failure::new(error::CONNECT, message)
        .help("is the address right? --connect-timeout allows more time")
}

/// Runs something on a connection within the time for a statement, which the server knows too.
pub(crate) fn within<T, E: From<sqlx::Error>>(
    runtime: &Runtime,
    patience: Patience,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let until = Instant::now() + patience.statement + GRACE;
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, "the server fell silent");
    runtime.block_on(async {
        timeout_at(until, work)
            .await
            .unwrap_or_else(|_| Err(E::from(sqlx::Error::Io(silent()))))
    })
}

/// Ends a connection in the server's own words. Without them a server waits for more over TLS, where
/// the driver waits for the server's last word; so it may not last long in any case.
pub(crate) fn say_goodbye(
    runtime: &Runtime,
    closing: impl Future<Output = Result<(), sqlx::Error>>,
) {
    // The transaction changed nothing, so there is nothing to lose.
    let _ = runtime.block_on(async { timeout(GOODBYE, closing).await });
}

/// Why there is no connection.
fn unconnected(cause: &sqlx::Error) -> Failure {
    let (message, help) = match cause {
        sqlx::Error::Database(said) => return refused(&**said),
        cause if is_about_tls(cause) => (
            format!("TLS: {}", plain(&tls_reason(cause))),
            "--ca-file names the authority that signed the server's certificate; --tls says how \
             much is checked",
        ),
        sqlx::Error::Io(cause) => (
            reason(cause),
            "is the server running, and is the address right?",
        ),
        sqlx::Error::Configuration(cause) => (
            plain(&cause.to_string()),
            "see sessionize --help for addresses",
        ),
        other => (plain(&other.to_string()), "is it a server of this kind?"),
    };
    Failure::new(error::CONNECT, format!("cannot connect: {message}")).help(help)
}

/// Whether the two could not agree on TLS. A certificate that is refused comes as invalid data.
fn is_about_tls(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(cause) => cause.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// What TLS says, without the seconds since 1970 that it counts.
fn tls_reason(cause: &sqlx::Error) -> String {
    let said = match cause {
        sqlx::Error::Tls(cause) => cause.to_string(),
        sqlx::Error::Io(cause) => cause.to_string(),
        cause => cause.to_string(),
    };
    match said.split_once(": verification time") {
        Some((said, _)) => said.to_owned(),
        None => said,
    }
}

/// A server that answered, and does not let us in.
fn refused(said: &dyn DatabaseError) -> Failure {
    let failed = |message: &str| {
        let message = format!("cannot connect: {message}");
        Failure::new(error::CONNECT, message)
    };
    let failure = failed(&plain(said.message()));
    match said.code().as_deref() {
        // PostgreSQL says it in many ways, and in the server's language.
        Some("53300" | "08004") => failed("too many connections")
            .detail(format!("the server says: {}", plain(said.message())))
            .help("one connection is needed for each database"),
        Some("28P01" | "28000") => failure.help(
            "passwords come from PGPASSWORD, MYSQL_PWD, --password-env, --password-file, ~/.pgpass \
             or ~/.my.cnf",
        ),
        _ => failure,
    }
}

/// What an error in a statement means. `is_timeout` tells those of the time limit.
pub(crate) fn explained(
    cause: &sqlx::Error,
    patience: Patience,
    is_timeout: impl Fn(&dyn DatabaseError) -> bool,
) -> Failure {
    let failed = |id: ErrorId, message: String| Failure::new(id, message);
    match cause {
        sqlx::Error::Database(said) if is_timeout(&**said) => failed(
            error::STATEMENT_TIMEOUT,
            format!(
                "the server needed more than {} s for a statement and was stopped",
                patience.statement.as_secs_f64()
            ),
        )
        .help("--statement-timeout allows more; --from and an index on the time need less"),
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            match code.get(..2) {
                // The connection is gone: shutdown, crash, an administrator's word.
                Some("57" | "08") if code != FOREIGN_SERVER => failed(
                    error::CONNECTION_LOST,
                    format!("connection lost: {}", plain(said.message())),
                ),
                // The message of a data exception quotes values of rows.
                Some("22" | "23" | "P0") => failed(
                    error::STATEMENT,
                    format!("the statement failed on a value (SQLSTATE {code})"),
                )
                .help(
                    "22001 is a text too long for its column, 23… a constraint; the server's log \
                     has the value",
                ),
                _ => failed(
                    error::STATEMENT,
                    format!("{} (SQLSTATE {code})", plain(said.message())),
                ),
            }
        }
        sqlx::Error::Io(cause) => failed(
            error::CONNECTION_LOST,
            format!("connection lost: {}", reason(cause)),
        ),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => failed(
            error::CONNECTION_LOST,
            "the server's answer cannot be read".to_owned(),
        ),
        other => failed(
            error::CONNECTION_LOST,
            format!("connection lost: {}", plain(&other.to_string())),
        ),
    }
}

/// Why nothing came. The driver counts the bytes that it missed.
fn reason(cause: &std::io::Error) -> String {
    match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => "the server ended it".to_owned(),
        _ => crate::import::file::reason(cause),
    }
}

/// A driver's or server's message in one line; what a terminal would obey is taken out where it is
/// printed.
pub(crate) fn plain(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    lines.join(" ").trim_end().to_owned()
}
