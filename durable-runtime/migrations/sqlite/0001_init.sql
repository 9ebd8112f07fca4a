-- parked_by: the workers that have parked the run since it last went on, as `,1,2,`.
-- deaths: how many workers died with the run since it last got further. died_at: the last position of its
-- journal at the last death, or -1.
-- Times are microseconds since the Unix epoch. A run with a due time is one that no worker owns.
CREATE TABLE runs (
    run         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    workflow    TEXT NOT NULL,
    status      INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    owner       INTEGER,
    due         INTEGER,
    parent      INTEGER,
    parent_step TEXT,
    seed        INTEGER NOT NULL,
    input       BLOB NOT NULL,
    reason      TEXT,
    parked_by   TEXT,
    deaths      INTEGER NOT NULL DEFAULT 0,
    died_at     INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
);
CREATE INDEX runs_due ON runs (workflow, due) WHERE due IS NOT NULL;
CREATE INDEX runs_suspect ON runs (workflow, due) WHERE due IS NOT NULL AND deaths >= 3;
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_status ON runs (status) WHERE status <> 4;

CREATE TABLE journal (
    run      INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    step     TEXT,
    data     BLOB,
    at       INTEGER NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

-- kind: 1 signal, 2 result of a child, 3 cancellation. name: the signal's, or the operation's that
-- started the child. ok: whether the child completed; its failure is in data otherwise.
CREATE TABLE mailbox (
    mail INTEGER PRIMARY KEY AUTOINCREMENT,
    run  INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT,
    data BLOB,
    ok   INTEGER,
    at   INTEGER NOT NULL
);
CREATE INDEX mailbox_run ON mailbox (run, kind, name);

-- workflows: the names of those that the worker can drive, as a JSON array; NULL if it can drive all.
-- trial: the suspect that the worker took last. A worker has one at a time, until trial_until.
CREATE TABLE workers (
    worker      INTEGER PRIMARY KEY AUTOINCREMENT,
    lease_until INTEGER NOT NULL,
    workflows   TEXT,
    trial       INTEGER,
    trial_until INTEGER
);

-- The last batch with mail that each worker has written, so that one whose reply was lost is known
-- when it comes again. It outlives the worker's lease.
CREATE TABLE batches (
    worker INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
);

-- For people with a SQLite shell.
CREATE VIEW run_list AS
SELECT
    r.run,
    r.id,
    r.workflow,
    CASE r.status
        WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'suspended'
        WHEN 3 THEN 'compensating' WHEN 4 THEN 'completed' WHEN 5 THEN 'failed'
        WHEN 6 THEN 'canceled' WHEN 7 THEN 'paused' WHEN 8 THEN 'parked'
        ELSE 'status ' || r.status
    END AS status,
    CAST(r.input AS TEXT) AS input,
    r.reason,
    p.id AS parent,
    r.parent_step,
    r.owner,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.due / 1e6, 'unixepoch') AS due,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.created_at / 1e6, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.updated_at / 1e6, 'unixepoch') AS updated_at
FROM runs AS r LEFT JOIN runs AS p ON p.run = r.parent;

CREATE VIEW history AS
SELECT
    r.id,
    j.run,
    j.position,
    strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1e6, 'unixepoch') AS at,
    CASE j.kind
        WHEN 1 THEN 'step_completed' WHEN 2 THEN 'step_attempt_failed' WHEN 3 THEN 'step_failed'
        WHEN 4 THEN 'timer_armed' WHEN 5 THEN 'timer_fired' WHEN 6 THEN 'signal_awaited'
        WHEN 7 THEN 'signal_received' WHEN 8 THEN 'child_started' WHEN 9 THEN 'child_completed'
        WHEN 10 THEN 'child_failed' WHEN 11 THEN 'child_canceled'
        WHEN 12 THEN 'cancel_requested' WHEN 13 THEN 'rollback_started'
        WHEN 14 THEN 'compensated' WHEN 15 THEN 'compensation_attempt_failed'
        WHEN 16 THEN 'compensation_failed' WHEN 17 THEN 'completed' WHEN 18 THEN 'failed'
        WHEN 19 THEN 'canceled'
        ELSE 'kind ' || j.kind
    END AS kind,
    j.step,
    CAST(j.data AS TEXT) AS data
FROM journal AS j JOIN runs AS r ON r.run = j.run;
