-- Writes a batch: one call, one round trip, one transaction.
--
-- This text is the current one. A store installs it under the name of its version (`write_batch.rs`) where it is
-- not there yet; workers of other builds go on calling theirs. The words in braces stand for the codes of statuses,
-- of kinds of mail and of events.
--
-- It is a function because each statement in it sees what was committed while the one before waited
-- for its locks. A single statement sees the database as it was when it began: a run that lets go of
-- its place would overlook mail that arrived meanwhile, and sleep through it.
--
-- Locks are taken in one order everywhere: rows of runs by number, then new ids by name. So batches
-- that touch the same runs wait for each other and never in a circle. Every run whose status is set or that
-- starts children is locked before anything is written, so nobody deletes it meanwhile.
--
-- Mail is not written when its sender has sent this batch before, or a later one: a batch that was given up as
-- lost, and comes late, writes none. A run that is being rolled back, or was parked in the middle of that, takes no
-- signal and no cancellation. What becomes due at once gets a number from `due_numbers`; mail to a run that is due
-- at once changes nothing in its row.
--
-- The arrays with one prefix belong together: s_ what is started, m_ mail, c_ commits, e_ events of
-- commits, k_ mail that commits have consumed. `commit` is the number of a commit in the batch, from
-- 1; 0 stands for what a client asked for. Arrays come in the order in which the parts take effect;
-- NULL stands for an empty one.
--
--   b_worker             who writes it; NULL if nobody says so
--   b_number             which of the worker's batches it is, for client mail that may be sent again;
--                        else NULL
--   b_careful            whether an event may be there already. If one is, though nobody expected it,
--                        the call fails as a whole with a unique violation, and is to be made again.
--   b_mailbox_max        how many signals of one name may wait for a run; NULL if it does not matter
--   m_run, m_id          whom the mail is for: one of the two
--   m_target             the commit of the run it is for, 0 if it has none; NULL if only its id is known
--   c_created            when the run was started: another's row may have its number (a failover forgets)
--   c_position           where the first event goes; NULL without events
--   c_status             the new status; NULL if it stays
--   c_seen               the last mail the run has seen, if later mail makes it due; NULL if none does
--   c_wakes              the least kind of mail that makes it due; NULL if every kind does
--
--   fresh      by commit: whether it was written. If not, it came too late, or was written before.
--   drawn      by start: the number drawn for it; NULL when its commit was not written.
--   written    those of the numbers that were used; other ids were taken.
--   mail_*     by mail: the run it was for (NULL: there is none), its status and its owner when the
--              mail came, and the number the mail got, if it was put into the mailbox.
--   without_room  the places, from 0, of signals that have no room; nothing is written then.
CREATE FUNCTION {write_batch}(
    b_worker      BIGINT,
    b_number      BIGINT,
    b_careful     BOOLEAN,
    b_mailbox_max INTEGER,
    s_commit      INTEGER[],
    s_id          TEXT[],
    s_workflow    TEXT[],
    s_input       BYTEA[],
    s_seed        BIGINT[],
    s_parent      BIGINT[],
    s_parent_step TEXT[],
    s_owner       BIGINT[],
    s_at          BIGINT[],
    m_commit      INTEGER[],
    m_run         BIGINT[],
    m_id          TEXT[],
    m_target      INTEGER[],
    m_kind        SMALLINT[],
    m_name        TEXT[],
    m_data        BYTEA[],
    m_ok          BOOLEAN[],
    m_at          BIGINT[],
    c_run         BIGINT[],
    c_created     BIGINT[],
    c_epoch       BIGINT[],
    c_position    INTEGER[],
    c_status      SMALLINT[],
    c_release     BOOLEAN[],
    c_due         BIGINT[],
    c_seen        BIGINT[],
    c_wakes       SMALLINT[],
    c_reason      TEXT[],
    c_at          BIGINT[],
    e_commit      INTEGER[],
    e_position    INTEGER[],
    e_kind        SMALLINT[],
    e_step        TEXT[],
    e_data        BYTEA[],
    e_at          BIGINT[],
    k_commit      INTEGER[],
    k_mail        BIGINT[],
    OUT fresh       BOOLEAN[],
    OUT drawn       BIGINT[],
    OUT written     BIGINT[],
    OUT mail_run    BIGINT[],
    OUT mail_status SMALLINT[],
    OUT mail_owner  BIGINT[],
    OUT mail_number BIGINT[],
    OUT without_room INTEGER[]
)
LANGUAGE plpgsql
AS $$
DECLARE
    is_alive BOOLEAN := TRUE;
    is_repeated BOOLEAN := FALSE;
    sends CONSTANT BOOLEAN := cardinality(m_kind) > 0;
    updates CONSTANT BOOLEAN := cardinality(array_remove(c_status, NULL)) > 0;
    has_children CONSTANT BOOLEAN := coalesce(0 < ANY (s_commit), FALSE);
BEGIN
    -- Which runs is the mail for?
    IF sends THEN
        mail_run := ARRAY(
            SELECT coalesce(m.run, (SELECT r.run FROM runs AS r WHERE r.id = m.id))
            FROM unnest(m_run, m_id) AS m (run, id)
        );
    END IF;

    -- Nobody frees the runs of a worker whose row is held, so the row stands for the locks of all that
    -- it appends to. What else is written to is locked, in order: runs that mail is for, and runs whose
    -- status is set, which also must not miss mail. Without a worker, or to be careful, every run is.
    IF b_worker IS NOT NULL THEN
        PERFORM FROM workers WHERE worker = b_worker FOR KEY SHARE;
        is_alive := FOUND;
    END IF;
    IF sends OR b_careful OR b_worker IS NULL THEN
        PERFORM FROM runs WHERE run = ANY (c_run || mail_run) ORDER BY run FOR NO KEY UPDATE;
    ELSIF updates OR has_children THEN
        PERFORM FROM runs WHERE run = ANY (ARRAY(
            SELECT c.run FROM unnest(c_run, c_status) WITH ORDINALITY AS c (run, status, number)
            WHERE c.status IS NOT NULL OR c.number = ANY (s_commit)
        )) ORDER BY run FOR NO KEY UPDATE;
    END IF;

    -- Which signals of clients have no room? Nothing is written then. (What the locks have waited for is seen
    -- here. Runs that take no signals have none that wait, or say so below; a batch that was written before is
    -- not judged again.)
    IF sends AND b_mailbox_max IS NOT NULL AND NOT EXISTS (
        SELECT FROM sent_batches AS l
        WHERE l.worker = b_worker AND l.part >= (b_number >> 10) AND l.number >= b_number
    ) THEN
        without_room := ARRAY(
            WITH asked AS MATERIALIZED (
                SELECT m.ordinal, m.run, CASE WHEN m.run IS NULL THEN m.id END AS id, m.name
                FROM unnest(m_commit, mail_run, m_id, m_kind, m_name)
                    WITH ORDINALITY AS m (commit, run, id, kind, name, ordinal)
                LEFT JOIN runs AS r ON r.run = m.run
                WHERE m.kind = {mail:signal} AND m.commit = 0 AND (r.run IS NULL OR NOT (r.status = {status:compensating} OR (
                    r.status = {status:parked} AND EXISTS (
                        SELECT FROM journal AS j WHERE j.run = r.run AND j.kind IN ({event:cancel_requested}, {event:rollback_started})
                    )
                )))
            ), waiting AS (
                SELECT s.run, s.name, (
                    SELECT count(*) FROM (
                        SELECT FROM mailbox AS m
                        WHERE m.run = s.run AND m.kind = {mail:signal} AND m.name = s.name LIMIT b_mailbox_max
                    ) AS counted
                ) AS signals
                FROM (SELECT DISTINCT run, name FROM asked WHERE run IS NOT NULL) AS s
            )
            SELECT n.place FROM (
                SELECT
                    (s.ordinal - 1)::INTEGER AS place,
                    coalesce(w.signals, 0) + row_number() OVER (
                        PARTITION BY s.run, s.id, s.name ORDER BY s.ordinal
                    ) AS signals
                FROM asked AS s LEFT JOIN waiting AS w ON w.run = s.run AND w.name = s.name
            ) AS n
            WHERE n.signals > b_mailbox_max
        );
        IF cardinality(without_room) > 0 THEN
            RETURN;
        END IF;
    END IF;

    -- The fence: the run is the one that is meant, the commit's epoch is the run's, the worker owns it, and
    -- the first event is the next of the journal.
    fresh := ARRAY(
        SELECT coalesce(is_alive AND (
            SELECT r.created_at = c.created AND r.epoch = c.epoch
                AND r.owner = coalesce(b_worker, r.owner)
                AND (coalesce(c.position, 0) = 0 OR EXISTS (
                    SELECT FROM journal AS j WHERE j.run = c.run AND j.position = c.position - 1
                ))
                AND NOT (b_careful AND EXISTS (
                    SELECT FROM journal AS j WHERE j.run = c.run AND j.position = c.position
                ))
            FROM runs AS r WHERE r.run = c.run
        ), FALSE)
        FROM unnest(c_run, c_created, c_epoch, c_position) AS c (run, created, epoch, position)
    );

    IF FALSE = ANY (fresh) THEN
        DELETE FROM journal AS j WHERE j.run = ANY (c_run)
            AND NOT EXISTS (SELECT FROM runs AS r WHERE r.run = j.run);
    END IF;

    IF cardinality(e_kind) > 0 THEN
        INSERT INTO journal (run, at, position, kind, step, data)
        SELECT c_run[e.commit], e.at, e.position, e.kind, e.step, e.data
        FROM unnest(e_commit, e_at, e_position, e_kind, e_step, e_data)
            AS e (commit, at, position, kind, step, data)
        WHERE fresh[e.commit];
    END IF;

    IF cardinality(s_id) > 0 THEN
        -- Numbers grow in the order of the starts; rows are inserted in the order of their ids.
        drawn := ARRAY(
            SELECT CASE
                WHEN s.commit = 0 OR fresh[s.commit]
                THEN nextval('run_numbers')
            END
            FROM unnest(s_commit) AS s (commit)
        );
        WITH inserted AS (
            INSERT INTO runs (
                run, epoch, owner, due, parent, seed, created_at, updated_at, status, id, workflow,
                parent_step, input
            )
            SELECT
                s.run,
                CASE WHEN s.owner IS NULL THEN 0 ELSE 1 END,
                s.owner, s.due, s.parent, s.seed, s.at, s.at,
                CASE WHEN s.owner IS NULL THEN 0 ELSE 1 END,
                s.id, s.workflow, s.parent_step, s.input
            FROM (
                SELECT n.*, CASE WHEN n.owner IS NULL THEN nextval('due_numbers') END AS due
                FROM unnest(
                    drawn, s_owner, s_parent, s_seed, s_at, s_id, s_workflow, s_parent_step, s_input
                ) AS n (run, owner, parent, seed, at, id, workflow, parent_step, input)
                WHERE n.run IS NOT NULL
                OFFSET 0
            ) AS s
            ORDER BY s.id, s.run
            ON CONFLICT (id) DO NOTHING
            RETURNING run
        )
        SELECT array_agg(i.run) INTO written FROM inserted AS i;
    END IF;

    IF cardinality(k_mail) > 0 THEN
        DELETE FROM mailbox AS m USING unnest(k_commit, k_mail) AS k (commit, mail)
        WHERE fresh[k.commit] AND m.run = c_run[k.commit] AND m.mail = k.mail;
    END IF;

    IF sends THEN
        IF b_number IS NOT NULL THEN
            INSERT INTO sent_batches AS b (worker, part, number)
            SELECT b_worker, b_number >> 10, b_number
            WHERE NOT EXISTS (
                SELECT FROM sent_batches AS l WHERE l.worker = b_worker AND l.part > (b_number >> 10)
            )
            ON CONFLICT (worker, part) DO UPDATE SET number = excluded.number
            WHERE b.number < excluded.number;
            is_repeated := NOT FOUND;
        END IF;

        -- Mail finds its run as the commits before it in the batch leave it. Numbers are drawn under
        -- the run's lock: at one run they grow in the order of the commits, and a run that has seen
        -- one number has seen every smaller one.
        SELECT
            array_agg(m.run),
            array_agg(m.status),
            array_agg(m.owner),
            array_agg(CASE
                WHEN m.is_sent AND m.status NOT IN ({status:completed}, {status:failed}, {status:canceled})
                    AND NOT (m.status = {status:compensating} AND m.kind IN ({mail:signal}, {mail:cancel}))
                THEN nextval('mail_numbers')
            END)
        INTO mail_run, mail_status, mail_owner, mail_number
        FROM (
            SELECT
                r.run,
                m.kind,
                -- One that was parked in the middle of its rollback is being rolled back.
                CASE WHEN n.status = {status:parked} AND EXISTS (
                    SELECT FROM journal AS j WHERE j.run = r.run AND j.kind IN ({event:cancel_requested}, {event:rollback_started})
                ) THEN {status:compensating} ELSE n.status END AS status,
                CASE WHEN NOT (t.is_changed AND c_release[t.target]) THEN r.owner END AS owner,
                CASE WHEN m.commit = 0 THEN NOT is_repeated ELSE fresh[m.commit] END AS is_sent
            FROM unnest(mail_run, m_commit, m_id, m_target, m_kind)
                WITH ORDINALITY AS m (run, commit, id, target, kind, ordinal)
            -- Mail by id may be for a run that this batch has started.
            LEFT JOIN runs AS r ON r.run = coalesce(m.run, (
                SELECT n.run FROM runs AS n WHERE n.id = m.id AND n.run = ANY (written)
            ))
            CROSS JOIN LATERAL (
                SELECT coalesce(m.target, array_position(c_run, r.run)) AS target OFFSET 0
            ) AS own
            CROSS JOIN LATERAL (
                SELECT own.target, coalesce(
                    own.target <= m.commit
                    AND fresh[own.target]
                    AND c_status[own.target] IS NOT NULL,
                    FALSE
                ) AS is_changed
            ) AS t
            CROSS JOIN LATERAL (
                SELECT CASE WHEN t.is_changed THEN c_status[t.target] ELSE r.status END AS status
            ) AS n
            ORDER BY m.ordinal
        ) AS m;

        INSERT INTO mailbox (run, mail, at, kind, ok, name, data)
        SELECT m.run, m.mail, m.at, m.kind, m.ok, m.name, m.data
        FROM unnest(mail_run, mail_number, m_at, m_kind, m_ok, m_name, m_data)
            AS m (run, mail, at, kind, ok, name, data)
        WHERE m.mail IS NOT NULL;
    END IF;

    IF updates THEN
        UPDATE runs AS r SET
            status = u.status,
            reason = u.reason,
            updated_at = u.at,
            parked_by = CASE WHEN u.status = {status:parked} THEN r.parked_by || r.owner END,
            deaths = CASE WHEN u.release AND u.status <> {status:parked} THEN 0 ELSE r.deaths END,
            owner = CASE WHEN NOT u.release THEN r.owner END,
            due = CASE
                WHEN NOT u.release THEN r.due
                WHEN u.seen IS NOT NULL AND EXISTS (
                    SELECT FROM mailbox AS m
                    WHERE m.run = u.run AND m.mail > u.seen AND m.kind >= coalesce(u.wakes, 0)
                ) THEN nextval('due_numbers')
                ELSE u.due
            END
        FROM unnest(fresh, c_run, c_status, c_release, c_due, c_seen, c_wakes, c_reason, c_at)
            AS u (fresh, run, status, release, due, seen, wakes, reason, at)
        WHERE r.run = u.run AND u.fresh AND u.status IS NOT NULL;

        DELETE FROM mailbox WHERE run = ANY (ARRAY(
            SELECT u.run FROM unnest(fresh, c_run, c_status) AS u (fresh, run, status)
            WHERE u.fresh AND u.status IN ({status:completed}, {status:failed}, {status:canceled})
        ));
    END IF;

    -- Mail makes a run due that nobody owns, but not a paused one, and only what cancels it makes a
    -- parked one due.
    IF sends THEN
        UPDATE runs AS r SET due = nextval('due_numbers')
        WHERE r.owner IS NULL AND coalesce(r.due > 0, TRUE) AND r.status <> {status:paused}
            AND r.run = ANY (ARRAY(
                SELECT m.run FROM unnest(mail_run, mail_number, mail_owner) AS m (run, mail, owner)
                WHERE m.mail IS NOT NULL AND m.owner IS NULL
            ))
            AND (r.status <> {status:parked} OR r.run = ANY (ARRAY(
                SELECT m.run FROM unnest(mail_run, mail_number, m_kind) AS m (run, mail, kind)
                WHERE m.mail IS NOT NULL AND m.kind >= {mail:cancel}
            )));
    END IF;
END
$$;
