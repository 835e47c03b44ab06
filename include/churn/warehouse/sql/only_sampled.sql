-- A sample by a hash of the id: the same customers night after night, wherever they stand.
WHERE hashtextextended({staged_id}, 0) % {one_in} = 0
