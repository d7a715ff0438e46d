//! The program `choreo-relay`, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{LONG, SocketAddr};

const PROGRAM: &str = env!("CARGO_BIN_EXE_choreo-relay");

/// A relay that runs until it is dropped.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Program {
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::start_with_log("info", args).await
    }

    pub(crate) async fn start_with_log(level: &str, args: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(args)
            .env("RUST_LOG", level)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, to) = (child.stderr.take().unwrap(), log.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..length]);
                to.lock().unwrap().push_str(&text);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(LONG, stdout.next_line()).await.unwrap().unwrap();
        let line = line.unwrap_or_else(|| panic!("{}", log.lock().unwrap()));
        let (_, address) = line.rsplit_once("://").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
            log,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// All that it has written to its log.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends it at once, as a crash does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has; true if it has done so in order.
    pub(crate) async fn terminate(&mut self) -> bool {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").arg(id).status().await.unwrap();
        assert!(kill.success());
        timeout(LONG, self.child.wait())
            .await
            .unwrap()
            .unwrap()
            .success()
    }

    /// The memory that it has in use, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

/// What the program says, and whether it ends well.
pub(crate) async fn run(args: &[&str]) -> (bool, String) {
    let output = Command::new(PROGRAM)
        .args(args)
        .stdin(Stdio::null())
        .output();
    let output = timeout(LONG, output).await.expect("it ends").unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A key file, removed when this is dropped.
pub(crate) struct Keys(PathBuf);

impl Keys {
    pub(crate) async fn make() -> Self {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("choreo-relay-{}-{number}.key", std::process::id());
        let keys = Self(std::env::temp_dir().join(name));
        let (well, text) = run(&["key", keys.path()]).await;
        assert!(well, "{text}");
        keys
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub(crate) fn file(&self) -> &Path {
        &self.0
    }

    pub(crate) async fn token(&self, session: &str, role: &str) -> String {
        let file = ["token", "--key-file", self.path()];
        let args = [&file[..], &["--session", session, "--role", role]].concat();
        let (well, text) = run(&args).await;
        assert!(well, "{text}");
        text.trim().to_owned()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
