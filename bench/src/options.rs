//! What was asked for on the command line.

use std::path::PathBuf;
use std::process::exit;

const USAGE: &str = "\
usage: bench --cqrs FILE --handlers FOLDER [--json] [--quick] [PART…]

parts: commands, create, visible, idle, load, rebuild, large; all where none is named
--quick  smaller tables and fewer repetitions, for a first look";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) cqrs: PathBuf,
    /// The folder with the handlers' programs.
    pub(crate) handlers: PathBuf,
    pub(crate) json: bool,
    pub(crate) quick: bool,
    parts: Vec<String>,
}

impl Options {
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut path = || arguments.next().map(absolute).unwrap_or_else(|| refuse());
            match argument.as_str() {
                "--cqrs" => options.cqrs = path(),
                "--handlers" => options.handlers = path(),
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                part if !part.starts_with('-') => options.parts.push(argument),
                _ => refuse(),
            }
        }
        if options.cqrs.as_os_str().is_empty() || options.handlers.as_os_str().is_empty() {
            refuse();
        }
        options
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// `count`, or a tenth of it for a quick look.
    pub(crate) fn scaled(&self, count: usize) -> usize {
        if self.quick { count / 10 } else { count }
    }
}

/// The stack's commands run in another folder.
fn absolute(path: String) -> PathBuf {
    std::path::absolute(path).expect("a current folder")
}

fn refuse() -> ! {
    eprintln!("{USAGE}");
    exit(2)
}
