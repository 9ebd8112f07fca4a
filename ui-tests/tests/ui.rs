//! Ui tests.
