//! A web server of a few lines, for misbehaving on purpose.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// The first byte asked for, if not all were.
    pub(crate) from: Option<usize>,
}

/// What is sent back, to the letter; then the connection is closed.
pub(crate) struct Reply(Vec<u8>);

impl Reply {
    /// Head lines without line ends, and a body.
    pub(crate) fn raw(head: &str, body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        Self(bytes)
    }

    /// All of it, whatever part was asked for.
    pub(crate) fn whole(body: &[u8]) -> Self {
        Self::announcing(body.len(), body)
    }

    /// A body and the length it is said to have.
    pub(crate) fn announcing(length: usize, body: &[u8]) -> Self {
        Self::raw(&format!("200 OK\r\nContent-Length: {length}"), body)
    }

    /// The part that was asked for, as a good server gives it.
    pub(crate) fn ranged(request: &Request, body: &[u8]) -> Self {
        let total = body.len();
        match request.from {
            None => Self::whole(body),
            Some(from) if from >= total => Self::raw(
                &format!(
                    "416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0"
                ),
                b"",
            ),
            Some(from) => Self::raw(
                &format!(
                    "206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\nContent-Length: {}",
                    total - 1,
                    total - from
                ),
                &body[from..],
            ),
        }
    }

    /// No content, only a status.
    pub(crate) fn status(status: &str) -> Self {
        Self::raw(&format!("{status}\r\nContent-Length: 0"), b"")
    }

    /// Not even an answer.
    pub(crate) fn hang_up() -> Self {
        Self(Vec::new())
    }
}

/// Serves until dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `answer` gets each request and how many came before it.
    pub(crate) fn start(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(connection) = connection else { continue };
                let Some(request) = read(&connection) else {
                    continue;
                };
                let earlier = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let Reply(bytes) = answer(&request, earlier);
                // A client that has seen enough hangs up; that is its right.
                let _ = (&connection).write_all(&bytes);
                let _ = connection.shutdown(Shutdown::Write);
            }
        });
        Self {
            address,
            requests,
            stop,
            thread: Some(thread),
        }
    }

    /// The address before a file's name, without a slash at the end.
    pub(crate) fn base(&self) -> String {
        format!("http://{}/files", self.address)
    }

    /// What was asked for so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first bytes asked for, request by request.
    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(|request| request.from).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the loop.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut from = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            return Some(Request { path, from });
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = Some(range.trim_end_matches('-').parse().unwrap());
        }
    }
    None
}
