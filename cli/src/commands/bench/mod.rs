//! `cqrs bench`: drives the stack as its users would, and reports what they would see.

mod chart;
mod clean;
mod live;
pub(crate) mod options;
mod page;
mod text;

use std::pin::pin;
use std::time::Duration;

use self::page::PageFile;
use crate::app::clock;
use crate::app::interrupt::Interrupt;
use crate::commands::bench::options::BenchArgs;
use crate::commands::connected::Connected;
use crate::commands::consent;
use crate::error::{Failure, Kind};
use crate::loadtest::cost::{self, Machine};
use crate::loadtest::drive::Load;
use crate::loadtest::mix::{Mix, MixError};
use crate::loadtest::outcome::{Circumstances, Outcome};
use crate::loadtest::schedule::{MOST_IN_FLIGHT, Pace, Until};
use crate::loadtest::subject::{Subject, commands};
use crate::loadtest::{Plan, machine};
use crate::printer::Printer;
use crate::settings::{Settings, Target, stack_flag};

const CONCURRENCY: u16 = 8;
const DURATION: Duration = Duration::from_secs(30);
const NOTHING: &str = "nothing was driven";

pub(crate) async fn run(
    args: BenchArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.clean {
        return clean::run(args.yes, settings, interrupt, printer).await;
    }
    // What cannot be done is said before anything is connected, and before the work.
    let plan = plan(&args, settings)?;
    let page = args.save.map(PageFile::at).transpose()?;
    let asks = settings.target == Target::Aws && !args.yes;
    if asks {
        let whether = "drive a stack on AWS, which costs";
        consent::must_be_askable(whether, "begin without asking", printer)?;
    }
    let prepared = prepare(&plan, settings, asks, interrupt, printer);
    let said = || Failure::interrupted(format!("interrupted; {NOTHING}"));
    let (connected, machine) = interrupt.unless(prepared, said).await??;
    let circumstances = Circumstances {
        stack: settings.stack.to_string(),
        target: settings.target,
        region: connected.aws.region().to_owned(),
        begun_at: clock::now().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        machine: machine::this(),
    };
    // Here the logs' ends say nothing of cold starts.
    let logged = (settings.target == Target::Aws).then(|| connected.functions(true));
    let load = Load::begin(plan, connected.functions(false), logged)?;
    let _hold = interrupt.hold();
    let complete = drive(&load, interrupt, printer).await;
    let outcome = Outcome::new(load, circumstances, machine, complete);
    report(&outcome, page.as_ref(), settings, printer)
}

/// What the arguments come to.
fn plan(args: &BenchArgs, settings: &Settings) -> Result<Plan, Failure> {
    let domain = &settings.domain;
    let commands = commands(domain);
    let unknown = |error: MixError| Failure::new(Kind::Usage, error.to_string());
    let mix = args.mix.clone().unwrap_or_else(|| Mix::usual(&commands));
    mix.check(&commands).map_err(unknown)?;
    let pace = match (args.rate, args.concurrency) {
        (Some(rate), _) => Pace::Open { rate },
        (None, concurrency) => Pace::Closed {
            concurrency: concurrency.unwrap_or(CONCURRENCY).into(),
        },
    };
    let until = match args.count {
        Some(_) if !mix.creates() => {
            let plural = &domain.plural;
            let message = format!("`--{plural}` is never reached by a mix without create");
            return Err(Failure::new(Kind::Usage, message)
                .hint("give `--duration` instead, or create a share in `--mix`"));
        }
        Some(count) => Until::Created(count),
        None => Until::Time(args.duration.unwrap_or(DURATION)),
    };
    Ok(Plan {
        subject: Subject::of(domain, &Plan::new_run())?,
        mix,
        pace,
        until,
    })
}

/// Finds the stack, says what it will be asked, and asks whether to begin.
async fn prepare(
    plan: &Plan,
    settings: &Settings,
    asks: bool,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(Connected, Machine), Failure> {
    let connected = Connected::to(settings, printer).await?;
    let function = format!("{}-publisher", connected.stack);
    let machine = machine::of_function(&connected.aws, &function).await;
    let place = match settings.target {
        Target::Aws => connected.aws.region(),
        Target::Local => "on this machine",
    };
    let style = printer.style();
    printer.note(format_args!(
        "Stack {}, {place}: {}, {}, {}",
        style.bold(&connected.stack),
        plan.pace,
        plan.until.words(&settings.domain),
        plan.mix
    ));
    if settings.target == Target::Aws {
        let estimate = cost::estimate(plan.most_usage(), machine);
        printer.note(format_args!(
            "At most about {:.0} operations, about {} ({})",
            plan.most_operations(),
            cost::dollars(estimate.usd),
            estimate.prices
        ));
        for assumption in &estimate.assumptions {
            printer.detail(assumption);
        }
    }
    if asks {
        consent::agree("Begin?", NOTHING, interrupt, printer).await?;
    }
    Ok((connected, machine))
}

/// Drives to the end or to Ctrl-C; gives whether it was the end. After Ctrl-C what is under way has
/// a moment to end, so that it is counted.
async fn drive(load: &Load, interrupt: &Interrupt, printer: &Printer) -> bool {
    let mut run = pin!(load.run());
    let interrupted = tokio::select! {
        () = &mut run => false,
        () = live::show(load, printer) => false,
        () = interrupt.asked() => true,
    };
    if interrupted {
        load.stop();
        // What takes longer is not counted.
        let _ = interrupt.soon_after(run).await;
    }
    !interrupted
}

/// Prints and saves what was measured, and says what was wrong with it.
fn report(
    outcome: &Outcome,
    page: Option<&PageFile>,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    printer.data(outcome)?;
    if let Some(page) = page {
        page.write(outcome)?;
        printer.note(format_args!("\nsaved to {}", page.path().display()));
    }
    if outcome.is_saturated() {
        printer.warn(
            "this process used up a processor: the figures are the client's as much as the \
             stack's",
        );
    }
    if outcome.complete && outcome.not_sent > 0 {
        printer.warn(format_args!(
            "{} operations were due and could not be sent in time, with {MOST_IN_FLIGHT} under way: \
             the rate is more than the stack and this client can do",
            outcome.not_sent
        ));
    }
    if !outcome.complete {
        return Err(Failure::interrupted(
            "interrupted; what was measured until then is reported",
        ));
    }
    let (errors, all) = (outcome.record.failed(), outcome.record.operations());
    if errors > 0 {
        let message = format!("{errors} of {all} operations failed");
        return Err(Failure::new(Kind::Failed, message)
            .hint("the report names the kinds; `cqrs logs` shows what the functions logged"));
    }
    let target = match settings.target {
        Target::Aws => "",
        Target::Local => " --local",
    };
    let stack = stack_flag(&settings.stack);
    printer.next(format_args!(
        "cqrs bench --clean{target}{stack} deletes what all runs created"
    ));
    Ok(())
}
