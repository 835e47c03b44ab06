COPY {staging} ({columns}) FROM STDIN (
    FORMAT csv, FREEZE, DELIMITER {delimiter}, ENCODING {encoding}, FORCE_NOT_NULL ({columns})
);
