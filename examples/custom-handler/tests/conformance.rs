//! A folder keeps every promise of a handler.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use choreo_core::RoleName;
use choreo_testkit::{from_fn, handler_suite};
use custom_handler::FolderHandler;

/// A new session, in a new folder below the one that cargo has for tests.
fn session(roles: &[RoleName]) -> Vec<(FolderHandler<RoleName>, ())> {
    let folder = folder();
    let joined = roles.iter().map(|role| {
        let peers: Vec<_> = roles.iter().filter(|peer| *peer != role).cloned().collect();
        FolderHandler::join(&folder, role.clone(), &peers).expect("a new folder")
    });
    joined.map(|handler| (handler, ())).collect()
}

fn folder() -> PathBuf {
    static FOLDERS: AtomicU32 = AtomicU32::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let program = format!("conformance-{}", std::process::id());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(program);
    folder.join(number.to_string())
}

handler_suite!(from_fn(
    ["Alice", "Bob", "Carol"].map(RoleName::from),
    8,
    session
));
