-- What an operator pages on: a name, a label, a figure. Ages are in seconds, by the server's clock.
SELECT
    'open_alarms' AS name,
    kind AS label,
    count(*)::double precision AS figure
FROM alarms
WHERE closed_at IS NULL
GROUP BY kind
UNION ALL
SELECT
    'unsent_messages' AS name,
    '' AS label,
    count(*)::double precision AS figure
FROM alarm_messages
WHERE sent_at IS NULL
UNION ALL
SELECT
    'drift_report_age' AS name,
    '' AS label,
    extract(EPOCH FROM clock_timestamp() - max(made_at))::double precision AS figure
FROM drift_reports
UNION ALL
SELECT
    'performance_report_age' AS name,
    '' AS label,
    extract(EPOCH FROM clock_timestamp() - max(made_at))::double precision AS figure
FROM performance_reports
UNION ALL
SELECT
    'decision_age' AS name,
    '' AS label,
    extract(EPOCH FROM clock_timestamp() - max(happened_at))::double precision AS figure
FROM model_events
WHERE kind IN ('proposed', 'kept')
UNION ALL
SELECT
    'load_age' AS name,
    '' AS label,
    extract(EPOCH FROM clock_timestamp() - max(finished_at))::double precision AS figure
FROM loads
WHERE verdict != 'stop'
UNION ALL
(
    SELECT
        'drift_verdict' AS name,
        verdict AS label,
        1.0 AS figure
    FROM drift_reports
    ORDER BY as_of DESC, window_end DESC, report_id DESC
    LIMIT 1
)
UNION ALL
(
    SELECT
        'label_coverage' AS name,
        '' AS label,
        (content ->> 'labelled')::double precision / nullif(rows, 0) AS figure
    FROM performance_reports
    WHERE content ->> 'is_mature' = 'true'
    ORDER BY as_of DESC, window_end DESC, window_start DESC, report_id DESC
    LIMIT 1
);
