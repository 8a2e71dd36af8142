//! The functions that give a value.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::call::{Call, Function, View};
use super::cidr;
use super::evaluator::Evaluator;
use super::fault::{Fault, Result, choices, suggestion};
use super::value::Value;
use crate::stack::template::{self, Entry, Node};

/// As many as the regions with most of them have.
const ZONES: [char; 6] = ['a', 'b', 'c', 'd', 'e', 'f'];

impl<'t> Evaluator<'t> {
    /// The call's value; `None` for `AWS::NoValue`.
    pub(super) fn answer(&mut self, call: Call<'t>) -> Result<Option<Value<'t>>> {
        let value = match call.function {
            Function::Ref => return self.reference(call),
            Function::If => return self.choose(call),
            Function::GetAtt => self.attribute(call),
            Function::Sub => self.substitute(call),
            Function::Join => self.join(call),
            Function::Select => return self.select(call).map(Some),
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
    pub(super) fn text(
        &mut self,
        argument: impl Into<View<'t>>,
        call: &Call<'t>,
    ) -> Result<Cow<'t, str>> {
        let name = call.name();
        self.value(argument, &name)?.into_text(&name)
    }

    fn list(&mut self, argument: &'t Node, call: &Call<'t>) -> Result<Vec<Value<'t>>> {
        let name = call.name();
        self.value(argument, &name)?.into_list(&name)
    }

    fn number<T>(
        &mut self,
        argument: &'t Node,
        range: RangeInclusive<T>,
        call: &Call<'t>,
    ) -> Result<T>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let text = self.text(argument, call)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            let name = call.name();
            let what = format!("{name} takes a number from {min} to {max} here, not `{text}`");
            Fault::new(argument.at, what)
        })
    }

    fn choose(&mut self, call: Call<'t>) -> Result<Option<Value<'t>>> {
        let [condition, one, two] = call.arguments()?;
        let name = condition.text().ok_or_else(|| {
            Fault::new(condition.at, "`Fn::If` takes the name of a condition first")
        })?;
        let (chosen, other) = if self.condition(name, condition.at)? {
            (one, two)
        } else {
            (two, one)
        };
        self.check_unused(other.into())?;
        self.resolve(chosen)
    }

    fn join(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let [delimiter, list] = call.arguments()?;
        let delimiter = self.text(delimiter, &call)?;
        let mut joined = String::new();
        for (index, item) in self.list(list, &call)?.into_iter().enumerate() {
            if index > 0 {
                joined.push_str(&delimiter);
            }
            joined.push_str(&item.into_text(&call.name())?);
        }
        Ok(Value::text(call.at, joined))
    }

    fn select(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let [index, list] = call.arguments()?;
        let mut items = self.list(list, &call)?;
        if items.is_empty() {
            return Err(Fault::new(
                list.at,
                "`Fn::Select` has an empty list to select from",
            ));
        }
        let index = self.number(index, 0..=items.len() - 1, &call)?;
        Ok(items.swap_remove(index).moved_to(call.at))
    }

    fn split(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let [delimiter, text] = call.arguments()?;
        let at = delimiter.at;
        let delimiter = self.text(delimiter, &call)?;
        if delimiter.is_empty() {
            return Err(Fault::new(at, "`Fn::Split` takes no empty delimiter"));
        }
        let text = self.text(text, &call)?;
        let pieces = text.split(&*delimiter).map(str::to_owned);
        Ok(Value::list(call.at, pieces))
    }

    fn cidr(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let [range, count, bits] = call.arguments()?;
        let at = range.at;
        let range = self.text(range, &call)?;
        let count = self.number(count, 1..=256, &call)?;
        let bits = self.number(bits, 1..=32, &call)?;
        let blocks = cidr::split(&range, count, bits).map_err(|what| Fault::new(at, what))?;
        Ok(Value::list(call.at, blocks))
    }

    /// Made up: the zones of a region are the account's own.
    fn zones(&mut self, call: Call<'t>) -> Result<Value<'t>> {
        let asked = self.text(call.argument, &call)?;
        let region = match &*asked {
            "" => self.context.region.as_str(),
            region => region,
        };
        let zones = ZONES.iter().map(|zone| format!("{region}{zone}"));
        Ok(Value::list(call.at, zones))
    }

    fn find_in_map(&mut self, call: Call<'t>) -> Result<Value<'t>> {
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
            match entries.iter().find(|entry| entry.key == key) {
                Some(next) => entry = next,
                None => return Err(unknown_key(&key, entry, at)),
            }
        }
        mapped(entry, &call)
    }
}

fn unknown_key(key: &str, parent: &Entry, at: template::Position) -> Fault {
    let known = choices(parent.value.entries().iter().map(|entry| &*entry.key));
    let what = format!("`{}` has no key `{key}`; it has: {known}", parent.key);
    Fault::new(at, what)
}

/// A value of a mapping: a text or a list of texts, without functions.
fn mapped<'t>(entry: &'t Entry, call: &Call<'t>) -> Result<Value<'t>> {
    let node = &entry.value;
    if let Some(text) = node.text() {
        return Ok(Value::text(call.at, text));
    }
    let items = View::from(node).list().map(|items| {
        let texts: Option<Vec<_>> = items.iter().map(Node::text).collect();
        texts
    });
    match items.flatten() {
        Some(texts) => Ok(Value::list(call.at, texts)),
        None => {
            let what = format!("`{}` in `Mappings` is a text or a list of texts", entry.key);
            Err(Fault::new(node.at, what))
        }
    }
}
