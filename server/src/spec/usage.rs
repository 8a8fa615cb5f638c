//! The grammar of usage strings.
