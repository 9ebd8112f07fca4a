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
