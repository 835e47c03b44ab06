WITH
seen AS (
    UPDATE alarms SET
        model_version = {model_version},
        sentence = {sentence},
        figures = {figures},
        asks_retrain = {asks_retrain},
        last_seen_at = {as_of}
    WHERE kind = {kind} AND subject = {subject} AND closed_at IS NULL
    RETURNING alarm_id
),

opened AS (
    INSERT INTO alarms (
        kind, subject, model_version, sentence, figures, asks_retrain, opened_at, last_seen_at
    )
    SELECT
        {kind},
        {subject},
        {model_version},
        {sentence},
        {figures},
        {asks_retrain},
        {as_of},
        {as_of}
    WHERE NOT EXISTS (SELECT 1 FROM seen)
    RETURNING alarm_id
)

SELECT
    alarm_id,
    TRUE AS is_new
FROM opened
UNION ALL
SELECT
    alarm_id,
    FALSE AS is_new
FROM seen;
