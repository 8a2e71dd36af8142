//! One call of the publisher or of the query at a time, on a connection that stays open.
//!
//! The floor is what it must do: the same machine's call of a function that echoes, and the request
//! that the handler makes to the table or the cache, by hand on an open connection.

use serde_json::json;

use crate::figure::{Figure, Target};
use crate::fill;
use crate::options::Options;
use crate::report::{Report, time};
use crate::samples::Samples;
use crate::stack::Stack;

const LIST: &str = include_str!("../../handlers/orders/src/read_model/list.lua");
/// Of a member's time with the space behind it, see the script.
const SKIP: &str = "25";

pub(crate) fn measure(options: &Options, stack: &Stack, report: &mut Report) {
    let repetitions = if options.quick { 200 } else { 1000 };
    let echoes = Stack::of_echoes(options);
    let (mut connection, mut echo) = (stack.connection(), echoes.connection());
    let (mut raw, mut cache) = (stack.connection(), stack.cache());
    let table = stack.scratch_table();
    let id = Stack::create(&mut connection);
    while !cache.has_order(&id) {}
    let key = format!("orders:v1:order:{id}");
    let get = json!({"orderId": id}).to_string();
    let list = json!({"list": {"limit": 20}}).to_string();
    let list_call = [
        "EVAL_RO",
        LIST,
        "2",
        "orders:v1:all",
        "orders:v1:complete",
        "orders:v1:order:",
        "+",
        "20",
        SKIP,
    ];

    let mut calls = [(); 3].map(|()| Samples::default());
    let mut floors = [(); 3].map(|()| Samples::default());
    let mut echoed = Samples::default();
    let mut number = 0;
    let mut put = || {
        number += 1;
        let request = fill::put(table, &format!("call-{number:026}"));
        raw.dynamodb("PutItem", &request).unwrap()
    };
    for _ in 0..repetitions {
        warm(&mut echoed, || Stack::invoke(&mut echo));
        warm(&mut calls[0], || Stack::invoke(&mut connection));
        for (call, query) in calls[1..].iter_mut().zip([&get, &list]) {
            warm(call, || {
                let answer = connection.invoke("cqrs-query", query).unwrap();
                answer.json().unwrap()
            });
        }
        warm(&mut floors[0], &mut put);
        warm(&mut floors[1], || cache.run(&["HGET", &key, "d"]).unwrap());
        warm(&mut floors[2], || cache.run(&list_call).unwrap());
    }
    let echoed = echoed.median();
    report.add(time("Invoke of an echo", echoed));
    for ((call, floor), (what, raw)) in calls.iter().zip(&floors).zip([
        ("publisher, create", "an echo + PutItem"),
        ("query, one order", "an echo + HGET"),
        ("query, a list of 20", "an echo + EVAL_RO"),
    ]) {
        let floor = Figure::Time(echoed + floor.median());
        let line = time(format!("Invoke of the {what}"), call.median()).beside(floor, raw);
        report.add(line.target(Target::RatioAtMost(1.5)));
    }
}

/// Times the second of two runs: what the first finds cold is the turn before it, of something
/// else.
fn warm<T>(samples: &mut Samples, mut work: impl FnMut() -> T) {
    work();
    samples.time(work);
}
