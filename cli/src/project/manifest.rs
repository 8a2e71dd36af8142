//! The manifests of a new project, made of this repository's: without what only its own tests need.

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, TomlError, value};

use super::source;

/// The library's manifest, which leans on no workspace: versions and features as they are used here.
pub(super) fn library() -> Result<String, TomlError> {
    let root: DocumentMut = source("Cargo.toml").parse()?;
    let mut manifest: DocumentMut = source("handlers/pattern/Cargo.toml").parse()?;
    for name in ["dev-dependencies", "test", "example", "lints"] {
        manifest.remove(name);
    }
    for (part, of_all) in [("package", "package"), ("dependencies", "dependencies")] {
        let shared = root.get("workspace").and_then(|all| all.get(of_all));
        let shared = shared.and_then(Item::as_table_like);
        if let (Some(entries), Some(shared)) = (table(&mut manifest, part), shared) {
            inherit(entries, shared);
        }
    }
    // Its tests stayed where it comes from.
    let mut lib = Table::new();
    lib.insert("test", value(false));
    lib.insert("doctest", value(false));
    manifest.insert("lib", Item::Table(lib));
    Ok(manifest.to_string())
}

/// The manifest of a function, without the dependencies of its tests.
pub(super) fn function(name: &str) -> Result<String, TomlError> {
    let mut manifest: DocumentMut = source(&format!("handlers/{name}/Cargo.toml")).parse()?;
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    if let Some(package) = table(&mut manifest, "package") {
        package.remove("license");
    }
    Ok(manifest.to_string())
}

/// The project's own manifest.
pub(super) fn workspace() -> Result<String, TomlError> {
    let root: DocumentMut = source("Cargo.toml").parse()?;
    let said = |name: &str| {
        let package = root.get("workspace")?.get("package")?;
        package.get(name)?.as_str()
    };
    let text = source("cli/project/Cargo.toml");
    Ok(text
        .replace("{edition}", said("edition").unwrap_or_default())
        .replace("{rust}", said("rust-version").unwrap_or_default()))
}

fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> Option<&'a mut dyn TableLike> {
    manifest.get_mut(name).and_then(Item::as_table_like_mut)
}

/// Puts what `shared` says in the place of each `workspace = true`, and keeps what stands beside it.
fn inherit(entries: &mut dyn TableLike, shared: &dyn TableLike) {
    for (name, entry) in entries.iter_mut() {
        let own = entry.as_table_like();
        let Some(own) = own.filter(|own| own.contains_key("workspace")) else {
            continue;
        };
        let Some(said) = shared.get(name.get()) else {
            continue;
        };
        let beside: Vec<_> = own.iter().filter(|(key, _)| *key != "workspace").collect();
        let mut whole = said.clone();
        if let (Some(version), false) = (said.as_value(), beside.is_empty())
            && version.is_str()
        {
            let mut written = InlineTable::new();
            written.insert("version", version.clone());
            whole = value(written);
        }
        if let Some(all) = whole.as_table_like_mut() {
            for (key, said) in beside {
                all.insert(key, said.clone());
            }
        }
        if let Some(all) = whole.as_inline_table_mut() {
            all.fmt();
        }
        *entry = whole;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_manifest_leans_on_nothing() {
        let text = library().unwrap();
        assert!(!text.contains("workspace"), "{text}");
        assert!(!text.contains("path ="), "{text}");
        assert!(text.contains("[lib]\ntest = false"), "{text}");
        let read: toml::Table = text.parse().unwrap();
        let roots = &read["dependencies"]["webpki-roots"];
        assert_eq!(roots["version"].as_str(), Some("1"));
        assert_eq!(roots["optional"].as_bool(), Some(true));
    }

    #[test]
    fn a_functions_manifest_has_no_tests() {
        let text = function("query").unwrap();
        assert!(!text.contains("dev-dependencies"), "{text}");
        assert!(!text.contains("test-support"), "{text}");
        assert!(
            text.contains("features = [\"lambda\", \"read-model\"]"),
            "{text}"
        );
    }
}
