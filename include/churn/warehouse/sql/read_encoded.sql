-- Every customer in few bytes: a profile number, amounts, and the hash by look_alikes.py.
SELECT {code}, {amounts}, {hash} FROM {source}
