//! Databases that an engine must not, or cannot, work on.

#![cfg(unix)]

#[cfg(test)]
mod damaged;
#[cfg(test)]
mod files;
#[cfg(all(test, target_os = "linux"))]
mod full_disk;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod old_schema;
#[cfg(test)]
mod sqlite;
