//! From the address that was typed to everything a connection needs: what it leaves out comes from
//! flags, keys, and the environment and files that psql and mariadb read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Settling;
use super::address::{ADDRESS, Refusal, Said, checked_host, is_path, parse, port};
use super::config::SourceConfig;
use super::secrets::{self, OptionFile};
use crate::error::{self, Failure};
use crate::import::address::{Address, Host, Secret, Server, Tls};

/// Where Debian's PostgreSQL listens.
const POSTGRES_FOLDER: &str = "/var/run/postgresql";
/// Where Debian's MariaDB listens.
const MYSQL_SOCKET: &str = "/run/mysqld/mysqld.sock";

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            help: refusal.help.map(str::to_owned),
            ..Self::new(error::USAGE, refusal.message)
        }
    }
}

/// What a flag says, else a key of the source; paths of keys start at the configuration's folder.
struct Asked {
    tls: Option<Tls>,
    ca_file: Option<PathBuf>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    my_cnf: Option<PathBuf>,
}

impl Settling<'_> {
    /// The address in an input named on the command line, or in the `path` of a source.
    pub(super) fn address(
        &self,
        typed: &str,
        source: Option<&SourceConfig>,
    ) -> Result<Arc<Address>, Failure> {
        let said = parse(typed)?;
        if let (Some(file), Some(_), Some(_)) = (self.file, source, &said.password) {
            secrets::refuse_open(Path::new(&file.path), file.others_can_read)?;
        }
        let asked = self.asked(source);
        let option_file = match said.server {
            Server::Mysql if said.user.is_none() || said.password.is_none() => {
                OptionFile::find(asked.my_cnf.as_deref())?
            }
            _ => OptionFile::default(),
        };
        let user = user(&said, &option_file)?;
        let database = database(&said, &user)?;
        let host = host(&said)?;
        let (tls, ca_file) = self.protection(&said, &host, &asked, source)?;
        let mut address = Address {
            server: said.server,
            host,
            user,
            password: None,
            database,
            tls,
            ca_file,
        };
        address.password = password(said.password, &asked, option_file, &address)?;
        Ok(Arc::new(address))
    }

    /// Files with secrets that are named, so that no output is written over them.
    pub(super) fn secret_files(&self) -> Vec<PathBuf> {
        let flags = self.flags;
        let sources = self.file.as_ref().map(|file| file.config.source.as_slice());
        let keys = sources.unwrap_or_default().iter().flat_map(|source| {
            let keys = [&source.ca_file, &source.password_file, &source.my_cnf];
            keys.into_iter().flatten()
        });
        let typed = [&flags.ca_file, &flags.password_file, &flags.my_cnf];
        let typed = typed.into_iter().flatten().cloned();
        typed
            .chain(keys.map(|key| self.folder().join(key)))
            .collect()
    }

    fn asked(&self, source: Option<&SourceConfig>) -> Asked {
        let flags = self.flags;
        let path = |flag: &Option<PathBuf>, key: fn(&SourceConfig) -> &Option<String>| {
            let from_key = || Some(self.folder().join(key(source?).as_ref()?));
            flag.clone().or_else(from_key)
        };
        // A way to the password that is typed replaces both ways of the configuration.
        let is_typed = flags.password_env.is_some() || flags.password_file.is_some();
        let of_source = source.filter(|_| !is_typed);
        let env_key = || of_source?.password_env.clone();
        let file_key = || Some(self.folder().join(of_source?.password_file.as_ref()?));
        Asked {
            tls: flags.tls.or(source.and_then(|source| source.tls)),
            ca_file: path(&flags.ca_file, |source| &source.ca_file),
            password_env: flags.password_env.clone().or_else(env_key),
            password_file: flags.password_file.clone().or_else(file_key),
            my_cnf: path(&flags.my_cnf, |source| &source.my_cnf),
        }
    }

    /// How the connection is protected. What never leaves the machine needs no protection unless
    /// asked for; a socket has none.
    fn protection(
        &self,
        said: &Said,
        host: &Host,
        asked: &Asked,
        source: Option<&SourceConfig>,
    ) -> Result<(Tls, Option<PathBuf>), Failure> {
        if let Host::Socket { .. } = host {
            return Ok((Tls::Off, None));
        }
        // A flag goes over the whole of a configuration, also over an address in it.
        let is_over = self.flags.tls.is_some() && source.is_some();
        let tls = match (said.tls, asked.tls) {
            (Some(said), Some(asked)) if said != asked && !is_over => {
                let message = "the address and tls say differently how to protect the connection";
                return Err(Failure::new(error::USAGE, message).help("leave one of them out"));
            }
            (said, asked) => asked.or(said),
        };
        let in_folder = |path: &String| match source {
            Some(_) => self.folder().join(path),
            None => PathBuf::from(path),
        };
        let ca_file = match &self.flags.ca_file {
            Some(path) => Some(path.clone()),
            None => (said.ca_file.as_ref().map(in_folder)).or_else(|| asked.ca_file.clone()),
        };
        let default = match host.is_local() && ca_file.is_none() {
            true => Tls::Off,
            false => Tls::VerifyFull,
        };
        let tls = tls.unwrap_or(default);
        match (&ca_file, tls) {
            (Some(_), Tls::Off | Tls::Require) => {
                let message = "a file of authorities is of no use to a connection whose \
                    certificate is not verified";
                Err(Failure::new(error::USAGE, message)
                    .help("ask for tls verify-ca or verify-full"))
            }
            (Some(path), _) => check_ca_file(path).map(|()| (tls, ca_file)),
            (None, Tls::VerifyCa | Tls::VerifyFull) if said.server == Server::Postgres => {
                Ok((tls, variable("PGSSLROOTCERT").map(PathBuf::from)))
            }
            (None, _) => Ok((tls, None)),
        }
    }
}

/// The driver takes a file without a certificate for no further authorities.
fn check_ca_file(path: &Path) -> Result<(), Failure> {
    let refused = |message: String| {
        Failure::new(error::USAGE, message)
            .help("a file of authorities holds their certificates as PEM")
    };
    let shown = path.display();
    let content = std::fs::read(path).map_err(|cause| {
        let reason = crate::import::file::reason(&cause);
        refused(format!("cannot read {shown}: {reason}"))
    })?;
    match memchr::memmem::find(&content, b"-----BEGIN CERTIFICATE-----") {
        Some(_) => Ok(()),
        None => Err(refused(format!("{shown} holds no certificate"))),
    }
}

/// A variable of the environment that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn user(said: &Said, option_file: &OptionFile) -> Result<String, Failure> {
    let by_kind = || match said.server {
        Server::Postgres => variable("PGUSER"),
        Server::Mysql => option_file.user.clone(),
    };
    said.user
        .clone()
        .or_else(by_kind)
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .ok_or_else(|| {
            Failure::new(error::USAGE, "the address names no user")
                .help("write user@ before the host")
        })
}

fn database(said: &Said, user: &str) -> Result<String, Failure> {
    let by_kind = || match said.server {
        Server::Postgres => Some(variable("PGDATABASE").unwrap_or_else(|| user.to_owned())),
        Server::Mysql => None,
    };
    said.database.clone().or_else(by_kind).ok_or_else(|| {
        Failure::new(error::USAGE, "the address names no database")
            .help("write it after the host: mysql://user@host/database")
    })
}

fn host(said: &Said) -> Result<Host, Failure> {
    match said.server {
        Server::Postgres => postgres_host(said),
        Server::Mysql => {
            let port = said.port.unwrap_or(said.server.port());
            Ok(match (&said.socket, &said.host) {
                (None, Some(name)) => tcp(name, port),
                (path, _) => Host::Socket {
                    path: PathBuf::from(path.as_deref().unwrap_or(MYSQL_SOCKET)),
                    port,
                },
            })
        }
    }
}

fn postgres_host(said: &Said) -> Result<Host, Failure> {
    let of_variable = |name: &str, refusal: Refusal| {
        let message = refusal.message.replace(ADDRESS, name);
        Failure::new(error::USAGE, message)
    };
    let name = match (&said.host, variable("PGHOST")) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => {
            checked_host(name).map_err(|refusal| of_variable("PGHOST", refusal))?
        }
        (None, None) => POSTGRES_FOLDER.to_owned(),
    };
    let port = match (said.port, variable("PGPORT")) {
        (None, Some(digits)) => port(&digits).map_err(|refusal| of_variable("PGPORT", refusal))?,
        (port, _) => port,
    };
    let port = port.unwrap_or(said.server.port());
    Ok(match is_path(&name) {
        true => Host::Socket {
            path: PathBuf::from(name),
            port,
        },
        false => tcp(&name, port),
    })
}

fn tcp(name: &str, port: u16) -> Host {
    Host::Tcp {
        name: name.to_owned(),
        port,
    }
}

/// The password, from the first of the places that has one.
fn password(
    said: Option<Secret>,
    asked: &Asked,
    option_file: OptionFile,
    address: &Address,
) -> Result<Option<Secret>, Failure> {
    if said.is_some() {
        return Ok(said);
    }
    if let Some(name) = &asked.password_env {
        return secrets::of_variable(name).map(Some);
    }
    if let Some(path) = &asked.password_file {
        return secrets::of_file(path).map(Some);
    }
    match address.server {
        Server::Postgres => match variable("PGPASSWORD") {
            Some(password) => Ok(Some(Secret::new(password))),
            None => secrets::of_pgpass(address, POSTGRES_FOLDER),
        },
        Server::Mysql => Ok(variable("MYSQL_PWD")
            .map(Secret::new)
            .or(option_file.password)),
    }
}
