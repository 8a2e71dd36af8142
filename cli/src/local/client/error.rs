//! Why the stack's background process cannot be found, started or asked.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::app::places::NoPlace;
use crate::aws::process::Silent;
use crate::error::{Explain, Kind};
use crate::local::protocol::Refusal;
use crate::settings::StackName;

/// See the module's documentation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// Deploy it.
    #[error("there is no stack `{0}` on this machine")]
    NotDeployed(StackName),
    /// There is no folder for it.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// Move it, or what is kept, to a folder with a plain name.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The state cannot be read or written; see the cause.
    #[error("`{}` cannot be used", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// A file of the folder was damaged, or comes from another version.
    #[error("`{}` cannot be read", path.display())]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// Another tool has been at the same for too long.
    #[error("another cqrs has been busy with stack `{0}` for too long")]
    Busy(StackName),
    /// The operating system does not start the process; see the cause.
    #[error("the stack's process cannot be started")]
    CannotStart(#[source] io::Error),
    /// It ended before it could say why; `log` is the end of what it wrote.
    #[error("the stack's process ended as soon as it was started")]
    Died(#[source] Log),
    /// It did not come up in time.
    #[error("the stack's process did not come up within {seconds} s")]
    Slow {
        seconds: u64,
        #[source]
        log: Log,
    },
    /// The process says why it cannot do what it was asked.
    #[error("{message}")]
    Refused {
        usage: bool,
        message: String,
        #[source]
        causes: Option<Causes>,
        hint: Option<String>,
    },
    /// It has gone, or does not answer.
    #[error("the stack's process does not answer")]
    Unreachable(#[source] io::Error),
    /// It is stopped.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// It is of another version.
    #[error("the stack's process answers in a form that this version does not know")]
    Unintelligible(#[source] serde_json::Error),
    /// Neither asked nor made to does it end.
    #[error("the stack's process {pid} does not end")]
    DoesNotEnd { pid: u32 },
}

impl LocalError {
    pub(super) fn refused(refusal: Refusal) -> Self {
        let causes = refusal.causes.into_iter().rev();
        Self::Refused {
            usage: refusal.usage,
            message: refusal.message,
            causes: causes.fold(None, |next, text| {
                let next = next.map(Box::new);
                Some(Causes { text, next })
            }),
            hint: refusal.hint,
        }
    }
}

/// The end of the process's own log, as an error's cause.
#[derive(Debug, thiserror::Error)]
#[error("{}", if .0.is_empty() { "it said nothing" } else { .0 })]
pub(crate) struct Log(pub(super) String);

/// The causes that another process named, as an error's sources.
#[derive(Debug)]
pub(crate) struct Causes {
    text: String,
    next: Option<Box<Causes>>,
}

impl fmt::Display for Causes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Causes {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let next = self.next.as_deref()?;
        Some(next)
    }
}

impl Explain for LocalError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotDeployed(_) => Kind::NotFound,
            Self::NoPlace(_) | Self::NotUtf8(_) | Self::Refused { usage: true, .. } => Kind::Usage,
            Self::Busy(_) | Self::Slow { .. } => Kind::TimedOut,
            _ => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::NotDeployed(_) => "StackNotFound".to_owned(),
            Self::Unreachable(_) | Self::Silent(_) => "Unreachable".to_owned(),
            _ => self.kind().name().to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotDeployed(stack) => {
                let flag = crate::settings::stack_flag(stack);
                format!("`cqrs deploy --local{flag}` creates it; or check `--stack`")
            }
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space on this disk and repeat the command".to_owned()
            }
            Self::Folder { .. } => {
                "a local stack keeps its data in the project's folder `.cqrs`, or without a project \
                 in `$XDG_DATA_HOME/cqrs`: let it be written there"
                    .to_owned()
            }
            Self::NoPlace(error) => return error.hint(),
            Self::NotUtf8(_) => {
                "a stack on this machine notes where its files are as text: give that folder another \
                 name, or go to another project"
                    .to_owned()
            }
            Self::Damaged { .. } => {
                "`cqrs destroy --local` removes this stack's data, so that it can be made anew"
                    .to_owned()
            }
            Self::Refused { hint, .. } => return hint.clone(),
            Self::Unreachable(_) => {
                "repeat the command: it starts the stack again where it has stopped".to_owned()
            }
            Self::Silent(silent) => silent.hint(),
            Self::Unintelligible(_) => {
                "`cqrs local stop` ends it; the next command starts it in this version".to_owned()
            }
            Self::Busy(_) => "wait for it, or end it, and repeat the command".to_owned(),
            Self::CannotStart(_) | Self::Died(_) | Self::Slow { .. } => {
                "`cqrs local run` runs the stack in the foreground and shows what it says"
                    .to_owned()
            }
            Self::DoesNotEnd { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use crate::printer::Style;

    #[test]
    fn what_another_process_refuses_reads_like_a_failure_of_this_one() {
        let error = LocalError::refused(Refusal {
            usage: false,
            message: "a function cannot start".to_owned(),
            causes: vec!["publisher".to_owned(), "no such file".to_owned()],
            hint: Some("build it".to_owned()),
        });
        insta::assert_snapshot!(Failure::from(error).render(Style::plain()), @"
        error: a function cannot start
          caused by: publisher
          caused by: no such file
        hint: build it
        ");
    }

    #[test]
    fn a_stack_that_is_not_there_is_named_in_the_way_out() {
        let stack: StackName = "shop".parse().unwrap();
        let failure = Failure::from(LocalError::NotDeployed(stack));
        assert_eq!(failure.exit_code(), 3);
        let text = failure.render(Style::plain());
        assert!(
            text.contains("`cqrs deploy --local --stack shop`"),
            "{text}"
        );
    }
}
