/// Waits for a signal to stop, and gives the exit code of a program that it has ended.
pub(crate) async fn signalled() -> u8 {
    /// 128 and the number of the signal.
    const INTERRUPTED: u8 = 130;
    const TERMINATED: u8 = 143;

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
        _ = terminated => TERMINATED,
        _ = tokio::signal::ctrl_c() => INTERRUPTED,
    }
}
