-- Numbers of runs are never used again: what was left behind under one must not become another run's.
DROP VIEW run_list;
DROP VIEW history;
CREATE TABLE new_runs (
    run         INTEGER PRIMARY KEY AUTOINCREMENT,
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
INSERT INTO new_runs (
    run, id, workflow, status, epoch, owner, due, parent, parent_step,
    seed, input, reason, parked_by, deaths, died_at, created_at, updated_at
)
SELECT
    run, id, workflow, status, epoch, owner, due, parent, parent_step,
    seed, input, reason, parked_by, deaths, died_at, created_at, updated_at
FROM runs ORDER BY run;
DROP TABLE runs;
-- Whatever else refers to `runs` stays as it is.
PRAGMA legacy_alter_table = ON;
ALTER TABLE new_runs RENAME TO runs;
PRAGMA legacy_alter_table = OFF;
DELETE FROM sqlite_sequence WHERE name IN ('runs', 'new_runs');
INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', max(
    coalesce((SELECT max(run) FROM runs), 0),
    coalesce((SELECT max(run) FROM journal), 0),
    coalesce((SELECT max(run) FROM mailbox), 0)
));
CREATE INDEX runs_due ON runs (workflow, due) WHERE due IS NOT NULL;
CREATE INDEX runs_suspect ON runs (workflow, due) WHERE due IS NOT NULL AND deaths >= 3;
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_status ON runs (status) WHERE status <> 4;
-- For lists of the runs of one workflow.
CREATE INDEX runs_workflow ON runs (workflow);
-- Parked runs by who has tried them.
CREATE INDEX runs_parked ON runs (workflow, coalesce(parked_by, '')) WHERE status = 8;

-- A run takes its journal, its mailbox and its children along when it is deleted.
-- (Triggers do not fire triggers unless a connection asks for it, so the children are found here.)
CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN
    DELETE FROM journal WHERE run IN (
        WITH RECURSIVE gone (run) AS (
            SELECT old.run UNION SELECT r.run FROM gone JOIN runs AS r ON r.parent = gone.run
        )
        SELECT run FROM gone
    );
    DELETE FROM mailbox WHERE run IN (
        WITH RECURSIVE gone (run) AS (
            SELECT old.run UNION SELECT r.run FROM gone JOIN runs AS r ON r.parent = gone.run
        )
        SELECT run FROM gone
    );
    DELETE FROM runs WHERE run IN (
        WITH RECURSIVE gone (run) AS (
            SELECT old.run UNION SELECT r.run FROM gone JOIN runs AS r ON r.parent = gone.run
        )
        SELECT run FROM gone
    );
END;

-- lock: the number of the lock file that the worker holds, which tells whether it is alive.
ALTER TABLE workers ADD COLUMN lock INTEGER;
-- gone: when it was found that the worker is not registered any more.
ALTER TABLE batches ADD COLUMN gone INTEGER;

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

-- With the kinds of events that version 2 added.
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
        WHEN 19 THEN 'canceled' WHEN 20 THEN 'step_started' WHEN 21 THEN 'step_interrupted'
        WHEN 22 THEN 'compensation_started' WHEN 23 THEN 'rollback_abandoned'
        ELSE 'kind ' || j.kind
    END AS kind,
    j.step,
    CAST(j.data AS TEXT) AS data
FROM journal AS j JOIN runs AS r ON r.run = j.run;
