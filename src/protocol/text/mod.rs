//! memcached's text protocol, as 1.6.45 speaks it.

mod line;
mod parse;
mod reply;

pub use parse::{Keys, Limits, Parsed, Request, parse};
pub use reply::{client_error, end, number, server_error, stat, value_head};
