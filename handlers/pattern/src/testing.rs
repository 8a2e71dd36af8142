//! A domain to test with.

#[path = "../../../examples/accounts/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
pub(crate) mod account;
