-- Where only the text of a file's lines is there, whichever cell of it has the word.
DELETE FROM {table} AS erased
WHERE
    EXISTS (
        SELECT FROM jsonb_each_text(to_jsonb(erased.*)) AS cell
        WHERE cell.value ~ {word}
    );
