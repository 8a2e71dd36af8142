//! The functions that give a value.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use super::call::{Call, Function, View};
use super::evaluator::{Evaluator, NO_VALUE};
use super::fault::{Fault, Result, choices, suggestion};
use super::value::{Data, Value};
use crate::stack::template::{self, Entry, Node, Position};

/// As many as the regions with most of them have.
const ZONES: [char; 6] = ['a', 'b', 'c', 'd', 'e', 'f'];

impl<'t> Evaluator<'t> {
    /// The call's value; `None` for `AWS::NoValue`.
    pub(super) fn answer(&mut self, call: Call<'t>) -> Result<Option<Value>> {
        let value = match call.function {
            Function::Ref => return self.reference(call),
            Function::If => return self.choose(call),
            Function::GetAtt => self.attribute(call),
            Function::Sub => self.substitute(call),
            Function::Join => self.join(call),
            Function::Select => self.select(call),
            Function::Split => self.split(call),
            Function::FindInMap => self.find_in_map(call),
            Function::Cidr => self.cidr(call),
            Function::GetAzs => self.zones(call),
            Function::And
            | Function::Or
            | Function::Not
            | Function::Equals
            | Function::Condition => {
                let what = format!(
                    "{} gives no value; it stands in `Conditions` and `Rules`, and `Fn::If` takes \
                     the name of a condition",
                    call.name()
                );
                Err(Fault::new(call.at, what))
            }
        };
        value.map(Some)
    }

    /// An argument that is a text.
    fn text(&mut self, argument: impl Into<View<'t>>, call: &Call<'t>) -> Result<String> {
        let name = call.name();
        self.value(argument, &name)?.into_text(&name)
    }

    fn list(&mut self, argument: &'t Node, call: &Call<'t>) -> Result<Vec<Value>> {
        let name = call.name();
        self.value(argument, &name)?.into_list(&name)
    }

    fn number(
        &mut self,
        argument: &'t Node,
        range: RangeInclusive<usize>,
        call: &Call<'t>,
    ) -> Result<usize> {
        let text = self.text(argument, call)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            let name = call.name();
            let what = format!("{name} takes a number from {min} to {max} here, not `{text}`");
            Fault::new(argument.at, what)
        })
    }

    fn reference(&mut self, call: Call<'t>) -> Result<Option<Value>> {
        let name = call.argument.text().ok_or_else(|| call.misshapen())?;
        if name == NO_VALUE {
            return Ok(None);
        }
        self.named(name, call.at).map(Some)
    }

    /// A parameter's value, or a resource's own name.
    fn named(&mut self, name: &'t str, at: Position) -> Result<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone().moved_to(at));
        }
        if let Some(value) = self.pseudo_parameter(name, at) {
            return Ok(value);
        }
        let resource = self.resource(name, at)?;
        Ok(Value::text(at, resource.reference(self.context)))
    }

    fn attribute(&mut self, call: Call<'t>) -> Result<Value> {
        let (name, attribute) = match call.argument.text() {
            Some(path) => path
                .split_once('.')
                .map(|(name, attribute)| (name, attribute.to_owned()))
                .ok_or_else(|| call.misshapen())?,
            None => {
                let [name, attribute] = call.arguments()?;
                let name = name.text().ok_or_else(|| call.misshapen())?;
                (name, self.text(attribute, &call)?)
            }
        };
        let resource = self.resource(name, call.at)?;
        resource.attribute(&attribute, call.at, self.context)
    }

    fn substitute(&mut self, call: Call<'t>) -> Result<Value> {
        let (text, given) = substitution(call)?;
        let mut own = HashMap::new();
        for entry in given {
            own.insert(entry.key.as_str(), self.text(&entry.value, &call)?);
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

    fn variable(&mut self, name: &'t str, at: Position) -> Result<String> {
        let value = match name.split_once('.') {
            Some((resource, attribute)) => {
                let resource = self.resource(resource, at)?;
                resource.attribute(attribute, at, self.context)?
            }
            None => self.named(name, at)?,
        };
        match value.data {
            Data::Text(text) => Ok(text),
            Data::List(_) | Data::Map(_) => {
                let what = format!("`{name}` is {}, and `Fn::Sub` takes texts", value.shape());
                Err(Fault::new(at, what))
            }
        }
    }

    fn choose(&mut self, call: Call<'t>) -> Result<Option<Value>> {
        let [condition, one, two] = call.arguments()?;
        let name = condition.text().ok_or_else(|| call.misshapen())?;
        let chosen = if self.condition(name, condition.at)? {
            one
        } else {
            two
        };
        self.resolve(chosen)
    }

    fn join(&mut self, call: Call<'t>) -> Result<Value> {
        let [delimiter, list] = call.arguments()?;
        let delimiter = self.text(delimiter, &call)?;
        let items = self.list(list, &call)?.into_iter();
        let texts: Vec<String> = items
            .map(|item| item.into_text(&call.name()))
            .collect::<Result<_>>()?;
        Ok(Value::text(call.at, texts.join(&delimiter)))
    }

    fn select(&mut self, call: Call<'t>) -> Result<Value> {
        let [index, list] = call.arguments()?;
        let mut items = self.list(list, &call)?;
        let Some(last) = items.len().checked_sub(1) else {
            let what = "`Fn::Select` has an empty list to select from";
            return Err(Fault::new(list.at, what));
        };
        let index = self.number(index, 0..=last, &call)?;
        Ok(items.swap_remove(index).moved_to(call.at))
    }

    fn split(&mut self, call: Call<'t>) -> Result<Value> {
        let [delimiter, text] = call.arguments()?;
        let at = delimiter.at;
        let delimiter = self.text(delimiter, &call)?;
        if delimiter.is_empty() {
            return Err(Fault::new(at, "`Fn::Split` takes no empty delimiter"));
        }
        let text = self.text(text, &call)?;
        Ok(Value::list(call.at, text.split(&delimiter)))
    }

    fn cidr(&mut self, call: Call<'t>) -> Result<Value> {
        let [range, count, bits] = call.arguments()?;
        let at = range.at;
        let range = self.text(range, &call)?;
        let count = self.number(count, 1..=256, &call)?;
        let bits = self.number(bits, 1..=32, &call)?;
        let blocks = ranges(&range, count, bits).map_err(|what| Fault::new(at, what))?;
        Ok(Value::list(call.at, blocks))
    }

    /// Made up: the zones of a region are the account's own.
    fn zones(&mut self, call: Call<'t>) -> Result<Value> {
        let mut region = self.text(call.argument, &call)?;
        if region.is_empty() {
            region.clone_from(&self.context.region);
        }
        let zones = ZONES.iter().map(|zone| format!("{region}{zone}"));
        Ok(Value::list(call.at, zones))
    }

    fn find_in_map(&mut self, call: Call<'t>) -> Result<Value> {
        let [map, first, second] = call.arguments()?;
        let map_name = self.text(map, &call)?;
        let Some(found) = self.mappings.iter().find(|entry| entry.key == map_name) else {
            let near = suggestion(&map_name, self.mappings.iter().map(|entry| &*entry.key));
            let what = format!("there is no mapping `{map_name}`{near}");
            return Err(Fault::new(map.at, what));
        };
        let mut entry = found;
        for key in [first, second] {
            let at = key.at;
            let key = self.text(key, &call)?;
            let entries = entry.value.entries();
            let Some(next) = entries.iter().find(|entry| entry.key == key) else {
                let known = choices(entries.iter().map(|entry| &*entry.key));
                let what = format!("`{}` has no key `{key}`; it has: {known}", entry.key);
                return Err(Fault::new(at, what));
            };
            entry = next;
        }
        // A text or a list of texts, without functions.
        self.value(&entry.value, &call.name())
            .map(|value| value.moved_to(call.at))
    }
}

/// The text of `Fn::Sub`, and the names that it is given.
pub(super) fn substitution<'t>(call: Call<'t>) -> Result<(&'t str, &'t [Entry])> {
    match call.argument.value {
        template::Value::Scalar { text, .. } if call.argument.call()?.is_none() => Ok((text, &[])),
        _ => {
            let [text, given] = call.arguments()?;
            let text = View::from(text).text();
            let given = View::from(given).mapping();
            text.zip(given).ok_or_else(|| call.misshapen())
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// A text that stays as it is.
    Literal(&'t str),
    /// What followed in `${!`, which stands for `${` and that text and `}`.
    Escaped(&'t str),
    /// A name in `${` and `}`.
    Variable(&'t str),
}

/// Takes the text of `Fn::Sub` apart. A `${` that is never closed is a text.
pub(super) fn parts(text: &str, at: Position) -> Result<Vec<Part<'_>>> {
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
        !name.is_empty() && name.chars().all(fits)
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, opened)) = rest.split_once("${") {
        let Some((name, after)) = opened.split_once('}') else {
            break;
        };
        parts.push(Part::Literal(literal));
        parts.push(match name.strip_prefix('!') {
            Some(escaped) => Part::Escaped(escaped),
            None if is_name(name) => Part::Variable(name),
            None => {
                let what = format!(
                    "`${{{name}}}` in `Fn::Sub` is no name of letters, digits, `_`, `.` and `:`"
                );
                return Err(Fault::new(at, what));
            }
        });
        rest = after;
    }
    parts.push(Part::Literal(rest));
    Ok(parts)
}

/// `Fn::Cidr`: the first `count` ranges of `bits` host bits each within `range`.
fn ranges(range: &str, count: usize, bits: usize) -> std::result::Result<Vec<String>, String> {
    let parsed = range.split_once('/').and_then(|(address, prefix)| {
        let address: Ipv4Addr = address.parse().ok()?;
        let host_bits = 32_usize.checked_sub(prefix.parse().ok()?)?;
        Some((u64::from(address.to_bits()), host_bits))
    });
    let (start, host_bits) = parsed
        .ok_or_else(|| format!("`{range}` is no range of addresses, such as `10.0.0.0/16`"))?;
    let room = host_bits.checked_sub(bits).map(|bits| 1_u64 << bits);
    if room.is_none_or(|room| count as u64 > room) {
        return Err(format!(
            "`{range}` has no room for {count} ranges of {bits} bits"
        ));
    }
    let start = start >> host_bits << host_bits;
    let block = |index: u64| {
        let address = u32::try_from(start | index << bits).unwrap_or(u32::MAX);
        format!("{}/{}", Ipv4Addr::from_bits(address), 32 - bits)
    };
    Ok((0..count as u64).map(block).collect())
}
