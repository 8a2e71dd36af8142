//! The ids that a command works on: typed, or one a line on standard input.

use std::collections::VecDeque;
use std::io::{self, Read};

use clap::Args;
use pattern::id::Id;
use tokio::sync::mpsc;

use crate::domain::InvalidArgument;
use crate::error::{Failure, Kind};
use crate::text::{self, NotText};

/// An id as help shows one.
pub(super) const EXAMPLE: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";
/// What stands for standard input.
const STDIN: &str = "-";
/// Lines that are read before they are asked for.
const READ_AHEAD: usize = 1000;
/// The longest an id may be.
const MAX_CHARACTERS: usize = 128;

/// The ids of a command that works on any number of them.
#[derive(Args, Debug)]
pub(super) struct IdsArgs {
    /// The ids; `-` takes them from standard input, one a line
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// What was typed.
#[derive(Debug)]
pub(super) enum Ids {
    /// One, which the command shows by itself.
    One(Id),
    /// Any number of them, from none to more than fit into memory.
    Several(Several),
}

/// Ids to be taken one after the other.
#[derive(Debug)]
pub(super) enum Several {
    Typed(VecDeque<Id>),
    Lines(Lines),
}

/// An id as it was given.
#[derive(Debug)]
pub(super) enum Given {
    Id(Id),
    /// A line that is no id.
    Malformed {
        text: String,
        error: InvalidArgument,
    },
}

impl Ids {
    /// Checks all that was typed. The lines of standard input are read and checked as they come.
    pub(super) fn of(IdsArgs { ids: mut typed }: IdsArgs) -> Result<Self, Failure> {
        if typed.iter().any(|id| id == STDIN) {
            if typed.len() > 1 {
                let message = "`-` takes the ids from standard input and no others beside them";
                return Err(Failure::new(Kind::Usage, message));
            }
            return Ok(Self::Several(Several::Lines(Lines::of_stdin())));
        }
        if typed.len() == 1 {
            let id = Id::new(typed.remove(0));
            return Ok(Self::One(id.map_err(|e| InvalidArgument::of("the id", e))?));
        }
        let count = typed.len();
        let checked = typed.into_iter().enumerate().map(|(at, id)| {
            Id::new(id).map_err(|e| InvalidArgument::of(&format!("id {} of {count}", at + 1), e))
        });
        Ok(Self::Several(Several::Typed(
            checked.collect::<Result<_, _>>()?,
        )))
    }

    /// Refuses an option that is for one order.
    pub(super) fn must_be_one(&self, option: &str) -> Result<(), Failure> {
        match self {
            Self::One(_) => Ok(()),
            Self::Several(_) => Err(Failure::new(
                Kind::Usage,
                format!("`{option}` is for one id, not for several"),
            )),
        }
    }
}

impl Several {
    /// The next ids, at most `most`, without waiting for more than one; none at the end. What was
    /// not given yet when this is dropped comes next time.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Given>, Failure> {
        match self {
            Self::Typed(ids) => {
                let count = most.min(ids.len());
                Ok(ids.drain(..count).map(Given::Id).collect())
            }
            Self::Lines(lines) => lines.next(most).await,
        }
    }

    /// Those that are known and were not taken.
    pub(super) fn rest(self) -> impl Iterator<Item = Id> {
        let ids = match self {
            Self::Typed(ids) => ids,
            Self::Lines(_) => VecDeque::new(),
        };
        ids.into_iter()
    }

    /// Whether there may be ids that were not read.
    pub(super) fn may_have_more(&self) -> bool {
        matches!(self, Self::Lines(lines) if !lines.ended)
    }
}

/// The lines of standard input, read by a thread that is a little ahead.
#[derive(Debug)]
pub(super) struct Lines {
    read: mpsc::Receiver<io::Result<Given>>,
    failed: Option<io::Error>,
    ended: bool,
}

impl Lines {
    fn of_stdin() -> Self {
        let (to, read) = mpsc::channel(READ_AHEAD);
        tokio::task::spawn_blocking(move || read_lines(io::stdin().lock(), &to));
        Self {
            read,
            failed: None,
            ended: false,
        }
    }

    async fn next(&mut self, most: usize) -> Result<Vec<Given>, Failure> {
        if let Some(error) = self.failed.take() {
            return Err(unreadable(&error));
        }
        let mut taken = Vec::new();
        self.ended = self.read.recv_many(&mut taken, most).await == 0;
        let mut given = Vec::with_capacity(taken.len());
        for line in taken {
            match line {
                Ok(line) => given.push(line),
                // It is the last one. What came before it comes first.
                Err(error) => self.failed = Some(error),
            }
        }
        if given.is_empty() && self.failed.is_some() {
            return Box::pin(self.next(most)).await;
        }
        Ok(given)
    }
}

fn unreadable(error: &io::Error) -> Failure {
    let reason = NotText::of(error);
    let kind = reason.map_or(Kind::Failed, |_| Kind::Usage);
    let failure = Failure::new(kind, "cannot read standard input").caused_by(error.to_string());
    match reason {
        Some(reason) => failure.hint(reason.hint()),
        None => failure,
    }
}

fn read_lines(input: impl Read, to: &mpsc::Sender<io::Result<Given>>) {
    let mut lines = text::Lines::new(input);
    let mut begun = lines.begin().map(|_| ());
    loop {
        let given = match begun.and_then(|()| lines.next()) {
            Ok(None) => return,
            Ok(Some(line)) => Ok(given(line.bytes, line.number)),
            Err(error) => Err(error),
        };
        begun = Ok(());
        let failed = given.is_err();
        // Nobody takes it any more: the command ends.
        if to.blocking_send(given).is_err() || failed {
            return;
        }
    }
}

/// What a line gives; none of its bytes where there are too many.
fn given(line: Option<&[u8]>, number: u64) -> Given {
    let line = line.map(<[u8]>::trim_ascii);
    let id = match line.map(std::str::from_utf8) {
        None => Err(format!("must have at most {MAX_CHARACTERS} characters")),
        Some(Err(_)) => Err("must be UTF-8".to_owned()),
        Some(Ok(text)) => Id::new(text).map_err(|rule| rule.to_string()),
    };
    match id {
        Ok(id) => Given::Id(id),
        Err(rule) => {
            let text = String::from_utf8_lossy(line.unwrap_or_default());
            Given::Malformed {
                text: text.chars().take(MAX_CHARACTERS).collect(),
                error: InvalidArgument::of(&format!("line {number}: the id"), rule),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Result<String, String>> {
        let (to, mut read) = mpsc::channel(100);
        read_lines(input, &to);
        drop(to);
        let mut lines = Vec::new();
        while let Ok(line) = read.try_recv() {
            lines.push(match line.unwrap() {
                Given::Id(id) => Ok(id.to_string()),
                Given::Malformed { error, .. } => Err(error.to_string()),
            });
        }
        lines
    }

    #[test]
    fn each_line_is_an_id_without_the_space_around_it_and_blank_lines_are_none() {
        let ids = ["a", "b", "c d", "e"].map(|id| Ok(id.to_owned()));
        assert_eq!(lines(b"a\n  b\t\r\n\n   \nc d\ne"), ids);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n\n"), []);
    }

    #[test]
    fn a_line_that_is_no_id_is_named_by_its_number_and_those_after_it_are_read() {
        let long = "x".repeat(129);
        let endless = "y".repeat(1_000_000);
        let text = [b"a\n\n\xff\n", long.as_bytes(), b"\n", endless.as_bytes()];
        let mut text = text.concat();
        text.extend_from_slice(b"\nz\x1b\nb");
        assert_eq!(
            lines(&text),
            [
                Ok("a".to_owned()),
                Err("line 3: the id must be UTF-8".to_owned()),
                Err("line 4: the id must have at most 128 characters, not 129".to_owned()),
                Err("line 5: the id must have at most 128 characters".to_owned()),
                Err("line 6: the id must have printable characters only, not U+001B".to_owned()),
                Ok("b".to_owned()),
            ]
        );
    }

    #[test]
    fn a_mark_of_the_encoding_is_no_part_of_the_first_id_and_a_space_without_shape_is_refused() {
        assert_eq!(
            lines(b"\xef\xbb\xbfa\nb"),
            [Ok("a".to_owned()), Ok("b".to_owned())]
        );
        assert_eq!(
            lines("a\u{a0}\n".as_bytes()),
            [Err(
                "line 1: the id must have printable characters only, not U+00A0".to_owned()
            )]
        );
    }

    #[test]
    fn an_error_of_the_input_comes_after_the_lines_before_it() {
        struct Torn;
        impl Read for Torn {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let (to, read) = mpsc::channel(100);
        read_lines(b"a\n".chain(Torn), &to);
        drop(to);
        let mut lines = Lines {
            read,
            failed: None,
            ended: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert_eq!(lines.next(10).await.unwrap().len(), 1);
            let failure = lines.next(10).await.unwrap_err();
            assert_eq!(failure.to_string(), "cannot read standard input");
        });
    }

    #[test]
    fn typed_ids_are_all_checked_and_one_is_named_by_its_place() {
        let of = |ids: &[&str]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            Ids::of(IdsArgs { ids })
        };
        assert!(matches!(of(&["a"]), Ok(Ids::One(_))));
        assert!(matches!(of(&["a", "a"]), Ok(Ids::Several(_))));
        assert_eq!(
            of(&["a", "", "b"]).unwrap_err().to_string(),
            "id 2 of 3 must not be empty"
        );
        assert_eq!(of(&["a", "-"]).unwrap_err().kind(), Kind::Usage);
    }
}
