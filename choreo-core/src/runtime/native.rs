use std::future::Future;
use std::time::Duration;

pub use std::time::Instant;

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

pub(super) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

pub(super) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
