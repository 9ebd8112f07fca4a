//! The statements that look for runs and take them.

use super::worker::no_trial;
use crate::store::codes::code;

/// The condition that worker `w` may take a suspect at the time `$2`.
macro_rules! may_try {
    () => {
        concat!(
            "(w.trial IS NULL OR w.trial_until <= $2 OR ",
            no_trial!(),
            ")"
        )
    };
}

/// The workflows whose runs worker `$1` may take, as `mine`: of those that unowned runs wait for, the ones
/// it can drive, and the ones that nobody can, so that somebody says so. The names are found by jumping
/// through the index from one to the next: what it costs does not depend on how many runs wait for other
/// workers. With each name comes the place in the index of its first run.
macro_rules! mine {
    () => {
        "RECURSIVE waiting (workflow, due, run) AS (\
         (SELECT workflow, due, run FROM runs WHERE due IS NOT NULL ORDER BY workflow, due, run LIMIT 1) \
         UNION ALL SELECT r.* FROM waiting AS n CROSS JOIN LATERAL (\
         SELECT r.workflow, r.due, r.run FROM runs AS r WHERE r.due IS NOT NULL AND r.workflow > n.workflow \
         ORDER BY r.workflow, r.due, r.run LIMIT 1) AS r), \
         mine AS MATERIALIZED (SELECT n.* FROM waiting AS n WHERE \
         EXISTS (SELECT FROM workers AS w WHERE w.worker = $1 \
         AND (w.workflows IS NULL OR n.workflow = ANY (w.workflows))) \
         OR NOT EXISTS (SELECT FROM workers AS w \
         WHERE w.workflows IS NULL OR n.workflow = ANY (w.workflows)))"
    };
}

/// Where the runs of each workflow begin that worker `$1` may take.
pub(super) const LOOK_EVERYWHERE: &str =
    concat!("WITH ", mine!(), " SELECT workflow, due, run FROM mine");

/// Stretches of the index of due runs, as `s`.
macro_rules! stretches {
    () => {
        "unnest($3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[], $7::BIGINT[]) WITH ORDINALITY \
         AS s (workflow, due, run, last_due, last_run, number)"
    };
}

/// The condition that a run is due in stretch `s`, and no suspect.
macro_rules! in_stretch {
    () => {
        concat!(
            "workflow = s.workflow AND due IS NOT NULL AND (due, run) >= (s.due, s.run) \
         AND (due, run) <= (s.last_due, s.last_run) AND deaths < ",
            code!(suspect_deaths)
        )
    };
}

/// The first runs of each stretch, at most `$8`; and, as of number 0, when the first suspect of the workflows
/// `$9` is due, if worker `$1` may take one at the time `$2`. A run with a due time has no owner.
pub(super) const LOOK: &str = concat!(
    "SELECT s.number, r.due, r.run FROM ",
    stretches!(),
    " CROSS JOIN LATERAL (SELECT due, run FROM runs WHERE ",
    in_stretch!(),
    " ORDER BY due, run LIMIT $8) AS r \
     UNION ALL SELECT 0, min(r.due), 0 FROM unnest($9::TEXT[]) AS s (workflow) CROSS JOIN LATERAL (\
     SELECT due FROM runs WHERE workflow = s.workflow AND due IS NOT NULL AND deaths >= ",
    code!(suspect_deaths),
    " \
     ORDER BY due, run LIMIT 1) AS r \
     WHERE EXISTS (SELECT FROM workers AS w WHERE w.worker = $1 AND ",
    may_try!(),
    ") ORDER BY 1, 2, 3"
);

/// The runs of the stretches, longest due first, which it locks: at most `$8`.
macro_rules! due {
    () => {
        concat!(
            "SELECT r.* FROM ",
            stretches!(),
            " CROSS JOIN LATERAL (SELECT ",
            columns!(),
            " FROM runs WHERE ",
            in_stretch!(),
            " AND EXISTS (SELECT FROM me) \
             ORDER BY due, run LIMIT $8 FOR NO KEY UPDATE SKIP LOCKED) AS r ORDER BY r.due, r.run LIMIT $8"
        )
    };
}

/// The suspect of the workflows `$3` that is longest due, which it locks.
macro_rules! suspect {
    () => {
        concat!(
            "SELECT r.* FROM unnest($3::TEXT[]) AS s (workflow) CROSS JOIN LATERAL (SELECT ",
            columns!(),
            " FROM runs WHERE workflow = s.workflow AND due IS NOT NULL AND due <= $2 \
             AND deaths >= ",
            code!(suspect_deaths),
            " AND EXISTS (SELECT FROM me) \
             ORDER BY due, run LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) AS r ORDER BY r.due, r.run LIMIT 1"
        )
    };
}

/// What a claim has to know of a run that it locks, and where its row is: by its number, a run that has gone on
/// often has many dead entries.
macro_rules! columns {
    () => {
        "ctid AS place, run, status, due"
    };
}

/// About how many bytes run `l` takes to load. The server knows the length of a value without reading it.
macro_rules! bytes {
    () => {
        "(SELECT octet_length(b.input) FROM runs AS b WHERE b.ctid = l.place) \
         + coalesce((SELECT sum(octet_length(j.data)) FROM journal AS j WHERE j.run = l.run), 0) \
         + coalesce((SELECT sum(octet_length(m.data)) FROM mailbox AS m WHERE m.run = l.run), 0)"
    };
}

/// What each claim does with the rows that it has locked: it takes as many as are not too much to load
/// together (`rules::CLAIM_BYTES_MAX`), but one at least, while it holds `me`, the worker's row.
/// A worker that was retired takes nothing: nobody would free its runs again. The lock on its row keeps
/// it from being retired meanwhile. Nothing is read that may be damaged of one run and not of the others: no
/// payload and, where at most one is taken, no size.
macro_rules! take {
    ($me:expr, $chosen:expr, $limit:literal, $also:expr) => {
        concat!(
            "WITH me AS MATERIALIZED (",
            $me,
            "), locked AS MATERIALIZED (",
            $chosen,
            "), sized AS MATERIALIZED (SELECT l.*, sum(CASE WHEN ",
            $limit,
            " > 1 THEN ",
            bytes!(),
            " END) OVER (ORDER BY l.due, l.run ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bytes, \
             row_number() OVER (ORDER BY l.due, l.run) AS number FROM locked AS l), \
             chosen AS MATERIALIZED (SELECT * FROM sized WHERE number = 1 OR bytes <= 16777216)",
            $also,
            " UPDATE runs AS r SET owner = $1, epoch = r.epoch + 1, due = NULL, reason = NULL, \
             updated_at = $2, status = CASE WHEN r.status IN (",
            code!(pending),
            ", ",
            code!(parked),
            ") THEN ",
            code!(running),
            " ELSE r.status END \
             FROM chosen AS c WHERE r.ctid = c.place \
             RETURNING r.run, r.id, r.workflow, c.status, r.epoch, r.seed, r.parent, r.parent_step, \
             r.created_at, c.due, r.deaths, (SELECT count(*) FROM locked)"
        )
    };
}

pub(super) const TAKE_DUE: &str = take!(
    "SELECT FROM workers WHERE worker = $1 FOR KEY SHARE",
    due!(),
    "$8",
    ""
);

/// Puts the suspect it takes on trial, until `$4`.
pub(super) const TAKE_SUSPECT: &str = take!(
    concat!(
        "SELECT FROM workers AS w WHERE w.worker = $1 AND ",
        may_try!(),
        " FOR NO KEY UPDATE OF w"
    ),
    suspect!(),
    "1",
    ", tried AS (UPDATE workers SET trial = c.run, trial_until = $4 FROM chosen AS c WHERE worker = $1)"
);

/// Who has parked a run, as the index has it. 8 is parked.
macro_rules! parked_by {
    ($run:literal) => {
        concat!("coalesce(hash_array_extended(", $run, ".parked_by, 0), 0)")
    };
}

/// Runs that the same workers have parked lie together in an index, and the search for those that this one
/// has not tried jumps from one such group to the next: what it costs does not depend on how many runs are
/// parked.
pub(super) const TAKE_PARKED: &str = take!(
    "SELECT workflows FROM workers WHERE worker = $1 FOR KEY SHARE",
    concat!(
        "WITH RECURSIVE groups (workflow, parked_by, key) AS (\
         (SELECT r.workflow, r.parked_by, ",
        parked_by!("r"),
        " FROM runs AS r WHERE r.status = ",
        code!(parked),
        " ORDER BY 1, 3 LIMIT 1) UNION ALL \
         SELECT n.* FROM groups AS g CROSS JOIN LATERAL (\
         SELECT r.workflow, r.parked_by, ",
        parked_by!("r"),
        " FROM runs AS r WHERE r.status = ",
        code!(parked),
        " AND (r.workflow, ",
        parked_by!("r"),
        ") > (g.workflow, g.key) ORDER BY 1, 3 LIMIT 1) AS n) \
         SELECT r.* FROM groups AS g CROSS JOIN LATERAL (SELECT ",
        columns!(),
        " FROM runs AS r WHERE r.status = ",
        code!(parked),
        " AND r.owner IS NULL AND r.workflow = g.workflow AND ",
        parked_by!("r"),
        " = g.key ORDER BY r.run LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED) AS r \
         WHERE NOT coalesce($1 = ANY (g.parked_by), FALSE) \
         AND EXISTS (SELECT FROM me WHERE me.workflows IS NULL OR g.workflow = ANY (me.workflows)) \
         LIMIT $3"
    ),
    "$3",
    ""
);

/// One run that a claim failed for, if it may be taken.
pub(super) const TAKE_ONE: &str = take!(
    "SELECT FROM workers WHERE worker = $1 FOR KEY SHARE",
    concat!(
        "SELECT ",
        columns!(),
        " FROM runs AS r WHERE r.run = $3 AND (r.owner = $1 \
         OR (r.owner IS NULL AND (r.due <= $2 OR r.status = ",
        code!(parked),
        "))) AND EXISTS (SELECT FROM me) \
         FOR NO KEY UPDATE"
    ),
    "1",
    ""
);
