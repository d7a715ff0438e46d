use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

pub(super) use std::time::Instant;

pub(crate) type RoleHasher = RandomState;

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

pub(super) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

pub(super) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) fn random() -> f64 {
    /// What is left of 64 bits fits into a float.
    const UNUSED: u32 = u64::BITS - f64::MANTISSA_DIGITS;
    let bits = RandomState::new().hash_one(()) >> UNUSED;
    bits as f64 / (1_u64 << f64::MANTISSA_DIGITS) as f64
}
