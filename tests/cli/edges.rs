//! What real folders hold, and what a name, a stream or an option of another program does to the
//! tool.

mod beside;
mod examples;
mod folder;
mod json;
mod names;
mod options;
mod outputs;
mod reports;
