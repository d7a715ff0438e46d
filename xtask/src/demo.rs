//! The browser example, built and served.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::bundle;
use crate::exec;
use crate::serve;
use crate::setup::Needs;
use crate::workspace::Workspace;

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port to serve on; without it, 8000 or the next one that is free
    #[arg(long)]
    port: Option<u16>,
    /// Open the page in the default browser
    #[arg(long)]
    open: bool,
}

/// Builds the example, serves it and says where, until Ctrl-C.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        ..Needs::default()
    };
    needs.install(workspace)?;
    let bundle = exec::step("build the demo", |status| bundle::build(workspace, status))?;
    serve::runtime()?.block_on(async {
        let listener = serve::listen(args.port).await?;
        let url = serve::url(&listener)?;
        println!("\n  The demo is at  {url}\n\n  Ctrl-C stops it.\n");
        if args.open {
            open(&url);
        }
        tokio::select! {
            served = axum::serve(listener, serve::files(&bundle.dir)) => {
                served.context("the file server stopped")?;
            }
            stop = tokio::signal::ctrl_c() => {
                stop.context("cannot wait for Ctrl-C")?;
                println!("\n  Stopped.");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
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
