//! For tests: the store conformance suite.
