-- What a boolean was in the last recorded statement of a group, true where those recorded last
-- differ, and null where none states it.
(
    coalesce(
        max(stated.recorded_at) FILTER (WHERE stated.{column})
        >= max(stated.recorded_at) FILTER (WHERE NOT stated.{column}),
        bool_or(stated.{column})
    )
)
