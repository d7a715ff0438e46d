/// The names of roles, with commas between them.
#[cfg(any(feature = "timeout", feature = "trace"))]
pub(crate) fn list<R: choreo_core::RoleId>(roles: &[R]) -> String {
    let mut list = String::new();
    for role in roles {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&role.name());
    }
    list
}

/// A time to two digits or three, as people say it. `Duration` prints more of them, at a cost of
/// some kilobytes.
#[cfg(any(feature = "record", feature = "trace"))]
pub(crate) fn time(time: std::time::Duration) -> String {
    let micros = time.as_secs().saturating_mul(1_000_000) + u64::from(time.subsec_micros());
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        10_000..10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{} s", micros / 1_000_000),
    }
}
