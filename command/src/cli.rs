use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use choreo::plugin::{Plugin, PluginKind, Registry};
use choreo::plugins;

use crate::demos::{Bookshop, PingPong, ScatterGather};
use crate::{check, completions, init, play, plugins as listing};

/// Handler stacks from files: what they may be made of, whether they are right, and how they do
///
/// A stack file names a role, a handler or a transport, a codec, and layers, with their options. Environment
/// variables stand above the file (`CHOREO_TRANSPORT__URL`), and --set above both.
#[derive(Parser)]
#[command(
    name = "choreo",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List what stacks may be made of, or tell all of one plug-in
    Plugins(Plugins),
    /// Tell whether stack files are right, and what they make; nothing is opened
    Check(Check),
    /// Play a protocol over stacks
    Run(Run),
    /// Print a stack file to begin with
    Init(Init),
    /// Print a script that makes a shell complete this command's words
    Completions {
        /// Whose script
        shell: Shell,
    },
}

#[derive(Args)]
pub(crate) struct Plugins {
    /// Only the plug-in of this name, with its options
    #[arg(value_parser = names(None), hide_possible_values = true)]
    pub(crate) name: Option<String>,
    /// Only those of this kind
    #[arg(long, value_parser = kinds())]
    pub(crate) kind: Option<String>,
    /// As JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// The JSON Schema: of the plug-in's part, or of a whole stack file
    #[arg(long, conflicts_with_all = ["json", "kind"])]
    pub(crate) schema: bool,
}

#[derive(Args)]
pub(crate) struct Check {
    /// The files, .toml or .json; - is the input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What stands above the files.
#[derive(Args)]
pub(crate) struct Settings {
    /// Sets an option, as layers.retry.retries=5; can be given several times
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(subcommand_help_heading = "Protocols", disable_help_subcommand = true)]
#[command(
    override_usage = "choreo run <ping-pong|bookshop|scatter-gather> --stack <FILE>\n       \
                            choreo run --list"
)]
pub(crate) struct Run {
    /// List the protocols and their roles
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    protocol: Option<Protocol>,
}

/// The protocols, each with what it takes.
#[derive(Subcommand)]
enum Protocol {
    /// One says a text, the other says it back, so many times
    PingPong(Played<PingPong>),
    /// Two buy a book together, if they can
    Bookshop(Played<Bookshop>),
    /// Two count the primes of a half each; one adds them up
    ScatterGather(Played<ScatterGather>),
}

/// A protocol, and what plays it.
#[derive(Args)]
pub(crate) struct Played<D: Args> {
    #[command(flatten)]
    pub(crate) demo: D,
    #[command(flatten)]
    pub(crate) stacks: Stacks,
}

/// The stacks that play, and what is shown of it.
#[derive(Args)]
#[command(next_help_heading = "Stacks")]
pub(crate) struct Stacks {
    /// A stack file, whose role is played in this process; can be given several times
    #[arg(long = "stack", required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Play this role rather than the one that the file names; with several, the one stack is built
    /// for each of them
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    pub(crate) roles: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Print what was said as a Mermaid sequence diagram
    #[arg(long)]
    pub(crate) diagram: bool,
    /// Write what was said as a picture
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Init {
    /// The role
    #[arg(long, default_value = "Alice")]
    pub(crate) role: String,
    /// The transport; the handler over it is `session` unless another is named
    #[arg(long, value_parser = names(Some(PluginKind::Transport)))]
    pub(crate) transport: Option<String>,
    /// The handler; `inmemory` where there is no transport either
    #[arg(long, value_parser = names(Some(PluginKind::Handler)))]
    pub(crate) handler: Option<String>,
    /// The codec; `postcard` unless another is named
    #[arg(long, value_parser = names(Some(PluginKind::Codec)))]
    pub(crate) codec: Option<String>,
    /// A layer, from the inside out; can be given several times
    #[arg(long = "layer", value_parser = names(Some(PluginKind::Layer)))]
    pub(crate) layers: Vec<String>,
}

impl Cli {
    /// Does what the command line says, and gives the exit code.
    pub(crate) fn run(self) -> Result<u8> {
        match self.command {
            Command::Plugins(args) => listing::run(&args).map(|()| 0),
            Command::Check(args) => check::run(&args),
            Command::Run(args) => args.run(),
            Command::Init(args) => init::run(&args).map(|()| 0),
            Command::Completions { shell } => completions::run(shell).map(|()| 0),
        }
    }
}

impl Run {
    fn run(self) -> Result<u8> {
        match self.protocol {
            None => play::list().map(|()| 0),
            Some(Protocol::PingPong(played)) => play::run(&played),
            Some(Protocol::Bookshop(played)) => play::run(&played),
            Some(Protocol::ScatterGather(played)) => play::run(&played),
        }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or(
        "a path, = and a value are due, as role=Bob, transport.url=ws://host or \
         layers.retry.retries=5",
    )?;
    Ok((path.to_owned(), value.to_owned()))
}

/// The names of the plug-ins, or of those of one kind: for completion, and for errors that list them.
fn names(kind: Option<PluginKind>) -> PossibleValuesParser {
    let registry = registry();
    let of_kind = |plugin: &Plugin| kind.is_none_or(|kind| plugin.kind() == kind);
    let named = registry.iter().filter(|plugin| of_kind(plugin));
    named.map(|plugin| plugin.name()).collect::<Vec<_>>().into()
}

/// The kinds of which there are plug-ins.
fn kinds() -> PossibleValuesParser {
    let mut kinds: Vec<String> = registry()
        .iter()
        .map(|plugin| plugin.kind().to_string())
        .collect();
    kinds.dedup();
    kinds.into()
}

/// All plug-ins, or none where two have one name, which is an error as soon as one is used.
fn registry() -> Registry {
    plugins::registry().unwrap_or_default()
}
