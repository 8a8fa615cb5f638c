//! What a client, an operator and a volume can see of Keytag, tested through the real program.

mod support;

mod oracle;
mod string;
