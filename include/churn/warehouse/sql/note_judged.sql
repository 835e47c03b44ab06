-- A run as of an earlier moment than the last one that judged a condition gets no row back.
INSERT INTO alarm_checks (kind, subject, judged_at)
SELECT
    pair.kind,
    pair.subject,
    {as_of}
FROM unnest({kinds}::text[], {subjects}::text[]) AS pair (kind, subject)
ON CONFLICT (kind, subject) DO UPDATE
    SET judged_at = excluded.judged_at
    WHERE alarm_checks.judged_at <= excluded.judged_at
RETURNING kind, subject;
