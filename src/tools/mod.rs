//! What can be done with captures beside analysing the protocol. Each tool is an engine without arguments or terminal;
//! those are the business of `cli`.

pub mod streams;
