//! `Ref`, `Fn::GetAtt`, `Fn::Sub`, and the names that they may use.

use std::collections::HashMap;

use super::call::{Call, Function, View};
use super::evaluator::{Evaluator, NO_VALUE, PSEUDO_PARAMETERS, Section};
use super::fault::{Fault, Result, suggestion};
use super::substitution::{Part, parts};
use super::value::{Data, Value};
use crate::stack::template::{self, Position};

impl<'t> Evaluator<'t> {
    /// `Ref`.
    pub(super) fn reference(&mut self, call: Call<'t>) -> Result<Option<Value<'t>>> {
        let name = call.argument.text().ok_or_else(|| call.misshapen())?;
        if name == NO_VALUE {
            return Ok(None);
        }
        self.named(name, call.at).map(Some)
    }

    /// A parameter's value, or a resource's own name.
    fn named(&mut self, name: &'t str, at: Position) -> Result<Value<'t>> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone().moved_to(at));
        }
        if let Some(value) = self.pseudo_parameter(name, at) {
            return Ok(value);
        }
        self.check_name(name, at)?;
        let resource = self.resource(name, at)?;
        Ok(Value::text(at, resource.reference(self.context)))
    }

    /// `Fn::GetAtt`.
    pub(super) fn attribute(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let (name, attribute) = match call.argument.text() {
            Some(path) => path
                .split_once('.')
                .map(|(name, attribute)| (name, attribute.into()))
                .ok_or_else(|| call.misshapen())?,
            None => {
                let [name, attribute] = call.arguments()?;
                let name = name.text().ok_or_else(|| call.misshapen())?;
                (name, self.text(attribute, &call)?)
            }
        };
        self.attribute_of(name, &attribute, call.at)
    }

    fn attribute_of(&mut self, name: &'t str, attribute: &str, at: Position) -> Result<Value<'t>> {
        self.check_resource(name, at)?;
        let resource = self.resource(name, at)?;
        resource.attribute(attribute, at, self.context)
    }

    /// `Fn::Sub`.
    pub(super) fn substitute(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let (text, given) = self.substitution(call)?;
        let mut own = HashMap::new();
        for entry in given {
            let value = self.value(&entry.value, "`Fn::Sub`")?;
            own.insert(entry.key.as_str(), value.into_text("`Fn::Sub`")?);
        }
        let mut result = String::with_capacity(text.len() + 32);
        for part in parts(text, call.argument.at)? {
            match part {
                Part::Literal(literal) => result.push_str(literal),
                Part::Escaped(name) => result.extend(["${", name, "}"]),
                Part::Variable(name) => match own.get(name) {
                    Some(value) => result.push_str(value),
                    None => result.push_str(&self.variable(name, call.at)?),
                },
            }
        }
        Ok(Value::text(call.at, result))
    }

    fn substitution(&self, call: Call<'t>) -> Result<(&'t str, &'t [template::Entry])> {
        match call.argument.value {
            template::Value::Scalar { text, .. } if call.argument.call()?.is_none() => {
                Ok((text, &[]))
            }
            _ => {
                let [text, given] = call.arguments()?;
                let text = View::from(text).text();
                let given = View::from(given).mapping();
                text.zip(given).ok_or_else(|| call.misshapen())
            }
        }
    }

    fn variable(&mut self, name: &'t str, at: Position) -> Result<String> {
        let value = match name.split_once('.') {
            Some((resource, attribute)) => self.attribute_of(resource, attribute, at)?,
            None if name == NO_VALUE => {
                return Err(Fault::new(at, "`Fn::Sub` takes no `AWS::NoValue` here"));
            }
            None => self.named(name, at)?,
        };
        match value.data {
            Data::Text { text, .. } => Ok(text.into_owned()),
            Data::List(_) | Data::Map(_) => {
                let what = format!("`{name}` is {}, and `Fn::Sub` takes texts", value.shape());
                Err(Fault::new(at, what))
            }
        }
    }

    /// Whether there is a parameter or a resource of this name, which may be referred to here.
    fn check_name(&self, name: &str, at: Position) -> Result<()> {
        if self.parameters.contains_key(name) || PSEUDO_PARAMETERS.contains(&name) {
            return Ok(());
        }
        if self.resources.contains_key(name) {
            return self.check_section(name, at);
        }
        let parameters = self.parameters.keys().chain(&PSEUDO_PARAMETERS).copied();
        let near = suggestion(name, parameters.chain(self.resources.keys().copied()));
        let what = format!("there is no parameter or resource `{name}`{near}");
        Err(Fault::new(at, what))
    }

    /// Whether there is a resource of this name, which may be referred to here.
    pub(super) fn check_resource(&self, name: &str, at: Position) -> Result<()> {
        if self.resources.contains_key(name) {
            return self.check_section(name, at);
        }
        let near = suggestion(name, self.resources.keys().copied());
        Err(Fault::new(
            at,
            format!("there is no resource `{name}`{near}"),
        ))
    }

    fn check_section(&self, name: &str, at: Position) -> Result<()> {
        if self.section == Section::Stack {
            return Ok(());
        }
        let what = format!("`{name}` is a resource, and only parameters are known here");
        Err(Fault::new(at, what))
    }

    /// Whether all names in what is not evaluated, since a condition does not hold, are there.
    pub(super) fn check_unused(&self, view: View<'t>) -> Result<()> {
        if let Some(call) = view.call()? {
            self.check_call(call)?;
            return match call.function {
                Function::Ref | Function::GetAtt => Ok(()),
                _ => self.check_unused(call.argument),
            };
        }
        match view.value {
            template::Value::Scalar { .. } => Ok(()),
            template::Value::Sequence(items) => items
                .iter()
                .try_for_each(|item| self.check_unused(item.into())),
            template::Value::Mapping(entries) => entries
                .iter()
                .try_for_each(|entry| self.check_unused((&entry.value).into())),
        }
    }

    fn check_call(&self, call: Call<'t>) -> Result<()> {
        match call.function {
            Function::Ref => match call.argument.text() {
                Some(NO_VALUE) => Ok(()),
                Some(name) => self.check_name(name, call.at),
                None => Err(call.misshapen()),
            },
            Function::GetAtt => {
                let path = call.argument.text().and_then(|path| path.split_once('.'));
                let name = match path {
                    Some((name, _)) => name,
                    None => {
                        let [name, _] = call.arguments()?;
                        name.text().ok_or_else(|| call.misshapen())?
                    }
                };
                self.check_resource(name, call.at)
            }
            Function::Sub => {
                let (text, given) = self.substitution(call)?;
                for part in parts(text, call.argument.at)? {
                    match part {
                        Part::Variable(name) if given.iter().any(|entry| entry.key == name) => {}
                        Part::Variable(name) => match name.split_once('.') {
                            Some((resource, _)) => self.check_resource(resource, call.at)?,
                            None => self.check_name(name, call.at)?,
                        },
                        Part::Literal(_) | Part::Escaped(_) => {}
                    }
                }
                Ok(())
            }
            Function::If => {
                let [condition, _, _] = call.arguments()?;
                let name = condition.text().ok_or_else(|| call.misshapen())?;
                self.check_condition(name, condition.at)
            }
            _ => Ok(()),
        }
    }
}
