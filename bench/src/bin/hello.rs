//! The least program: what a process costs on this machine before it does anything.
#![allow(clippy::print_stdout, reason = "the one thing that it does")]

fn main() {
    println!("hello");
}
