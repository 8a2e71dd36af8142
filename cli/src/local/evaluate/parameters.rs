//! The values of the template's parameters on this machine.

use std::collections::{BTreeMap, HashMap};

use super::Context;
use super::value::Value;
use crate::app::handler::Handler;
use crate::package::Architecture;
use crate::stack::template::{Entry, Node, Parameter, Template, TemplateError};

/// How the functions reach the cache: here without TLS and IAM, which the local one does not know.
const CACHE_ACCESS: &str = "CacheAccess";
const OPEN: &str = "open";

/// What nobody on this machine reads, and so is off unless somebody asks for it.
const UNREAD: [&str; 2] = ["Metrics", "Dashboard"];
const OFF: &str = "off";

/// The zones that a network of the stack's own would be in: here there is none, and the template asks
/// for two.
const ZONES: [(&str, &str); 2] = [("FirstZoneId", "local-az1"), ("SecondZoneId", "local-az2")];

const ARCHITECTURE: &str = "Architecture";
const BUCKET: &str = "ArtifactBucket";

/// The bucket that stands for the programs' place on this machine.
pub(super) const LOCAL_BUCKET: &str = "local";

pub(super) type ByName<'t> = HashMap<&'t str, Value>;

#[derive(Debug)]
pub(super) struct Values<'t> {
    pub(super) by_name: ByName<'t>,
    /// Remarks about those that are not what the user gave.
    pub(super) notes: Vec<String>,
}

/// The values of all parameters.
pub(super) fn values<'t>(
    template: &'t Template,
    context: &'t Context,
) -> Result<Values<'t>, TemplateError> {
    template.check(&context.parameters)?;
    let own = own_values(template);
    template
        .check_complete(|name| own.contains_key(name) || context.parameters.contains_key(name))?;
    let mut notes = Vec::new();
    let mut values = HashMap::with_capacity(template.parameters().len());
    // They are read in the section's order, one from each entry.
    let section = template.root().get("Parameters");
    let entries = section.map(Node::entries).unwrap_or_default();
    for (parameter, Entry { at, .. }) in template.parameters().iter().zip(entries) {
        let name = parameter.name.as_str();
        let at = *at;
        if parameter.kind.starts_with("AWS::SSM::Parameter") {
            let what = format!(
                "parameter `{name}`: `{}` is read from Systems Manager, which is not there with \
                 `--local`",
                parameter.kind
            );
            let path = template.path().to_owned();
            return Err(TemplateError::Invalid { path, at, what });
        }
        let given = context.parameters.get(name).map(String::as_str);
        let text = match own.get(name) {
            Some(own) => {
                if let Some(given) = given.filter(|given| given != own) {
                    notes.push(format!("{name} is `{own}` on this machine, not `{given}`"));
                }
                own
            }
            None => match given
                .or(default_here(parameter))
                .or(parameter.default.as_deref())
            {
                Some(text) => text,
                // `check_complete` has found all of these.
                None => continue,
            },
        };
        parameter.check(text)?;
        let value = if is_list(parameter) {
            Value::list(at, text.split(',').map(str::trim))
        } else {
            Value::text(at, text)
        };
        values.insert(name, value);
    }
    Ok(Values {
        by_name: values,
        notes,
    })
}

/// What this machine decides, where the template asks for it.
fn own_values(template: &Template) -> BTreeMap<&'static str, &'static str> {
    let mut own = BTreeMap::from([
        (BUCKET, LOCAL_BUCKET),
        (ARCHITECTURE, Architecture::host().lambda_name()),
    ]);
    // The key of a program is its handler's name.
    own.extend(Handler::ALL.map(|handler| (handler.code_parameter(), handler.name())));
    let knows_open = |parameter: &Parameter| parameter.check(OPEN).is_ok();
    if template.parameter(CACHE_ACCESS).is_some_and(knows_open) {
        own.insert(CACHE_ACCESS, OPEN);
    }
    own
}

/// The default that a parameter has on this machine, where it is not the template's.
fn default_here(parameter: &Parameter) -> Option<&'static str> {
    let unread = UNREAD.iter().map(|name| (*name, OFF));
    let mut here = unread.chain(ZONES);
    let (_, value) = here.find(|(name, _)| *name == parameter.name)?;
    parameter.check(value).is_ok().then_some(value)
}

fn is_list(parameter: &Parameter) -> bool {
    parameter.kind == "CommaDelimitedList" || parameter.kind.starts_with("List<")
}
