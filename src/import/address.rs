//! Where a database server is and how to get in. What is printed of an address is made of its
//! allowed parts alone: user, host, port, database.

use std::fmt;
use std::net::IpAddr;
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

    /// The port it listens on unless another is said.
    pub fn port(self) -> u16 {
        match self {
            Server::Postgres => 5432,
            Server::Mysql => 3306,
        }
    }

    /// The parameter of an address that names a socket.
    pub fn socket_key(self) -> &'static str {
        match self {
            Server::Postgres => "host",
            Server::Mysql => "socket",
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
    /// Encrypted, with a certificate of a known authority, for whatever host: since the public
    /// authorities are among them, this keeps out little more than [`Tls::Require`] does.
    VerifyCa,
    /// The same, and the certificate is for this host.
    VerifyFull,
}

impl Host {
    /// Whether what is said to it never leaves the machine.
    pub fn is_local(&self) -> bool {
        match self {
            Host::Socket { .. } => true,
            Host::Tcp { name, .. } => match name.parse::<IpAddr>() {
                Ok(address) => address.to_canonical().is_loopback(),
                Err(_) => name.eq_ignore_ascii_case("localhost"),
            },
        }
    }
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
    /// A file of certificates of authorities to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
}

/// `postgres://ro@db.example:5432/app`; a socket stands behind: `postgres://ro@/app?host=/run/pg`.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = encoded(&self.user, "");
        write!(out, "{}://{user}@", self.server.name())?;
        let database = encoded(&self.database, "");
        match &self.host {
            Host::Tcp { name, port } if name.contains(':') => {
                write!(out, "[{name}]:{port}/{database}")
            }
            Host::Tcp { name, port } => write!(out, "{}:{port}/{database}", encoded(name, "")),
            Host::Socket { path, port } => {
                let key = self.server.socket_key();
                let path = encoded(&path.to_string_lossy(), "/");
                write!(out, "/{database}?{key}={path}")?;
                match self.server == Server::Postgres && *port != self.server.port() {
                    true => write!(out, "&port={port}"),
                    false => Ok(()),
                }
            }
        }
    }
}

/// Letters, digits, `-._~` and the signs in `plain` as they are, all else percent-encoded.
fn encoded(text: &str, plain: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || "-._~".contains(letter) || plain.contains(letter) {
            shown.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                shown += &format!("%{byte:02X}");
            }
        }
    }
    shown
}
