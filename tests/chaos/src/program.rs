use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The longest that anything takes here.
const LONG: Duration = Duration::from_secs(20);

/// The program `choreo-relay`, where it was built.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a>(&'a str);

impl<'a> Program<'a> {
    /// The program at that path.
    #[must_use]
    pub const fn at(path: &'a str) -> Self {
        Self(path)
    }

    /// Starts a relay and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start(self, args: &[&str]) -> Process {
        self.start_with_log("info", args).await
    }

    /// Starts a relay with these keys at that address, or at a free port for port 0.
    ///
    /// # Panics
    /// When it does not listen.
    pub async fn start_at(self, address: SocketAddr, keys: &Keys<'_>, more: &[&str]) -> Process {
        let listen = address.to_string();
        let args = ["--key-file", keys.path(), "--listen", &listen];
        self.start(&[&args[..], more].concat()).await
    }

    /// As [`start`](Self::start), with so much in its log.
    ///
    /// # Panics
    /// When it does not listen.
    pub async fn start_with_log(self, level: &str, args: &[&str]) -> Process {
        let mut child = Command::new(self.0)
            .args(args)
            .env("RUST_LOG", level)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.0));
        let log = Log::default();
        let (mut stderr, to) = (child.stderr.take().expect("it is piped"), log.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                to.write(&buffer[..length]);
            }
        });
        let stdout = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(LONG, lines.next_line()).await;
        let line = line.expect("it says where it listens").expect("UTF-8");
        let line = line.unwrap_or_else(|| panic!("the relay has ended: {}", log.read()));
        let (_, address) = line.rsplit_once("://").expect("an address");
        Process {
            address: address.parse().expect("an address"),
            child,
            log,
        }
    }

    /// What the program says, and whether it ends well.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn run(self, args: &[&str]) -> (bool, String) {
        let output = Command::new(self.0)
            .args(args)
            .stdin(Stdio::null())
            .output();
        let output = timeout(LONG, output).await.expect("it ends");
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.0));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        (output.status.success(), text)
    }

    /// A new key file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn make_keys(self) -> Keys<'a> {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("choreo-relay-{}-{number}.key", std::process::id());
        let keys = Keys {
            program: self,
            file: std::env::temp_dir().join(name),
        };
        let (well, text) = self.run(&["key", keys.path()]).await;
        assert!(well, "{text}");
        keys
    }
}

/// A relay, as a process of its own, that runs until this is dropped.
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    log: Log,
}

impl Process {
    /// Where it listens, for a WebSocket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// All that it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.read()
    }

    /// Ends it at once, as a crash does.
    ///
    /// # Panics
    /// When it has ended before.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Asks it to end, and waits until it has; true if it has done so in order.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn terminate(&mut self) -> bool {
        let id = self.id().to_string();
        let kill = Command::new("kill").arg(id).status().await;
        assert!(kill.expect("there is such a program").success());
        let ended = timeout(LONG, self.child.wait()).await.expect("it ends");
        ended.expect("it is a child").success()
    }

    /// The memory that it has in use, in KiB.
    ///
    /// # Panics
    /// When the system does not tell.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.expect("a number of KiB")
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}

/// A key file, removed when this is dropped.
pub struct Keys<'a> {
    program: Program<'a>,
    file: PathBuf,
}

impl Keys<'_> {
    /// Its path, for a command line.
    ///
    /// # Panics
    /// When the folder for such files is not named in UTF-8.
    #[must_use]
    pub fn path(&self) -> &str {
        self.file.to_str().expect("UTF-8")
    }

    /// Its path.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A token that lets one process play the role in the session.
    ///
    /// # Panics
    /// When the program makes none.
    pub async fn token(&self, session: &str, role: &str) -> String {
        let file = ["token", "--key-file", self.path()];
        let args = [&file[..], &["--session", session, "--role", role]].concat();
        let (well, text) = self.program.run(&args).await;
        assert!(well, "{text}");
        text.trim().to_owned()
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// What a process has written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn write(&self, bytes: &[u8]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
    }

    fn read(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&all).into_owned()
    }
}
