//! The names that functions use: each must be in the template, also where a condition keeps what
//! uses it out of the stack.

use super::call::{Call, Function, View};
use super::evaluator::{Evaluator, NO_VALUE, PSEUDO_PARAMETERS, section};
use super::fault::{Fault, Result, suggestion};
use super::functions::{Part, parts, substitution};
use crate::stack::template::{self, Node, Position};

impl<'t> Evaluator<'t> {
    /// Whether all names in the template are there. Rules and conditions know parameters only.
    pub(super) fn check_names(&self, root: &'t Node) -> Result<()> {
        let sections = [
            ("Rules", "rule", false),
            ("Conditions", "condition", false),
            ("Resources", "resource", true),
            ("Outputs", "output", true),
        ];
        for (name, word, with_resources) in sections {
            let names = Names {
                evaluator: self,
                with_resources,
            };
            for entry in section(root, name)? {
                names
                    .check((&entry.value).into())
                    .map_err(|fault| fault.within(word, &entry.key))?;
            }
        }
        Ok(())
    }
}

struct Names<'e, 't> {
    evaluator: &'e Evaluator<'t>,
    with_resources: bool,
}

impl Names<'_, '_> {
    fn check(&self, view: View<'_>) -> Result<()> {
        if let Some(call) = view.call()? {
            return self.check_call(call);
        }
        match view.value {
            template::Value::Scalar { .. } => Ok(()),
            template::Value::Sequence(items) => {
                items.iter().try_for_each(|item| self.check(item.into()))
            }
            template::Value::Mapping(entries) => entries
                .iter()
                .try_for_each(|entry| self.check((&entry.value).into())),
        }
    }

    fn check_call(&self, call: Call<'_>) -> Result<()> {
        match call.function {
            Function::Ref => {
                let name = call.argument.text().ok_or_else(|| call.misshapen())?;
                return if name == NO_VALUE {
                    Ok(())
                } else {
                    self.check_name(name, call.at)
                };
            }
            Function::GetAtt => {
                let name = match call.argument.text() {
                    Some(path) => path.split_once('.').map(|(name, _)| name),
                    None => {
                        let [name, _] = call.arguments()?;
                        name.text()
                    }
                };
                return self.check_resource(name.ok_or_else(|| call.misshapen())?, call.at);
            }
            Function::Sub => {
                let (text, given) = substitution(call)?;
                for part in parts(text, call.argument.at)? {
                    let Part::Variable(name) = part else { continue };
                    match name.split_once('.') {
                        _ if given.iter().any(|entry| entry.key == name) => {}
                        Some((resource, _)) => self.check_resource(resource, call.at)?,
                        None if name == NO_VALUE => {
                            let what = "`Fn::Sub` takes no `AWS::NoValue` here";
                            return Err(Fault::new(call.at, what));
                        }
                        None => self.check_name(name, call.at)?,
                    }
                }
            }
            Function::If => {
                let [condition, _, _] = call.arguments()?;
                let name = condition.text().ok_or_else(|| {
                    let what = "`Fn::If` takes the name of a condition first";
                    Fault::new(condition.at, what)
                })?;
                self.evaluator.check_condition(name, condition.at)?;
            }
            _ => {}
        }
        self.check(call.argument)
    }

    fn check_name(&self, name: &str, at: Position) -> Result<()> {
        let Evaluator {
            parameters,
            resources,
            ..
        } = self.evaluator;
        if parameters.contains_key(name) || PSEUDO_PARAMETERS.contains(&name) {
            return Ok(());
        }
        if resources.contains_key(name) {
            return self.check_resource(name, at);
        }
        let known = parameters.keys().chain(&PSEUDO_PARAMETERS);
        let near = suggestion(name, known.copied().chain(resources.keys().copied()));
        let what = format!("there is no parameter or resource `{name}`{near}");
        Err(Fault::new(at, what))
    }

    fn check_resource(&self, name: &str, at: Position) -> Result<()> {
        self.evaluator.check_resource(name, at)?;
        if self.with_resources {
            return Ok(());
        }
        let what = format!("`{name}` is a resource, and only parameters are known here");
        Err(Fault::new(at, what))
    }
}
