//! Where a database server is and how to get in. What is printed of an address is made of its
//! allowed parts alone: user, host, port, database.

use std::fmt;
use std::path::PathBuf;

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl Server {
    /// The kind as sources carry it.
    pub fn name(self) -> &'static str {
        match self {
            Server::Postgres => "postgres",
            Server::Mysql => "mysql",
        }
    }
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or an address, and a port.
    Tcp {
        /// Name or address.
        name: String,
        /// Port.
        port: u16,
    },
    /// A Unix socket: for PostgreSQL the folder and the port that its name ends in, for MySQL the
    /// socket itself.
    Socket {
        /// Folder or socket.
        path: PathBuf,
        /// The port in the socket's name.
        port: u16,
    },
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Not at all.
    Off,
    /// Encrypted, whoever answers.
    Require,
    /// Encrypted, with a certificate of a known authority.
    VerifyCa,
    /// The same, and the certificate is for this host.
    VerifyFull,
}

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its kind.
    pub server: Server,
    /// Where it listens.
    pub host: Host,
    /// Who asks.
    pub user: String,
    /// The password, if one is known.
    pub password: Option<Secret>,
    /// Which database.
    pub database: String,
    /// How the connection is protected.
    pub tls: Tls,
    /// A file of certificates of authorities to trust instead of the usual ones.
    pub ca_file: Option<PathBuf>,
}

/// `db.example:5432/app as ro`.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::visible::visible;
        match &self.host {
            Host::Tcp { name, port } => write!(out, "{}:{port}", visible(name))?,
            Host::Socket { path, .. } => write!(out, "{}", visible(&path.display().to_string()))?,
        }
        write!(
            out,
            "/{} as {}",
            visible(&self.database),
            visible(&self.user)
        )
    }
}
