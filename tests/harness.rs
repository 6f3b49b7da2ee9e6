//! Runs the real program in a scratch folder, in an environment that is the same for all tests
//! except for its time zone, which differs on purpose.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Time zones of the machine, none of which may change a result.
const ZONES: [Option<&str>; 6] = [
    None,
    Some("UTC"),
    Some("Asia/Kathmandu"),
    Some("America/St_Johns"),
    Some("Pacific/Apia"),
    Some("Foo/Bar"),
];

/// A folder of its own for one test, removed at the end.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sessionize-").tempdir();
        Self {
            folder: folder.expect("a scratch folder can be made"),
        }
    }

    /// The path of something in the folder, whether it is there or not.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and folders on the way to it.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file has a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a folder can be made");
        path
    }

    /// Makes a FIFO.
    pub(crate) fn fifo(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        tool("mkfifo", "coreutils", [&path]);
        path
    }

    /// What a file holds.
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
    }

    /// What a text file holds.
    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(name)).expect("the file is UTF-8")
    }

    /// The names in the folder, hidden ones too, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names_in(self.folder.path())
    }

    /// The program with these arguments, not yet run.
    pub(crate) fn sessionize<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Call {
        Call {
            folder: self.folder.path().to_owned(),
            program: env!("CARGO_BIN_EXE_sessionize").into(),
            around: Vec::new(),
            args: args.into_iter().map(|arg| arg.as_ref().into()).collect(),
            env: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
            is_quiet: true,
        }
    }

    /// Runs the program with these arguments and `--quiet`.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        self.sessionize(args).run()
    }
}

/// The names in a folder, hidden ones too, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.flatten().map(name).collect();
    names.sort();
    names
}

/// Runs a tool that a test needs, and fails naming its Debian package where it is missing.
pub(crate) fn tool<A: AsRef<OsStr>>(
    name: &str,
    package: &str,
    args: impl IntoIterator<Item = A>,
) -> String {
    let run = Command::new(name).args(args).output();
    let run = run.unwrap_or_else(|cause| panic!("{name}: {cause}; Debian package {package}"));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{name}: {} {said}", run.status);
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// Looks until `is_so` holds, and fails when it takes too long.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// One call of the program.
pub(crate) struct Call {
    folder: PathBuf,
    program: OsString,
    around: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    stdout: Option<File>,
    stderr: Option<File>,
    is_quiet: bool,
}

impl Call {
    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sends these bytes to standard input, which is empty otherwise.
    #[allow(dead_code, reason = "for the tests of standard input")]
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets an environment variable.
    #[cfg_attr(not(feature = "failpoints"), allow(dead_code))]
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Leaves `--quiet` away.
    pub(crate) fn loud(mut self) -> Self {
        self.is_quiet = false;
        self
    }

    /// Sends standard output to a file.
    pub(crate) fn stdout_to(mut self, file: File) -> Self {
        self.stdout = Some(file);
        self
    }

    /// Sends standard error to a file.
    pub(crate) fn stderr_to(mut self, file: File) -> Self {
        self.stderr = Some(file);
        self
    }

    /// Runs a copy of the program instead, for an account that may not see the build folder.
    pub(crate) fn program(mut self, path: impl Into<OsString>) -> Self {
        self.program = path.into();
        self
    }

    /// Runs the program by another one: `["strace", "-f"]`.
    pub(crate) fn under<A: AsRef<OsStr>>(mut self, around: impl IntoIterator<Item = A>) -> Self {
        self.around = around.into_iter().map(|arg| arg.as_ref().into()).collect();
        self
    }

    /// Runs the program to its end.
    pub(crate) fn run(self) -> Outcome {
        self.start().finish()
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start(self) -> Running {
        let zone = ZONES[random() % ZONES.len()];
        let words = self.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"SESSIONIZE_") {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1").env("TERM", "dumb");
        match zone {
            Some(zone) => command.env("TZ", zone),
            None => command.env_remove("TZ"),
        };
        command.envs(self.env);
        command
            .stdin(Stdio::piped())
            .stdout(self.stdout.map_or_else(Stdio::piped, Stdio::from))
            .stderr(self.stderr.map_or_else(Stdio::piped, Stdio::from));
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(cause) => panic!("{}: {cause}", words[0].display()),
        };
        let input = self.stdin.unwrap_or_default();
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A program that does not read its input is no failure of the test.
        let feed = move |stdin: &mut ChildStdin| drop(stdin.write_all(&input));
        thread::spawn(move || feed(&mut stdin));
        Running {
            call: format!("TZ={} {words:?}", zone.unwrap_or("(unset)")),
            stdout: child.stdout.take().map(gather),
            stderr: child.stderr.take().map(gather),
            child,
        }
    }

    fn words(&self) -> Vec<OsString> {
        let mut args = self.args.clone();
        if self.is_quiet {
            let end = args.iter().position(|arg| arg == "--");
            args.insert(end.unwrap_or(args.len()), "--quiet".into());
        }
        let mut words = self.around.clone();
        words.push(self.program.clone());
        words.append(&mut args);
        words
    }
}

fn gather(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is what the test sees.
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Any number; good enough to choose a time zone.
fn random() -> usize {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.subsec_nanos() as usize / 1000)
}

/// A program that runs.
pub(crate) struct Running {
    call: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name: `"INT"`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        tool("kill", "procps", ["-s", name, &id]);
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Outcome {
        let begun = Instant::now();
        let status = loop {
            match self
                .child
                .try_wait()
                .expect("the program can be waited for")
            {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    panic!("{} hangs", self.call);
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let all = |reader: Option<JoinHandle<Vec<u8>>>| {
            reader.map_or_else(Vec::new, |reader| reader.join().expect("a pipe is read"))
        };
        Outcome {
            stdout: all(self.stdout.take()),
            stderr: all(self.stderr.take()),
            call: std::mem::take(&mut self.call),
            status,
        }
    }
}

/// How a run ended.
pub(crate) struct Outcome {
    call: String,
    status: ExitStatus,
    /// Standard output, as bytes.
    pub(crate) stdout: Vec<u8>,
    /// Standard error, as bytes.
    pub(crate) stderr: Vec<u8>,
}

impl Outcome {
    /// The exit code, unless a signal killed the program.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that killed the program.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Standard output, as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("standard output is UTF-8")
    }

    /// Standard error, as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.stderr.clone()).expect("standard error is UTF-8")
    }

    /// Exit code 0 and nothing on standard error.
    #[track_caller]
    pub(crate) fn expect_ok(self) -> Self {
        assert!(
            self.code() == Some(0) && self.stderr.is_empty(),
            "expected success: {self:?}"
        );
        self
    }

    /// This exit code, an error on standard error, and no trace of a panic.
    #[track_caller]
    pub(crate) fn expect_failure(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{self:?}");
        assert!(!self.stderr.is_empty(), "expected an error: {self:?}");
        assert!(!self.stderr().contains("panicked"), "{self:?}");
        self
    }

    /// This text somewhere on standard error.
    #[track_caller]
    pub(crate) fn expect_stderr(self, text: &str) -> Self {
        assert!(self.stderr().contains(text), "expected {text:?}: {self:?}");
        self
    }
}

/// The call and everything it said, the long cut.
impl fmt::Debug for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
        write!(
            out,
            "{}\n{}\n--- stdout\n{}\n--- stderr\n{}",
            self.call,
            self.status,
            start(&self.stdout),
            start(&self.stderr)
        )
    }
}
