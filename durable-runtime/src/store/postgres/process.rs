//! The process that a worker lives in, under a name that another process on the same machine can look up.

use std::{fs, path::Path, process, sync::LazyLock};

/// The name of this process: the boot of the machine, the namespace of its process numbers, its user, its
/// number and when it was started. `None` where there is no `/proc` that shows all this.
pub(super) fn name() -> Option<&'static str> {
    static NAME: LazyLock<Option<String>> = LazyLock::new(|| {
        let machine = machine()?;
        let number = process::id();
        let start = Stat::of(number)?.start;
        // A `/proc` of other processes would show another one there, or nothing.
        let own = fs::canonicalize("/proc/self").ok()?;
        (own == Path::new("/proc").join(number.to_string()))
            .then(|| format!("{machine} {number} {start}"))
    });
    NAME.as_deref()
}

/// Whether it is certain that the process of this name has ended: it ran on this machine, as this user, and
/// is not there. Of another machine's, nothing is known.
pub(super) fn has_ended(name: &str) -> bool {
    let Some(own) = self::name() else {
        return false;
    };
    let (Some((machine, number, start)), Some((own_machine, ..))) = (split(name), split(own))
    else {
        return false;
    };
    machine == own_machine
        && Stat::of(number).is_none_or(|stat| stat.start != start || stat.is_zombie)
}

/// The machine, and the process on it.
fn split(name: &str) -> Option<(&str, u32, u64)> {
    let (rest, start) = name.rsplit_once(' ')?;
    let (machine, number) = rest.rsplit_once(' ')?;
    Some((machine, number.parse().ok()?, start.parse().ok()?))
}

fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    // Processes of other users may be hidden.
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let user = user.split_ascii_whitespace().next()?;
    Some(format!("{} {} {user}", boot.trim(), namespace.display()))
}

/// What `/proc/NUMBER/stat` says, see proc(5).
struct Stat {
    is_zombie: bool,
    start: u64,
}

impl Stat {
    fn of(number: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // The name of the program stands in parentheses, and may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let is_zombie = matches!(fields.next()?, "Z" | "X");
        let start = fields.nth(18)?.parse().ok()?;
        Some(Self { is_zombie, start })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_runs_has_not_ended() {
        let name = name().unwrap();
        assert_eq!(split(name).unwrap().1, process::id());
        assert!(!has_ended(name));
    }

    #[test]
    fn a_process_that_was_killed_has_ended_also_before_its_parent_noticed() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let machine = machine().unwrap();
        let start = Stat::of(child.id()).unwrap().start;
        let name = format!("{machine} {} {start}", child.id());
        assert!(!has_ended(&name));
        child.kill().unwrap();
        while !has_ended(&name) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(has_ended(&name));
    }

    #[test]
    fn a_number_that_was_given_to_another_process_is_not_the_process() {
        let (machine, number, start) = split(name().unwrap()).unwrap();
        assert!(has_ended(&format!("{machine} {number} {}", start - 1)));
    }

    #[test]
    fn of_another_machine_or_user_nothing_is_known() {
        let (machine, _, start) = split(name().unwrap()).unwrap();
        for name in [
            format!("{machine}0 999999999 {start}"),
            format!("x{machine} 999999999 {start}"),
            format!("{machine} {start}"),
            format!("{machine} x {start}"),
            String::new(),
        ] {
            assert!(!has_ended(&name), "{name:?}");
        }
    }
}
