//! A small file system of a test's own, to be filled and made read-only (Linux).

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Run, command, finished};

/// Mounts and says so; stays until its standard input ends.
const KEEPER: &str =
    r#"mount -t tmpfs -o "size=$1" none "$2" && echo mounted && read -r the_end || exit 0"#;

/// A file system in memory that only processes see which are started through this value.
///
/// It lies in a mount namespace of its own, of which a shell is the first member: with a user
/// namespace where those are allowed, so that nobody need be root.
pub struct Mount {
    keeper: Child,
    place: PathBuf,
    /// Namespaces to enter, as `nsenter` has them.
    entry: &'static [&'static str],
}

impl Mount {
    /// Of `size` (as in `8m`) at a folder.
    ///
    /// # Errors
    /// Why this machine has none for us.
    pub fn new(place: &Path, size: &str) -> Result<Self, String> {
        let with_user: (&[&str], &'static [&str]) = (
            &["--user", "--map-root-user", "--mount"],
            &["--user", "--preserve-credentials", "--mount"],
        );
        let as_root: (&[&str], &'static [&str]) = (&["--mount"], &["--mount"]);
        let mut reasons = Vec::new();
        for (namespaces, entry) in [with_user, as_root] {
            let mut unshare = Command::new("unshare");
            unshare
                .args(namespaces)
                .args(["sh", "-c", KEEPER, "sh", size])
                .arg(place);
            match keeper(unshare) {
                Ok(keeper) => {
                    let place = place.to_owned();
                    return Ok(Self {
                        keeper,
                        place,
                        entry,
                    });
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    /// A program in here, not yet started; its folder is `/`.
    fn inside(&self, program: &Command) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.keeper.id()))
            .args(self.entry);
        command.arg(program.get_program()).args(program.get_args());
        command
    }

    /// `crosr` with these arguments, not yet started; relative paths start from `/`.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        self.inside(&command(&self.place, args))
    }

    /// Runs `crosr` with these arguments; relative paths start from `/`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn crosr(&self, args: &[&str]) -> Run {
        finished(self.command(args).output().expect("nsenter starts"))
    }

    /// Where everybody else finds a file of this file system.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        let inside = self.place.strip_prefix("/").expect("an absolute path");
        let root = format!("/proc/{}/root", self.keeper.id());
        Path::new(&root).join(inside).join(path)
    }

    /// Makes it read-only (`ro`) or writable again (`rw`).
    ///
    /// # Panics
    /// When that is refused for ten seconds: a file that is being written at this moment is in the
    /// way of `ro`.
    pub fn remount(&self, how: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.place);
        for _ in 0..1000 {
            let output = self.inside(&mount).output().expect("nsenter starts");
            if output.status.success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{}: cannot be made {how}", self.place.display());
    }

    /// Fills it up, but for so many bytes.
    ///
    /// # Panics
    /// When nothing can be written at all.
    pub fn fill_but(&self, free: u64) {
        let path = self.outside("filler");
        let mut filler = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("there");
        while filler.write_all(&[0; 4096]).is_ok() {}
        let length = filler.metadata().expect("there").len();
        filler
            .set_len(length.checked_sub(free).expect("so much was free"))
            .expect("ours");
    }

    /// Takes away what [`Mount::fill_but`] wrote.
    ///
    /// # Panics
    /// When it has written nothing.
    pub fn empty(&self) {
        fs::remove_file(self.outside("filler")).expect("written");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The end of its input is the end of the shell, and with it of the file system.
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

/// Starts what keeps a file system, and waits until it is there.
fn keeper(mut unshare: Command) -> Result<Child, String> {
    unshare
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut keeper = unshare.spawn().map_err(|e| format!("unshare: {e}"))?;
    let mut line = String::new();
    if let Some(stdout) = keeper.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).ok();
    }
    if line == "mounted\n" {
        return Ok(keeper);
    }
    let output = keeper
        .wait_with_output()
        .map_err(|e| format!("unshare: {e}"))?;
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(reason.replace('\n', ", "))
}
