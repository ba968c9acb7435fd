//! All of pip's list syntax, against packages that the tests make, and a list of 2019 against the
//! real index.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise and says what it skips"
)]

mod days;
mod faults;
mod index;
mod indexes;
mod kit;
mod lists;
mod places;
mod staying;
