//! Domains to test with.

#[path = "../tests/support/account.rs"]
pub(crate) mod account;
