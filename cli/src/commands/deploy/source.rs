//! What is deployed: the user's project, or where there is none the pattern that is built into the tool,
//! with the functions that came with it.

use std::path::{Path, PathBuf};

use crate::app::version::VERSION;
use crate::bundle::Bundle;
use crate::commands::deploy::options::DeployArgs;
use crate::commands::project;
use crate::domain::Domain;
use crate::error::{Failure, Kind};
use crate::package::{
    Architecture, Artifact, BuildOutput, Builder, PackageEvent, PackageRequest, Program, package,
    programs,
};
use crate::printer::Printer;
use crate::settings::{Settings, TEMPLATE};
use crate::stack::template::Template;

/// See the module's documentation.
#[derive(Debug)]
pub(super) enum Source {
    /// The folder with the template and the functions' crates.
    Project(PathBuf),
    Bundled(Bundle),
}

impl Source {
    /// A project, where there is one, goes first. The bundled pattern has a domain of its own, whatever
    /// a stack of this name was about.
    pub(super) fn of(settings: &mut Settings, args: &DeployArgs) -> Result<Self, Failure> {
        let Some(folder) = &settings.bundle else {
            return project(settings).map(Self::Project);
        };
        let bundle = Bundle::open(folder)?;
        settings.domain = Domain::built_in()?;
        if args.builder != Builder::Auto {
            let message =
                "`--builder` is for a project, and the bundled functions are built already";
            let hint = "leave it out, or make a project with `cqrs new NAME`";
            return Err(Failure::new(Kind::Usage, message).hint(hint));
        }
        Ok(Self::Bundled(bundle))
    }

    pub(super) fn template(&self) -> Result<Template, Failure> {
        Ok(match self {
            Self::Project(folder) => Template::read(&folder.join(TEMPLATE))?,
            Self::Bundled(_) => {
                let text = crate::project::template().to_owned();
                Template::from_text(Path::new(TEMPLATE), text)?
            }
        })
    }

    /// The functions' zips.
    pub(super) async fn artifacts(
        &self,
        args: &DeployArgs,
        architecture: Architecture,
        printer: &Printer,
    ) -> Result<Vec<Artifact>, Failure> {
        match self.to_build(args, architecture, printer) {
            Ok(request) => Ok(package(request, |event| say(&event, printer)).await?),
            Err(bundle) => Ok(bundle.artifacts(architecture)?),
        }
    }

    /// The functions' programs, for this machine.
    pub(super) async fn programs(
        &self,
        args: &DeployArgs,
        printer: &Printer,
    ) -> Result<Vec<Program>, Failure> {
        match self.to_build(args, Architecture::host(), printer) {
            Ok(request) => Ok(programs(request, |event| say(&event, printer)).await?),
            Err(bundle) => Ok(bundle.programs()?),
        }
    }

    /// What is to be built; else the bundle that has it already.
    fn to_build(
        &self,
        args: &DeployArgs,
        architecture: Architecture,
        printer: &Printer,
    ) -> Result<PackageRequest, &Bundle> {
        let project = match self {
            Self::Project(folder) => folder,
            Self::Bundled(bundle) if args.prebuilt.is_none() => return Err(bundle),
            Self::Bundled(bundle) => bundle.folder(),
        };
        let output = match (printer.is_json(), printer.is_quiet()) {
            (true, _) => BuildOutput::Captured,
            (false, true) => BuildOutput::Complaints,
            (false, false) => BuildOutput::Inherited,
        };
        Ok(PackageRequest {
            project: project.to_owned(),
            prebuilt: args.prebuilt.clone(),
            builder: args.builder,
            architecture,
            output,
        })
    }

    /// Says what is deployed, where nobody wrote it.
    pub(super) fn introduce(&self, settings: &Settings, printer: &Printer) {
        if let Self::Bundled(_) = self {
            printer.note(format_args!(
                "Deploying the bundled pattern of cqrs {VERSION}, about {}; `cqrs new NAME` makes a \
                 project of your own",
                settings.domain.plural
            ));
        }
    }
}

fn say(event: &PackageEvent, printer: &Printer) {
    match event {
        PackageEvent::Building { builder } => {
            printer.note(format_args!("Building the handlers with {builder}"));
        }
        PackageEvent::Checked {
            handler,
            size,
            glibc,
        } => {
            let glibc = match glibc {
                Some(version) => format!("glibc {version}"),
                None => "no glibc".to_owned(),
            };
            printer.detail(format_args!("{handler}: {size} bytes, needs {glibc}"));
        }
    }
}
