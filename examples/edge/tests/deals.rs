//! The buyer, natively and in edge runtimes, deals with the seller's program.
#![cfg(not(target_arch = "wasm32"))]

use std::path::Path;
use std::process::Stdio;

use edge::buy;
use edge::protocol::Wish;
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// What is wanted, how many cents it may cost, and how that ends.
const DEALS: [(&str, u32, u32, &str); 4] = [
    ("apples", 3, 200, "sold for 120 cents, receipt 1"),
    ("quinces", 2, 179, "too dear at 180 cents"),
    ("figs", 1, 1000, "not sold here"),
    ("quinces", 2, 180, "sold for 180 cents, receipt 2"),
];

/// A program whose output is read; it ends with this.
struct Program {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = process.stdout.take().unwrap();
        Self {
            _process: process,
            lines: BufReader::new(output).lines(),
        }
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.unwrap().expect("it has ended")
    }
}

/// The seller's program, and its address.
async fn seller() -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-seller"));
    let mut seller = Program::start(command.arg("127.0.0.1:0"));
    let line = seller.line().await;
    let address = line.split_whitespace().next_back().unwrap().to_owned();
    (seller, address)
}

/// The path of a file of this example.
fn file(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The runtime to which a variable points.
fn runtime(variable: &str) -> Command {
    let path = std::env::var_os(variable);
    Command::new(path.unwrap_or_else(|| panic!("{variable} is not set; run `cargo xtask test`")))
}

#[tokio::test]
async fn natively() {
    let (mut seller, address) = seller().await;
    for (index, (goods, count, most, ends)) in DEALS.into_iter().enumerate() {
        let goods = goods.to_owned();
        let wish = Wish { goods, count };
        let outcome = buy(&address, &format!("deal {index}"), &wish, most.into()).await;
        assert_eq!(outcome.unwrap().to_string(), ends);
        let deal = format!("{count} {}: {ends}", wish.goods);
        assert_eq!(seller.line().await, deal);
    }
}

/// Runs the buyer in Deno to its end: whether it went well, and what it wrote to which stream.
async fn deno(seller: &str, goods: &str, count: u32, most: u32) -> (bool, String, String) {
    let cache = tempfile::tempdir().unwrap();
    let output = runtime("CHOREO_EDGE_DENO")
        .args(["run", "--allow-net", "--allow-read"])
        .arg(file("deno/main.js"))
        .args([seller, goods, &count.to_string(), &most.to_string()])
        .env("DENO_DIR", cache.path())
        .env("DENO_NO_UPDATE_CHECK", "1")
        .env("NO_COLOR", "1")
        .output();
    let output = output.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    (output.status.success(), out, err)
}

#[tokio::test]
#[ignore = "needs Deno and the module: cargo xtask test --edge"]
async fn in_deno() {
    let (mut seller, address) = seller().await;
    for (goods, count, most, ends) in DEALS {
        let (well, out, err) = deno(&address, goods, count, most).await;
        assert!(well, "{err}");
        assert_eq!(out.trim_end(), ends);
        assert_eq!(seller.line().await, format!("{count} {goods}: {ends}"));
    }

    let nowhere = address.replace("/seller", "/nowhere");
    let (well, out, err) = deno(&nowhere, "apples", 1, 100).await;
    assert!(!well && out.is_empty(), "{out}");
    assert!(err.contains("404"), "{err}");
}

/// Starts workerd with the worker, whose seller has that address; gives the worker's address.
async fn workerd(seller: &str) -> (Program, String) {
    let mut command = runtime("CHOREO_EDGE_WORKERD");
    command
        .arg("serve")
        .arg(file("workerd/config.capnp"))
        // Any free port, and it says which.
        .args(["--socket-addr=http=127.0.0.1:0", "--control-fd=1"])
        .env("SELLER", seller);
    let mut workerd = Program::start(&mut command);
    let event: serde_json::Value = serde_json::from_str(&workerd.line().await).unwrap();
    let address = format!("http://127.0.0.1:{}/", event["port"]);
    (workerd, address)
}

/// What the worker answers: the status and the text.
async fn ask(worker: &str, goods: &str, count: u32, most: u32) -> (u16, String) {
    let url = format!("{worker}?goods={goods}&count={count}&most={most}");
    // The client asks for one where TLS is compiled in, though it is not used here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap())
}

#[tokio::test]
#[ignore = "needs workerd and the module: cargo xtask test --edge"]
async fn in_workerd() {
    let (mut seller, address) = seller().await;
    let (_workerd, worker) = workerd(&address).await;
    for (goods, count, most, ends) in DEALS {
        let answer = ask(&worker, goods, count, most).await;
        assert_eq!(answer, (200, format!("{ends}\n")));
        assert_eq!(seller.line().await, format!("{count} {goods}: {ends}"));
    }

    let nowhere = address.replace("/seller", "/nowhere");
    let (_workerd, worker) = workerd(&nowhere).await;
    let (status, text) = ask(&worker, "apples", 1, 100).await;
    assert_eq!(status, 502);
    assert!(text.contains("404"), "{text}");
}

/// One module serves all requests of a worker, and each has sessions and a connection of its own.
#[tokio::test]
#[ignore = "needs workerd and the module: cargo xtask test --edge"]
async fn in_workerd_at_the_same_time() {
    const DEALS: u32 = 12;
    let (mut seller, address) = seller().await;
    let (_workerd, worker) = workerd(&address).await;
    let asked = (1..=DEALS).map(|count| ask(&worker, "pears", count, 1000));
    let answers = join_all(asked).await;

    let mut told = Vec::new();
    for _ in 0..DEALS {
        told.push(seller.line().await);
    }
    let mut receipts = Vec::new();
    for (count, (status, text)) in (1..=DEALS).zip(answers) {
        let ends = text.trim_end();
        assert_eq!(status, 200, "{ends}");
        assert!(told.contains(&format!("{count} pears: {ends}")), "{told:?}");
        let cents = format!("sold for {} cents, receipt ", count * 55);
        let receipt = ends.strip_prefix(&cents).expect(ends);
        receipts.push(receipt.parse::<u32>().unwrap());
    }
    receipts.sort_unstable();
    assert_eq!(receipts, Vec::from_iter(1..=DEALS));
}
