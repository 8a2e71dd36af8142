//! What can be typed: the options that every command takes, and the commands, whose own options stand
//! beside them.
//!
//! Parsing touches neither AWS nor the file system; `settings` turns what was typed into what is
//! meant.

mod variables;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::bench::options::BenchArgs;
use crate::commands::bundle::options::BundleCommand;
use crate::commands::demo::options::DemoArgs;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::destroy::options::DestroyArgs;
use crate::commands::dev::options::DevArgs;
use crate::commands::domain::options::DomainCommand;
use crate::commands::entity;
use crate::commands::failures::options::FailuresCommand;
use crate::commands::local::options::LocalCommand;
use crate::commands::logs::options::LogsArgs;
use crate::commands::new::options::NewArgs;
use crate::commands::permissions::options::PermissionsArgs;
use crate::commands::rebuild::options::RebuildArgs;
use crate::commands::status::options::StatusArgs;
use crate::commands::ui::options::UiArgs;
use crate::commands::verify::options::VerifyArgs;
use crate::domain::{Domain, FILE};
use crate::printer::{ColorChoice, Output, Place};
use crate::settings::{StackName, parse_cache_url, parse_endpoint, parse_region};

/// Deploys and drives CQRS on AWS, or with `--local` on this machine: {plural} written to DynamoDB,
/// projected through its stream into Valkey, and read from there.
#[derive(Debug, Parser)]
#[command(name = "cqrs", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  cqrs deploy                                   create or update the stack
  cqrs {entity} create{example}   write {one}
  cqrs {entity} get ID   read it from the read model
  cqrs destroy                                  delete the stack
  cqrs deploy --local                           the same stack on this machine, without AWS

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 not found, 4 refused by the domain,
5 timed out waiting, 130 interrupted.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The same without any command.
#[derive(Debug, Parser)]
#[command(name = "cqrs", version, propagate_version = true, max_term_width = 100)]
struct Alone {
    #[command(flatten)]
    global: Global,
}

impl Cli {
    /// All that can be typed, in the words of `domain`.
    pub(crate) fn of(domain: &Domain) -> clap::Command {
        domain.worded(Self::without_words(domain))
    }

    /// Refuses a domain that has a word which the tool has itself.
    pub(crate) fn check(domain: &Domain) -> Result<(), clap::Error> {
        free(&Self::without_words(domain), domain)
    }

    /// The same where nobody reads the texts, which are most of the work.
    fn without_words(domain: &Domain) -> clap::Command {
        // Named after the entity, each in its place.
        let named = |option: Arg| match option.get_id().as_str() {
            "entity" => option.long(domain.entity.clone()),
            "count" => option.long(domain.plural.clone()),
            _ => option,
        };
        let command = Self::command().mut_subcommands(|command| match command.get_name() {
            "logs" | "bench" => command.mut_args(named),
            _ => command,
        });
        with_entity(command, domain)
    }

    /// What can be typed that begins as `arguments` do. After the entity's name that is none of the
    /// tool's other commands, which are most of the work.
    fn after(arguments: &[OsString], domain: &Domain) -> clap::Command {
        match arguments.get(1) {
            Some(first) if *first == *domain.entity => with_entity(Alone::command(), domain),
            _ => Self::without_words(domain),
        }
    }

    /// The version where nothing else is asked for, which needs neither commands nor a domain.
    pub(crate) fn version(arguments: &[OsString]) -> Option<clap::Error> {
        let is_asked = matches!(arguments, [_, only] if only == "--version" || only == "-V");
        let parsed = is_asked.then(|| Alone::command().try_get_matches_from(arguments));
        parsed?.err()
    }

    /// Parses, and decides between `--local` and what leads to AWS: both typed is an error; one
    /// that was typed outranks another that comes from the environment.
    pub(crate) fn from_arguments(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        domain: &Domain,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let help =
            |argument: &OsString| argument == "-h" || argument == "--help" || argument == "help";
        let mut command = Self::after(&arguments, domain);
        if arguments.iter().any(help) {
            command = domain.worded(command);
        }
        free(&command, domain)?;
        // To take it apart again would be a tenth of what a start costs.
        let command = Box::leak(Box::new(command));
        let mut matches = command.try_get_matches_from_mut(&arguments);
        if let Err(error) = &matches
            && error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        {
            *command = domain.worded(Self::after(&arguments, domain));
            matches = command.try_get_matches_from_mut(&arguments);
        }
        let matches = matches.map_err(|e| variables::named(e, command, &arguments))?;
        let mut cli = match matches.subcommand() {
            Some((name, typed)) if name == domain.entity => Ok(Self {
                global: Global::from_arg_matches(&matches)?,
                command: Command::Entity(typed.clone()),
            }),
            _ => Self::from_arg_matches(&matches).map_err(|e| e.format(command)),
        }?;
        let typed = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
        cli.global.place = cli.global.typed_place(typed);
        if cli.global.quiet && cli.global.verbose {
            let [quiet, verbose] = [typed("quiet"), typed("verbose")];
            if quiet == verbose {
                let (one, other) = match quiet {
                    true => ("--quiet", "--verbose"),
                    false => ("CQRS_QUIET", "CQRS_VERBOSE"),
                };
                return Err(command.error(
                    ErrorKind::ArgumentConflict,
                    format!("`{one}` cannot be used with `{other}`"),
                ));
            }
            cli.global.quiet = quiet;
            cli.global.verbose = verbose;
        }
        // A stack on AWS is named to it, in whatever way.
        if matches!(cli.command, Command::Dev(_)) && cli.global.leads_nowhere() {
            cli.global.local = Some(true);
        }
        let local = match &cli.command {
            Command::Local(_) => Some("cqrs local"),
            _ if typed("local") && cli.global.local == Some(true) => Some("--local"),
            _ => None,
        };
        let remote = [("profile", "--profile"), ("endpoint_url", "--endpoint-url")]
            .into_iter()
            .find(|(name, _)| typed(name));
        match (local, remote) {
            (Some(local), Some((_, remote))) => Err(command.error(
                ErrorKind::ArgumentConflict,
                format!("`{remote}` is for AWS and cannot be used with `{local}`"),
            )),
            (Some(_), None) => {
                cli.global.local = Some(true);
                Ok(cli)
            }
            (None, Some(_)) => {
                cli.global.local = Some(false);
                Ok(cli)
            }
            (None, None) => Ok(cli),
        }
    }
}

/// The tool's commands with the entity's.
fn with_entity(command: clap::Command, domain: &Domain) -> clap::Command {
    command
        // Who asks for help may show it to others.
        .mut_args(|global| global.hide_env_values(true))
        .subcommand(entity::command(domain))
}

/// Refuses what can be typed where a word of the domain is there twice.
fn free(command: &clap::Command, domain: &Domain) -> Result<(), clap::Error> {
    let Some(taken) = taken(command, domain) else {
        return Ok(());
    };
    let message = format!(
        "the domain cannot be used: {taken}\nhint: give it another name in handlers/domain, and make \
         {FILE} anew\n"
    );
    Err(clap::Error::raw(ErrorKind::ValueValidation, message))
}

/// A word of the domain that the tool has itself: looked for where there are words of the domain.
fn taken(command: &clap::Command, domain: &Domain) -> Option<String> {
    let all = command.get_arguments().flat_map(names);
    let all: HashSet<&str> = all.collect();
    let entity = command.find_subcommand(&domain.entity)?;
    let others = ["logs", "bench"].map(|name| command.find_subcommand(name));
    let mut with_words = entity.get_subcommands().chain(others.into_iter().flatten());
    with_words.find_map(|command| {
        let mut options = all.clone();
        let mut named = command.get_arguments().flat_map(names);
        let name = named.find(|name| !options.insert(name))?;
        let of = command.get_name();
        Some(format!("`{of}` has an option `{name}` already"))
    })
}

/// All that an option is called, each name once.
fn names(option: &Arg) -> impl Iterator<Item = &str> {
    let id = option.get_id().as_str();
    let aliases = option.get_all_aliases().unwrap_or_default().into_iter();
    let others = aliases.chain(option.get_long());
    others.filter(move |name| *name != id).chain([id])
}

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The stack to work on [default: cqrs]
    #[arg(long, global = true, env = "CQRS_STACK", value_name = "NAME")]
    pub(crate) stack: Option<StackName>,

    /// The section of cqrs.toml to take settings from
    #[arg(long, global = true, env = "CQRS_ENV", value_name = "NAME")]
    pub(crate) env: Option<String>,

    /// The AWS region
    #[arg(long, global = true, env = "CQRS_REGION", value_parser = parse_region)]
    pub(crate) region: Option<String>,

    /// The profile of the AWS configuration files
    #[arg(long, global = true, env = "CQRS_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Another address for all AWS services, such as an emulator's
    #[arg(long, global = true, env = "CQRS_ENDPOINT_URL", value_name = "URL", value_parser = parse_endpoint)]
    pub(crate) endpoint_url: Option<String>,

    /// The stack on this machine instead of the one on AWS
    #[arg(
        long,
        global = true,
        env = "CQRS_LOCAL",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub(crate) local: Option<bool>,

    /// How results are written [default: text]
    #[arg(long, global = true, env = "CQRS_OUTPUT", value_name = "FORMAT")]
    pub(crate) output: Option<Output>,

    /// Say only what went wrong
    #[arg(long, short, global = true, env = "CQRS_QUIET", value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,

    /// Say more: function logs, each step
    #[arg(long, short, global = true, env = "CQRS_VERBOSE", value_parser = FalseyValueParser::new())]
    pub(crate) verbose: bool,

    /// When to use colour [default: auto]
    #[arg(long, global = true, env = "CQRS_COLOR", value_name = "WHEN")]
    pub(crate) color: Option<ColorChoice>,

    /// The folder that holds template.yaml and handlers/ [default: found upwards from here]
    #[arg(long, global = true, env = "CQRS_PROJECT", value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,

    /// Those of them that say where the stack is, as they were typed.
    #[arg(skip)]
    pub(crate) place: Place,
}

impl Global {
    /// Whether nothing says which stack is meant, nor where it is.
    fn leads_nowhere(&self) -> bool {
        self.local.is_none()
            && self.stack.is_none()
            && self.env.is_none()
            && self.profile.is_none()
            && self.endpoint_url.is_none()
    }

    /// What leads another command to the same stack; `typed` says which options were, of their ids.
    fn typed_place(&self, typed: impl Fn(&'static str) -> bool) -> Place {
        let stack = self.stack.as_ref().map(ToString::to_string);
        let options = [
            ("local", "--local", None),
            ("env", "--env", self.env.as_deref()),
            ("profile", "--profile", self.profile.as_deref()),
            ("region", "--region", self.region.as_deref()),
            (
                "endpoint_url",
                "--endpoint-url",
                self.endpoint_url.as_deref(),
            ),
            ("stack", "--stack", stack.as_deref()),
        ];
        // What a shell would part is better typed again.
        let is_plain = |value: &str| !value.contains(|c: char| " \t'\"`$\\&|;<>()*?".contains(c));
        let options = options
            .into_iter()
            .filter_map(|(id, name, value)| match value {
                _ if !typed(id) => None,
                None => (id == "local" && self.local == Some(true)).then(|| name.to_owned()),
                Some(value) => is_plain(value).then(|| format!("{name} {value}")),
            });
        Place::new(options.collect())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Bench(BenchArgs),
    /// Make the parts of a release
    #[command(hide = true, subcommand)]
    Bundle(BundleCommand),
    Demo(DemoArgs),
    Deploy(DeployArgs),
    Destroy(DestroyArgs),
    Dev(DevArgs),
    /// See and check what the project is about, as handlers/domain says it
    #[command(subcommand)]
    Domain(DomainCommand),
    /// What is typed after the entity's name, which the description says.
    #[command(skip)]
    Entity(ArgMatches),
    /// See and retry what could not be projected: the batches in the failures queue
    #[command(subcommand)]
    Failures(FailuresCommand),
    /// Show what the stack offers: names, ARNs, endpoints
    #[command(after_help = "Examples:
  cqrs outputs
  cqrs outputs --output json | jq -r .TableName")]
    Outputs,
    /// Run the stack on this machine, stop it, point other programs at it
    #[command(subcommand)]
    Local(LocalCommand),
    Logs(LogsArgs),
    New(NewArgs),
    Permissions(PermissionsArgs),
    Rebuild(RebuildArgs),
    Status(StatusArgs),
    Ui(UiArgs),
    Verify(VerifyArgs),
    /// Show the versions of this tool and of what came with it
    #[command(after_help = "Examples:
  cqrs version
  cqrs version --output json | jq -r .version")]
    Version,
    /// Check each step of the way from this machine to the cache, and name the first that fails
    #[command(
        after_help = "It only reads: no {entity} is written, and nothing is changed.

Examples:
  cqrs doctor
  cqrs doctor --local
  cqrs doctor --output json | jq '.checks[] | select(.status == \"failed\")'"
    )]
    Doctor,
    /// Print the completion script of a shell
    #[command(after_help = "Examples:
  cqrs completions bash > ~/.local/share/bash-completion/completions/cqrs
  cqrs completions zsh > ~/.zfunc/_cqrs
  cqrs completions fish > ~/.config/fish/completions/cqrs.fish")]
    Completions {
        /// The shell to write for
        shell: Shell,
    },
    /// Print the command reference as Markdown
    #[command(hide = true)]
    Reference {
        /// Write a man page for each command into this folder instead
        #[arg(long, value_name = "DIR")]
        man: Option<PathBuf>,
    },
}

/// What a stack on this machine stands on.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "On this machine")]
pub(crate) struct MachineArgs {
    /// The stack's port on 127.0.0.1, or CQRS_LOCAL_PORT [default: the last one, else a free one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// A Redis or Valkey that runs, redis://HOST:PORT, or CQRS_CACHE_URL [default: the stack's own]
    #[arg(long, value_name = "URL", value_parser = parse_cache_url)]
    pub(crate) cache_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_entity_the_same_can_be_typed_and_read_whatever_is_built() {
        let domain = Domain::bundled();
        let [all, alone] = [
            Cli::of(&domain),
            Cli::after(&["cqrs".into(), "order".into()], &domain),
        ];
        let help = |command: clap::Command, words: &[&str]| {
            let words = ["cqrs", "order"].iter().chain(words).chain(&["--help"]);
            command.try_get_matches_from(words).unwrap_err().to_string()
        };
        let alone = domain.worded(alone);
        assert_eq!(alone.get_subcommands().count(), 1);
        let commands = domain.commands.iter().map(|command| command.name.as_str());
        for words in [&[][..], &["create"], &["get"], &["list"]] {
            assert_eq!(help(alone.clone(), words), help(all.clone(), words));
        }
        for name in commands {
            assert_eq!(help(alone.clone(), &[name]), help(all.clone(), &[name]));
        }
    }

    #[test]
    fn what_can_be_typed_is_made_of_every_domain() {
        for text in [
            include_str!("../../examples/accounts/domain.json"),
            include_str!("../../examples/tickets/domain.json"),
        ] {
            let domain = Domain::written(text);
            Cli::check(&domain).unwrap();
            Cli::of(&domain).debug_assert();
        }
    }
}
