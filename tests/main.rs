//! What a client, an operator and a volume can see of Keytag, tested through the real program.

mod support;

mod aof_files;
mod clients;
mod crash;
mod garbage;
mod entrypoint;
mod oracle;
mod tidy;
mod string;
