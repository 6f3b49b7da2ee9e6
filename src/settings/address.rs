//! Addresses of servers as they are typed: `postgres://user:password@host:port/database?key=value`.
//! They are read here rather than by a package: `postgres://user@/database?host=/folder`, which
//! psql takes, is no URL to the WHATWG. No refusal repeats any of the text, which may hold a
//! password, but the name of a parameter.

use std::net::Ipv6Addr;

use crate::import::address::{Secret, Server, Tls};

/// What an address says; nothing is filled in.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) server: Server,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    /// A name, an address, or for PostgreSQL the folder of a socket.
    pub(super) host: Option<String>,
    /// MySQL's socket.
    pub(super) socket: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) tls: Option<Tls>,
    pub(super) ca_file: Option<String>,
}

/// Why an address was refused, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// How every refusal begins.
pub(super) const ADDRESS: &str = "the address";
const FORM: &str = "expected postgres://user@host:5432/database or mysql://user@host:3306/database";
const SIGNS: &str =
    "in a user, password or name write @ as %40, / as %2F, ? as %3F, # as %23, % as %25";

impl Refusal {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help: Some(help),
        }
    }
}

/// The schemes of addresses.
const SCHEMES: [(&str, Server); 4] = [
    ("postgres", Server::Postgres),
    ("postgresql", Server::Postgres),
    ("mysql", Server::Mysql),
    ("mariadb", Server::Mysql),
];

/// The server and what follows the scheme, for a text that begins with one.
fn split_scheme(text: &str) -> Option<(Server, &str)> {
    let (typed, rest) = text.split_once(':')?;
    let known = |(scheme, _): &&(&str, Server)| scheme.eq_ignore_ascii_case(typed);
    let (_, server) = SCHEMES.iter().find(known)?;
    Some((*server, rest))
}

/// Whether a text is meant as the address of a server, well-formed or not.
pub(super) fn is_address(text: &str) -> bool {
    split_scheme(text).is_some()
}

/// Whether a text could hold a password although it begins with no scheme that is known:
/// `ro:secret@host/database`.
pub(super) fn may_hold_password(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, after)| after.contains('@'))
}

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<Said, Refusal> {
    let malformed = |what: &str| Refusal::new(format!("the address {what}"), FORM);
    let unclear = |what: &str| Refusal::new(format!("the address {what}"), SIGNS);
    let (server, rest) = split_scheme(text).ok_or_else(|| malformed("has no known scheme"))?;
    let rest = rest
        .strip_prefix("//")
        .ok_or_else(|| malformed("has no // after its scheme"))?;
    if rest.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err(unclear("has a blank or a control character in it"));
    }
    if rest.contains('#') {
        return Err(unclear("has a # in it"));
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    if database.contains('@') || query.contains('@') {
        return Err(unclear("has an @ after its host"));
    }
    if database.contains('/') {
        return Err(unclear("has a / in the name of its database"));
    }
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (host, port) = host_and_port(place)?;
    let mut said = Said {
        server,
        user: filled(decoded(user)?),
        password: filled(decoded(password)?).map(Secret::new),
        host,
        socket: None,
        port,
        database: filled(decoded(database)?),
        tls: None,
        ca_file: None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        said.take(pair)?;
    }
    match said.server {
        Server::Mysql if said.host.as_ref().is_some_and(|host| is_path(host)) => {
            said.socket = said.socket.or(said.host.take());
        }
        _ => {}
    }
    Ok(said)
}

impl Said {
    /// Takes one `key=value` over what was said before it, as libpq does.
    fn take(&mut self, pair: &str) -> Result<(), Refusal> {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Refusal::new(
                "the address has a parameter without a value",
                "write & as %26",
            )
        })?;
        let (key, value) = (decoded(key)?, decoded(value)?);
        match (key.as_str(), self.server) {
            ("user", _) => self.user = filled(value),
            ("password", _) => self.password = filled(value).map(Secret::new),
            ("dbname", _) => self.database = filled(value),
            ("host", _) => self.host = filled(checked_host(value)?),
            ("port", _) => self.port = port(&value)?,
            ("socket" | "unix_socket", Server::Mysql) if is_path(&value) => {
                self.socket = Some(value);
            }
            ("socket" | "unix_socket", Server::Mysql) => {
                let message = "the address names a socket that does not begin with /";
                return Err(Refusal::new(message, "write its whole path"));
            }
            ("sslmode" | "ssl-mode", _) => self.tls = Some(tls(&value)?),
            ("sslrootcert" | "ssl-ca", _) => self.ca_file = filled(value),
            (key, _) => return Err(self.unknown(key)),
        }
        Ok(())
    }

    /// An unknown parameter is named, unless it may be the end of a password with a bare `&`.
    fn unknown(&self, key: &str) -> Refusal {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        let help = match self.server {
            Server::Postgres => {
                "known are host, port, user, password, dbname, sslmode, sslrootcert"
            }
            Server::Mysql => {
                "known are host, port, socket, user, password, dbname, ssl-mode, ssl-ca"
            }
        };
        match self.password.is_none() && key.len() <= 40 && key.chars().all(plain) {
            true => Refusal::new(
                format!("the address has an unknown parameter \"{key}\""),
                help,
            ),
            false => Refusal::new("the address has an unknown parameter", help),
        }
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(super) fn is_path(host: &str) -> bool {
    host.starts_with('/')
}

/// `host`, `host:port`, `[address]:port`, or nothing.
fn host_and_port(place: &str) -> Result<(Option<String>, Option<u16>), Refusal> {
    let not_closed = || Refusal::new("the address has a [ without its ]", FORM);
    let (host, digits) = match place.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or_else(not_closed)?;
            let address = inside.parse::<Ipv6Addr>().map_err(|_| {
                let message = "the address has no IPv6 address in its [ ]";
                Refusal::new(message, FORM)
            })?;
            let digits = match after.strip_prefix(':') {
                Some(digits) => digits,
                None if after.is_empty() => "",
                None => return Err(Refusal::new("the address has a sign after ]", FORM)),
            };
            (address.to_string(), digits)
        }
        None => {
            let (name, digits) = place.rsplit_once(':').unwrap_or((place, ""));
            (checked_host(decoded(name)?)?, digits)
        }
    };
    Ok((filled(host), port(digits)?))
}

/// A host that can be printed, or a path.
pub(super) fn checked_host(host: String) -> Result<String, Refusal> {
    if host.contains(',') {
        let message = "the address names several hosts";
        return Err(Refusal::new(
            message,
            "name one; the rows are read from one server",
        ));
    }
    let plain = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
    if is_path(&host) || host.chars().all(plain) || host.parse::<Ipv6Addr>().is_ok() {
        return Ok(host);
    }
    let message = "the address has a sign in its host that no host has";
    Err(Refusal::new(
        message,
        "an IPv6 address stands in [ ]; in a password write @ as %40, : as %3A",
    ))
}

/// A port, or nothing where nothing stands.
pub(super) fn port(digits: &str) -> Result<Option<u16>, Refusal> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match (digits.is_empty(), digits.parse::<u16>()) {
        (true, _) => Ok(None),
        (false, Ok(port)) if is_plain && port > 0 => Ok(Some(port)),
        _ => Err(Refusal::new(
            "the address has a port that is not a number from 1 to 65535",
            SIGNS,
        )),
    }
}

/// How the connection is protected, in the words of libpq or of MySQL.
fn tls(mode: &str) -> Result<Tls, Refusal> {
    match mode.to_ascii_lowercase().as_str() {
        "disable" | "disabled" => Ok(Tls::Off),
        "require" | "required" => Ok(Tls::Require),
        "verify-ca" | "verify_ca" => Ok(Tls::VerifyCa),
        "verify-full" | "verify_identity" => Ok(Tls::VerifyFull),
        "allow" | "prefer" | "preferred" => Err(Refusal::new(
            "the address leaves it to the server whether the connection is encrypted",
            "choose disable, require, verify-ca or verify-full",
        )),
        _ => Err(Refusal::new(
            "the address asks for an unknown sslmode",
            "choose disable, require, verify-ca or verify-full",
        )),
    }
}

/// The text with its `%41` decoded.
fn decoded(text: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::new("the address has a % that begins no %41, or no UTF-8", SIGNS);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (high, low) = (high.ok_or_else(wrong)?, low.ok_or_else(wrong)?);
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            byte => byte,
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(wrong()),
    }
}
