-- Tables that have only the text of a file's lines: any cell may have the word.
DELETE FROM {table} AS erased
WHERE
    EXISTS (
        SELECT FROM jsonb_each_text(to_jsonb(erased.*)) AS cell
        WHERE cell.value ~ {word}
    );
