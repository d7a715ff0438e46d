use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use choreo_relay::{Claims, KeyFile, Relay, RelayConfig};
use choreo_session::{Anyone, Terms};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Joins the roles of choreographies that cannot reach each other
///
/// Roles connect by WebSocket, or over HTTP, and say which role of which session they play. The
/// relay passes messages between them, and survives restarts: what was lost the roles send again.
///
/// To try it on one machine:  choreo-relay --open
/// To run it for others:      choreo-relay key relay.key
///                            choreo-relay --listen 0.0.0.0:9000 --key-file relay.key
///                            choreo-relay token --key-file relay.key --session S --role Alice
#[derive(Parser)]
#[command(version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new key file, which only its owner can read
    Key {
        /// Where; there must be no file yet
        path: PathBuf,
    },
    /// Make a token that lets one process play one role in one session
    Token {
        /// The key file, with its secret line
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// The session's name
        #[arg(long)]
        session: String,
        /// The role
        #[arg(long)]
        role: String,
        /// For how long it is good for joining
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
        expires: Duration,
        /// The protocol's fingerprint, if the token is for no other
        #[arg(long, value_name = "NUMBER")]
        fingerprint: Option<u64>,
    },
}

#[derive(Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one. The address is printed on stdout
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000", value_parser = address)]
    listen: SocketAddr,
    /// The key file by which tokens are checked (`choreo-relay key` makes one)
    #[arg(long, value_name = "FILE", conflicts_with = "open")]
    key_file: Option<PathBuf>,
    /// Let everybody in, without tokens; only on this machine's own address
    #[arg(long)]
    open: bool,
    /// A page that may connect, as `https://game.example`; can be given several times
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// The PEM file of the certificate, and of those that vouch for it
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The PEM file of the certificate's key
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How to write the log, which goes to stderr; `RUST_LOG` says how much (info)
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Log::Text)]
    log: Log,
    /// Over how much time to send the roles away on SIGTERM or SIGINT; a second signal ends at once
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    drain: Duration,
    #[command(flatten)]
    limits: Limits,
}

/// How much is taken.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// The most connections
    #[arg(long, value_name = "COUNT", default_value_t = RelayConfig::default().connections)]
    max_connections: usize,
    /// The most connections that have not been let in yet
    #[arg(long, value_name = "COUNT", default_value_t = RelayConfig::default().newcomers)]
    max_newcomers: usize,
    /// As many from one address; behind a proxy all come from one
    #[arg(long, value_name = "COUNT", default_value_t = RelayConfig::default().newcomers_per_address)]
    max_newcomers_per_address: usize,
    /// The most sessions
    #[arg(long, value_name = "COUNT", default_value_t = Terms::default().sessions)]
    max_sessions: usize,
    /// The most roles in a session
    #[arg(long, value_name = "COUNT", default_value_t = Terms::default().roles)]
    max_roles: usize,
    /// The most bytes that wait for one role
    #[arg(long, value_name = "BYTES", default_value_t = RelayConfig::default().queue_bytes)]
    max_queue: usize,
    /// The most bytes that wait for all roles
    #[arg(long, value_name = "BYTES", default_value_t = RelayConfig::default().queue_bytes_in_all)]
    max_queued: usize,
    /// How long a role may be away
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = humantime::parse_duration)]
    resume_ttl: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    Text,
    Json,
}

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Some(Command::Key { path }) => {
            KeyFile::generate()?.write_new(&path)?;
            println!("{}", path.display());
            Ok(())
        }
        Some(Command::Token {
            key_file,
            session,
            role,
            expires,
            fingerprint,
        }) => {
            let mut claims = Claims::new(session, role);
            claims.fingerprint = fingerprint;
            println!("{}", KeyFile::read(key_file)?.token(&claims, expires)?);
            Ok(())
        }
        None => {
            log(cli.serve.log);
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            runtime
                .context("no threads could be started")?
                .block_on(serve(&cli.serve))
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let example = "an address and a port are due, as 127.0.0.1:9000 or [::]:9000";
    text.parse().map_err(|_| example.to_owned())
}

fn log(format: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        Log::Text => log.init(),
        Log::Json => log.json().flatten_event(true).init(),
    }
}

async fn serve(args: &Serve) -> Result<()> {
    let relay = relay(args)?;
    #[cfg(feature = "tls")]
    let tls = tls(args)?;
    #[cfg(not(feature = "tls"))]
    let tls: Option<()> = None;
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", args.listen))?;
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    println!("listening on {scheme}://{}", listener.local_addr()?);
    let listening = async {
        match tls {
            #[cfg(feature = "tls")]
            Some(config) => relay.listen_tls(listener, config).await,
            _ => relay.listen(listener).await,
        }
    };
    tokio::select! {
        () = listening => {}
        () = signalled() => {}
    }
    tokio::select! {
        () = relay.drain(args.drain) => {}
        () = signalled() => {}
    }
    Ok(())
}

/// Waits for a signal to stop.
async fn signalled() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => futures::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = futures::future::pending::<Option<()>>();
    tokio::select! {
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn relay(args: &Serve) -> Result<Relay> {
    let Limits {
        max_connections,
        max_newcomers,
        max_newcomers_per_address,
        max_sessions,
        max_roles,
        max_queue,
        max_queued,
        resume_ttl,
    } = args.limits;
    let terms = Terms {
        sessions: max_sessions,
        roles: max_roles,
        resume_ttl,
        ..Terms::default()
    };
    let config = RelayConfig::default()
        .with_terms(terms)
        .with_origins(args.allow_origin.iter().cloned())
        .with_connections(max_connections)
        .with_newcomers(max_newcomers, max_newcomers_per_address)
        .with_queue_bytes(max_queue, max_queued);
    match &args.key_file {
        Some(path) => {
            let keys = KeyFile::read(path)?;
            Ok(Relay::new(
                keys.tokens(),
                config.with_master(keys.master()),
            )?)
        }
        None if args.open => {
            ensure!(
                args.listen.ip().is_loopback(),
                "--open lets everybody in, so it listens on this machine's own address only \
                 (127.0.0.1 or [::1]), not on {}; for others make a key file: choreo-relay key",
                args.listen.ip()
            );
            Ok(Relay::new(Anyone, config)?)
        }
        None => bail!(
            "who is to be let in? --key-file FILE: who brings a token (choreo-relay key FILE makes \
             the file); --open: everybody on this machine"
        ),
    }
}

#[cfg(feature = "tls")]
fn tls(args: &Serve) -> Result<Option<std::sync::Arc<choreo_relay::rustls::ServerConfig>>> {
    use choreo_relay::rustls::pki_types::pem::PemObject;
    use choreo_relay::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use choreo_relay::rustls::{ServerConfig, crypto::ring};

    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else {
        return Ok(None);
    };
    let certificates = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("certificate file {}", certificate.display()))?;
    let key =
        PrivateKeyDer::from_pem_file(key).with_context(|| format!("key file {}", key.display()))?;
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    Ok(Some(std::sync::Arc::new(config)))
}
