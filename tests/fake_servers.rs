//! Servers that only listen to who wants to come in, and let nobody in: what a password would be
//! good for is not tried, but which one is sent, and whether TLS is asked for, can be seen.

use std::io::{Read, Result, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// What was heard at the door.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A request for TLS, before anything else.
    Tls,
    /// A password in plain text; empty for none.
    Plain(String),
    /// A password scrambled as `caching_sha2_password` has it; empty for none.
    Scrambled(Vec<u8>),
}

/// A fake server; it ends with the test's process.
pub(crate) struct FakeServer {
    heard: Receiver<Heard>,
}

impl FakeServer {
    /// A PostgreSQL on the socket with the usual port in a folder.
    pub(crate) fn postgres_in(folder: &Path) -> Self {
        Self::on_socket(&folder.join(".s.PGSQL.5432"), answer_postgres)
    }

    /// A MariaDB on a socket.
    pub(crate) fn mysql_on(socket: &Path) -> Self {
        Self::on_socket(socket, answer_mysql)
    }

    /// A PostgreSQL on a port of the loopback interface.
    pub(crate) fn postgres_on_tcp() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (sender, heard) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if let Ok(said) = answer_postgres(&mut stream) {
                    let _ = sender.send(said);
                }
            }
        });
        (Self { heard }, port)
    }

    fn on_socket(
        path: &Path,
        answer: impl Fn(&mut std::os::unix::net::UnixStream) -> Result<Heard> + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("a socket can be made");
        let (sender, heard) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if let Ok(said) = answer(&mut stream) {
                    let _ = sender.send(said);
                }
            }
        });
        Self { heard }
    }

    /// What the next caller said.
    pub(crate) fn heard(&self) -> Heard {
        let heard = self.heard.recv_timeout(Duration::from_secs(60));
        heard.expect("somebody knocks")
    }
}

/// Asks for the password in plain text, and refuses it.
fn answer_postgres(stream: &mut (impl Read + Write)) -> Result<Heard> {
    const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
    let opening = postgres_body(stream)?;
    if opening.starts_with(&SSL_REQUEST) {
        stream.write_all(b"N")?;
        return Ok(Heard::Tls);
    }
    stream.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
    stream.read_exact(&mut [0])?;
    let mut password = postgres_body(stream)?;
    password.pop();
    let fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0";
    stream.write_all(b"E")?;
    stream.write_all(&(4 + fields.len() as u32).to_be_bytes())?;
    stream.write_all(fields)?;
    Ok(Heard::Plain(
        String::from_utf8_lossy(&password).into_owned(),
    ))
}

fn postgres_body(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// Twenty bytes, none of them zero, to scramble passwords with.
const NONCE: &[u8; 20] = b"twenty letters here!";

/// Greets as MySQL 8 does, and refuses whoever answers.
fn answer_mysql(stream: &mut (impl Read + Write)) -> Result<Heard> {
    // Long password, database, protocol 41, transactions, secure connection, plugins.
    const LOWER: [u8; 2] = 0xa209_u16.to_le_bytes();
    const UPPER: [u8; 2] = 0x0008_u16.to_le_bytes();
    let mut greeting = b"\x0a8.0.0\0\x01\0\0\0".to_vec();
    greeting.extend(&NONCE[..8]);
    greeting.push(0);
    greeting.extend(LOWER);
    greeting.extend(b"\x2d\x02\0");
    greeting.extend(UPPER);
    greeting.push(21);
    greeting.extend([0; 10]);
    greeting.extend(&NONCE[8..]);
    greeting.extend(b"\0caching_sha2_password\0");
    mysql_packet(stream, 0, &greeting)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    // Four numbers and a filler, the user up to a zero, then the scramble with its length.
    let after_user = answer[32..].iter().position(|byte| *byte == 0);
    let at = 33 + after_user.unwrap_or(0);
    let scramble = answer[at + 1..at + 1 + usize::from(answer[at])].to_vec();
    mysql_packet(stream, head[3] + 1, b"\xff\x15\x04#28000Access denied")?;
    Ok(Heard::Scrambled(scramble))
}

fn mysql_packet(stream: &mut impl Write, number: u8, body: &[u8]) -> Result<()> {
    let length = (body.len() as u32).to_le_bytes();
    stream.write_all(&[length[0], length[1], length[2], number])?;
    stream.write_all(body)
}

/// What [`FakeServer::mysql_on`] hears of a password: its hash, and the hash of its hash's hash with
/// the server's word, laid over each other.
pub(crate) fn scrambled(password: &str) -> Heard {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let with_nonce = Sha256::new().chain_update(twice).chain_update(NONCE);
    let pairs = once.iter().zip(with_nonce.finalize());
    Heard::Scrambled(pairs.map(|(one, other)| one ^ other).collect())
}
