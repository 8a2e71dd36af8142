//! The process that runs a stack on this machine: one call of a function that echoes, from the
//! request on its port to the answer.

use super::HotPath;
use super::callgrind::Counted;
use super::handlers::each;
use crate::options::Options;
use crate::stack::Stack;

const FIRST: usize = 50;
const MORE: usize = 300;

pub(super) const ALL: [HotPath; 1] = [HotPath {
    name: "stack on this machine: an Invoke",
    count: an_invoke,
}];

fn an_invoke(options: &Options) -> u64 {
    let stack = Stack::of_echoes(options);
    let counted = Counted::new(&options.cqrs, "cqrs-local-run");
    let calls = |count: usize| {
        stack.run(&["local", "stop"]);
        let mut process = stack.in_foreground(&counted.stand_in);
        let mut connection = stack.connection();
        for _ in 0..count {
            Stack::invoke(&mut connection);
        }
        drop(connection);
        stack.run(&["local", "stop"]);
        let ended = process.ended(std::time::Duration::from_secs(30));
        assert!(ended.is_some(), "the stack does not stop");
        counted.instructions()
    };
    each(calls(FIRST + MORE), calls(FIRST), MORE)
}
