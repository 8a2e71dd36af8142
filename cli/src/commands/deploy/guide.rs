//! `cqrs deploy --guided`: asks for the settings and keeps them in `cqrs.toml`.
//!
//! Every question shows the value that Enter keeps, and is asked again until the answer is good.
//! The file is edited, not rewritten: comments and what was not asked for stay as they are.

mod network;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use super::ARCHITECTURE;
use super::derived::CACHE_NUMBER;
use super::preset::{NODE_TYPE, TOPIC};
use crate::app::interrupt::Interrupt;
use crate::aws::Aws;
use crate::commands::no_project;
use crate::commands::table::table;
use crate::error::{Failure, Kind};
use crate::loadtest::cost::dollars;
use crate::prices::{Assumed, Node};
use crate::printer::Printer;
use crate::settings::{FILE, Preset, Settings, StackName, parse_region};
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
    let mut guide = Guide {
        interrupt,
        printer,
        aws: None,
    };
    settings.stack = guide.stack(&settings.stack).await?;
    settings.aws.region = Some(guide.region(settings.aws.region.as_deref()).await?);
    // What cannot be reached is said where it is needed; the questions go on without it.
    guide.aws = Aws::connect(&settings.aws).await.ok();
    if settings.preset.is_none() && guide.agrees("Guard it for production?").await? {
        settings.preset = Some(Preset::Production);
    }
    let asked_already = match settings.preset {
        Some(preset) => guide.guarded(preset, template, settings).await?,
        None => Vec::new(),
    };
    for group in template.groups() {
        let asked: Vec<&Parameter> = group
            .parameters
            .into_iter()
            .filter(|p| ![ARCHITECTURE, CACHE_NUMBER].contains(&p.name.as_str()))
            .filter(|p| !asked_already.contains(&p.name.as_str()))
            .collect();
        if !asked.is_empty() {
            guide.group(group.label, &asked, settings).await?;
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
    aws: Option<Aws>,
}

impl Guide<'_> {
    async fn stack(&self, current: &StackName) -> Result<StackName, Failure> {
        self.ask("Stack", Some(current.as_str()), |text| text.parse())
            .await
    }

    async fn region(&self, current: Option<&str>) -> Result<String, Failure> {
        self.ask("Region", current, parse_region).await
    }

    /// Asks for what the preset cannot know; gives the names of what was asked.
    async fn guarded(
        &self,
        preset: Preset,
        template: &Template,
        settings: &mut Settings,
    ) -> Result<Vec<&'static str>, Failure> {
        let mut asked = Vec::new();
        if let Some(parameter) = template.parameter(TOPIC) {
            let needed = |text: &str| match text {
                "" => Err("the alarms need an SNS topic, by its ARN".to_owned()),
                text => parameter.check(text).map_err(|e| e.to_string()),
            };
            let current = settings
                .parameters
                .get(TOPIC)
                .filter(|topic| !topic.is_empty());
            let current = current.cloned();
            let take = |text: &str| needed(text).map(|()| text.to_owned());
            let topic = self.ask(TOPIC, current.as_deref(), take).await?;
            settings.parameters.insert(TOPIC.to_owned(), topic);
            asked.push(TOPIC);
        }
        if let Some(parameter) = template.parameter(NODE_TYPE) {
            let region = settings.aws.region.as_deref().unwrap_or_default();
            self.printer.note(nodes(region, &settings.domain.plural));
            let current = current(parameter, &settings.parameters, Some(preset));
            let current = current.map(str::to_owned);
            let node_type = self.parameter(parameter, current.as_deref()).await?;
            settings.parameters.insert(NODE_TYPE.to_owned(), node_type);
            asked.push(NODE_TYPE);
        }
        Ok(asked)
    }

    async fn agrees(&self, question: &str) -> Result<bool, Failure> {
        let asked = self.printer.confirm(question);
        self.interrupt.unless(asked, interrupted).await?
    }

    /// Asks for a parameter's value.
    async fn parameter(
        &self,
        parameter: &Parameter,
        current: Option<&str>,
    ) -> Result<String, Failure> {
        let take = |text: &str| {
            let checked = parameter.check(text).map(|()| text.to_owned());
            checked.map_err(|e| e.to_string())
        };
        self.ask(&parameter.name, current, take).await
    }

    async fn group(
        &self,
        label: Option<&str>,
        parameters: &[&Parameter],
        settings: &mut Settings,
    ) -> Result<(), Failure> {
        let preset = settings.preset;
        let values = &mut settings.parameters;
        let style = self.printer.style();
        self.printer.note(format_args!(
            "\n{}",
            style.bold(label.unwrap_or("Other parameters"))
        ));
        for parameter in parameters {
            let current = current(parameter, values, preset).unwrap_or("(not set)");
            self.printer
                .note(format_args!("  {} = {current}", parameter.name));
        }
        if !self.agrees("Change any of these?").await? {
            return Ok(());
        }
        for parameter in parameters {
            if let Some(description) = &parameter.description {
                self.printer
                    .note(format_args!("  {}", style.dim(description)));
            }
            self.offer(&parameter.name, values).await?;
            let before = current(parameter, values, preset).map(str::to_owned);
            let answer = self.parameter(parameter, before.as_deref()).await?;
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

/// What holds for a parameter that nothing is said for.
fn baseline(parameter: &Parameter, preset: Option<Preset>) -> Option<&str> {
    let by_preset = preset.and_then(|preset| preset.value(&parameter.name));
    by_preset.or(parameter.default.as_deref())
}

fn current<'a>(
    parameter: &'a Parameter,
    values: &'a BTreeMap<String, String>,
    preset: Option<Preset>,
) -> Option<&'a str> {
    let given = values.get(&parameter.name).map(String::as_str);
    given.or_else(|| baseline(parameter, preset))
}

/// The node types that the documents know, with what they hold and cost.
fn nodes(region: &str, plural: &str) -> String {
    let assumed = Assumed::read().unwrap_or_default();
    let rows = Node::all().into_iter().map(|node| {
        let month = Node::hour(node.name, region).map(|hour| dollars(hour * assumed.hours));
        vec![
            node.name.to_owned(),
            format!("{} GiB", node.memory_gib),
            format!("{:.1} million", node.holds(&assumed) / 1e6),
            month.unwrap_or_else(|| "not known".to_owned()),
        ]
    });
    let holds = format!("Holds, of {plural} of the seed's size");
    let rows = table(&["Node type", "Memory", &holds, "A month, each"], rows);
    let lines: String = rows.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "\n{lines}  A million {plural} take {:.2} GB of it.",
        assumed.cached / 1e3
    )
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
    if let Some(preset) = settings.preset {
        section.insert("preset", value(preset.name()));
    }
    let is_kept = |name: &str, given: &str| {
        let known = template.parameter(name);
        known.is_none_or(|parameter| baseline(parameter, settings.preset) != Some(given))
    };
    let mut given = settings.parameters.iter();
    if section.contains_key("parameters") || given.any(|(name, given)| is_kept(name, given)) {
        let parameters = subtable(section, "parameters");
        for (name, given) in &settings.parameters {
            if is_kept(name, given) {
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
            preset: None,
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

    fn template(parameters: &str) -> Template {
        let text = format!("Parameters:\n{parameters}Resources:\n  Q: {{Type: AWS::SQS::Queue}}\n");
        Template::from_text(Path::new("template.yaml"), text).expect("a template")
    }

    const SIZE: &str = "  Size: {Type: Number, Default: 1}\n";

    #[test]
    fn a_new_file_holds_what_differs_from_the_template() {
        let text = edited(
            "",
            &settings(None, &[("Size", "1"), ("Extra", "x")]),
            &template(SIZE),
        );
        insta::assert_snapshot!(text.expect("edits"), @r#"
        stack = "shop"
        region = "eu-west-1"

        [parameters]
        Extra = "x"
        "#);
    }

    #[test]
    fn a_preset_is_kept_by_its_name_and_not_by_its_values() {
        let mut settings = settings(Some("prod"), &[("CacheReplicas", "1"), ("Size", "2")]);
        settings.preset = Some(Preset::Production);
        let template = template(&format!(
            "{SIZE}  CacheReplicas: {{Type: Number, Default: 0}}\n"
        ));
        let text = edited("", &settings, &template);
        insta::assert_snapshot!(text.expect("edits"), @r#"
        [env.prod]
        stack = "shop"
        region = "eu-west-1"
        preset = "production"

        [env.prod.parameters]
        Size = "2"
        "#);
    }

    #[test]
    fn the_nodes_are_shown_with_what_they_hold_and_cost() {
        insta::assert_snapshot!(nodes("us-east-1", "orders"), @"
          Node type         Memory     Holds, of orders of the seed's size  A month, each
          cache.t4g.micro   0.5 GiB    0.8 million                          $9.34
          cache.t4g.small   1.37 GiB   2.1 million                          $18.69
          cache.t4g.medium  3.09 GiB   4.8 million                          not known
          cache.m7g.large   6.38 GiB   9.9 million                          $92.27
          cache.r7g.large   13.07 GiB  20.3 million                         not known
          A million orders take 0.52 GB of it.
        ");
        assert!(nodes("eu-west-1", "orders").contains("0.5 GiB"));
    }

    #[test]
    fn comments_and_other_keys_of_the_file_stay() {
        let before = "# ours\nprofile = \"dev\" # not asked\n[parameters]\nSize = 3 # why\n";
        let text = edited(before, &settings(None, &[("Size", "2")]), &template(SIZE));
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
            &template(SIZE),
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
