//! A proxy between the program and a test's server, for faults of the network.

#![expect(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::wait_until;

/// What happens to the connections.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// They end after so many bytes from the server.
    CutAfter(u64),
    /// The server is silent after so many bytes, until [`Proxy::go_on`].
    HoldAfter(u64),
    /// So many of them end at once, before the server is asked.
    Refuse(u64),
}

/// Forwards connections to `127.0.0.1:port` to a server's socket, until it is dropped.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    socket: PathBuf,
    fault: Fault,
    connections: AtomicU64,
    bytes: AtomicU64,
    goes_on: AtomicBool,
    is_over: AtomicBool,
}

impl Proxy {
    /// Listens before it returns.
    pub(crate) fn start(socket: &Path, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            socket: socket.to_owned(),
            fault,
            connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            goes_on: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let forwarder = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if forwarder.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let before = forwarder.connections.fetch_add(1, Ordering::SeqCst);
                match forwarder.fault {
                    Fault::Refuse(count) if before < count => drop(client),
                    _ => forward(&client, &forwarder),
                }
            }
        });
        Self { port, shared }
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server and were passed on.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// Waits until the server's bytes are held back.
    pub(crate) fn wait_until_held(&self) {
        let Fault::HoldAfter(count) = self.shared.fault else {
            panic!("this proxy holds nothing");
        };
        wait_until("the proxy holds", || self.bytes() >= count);
    }

    /// Passes on what was held back, and all that follows.
    pub(crate) fn go_on(&self) {
        self.shared.goes_on.store(true, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.go_on();
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Starts one thread for each direction.
fn forward(client: &TcpStream, shared: &Arc<Shared>) {
    // The server may be dead; then the client's connection ends.
    let Ok(server) = UnixStream::connect(&shared.socket) else {
        return;
    };
    let (mut questions, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut questions, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let (shared, client) = (Arc::clone(shared), client.try_clone().unwrap());
    thread::spawn(move || {
        pass_answers(server, &client, &shared);
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// Passes the server's bytes on until they end or are cut.
fn pass_answers(mut server: UnixStream, mut client: &TcpStream, shared: &Shared) {
    let mut left = match shared.fault {
        Fault::CutAfter(count) | Fault::HoldAfter(count) => count,
        Fault::None | Fault::Refuse(_) => u64::MAX,
    };
    let mut buffer = [0; 4096];
    loop {
        if left == 0 {
            match shared.fault {
                Fault::CutAfter(_) => break,
                _ => wait_to_go_on(shared),
            }
            left = u64::MAX;
        }
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let Ok(count @ 1..) = server.read(&mut buffer[..most]) else {
            break;
        };
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
        left -= count as u64;
        shared.bytes.fetch_add(count as u64, Ordering::SeqCst);
    }
    let _ = server.shutdown(Shutdown::Both);
}

fn wait_to_go_on(shared: &Shared) {
    while !shared.goes_on.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(5));
    }
}
