-- The kinds of events that version 3 added.
CREATE OR REPLACE VIEW history AS
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
        WHEN 19 THEN 'canceled' WHEN 20 THEN 'step_started' WHEN 21 THEN 'step_interrupted'
        WHEN 22 THEN 'compensation_started' WHEN 23 THEN 'rollback_abandoned'
        ELSE 'kind ' || j.kind
    END AS kind,
    j.step,
    encode(j.data, 'escape') AS data
FROM journal AS j JOIN runs AS r ON r.run = j.run;

-- For lists of the runs of one workflow.
CREATE INDEX runs_workflow ON runs (workflow, run);
-- Parked runs by who has tried them; the array itself may be too long for an index.
CREATE INDEX runs_parked ON runs (workflow, coalesce(hash_array_extended(parked_by, 0), 0), run)
    WHERE status = 8;
-- gone: when it was found that the worker is not registered any more.
ALTER TABLE batches ADD COLUMN gone BIGINT;

-- A run takes its journal, its mailbox and its children along when it is deleted, whatever the
-- `search_path` of the one who deletes it.
CREATE FUNCTION forget_runs() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    numbers CONSTANT BIGINT[] := ARRAY(
        WITH RECURSIVE forgotten (run) AS (
            SELECT d.run FROM deleted AS d
            UNION
            SELECT r.run FROM forgotten AS f JOIN runs AS r ON r.parent = f.run
        )
        SELECT f.run FROM forgotten AS f
    );
BEGIN
    IF cardinality(numbers) > 0 THEN
        DELETE FROM journal WHERE run = ANY (numbers);
        DELETE FROM mailbox WHERE run = ANY (numbers);
        DELETE FROM runs WHERE run = ANY (numbers);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER runs_deleted AFTER DELETE ON runs
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION forget_runs();
