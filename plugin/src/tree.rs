//! What a file says, as a stack: the same for all formats.

use choreo_core::Result;

use crate::build::DEFAULT_OVER_TRANSPORT;
use crate::node::{Entry, Kind, Node, find};
use crate::setting::{Path, list, refuse};
use crate::{Part, Setting, StackSpec};

impl StackSpec {
    /// The stack that a tree describes.
    pub(crate) fn from_node(source: &str, root: Node) -> Result<Self> {
        let Kind::Table(entries) = root.kind else {
            let setting = Setting {
                node: &root,
                source,
                path: Path::Root(""),
            };
            return Err(setting.expected("a table"));
        };
        let mut spec = Self {
            source: source.to_owned(),
            role: None,
            handler: None,
            transport: None,
            codec: None,
            layers: Vec::new(),
        };
        let over = find(&entries, "transport").map(|_| DEFAULT_OVER_TRANSPORT);
        for Entry { key, at, node } in entries {
            let path = Path::Root(&key);
            match key.as_str() {
                "role" => spec.role = Some(node),
                "handler" => spec.handler = Some(Part::from_node(source, &path, node, over)?),
                "transport" => spec.transport = Some(Part::from_node(source, &path, node, None)?),
                "codec" => spec.codec = Some(Part::from_node(source, &path, node, None)?),
                "layers" => spec.layers = layers(source, &path, node)?,
                _ => {
                    const NAMES: [&str; 5] = ["role", "handler", "transport", "codec", "layers"];
                    let meant = crate::registry::meant(&key, NAMES.into_iter());
                    let why = format!("a stack has only {}{meant}", list(NAMES));
                    return Err(refuse(source, &at, &path, &why));
                }
            }
        }
        Ok(spec)
    }
}

impl Part {
    /// One that does not say which it is, is that of the name `otherwise`.
    fn from_node(
        source: &str,
        path: &Path<'_>,
        node: Node,
        otherwise: Option<&str>,
    ) -> Result<Self> {
        const USE: &str = "use";
        let Kind::Table(mut options) = node.kind else {
            let setting = Setting {
                node: &node,
                source,
                path: *path,
            };
            return Err(setting.expected("a table with the name of a plug-in, use = \"…\""));
        };
        let named = options.iter().position(|entry| entry.key == USE);
        let name = match (named, otherwise) {
            (Some(index), _) => options.remove(index).node,
            (None, Some(otherwise)) => Node {
                at: node.at.clone(),
                kind: Kind::Text(otherwise.to_owned()),
            },
            (None, None) => {
                let why = "is missing: the name of a plug-in, use = \"…\"";
                return Err(refuse(source, &node.at, &Path::Key(path, USE), why));
            }
        };
        let setting = Setting {
            node: &name,
            source,
            path: Path::Key(path, USE),
        };
        setting.text()?;
        Ok(Self {
            name,
            at: node.at,
            options,
        })
    }
}

fn layers(source: &str, path: &Path<'_>, node: Node) -> Result<Vec<Part>> {
    let Kind::List(nodes) = node.kind else {
        let setting = Setting {
            node: &node,
            source,
            path: *path,
        };
        return Err(setting.expected("a list of layers, [[layers]]"));
    };
    StackSpec::check_count(nodes.len()).map_err(|why| refuse(source, &node.at, path, &why))?;
    let part = |(index, node)| Part::from_node(source, &Path::Index(path, index), node, None);
    nodes.into_iter().enumerate().map(part).collect()
}
