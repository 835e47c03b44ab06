-- Every customer in few bytes: a profile number, amounts, and the hash of churn.customer.look_alikes.
SELECT {code}, {amounts}, {hash} FROM {source}
