COPY {staging} ({columns}) FROM STDIN (
    FORMAT csv, DELIMITER {delimiter}, ENCODING {encoding}, FORCE_NOT_NULL ({columns})
);
