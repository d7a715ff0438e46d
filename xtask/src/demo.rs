//! The browser examples, built and served with what they need.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::bundle::{self, Tuned};
use crate::exec;
use crate::peer;
use crate::serve;
use crate::setup::Needs;
use crate::workspace::{NATIVE_SERVER, PING_PONG, PING_PONG_DEMO, RELAY, TWO_BROWSERS, Workspace};

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to show
    #[arg(value_enum, default_value_t = Demo::PingPong)]
    demo: Demo,
    /// The port to serve on; without it, 8000 or the next one that is free
    #[arg(long)]
    port: Option<u16>,
    /// Open the page in the default browser
    #[arg(long)]
    open: bool,
}

/// What there is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Demo {
    /// Two roles in one page, over layers that are chosen there
    PingPong,
    /// One role in each window, through a relay, over connections that break
    TwoBrowsers,
    /// One role in a page, the other a native program that serves it
    NativeServer,
}

impl Demo {
    /// The package of the page.
    fn page(self) -> &'static str {
        match self {
            Self::PingPong => PING_PONG,
            Self::TwoBrowsers | Self::NativeServer => TWO_BROWSERS,
        }
    }

    /// The features of the page; none are those that it has by itself.
    fn features(self) -> &'static [&'static str] {
        match self {
            Self::PingPong => PING_PONG_DEMO,
            Self::TwoBrowsers | Self::NativeServer => &[],
        }
    }
}

/// Builds an example, serves it and says where, until Ctrl-C.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        own_std: true,
        ..Needs::default()
    };
    needs.install(workspace)?;
    let (page, features) = (args.demo.page(), args.demo.features());
    let build = |status: &_| bundle::build_with(workspace, page, features, Tuned::Size, status);
    let bundle = exec::step(&format!("build {page}"), build)?;
    let alone = |package| workspace.cargo(["build", "--package", package, "--bin", package]);
    serve::runtime()?.block_on(async {
        let listener = serve::listen(args.port).await?;
        let url = serve::url(&listener)?;
        match args.demo {
            Demo::PingPong => {
                let shown = [("The demo is at", url)];
                until_ctrl_c(args, &shown, listener, serve::files(&bundle.dir)).await
            }
            Demo::TwoBrowsers => {
                let pages = serve::origins(&url);
                let start = |status: &_| peer::relay(alone(RELAY), &pages, status);
                let relay = exec::step("start the relay", start)?;
                let page = |role| {
                    let relay = &relay.url;
                    format!("{url}{TWO_BROWSERS}/?role={role}&session=demo&relay={relay}")
                };
                let shown = [("Alice", page("Alice")), ("Bob", page("Bob"))];
                let examples = workspace.examples();
                until_ctrl_c(args, &shown, listener, serve::files(&examples)).await
            }
            Demo::NativeServer => {
                // It takes the port that was free a moment ago.
                let address = listener.local_addr()?.to_string();
                drop(listener);
                let start =
                    |status: &_| peer::native_server(alone(NATIVE_SERVER), &address, status);
                let server = exec::step("start the server", start)?;
                show(args, &[("Bob answers at", format!("{}/", server.url))]);
                ctrl_c().await?;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

/// Serves until Ctrl-C.
async fn until_ctrl_c(
    args: &Args,
    shown: &[(&str, String)],
    listener: TcpListener,
    router: axum::Router,
) -> Result<ExitCode> {
    show(args, shown);
    tokio::select! {
        served = axum::serve(listener, router) => served.context("the file server stopped")?,
        stop = ctrl_c() => stop?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn ctrl_c() -> Result<()> {
    let stop = tokio::signal::ctrl_c().await;
    stop.context("cannot wait for Ctrl-C")?;
    println!("\n  Stopped.");
    Ok(())
}

/// Prints the addresses, and opens the first one if that is wanted.
fn show(args: &Args, shown: &[(&str, String)]) {
    let width = shown.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    println!();
    for (what, url) in shown {
        println!("  {what:width$}  {url}");
    }
    println!("\n  Ctrl-C stops it.\n");
    if let (true, Some((_, url))) = (args.open, shown.first()) {
        open(url);
    }
}

/// Asks the desktop to open the page; that there is none is no failure.
fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if let Err(error) = Command::new(opener).arg(url).spawn() {
        eprintln!("note: cannot open a browser with {opener} ({error}); open the address above");
    }
}
