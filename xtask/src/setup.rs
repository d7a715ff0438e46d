//! Finds what is missing on this machine and installs it, or says what to install.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::browsers::Browser;
use crate::cargo_tools::CargoTool;
use crate::edge;
use crate::exec;
use crate::npm::{self, NpmTool};
use crate::own_std;
use crate::system;
use crate::wasm_opt;
use crate::workspace::{WASM_TARGET, Workspace};

/// What `cargo xtask setup` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install wasm-pack too: building the example with it is the other way to do it
    #[arg(long)]
    wasm_pack: bool,
    /// Install cargo-deny too: `ci` checks licences and sources with it where it is there
    #[arg(long)]
    cargo_deny: bool,
}

/// What a task needs on the machine.
#[derive(Clone, Default)]
pub(crate) struct Needs {
    /// The wasm target of rustc, and `wasm-bindgen` with its test runner.
    pub(crate) wasm: bool,
    /// The source of std, from which pages have one of their own.
    pub(crate) own_std: bool,
    /// `wasm-opt`.
    pub(crate) wasm_opt: bool,
    /// Node.js.
    pub(crate) node: bool,
    /// Tools from npm.
    pub(crate) npm: Vec<NpmTool>,
    /// `wasm-pack`.
    pub(crate) wasm_pack: bool,
    /// `cargo-deny`.
    pub(crate) cargo_deny: bool,
    /// Browsers with their drivers.
    pub(crate) browsers: Vec<Browser>,
}

impl Needs {
    /// Installs what is missing of it.
    ///
    /// Where a browser or another tool for a single step cannot be installed, a note says
    /// so in one line, and the step that needs it is skipped by name later.
    ///
    /// # Errors
    /// If the wasm target or `wasm-bindgen` cannot be installed.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<()> {
        if self.wasm && !has_wasm_target()? {
            add_wasm_target()?;
        }
        if self.own_std
            && let Err(error) = own_std::ensure(workspace)
        {
            eprintln!("note: {error:#}");
        }
        match system::install(&self.missing_packages()) {
            Ok(None) => {}
            Ok(Some(advice)) => eprintln!("note: {advice}"),
            Err(error) => eprintln!("note: {error:#}"),
        }
        if self.wasm {
            CargoTool::wasm_bindgen(workspace)?.ensure()?;
        }
        if self.wasm_opt
            && let Err(error) = wasm_opt::ensure()
        {
            eprintln!("note: {error:#}");
        }
        let npm = self.npm.iter().map(NpmTool::ensure);
        let tools = self.single_tools();
        for ensured in npm.chain(tools.iter().map(CargoTool::ensure)) {
            if let Err(error) = ensured {
                eprintln!("note: {error:#}");
            }
        }
        Ok(())
    }

    /// The tools that cargo builds and single steps need.
    fn single_tools(&self) -> Vec<CargoTool> {
        let firefox = self.browsers.contains(&Browser::Firefox);
        let geckodriver = firefox.then(CargoTool::geckodriver);
        let wasm_pack = self.wasm_pack.then(CargoTool::wasm_pack);
        let cargo_deny = self.cargo_deny.then(CargoTool::cargo_deny);
        [geckodriver, wasm_pack, cargo_deny]
            .into_iter()
            .flatten()
            .collect()
    }

    fn missing_packages(&self) -> BTreeSet<&'static str> {
        let mut packages: BTreeSet<&str> = self
            .browsers
            .iter()
            .flat_map(|browser| browser.missing_packages())
            .collect();
        let wasm_opt = self.wasm_opt && wasm_opt::find().is_none();
        let npm = self.npm.iter().any(|tool| tool.find().is_none());
        if (self.node || wasm_opt || npm) && system::program(&["node"]).is_none() {
            packages.insert("nodejs");
        }
        if (wasm_opt || npm) && npm::npm().is_none() {
            packages.insert("npm");
        }
        packages
    }
}

/// Installs everything and says what there is.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        own_std: true,
        wasm_opt: true,
        node: true,
        npm: edge::tools(),
        wasm_pack: args.wasm_pack,
        cargo_deny: args.cargo_deny,
        browsers: Browser::ALL.to_vec(),
    };
    needs.install(workspace)?;

    let mut complete = true;
    let mut say = |name: &str, state: std::result::Result<String, String>| match state {
        Ok(place) => println!("     ok  {name}  {place}"),
        Err(missing) => {
            complete = false;
            println!("MISSING  {name}  {missing}");
        }
    };
    say(WASM_TARGET, Ok(String::new()));
    let mut tools = needs.single_tools();
    tools.insert(0, CargoTool::wasm_bindgen(workspace)?);
    for tool in tools {
        let found = tool.find().map(|dir| dir.display().to_string());
        say(&tool.title(), found.ok_or("not installed".to_owned()));
    }
    for (name, found) in [
        (own_std::COMPONENT, own_std::find(workspace)),
        ("wasm-opt", wasm_opt::find()),
        ("node", system::program(&["node"])),
    ] {
        let found = found.map(|path| path.display().to_string());
        say(name, found.ok_or("not installed".to_owned()));
    }
    for tool in &needs.npm {
        let found = tool.find().map(|path| path.display().to_string());
        say(&tool.title(), found.ok_or("not installed".to_owned()));
    }
    for browser in Browser::ALL {
        let found = browser.find();
        let drivers = found.map(|found| format!("driver {}", found.driver.display()));
        say(browser.name(), drivers);
    }
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether rustc has the wasm target, however it came there.
fn has_wasm_target() -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .output()
        .context("cannot run rustc")?;
    let dir = String::from_utf8(output.stdout).context("rustc named a strange path")?;
    Ok(output.status.success() && std::path::Path::new(dir.trim()).is_dir())
}

fn add_wasm_target() -> Result<()> {
    if system::program(&["rustup"]).is_none() {
        bail!("install Rust's target {WASM_TARGET}: there is no rustup here to add it");
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM_TARGET]);
    exec::step(&format!("rustup target add {WASM_TARGET}"), |status| {
        exec::succeed(&mut rustup, status)?;
        Ok(())
    })
}
