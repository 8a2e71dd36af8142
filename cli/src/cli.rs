//! What can be typed: the clap definitions of all commands and options, and nothing else.
//!
//! Parsing touches neither AWS nor the file system; `settings` turns what was typed into what is
//! meant.

mod variables;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::app::duration::parse_run;
use crate::commands::entity;
use crate::domain::Domain;
use crate::failures::message::Id as FailureId;
use crate::loadtest::mix::Mix;
use crate::logs::since::Since;
use crate::package::{Architecture, Builder, Handler};
use crate::printer::{ColorChoice, Output};
use crate::settings::{StackName, parse_cache_url, parse_endpoint, parse_pair, parse_region};

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

impl Cli {
    /// All that can be typed, in the words of `domain`.
    pub(crate) fn of(domain: &Domain) -> clap::Command {
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
        domain.worded(command).subcommand(entity::command(domain))
    }

    /// Parses, and settles between `--local` and what leads to AWS: both typed is an error; one
    /// that was typed outranks another that comes from the environment.
    pub(crate) fn from_arguments(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        domain: &Domain,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let mut command = Self::of(domain);
        let matches = command.try_get_matches_from_mut(&arguments);
        let matches = matches.map_err(|e| variables::named(e, &command, &arguments))?;
        let mut cli = match matches.subcommand() {
            Some((name, typed)) if name == domain.entity => Ok(Self {
                global: Global::from_arg_matches(&matches)?,
                command: Command::Entity(typed.clone()),
            }),
            _ => Self::from_arg_matches(&matches).map_err(|e| e.format(&mut command)),
        }?;
        let typed = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
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

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The stack to work on [default: cqrs]
    #[arg(
        long,
        global = true,
        env = "CQRS_STACK",
        hide_env_values = true,
        value_name = "NAME"
    )]
    pub(crate) stack: Option<StackName>,

    /// The section of cqrs.toml to take settings from
    #[arg(
        long,
        global = true,
        env = "CQRS_ENV",
        hide_env_values = true,
        value_name = "NAME"
    )]
    pub(crate) env: Option<String>,

    /// The AWS region
    #[arg(long, global = true, env = "CQRS_REGION", hide_env_values = true, value_parser = parse_region)]
    pub(crate) region: Option<String>,

    /// The profile of the AWS configuration files
    #[arg(
        long,
        global = true,
        env = "CQRS_PROFILE",
        hide_env_values = true,
        value_name = "NAME"
    )]
    pub(crate) profile: Option<String>,

    /// Another address for all AWS services, such as an emulator's
    #[arg(long, global = true, env = "CQRS_ENDPOINT_URL", hide_env_values = true, value_name = "URL", value_parser = parse_endpoint)]
    pub(crate) endpoint_url: Option<String>,

    /// The stack on this machine instead of the one on AWS
    #[arg(
        long,
        global = true,
        env = "CQRS_LOCAL",
        hide_env_values = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub(crate) local: Option<bool>,

    /// How results are written [default: text]
    #[arg(
        long,
        global = true,
        env = "CQRS_OUTPUT",
        hide_env_values = true,
        value_name = "FORMAT"
    )]
    pub(crate) output: Option<Output>,

    /// Say only what went wrong
    #[arg(long, short, global = true, env = "CQRS_QUIET", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,

    /// Say more: function logs, each step
    #[arg(long, short, global = true, env = "CQRS_VERBOSE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) verbose: bool,

    /// When to use colour [default: auto]
    #[arg(
        long,
        global = true,
        env = "CQRS_COLOR",
        hide_env_values = true,
        value_name = "WHEN"
    )]
    pub(crate) color: Option<ColorChoice>,

    /// The folder that holds template.yaml and handlers/ [default: found upwards from here]
    #[arg(
        long,
        global = true,
        env = "CQRS_PROJECT",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Bench(BenchArgs),
    Demo(DemoArgs),
    Deploy(DeployArgs),
    Destroy(DestroyArgs),
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
    Rebuild(RebuildArgs),
    Status(StatusArgs),
    Verify(VerifyArgs),
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

/// Drive the stack as its users would, and report what they would see
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs bench --local                          8 at a time, for 30 s
  cqrs bench --rate 200 --duration 5m         200 a second, at times fixed beforehand
  cqrs bench --duration 5m --save run.html    the result as a page with charts
  cqrs bench --mix create=1,get=9 --yes       no question: for scripts and CI
  cqrs bench --clean                          delete what all runs created")]
pub(crate) struct BenchArgs {
    /// Operations under way at all times, each begun when one before it is done [default: 8]
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: Option<u16>,

    /// Operations a second, due at times fixed beforehand whatever the stack does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: Option<u32>,

    /// How long, such as 500ms, 30s, 5m or 1h [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse_run)]
    pub(crate) duration: Option<Duration>,

    /// Until N {plural} are created, instead of for a time
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// The shares of the steps: create, each command, get, list [default: create 60, the first command
    /// 10, get 20, list 10]
    #[arg(long, value_name = "STEP=SHARE,…")]
    pub(crate) mix: Option<Mix>,

    /// Write the result with charts to a file, .html; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Delete what all runs created instead, found by its mark
    #[arg(long, conflicts_with_all = ["concurrency", "rate", "duration", "count", "mix", "save"])]
    pub(crate) clean: bool,

    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Take a guided tour: deploys the stack where it is not there, writes {plural} and reads them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs demo --local   on this machine, without AWS
  cqrs demo           on AWS, after the same question as deploy asks")]
pub(crate) struct DemoArgs {
    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Take the handlers' binaries or zips from this folder instead of building them
    #[arg(long, value_name = "DIR")]
    pub(crate) prebuilt: Option<PathBuf>,
}

/// Create the stack, or change it to what template.yaml and handlers/ say
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  cqrs deploy                                     build, preview, ask, deploy
  cqrs deploy --guided                            ask for the settings first, and keep them
  cqrs deploy --plan                              preview and leave nothing behind
  cqrs deploy --yes --parameter CacheReplicas=1   no question: for scripts and CI
  cqrs deploy --local                             on this machine, without AWS")]
pub(crate) struct DeployArgs {
    /// Deploy without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Show what would change, and stop
    #[arg(long, conflicts_with_all = ["yes", "guided"])]
    pub(crate) plan: bool,

    /// Deploy also where a table that holds items is removed or replaced
    #[arg(long)]
    pub(crate) replace_data: bool,

    /// Ask for stack, region and parameters, and write them to cqrs.toml
    #[arg(long, conflicts_with = "yes")]
    pub(crate) guided: bool,

    /// A parameter of the template; others keep the value that the stack has
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) parameters: Vec<(String, String)>,

    /// A tag for the stack and its resources
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) tags: Vec<(String, String)>,

    /// Take a tag off the stack and its resources; others stay
    #[arg(long = "remove-tag", value_name = "NAME")]
    pub(crate) removed_tags: Vec<String>,

    /// Take the handlers' binaries or zips from this folder instead of building them
    #[arg(long, value_name = "DIR", conflicts_with = "builder")]
    pub(crate) prebuilt: Option<PathBuf>,

    /// What builds the handlers
    #[arg(long, value_enum, default_value_t = Builder::Auto)]
    pub(crate) builder: Builder,

    /// The functions' processor architecture [default: this machine's]
    #[arg(long, value_enum)]
    pub(crate) arch: Option<Architecture>,

    /// Upload to this bucket of yours instead of the managed one
    #[arg(long, value_name = "NAME")]
    pub(crate) artifact_bucket: Option<String>,

    /// CloudFormation's Express mode: done when configuration is applied, not when all is ready
    #[arg(long)]
    pub(crate) express: bool,

    /// When something fails, keep what succeeded, for a look and the next attempt
    #[arg(long)]
    pub(crate) no_rollback: bool,

    /// Protect the stack from deletion, or lift that
    #[arg(long, value_name = "WHEN")]
    pub(crate) termination_protection: Option<Switch>,

    #[command(flatten)]
    pub(crate) on_this_machine: MachineArgs,
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

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Delete the stack and everything in it, {plural} included
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs destroy                  show what will go, ask for the stack's name, delete
  cqrs destroy --yes            no question: for scripts and CI
  cqrs destroy --keep-artifacts leave the uploaded code in its bucket")]
pub(crate) struct DestroyArgs {
    /// Delete without asking
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Leave the uploaded code where it is
    #[arg(long)]
    pub(crate) keep_artifacts: bool,

    /// CloudFormation's Express mode: done when deletion is under way, not when all is gone
    #[arg(long)]
    pub(crate) express: bool,
}

/// Show what the functions log, in the order of time
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs logs                                    all functions, the last 10 minutes
  cqrs logs --follow                           and what comes, until Ctrl-C
  cqrs logs subscriber --since 2h --filter ERROR
  cqrs logs --{entity} 0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11 --since 1d
  cqrs logs --output json | jq -r .message     one JSON object a line")]
pub(crate) struct LogsArgs {
    /// The functions [default: all]
    #[arg(value_name = "FUNCTION", value_enum)]
    pub(crate) functions: Vec<Handler>,

    /// From when on: how long ago (30s, 10m, 2h, 1d, 1w), a date or a time
    #[arg(long, value_name = "WHEN", default_value = "10m")]
    pub(crate) since: Since,

    /// Show what comes, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Only lines that match this filter pattern of CloudWatch: ERROR, '"two words"', '?A ?B', '-A'
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(crate) filter: Option<String>,

    /// Only lines that name this {entity}
    #[arg(
        id = "entity",
        long = "id",
        value_name = "ID",
        conflicts_with = "filter"
    )]
    pub(crate) entity: Option<String>,
}

/// Make the read model again from the table, while {plural} are written and read
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs rebuild                goes on where an interrupted one ended
  cqrs rebuild --restart      from the beginning
  cqrs rebuild --segments 32  a large table, more of it at once")]
pub(crate) struct RebuildArgs {
    /// Parts of the table that are read side by side
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) segments: u16,

    /// Begin anew, though an interrupted rebuild could go on
    #[arg(long)]
    pub(crate) restart: bool,
}

/// Compare the read model with the table; exits with 1 where they differ
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs verify                 all {plural} of both models
  cqrs verify --sample 1000   some of the table's {plural}, taken at random
  cqrs verify --repair        project again what differs")]
pub(crate) struct VerifyArgs {
    /// Project again what differs, and look whether that helped
    #[arg(long)]
    pub(crate) repair: bool,

    /// Look at N {plural} of the table, taken at random, and not at the read model's own list
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
}

/// Show how the stack and its parts are doing; exits with 1 where something is broken
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cqrs status
  cqrs status --watch                                   in place, until Ctrl-C
  cqrs status --output json | jq .parts.mapping.lagMs
  cqrs status --watch 60 --output json >> status.ndjson")]
pub(crate) struct StatusArgs {
    /// Look again every so many seconds, until Ctrl-C [default: 10, with --local 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) watch: Option<Option<u64>>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    /// Run the stack in the foreground and show what its functions log, until Ctrl-C
    #[command(after_help = "Examples:
  cqrs local run
  cqrs local run --port 4000 --cache-url redis://127.0.0.1:6379")]
    Run(MachineArgs),
    /// Stop the stack; its {plural} stay, and the next command starts it again
    #[command(after_help = "Examples:
  cqrs local stop")]
    Stop,
    /// Print what points AWS's own tools and SDKs at the stack, for a shell to read
    #[command(after_help = "Examples:
  eval \"$(cqrs local env)\"; aws dynamodb scan --table-name cqrs-orders
  cqrs local env --shell fish | source")]
    Env {
        /// The shell to write for [default: fish where $SHELL is fish, else posix]
        #[arg(long, value_enum)]
        shell: Option<EnvShell>,
    },
    /// The stack's process in the background
    #[command(hide = true)]
    Host(HostArgs),
    /// The process that ends the stack's processes when the one that started them is gone
    #[command(hide = true)]
    Watch,
}

/// The shells that differ in how a variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvShell {
    /// sh, bash, zsh and their kin.
    Posix,
    Fish,
    Powershell,
}

/// How the stack's process is started; the tool's own words to itself.
#[derive(Args, Debug)]
pub(crate) struct HostArgs {
    #[arg(long)]
    pub(crate) state: PathBuf,

    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FailuresCommand {
    /// List the failures that wait in the failures queue, the oldest first
    #[command(after_help = "Examples:
  cqrs failures list
  cqrs failures list --limit 1000 --output json | jq -r '.failures[].id'")]
    List {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show a failure's records, as long as the stream has them
    #[command(after_help = "Examples:
  cqrs failures show 3f7a90c1d2e4
  cqrs failures show 3f7a90c1d2e4 --output json | jq -r '.records[].{id}'")]
    Show {
        /// The failure's id, as `cqrs failures list` shows it
        id: FailureId,

        /// How many records at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Give the records to the subscriber again; a failure all of whose records succeed is deleted
    #[command(after_help = "Examples:
  cqrs failures retry 3f7a90c1d2e4
  cqrs failures retry --all --yes   no question: for scripts and CI")]
    Retry(FailuresArgs),
    /// Delete failures without projecting their records
    #[command(after_help = "Examples:
  cqrs failures discard 3f7a90c1d2e4
  cqrs failures discard --all --yes   no question: for scripts and CI")]
    Discard(FailuresArgs),
}

/// Which failures are meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct FailuresArgs {
    /// The failures' ids, as `cqrs failures list` shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<FailureId>,

    /// All that wait
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,

    /// Begin without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}
