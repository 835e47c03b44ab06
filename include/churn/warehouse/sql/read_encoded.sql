-- Every customer in few bytes: a profile number, amounts, and the hash of churn.customer.look_alikes.
COPY (
    SELECT {code}, {amounts}, {hash} FROM {source}
) TO STDOUT (FORMAT binary);
