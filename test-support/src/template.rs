//! Reads what the tests hold the handlers to from the stack's template.

use saphyr::{LoadableYamlNode, Yaml};

use crate::workspace;

/// The access string of a cache user of `template.yaml`, by the resource's name.
#[must_use]
pub fn access_string(resource: &str) -> String {
    let text = std::fs::read_to_string(workspace().join("template.yaml")).expect("a template");
    let documents = Yaml::load_from_str(&text).expect("a template of YAML");
    let user = documents[0]
        .as_mapping_get("Resources")
        .and_then(|resources| resources.as_mapping_get(resource))
        .unwrap_or_else(|| panic!("no {resource} in the template"));
    let kind = user.as_mapping_get("Type").and_then(Yaml::as_str);
    assert_eq!(kind, Some("AWS::ElastiCache::User"));
    user.as_mapping_get("Properties")
        .and_then(|properties| properties.as_mapping_get("AccessString"))
        .and_then(Yaml::as_str)
        .unwrap_or_else(|| panic!("no AccessString in {resource}"))
        .to_owned()
}
