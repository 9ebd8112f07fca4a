-- Runs in the schema that the connection's `search_path` names.
--
-- Times are microseconds since the Unix epoch. A run with a due time is one that no worker owns.
-- parked_by: the workers that have parked the run since it last went on.
-- deaths: how many workers died with the run since it last got further. died_at: the last position of
-- its journal at the last death, or -1.
CREATE SEQUENCE run_numbers;
CREATE TABLE runs (
    run         BIGINT PRIMARY KEY,
    epoch       BIGINT NOT NULL,
    owner       BIGINT,
    due         BIGINT,
    parent      BIGINT,
    seed        BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    deaths      INTEGER NOT NULL DEFAULT 0,
    died_at     INTEGER,
    status      SMALLINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL UNIQUE,
    workflow    TEXT COLLATE "C" NOT NULL,
    parent_step TEXT COLLATE "C",
    input       BYTEA NOT NULL,
    reason      TEXT,
    parked_by   BIGINT[]
);
CREATE INDEX runs_due ON runs (workflow, due, run) WHERE due IS NOT NULL;
CREATE INDEX runs_suspect ON runs (workflow, due, run) WHERE due IS NOT NULL AND deaths >= 3;
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_status ON runs (status, run) WHERE status <> 4;

CREATE TABLE journal (
    run      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    position INTEGER NOT NULL,
    kind     SMALLINT NOT NULL,
    step     TEXT COLLATE "C",
    data     BYTEA,
    PRIMARY KEY (run, position)
);

-- kind: 1 signal, 2 result of a child, 3 cancellation. name: the signal's, or the operation's that
-- started the child. ok: whether the child completed; its failure is in data otherwise.
CREATE SEQUENCE mail_numbers;
CREATE TABLE mailbox (
    run  BIGINT NOT NULL,
    mail BIGINT NOT NULL,
    at   BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    ok   BOOLEAN,
    name TEXT COLLATE "C",
    data BYTEA,
    PRIMARY KEY (run, mail)
);

CREATE SEQUENCE worker_numbers;
-- workflows: the names of those that the worker can drive; NULL if it can drive all.
-- session: the advisory lock that a connection of the worker's process holds on the server that was
-- started at that time; NULL if the lease alone says that it is alive.
-- process: where the worker lives, for others on the same machine; NULL if that cannot be told.
-- trial: the suspect that the worker took last. A worker has one at a time, until trial_until.
CREATE TABLE workers (
    worker      BIGINT PRIMARY KEY DEFAULT nextval('worker_numbers'),
    lease_until BIGINT NOT NULL,
    workflows   TEXT[] COLLATE "C",
    session     BIGINT,
    server      BIGINT,
    process     TEXT,
    trial       BIGINT,
    trial_until BIGINT
);

-- The last batch with mail that each worker has written, so that one whose reply was lost is known
-- when it comes again. It outlives the worker's lease.
CREATE TABLE batches (
    worker BIGINT PRIMARY KEY,
    number BIGINT NOT NULL
);

-- For people with a PostgreSQL shell.
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
    encode(r.input, 'escape') AS input,
    r.reason,
    p.id AS parent,
    r.parent_step,
    r.owner,
    to_timestamp(r.due / 1e6) AS due,
    to_timestamp(r.created_at / 1e6) AS created_at,
    to_timestamp(r.updated_at / 1e6) AS updated_at
FROM runs AS r LEFT JOIN runs AS p ON p.run = r.parent;

CREATE VIEW history AS
SELECT
    r.id,
    j.run,
    j.position,
    to_timestamp(j.at / 1e6) AS at,
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
    encode(j.data, 'escape') AS data
FROM journal AS j JOIN runs AS r ON r.run = j.run;
