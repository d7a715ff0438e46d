//! `choreo run`.

use anyhow::{Context, Result, bail};
use choreo::middleware::Recording;
use choreo::plugin::{Part, Registry, Site, Stack};
use choreo::{ProtocolRole, RoleId, Typed, plugins};
use clap::Args;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tracing_subscriber::EnvFilter;

use crate::cast::{Player, cast};
use crate::cli::{Played, Stacks};
use crate::demos::{Bookshop, Demo, PingPong, ScatterGather};
use crate::run::{FAILED, print, tell};
use crate::signals::Signals;

/// Lists the protocols.
pub(crate) fn list() -> Result<()> {
    fn line<D: Demo>() -> String {
        let roles: Vec<String> = D::Role::ALL.iter().map(|role| role.name()).collect();
        let about = D::protocol().doc;
        format!(
            "{:14}  {:24}  {}\n",
            D::NAME,
            roles.join(", "),
            about.trim()
        )
    }
    print(
        &[
            line::<PingPong>(),
            line::<Bookshop>(),
            line::<ScatterGather>(),
        ]
        .concat(),
    )
}

/// Plays a protocol, and gives the exit code.
pub(crate) fn run<D: Demo + Args>(played: &Played<D>) -> Result<u8> {
    let registry = plugins::registry()?;
    let players = cast::<D>(&played.stacks, &registry)?;
    log();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("no threads could be started")?;
    let site = Site::new();
    // For sessions, which let no other protocol in, and for monitors.
    site.put(D::protocol());
    site.put(Recording::new());
    let code = runtime.block_on(play(
        &played.demo,
        &registry,
        &players,
        &site,
        &played.stacks,
    ))?;
    draw(&site, &played.stacks)?;
    Ok(code)
}

/// Builds all stacks, then plays all roles at once, then leaves in order, whatever came of it. A
/// signal leaves at once, and a second one does not wait for the others.
async fn play<D: Demo>(
    demo: &D,
    registry: &Registry,
    players: &[Player<D::Role>],
    site: &Site,
    shown: &Stacks,
) -> Result<u8> {
    let mut signals = Signals::new().context("signals cannot be waited for")?;
    let mut stacks = Vec::with_capacity(players.len());
    let playing = async {
        for player in players {
            let stack = open(player, registry, site, shown).await?;
            stacks.push((player.role, stack));
        }
        say_who_is_elsewhere(players);
        let plays = stacks.iter().map(|(role, stack)| async move {
            let played = demo.play(*role, &Typed::new(stack)).await;
            (role.name(), played)
        });
        let (mut plays, mut code) = (plays.collect::<FuturesUnordered<_>>(), 0);
        while let Some((role, played)) = plays.next().await {
            match played {
                Ok(report) => print(&format!("{role}: {report}\n"))?,
                Err(error) => code = failed(role, error),
            }
        }
        anyhow::Ok(code)
    };
    // Roles that are stopped in the middle tell the others so.
    let mut code = tokio::select! {
        played = playing => played.unwrap_or_else(|error| {
            tell(&error);
            FAILED
        }),
        code = signals.next() => {
            eprintln!("choreo: leaving once all that was sent has arrived; a second signal does not wait");
            code
        }
    };
    let closing = stacks
        .into_iter()
        .map(async |(role, stack)| (role.name(), stack.close().await));
    let closed = tokio::select! {
        closed = join_all(closing) => closed,
        code = signals.next() => return Ok(code),
    };
    for (role, closed) in closed {
        if let Err(error) = closed {
            code = code.max(failed(role, error));
        }
    }
    Ok(code)
}

fn say_who_is_elsewhere<R: ProtocolRole>(players: &[Player<R>]) {
    for role in R::ALL {
        if players.iter().all(|player| player.role != *role) {
            tracing::info!("{} plays elsewhere", role.name());
        }
    }
}

async fn open<R: ProtocolRole>(
    player: &Player<R>,
    registry: &Registry,
    site: &Site,
    shown: &Stacks,
) -> Result<Stack> {
    let (file, role) = (&player.file, player.role.name());
    let mut spec = file.spec.clone();
    let records = spec.parts().any(|(_, part)| part.name() == "record");
    if (shown.diagram || shown.svg.is_some()) && !records {
        spec = spec.layer(Part::new("record"));
    }
    tracing::info!("{role} opens what {} says", file.name);
    let stack = spec.build_with(registry, site).await;
    let stack = stack.map_err(|error| error.with_role(role.clone()));
    let stack = file.placed(stack).with_context(|| file.name.clone())?;
    tracing::info!("{role} plays over {}", stack.describe());
    Ok(stack)
}

/// Tells of a role's error, and gives the exit code.
fn failed(role: String, error: choreo::Error) -> u8 {
    tell(&anyhow::anyhow!(error.with_role(role).report()));
    FAILED
}

/// What was said, as it was asked for; when it came to nothing, there is nothing to draw.
fn draw(site: &Site, shown: &Stacks) -> Result<()> {
    let Some(recording) = site.get::<Recording>() else {
        bail!("a plug-in has taken the recording from the site");
    };
    if recording.is_empty() {
        return Ok(());
    }
    if shown.diagram {
        print(&recording.to_mermaid())?;
    }
    if let Some(path) = &shown.svg {
        let written = std::fs::write(path, recording.to_svg());
        written.with_context(|| format!("the picture cannot be written to {}", path.display()))?;
    }
    Ok(())
}

fn log() {
    // What the layer `trace` tells, and of our crates what matters.
    const LEVELS: &str = "warn,choreo=debug,choreo_=info";

    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LEVELS));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    // A program of one's own may have a log already.
    let _ = log.try_init();
}
