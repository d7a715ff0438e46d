use choreo_core::{Result, RoleName};
use choreo_plugin::{
    HandlerOptions, HandlerPlugin, Opened, Place, Settings, async_trait, options, register,
};

use crate::FolderHandler;

/// The handler `folder`, for stacks by name.
pub const PLUGIN: HandlerPlugin = HandlerPlugin::of::<FolderOptions>(
    "folder",
    "Folder",
    "Roles that meet in a folder, where messages are files.",
);

register!(PLUGIN);

options! {
    /// What the handler takes.
    struct FolderOptions {
        /// The folder of the session.
        folder: String,
        /// The roles that it speaks with.
        peers: Vec<String>,
    }
}

#[async_trait]
impl HandlerOptions for FolderOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        if self.peers.is_empty() {
            return Err(settings.refuse("peers", "a role speaks with at least one other"));
        }
        Ok(())
    }

    async fn open(self, place: Place) -> Result<Opened> {
        let peers: Vec<_> = self.peers.into_iter().map(RoleName::from).collect();
        let handler = FolderHandler::join(self.folder, place.role().clone(), &peers)?;
        Ok(Opened::new(handler))
    }
}
