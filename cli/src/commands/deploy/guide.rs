//! `cqrs deploy --guided`: asks for the settings and keeps them in `cqrs.toml`.
//!
//! Every question shows the value that Enter keeps, and is asked again until the answer is good.
//! The file is edited, not rewritten: comments and what was not asked for stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use super::ARCHITECTURE;
use crate::app::interrupt::Interrupt;
use crate::commands::no_project;
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{FILE, Settings, StackName, parse_region};
use crate::stack::template::{Parameter, Template};

pub(super) async fn run(
    settings: &mut Settings,
    template: &Template,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if !printer.can_ask() {
        return Err(Failure::new(
            Kind::Usage,
            "`--guided` asks questions, and this is no terminal",
        )
        .hint(format!(
            "write {FILE} instead; its keys are listed in docs/reference.md"
        )));
    }
    let guide = Guide { interrupt, printer };
    settings.stack = guide.stack(&settings.stack).await?;
    settings.aws.region = Some(guide.region(settings.aws.region.as_deref()).await?);
    for group in template.groups() {
        let asked: Vec<&Parameter> = group
            .parameters
            .into_iter()
            .filter(|p| p.name != ARCHITECTURE)
            .collect();
        if !asked.is_empty() {
            guide
                .group(group.label, &asked, &mut settings.parameters)
                .await?;
        }
    }
    let path = settings.places().ok_or_else(no_project)?.settings(FILE)?;
    write(settings, template, &path)?;
    match settings.project {
        Some(_) => printer.note(format_args!("Wrote {FILE}\n")),
        None => printer.note(format_args!("Wrote {}\n", path.display())),
    }
    Ok(())
}

struct Guide<'a> {
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Guide<'_> {
    async fn stack(&self, current: &StackName) -> Result<StackName, Failure> {
        self.ask("Stack", Some(current.as_str()), |text| text.parse())
            .await
    }

    async fn region(&self, current: Option<&str>) -> Result<String, Failure> {
        self.ask("Region", current, parse_region).await
    }

    async fn group(
        &self,
        label: Option<&str>,
        parameters: &[&Parameter],
        values: &mut BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let style = self.printer.style();
        self.printer.note(format_args!(
            "\n{}",
            style.bold(label.unwrap_or("Other parameters"))
        ));
        for parameter in parameters {
            let current = current(parameter, values).unwrap_or("(not set)");
            self.printer
                .note(format_args!("  {} = {current}", parameter.name));
        }
        let changed = self.printer.confirm("Change any of these?");
        if !self.interrupt.unless(changed, interrupted).await?? {
            return Ok(());
        }
        for parameter in parameters {
            if let Some(description) = &parameter.description {
                self.printer
                    .note(format_args!("  {}", style.dim(description)));
            }
            let before = current(parameter, values).map(str::to_owned);
            let answer = self
                .ask(&parameter.name, before.as_deref(), |text| {
                    parameter
                        .check(text)
                        .map(|()| text.to_owned())
                        .map_err(|e| e.to_string())
                })
                .await?;
            values.insert(parameter.name.clone(), answer);
        }
        Ok(())
    }

    /// Asks until `parse` takes the answer; an empty one is `current`.
    async fn ask<T>(
        &self,
        what: &str,
        current: Option<&str>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let shown = current
            .map(|value| format!(" [{value}]"))
            .unwrap_or_default();
        let question = format!("{what}{shown}:");
        // A closed input answers nothing for ever.
        for _ in 0..20 {
            let asked = self.printer.ask(&question);
            let answer = self.interrupt.unless(asked, interrupted).await??;
            let text = if answer.is_empty() {
                current.unwrap_or_default()
            } else {
                &answer
            };
            match parse(text) {
                Ok(value) => return Ok(value),
                Err(rule) => self.printer.note(format_args!("  {rule}")),
            }
        }
        Err(Failure::new(
            Kind::Usage,
            format!("no usable answer for {what}"),
        ))
    }
}

fn interrupted() -> Failure {
    Failure::interrupted(format!("interrupted; {FILE} was not changed"))
}

fn current<'a>(parameter: &'a Parameter, values: &'a BTreeMap<String, String>) -> Option<&'a str> {
    values
        .get(&parameter.name)
        .or(parameter.default.as_ref())
        .map(String::as_str)
}

fn write(settings: &Settings, template: &Template, path: &Path) -> Result<(), Failure> {
    let failed = |what: &str, cause: String| {
        Failure::new(Kind::Failed, format!("cannot {what} {}", path.display())).caused_by(cause)
    };
    let before = match crate::text::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(failed("read", e.to_string())),
    };
    let text = edited(&before, settings, template).map_err(|e| failed("edit", e.to_string()))?;
    // Beside it and renamed over it, so that a full disk never leaves half a file.
    let beside = path.with_extension("toml.new");
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(&beside, text))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|e| failed("write", e.to_string()))
}

/// The file's text with the answers in their section.
fn edited(
    before: &str,
    settings: &Settings,
    template: &Template,
) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = before.parse()?;
    let section = match &settings.env {
        None => document.as_table_mut(),
        Some(env) => {
            let environments = subtable(document.as_table_mut(), "env");
            environments.set_implicit(true);
            subtable(environments, env)
        }
    };
    section.insert("stack", value(settings.stack.as_str()));
    if let Some(region) = &settings.aws.region {
        section.insert("region", value(region));
    }
    let kept: Vec<(&String, &String)> = settings
        .parameters
        .iter()
        .filter(|(name, given)| {
            template
                .parameter(name)
                .is_none_or(|p| p.default.as_ref() != Some(given))
        })
        .collect();
    if section.contains_key("parameters") || !kept.is_empty() {
        let parameters = subtable(section, "parameters");
        for (name, given) in &settings.parameters {
            if kept.iter().any(|(kept, _)| *kept == name) {
                parameters.insert(name, value(given));
            } else {
                parameters.remove(name);
            }
        }
    }
    Ok(document.to_string())
}

/// The table of this name, made where there is none.
fn subtable<'a>(parent: &'a mut Table, name: &str) -> &'a mut Table {
    let item = parent
        .entry(name)
        .or_insert_with(|| Item::Table(Table::new()));
    if !item.is_table() {
        // An inline table holds the same and cannot take a header of its own.
        let inline = std::mem::take(item);
        *item = Item::Table(inline.into_table().unwrap_or_default());
    }
    let Item::Table(table) = item else {
        unreachable!("made a table above")
    };
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(env: Option<&str>, parameters: &[(&str, &str)]) -> Settings {
        Settings {
            target: crate::settings::Target::Aws,
            machine: Default::default(),
            stack: "shop".parse().expect("a name"),
            aws: crate::settings::AwsSettings {
                region: Some("eu-west-1".to_owned()),
                ..Default::default()
            },
            project: None,
            bundle: None,
            env: env.map(str::to_owned),
            account: None,
            parameters: parameters
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            tags: BTreeMap::new(),
            artifact_bucket: None,
            role_arn: None,
            domain: crate::domain::Domain::bundled(),
            printer: Default::default(),
        }
    }

    fn template() -> Template {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("template.yaml");
        std::fs::write(
            &path,
            "Parameters:\n  Size: {Type: Number, Default: 1}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n",
        )
        .expect("a file");
        Template::read(&path).expect("a template")
    }

    #[test]
    fn a_new_file_holds_what_differs_from_the_template() {
        let text = edited(
            "",
            &settings(None, &[("Size", "1"), ("Extra", "x")]),
            &template(),
        );
        insta::assert_snapshot!(text.expect("edits"), @r#"
        stack = "shop"
        region = "eu-west-1"

        [parameters]
        Extra = "x"
        "#);
    }

    #[test]
    fn comments_and_other_keys_of_the_file_stay() {
        let before = "# ours\nprofile = \"dev\" # not asked\n[parameters]\nSize = 3 # why\n";
        let text = edited(before, &settings(None, &[("Size", "2")]), &template());
        insta::assert_snapshot!(text.expect("edits"), @r#"
        # ours
        profile = "dev" # not asked
        stack = "shop"
        region = "eu-west-1"
        [parameters]
        Size = "2"
        "#);
    }

    #[test]
    fn an_environment_gets_a_section_of_its_own() {
        let text = edited(
            "stack = \"base\"\n",
            &settings(Some("prod"), &[("Size", "2")]),
            &template(),
        );
        insta::assert_snapshot!(text.expect("edits"), @r#"
        stack = "base"

        [env.prod]
        stack = "shop"
        region = "eu-west-1"

        [env.prod.parameters]
        Size = "2"
        "#);
    }
}
