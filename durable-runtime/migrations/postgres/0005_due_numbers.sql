-- What has just become due, for whatever reason but the time, gets a number in place of a due time: below
-- every time, and above every number before it. So in `runs_due` new entries come after those of runs that
-- were claimed, which stay there while somebody has a transaction open that is older, and a claim need not
-- pass them. (Workers of version 4 and before write 0, which is the last of such numbers.)
CREATE SEQUENCE due_numbers MINVALUE -100000000000000 MAXVALUE -1 START -100000000000000;

-- For people with a PostgreSQL shell. What is due at once shows the beginning of 1970.
CREATE OR REPLACE VIEW run_list AS
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
    to_timestamp(CASE WHEN r.due < 0 THEN 0 ELSE r.due END / 1e6) AS due,
    to_timestamp(r.created_at / 1e6) AS created_at,
    to_timestamp(r.updated_at / 1e6) AS updated_at
FROM runs AS r LEFT JOIN runs AS p ON p.run = r.parent;

-- The last batches with mail that each worker has written, as in `batches`, which workers of version 4 and
-- before go on using; one row for each 1,024 of its numbers, and one for each client. Versions of one row that
-- cannot be removed, because somebody has a transaction open that is older, would all be passed by each batch.
CREATE TABLE sent_batches (
    worker BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    number BIGINT NOT NULL,
    gone   BIGINT,
    PRIMARY KEY (worker, part)
);
