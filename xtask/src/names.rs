//! Short names for what a module and its script have of each other: those that wasm-bindgen gives,
//! with hashes in them, are a fiftieth of a module.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Deserializer, Value};

use crate::bundle::FEATURES;
use crate::exec;
use crate::progress::Status;

/// From long names to short ones.
#[derive(Debug)]
struct Names {
    /// The script, as the module calls it.
    script: [String; 2],
    imports: HashMap<String, String>,
    exports: HashMap<String, String>,
}

/// Shortens the names in a module, and in the script that wasm-bindgen has written for it.
///
/// # Errors
/// If `wasm-opt` fails, or the script does not have all that the module wants of it.
pub(crate) fn shorten(
    wasm_opt: &Path,
    module: &Path,
    script: &Path,
    status: &Status,
) -> Result<()> {
    let shorter = module.with_extension("short.wasm");
    let mut command = Command::new(wasm_opt);
    command.arg("--minify-imports-and-exports-and-modules");
    command.args(FEATURES);
    command.arg(module).arg("--output").arg(&shorter);
    let names = Names::read(&exec::succeed(&mut command, status)?)?;
    let text =
        fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let text = names
        .put_into(&text)
        .with_context(|| format!("cannot shorten the names in {}", script.display()))?;
    fs::write(script, text).with_context(|| format!("cannot write {}", script.display()))?;
    fs::rename(&shorter, module).context("cannot replace the module")
}

impl Names {
    /// As `wasm-opt` prints them: `{"imports": [[script, long, short]], "exports": [[long, short]]}`.
    /// The short name of the script is `a`.
    fn read(printed: &str) -> Result<Self> {
        let unknown = || anyhow!("wasm-opt prints other names than expected: {printed}");
        let mut documents = Deserializer::from_str(printed).into_iter::<Value>();
        let printed = documents.next().ok_or_else(unknown)??;
        let list = |key: &str| -> Option<Vec<Vec<String>>> {
            serde_json::from_value(printed.get(key)?.clone()).ok()
        };
        let (mut imports, mut exports) = (HashMap::new(), HashMap::new());
        let mut script = None;
        for import in list("imports").ok_or_else(unknown)? {
            let [from, long, short] = <[String; 3]>::try_from(import).map_err(|_| unknown())?;
            if *script.get_or_insert_with(|| from.clone()) != from {
                bail!("the module imports from more than its script: from {from}, too");
            }
            imports.insert(long, short);
        }
        for export in list("exports").ok_or_else(unknown)? {
            let [long, short] = <[String; 2]>::try_from(export).map_err(|_| unknown())?;
            exports.insert(long, short);
        }
        let script = script.context("the module imports nothing")?;
        Ok(Self {
            script: [script, "a".to_owned()].map(|name| format!("\"{name}\": import0")),
            imports,
            exports,
        })
    }

    /// The script with the short ones: imports are keys of an object, `long: function`, exports are
    /// `wasm.long`.
    fn put_into(&self, script: &str) -> Result<String> {
        let [long, short] = &self.script;
        if !script.contains(long) {
            bail!("there is no {long}");
        }
        let script = script.replacen(long, short, 1);
        let mut found = 0;
        let mut shorter = String::with_capacity(script.len());
        let mut rest = script.as_str();
        while let Some(start) = rest.find(is_of_name) {
            let (before, behind) = rest.split_at(start);
            let end = behind.find(|c| !is_of_name(c)).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            shorter.push_str(before);
            let import = self.imports.get(name).filter(|_| behind.starts_with(": f"));
            found += usize::from(import.is_some());
            let export = self
                .exports
                .get(name)
                .filter(|_| shorter.ends_with("wasm."));
            shorter.push_str(import.or(export).map_or(name, String::as_str));
            rest = behind;
        }
        shorter.push_str(rest);
        let wanted = self.imports.len();
        if found != wanted {
            bail!("it has {found} of the {wanted} functions that the module wants");
        }
        Ok(shorter)
    }
}

/// Whether names in scripts have it.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{
        "imports": [["./page_bg.js", "__wbg_call_12", "a"], ["./page_bg.js", "__wbg_now_34", "b"]],
        "exports": [["memory", "c"], ["run_new", "d"]]
    }"#;

    const SCRIPT: &str = r#"
        const import0 = {
            __proto__: null,
            __wbg_call_12: function(memory) { return memory; },
            __wbg_now_34: function() { return wasm.run_new(wasm.memory.buffer); },
        };
        return { "./page_bg.js": import0 };
        wasm.__wbg_call_12_other(run_new);"#;

    #[test]
    fn names_are_shortened_where_the_module_means_them() {
        let shorter = Names::read(PRINTED).unwrap().put_into(SCRIPT).unwrap();
        let expected = r#"
        const import0 = {
            __proto__: null,
            a: function(memory) { return memory; },
            b: function() { return wasm.d(wasm.c.buffer); },
        };
        return { "a": import0 };
        wasm.__wbg_call_12_other(run_new);"#;
        assert_eq!(shorter, expected);
    }

    #[test]
    fn a_script_that_lacks_something_is_refused() {
        let names = Names::read(PRINTED).unwrap();
        let error = names.put_into(&SCRIPT.replace("now_34", "now_35"));
        assert!(error.unwrap_err().to_string().contains("1 of the 2"));
        let error = names.put_into(&SCRIPT.replace("./page", "./other"));
        assert!(error.unwrap_err().to_string().contains("./page_bg.js"));
    }

    #[test]
    fn two_scripts_are_refused() {
        let error = Names::read(&PRINTED.replacen("./page", "./other", 1));
        assert!(error.unwrap_err().to_string().contains("./page_bg.js"));
        assert!(Names::read("b => a").is_err());
    }
}
