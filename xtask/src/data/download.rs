//! Getting one file: resumed where it was left, tried again when the network fails, and given its
//! final name only once its checksum is right.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::digest::{self, Digests, Expected};
use crate::ui::Progress;

/// Why a file did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DownloadError {
    /// The server refused.
    #[error("{url}: the server answered {status}")]
    Status { url: String, status: StatusCode },
    /// The connection could not be made, or broke.
    #[error("{url}: {source}")]
    Network { url: String, source: ureq::Error },
    /// The body ended before its announced end.
    #[error("{url}: only {received} of {announced} bytes came")]
    Short {
        url: String,
        received: u64,
        announced: u64,
    },
    /// The answer to a request for the rest of a file does not fit what is here.
    #[error("{url}: asked for the bytes from {have} on, the server answered {answer:?}")]
    Range {
        url: String,
        have: u64,
        answer: String,
    },
    /// More bytes than this file can have.
    #[error("{url}: more than {limit} bytes, this is not the file; the download was removed")]
    TooLarge { url: String, limit: u64 },
    /// Complete, but not the file that was published.
    #[error(
        "{url}: wrong checksum, the download was removed: {kind} {expected} expected, {found} found"
    )]
    Checksum {
        url: String,
        kind: &'static str,
        expected: String,
        found: String,
    },
    /// The file cannot be written or read here.
    #[error("{path}: {source}", path = path.display())]
    Disk { path: PathBuf, source: io::Error },
}

impl DownloadError {
    /// Whether the same request may well succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                status.is_server_error()
                    || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(status)
            }
            Self::Network { source, .. } => match source {
                // A certificate that is not trusted stays so.
                ureq::Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
                ureq::Error::Timeout(_)
                | ureq::Error::ConnectionFailed
                | ureq::Error::Protocol(_)
                | ureq::Error::BodyStalled => true,
                _ => false,
            },
            Self::Short { .. } | Self::Range { .. } => true,
            Self::TooLarge { .. } | Self::Checksum { .. } | Self::Disk { .. } => false,
        }
    }
}

/// How patient a download is.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    /// Attempts in a row that bring nothing new before it is given up.
    pub(crate) attempts: u32,
    /// The pause after the first failure; doubled after every further one.
    pub(crate) first_pause: Duration,
    /// How long to wait for a connection, an answer, or the next bytes.
    pub(crate) silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_secs(1),
            silence: Duration::from_secs(30),
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a str,
    /// Its final name; while it is incomplete, `.part` is appended.
    pub(crate) target: &'a Path,
    pub(crate) expected: &'a Expected,
    /// Most bytes it may have.
    pub(crate) limit: u64,
}

/// Downloads over one pool of connections.
pub(crate) struct Downloader {
    agent: Agent,
    patience: Patience,
}

impl Downloader {
    /// Uses the proxy that the environment names.
    pub(crate) fn new(patience: Patience) -> Self {
        Self::with_config(Agent::config_builder(), patience)
    }

    /// Goes straight to the server.
    #[cfg(test)]
    pub(crate) fn without_proxy(patience: Patience) -> Self {
        Self::with_config(Agent::config_builder().proxy(None), patience)
    }

    fn with_config(
        config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>,
        patience: Patience,
    ) -> Self {
        let agent = config
            .http_status_as_error(false)
            // The bytes are wanted as they were published: a .gz is not to be unpacked on the way.
            .accept_encoding("identity")
            .user_agent(concat!("crosr-fetch-data/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(patience.silence))
            .timeout_recv_response(Some(patience.silence))
            .timeout_per_read(Some(patience.silence))
            .build()
            .new_agent();
        Self { agent, patience }
    }

    /// Brings the file to its final name and says what it is.
    ///
    /// A file pieced together from several answers that turns out wrong is fetched once more from
    /// the start: the server's file may have changed in between.
    ///
    /// # Errors
    /// Whatever the last attempt failed with. Nothing is at the final name then; an incomplete
    /// `.part` stays for the next run, a complete but wrong one is removed.
    pub(crate) fn download(
        &self,
        wanted: &Wanted<'_>,
        progress: &mut Progress,
    ) -> Result<Digests, DownloadError> {
        let part = part_of(wanted.target);
        let disk = |source| DownloadError::Disk {
            path: part.clone(),
            source,
        };
        if let Some(folder) = part.parent() {
            fs::create_dir_all(folder).map_err(disk)?;
        }
        let mut may_start_over = true;
        loop {
            let pieced = self.complete(wanted, &part, progress)?;
            let found = digest::of_file(&part).map_err(disk)?;
            let Err(mismatch) = wanted.expected.check(&found) else {
                File::open(&part)
                    .and_then(|file| file.sync_all())
                    .map_err(disk)?;
                fs::rename(&part, wanted.target).map_err(disk)?;
                return Ok(found);
            };
            fs::remove_file(&part).map_err(disk)?;
            if pieced && may_start_over {
                may_start_over = false;
                progress.note(&format!(
                    "{}: the pieces do not make the file (wrong {}); once more from the start",
                    wanted.url, mismatch.kind
                ));
                continue;
            }
            return Err(DownloadError::Checksum {
                url: wanted.url.to_owned(),
                kind: mismatch.kind,
                expected: mismatch.expected,
                found: mismatch.found,
            });
        }
    }

    /// Repeats attempts until all bytes are in `part`. Says whether they came in pieces.
    fn complete(
        &self,
        wanted: &Wanted<'_>,
        part: &Path,
        progress: &mut Progress,
    ) -> Result<bool, DownloadError> {
        let mut furthest = length(part);
        let mut failures = 0;
        loop {
            let error = match self.attempt(wanted, part, progress) {
                Ok(pieced) => return Ok(pieced),
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) => error,
            };
            // An attempt that got further than all before it starts the count anew: a line that
            // drops every few megabytes still brings the file.
            if length(part) > furthest {
                furthest = length(part);
                failures = 0;
            }
            failures += 1;
            if failures >= self.patience.attempts {
                return Err(error);
            }
            let pause = self.patience.first_pause * 2_u32.saturating_pow(failures - 1);
            progress.note(&format!("{error}; again in {:.0} s", pause.as_secs_f64()));
            thread::sleep(pause);
        }
    }

    /// One request. Says whether it continued bytes that were there.
    fn attempt(
        &self,
        wanted: &Wanted<'_>,
        part: &Path,
        progress: &mut Progress,
    ) -> Result<bool, DownloadError> {
        let url = || wanted.url.to_owned();
        let disk = |source| DownloadError::Disk {
            path: part.to_owned(),
            source,
        };
        let have = length(part);
        let mut request = self.agent.get(wanted.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request
            .call()
            .map_err(|source| DownloadError::Network { url: url(), source })?;
        let rest = match response.status() {
            StatusCode::OK => Rest {
                from: 0,
                length: response.body().content_length(),
            },
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                match rest_of(&response, have) {
                    Some(rest) => rest,
                    None => {
                        // What is here is of no use to this server: begin again without it.
                        fs::remove_file(part).map_err(disk)?;
                        let answer = content_range(&response).unwrap_or_default().to_owned();
                        return Err(DownloadError::Range {
                            url: url(),
                            have,
                            answer,
                        });
                    }
                }
            }
            status => return Err(DownloadError::Status { url: url(), status }),
        };
        let total = rest.length.map(|length| rest.from.saturating_add(length));
        progress.begin(rest.from, total);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(part)
            .map_err(disk)?;
        file.set_len(rest.from).map_err(disk)?;
        file.seek(SeekFrom::Start(rest.from)).map_err(disk)?;
        let mut at = rest.from;
        if total != Some(at) {
            let mut body = response.into_body().into_reader();
            let mut buffer = vec![0; 1 << 17];
            loop {
                let count = match body.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // A body that ends early is told below, with its numbers.
                    Err(error)
                        if total.is_some() && error.kind() == io::ErrorKind::UnexpectedEof =>
                    {
                        break;
                    }
                    Err(source) => {
                        let source = ureq::Error::Io(source);
                        return Err(DownloadError::Network { url: url(), source });
                    }
                };
                at += count as u64;
                if at > wanted.limit {
                    drop(file);
                    fs::remove_file(part).map_err(disk)?;
                    return Err(DownloadError::TooLarge {
                        url: url(),
                        limit: wanted.limit,
                    });
                }
                file.write_all(&buffer[..count]).map_err(disk)?;
                progress.at(at);
            }
        }
        match total {
            Some(announced) if announced != at => Err(DownloadError::Short {
                url: url(),
                received: at,
                announced,
            }),
            _ => Ok(rest.from > 0),
        }
    }
}

/// The bytes that an answer brings.
struct Rest {
    from: u64,
    length: Option<u64>,
}

/// What a 206 or a 416 says of the bytes after the first `have`; `None` if it does not continue
/// exactly there, or contradicts itself.
fn rest_of(response: &Response<Body>, have: u64) -> Option<Rest> {
    let (range, total) = content_range(response)?
        .strip_prefix("bytes ")?
        .split_once('/')?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // There is no more: right if the whole file is here.
        return (range == "*" && total.parse() == Ok(have)).then_some(Rest {
            from: have,
            length: Some(0),
        });
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (start.parse::<u64>().ok()?, end.parse::<u64>().ok()?);
    let length = end.checked_sub(start)?.checked_add(1)?;
    let ends = total == "*" || total.parse() == Ok(end.checked_add(1)?);
    let announced = response
        .body()
        .content_length()
        .is_none_or(|announced| announced == length);
    (start == have && ends && announced).then_some(Rest {
        from: have,
        length: Some(length),
    })
}

fn content_range(response: &Response<Body>) -> Option<&str> {
    response.headers().get(header::CONTENT_RANGE)?.to_str().ok()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |data| data.len())
}

/// The name of a file that is not complete.
pub(crate) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}
