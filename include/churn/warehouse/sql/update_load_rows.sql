UPDATE loads SET
    rows = {rows},
    careful = {careful},
    decimal_mark = {decimal_mark},
    thousands_mark = {thousands_mark},
    unended = {unended}
WHERE load_id = {load_id};
