-- A million customers' statements are then grouped and joined in memory.
SET LOCAL work_mem = '128MB';
SET LOCAL jit = off;
