//! The durable workflow engine.
